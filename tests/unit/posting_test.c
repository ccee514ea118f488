/* posting_test.c - quarter-hours, days, months, statements' lines and entries agree to
 * the millijoule, whatever happens to a run */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "policy/posting.h"
#include "policy/schema.h"
#include "tests/unit/money_books.h"

#define CREDITS "{\"credits\": {\"NODE_FAIL\": 100, \"PREEMPTED\": 33}}"

#define RUNS 120

static const char *const states[] = {"COMPLETED", "NODE_FAIL", "PREEMPTED"};
static const char *const kinds[] = {"package", "dram", "gpu", "platform"};
static const char *const accounts[] = {"astro", "bio", "chem"};

static void zone(const char *name)
{
    setenv("TZ", name, 1);
    tzset();
}

/* A run of up to three days that ends around the end of a month or a clock's change;
 * some have a lien that does not do, some an estimate. */
static void make_run(struct books *b, uint64_t *seed, int64_t id, int64_t around_s)
{
    int64_t end_s = around_s + money_random(seed) % (6 * DAY) - 3 * DAY;
    int64_t length_s = money_random(seed) % (money_random(seed) % 4 ? 3600 : 3 * DAY);

    money_run(b, id, accounts[money_random(seed) % 3], "u", states[id % 3], end_s);
    for (int64_t s = end_s - length_s; s <= end_s + 10; s += QUARTER_S)
        for (int k = 0; k < 4; k++)
            if (money_random(seed) % 3)
                money_use(b, id, s, kinds[k], money_random(seed) % 100000);
    if (id % 4 == 0)
        assert_int_equal(ledger_do(b->ledger,
                                   "UPDATE runs SET decision = 'held' WHERE id = ?",
                                   "i", id),
                         0);
    if (id % 4 == 0)
        books_lien(b, id, money_random(seed) % 2000000, end_s - length_s, end_s);
    if (id % 5 != 0)
        assert_int_equal(ledger_do(b->ledger,
                                   "UPDATE runs SET estimated_mj = ?,"
                                   " qos = ?, gpu_types = ? WHERE id = ?",
                                   "issi", (int64_t)money_random(seed),
                                   id % 2 ? "normal" : "high", id % 3 ? "" : "a100",
                                   id),
                         0);
}

/* Counts come late, in any of the run's quarter-hours or a new one. */
static void make_late(struct books *b, uint64_t *seed, int64_t id)
{
    int64_t end_s =
        ledger_number(b->ledger, 0, "SELECT end_s FROM runs WHERE id = ?", "i", id);

    for (int i = 0; i < 3; i++)
        money_use(b, id, end_s - money_random(seed) % 7200,
                  kinds[money_random(seed) % 4], money_random(seed) % 50000);
}

/* Each row of the day or month is the sum of its quarter-hours. */
static void spans_are_sums(struct books *b, const char *table, const char *start,
                           void (*window_of)(int64_t at_s, struct window *window))
{
    char sql[512];
    sqlite3_stmt *stmt;
    int64_t rows = 0;

    snprintf(sql, sizeof sql,
             "SELECT %s, account, SUM(cpu_mj), SUM(dram_mj), SUM(gpu_mj),"
             " SUM(other_mj), SUM(overrun_mj + credit_mj), SUM(runs) FROM %s"
             " GROUP BY 1, 2",
             start, table);
    stmt = ledger_query(b->ledger, sql, "");
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        static const char *const columns[] = {"cpu_mj",   "dram_mj",    "gpu_mj",
                                              "other_mj", "overrun_mj", "runs"};
        int64_t from_s = sqlite3_column_int64(stmt, 0);
        struct window window;

        window_of(from_s, &window);
        assert_int_equal(window.from_s, from_s);
        for (int i = 0; i < 6; i++) {
            snprintf(sql, sizeof sql,
                     "SELECT SUM(%s) FROM rollups WHERE quarter_s >= ? AND"
                     " quarter_s < ? AND account = ?",
                     columns[i]);
            assert_int_equal(sqlite3_column_int64(stmt, i + 2),
                             ledger_number(b->ledger, 0, sql, "iis", window.from_s,
                                           window.until_s,
                                           (const char *)sqlite3_column_text(stmt, 1)));
        }
        rows++;
    }
    ledger_done(b->ledger, stmt);
    assert_true(rows > 0);
}

