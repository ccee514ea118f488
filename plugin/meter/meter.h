/* meter.h - the meter of one node: ticks, and what is asked of it between them
 *
 * All functions below but meter_snapshot(), meter_acknowledge() and meter_configure()
 * belong to the main thread; those three may be called by the reporter's thread.
 */
#ifndef METER_METER_H
#define METER_METER_H

#include <pthread.h>

#include "plugin/meter/books.h"
#include "plugin/meter/busy.h"
#include "plugin/meter/counter.h"
#include "plugin/meter/cputime.h"
#include "plugin/meter/state.h"

struct meter_options {
    const char *node, *server, *root, *run, *spool, *munge, *user, *log;
    long timeout_ms;
};

struct meter {
    const struct meter_options *options;
    struct counter counters[COUNTER_MAX];
    int counter_count;
    struct cputime cputime;
    struct busy busy;
    struct state state;
    int64_t busy_ns, cpus; /* as of this tick; -1 unknown */
    pthread_mutex_t lock;  /* guards books */
    struct books books;
};

/* What a prolog says of a job. */
struct meter_job {
    uint32_t job, uid;
    int64_t cpus; /* on this node; -1 unknown */
    int64_t node_count;
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

/* Reads the job's CPU time while its cgroup exists. */
void meter_look(struct meter *meter, uint32_t job);

/* A job is over on this node; its counts become final, on disk. */
void meter_end(struct meter *meter, uint32_t job);

/* Last tick; closes everything. Runs go on with the next meter. */
void meter_close(struct meter *meter);

/* A copy of the books, with a new report number. */
void meter_snapshot(struct meter *meter, struct books *copy);

/* kwotad has this final on disk. */
void meter_acknowledge(struct meter *meter, const char *token);

/* What kwotad's reply configures; values out of sane bounds are ignored, null and
 * absent ones are -1. idle_mw is by kind. */
void meter_configure(struct meter *meter, int64_t tick_ms, int64_t report_ms,
                     int64_t cpus, const int64_t idle_mw[COUNTER_KINDS]);

int64_t meter_now_ns(void); /* CLOCK_BOOTTIME */
int64_t meter_now_ms(void); /* since 1970 */

/* A line in the log, with the time. */
void meter_log(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
