/* limits.h - how many licences Slurm may give out: GrpTRES=license/kwota of accounts
 * and users
 *
 * A licence is freed the moment its job ends, before the job is charged. So what the
 * running jobs have used is taken off the limit as well as off the budget: at a job's
 * end nothing leaks, and near a limit the next job waits until the runs before it have
 * settled.
 */
#ifndef KWOTA_LIMITS_H
#define KWOTA_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/ledger.h"
#include "policy/policy.h"
#include "policy/slurm_tree.h"

/* A running run that a quota binds. */
struct limits_run {
    int64_t licence_wh; /* what Slurm holds for it */
    int64_t lien_mj;    /* what kwota holds for it */
    int64_t used_mj;    /* by its last report */
    int64_t since_mj;   /* what it may have used since */
};

/* The licences that may be out at once: of what is available, what running runs hold as
 * licences less what they have used, in whole Wh, rounded down, never below 0. A run
 * counts at least its lien, so available_mj has that off already. Pure. */
int64_t limits_wh(int64_t available_mj, const struct limits_run *runs, int count);

/* One association's limit as it should be. */
struct limits_place {
    char account[TREE_NAME], user[TREE_NAME];
    int64_t wh;       /* -1: none */
    int64_t quota_mj; /* of the quota it comes from; 0: none */
};

/* Works out the limits of all associations of the tree; free() *places. Wants the
 * ledger's lock held. -1 on failure. */
int limits_wanted(struct ledger *ledger, const struct policy *policy,
                  const char *cluster, const struct tree *tree, int64_t report_ms,
                  int64_t now_s, struct limits_place **places, int *count);

#endif
