/* worker.h - the thread that asks Slurm, binds, settles and sweeps
 *
 * It alone talks to libslurm about jobs, so that a slow slurmctld holds up settlements
 * and nothing else.
 */
#ifndef KWOTA_WORKER_H
#define KWOTA_WORKER_H

#include "policy/ledger.h"
#include "policy/lobby.h"
#include "policy/policy_store.h"
#include "policy/settings.h"
#include "policy/steward.h"

struct worker;

/* Calls those in the lobby whose tokens it binds. What it is given lives as long as the
 * worker. NULL when the thread cannot start. */
struct worker *worker_start(struct ledger *ledger, const struct settings *settings,
                            struct policy_store *policies, struct steward *steward,
                            struct lobby *lobby, const char *cluster);

/* There is something to do: a report came. Thread-safe, never waits. */
void worker_kick(struct worker *worker);

/* When its last round ended; 0: none has. Thread-safe. */
int64_t worker_round_s(struct worker *worker);

void worker_stop(struct worker *worker);

#endif
