/* verify_posted.c - whether the roll-ups by quarter-hour, day and month say the same */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "policy/period.h"
#include "policy/verify_inside.h"

/* What is compared, and its columns in the order of the queries below. */
static const char *const amounts[] = {"mJ of cpu",
                                      "mJ of dram",
                                      "mJ of gpu",
                                      "mJ of other",
                                      "mJ of overrun",
                                      "mJ of credit",
                                      "runs",
                                      "millionths of the price",
                                      "mg of CO2",
                                      "mJ of estimates",
                                      "mJ without a price",
                                      "mJ without CO2"};

#define AMOUNTS ((int)(sizeof amounts / sizeof *amounts))

#define SUMS                                                                           \
    ", SUM(a0), SUM(a1), SUM(a2), SUM(a3), SUM(a4), SUM(a5), SUM(a6), SUM(a7),"        \
    " SUM(a8), SUM(a9), SUM(a10), SUM(a11) "
#define DIFFER                                                                         \
    " HAVING SUM(a0) <> 0 OR SUM(a1) <> 0 OR SUM(a2) <> 0 OR SUM(a3) <> 0"             \
    " OR SUM(a4) <> 0 OR SUM(a5) <> 0 OR SUM(a6) <> 0 OR SUM(a7) <> 0"                 \
    " OR SUM(a8) <> 0 OR SUM(a9) <> 0 OR SUM(a10) <> 0 OR SUM(a11) <> 0"
#define WHOSE "account, user, partition"

/* What one table has beyond another, by whom: rows of WHOSE and the amounts. */
struct comparison {
    const char *check;
    const char *more, *less; /* "the days' roll-ups" */
    const char *sql;         /* ?1: from, ?2: until */
};

/* The months' roll-ups against the lines of the statements. */
static const struct comparison by_run = {
    "months", "the roll-up by month", "its runs",
    "SELECT " WHOSE SUMS "FROM ("
    "SELECT account, user, partition, cpu_mj AS a0, dram_mj AS a1, gpu_mj AS a2,"
    " other_mj AS a3, overrun_mj AS a4, credit_mj AS a5, 0 AS a6, price_u AS a7,"
    " co2_mg AS a8, 0 AS a9, unpriced_mj AS a10, co2_unknown_mj AS a11 FROM "
    "rollup_months WHERE month_s >= ?1 AND month_s < ?2"
    " UNION ALL SELECT m.account, r.user, r.partition, -m.cpu_mj, -m.dram_mj,"
    " -m.gpu_mj, -m.other_mj, -m.overrun_mj, -m.credit_mj, 0, -m.price_u, -m.co2_mg, 0,"
    " -m.unpriced_mj, -m.co2_unknown_mj"
    " FROM run_months m JOIN runs r ON r.id = m.run_id"
    " WHERE m.month_s >= ?1 AND m.month_s < ?2) x GROUP BY " WHOSE DIFFER};

static const struct comparison by_day = {
    "days", "the roll-up by month", "its days",
    "SELECT " WHOSE SUMS "FROM ("
    "SELECT cluster, account, user, partition, qos, gpu_types, cpu_mj AS a0,"
    " dram_mj AS a1, gpu_mj AS a2, other_mj AS a3, overrun_mj AS a4, credit_mj AS a5,"
    " runs AS a6, price_u AS a7, co2_mg AS a8,"
    " estimated_mj + estimated_used_mj + estimated_runs AS a9, unpriced_mj AS a10, "
    "co2_unknown_mj AS a11 FROM rollup_months"
    " WHERE month_s >= ?1 AND month_s < ?2"
    " UNION ALL SELECT cluster, account, user, partition, qos, gpu_types, -cpu_mj,"
    " -dram_mj, -gpu_mj, -other_mj, -overrun_mj, -credit_mj, -runs, -price_u, -co2_mg,"
    " -estimated_mj - estimated_used_mj - estimated_runs, -unpriced_mj, "
    "-co2_unknown_mj FROM rollup_days WHERE day_s "
    ">= ?1 AND day_s < ?2) x"
    " GROUP BY cluster, " WHOSE ", qos, gpu_types" DIFFER};

