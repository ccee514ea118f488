/* gather.h - energy kept together for a job that would starve
 *
 * A large job waits until so much is available at once; smaller ones begin meanwhile
 * and take it away again, for ever. With limits.gather nothing more begins under a
 * budget for which such a job has waited, until there is enough for it: then it has its
 * turn by Slurm's priority as any other. Only where what running jobs have set aside
 * would make it enough: for what comes back with the next period at the earliest nobody
 * is kept waiting. Quotas for a class of partitions are no limits of Slurm's: there
 * only jobs that kwota held wait.
 */
#ifndef KWOTA_GATHER_H
#define KWOTA_GATHER_H

#include <jansson.h>

#include "policy/standing.h"

/* A job that has waited for energy less long does not starve. */
#define GATHER_AFTER_S 600

/* Marks in the standings for which job each keeps its energy, from the jobs that wait
 * (waiting.h's list). The oldest comes first. Takes the ledger's lock. */
void gather_mark(struct standings *standings, struct ledger *ledger,
                 const struct policy *policy, const char *cluster, const json_t *list,
                 int64_t now_s);

/* What the budget has for others than the job it keeps energy for. Pure. */
int64_t gather_available(const struct standing *standing);

/* A job that wants to begin. */
struct gather_claim {
    const char *text, *account, *user, *partition;
};

/* The job for which a budget that binds the claim keeps its energy; NULL: none does, or
 * it is that one. Wants the ledger's lock held. */
const char *gather_for(const struct standings *standings, struct ledger *ledger,
                       const struct policy *policy, const char *cluster,
                       const struct gather_claim *claim);

#endif
