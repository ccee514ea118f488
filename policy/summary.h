/* summary.h - which settled runs slurmdbd is still to be told of, and what
 *
 * All functions want the ledger's lock held (ledger_begin()).
 *
 * Nothing is written when a run is settled: entries are numbered and only ever added,
 * so those past the last one seen are the news.
 */
#ifndef KWOTA_SUMMARY_H
#define KWOTA_SUMMARY_H

#include <stdint.h>

#include "policy/ledger.h"
#include "policy/summary_text.h"

/* A run that slurmdbd has no record of is asked for this often, at last once an hour:
 * about a week. */
#define SUMMARY_TRIES 180

struct summary_due {
    int64_t run_id;
    int64_t news; /* the how manieth of the run; summary_told() wants it */
    int64_t tries;
    uint32_t job_id;
    int64_t submit_s;
    struct summary summary;
};

/* Takes note of the entries made since the last time; the very first time there are
 * none. How many runs are in the news, at most `most`; -1. */
int summary_collect(struct ledger *ledger, const char *cluster, int64_t most);

/* Those that are due now, at most `most`. How many; -1. */
int summary_next(struct ledger *ledger, const char *cluster, int64_t now_s,
                 struct summary_due *due, int most);

/* slurmdbd has it, or never will. An entry made meanwhile keeps the run due. */
int summary_told(struct ledger *ledger, const struct summary_due *due);

/* slurmdbd does not have the run, or not its end: later. 1: there is no later, it has
 * been asked for SUMMARY_TRIES times; 0; -1. */
int summary_later(struct ledger *ledger, const struct summary_due *due, int64_t now_s);

/* So long after as many tries in vain the next is. Pure. */
int64_t summary_delay_s(int64_t tries);

#endif
