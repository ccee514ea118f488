/* lien.h - energy set aside for runs: taken at the start, raised, given back
 *
 * All functions want the ledger's lock held (ledger_begin()). Decisions are written to
 * the table `decisions` with their rule. What is to be done to a job as a consequence
 * is the caller's, without the lock.
 */
#ifndef KWOTA_LIEN_H
#define KWOTA_LIEN_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/ledger.h"
#include "policy/policy.h"
#include "policy/slurm_lookup.h"

#define LIEN_WHY 320

/* Estimates of jobs without a time limit are for so long. */
#define LIEN_NO_LIMIT_S (INT64_C(366) * 86400)

enum lien_verdict {
    LIEN_RUN,  /* it may run */
    LIEN_HOLD, /* it is to be held, for the reason in `why` */
    LIEN_WAIT, /* LIEN_EARLY: it would be held; nothing is decided */
};

/* When a start is looked at. */
enum lien_moment {
    LIEN_NOW,
    LIEN_LATE,  /* its job runs already, and holding it would undo its work */
    LIEN_EARLY, /* its prolog can wait for room */
};

/* What quotas had left when they were asked last, less what liens took from them since:
 * for starts that are decided one after the other, in one transaction in which nothing
 * else is done to a quota. Begins as {0}. It may have less than there is: who is not
 * let in by it is asked about again. */
struct lien_rooms {
    int count;
    struct lien_room {
        int64_t quota_id, left_mj;
    } rooms[256];
};

/* Decides for a run that has just begun, once: later calls give the same verdict.
 * One that is late is not held, and gets a lien of what there is; so does one that is
 * spared because everything is frozen or the breaker is out. Errors of the ledger let
 * it run. rooms may be NULL. */
enum lien_verdict lien_open(struct ledger *ledger, const struct policy *policy,
                            const char *cluster, int64_t run_id,
                            const struct lookup_run *run, enum lien_moment moment,
                            int64_t now_s, struct lien_rooms *rooms,
                            char why[LIEN_WHY]);

/* Looks at a running run's use: raises its lien where it runs short, as far as its
 * quotas have it. 1: it is to be ended, for the reason in `why`; else 0. A strict run
 * whose rule is strict no more is charged as strict, but not ended. */
int lien_review(struct ledger *ledger, const struct policy *policy, const char *cluster,
                int64_t run_id, int64_t report_ms, int64_t now_s, char why[LIEN_WHY]);

/* The run's time limit has changed: the lien is raised if it can be. 1: it had changed.
 */
int lien_limit(struct ledger *ledger, const struct policy *policy, const char *cluster,
               int64_t run_id, const struct lookup_run *run, int64_t now_s);

/* The run is over and has used `used_mj`: before it is charged, a strict lien that is
 * short of that is raised as far as the quotas had room when it ended. A run that
 * kwotad never decided about gets one here if its rule is strict. With counts that come
 * after the charge too: what of them the quotas have no room for is the centre's.
 * policy may be NULL: nothing is raised. */
int lien_settle(struct ledger *ledger, const struct policy *policy, int64_t run_id,
                int64_t used_mj);

/* What may be charged for a run that used `used_mj`: no more than its lien where its
 * rule is strict. */
int64_t lien_billable(struct ledger *ledger, int64_t run_id, int64_t used_mj);

/* The run is settled: its lien is no more, but its amount is kept with the run. */
int lien_close(struct ledger *ledger, int64_t run_id);

/* What a job wants. */
struct lien_claim {
    const char *account, *user, *partition;
    int64_t mj;
};

/* Whether it fits into every quota that binds such a job; if not, `why` says which does
 * not have it. `but_run` as in quota_balance(). */
bool lien_fits(struct ledger *ledger, const struct policy *policy, const char *cluster,
               const struct lien_claim *claim, int64_t but_run, int64_t now_s,
               char why[LIEN_WHY]);

/* "strict", … */
const char *lien_enforce_text(enum policy_enforce enforce);

#endif
