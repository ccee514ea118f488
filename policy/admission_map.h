/* admission_map.h - what admission is told: the budget map, from the budgets,
 * policy and partitions */
#ifndef KWOTA_ADMISSION_MAP_H
#define KWOTA_ADMISSION_MAP_H

#include <stdint.h>

#include "policy/ledger.h"
#include "policy/policy.h"
#include "policy/slurm_queue.h"
#include "policy/slurm_tree.h"
#include "policy/standing.h"

/* Writes SPOOL/budget.map. Takes the ledger's lock by itself; -1 with the reason in the
 * log. */
int admission_map_write(struct ledger *ledger, const struct policy *policy,
                        const char *cluster, const char *spool,
                        const struct queue_partition *partitions, int partition_count,
                        const struct tree *tree, const struct standings *standings);

#endif
