/* prune_night.h - the thread that prunes at night, if the policy says so (prune.h) */
#ifndef KWOTA_PRUNE_NIGHT_H
#define KWOTA_PRUNE_NIGHT_H

#include "policy/ledger.h"
#include "policy/policy_store.h"

struct prune_night;

/* Both outlive it. NULL when the thread cannot start. */
struct prune_night *prune_night_start(struct ledger *ledger,
                                      struct policy_store *policies);

/* Waits for the piece it is at. NULL: nothing. */
void prune_night_stop(struct prune_night *night);

#endif
