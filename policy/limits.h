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
#include "policy/standing.h"

/* A running run that a quota binds. */
struct limits_run {
    int64_t licence_wh; /* what Slurm holds for it */
    int64_t lien_mj;    /* what kwota holds for it */
    int64_t used_mj;    /* by its last report */
    int64_t since_mj;   /* what it may have used since */
    int64_t fresh_mj;   /* of its lien, what available_mj may not have off yet */
};

/* What a running run adds to what is available: what Slurm holds of its lien, less what
 * it has used. Pure. */
int64_t limits_of_run(const struct limits_run *run);

/* The licences that may be out at once: what is available, and what limits_of_run()
 * says of the runs whose licences Slurm counts there, in whole Wh, rounded down, never
 * below 0. available_mj has their liens off already. Pure. */
int64_t limits_wh(int64_t available_mj, int64_t runs_mj);

/* One association's limit as it should be. */
struct limits_place {
    char account[TREE_NAME], user[TREE_NAME];
    int64_t wh;       /* -1: none */
    int64_t quota_mj; /* of the quota it comes from; 0: none */
};

/* Works out the limits of all associations, in the tree's order; free() *places. Wants
 * the ledger's lock held. -1 on failure. */
int limits_wanted(struct ledger *ledger, const struct policy *policy,
                  const char *cluster, const struct tree *tree,
                  const struct standings *standings, int64_t report_ms, int64_t now_s,
                  struct limits_place **places);

#endif
