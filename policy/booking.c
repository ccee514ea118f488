/* booking.c - what nodes' counters grew by, by quarter-hour and by day */
#include "policy/booking.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/energy.h"
#include "policy/period.h"
#include "policy/quarter.h"

/* A node that was silent for longer gets what it counted meanwhile booked in the last
 * so many quarter-hours (35 days): a clock that was years off must not make millions.
 */
#define MOST_QUARTERS (35 * 96)

/* The kinds that counters have (report_run.c). */
#define BOOKED_KINDS 8

enum part { TOTAL, JOBS, GAP, PARTS };

/* One counter: its counts in microjoules, and the gaps in milliseconds. */
struct counter {
    char name[64];
    int kind;
    int64_t before[PARTS], now[PARTS], booked[PARTS];
    bool moved; /* something was booked */
};

/* What a kind's counters grew by, in millijoules and milliseconds. */
struct sum {
    char kind[32];
    int64_t grown[PARTS];  /* in this quarter-hour */
    int64_t of_day[PARTS]; /* in this day, as far as it is not written */
};

struct book {
    const struct booking *b;
    struct counter *counters;
    size_t count;
    struct sum sums[BOOKED_KINDS];
    int kinds;
    struct window day;
};

bool booking_is_due(const struct booking *booking)
{
    return quarter_at(booking->from_ms) != quarter_at(booking->to_ms);
}

/* Its place among the sums; -1: there are more kinds than anybody knows. */
static int kind_place(struct book *book, const char *kind)
{
    int k = 0;

    while (k < book->kinds && strcmp(book->sums[k].kind, kind) != 0)
        k++;
    if (k == BOOKED_KINDS)
        return -1;
    if (k == book->kinds) {
        snprintf(book->sums[k].kind, sizeof book->sums[k].kind, "%s", kind);
        book->kinds++;
    }
    return k;
}

static int64_t told(const json_t *domain, const char *key, int64_t before)
{
    const json_t *value = json_object_get(domain, key);
    int64_t now = json_is_integer(value) ? json_integer_value(value) : before;

    /* What was booked is booked: a count that goes back waits until it is there again.
     */
    return now > before ? now : before;
}

static int64_t at_least(int64_t value, int64_t least)
{
    return value < least ? least : value;
}

static int read_counter(struct book *book, sqlite3_stmt *stmt, struct counter *c)
{
    static const char *const keys[PARTS] = {"total_uj", "jobs_uj", "gap_ms"};
    const json_t *domain;

    memset(c, 0, sizeof *c);
    snprintf(c->name, sizeof c->name, "%s", (const char *)sqlite3_column_text(stmt, 0));
    c->kind = kind_place(book, (const char *)sqlite3_column_text(stmt, 1));
    domain = json_object_get(book->b->domains, c->name);
    for (int p = 0; p < PARTS; p++) {
        c->booked[p] = sqlite3_column_int64(stmt, 2 + PARTS + p);
        c->before[p] = at_least(sqlite3_column_int64(stmt, 2 + p), c->booked[p]);
        c->now[p] = told(domain, keys[p], c->before[p]);
    }
    return c->kind < 0 ? -1 : 0;
}

static int read_counters(struct book *book)
{
    const struct booking *b = book->b;
    sqlite3_stmt *stmt =
        ledger_query(b->ledger,
                     "SELECT domain, kind, total_uj, jobs_uj, gap_ms, booked_total_uj,"
                     " booked_jobs_uj, booked_gap_ms FROM node_domains"
                     " WHERE node = ? AND epoch = ?",
                     "ss", b->node, b->epoch);
    int rc = stmt ? 0 : -1;

    while (rc == 0 && sqlite3_step(stmt) == SQLITE_ROW) {
        struct counter *more =
            realloc(book->counters, (book->count + 1) * sizeof *book->counters);

        if (!more) {
            rc = -1;
            break;
        }
        book->counters = more;
        rc = read_counter(book, stmt, &more[book->count++]);
    }
    ledger_done(b->ledger, stmt);
    return rc;
}

/* A counter's count at a moment between the two reports. */
static int64_t due_at(const struct book *book, const struct counter *c, enum part part,
                      int64_t from_ms, int64_t at_ms)
{
    int64_t grown = c->now[part] - c->before[part], all_ms = book->b->to_ms - from_ms;

    if (at_ms <= from_ms || all_ms <= 0)
        return c->before[part];
    return c->before[part] + (int64_t)((__int128)grown * (at_ms - from_ms) / all_ms);
}

static void book_counter(struct book *book, struct counter *c, int64_t from_ms,
                         int64_t at_ms)
{
    struct sum *sum = &book->sums[c->kind];

    for (int p = 0; p < PARTS; p++) {
        int64_t due = due_at(book, c, (enum part)p, from_ms, at_ms);
        int64_t unit = p == GAP ? 1 : ENERGY_UJ_PER_MJ;

        c->moved = c->moved || due != c->booked[p];
        sum->grown[p] += due / unit - c->booked[p] / unit;
        c->booked[p] = due;
    }
}

