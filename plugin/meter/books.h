/* books.h - all that a meter must not forget: its domains, its runs, their energy
 *
 * One flat structure without pointers, so that it can be saved and copied for a report
 * in a few pieces. Every amount is cumulative. For every domain
 * total_uj = jobs_uj + node_uj at every moment.
 */
#ifndef METER_BOOKS_H
#define METER_BOOKS_H

#include <stdbool.h>
#include <stdint.h>

#include "plugin/meter/counter.h"

#define BOOKS_DOMAINS 32
#define BOOKS_MAX_RUNS 256
#define BOOKS_STEPS 256
#define BOOKS_TOKEN 33 /* 32 hex digits and NUL */
#define BOOKS_SLUID 24
#define BOOKS_UNKNOWN INT64_MIN

/* Of a node: what shares are measured in. */
#define BOOKS_WHOLE INT64_C(1000000)

/* Why a run's energy is less than certain. */
enum books_reason {
    BOOKS_COUNTER_UNKNOWN, /* a counter could not be read */
    BOOKS_COUNTER_RESET,   /* a counter started anew */
    BOOKS_TWO_WRAPS,       /* a counter may have wrapped twice */
    BOOKS_COUNTER_STUCK,   /* a counter stood still while others moved */
    BOOKS_NO_SAMPLES,      /* power was not sampled in time */
    BOOKS_METER_DOWN,      /* the meter did not run */
    BOOKS_NODE_ASLEEP,     /* the node was suspended */
    BOOKS_REBOOT,          /* the node rebooted during the run */
    BOOKS_NO_CPU_TIME,     /* no cgroup: divided by allocated CPUs */
    BOOKS_NO_CPUS,         /* its CPUs on this node are unknown: counted as one */
    BOOKS_NO_START,        /* its start was not told: measured from its first step */
    BOOKS_NO_END,          /* its end was never told */
    BOOKS_REASONS
};

struct books_domain {
    char name[COUNTER_NAME];
    char source[16];
    char reason[COUNTER_REASON]; /* why there is no value now; empty if there is */
    int32_t kind;                /* enum counter_kind */
    bool integrated;             /* power integrated over time */
    bool read;                   /* last_raw_uj is of this boot */
    bool mixed; /* runs began or ended while it had no value: what it shows next is of
                   an unknown set of runs */
    int64_t last_raw_uj, session, lost_ms; /* as last read */
    uint64_t gpus;                         /* a GPU: Slurm's places of it, as bits */
    int64_t seen_ns;      /* up to when it is accounted, CLOCK_BOOTTIME */
    int64_t read_ns;      /* when it was last read */
    int64_t moved_ns;     /* when it was last seen to move */
    int64_t busy_seen_ns; /* the node's busy time at seen_ns */
    int64_t idle_due_uj;  /* idle energy that the counter has not shown yet */
    int64_t own_due_ns;   /* CPU time of no job that is not accounted yet; may be < 0 */
    int64_t counter_uj;   /* what the counter moved by; a platform's includes what it
                             covers, which is not in total_uj */
    int64_t total_uj, jobs_uj, node_uj;
    uint32_t covers;      /* a platform: the domains (bits) it covers */
    int64_t covered_uj;   /* … their totals when last looked at */
    int64_t rest_due_uj;  /* … what they do not explain and is not divided yet */
    int64_t gap_ms;       /* time in which what it used is unknown */
    int64_t gap_until_ns; /* up to when that is counted */
    int64_t idle_low_mw;  /* the lowest mean power seen; 0: none yet */
    int64_t window_ns, window_uj; /* the window being averaged for it */
};

struct books_run {
    char token[BOOKS_TOKEN];
    char sluid[BOOKS_SLUID]; /* Slurm's name of the job since 26.05; "": none */
    uint32_t job, uid;
    int32_t cpus;      /* on this node; 0 unknown */
    int64_t memory_mb; /* on this node; 0 unknown */
    uint64_t gpus;     /* Slurm's places of its GPUs here, as bits */
    int64_t share;     /* books_share() as of this tick */
    int32_t node_count;
    int64_t start_ms, end_ms; /* since 1970; end_ms 0 while it runs */
    int64_t start_ns;         /* CLOCK_BOOTTIME */
    bool final;               /* over; kept until kwotad has it */
    bool cpu_known;           /* its cgroup was found at least once */
    bool by_cpus;             /* it has none: allocated CPUs stand for CPU time */
    int64_t gone_ns;          /* since when its cgroup is gone again; 0: it is not */
    bool suspended;
    uint32_t reasons;     /* bits of enum books_reason */
    uint32_t apportioned; /* domains (bits) whose energy was divided with others */
    int64_t cpu_ns;       /* CPU time used so far */
    int64_t tick_cpu_ns;  /* … in the last tick */
    int32_t live_steps;   /* steps that are not over, as of this tick */
    int64_t step_uj[COUNTER_KINDS]; /* of its energy, already divided among steps */
    /* All below is saved as far as it is used (state.c). */
    int64_t flagged_ns[BOOKS_REASONS];       /* time of which a reason holds */
    int64_t flagged_until_ns[BOOKS_REASONS]; /* up to when that is counted */
    int64_t cpu_seen_ns[BOOKS_DOMAINS];      /* CPU time that a domain has accounted */
    int64_t uj[BOOKS_DOMAINS];               /* BOOKS_UNKNOWN until a domain gave any */
};

