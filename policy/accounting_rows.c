/* accounting_rows.c - settled energy of a time, added up by name */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policy/accounting_inside.h"
#include "policy/energy.h"
#include "policy/span.h"

/* A settlement into what has been read already makes it be read again, so often. */
#define TRIES 3

int64_t sums_used(const struct sums *s)
{
    return s->v[SUM_CPU] + s->v[SUM_DRAM] + s->v[SUM_GPU] + s->v[SUM_OTHER];
}

int64_t sums_charged(const struct sums *s)
{
    return sums_used(s) - s->v[SUM_OVERRUN] - s->v[SUM_CREDIT];
}

void sums_add(struct sums *to, const struct sums *more)
{
    for (int i = 0; i < SUMS; i++)
        to->v[i] = energy_add(to->v[i], more->v[i]);
}

void rows_init(struct accounting_rows *rows)
{
    *rows = (struct accounting_rows){.places = json_object()};
}

void rows_free(struct accounting_rows *rows)
{
    free(rows->list);
    json_decref(rows->places);
    *rows = (struct accounting_rows){.places = NULL};
}

struct accounting_row *rows_get(struct accounting_rows *rows, const char *name)
{
    const json_t *place = json_object_get(rows->places, name);
    struct accounting_row *row;

    if (place)
        return &rows->list[json_integer_value(place)];
    /* Grows by powers of two: it is full whenever its count is one. */
    if ((rows->count & (rows->count - 1)) == 0) {
        size_t room = rows->count ? 2 * rows->count : 1;

        row = realloc(rows->list, room * sizeof *row);
        if (!row)
            return NULL;
        rows->list = row;
    }
    if (json_object_set_new_nocheck(rows->places, name,
                                    json_integer((json_int_t)rows->count)) < 0)
        return NULL;
    row = &rows->list[rows->count++];
    memset(row, 0, sizeof *row);
    snprintf(row->name, sizeof row->name, "%s", name);
    return row;
}

bool filter_is_open(const struct accounting_filter *filter)
{
    return filter->rights->sees_all && !filter->user[0] && !filter->accounts;
}

void by_time_name(enum by by, int64_t s, struct window *window, char name[64])
{
    time_t when;
    struct tm tm;

    if (s < window->from_s || s >= window->until_s) {
        if (by == BY_MONTH)
            period_month_of(s, window);
        else
            period_day_of(s, window);
    }
    when = (time_t)window->from_s;
    localtime_r(&when, &tm);
    strftime(name, 64, by == BY_MONTH ? "%Y-%m" : "%Y-%m-%d", &tm);
}

static const char *const tables[] = {[SPAN_QUARTERS] = "rollups",
                                     [SPAN_DAYS] = "rollup_days",
                                     [SPAN_MONTHS] = "rollup_months"};
static const char *const times[] = {
    [SPAN_QUARTERS] = "quarter_s", [SPAN_DAYS] = "day_s", [SPAN_MONTHS] = "month_s"};

/* In the order of the rows' key accounts need no sorting: the cluster, which they are
 * told without, comes first in it. */
static const char *group_of(enum by by)
{
    static const char *const columns[] = {[BY_ACCOUNT] = "cluster, account",
                                          [BY_USER] = "user",
                                          [BY_PARTITION] = "partition",
                                          [BY_QOS] = "qos",
                                          [BY_GPU_TYPE] = "gpu_types"};

    return by < BY_DAY ? columns[by] : NULL;
}

static const char *name_of(enum by by)
{
    return by == BY_ACCOUNT ? "account" : group_of(by);
}

#define USED "SUM(cpu_mj), SUM(dram_mj), SUM(gpu_mj), SUM(other_mj), SUM(overrun_mj)"

#define COSTS                                                                          \
    "SUM(price_u), SUM(co2_mg), SUM(unpriced_mj), SUM(co2_unknown_mj), SUM(runs)"

static const char all_sums[] =
    USED ", SUM(credit_mj), SUM(estimated_mj), SUM(estimated_used_mj), 0,"
         " SUM(estimated_runs), " COSTS;

