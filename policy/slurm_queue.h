/* slurm_queue.h - slurmctld's jobs and partitions, all at once
 *
 * Every call may take seconds: never from a thread that answers nodes, never under the
 * ledger's lock.
 */
#ifndef KWOTA_SLURM_QUEUE_H
#define KWOTA_SLURM_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

/* A job that waits or runs; the tasks of an array that wait are one. Unknown: 0. */
struct queue_job {
    uint32_t job_id;
    char text[64]; /* as Slurm takes it: 12, 12_3; an array's waiting tasks: 12 */
    char user[64], account[64], partition[64], qos[64], name[128];
    bool pending, running;
    int64_t nodes, cpus, gpus;
    int64_t asked_nodes; /* cpus and gpus of a job that waits are what it asked for */
    int64_t limit_s;     /* 0: none */
    int64_t licence_wh;  /* of the licence "kwota" */
    char *licences;      /* all of them, as Slurm has them; "" */
    bool whole_nodes;    /* it asked for nodes of its own */
    bool held;           /* priority 0 */
    bool by_licence;     /* it waits for a limit of licences of its account or user */
    bool cron, het_part; /* scrontab's; a het job's part that is not the leader */
    uint32_t het_job;    /* the leader's id, of each part of a het job; else 0 */
    uint32_t het_offset; /* 0: the leader */
    int64_t submit_s, start_s;
    int64_t gpu_cap_mw; /* its --gpu-power-cap; 0: none */
    char *admin_comment;
};

struct queue {
    struct queue_job *jobs;
    int count;
};

/* All jobs that wait or run. -1: slurmctld cannot be asked; queue_done() frees. */
int queue_load(struct queue *queue);
void queue_done(struct queue *queue);

struct queue_partition {
    char name[64];
    bool is_default, whole_nodes;
    int64_t default_s, max_s; /* 0: none */
    int64_t node_cpus, node_gpus;
};

/* All partitions, with the largest of their nodes; free() *partitions. -1: slurmctld
 * cannot be asked. */
int queue_partitions(struct queue_partition **partitions, int *count);

#endif
