/* gate.h - whether a job that has begun may go on: decided in the ledger, carried out
 * in Slurm
 *
 * What is decided stands in runs.decision first, so that a kwotad that is killed
 * between the two carries it out when it is back.
 */
#ifndef KWOTA_GATE_H
#define KWOTA_GATE_H

#include <stdint.h>

#include "policy/inquiry.h"
#include "policy/ledger.h"
#include "policy/policy_store.h"
#include "policy/slurm_lookup.h"

/* A prolog waits so long for the decision at most; a run that is older has begun. */
#define GATE_LATE_S 12

/* Before a job is held: the one whose licence it got may have ended a moment ago, and
 * not be charged yet. A second less than its prolog waits in any case, so that a job
 * that is held in the end is back in the queue by then. */
#define GATE_PATIENCE_S 4

/* A het job's leader waits for its other parts so long, in which they are held if there
 * is no room for them. */
#define GATE_PARTS_S 4

struct gate {
    struct ledger *ledger;
    struct policy_store *policies;
    const char *cluster;
    int64_t report_ms, kill_wait_s; /* Slurm's KillWait */
};

/* Decides for runs, each once (a run without room is looked at again for a moment), and
 * follows their time limits later. Wants the ledger's lock held. */
void gate_look(struct gate *gate, const struct found_run *runs, int count,
               int64_t now_s);

/* Looks at the liens, and the steering, of the runs that the worker's round looks at
 * (schema.h: news). Takes the ledger's lock by itself. */
void gate_review(struct gate *gate, int64_t now_s);

/* Holds, warns and ends what was decided to be. May take seconds; without the lock. */
void gate_carry_out(struct gate *gate);

#endif