/* Quarter-hours do not tell a credit from an overrun, and know no estimates. */
static const char quarter_sums[] = USED ", 0, 0, 0, 0, 0, " COSTS;

#define CHARGED "SUM(cpu_mj + dram_mj + gpu_mj + other_mj - overrun_mj"

static const char *sums_of(enum span_unit unit, bool compare)
{
    if (compare)
        return unit == SPAN_QUARTERS ? CHARGED ")" : CHARGED " - credit_mj)";
    return unit == SPAN_QUARTERS ? quarter_sums : all_sums;
}

/* The smallest that tells it. */
static const char *table_of(enum by by, const struct accounting_filter *f,
                            enum span_unit unit)
{
    if (unit == SPAN_MONTHS && filter_is_open(f) &&
        (by == BY_ACCOUNT || by == BY_MONTH))
        return "account_months";
    return tables[unit];
}

static sqlite3_stmt *ask(struct ledger *ledger, enum by by, bool compare,
                         const struct accounting_filter *f,
                         const struct span_piece *piece)
{
    const char *time = times[piece->unit], *group = group_of(by);
    const char *name = name_of(by);
    char sql[1024], in[64];
    int len;

    /* Of one month, or day, a table's key is in order of accounts: they need no
     * sorting.
     */
    snprintf(in, sizeof in,
             piece->unit == SPAN_QUARTERS ? "%s >= ?1 AND %s < ?2"
                                          : "%s = ?1 AND %s < ?2",
             time, time);
    len =
        snprintf(sql, sizeof sql, "SELECT %s, %s FROM %s WHERE %s", name ? name : time,
                 sums_of(piece->unit, compare), table_of(by, f, piece->unit), in);
    if (!filter_is_open(f))
        len += snprintf(sql + len, sizeof sql - (size_t)len,
                        " AND (? OR user = ? OR account IN"
                        " (SELECT value FROM json_each(?)))"
                        " AND (? = '' OR user = ?)"
                        " AND (? OR account IN (SELECT value FROM json_each(?)))");
    snprintf(sql + len, sizeof sql - (size_t)len, " GROUP BY %s", group ? group : time);
    if (filter_is_open(f))
        return ledger_query(ledger, sql, "ii", piece->from_s, piece->until_s);
    return ledger_query(ledger, sql, "iiissssis", piece->from_s, piece->until_s,
                        (int64_t)f->rights->sees_all, f->rights->user, f->mine, f->user,
                        f->user, (int64_t)(f->accounts == NULL),
                        f->accounts ? f->accounts : "[]");
}

static void add_sums(struct sums *sums, sqlite3_stmt *stmt)
{
    for (int i = 0; i < SUMS; i++)
        sums->v[i] = energy_add(sums->v[i], sqlite3_column_int64(stmt, i + 1));
}

/* What a reader does with the row of a piece. */
struct reader {
    enum by by;
    struct accounting_rows *rows;
    bool compare;
    int64_t all_mj; /* of a comparison */
};

static int take_row(struct reader *r, const char *name, sqlite3_stmt *stmt)
{
    struct accounting_row *row;

    if (!r->compare) {
        row = rows_get(r->rows, name);
        if (row)
            add_sums(&row->own, stmt);
        return row ? 0 : -1;
    }
    r->all_mj = energy_add(r->all_mj, sqlite3_column_int64(stmt, 1));
    if (r->by < BY_DAY && json_object_get(r->rows->places, name)) {
        row = rows_get(r->rows, name);
        row->own.v[SUM_PREVIOUS] =
            energy_add(row->own.v[SUM_PREVIOUS], sqlite3_column_int64(stmt, 1));
    }
    return 0;
}

static int read_piece(struct ledger *ledger, struct reader *r,
                      const struct accounting_filter *filter,
                      const struct span_piece *piece)
{
    sqlite3_stmt *stmt = ask(ledger, r->by, r->compare, filter, piece);
    struct window window = {0, 0};
    int rc = SQLITE_NOMEM;

    while (stmt && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        char name[64];

        if (r->by >= BY_DAY)
            by_time_name(r->by, sqlite3_column_int64(stmt, 0), &window, name);
        else
            snprintf(name, sizeof name, "%s",
                     (const char *)sqlite3_column_text(stmt, 0));
        if (take_row(r, name, stmt) < 0)
            break;
    }
    ledger_done(ledger, stmt);
    return rc == SQLITE_DONE ? 0 : -1;
}

