/* expected.h - what a job is expected to use, by the history of like runs, else by the
 * nameplate: the one figure that liens, waiting jobs and quotes go by
 */
#ifndef KWOTA_EXPECTED_H
#define KWOTA_EXPECTED_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/estimate.h"
#include "policy/ledger.h"
#include "policy/policy.h"

#define EXPECTED_SOURCE 192

struct expected_job {
    const char *cluster, *user, *account, *name, *partition;
    int64_t asked_nodes, asked_cpus, asked_gpus; /* by which runs are like it */
    struct shape shape;                          /* limit_s 0: no limit */
    int64_t gpu_cap_mw; /* its user's --gpu-power-cap; 0: none */
};

struct expected {
    int64_t mj; /* -1: nobody can tell, and the rest is 0 */
    int64_t mw;
    int64_t s;     /* at this power, so long */
    int runs;      /* of history; 0: by the nameplate */
    int estimated; /* so many of them are Slurm's past jobs, not measured */
    bool simulated;
    char source[EXPECTED_SOURCE]; /* "history: 12 runs, 95 % drew at most 350 W" or
                                     "nameplate of partition gpu" */
};

/* Keeps what history says, for as long as a pass over many jobs takes. NULL: memory is
 * out. */
struct expected_cache;
struct expected_cache *expected_cache_new(void);
void expected_cache_free(struct expected_cache *cache);

/* Returns expected->mj. History counts where there is enough of it, whether the
 * nameplate has more or less. Wants the ledger's lock held; `cache` may be NULL. */
int64_t expected_mj(struct ledger *ledger, const struct policy *policy,
                    struct expected_cache *cache, const struct expected_job *job,
                    struct expected *expected);

#endif
