/* caps.h - what runs of this node are held to, and what was before: the life of a cap
 *
 * kwotad orders a cap for a run. The limit that a device had is saved on disk before it
 * is changed, and set back when no run is to be held there any longer: at the run's
 * end, in whatever way it ends, also when only a later meter learns of it. A device
 * held by several runs gets the highest of their caps, and none if one of them has
 * none. A limit is never raised above what was found, nor set outside the device's
 * range. What someone else has set meanwhile stands.
 *
 * All calls of devices, cgroups and Slurm's tools are made in a thread of its own,
 * which is started when there is something to cap: a library that hangs delays nobody
 * else. All functions below are for any thread and wait for no device.
 *
 * Sources: NVML's nvmlDeviceSetPowerManagementLimit ("not persistent across reboots",
 * nor across an unload of the driver); the kernel's Documentation/power/powercap,
 * admin-guide/cgroup-v2 (cpu.max), scheduler/sched-bwc (cpu.cfs_quota_us).
 */
#ifndef METER_CAPS_H
#define METER_CAPS_H

#include <jansson.h>
#include <pthread.h>

#include "plugin/meter/books.h"
#include "plugin/meter/caps_book.h"
#include "plugin/meter/limit.h"
#include "plugin/meter/sources.h"
#include "plugin/meter/throttle.h"

/* A run as the books have it. */
struct caps_live {
    char token[BOOKS_TOKEN];
    char sluid[BOOKS_SLUID];
    uint32_t job, uid;
    int64_t cpus; /* 0 unknown */
    uint64_t gpus;
    int64_t start_ns, end_ms;
    bool final;
    bool begun; /* its prolog has been told to go on */
};

/* A device as it was last seen. */
struct caps_seen {
    int64_t now_mw; /* LIMIT_UNKNOWN: it could not be read */
    int64_t read_ns;
    int64_t wanted_mw;      /* when it was last settled; 0: nothing */
    char failed[LIMIT_WHY]; /* why it could not be read or set; "": it could */
    int64_t retry_ns; /* not before; INT64_MAX: not until something else is wanted */
    int64_t backoff_ns;
};

struct caps {
    const struct sources *sources;
    char dir[512];
    char boot[CAPS_BOOT];
    struct throttle throttle; /* of the thread alone */
    pthread_t thread;
    bool started;
    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t wake;
    bool stop, capping;
    int64_t asked, done;  /* passes */
    int64_t heard_ns;     /* of kwotad */
    int64_t calling_ns;   /* a call that may hang has begun; 0: none */
    int64_t hang_told_ns; /* … the one of which it is in the log that it does */
    char calling[COUNTER_NAME + 16]; /* … of what */
    char broken[LIMIT_WHY];          /* why nothing is asked of devices; "": it is */
    bool open, dirty;
    int64_t opened_ns, looked_ns;
    struct limits limits; /* while `open` only read */
    struct caps_seen seen[LIMIT_MAX];
    struct caps_book book;
    int live_count;
    struct caps_live live[BOOKS_MAX_RUNS];
};

/* What kwotad said of a run; what it did not say stays. */
struct caps_order {
    bool cap_told;
    struct cap cap;
    bool allowance_told;
    int64_t allowance_mj;
    enum caps_then then;
};

/* Reads the book in `dir`. The thread is started if there is anything in it. */
void caps_open(struct caps *caps, const struct sources *sources, const char *node,
               const char *dir, const char *boot);
void caps_close(struct caps *caps);

/* kwotad has answered a report; whether it caps at all. Floors are undone. */
void caps_heard(struct caps *caps, bool capping);

/* kwotad's word on a running run, which books have. */
void caps_tell(struct caps *caps, const struct books *books, const char *token,
               const struct caps_order *order);

/* After a tick, a start, a step or an end; acts on allowances. Cheap where nothing is
 * capped. The books are only read; the caller has their lock. */
void caps_look(struct caps *caps, const struct books *books);

/* Whether the run's prolog need wait no longer for its cap: it is applied, or that was
 * tried for a second. From then on the run counts as one that holds its GPUs. */
bool caps_ready(struct caps *caps, const char *token);

/* A cap as the reports' replies have it; what is out of bounds is as if not there. */
void caps_order_read(const json_t *object, struct caps_order *order);

/* Adds `caps` to a report's runs, and `limits` to the report. */
void caps_report(struct caps *caps, json_t *report);

/* For the end-of-job block: to what and how long the run was capped; NULL: never. */
json_t *caps_summary(struct caps *caps, const char *token);

#endif
