/* run.h - runs in the ledger: made from what Slurm says, bound to what nodes report
 *
 * All functions want the ledger's lock held (ledger_begin()). Energy per kind and in
 * all is what the tokens' counts add up to, each floored to millijoules.
 */
#ifndef KWOTA_RUN_H
#define KWOTA_RUN_H

#include <stdint.h>

#include "policy/ledger.h"
#include "policy/policy.h"
#include "policy/slurm_lookup.h"

/* The id of the run Slurm describes, made or brought up to date; -1 on failure.
 * `now_s`: when Slurm said so. */
int64_t run_put(struct ledger *ledger, const char *cluster,
                const struct lookup_run *run, int64_t now_s);

/* Its id; 0 if the ledger has none. The submit time tells a job's runs apart. */
int64_t run_find(struct ledger *ledger, const char *cluster,
                 const struct lookup_run *run);

/* Keeps what the job holds on each of its nodes with that node's tokens of the run. */
int run_shares(struct ledger *ledger, int64_t run_id, const struct lookup_run *run);

/* This token is a node's part of that run; of one whose detail was dropped (prune.h) it
 * is refused. */
int run_bind(struct ledger *ledger, const char *token, int64_t run_id);

/* This token is no part of any run: its node is not one of the job's, or Slurm does not
 * know the job. Its counts are kept, and charged to nobody. */
int run_refuse(struct ledger *ledger, const char *token);

/* Charges the run if it is over and complete, or `now_s` is past its settle time-out; a
 * settled run whose counts have changed since gets an adjustment. 1: an entry was made.
 * What a strict run used beyond its lien is entered as overrun, not charged; what the
 * policy (NULL: none) gives back for its end state as a credit. The time-out counts
 * from the latest of the run's end, when kwotad learnt of it, and `started_s`, kwotad's
 * own start: while it was away no node could send its final. */
int run_settle(struct ledger *ledger, const struct policy *policy, int64_t run_id,
               int64_t now_s, int64_t settle_timeout_s, int64_t started_s);

#endif
