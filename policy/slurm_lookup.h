/* slurm_lookup.h - asking Slurm about jobs and people: the one file that knows libslurm
 *
 * Every call may take seconds when slurmctld or slurmdbd is slow or away: never from a
 * thread that answers nodes, never under the ledger's lock. One thread at a time.
 */
#ifndef KWOTA_SLURM_LOOKUP_H
#define KWOTA_SLURM_LOOKUP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* What a job holds on one of its nodes; 0: unknown. */
struct lookup_share {
    char node[256];
    int64_t cpus, memory_mb;
    char gpus[64]; /* Slurm's places of them, "0-1,3"; "": unknown, or none */
};

/* One run of a job, as slurmctld or slurmdbd knows it. */
struct lookup_run {
    uint32_t job_id;
    char text[64];                    /* as Slurm prints it: 12, 12_3, 15+1 */
    int64_t submit_s, start_s, end_s; /* end_s: 0 while it runs */
    int64_t restart;
    uint32_t uid;
    char user[64], account[64], partition[64], name[128], state[32];
    int64_t node_count;
    bool over;    /* it has ended */
    bool started; /* it ever had nodes */
    /* Not slurmctld's own complete word: slurmdbd's row, which may lack user and nodes
     * for as long as slurmctld owes it the rest, or a resized job's, whose list no
     * longer has the nodes it gave back. */
    bool hearsay;
    char nodes[4096];
    /* As slurmctld tells them; of a row of slurmdbd's all 0: unknown. */
    int64_t cpus, gpus; /* allocated */
    int64_t asked_nodes, asked_cpus, asked_gpus;
    int64_t limit_s;    /* its time limit; 0: none */
    int64_t until_s;    /* when that is over; 0: never, or it does not run */
    int64_t licence_wh; /* what it holds of the licence "kwota" */
    int64_t budget_wh;  /* what its user allowed it at most; 0: no such word */
    int64_t gpu_cap_mw; /* its --gpu-power-cap; 0: none */
    char qos[64];
    char gpu_types[128];  /* of the GPUs it holds: "a100,v100"; "": unknown, or none */
    bool batch, requeues; /* it has a script; Slurm may requeue it */
    bool cron;            /* scrontab's: Slurm refuses every update */
    char act[64];         /* as what Slurm takes actions on it: 12, 12_3, 15 (leader) */
    int64_t het_others;   /* a het job's leader: so many other parts; else 0 */
    /* By node, while it runs and slurmctld is the one who tells; else none. */
    struct lookup_share *shares;
    size_t share_count;
};

/* Frees what a lookup that found a run has put into it. */
void lookup_done(struct lookup_run *run);

/* libslurm's configuration (SLURM_CONF or its default place). */
void lookup_init(void);

/* The cluster's name, "" if there is none; SlurmUser's uid. */
void lookup_cluster(char *name, size_t size, uid_t *slurm_user);

/* Slurm's default of KillWait. */
#define LOOKUP_KILL_WAIT_S 30

/* KillWait: so long a job that is ended may go on; Slurm's default if it cannot be
 * asked. */
int64_t lookup_kill_wait_s(void);

/* The run of `job` that was under way at `at_s` (see match.h); with at_s 0 its newest.
 * 1: found, lookup_done() is due; 0: Slurm knows none; -1: Slurm cannot be asked now.
 */
int lookup_job(uint32_t job, int64_t at_s, struct lookup_run *run);

/* The run of `job` submitted at submit_s. As above. */
int lookup_submitted(uint32_t job, int64_t submit_s, struct lookup_run *run);

bool lookup_has_node(const struct lookup_run *run, const char *node);

/* A node as slurmctld knows it: the CPUs that jobs can get, and its RealMemory. */
struct lookup_node {
    int64_t cpus, memory_mb;
};

/* 1: found; 0: slurmctld knows no such node; -1: it cannot be asked now. */
int lookup_node(const char *node, struct lookup_node *found);

/* What slurmdbd says of a person: whether they see everything (operator,
 * administrator); calls `coordinates` for each account they coordinate. -1: slurmdbd
 * cannot be asked. */
int lookup_person(const char *user, bool *sees_all,
                  void (*coordinates)(const char *account, void *arg), void *arg);

#endif
