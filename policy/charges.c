/* charges.c - what was ever charged, summed from the ledger's entries for metrics */
#include "policy/charges.h"

#include <string.h>
#include <time.h>

#include "policy/period.h"

/* So many are read while the lock is held: two milliseconds. */
#define PIECE 1000

/* … and so long, all together. */
#define PATIENCE_MS 1000

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void add(struct charged *sums, const char *kind, int64_t mj)
{
    if (strcmp(kind, "charge") == 0)
        sums->settlements++;
    if (strcmp(kind, "credit") == 0)
        sums->credited_mj -= mj;
    else if (mj < 0)
        sums->corrected_mj -= mj;
    else if (strcmp(kind, "overrun") == 0)
        sums->overrun_mj += mj;
    else
        sums->charged_mj += mj;
}

static int take(struct charges *c, sqlite3_stmt *row)
{
    const char *kind = (const char *)sqlite3_column_text(row, 1);
    int64_t mj = sqlite3_column_int64(row, 2);
    struct account_figure *account;
    int place;

    c->read_id = sqlite3_column_int64(row, 0);
    add(&c->all, kind, mj);
    if (sqlite3_column_int64(row, 3) < c->month_s)
        return 0;
    place = account_figures_of(&c->accounts, (const char *)sqlite3_column_text(row, 4));
    if (place < 0)
        return -1;
    account = &c->accounts.list[place];
    if (account->rank < 0)
        account->rank = c->accounts.ranks++;
    add(&account->month, kind, mj);
    return 0;
}

/* What is read now can be undone with the rest of its group (ledger.h); what is on disk
 * cannot. -1: it cannot be read. */
static int64_t last_on_disk(struct ledger *ledger)
{
    int64_t id;

    if (ledger_begin(ledger) < 0)
        return -1;
    id = ledger_number(ledger, 0, "SELECT MAX(id) FROM entries", "");
    return ledger_commit(ledger) < 0 ? -1 : id;
}

/* Reads a piece, no further than `last_id`. */
static int read_piece(struct charges *c, int64_t last_id)
{
    sqlite3_stmt *row;
    int64_t until_id = c->read_id + PIECE < last_id ? c->read_id + PIECE : last_id;
    int rc = 0;

    if (ledger_begin(c->ledger) < 0)
        return -1;
    row = ledger_query(c->ledger,
                       "SELECT e.id, e.kind, e.mj, e.time_s, r.account FROM entries e"
                       " JOIN runs r ON r.id = e.run_id"
                       " WHERE e.id > ? AND e.id <= ? AND r.cluster = ? ORDER BY e.id",
                       "iis", c->read_id, until_id, c->cluster);
    while (row && rc == 0 && (rc = sqlite3_step(row)) == SQLITE_ROW)
        rc = take(c, row);
    ledger_done(c->ledger, row);
    ledger_commit_soon(c->ledger);
    if (!row || rc != SQLITE_DONE)
        return -1;
    c->read_id = until_id;
    return 0;
}

static void turn_month(struct charges *c, int64_t now_s)
{
    static const struct period month = {.kind = PERIOD_MONTH};
    struct window window;

    period_window(&month, now_s, &window);
    if (window.from_s == c->month_s)
        return;
    account_figures_begin_month(&c->accounts);
    c->month_s = window.from_s;
}

int charges_read(struct charges *c, int64_t now_s)
{
    int64_t last_id = last_on_disk(c->ledger), until_ms = now_ms() + PATIENCE_MS;

    if (last_id < 0)
        return -1;
    turn_month(c, now_s);
    while (c->read_id < last_id) {
        if (now_ms() >= until_ms)
            return 0;
        if (read_piece(c, last_id) < 0)
            return -1;
    }
    return 1;
}

void charges_done(struct charges *charges)
{
    account_figures_done(&charges->accounts);
}
