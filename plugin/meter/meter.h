/* meter.h - the meter of one node: ticks, and what is asked of it between them
 *
 * All functions below belong to the main thread, but meter_snapshot(), meter_sync(),
 * meter_reported(), meter_acknowledge(), meter_allocate(), meter_cap() and
 * meter_configure(), which the reporter's thread may call.
 */
#ifndef METER_METER_H
#define METER_METER_H

#include <pthread.h>

#include "plugin/meter/books.h"
#include "plugin/meter/busy.h"
#include "plugin/meter/caps.h"
#include "plugin/meter/counter.h"
#include "plugin/meter/cputime.h"
#include "plugin/meter/sources.h"
#include "plugin/meter/state.h"

struct meter_options {
    const char *node, *server, *root, *run, *spool, *munge, *user, *log;
    const char *list; /* of sources; NULL: SYSCONFDIR/sources.json if there is one */
    long timeout_ms;
    long tick_ms; /* until kwotad says otherwise; 0: as it said last */
};

struct meter {
    const struct meter_options *options;
    struct sources sources;
    struct counters counters;
    struct cputime cputime;
    struct busy busy;
    struct state state;
    int64_t busy_ns, cpus; /* as of this tick; -1 unknown */
    int64_t memory_mb;     /* of this machine; 0 unknown */
    bool unbalanced;       /* said so already */
    pthread_mutex_t lock;  /* guards books */
    struct books books;
    struct caps caps; /* has a lock of its own, taken after this one */
};

/* What a prolog says of a job. */
struct meter_job {
    uint32_t job, uid;
    int64_t cpus; /* on this node; -1 unknown */
    int64_t node_count;
    uint64_t gpus;     /* Slurm's places, as bits */
    const char *sluid; /* "" before Slurm 26.05 */
};

/* What a step's start says, of itself and of its job on this node; -1 unknown. The
 * job's CPUs count only if its start did not tell them. */
struct meter_step {
    uint32_t job, step, uid;
    int64_t cpus, job_cpus, job_memory_mb, node_count;
};

/* Opens counters and state, and goes on from where an earlier meter stopped. -1 when
 * the state cannot be opened (said on stderr). */
int meter_open(struct meter *meter, const struct meter_options *options);

/* Reads everything and divides it; with `boundary` also what has not moved, because the
 * set of jobs changes now. Saves. */
void meter_tick(struct meter *meter, bool boundary, bool sync);

/* A job starts: its token in `token`. -1 when no more runs can be kept. */
int meter_start(struct meter *meter, const struct meter_job *job,
                char token[BOOKS_TOKEN]);

/* A step starts; its job's run too, if no prolog told of it: Slurm runs none when a job
 * is back on the node before its old credential has expired. */
void meter_step(struct meter *meter, const struct meter_step *step);

/* A task of a step ended: reads the CPU time of step and job while the cgroup exists.
 * Ticks if the batch script was that step. */
void meter_look(struct meter *meter, uint32_t job, uint32_t step, bool tick);

/* What Slurm says the run holds on this node now; -1 unknown. For any thread. */
void meter_allocate(struct meter *meter, const char *token, int64_t cpus,
                    int64_t memory_mb);

/* Slurm's places of a run's GPUs here, "0-1,3"; NULL: unknown. Counts for a run that no
 * prolog told of. For any thread. */
void meter_found_gpus(struct meter *meter, const char *token, const char *places);

/* kwotad's word on what a run is held to. For any thread. */
void meter_cap(struct meter *meter, const char *token, const struct caps_order *order);

/* kwotad says that the run is over, and no end was told yet. It is believed where no
 * cgroup of the run has ever been seen; otherwise its processes may still be there. The
 * end has a while yet to come. For any thread. */
void meter_over(struct meter *meter, const char *token);

/* A job is over on this node; its counts become final, on disk. */
void meter_end(struct meter *meter, uint32_t job);

/* Last tick; closes everything. Runs go on with the next meter. */
void meter_close(struct meter *meter);

/* Samples power between ticks, where a counter needs it. */
void meter_sample(struct meter *meter);

/* A copy of the books, with a new report number. */
void meter_snapshot(struct meter *meter, struct books *copy);

/* What a copy was made of is on disk when this returns: kwotad is never told of counts
 * that a reset of the machine could take back. */
void meter_sync(struct meter *meter);

/* kwotad has taken a report of this copy. */
void meter_reported(struct meter *meter, const struct books *copy);

/* kwotad has this final on disk. */
void meter_acknowledge(struct meter *meter, const char *token);

/* What kwotad's reply configures; values out of sane bounds are ignored, null and
 * absent ones are -1. */
struct meter_configuration {
    int64_t tick_ms, report_ms;
    int64_t cpus, memory_mb; /* of the node */
    int64_t idle_mw[COUNTER_KINDS];
    bool share_by_cpus;
};

void meter_configure(struct meter *meter, const struct meter_configuration *c);

int64_t meter_now_ns(void); /* CLOCK_BOOTTIME */
int64_t meter_now_ms(void); /* since 1970 */

/* A line in the log, with the time. */
void meter_log(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
