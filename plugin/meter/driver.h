/* driver.h - a library or tool that may hang, read by a thread of its own
 *
 * GPU libraries and management controllers can block for seconds or for ever. Their
 * thread reads them when asked, and by itself where power has to be sampled; it
 * publishes cumulative values, and the meter takes what is published, waiting a little
 * at most. What hangs is reported as unknown and holds up nothing.
 *
 * driver_start(), driver_ask(), driver_take() and driver_stop() belong to one thread;
 * the functions of driver_ops are called by the driver's own.
 */
#ifndef METER_DRIVER_H
#define METER_DRIVER_H

#include <stdbool.h>
#include <stdint.h>

#include "plugin/meter/counter.h"

#define DRIVER_DEVICES 32
#define DRIVER_USERS 32

/* What a job's processes did on a device since the last look. */
struct driver_user {
    uint32_t job;
    int64_t weight; /* utilisation: only its proportion counts */
};

/* One reading of one device, filled by read(). */
struct driver_sample {
    bool power; /* `value` is µW, to be integrated; else cumulative µJ */
    int64_t value;
    struct driver_user users[DRIVER_USERS]; /* only where they were asked for */
    int user_count;
};

/* What open() says of a device. */
struct driver_device {
    char name[COUNTER_NAME];
    enum counter_kind kind;
    char uuid[64];
    int32_t order;  /* its place among devices: minor number */
    int32_t slices; /* Slurm's places it takes: 1, or its instances */
    uint8_t slice_weight[COUNTER_SLICES];
    uint8_t slices_whole;
    int64_t max_power_mw;
    uint32_t covers_kinds; /* a platform's */
    bool power;            /* only power is known of it */
};

struct driver_ops {
    enum counter_source source;
    /* Opens everything and describes the devices. Returns their number, or -1 with a
     * sentence in `why`. Called again at times until it succeeds. */
    int (*open)(const struct sources *sources, struct driver_device *devices, int max,
                char why[COUNTER_REASON]);
    /* Reads one device; with `users` also who used it. -1 with a sentence in `why`. */
    int (*read)(int device, bool users, struct driver_sample *sample,
                char why[COUNTER_REASON]);
    void (*close)(void);
    int64_t period_ms;   /* between readings by itself; 0: only when asked */
    int64_t patience_ms; /* how long taking waits for an answer; 0: takes the last */
};

/* Starts the thread and waits up to `wait_ms` for open(). NULL with `why` set when it
 * cannot start at all. */
struct driver *driver_start(const struct driver_ops *ops, const struct sources *sources,
                            int64_t wait_ms, const char **why);

/* The devices once open() has succeeded; 0 before that. */
int driver_devices(struct driver *driver, const struct driver_device **devices);

/* Why there are no devices; a sentence that stays valid while the driver lives, and
 * changes only with the next call. */
const char *driver_why(struct driver *driver);

/* Whose processes use these devices (bits) is wanted with every reading. */
void driver_want_users(struct driver *driver, uint32_t devices);

/* Lets the thread read now. */
void driver_ask(struct driver *driver, int64_t now_ns);

/* The reading asked for. -1 with a sentence in `reason`. */
int driver_take(struct driver *driver, int device, struct counter_reading *reading,
                char reason[COUNTER_REASON]);

/* The users that came with the last reading; returns how many. */
int driver_users(struct driver *driver, int device,
                 struct driver_user users[DRIVER_USERS]);

/* Ends the thread; one that hangs is left behind, it ends with the process. */
void driver_stop(struct driver *driver);

/* For sources: a counter for each device of the driver, by their order. */
void driver_add_counters(struct counters *counters, struct driver *driver);

#endif