/* Told by account alone. */
static const struct comparison by_account = {
    "months", "the roll-up by account", "the roll-up by month",
    "SELECT account, 'all', 'all'" SUMS "FROM ("
    "SELECT cluster, account, cpu_mj AS a0, dram_mj AS a1, gpu_mj AS a2,"
    " other_mj AS a3, overrun_mj AS a4, credit_mj AS a5, runs AS a6, price_u AS a7,"
    " co2_mg AS a8, estimated_mj + estimated_used_mj + estimated_runs AS a9,"
    " unpriced_mj AS a10, co2_unknown_mj AS a11 FROM account_months"
    " WHERE month_s >= ?1 AND month_s < ?2"
    " UNION ALL SELECT cluster, account, -cpu_mj, -dram_mj, -gpu_mj, -other_mj,"
    " -overrun_mj, -credit_mj, -runs, -price_u, -co2_mg,"
    " -estimated_mj - estimated_used_mj - estimated_runs, -unpriced_mj,"
    " -co2_unknown_mj FROM rollup_months WHERE month_s >= ?1 AND month_s < ?2) x"
    " GROUP BY cluster, account" DIFFER};

/* A quarter-hour's overrun is all that the centre bears, credits too. */
static const struct comparison by_quarter = {
    "quarter-hours", "the roll-up by day", "its quarter-hours",
    "SELECT " WHOSE SUMS "FROM ("
    "SELECT cluster, account, user, partition, cpu_mj AS a0, dram_mj AS a1,"
    " gpu_mj AS a2, other_mj AS a3, overrun_mj + credit_mj AS a4, 0 AS a5, runs AS a6,"
    " price_u AS a7, co2_mg AS a8, 0 AS a9, unpriced_mj AS a10, co2_unknown_mj AS a11 "
    "FROM rollup_days WHERE day_s >= ?1 AND day_s < ?2"
    " UNION ALL SELECT cluster, account, user, partition, -cpu_mj, -dram_mj, -gpu_mj,"
    " -other_mj, -overrun_mj, 0, -runs, -price_u, -co2_mg, 0, -unpriced_mj, "
    "-co2_unknown_mj FROM rollups"
    " WHERE quarter_s >= ?1 AND quarter_s < ?2) x GROUP BY cluster, " WHOSE DIFFER};

/* ?3: the month whose runs can have used something then. */
static const struct comparison by_use = {
    "quarter-hours", "the roll-ups of its quarter-hours", "its runs",
    "SELECT " WHOSE SUMS "FROM ("
    "SELECT quarter_s, cluster, account, user, partition, cpu_mj AS a0, dram_mj AS a1,"
    " gpu_mj AS a2, other_mj AS a3, 0 AS a4, 0 AS a5, 0 AS a6, 0 AS a7, 0 AS a8,"
    " 0 AS a9, 0 AS a10, 0 AS a11 FROM rollups WHERE quarter_s >= ?1 AND quarter_s < ?2"
    " UNION ALL SELECT q.quarter_s, r.cluster, r.account, r.user, r.partition,"
    " CASE q.kind WHEN 'package' THEN -q.posted_mj ELSE 0 END,"
    " CASE q.kind WHEN 'dram' THEN -q.posted_mj ELSE 0 END,"
    " CASE q.kind WHEN 'gpu' THEN -q.posted_mj ELSE 0 END,"
    " CASE WHEN q.kind IN ('package', 'dram', 'gpu') THEN 0 ELSE -q.posted_mj END,"
    " 0, 0, 0, 0, 0, 0, 0, 0 FROM run_months m JOIN runs r ON r.id = m.run_id"
    " JOIN tokens t ON t.run_id = r.id JOIN run_quarters q ON q.token = t.token"
    " WHERE m.month_s >= ?3 AND m.month_s < ?2 AND q.quarter_s >= ?1"
    " AND q.quarter_s < ?2) x GROUP BY quarter_s, cluster, " WHOSE DIFFER};

static void tell(struct verify *v, const struct comparison *c, const char *when,
                 sqlite3_stmt *row)
{
    for (int a = 0; a < AMOUNTS; a++) {
        int64_t more = sqlite3_column_int64(row, 3 + a);

        if (more == 0)
            continue;
        verify_breach(
            v, c->check, NULL, VERIFY_REMEDY,
            "%s, account %s, user %s, partition %s: %s has %" PRId64 " %s %s than %s",
            when, (const char *)sqlite3_column_text(row, 0),
            (const char *)sqlite3_column_text(row, 1),
            (const char *)sqlite3_column_text(row, 2), c->more, more > 0 ? more : -more,
            amounts[a], more > 0 ? "more" : "less", c->less);
    }
}

