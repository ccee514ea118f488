/* capping.h - what each running run is held to, worked out anew only when something it
 * depends on has changed
 *
 * The answer stands in memory (schema.h: caps), where reports and prologs find it by
 * the run's id. A run is worked out when it begins or its own facts change, all of them
 * when the policy, an order, the hour, a threshold or a switch has. Of one thread.
 */
#ifndef KWOTA_CAPPING_H
#define KWOTA_CAPPING_H

#include <stdint.h>

#include "policy/ledger.h"
#include "policy/policy.h"

struct capping;

/* NULL: memory is out. `cluster` lives as long. */
struct capping *capping_new(struct ledger *ledger, const char *cluster);
void capping_free(struct capping *capping);

/* A round. Takes the ledger's lock by itself, for a few hundred runs at a time. */
void capping_look(struct capping *capping, struct policy *policy, int64_t now_s);

/* A run that has just begun, by what the last round saw: its prolog need not wait for
 * the next one. Wants the ledger's lock held. */
void capping_run(struct capping *capping, int64_t run_id, int64_t now_s);

#endif
