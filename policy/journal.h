/* journal.h - ended.journal: "look at job N", from the job-completion plugin
 *
 * One thread at a time. Where reading stands is kept in the ledger, so that a line is
 * taken once, and at least once.
 */
#ifndef KWOTA_JOURNAL_H
#define KWOTA_JOURNAL_H

#include <stdint.h>

#include "policy/ledger.h"

/* Up to where this process has read its journal, acting or standing by; all 0 when it
 * starts: then the ledger knows. */
struct journal_passed {
    int64_t inode, offset;
};

/* Reads the whole lines that are new in DIR/ended.journal and calls `take` for each
 * with its job. A line that is no record is logged and passed over; a last line without
 * its end waits. If `take` returns -1 reading stops before that line, to come back to
 * it. A journal read to its end and longer than JOURNAL_KEEP is taken away. Returns how
 * many lines were taken, or -1. */
int journal_read(struct ledger *ledger, const char *dir, struct journal_passed *passed,
                 int (*take)(uint32_t job, void *arg), void *arg);

/* Stands by: tells the kwotad that acts of the jobs in the lines that are new. What it
 * could not be told is told again. Returns how many lines these were, or -1. */
int journal_pass(struct ledger *ledger, const char *dir, struct journal_passed *passed);

#define JOURNAL_KEEP (1 << 20)

#endif