/* A step of a run on this node. */
struct books_step {
    char token[BOOKS_TOKEN]; /* its run; "": a free place */
    uint32_t step;           /* as Slurm numbers them, batch and extern included */
    int32_t cpus;            /* 0 unknown */
    bool over;
    int32_t run; /* the place of its run, if that has not moved */
    int64_t start_ms, end_ms;
    int64_t cpu_ns, cpu_seen_ns;
    int64_t uj[COUNTER_KINDS]; /* BOOKS_UNKNOWN until there was any */
};

struct books {
    char epoch[BOOKS_TOKEN];
    char boot_id[40];
    int64_t seq; /* of the last report */
    int64_t tick_ms, report_ms;
    int64_t tick_ns;                /* when the last tick was, CLOCK_BOOTTIME */
    int64_t tick_at_ms;             /* … since 1970: what the counts are as of */
    int64_t asleep_ns;              /* time this boot was suspended, as of then */
    int64_t idle_mw[COUNTER_KINDS]; /* configured; 0: learn it */
    int64_t cpus;       /* of the node as Slurm says; 0: as /proc/stat says */
    int64_t memory_mb;  /* of the node as Slurm says; 0: unknown */
    int32_t gpus;       /* of the node: Slurm's places */
    bool share_by_cpus; /* policy: a share is CPUs alone, not the largest fraction */
    bool simulated;
    int32_t domain_count, run_count;
    int32_t step_count; /* places used, free ones between them included */
    struct books_domain domains[BOOKS_DOMAINS];
    struct books_step steps[BOOKS_STEPS];
    struct books_run runs[BOOKS_MAX_RUNS];
};

/* Empty books with a new epoch and the default intervals. */
void books_init(struct books *books);

/* Copies what is used. */
void books_copy(struct books *to, const struct books *from);

/* 32 random hex digits. */
void books_token(char token[BOOKS_TOKEN]);

/* The domain of that name, made if it is new; NULL when there is no room. */
struct books_domain *books_domain(struct books *books, const struct counter *counter);

/* The running run of a job, or NULL. */
struct books_run *books_running(struct books *books, uint32_t job);

/* A new run; NULL when BOOKS_MAX_RUNS are kept. */
struct books_run *books_start(struct books *books, uint32_t job, int64_t now_ms,
                              int64_t now_ns);

void books_end(struct books_run *run, int64_t now_ms);

/* Forgets a final run that kwotad has, and its steps. */
void books_forget(struct books *books, const char *token);

/* The reason holds for this run, from one moment to another (CLOCK_BOOTTIME; time
 * before the run or counted already is left out), or as such where both are 0. */
void books_flag(struct books_run *run, enum books_reason reason, int64_t from_ns,
                int64_t until_ns);

/* … for all running runs. */
void books_flag_all(struct books *books, enum books_reason reason, int64_t from_ns,
                    int64_t until_ns);

/* A sentence for one reason of a run, with the seconds it holds for where it has any.
 */
void books_reason_text(const struct books_run *run, enum books_reason reason,
                       char *text, int size);

/* The step of a running run, made if it is new; NULL when there is no room. */
struct books_step *books_step(struct books *books, const struct books_run *run,
                              uint32_t step, int64_t now_ms);

/* The place of a step's run among the runs; -1: it is not there. */
int books_run_of(const struct books *books, struct books_step *step);

/* The run's part of the node in BOOKS_WHOLE: its CPUs (none while it is suspended), or
 * the largest of its fractions of CPUs, memory and GPUs. */
int64_t books_share(const struct books *books, const struct books_run *run,
                    int64_t node_cpus);

#endif
