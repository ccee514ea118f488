/* verify_closed.c - whether closed months are as they were when they were closed */
#include <inttypes.h>
#include <string.h>

#include "policy/period_digest.h"
#include "policy/verify_inside.h"

/* So many statements a step. */
#define STEP 50

struct statement {
    int64_t number, month_s;
    const char *account, *digest;
};

static int check(struct verify *v, const struct statement *s, int64_t before)
{
    char digest[PERIOD_DIGEST], day[VERIFY_DAY];

    for (int64_t missing = before + 1; missing < s->number; missing++)
        verify_breach(v, "statements", NULL, VERIFY_REMEDY,
                      "statement %" PRId64 " is missing: numbers have no holes",
                      missing);
    if (period_digest(v->ledger, s->month_s, s->account, digest) < 0)
        return -1;
    if (strcmp(digest, s->digest) != 0)
        verify_breach(v, "statements", NULL, VERIFY_REMEDY,
                      "statement %" PRId64 ", account %s, the month from %s: what is "
                      "posted to that month has changed since it was closed",
                      s->number, s->account, verify_day(s->month_s, day));
    return 0;
}

int verify_closed(struct verify *v, int64_t *after)
{
    sqlite3_stmt *row = ledger_query(
        v->ledger,
        "SELECT number, month_s, account, digest FROM statements WHERE number > ?"
        " ORDER BY number LIMIT ?",
        "ii", *after, (int64_t)STEP);
    int rc = SQLITE_NOMEM, bad = 0;

    while (!bad && row && (rc = sqlite3_step(row)) == SQLITE_ROW) {
        const struct statement s = {sqlite3_column_int64(row, 0),
                                    sqlite3_column_int64(row, 1),
                                    (const char *)sqlite3_column_text(row, 2),
                                    (const char *)sqlite3_column_text(row, 3)};

        if (s.month_s >= v->range->start_s && s.month_s < v->range->end_s)
            bad = check(v, &s, *after);
        *after = s.number;
        v->found->checked++;
    }
    ledger_done(v->ledger, row);
    if (bad || (rc != SQLITE_DONE && rc != SQLITE_ROW))
        return -1;
    return v->found->checked == STEP;
}
