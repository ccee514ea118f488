/* prune.h - drops the detail of runs that were settled long ago
 *
 * Charges, roll-ups, the lines of statements and the runs themselves stay for ever.
 * What goes is what only curious people ask for: the course over time, steps, caps, and
 * counts by node and quarter-hour; and decisions about jobs, and what like runs are
 * estimated from. A run that is pruned is marked, and takes no counts any more: what
 * would come so late is acknowledged and dropped. One whose books do not balance keeps
 * all it has, for kwota verify to tell.
 */
#ifndef KWOTA_PRUNE_H
#define KWOTA_PRUNE_H

#include <stdint.h>

#include "policy/ledger.h"

/* What goes, or would go. */
struct prune_count {
    int64_t runs;
    int64_t rows;      /* of all tables */
    int64_t decisions; /* … of these, what kwotad decided */
    int64_t kept;      /* runs that are old enough, and do not balance */
};

/* How much there is that ended before `before_s`. Wants a reader's transaction, or the
 * ledger's lock. -1 on failure. */
int prune_look(struct ledger *ledger, int64_t before_s, struct prune_count *count);

/* The last run that was looked at; all 0: none. */
struct prune_place {
    int64_t end_s, run_id;
};

/* Prunes a few runs at a time, in transactions of some milliseconds, those that ended
 * first, for about `ms`, and moves `place` on. 1: there are more; 0: that was all; -1:
 * the ledger cannot be written. Adds to `count`. */
int prune_some(struct ledger *ledger, int64_t before_s, int64_t now_s, int ms,
               struct prune_place *place, struct prune_count *count);

/* The moment so many years ago, in days of kwotad's time zone. */
int64_t prune_before_s(int64_t now_s, int64_t years);

#endif
