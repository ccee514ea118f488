/* live.h - counts of running runs that wait in memory for the ledger
 *
 * A node tells its runs' cumulative counts with every report. Of a run that merely goes
 * on each report could be saved, but on a large cluster that is most of what kwotad
 * would do. So what a run has used is noted in memory with every report, where liens,
 * quotas and caps see it at once (`used`, schema.h), and saved when it has waited for
 * as long as all running runs take at LIVE_RUNS_A_SECOND. Up to 8 000 runs that is no
 * longer than a report's interval: all are saved at once. What only memory had when
 * kwotad is killed, the next report tells again.
 *
 * All functions want the ledger's lock held (ledger_begin()); what is undone there is
 * undone here.
 */
#ifndef KWOTA_LIVE_H
#define KWOTA_LIVE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "policy/ledger.h"

#define LIVE_RUNS_A_SECOND 130

/* Works out, from how many runs there are, how long counts may wait. save_s: so long,
 * whatever they are; below 0: by their number. report_ms: a report's interval. */
int live_pace(struct ledger *ledger, int64_t save_s, int64_t report_ms);

/* Counts of one token, as a report tells them. */
struct live_counts {
    const char *token;
    int64_t mj;    /* of all measured domains, each floored */
    int64_t shape; /* what is told beside energy, as a number: if it differs from what
                      was saved last, there is more to save than counts */
    int64_t to_ms, cpu_ns;
    json_t *domains; /* uj by domain; the caller's */
};

/* Notes them; false: they are to be saved now (live_saved()). */
bool live_note(struct ledger *ledger, const struct live_counts *counts);

/* They are in the ledger, and nothing waits. */
int live_saved(struct ledger *ledger, const struct live_counts *counts);

/* Each report of this run is saved from now on (or no more): somebody looks closely. */
int live_watch(struct ledger *ledger, int64_t run_id, bool watched);

/* One of the run's tokens whose counts wait: its name into token (64 bytes at most),
 * its counts with it, their domains a new reference. false: none does. */
bool live_waiting(struct ledger *ledger, int64_t run_id, char token[64],
                  struct live_counts *counts);

#endif