static int compare(struct verify *v, const struct comparison *c, const char *when,
                   const struct window *window, int64_t month_s)
{
    sqlite3_stmt *row = ledger_query(v->ledger, c->sql, c == &by_use ? "iii" : "ii",
                                     window->from_s, window->until_s, month_s);
    int rc = SQLITE_NOMEM;

    while (row && (rc = sqlite3_step(row)) == SQLITE_ROW)
        tell(v, c, when, row);
    ledger_done(v->ledger, row);
    return rc == SQLITE_DONE ? 0 : -1;
}

/* The first time at or after ?1 that any of them has; INT64_MAX: none has one. */
static int64_t first_of(struct verify *v, const char *const *sql, int count,
                        int64_t from_s)
{
    int64_t first = INT64_MAX;

    for (int i = 0; i < count; i++) {
        int64_t found = ledger_number(v->ledger, INT64_MAX, sql[i], "i", from_s);

        if (found < first)
            first = found;
    }
    return first;
}

/* Moves on to the window that comes next in the range; false: there is none. */
static bool next_window(struct verify *v, const char *const *firsts, int count,
                        void (*window_of)(int64_t, struct window *), int64_t after,
                        struct window *window)
{
    int64_t at_s = first_of(v, firsts, count,
                            after > v->range->start_s ? after : v->range->start_s);

    if (at_s == INT64_MAX)
        return false;
    window_of(at_s, window);
    /* One that the range cuts is left out. */
    if (window->from_s < v->range->start_s && window->from_s >= after)
        return next_window(v, firsts, count, window_of, window->until_s, window);
    return window->until_s <= v->range->end_s;
}

/* Windows that are over are a part of those up to now. */
static int percent_of(int64_t first_s, int64_t at_s)
{
    int64_t now_s = (int64_t)time(NULL);

    if (at_s >= now_s || first_s >= now_s)
        return 100;
    return (int)((at_s - first_s) * 100 / (now_s - first_s));
}

int verify_months(struct verify *v, int64_t *after)
{
    static const char *const firsts[] = {
        "SELECT MIN(month_s) FROM run_months WHERE month_s >= ?",
        "SELECT MIN(month_s) FROM rollup_months WHERE month_s >= ?",
        "SELECT MIN(month_s) FROM account_months WHERE month_s >= ?",
        "SELECT MIN(day_s) FROM rollup_days WHERE day_s >= ?"};
    struct window month;
    char when[64];

    if (!next_window(v, firsts, 4, period_month_of, *after, &month))
        return 0;
    snprintf(when, sizeof when, "month %s",
             verify_day(month.from_s, (char[VERIFY_DAY]){0}));
    when[strlen("month 2026-11")] = '\0';
    if (compare(v, &by_run, when, &month, 0) < 0 ||
        compare(v, &by_day, when, &month, 0) < 0 ||
        compare(v, &by_account, when, &month, 0) < 0)
        return -1;
    *after = month.until_s;
    v->found->checked = 1;
    v->found->percent = percent_of(first_of(v, firsts, 4, 0), *after);
    return 1;
}

/* Whether the quarter-hours of a day have what the runs that are known used in them:
 * not where detail was dropped, nor where a month was closed, after which late counts
 * stand in the first quarter-hour that was open. */
static bool has_detail(struct verify *v, const struct window *day,
                       const struct window *month)
{
    return !ledger_number(v->ledger, 0,
                          "SELECT 1 FROM run_months m JOIN runs r ON r.id = m.run_id"
                          " WHERE m.month_s = ? AND r.pruned_s IS NOT NULL LIMIT 1",
                          "i", month->from_s) &&
           !ledger_number(v->ledger, 0,
                          "SELECT 1 FROM periods WHERE (month_s <= ?1 AND until_s > ?1)"
                          " OR until_s = ?1",
                          "i", day->from_s);
}

int verify_days(struct verify *v, int64_t *after)
{
    static const char *const firsts[] = {
        "SELECT MIN(day_s) FROM rollup_days WHERE day_s >= ?",
        "SELECT MIN(quarter_s) FROM rollups WHERE quarter_s >= ?"};
    struct window day, month;
    char when[VERIFY_DAY];

    if (!next_window(v, firsts, 2, period_day_of, *after, &day))
        return 0;
    period_month_of(day.from_s, &month);
    verify_day(day.from_s, when);
    if (compare(v, &by_quarter, when, &day, 0) < 0 ||
        (has_detail(v, &day, &month) &&
         compare(v, &by_use, when, &day, month.from_s) < 0))
        return -1;
    *after = day.until_s;
    v->found->checked = 1;
    v->found->percent = percent_of(first_of(v, firsts, 2, 0), *after);
    return 1;
}