static void all_agrees(struct books *b)
{
    money_agrees(b);
    spans_are_sums(b, "rollup_days", "day_s", period_day_of);
    spans_are_sums(b, "rollup_months", "month_s", period_month_of);
}

/* Random runs, settled, corrected twice. */
static void fill(struct books *b, int64_t around_s)
{
    struct policy *policy = money_policy(CREDITS);
    uint64_t seed = (uint64_t)around_s;

    ledger_number(b->ledger, 0, "PRAGMA synchronous = OFF",
                  ""); /* for the test's speed */
    for (int64_t id = 1; id <= RUNS; id++) {
        make_run(b, &seed, id, around_s);
        money_settle(b, policy, id, around_s + 10 * DAY);
    }
    all_agrees(b);
    for (int i = 0; i < 2; i++)
        for (int64_t id = 1 + i; id <= RUNS; id += 2 + i) {
            make_late(b, &seed, id);
            money_settle(b, policy, id, around_s + 11 * DAY);
        }
    policy_release(policy);
}

/* Where clocks are turned by an hour at 3, at midnight, by half an hour; and months
 * that end meanwhile. */
static const struct {
    const char *zone;
    int64_t around_s;
} places[] = {
    {"Europe/Berlin", 1792890000},       /* 2026-10-25 01:00 UTC */
    {"Europe/Berlin", NOVEMBER - 3600},  /* a month's end */
    {"America/Santiago", 1788667200},    /* 2026-09-06: there is no 00:00 */
    {"Australia/Lord_Howe", 1791043200}, /* 2026-10-04: by half an hour */
    {"Asia/Kathmandu", NOVEMBER},        /* +05:45 */
};

static void sums_agree_everywhere(void **state)
{
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        struct books *b = *state;

        zone(places[i].zone);
        fill(b, places[i].around_s);
        all_agrees(b);
        assert_true(money_number(b, "SELECT COUNT(*) FROM entries WHERE kind ="
                                    " 'overrun' AND mj > 0") > 10);
        assert_true(money_number(b, "SELECT COUNT(*) FROM entries WHERE kind ="
                                    " 'adjustment'") > 10);
        assert_true(money_number(b, "SELECT COUNT(*) FROM entries WHERE kind ="
                                    " 'credit'") > 10);
        assert_int_equal(money_number(b, "SELECT SUM(runs) FROM rollup_months"), RUNS);
        books_close(state);
        assert_int_equal(books_open(state), 0);
    }
}

/* Measured against estimated: the same runs in the same place, no others. */
static void estimates_are_of_the_same_runs(void **state)
{
    struct books *b = *state;

    zone("Europe/Berlin");
    fill(b, NOVEMBER);
    assert_int_equal(money_number(b, "SELECT SUM(estimated_mj) FROM rollup_months"),
                     money_number(b, "SELECT SUM(estimated_mj) FROM runs"));
    assert_int_equal(
        money_number(b, "SELECT SUM(estimated_used_mj) FROM rollup_days"),
        money_number(b,
                     "SELECT SUM(mj) FROM entries WHERE kind <> 'credit' AND run_id IN"
                     " (SELECT id FROM runs WHERE estimated_mj IS NOT NULL)"));
    assert_int_equal(
        money_number(b, "SELECT SUM(estimated_runs) FROM rollup_days"),
        money_number(b, "SELECT COUNT(*) FROM runs WHERE estimated_mj IS NOT NULL"));
}

