/* threshold.h - what the site's hook is told of, each once
 *
 * All functions want the ledger's lock held (ledger_begin()); the table `notices` keeps
 * what has been noticed, whether there is a hook or not.
 */
#ifndef KWOTA_THRESHOLD_H
#define KWOTA_THRESHOLD_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "policy/ledger.h"
#include "policy/policy.h"
#include "policy/quota.h"
#include "policy/standing.h"

/* Whether `percent` of what may be used is used. Of a budget without anything any use
 * is all. Pure. */
bool threshold_passed(const struct balance *balance, int64_t percent);

/* Adds an event for each threshold of the policy that a quota of this cluster has
 * passed for the first time in its window; in a rolling one, for the first time since
 * it was below. -1 on failure. */
int threshold_look(struct ledger *ledger, const struct policy *policy,
                   const struct standings *standings, const char *cluster,
                   int64_t now_s, json_t *events);

/* The same for jobs that were held or ended, and for the breaker. */
int threshold_decisions(struct ledger *ledger, const char *cluster, int64_t now_s,
                        json_t *events);

/* The same for the policy's file, by policy_store_state(): it is invalid, or waits for
 * a confirmation. */
int threshold_policy(struct ledger *ledger, const char *cluster, const json_t *state,
                     int64_t now_s, json_t *events);

#endif
