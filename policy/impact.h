/* impact.h - how many jobs another policy would stop, before it is put in force */
#ifndef KWOTA_IMPACT_H
#define KWOTA_IMPACT_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/ledger.h"
#include "policy/policy.h"
#include "policy/slurm_queue.h"

/* So few are never too many. */
#define IMPACT_FEW 3

#define IMPACT_WHY 256

/* What a policy says of one job in one of its partitions. */
struct impact_rule {
    enum policy_enforce enforce;
    enum policy_at_limit at_limit;
    int64_t need_mj;  /* beyond what its quotas count for it already; -1: unknown */
    int64_t room_mj;  /* what they have left; INT64_MAX: none binds it */
    int64_t whole_mj; /* the smallest of them as a whole; INT64_MAX: none */
};

struct impact {
    int64_t running, pending; /* jobs that it would stop */
    int64_t jobs;             /* of so many */
};

/* Whether the job could not start, or go on, under it. Pure. */
bool impact_stops(const struct impact_rule *rule);

/* Whether so many need somebody's confirmation. Pure. */
bool impact_is_much(const struct impact *impact, int64_t confirm_percent);

/* "would stop 37 of 120 jobs (12 that run, 25 that wait)". Returns text. */
char *impact_text(const struct impact *impact, char text[IMPACT_WHY]);

/* Slurm's jobs and partitions as they were last seen. */
struct impact_queue {
    struct queue_job *jobs; /* without licences and admin_comment */
    int count;
    struct queue_partition *partitions;
    int partition_count;
};

/* Counts the jobs that `next` would stop and `now` does not. Wants the ledger's lock
 * held. */
void impact_count(struct ledger *ledger, const char *cluster,
                  const struct impact_queue *queue, const struct policy *now,
                  const struct policy *next, int64_t now_s, struct impact *impact);

#endif
