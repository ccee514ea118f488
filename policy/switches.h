/* switches.h - what an operator, or the breaker, has switched off
 *
 * All functions want the ledger's lock held (ledger_begin()).
 */
#ifndef KWOTA_SWITCHES_H
#define KWOTA_SWITCHES_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/ledger.h"
#include "policy/policy.h"

/* frozen: no hold, cap or kill at all. tripped: the breaker has put everything into
 * shadow. */
struct switches {
    bool frozen, tripped;
    char why[256]; /* of the one that is on */
};

void switches_read(struct ledger *ledger, struct switches *switches);

/* name: "freeze" or "breaker". */
int switches_set(struct ledger *ledger, const char *name, bool on, int64_t now_s,
                 const char *actor, const char *why);

/* Trips the breaker if the last minute had more holds or kills than the policy allows.
 * 1: it has just been tripped. */
int switches_watch(struct ledger *ledger, const struct policy *policy, int64_t now_s);

#endif
