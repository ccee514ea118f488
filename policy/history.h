/* history.h - what like runs drew and how long they took: kept when a run is settled,
 * asked when the next one is estimated
 *
 * Like runs are those of the same user, account, job name and partition that asked for
 * the same nodes, CPUs and GPUs. What they asked for counts, not what they were given:
 * Slurm may round that up, and a pending job does not know it yet.
 */
#ifndef KWOTA_HISTORY_H
#define KWOTA_HISTORY_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/ledger.h"
#include "policy/policy.h"

/* So many of the newest are looked at (more if the policy wants more), and kept. */
#define HISTORY_LOOK 50
#define HISTORY_KEPT 200

/* The mean power of a run shorter than this is mostly its start's. */
#define HISTORY_LEAST_S 60

/* A duration that is longer than any time limit. */
#define HISTORY_ENDLESS INT64_MAX

struct history_key {
    const char *cluster, *user, *account, *name, *partition;
    int64_t nodes, cpus, gpus; /* asked for */
};

struct history_run {
    int64_t mw; /* mean power */
    int64_t s;  /* how long it took; HISTORY_ENDLESS: its time limit ended it */
};

/* What a like run is expected to draw, and how long it takes. */
struct history_estimate {
    int runs;       /* of so many; 0: there are too few, the rest means nothing */
    int64_t mw;     /* so much at most, by the policy's quantile */
    int64_t s;      /* the same; HISTORY_ENDLESS: as long as it may */
    bool simulated; /* any of them was */
    int estimated;  /* so many are Slurm's past jobs, which kwota did not measure */
};

/* The run is settled, with so much energy in all: it becomes history if it ended by
 * itself or at its limit, all of its energy is known, and it was long enough. Wants the
 * ledger's lock held. */
int history_keep(struct ledger *ledger, int64_t run_id, int64_t mj);

/* Wants the ledger's lock held. -1: the ledger cannot be read. */
int history_estimate(struct ledger *ledger, const struct policy *policy,
                     const struct history_key *key, struct history_estimate *estimate);

/* The same by these figures instead of the policy's own. */
int history_estimate_by(struct ledger *ledger, const struct policy_figures *figures,
                        const struct history_key *key,
                        struct history_estimate *estimate);

/* The same of these runs (their order is changed). Pure. */
void history_weigh(struct history_run *runs, int count,
                   const struct policy_figures *figures,
                   struct history_estimate *estimate);

/* The smallest of sorted values that `percent` of them, rounded up, do not exceed.
 * count > 0; pure. */
int64_t history_quantile(const int64_t *sorted, int count, int64_t percent);

#endif
