/* steward.h - the thread that keeps Slurm's side of the budgets: limits, pending jobs'
 * liens, the map for admission
 *
 * A slurmdbd or slurmctld that is slow holds up this thread and no other.
 */
#ifndef KWOTA_STEWARD_H
#define KWOTA_STEWARD_H

#include <jansson.h>

#include "policy/access.h"
#include "policy/ledger.h"
#include "policy/policy_store.h"
#include "policy/settings.h"
#include "policy/slurm_queue.h"

struct steward;

/* All of it outlives the steward. NULL when the thread cannot start. */
struct steward *steward_start(struct ledger *ledger, const struct settings *settings,
                              struct policy_store *policies, const char *cluster);

/* Budgets may have changed: limits are looked at soon. Thread-safe, never waits. */
void steward_kick(struct steward *steward);

/* Hands over the ids of running jobs whose time limit slurmctld has told anew, at most
 * `most`. How many. Thread-safe. */
int steward_changed(struct steward *steward, uint32_t *jobs, int most);

/* Whether slurmdbd did not answer when it was last asked for its accounts. Thread-safe.
 */
bool steward_slurmdbd_away(struct steward *steward);

/* The jobs that wait for energy and that this person may see: {"jobs":[…]}, a new
 * reference. Thread-safe. */
json_t *steward_queue(struct steward *steward, const struct access_rights *rights);

/* A partition as slurmctld last told it; name "": the default one. 1: found; 0: there
 * is none; -1: slurmctld has not told any yet. Thread-safe. */
int steward_partition(struct steward *steward, const char *name,
                      struct queue_partition *found);

/* A policy_store_guard: whether `next` would stop too many of the jobs that slurmctld
 * last told of. Takes the ledger's lock. */
bool steward_guard(void *steward, const struct policy *now, const struct policy *next,
                   char why[POLICY_STORE_WHY]);

void steward_stop(struct steward *steward);

#endif