static enum span_unit largest(enum by by)
{
    return by == BY_DAY ? SPAN_DAYS : SPAN_MONTHS;
}

static int64_t last_entry(struct ledger *ledger)
{
    int64_t id;

    if (ledger_begin(ledger) < 0)
        return -1;
    id = ledger_number(ledger, 0, "SELECT MAX(id) FROM entries", "");
    ledger_commit_soon(ledger);
    return id;
}

/* Whether something was settled since that belongs to what has been read. */
static bool is_stale(struct ledger *ledger, int64_t entry, int64_t from_s,
                     int64_t until_s)
{
    return ledger_number(ledger, 0,
                         "SELECT EXISTS (SELECT 1 FROM entries e CROSS JOIN tokens t"
                         " ON t.run_id = e.run_id CROSS JOIN run_quarters q ON q.token "
                         "= t.token WHERE e.id > ?"
                         "  AND q.quarter_s >= ? AND q.quarter_s < ?)",
                         "iii", entry, from_s, until_s);
}

/* 1: something has changed meanwhile. */
static int read_last(struct ledger *ledger, struct reader *r,
                     const struct accounting_filter *filter,
                     const struct span_piece *pieces, size_t count, int64_t entry,
                     int (*finish)(void *arg), void *arg)
{
    int rc = 0;

    if (ledger_begin(ledger) < 0)
        return -1;
    if (count > 1 &&
        is_stale(ledger, entry, pieces[0].from_s, pieces[count - 1].from_s))
        rc = 1;
    if (rc == 0 && count > 0)
        rc = read_piece(ledger, r, filter, &pieces[count - 1]);
    if (rc == 0 && finish)
        rc = finish(arg);
    ledger_commit_soon(ledger);
    return rc;
}

static int read_all(struct ledger *ledger, struct reader *r,
                    const struct accounting_filter *filter,
                    const struct span_piece *pieces, size_t count, bool last_try,
                    int (*finish)(void *arg), void *arg)
{
    int64_t entry = last_try ? INT64_MAX : last_entry(ledger);

    for (size_t i = 0; i + 1 < count; i++) {
        int rc;

        if (ledger_begin(ledger) < 0)
            return -1;
        rc = read_piece(ledger, r, filter, &pieces[i]);
        ledger_commit_soon(ledger);
        if (rc < 0)
            return -1;
    }
    return entry < 0 ? -1
                     : read_last(ledger, r, filter, pieces, count, entry, finish, arg);
}

int rows_collect(struct ledger *ledger, enum by by,
                 const struct accounting_filter *filter, const struct window *window,
                 struct accounting_rows *rows, int (*finish)(void *arg), void *arg)
{
    size_t count = 0;
    struct span_piece *pieces = span_pieces(window, largest(by), &count);
    struct reader reader = {.by = by, .rows = rows};
    int rc = pieces ? 1 : -1;

    for (int i = 1; i <= TRIES && rc == 1; i++) {
        rows_free(rows);
        rows_init(rows);
        rc = read_all(ledger, &reader, filter, pieces, count, i == TRIES, finish, arg);
    }
    free(pieces);
    return rc;
}

int rows_compare(struct ledger *ledger, enum by by,
                 const struct accounting_filter *filter, const struct window *window,
                 struct accounting_rows *rows, int64_t *all_mj)
{
    size_t count = 0;
    struct span_piece *pieces = span_pieces(window, SPAN_MONTHS, &count);
    struct reader reader = {.by = by, .rows = rows, .compare = true};
    int rc = pieces ? read_all(ledger, &reader, filter, pieces, count, true, NULL, NULL)
                    : -1;

    *all_mj = reader.all_mj;
    free(pieces);
    return rc;
}
