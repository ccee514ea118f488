/* verify.h - proves the books: entries = roll-ups = settled runs, and what else holds
 *
 * Piece by piece, so that whoever asks can say how far it is, and nobody waits: each
 * piece is a transaction of its own on a connection that only reads (ledger_read(),
 * ledger_reader()), in which the books must balance by themselves. What is settled
 * between two pieces is in the later ones. Amounts are millijoules, and must agree to
 * the last one.
 *
 * What breaks the books is told as {"check":"charge","job":"12_3"?,"run_id":N?,
 * "text":"sentence","remedy":"sentence"|null}.
 */
#ifndef KWOTA_VERIFY_H
#define KWOTA_VERIFY_H

#include <jansson.h>
#include <stdint.h>

#include "policy/ledger.h"

/* Runs that were under way then, and days and months that lie in it. */
struct verify_range {
    int64_t start_s, end_s; /* 0, INT64_MAX: all, and the sums over all are checked */
};

/* Where the next piece is; all 0: the first. */
struct verify_place {
    int step;
    int64_t after;
};

/* What a piece found; the caller owns the lists. */
struct verify_found {
    const char *step; /* "runs", a static text */
    int percent;      /* of this step, with this piece */
    int64_t checked;  /* runs, days, … */
    int64_t waiting;  /* of the runs: late counts wait for their adjustment */
    json_t *breaches;
};

/* Checks the piece at `place` and moves that on. 1: there are more; 0: that was the
 * last; -1: the ledger cannot be read, as the log says. The lists are there in any
 * case. */
int verify_next(struct ledger *ledger, const struct verify_range *range,
                struct verify_place *place, struct verify_found *found);

void verify_done(struct verify_found *found);

/* Pieces for about `ms`: {"step":"runs","percent":45,"next":{"step","after"}|null,
 * "checked":{"runs":1000},"waiting":N,"breaches":[…]}, a new reference; NULL: the
 * ledger cannot be read. */
json_t *verify_answer(struct ledger *ledger, const struct verify_range *range,
                      struct verify_place place, int ms);

#endif