/* A run's last quarter-hour of the month, and one that lies in the next. */
static void energy_counts_when_it_was_used(void **state)
{
    struct books *b = *state;

    zone("Europe/Berlin");
    money_run(b, 1, "astro", "u", "COMPLETED", NOVEMBER - 3600 + 60);
    money_use(b, 1, NOVEMBER - 3600 - 1, "package", 700);
    money_use(b, 1, NOVEMBER - 3600, "gpu", 11);
    money_settle(b, NULL, 1, NOVEMBER);
    assert_int_equal(money_number(b, "SELECT cpu_mj FROM run_months ORDER BY month_s"),
                     700);
    assert_int_equal(
        money_number(b, "SELECT month_s FROM run_months WHERE gpu_mj = 11"),
        NOVEMBER - 3600);
    assert_int_equal(
        money_number(b, "SELECT day_s FROM rollup_days WHERE cpu_mj = 700"),
        NOVEMBER - 3600 - 86400);
    assert_int_equal(
        money_number(b, "SELECT runs FROM rollup_months WHERE gpu_mj = 11"), 1);
}

/* Nothing is posted to a closed month any more. */
static void late_data_goes_to_the_open_month(void **state)
{
    struct books *b = *state;
    int64_t before, lines;

    money_run(b, 1, "astro", "u", "COMPLETED", NOVEMBER - 60);
    money_use(b, 1, NOVEMBER - 60, "package", 700);
    money_settle(b, NULL, 1, NOVEMBER);
    assert_int_equal(posting_open_s(b->ledger), 0);
    assert_int_equal(ledger_do(b->ledger,
                               "INSERT INTO periods (month_s, until_s, closed_s, actor,"
                               " why) VALUES (?,?,?,'root','x')",
                               "iii", OCTOBER, NOVEMBER, NOVEMBER + 100),
                     0);
    before = money_number(b, "SELECT SUM(cpu_mj) FROM rollups WHERE quarter_s <"
                             " 1793491200");
    lines = money_number(b, "SELECT COUNT(*) FROM run_months");
    money_use(b, 1, NOVEMBER - 2000, "package", 30);
    money_use(b, 1, NOVEMBER - 2000, "dram", 5);
    money_settle(b, NULL, 1, NOVEMBER + 200);
    all_agrees(b);
    assert_int_equal(money_number(b, "SELECT SUM(cpu_mj) FROM rollups WHERE quarter_s <"
                                     " 1793491200"),
                     before);
    assert_int_equal(money_number(b, "SELECT cpu_mj FROM rollups WHERE quarter_s ="
                                     " 1793491200"),
                     30);
    assert_int_equal(money_number(b, "SELECT COUNT(*) FROM run_months"), lines + 1);
    /* so does a run that was not settled in time */
    money_run(b, 2, "astro", "u", "COMPLETED", NOVEMBER - 30);
    money_use(b, 2, NOVEMBER - 60, "package", 9);
    money_settle(b, NULL, 2, NOVEMBER + 300);
    all_agrees(b);
    assert_int_equal(money_number(b, "SELECT SUM(runs) FROM rollup_days WHERE day_s ="
                                     " 1793491200"),
                     1);
}

static void execute(sqlite3 *db, const char *sql)
{
    char *error = NULL;

    if (sqlite3_exec(db, sql, NULL, NULL, &error) != SQLITE_OK)
        fail_msg("%s: %s", sql, error);
}

