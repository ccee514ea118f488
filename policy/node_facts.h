/* node_facts.h - what slurmctld knows of the nodes that report
 *
 * Kept in the ledger, so that the threads that answer nodes need ask nobody.
 */
#ifndef KWOTA_NODE_FACTS_H
#define KWOTA_NODE_FACTS_H

#include <stdint.h>

#include "policy/ledger.h"

/* Asks slurmctld about nodes of which nothing is known, or nothing new for ten minutes;
 * one that it could not tell of is asked about again sooner. From the worker's thread
 * only. */
void node_facts_refresh(struct ledger *ledger, int64_t now_s);

/* CPUs that jobs can get and RealMemory; 0: unknown. Wants the ledger's lock held. */
void node_facts_of(struct ledger *ledger, const char *node, int64_t *cpus,
                   int64_t *memory_mb);

#endif
