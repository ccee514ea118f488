/* steer_round.h - steering on the ledger: what steer.h decides about a run is asked
 * with each of its reports, written down, and left to be carried out
 *
 * A limit goes the way of all caps (runs.steer_*, capping.h), an end that of all others
 * (runs.decision, gate.h), a warning by steer_warn(). A kwotad that is killed anywhere
 * between goes on with what the ledger has.
 */
#ifndef KWOTA_STEER_ROUND_H
#define KWOTA_STEER_ROUND_H

#include <stdint.h>

#include "policy/ledger.h"
#include "policy/policy.h"
#include "policy/policy_store.h"

/* What an order takes until it has an effect: for an end, so long beside KillWait. */
#define STEER_LAG_S 5

struct steer_round {
    struct ledger *ledger;
    const struct policy *policy;
    const char *cluster;
    int64_t report_ms, kill_wait_s;
};

/* Looks at a run of which something was heard. 1: it is to be ended. A run that is not
 * steered any more is let go of. Wants the ledger's lock held. */
int steer_review(const struct steer_round *round, int64_t run_id, int64_t now_s);

/* Warns those that are due: a line where their user reads, the policy's signal, an
 * admin_comment. May take seconds; without the lock. */
void steer_warn(struct ledger *ledger, struct policy_store *policies);

#endif
