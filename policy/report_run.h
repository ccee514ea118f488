/* report_run.h - one run of a node's report, into the ledger
 *
 * Wants the ledger's lock held.
 */
#ifndef KWOTA_REPORT_RUN_H
#define KWOTA_REPORT_RUN_H

#include <jansson.h>

#include "policy/ledger.h"

/* A report's head. Texts and JSON belong to the report. */
struct report {
    const char *node, *epoch;
    json_int_t seq, time_ms;
    int simulated;
    json_t *domains, *runs;
    json_t *described; /* the domains by name, while runs are taken */
    const char *summary_for;
    json_t *limits; /* NULL: it has none */
};

/* -1 with a sentence if `json` is no run as API.md has it. */
int report_run_check(json_t *json, const char **error);

/* Takes a run that has been checked; -1 if the ledger cannot. No count goes back. What
 * merely goes on may wait in memory (live.h). */
int report_run_take(struct ledger *ledger, const struct report *report, json_t *json);

/* Saves what waits of this run. */
int report_run_save(struct ledger *ledger, int64_t run_id);

#endif