/* A ledger of version 3 with what this one has, in a folder below its own. */
static void copy_as_version_3(struct books *b, const char *dir)
{
    static const char *const tables[] = {"runs", "tokens", "run_quarters", "entries",
                                         "rollups"};
    char path[160], sql[512];
    sqlite3 *db;

    snprintf(path, sizeof path, "%s/ledger.db", dir);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    for (int i = 0; i < 3; i++)
        execute(db, schema_steps[i]);
    snprintf(sql, sizeof sql, "ATTACH '%s/ledger.db' AS new", b->temporary.dir);
    execute(db, sql);
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        sqlite3_stmt *stmt;
        char columns[1024];

        snprintf(sql, sizeof sql,
                 "SELECT group_concat(name) FROM pragma_table_info('%s', 'main')",
                 tables[i]);
        assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
        snprintf(columns, sizeof columns, "%s",
                 (const char *)sqlite3_column_text(stmt, 0));
        sqlite3_finalize(stmt);
        {
            char copy[2400];

            snprintf(copy, sizeof copy,
                     "INSERT INTO main.%s (%s) SELECT %s FROM new.%s", tables[i],
                     columns, columns, tables[i]);
            execute(db, copy);
        }
    }
    sqlite3_close(db);
}

/* What is filled from an older ledger is what would have been posted. */
static void an_older_ledger_is_filled(void **state)
{
    static const char *const tables[][2] = {
        {"rollup_days",
         "day_s, cluster, account, user, partition, qos, gpu_types,"
         " cpu_mj, dram_mj, gpu_mj, other_mj, overrun_mj, credit_mj, unpriced_mj,"
         " co2_unknown_mj, runs"},
        {"rollup_months",
         "month_s, cluster, account, user, partition, qos, gpu_types,"
         " cpu_mj, dram_mj, gpu_mj, other_mj, overrun_mj, credit_mj, unpriced_mj,"
         " co2_unknown_mj, runs"},
        {"run_months", "month_s, account, run_id, cpu_mj, dram_mj, gpu_mj, other_mj,"
                       " overrun_mj, credit_mj, unpriced_mj, co2_unknown_mj"},
        {"account_months", "month_s, cluster, account, cpu_mj, dram_mj, gpu_mj,"
                           " other_mj, overrun_mj, credit_mj, unpriced_mj,"
                           " co2_unknown_mj, runs"},
        {"rollups", "quarter_s, cluster, account, user, partition, cpu_mj, unpriced_mj,"
                    " co2_unknown_mj"},
        {"entries", "id, mj, unpriced_mj, co2_unknown_mj"}};
    struct books *b = *state, old;
    char sql[1200];

    zone("America/Santiago");
    fill(b, 1788667200);
    assert_int_equal(temporary_make(&old.temporary), 0);
    copy_as_version_3(b, old.temporary.dir);
    old.ledger = ledger_open(old.temporary.dir);
    assert_non_null(old.ledger);
    money_agrees(&old);
    snprintf(sql, sizeof sql, "ATTACH '%s/ledger.db' AS new", b->temporary.dir);
    assert_int_equal(ledger_do(old.ledger, sql, ""), 0);
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        for (int way = 0; way < 2; way++) {
            snprintf(sql, sizeof sql,
                     "SELECT COUNT(*) FROM (SELECT %s FROM %s.%s EXCEPT SELECT %s FROM"
                     " %s.%s)",
                     tables[i][1], way ? "main" : "new", tables[i][0], tables[i][1],
                     way ? "new" : "main", tables[i][0]);
            assert_int_equal(money_number(&old, sql), 0);
        }
        snprintf(sql, sizeof sql, "SELECT COUNT(*) > 1 FROM main.%s", tables[i][0]);
        assert_int_equal(money_number(&old, sql), 1);
    }
    ledger_close(old.ledger);
    temporary_remove(&old.temporary);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(sums_agree_everywhere, books_open, books_close),
        cmocka_unit_test_setup_teardown(estimates_are_of_the_same_runs, books_open,
                                        books_close),
        cmocka_unit_test_setup_teardown(energy_counts_when_it_was_used, books_open,
                                        books_close),
        cmocka_unit_test_setup_teardown(late_data_goes_to_the_open_month, books_open,
                                        books_close),
        cmocka_unit_test_setup_teardown(an_older_ledger_is_filled, books_open,
                                        books_close),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
