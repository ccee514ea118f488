/* waiting.h - jobs that have not begun: their liens as Slurm worked them out, what
 * kwota held, and why they wait
 *
 * May take seconds: without the ledger's lock, from one thread.
 */
#ifndef KWOTA_WAITING_H
#define KWOTA_WAITING_H

#include <jansson.h>

#include "policy/expected.h"
#include "policy/ledger.h"
#include "policy/policy.h"
#include "policy/slurm_queue.h"
#include "policy/standing.h"

struct waiting {
    struct ledger *ledger;
    const char *cluster;
    const struct queue_partition *partitions;
    int partition_count;
    const struct standings *standings; /* NULL: no energy is kept together */
    json_t *list; /* of the last pass: jobs that wait for energy (API.md) */
    /* … and all jobs by id, without licences and admin_comment; the caller frees
     * them. */
    struct queue_job *jobs;
    int job_count;
};

/* Corrects licences, releases what fits again, comments; makes `list` anew. -1:
 * slurmctld cannot be asked. */
int waiting_pass(struct waiting *waiting, const struct policy *policy, int64_t now_s);

/* The job's estimate in mJ where it is largest of its partitions; -1: nobody can tell.
 * ledger NULL: by the nameplate alone; else its lock is held. `cache` may be NULL. */
int64_t waiting_estimate(struct ledger *ledger, const struct policy *policy,
                         const char *cluster, struct expected_cache *cache,
                         const struct queue_partition *partitions, int partition_count,
                         const struct queue_job *job);

#endif