#define ADD_TO_BOOKED                                                                  \
    " ON CONFLICT DO UPDATE SET total_mj = total_mj + excluded.total_mj,"              \
    " jobs_mj = jobs_mj + excluded.jobs_mj, node_mj = node_mj + excluded.node_mj,"     \
    " gap_ms = gap_ms + excluded.gap_ms"

static int write_day(struct book *book)
{
    const struct booking *b = book->b;

    for (int k = 0; k < book->kinds; k++) {
        struct sum *s = &book->sums[k];

        if (ledger_do(b->ledger,
                      "INSERT INTO node_days (day_s, node, kind, total_mj, jobs_mj,"
                      " node_mj, gap_ms) VALUES (?,?,?,?,?,?,?)" ADD_TO_BOOKED,
                      "issiiii", book->day.from_s, b->node, s->kind, s->of_day[TOTAL],
                      s->of_day[JOBS], s->of_day[TOTAL] - s->of_day[JOBS],
                      s->of_day[GAP]) < 0)
            return -1;
        memset(s->of_day, 0, sizeof s->of_day);
    }
    return 0;
}

static int write_quarter(struct book *book, int64_t quarter_s)
{
    const struct booking *b = book->b;

    for (int k = 0; k < book->kinds; k++) {
        struct sum *s = &book->sums[k];

        if (ledger_do(b->ledger,
                      "INSERT INTO cluster_quarters (quarter_s, cluster, kind,"
                      " total_mj, jobs_mj, node_mj, gap_ms) VALUES "
                      "(?,?,?,?,?,?,?)" ADD_TO_BOOKED,
                      "issiiii", quarter_s, b->cluster, s->kind, s->grown[TOTAL],
                      s->grown[JOBS], s->grown[TOTAL] - s->grown[JOBS],
                      s->grown[GAP]) < 0)
            return -1;
        for (int p = 0; p < PARTS; p++)
            s->of_day[p] += s->grown[p];
        memset(s->grown, 0, sizeof s->grown);
    }
    return 0;
}

/* Books what is due at `at_ms` in a quarter-hour. */
static int book_quarter(struct book *book, int64_t quarter_s, int64_t from_ms,
                        int64_t at_ms)
{
    if (quarter_s < book->day.from_s || quarter_s >= book->day.until_s) {
        if (book->day.until_s > 0 && write_day(book) < 0)
            return -1;
        period_day_of(quarter_s, &book->day);
    }
    for (size_t i = 0; i < book->count; i++)
        book_counter(book, &book->counters[i], from_ms, at_ms);
    return write_quarter(book, quarter_s);
}

static int book_quarters(struct book *book)
{
    const struct booking *b = book->b;
    int64_t from_ms = b->from_ms, quarter_s = quarter_at(from_ms);
    int64_t last_s = quarter_at(b->to_ms);

    if (last_s <= quarter_s)
        return book_quarter(book, quarter_s, from_ms, from_ms);
    if ((last_s - quarter_s) / QUARTER_S > MOST_QUARTERS) {
        if (book_quarter(book, quarter_s, from_ms, from_ms) < 0)
            return -1;
        quarter_s = last_s - (int64_t)MOST_QUARTERS * QUARTER_S;
        from_ms = quarter_s * 1000;
    }
    for (; quarter_s < last_s; quarter_s += QUARTER_S)
        if (book_quarter(book, quarter_s, from_ms, (quarter_s + QUARTER_S) * 1000) < 0)
            return -1;
    return 0;
}

static int keep_booked(struct book *book)
{
    const struct booking *b = book->b;

    for (size_t i = 0; i < book->count; i++) {
        const struct counter *c = &book->counters[i];

        if (c->moved &&
            ledger_do(b->ledger,
                      "UPDATE node_domains SET booked_total_uj = ?, booked_jobs_uj = ?,"
                      " booked_node_uj = ?, booked_gap_ms = ?"
                      " WHERE node = ? AND epoch = ? AND domain = ?",
                      "iiiisss", c->booked[TOTAL], c->booked[JOBS],
                      c->booked[TOTAL] - c->booked[JOBS], c->booked[GAP], b->node,
                      b->epoch, c->name) < 0)
            return -1;
    }
    return 0;
}

int booking_take(const struct booking *booking)
{
    struct book book = {.b = booking};
    int rc = 0;

    if (read_counters(&book) < 0)
        rc = -1;
    else if (book.count > 0)
        rc = book_quarters(&book) < 0 || write_day(&book) < 0 || keep_booked(&book) < 0
                 ? -1
                 : 0;
    free(book.counters);
    return rc;
}
