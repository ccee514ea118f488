/* books.h - all that a meter must not forget: its domains, its runs, their energy
 *
 * One flat structure without pointers, so that it can be saved as it lies in memory and
 * copied for a report in one piece. Every amount is cumulative. For every domain
 * total_uj = jobs_uj + node_uj at every moment.
 */
#ifndef METER_BOOKS_H
#define METER_BOOKS_H

#include <stdbool.h>
#include <stdint.h>

#include "plugin/meter/counter.h"

#define BOOKS_MAX_RUNS 256
#define BOOKS_TOKEN 33 /* 32 hex digits and NUL */
#define BOOKS_UNKNOWN INT64_MIN

/* Why a run's energy is less than certain; bits of a run's `reasons`. */
enum books_reason {
    BOOKS_COUNTER_UNKNOWN = 1 << 0, /* a counter could not be read for a while */
    BOOKS_COUNTER_RESET = 1 << 1, /* a counter started anew or may have wrapped twice */
    BOOKS_REBOOT = 1 << 2,        /* the node rebooted during the run */
    BOOKS_NO_CPU_TIME = 1 << 3,   /* no cgroup: divided by allocated CPUs */
    BOOKS_NO_CPUS = 1 << 4, /* its CPUs on this node are unknown: counted as one */
    BOOKS_NO_END = 1 << 5   /* its end was never told */
};

struct books_domain {
    char name[COUNTER_NAME];
    char source[16];
    char reason[COUNTER_REASON]; /* why there is no value now; empty if there is */
    int32_t kind;                /* enum counter_kind */
    bool read;                   /* last_raw_uj is of this boot */
    int64_t last_raw_uj;
    int64_t seen_ns;      /* up to when it is accounted, CLOCK_BOOTTIME */
    int64_t busy_seen_ns; /* the node's busy time then */
    int64_t idle_due_uj;  /* idle energy that the counter has not shown yet */
    int64_t own_due_ns;   /* CPU time of no job that is not accounted yet; may be < 0 */
    int64_t total_uj, jobs_uj, node_uj;
    int64_t gap_ms;               /* time in which what it used is unknown */
    int64_t idle_low_mw;          /* the lowest mean power seen; 0: none yet */
    int64_t window_ns, window_uj; /* the window being averaged for it */
};

struct books_run {
    char token[BOOKS_TOKEN];
    uint32_t job, uid;
    int32_t cpus; /* on this node */
    int32_t node_count;
    int64_t start_ms, end_ms; /* since 1970; end_ms 0 while it runs */
    bool final;               /* over; kept until kwotad has it */
    bool cpu_known;           /* its cgroup was found at least once */
    uint32_t reasons;
    int64_t cpu_ns;                   /* CPU time used so far */
    int64_t cpu_seen_ns[COUNTER_MAX]; /* … that a domain has accounted */
    int64_t uj[COUNTER_MAX];          /* BOOKS_UNKNOWN until a domain gave any */
};

struct books {
    char epoch[BOOKS_TOKEN];
    char boot_id[40];
    int64_t seq; /* of the last report */
    int64_t tick_ms, report_ms;
    int64_t idle_mw[COUNTER_KINDS]; /* configured; 0: learn it */
    int64_t cpus; /* of the node as Slurm says; 0: as /proc/stat says */
    bool simulated;
    int32_t domain_count, run_count;
    struct books_domain domains[COUNTER_MAX];
    struct books_run runs[BOOKS_MAX_RUNS];
};

/* Empty books with a new epoch and the default intervals. */
void books_init(struct books *books);

/* 32 random hex digits. */
void books_token(char token[BOOKS_TOKEN]);

/* The domain of that name, made if it is new; NULL when there is no room. */
struct books_domain *books_domain(struct books *books, const struct counter *counter);

/* The running run of a job, or NULL. */
struct books_run *books_running(struct books *books, uint32_t job);

/* A new run; NULL when BOOKS_MAX_RUNS are kept. */
struct books_run *books_start(struct books *books, uint32_t job, int64_t now_ms);

void books_end(struct books_run *run, int64_t now_ms);

/* Forgets a final run that kwotad has. */
void books_forget(struct books *books, const char *token);

/* A sentence for one reason bit. */
const char *books_reason_text(enum books_reason reason);

#endif
