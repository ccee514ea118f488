/* prune_test.c - old runs lose their detail, and nothing that was charged */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "policy/person.h"
#include "policy/prune.h"
#include "policy/report.h"
#include "policy/verify.h"
#include "tests/unit/alone.h"
#include "tests/unit/good_books.h"

/* Runs 3 and 4 ended before, 1 and 2 after. */
#define BEFORE (NOVEMBER + DAY)

static int open_good(void **state)
{
    if (books_open(state) < 0)
        return -1;
    good_fill(*state);
    return 0;
}

static int64_t number(struct books *b, const char *sql)
{
    return ledger_number(b->ledger, -1, sql, "");
}

static struct prune_count prune(struct books *b, int64_t before_s)
{
    struct prune_place place = {0, 0};
    struct prune_count count = {0};
    int rc;

    do
        rc = prune_some(b->ledger, before_s, NOW, 1, &place, &count);
    while (rc > 0);
    assert_int_equal(rc, 0);
    return count;
}

static void balances(struct books *b)
{
    static const struct verify_range all = {0, INT64_MAX};
    json_t *answer = verify_answer(b->ledger, &all, (struct verify_place){0, 0}, 60000);
    char *text = json_dumps(answer, JSON_INDENT(1));

    if (json_array_size(json_object_get(answer, "breaches")) > 0)
        fail_msg("%s", text);
    free(text);
    json_decref(answer);
}

static json_t *job(struct books *b, const char *id)
{
    static const struct access_rights rights;
    struct person_wish wish = {.steps = true, .bins = 4};
    unsigned status;
    json_t *reply = person_job(b->ledger, &rights, id, &wish, &status);
    json_t *run = json_incref(json_array_get(json_object_get(reply, "runs"), 0));

    assert_int_equal(status, 200);
    json_decref(reply);
    return run;
}

static const char *const details[] = {"run_points",  "run_steps",    "run_step_counts",
                                      "run_domains", "run_quarters", "run_caps"};

#define DETAILS (sizeof details / sizeof *details)

static int64_t detail_of(struct books *b, int64_t run)
{
    int64_t rows = 0;

    for (size_t i = 0; i < DETAILS; i++) {
        char sql[128];

        snprintf(sql, sizeof sql, "SELECT COUNT(*) FROM %s WHERE token = 't%d'",
                 details[i], (int)run);
        rows += number(b, sql);
    }
    return rows;
}

static void old_runs_lose_their_detail(void **state)
{
    struct books *b = *state;
    struct prune_count would, count;
    int64_t entries = number(b, "SELECT SUM(mj) FROM entries");
    int64_t rows = detail_of(b, 3) + detail_of(b, 4);

    assert_int_equal(prune_look(b->ledger, BEFORE, &would), 0);
    assert_int_equal(would.runs, 2);
    assert_int_equal(would.rows, rows);
    count = prune(b, BEFORE);
    assert_int_equal(count.runs, 2);
    assert_int_equal(count.kept, 0);
    assert_int_equal(detail_of(b, 3) + detail_of(b, 4), 0);
    assert_true(detail_of(b, 1) > 0 && detail_of(b, 2) > 0);
    assert_int_equal(number(b, "SELECT SUM(mj) FROM entries"), entries);
    assert_int_equal(number(b, "SELECT COUNT(*) FROM tokens WHERE pruned"), 2);
    balances(b);
    count = prune(b, BEFORE);
    assert_int_equal(count.runs, 0);
    assert_int_equal(count.rows, 0);
}

/* … but not the order of prune_look() and what it says. */
static void a_pruned_job_still_has_its_charge(void **state)
{
    static const char *const same[] = {"energy",     "charge_mj", "apportioned",
                                       "integrated", "quality",   "user",
                                       "cpu_ns"};
    struct books *b = *state;
    json_t *before = job(b, "3"), *after, *bin;
    size_t i;

    assert_true(json_is_null(json_object_get(before, "pruned_s")));
    prune(b, BEFORE);
    after = job(b, "3");
    assert_int_equal(json_integer_value(json_object_get(after, "pruned_s")), NOW);
    for (i = 0; i < sizeof same / sizeof *same; i++)
        if (!json_equal(json_object_get(before, same[i]),
                        json_object_get(after, same[i])))
            fail_msg("%s is another", same[i]);
    /* It was never measured: unknown, not zero. */
    assert_true(
        json_is_null(json_object_get(json_object_get(after, "energy"), "other_mj")));
    assert_int_equal(json_array_size(json_object_get(after, "nodes")), 1);
    assert_int_equal(json_array_size(json_object_get(after, "steps")), 0);
    json_array_foreach(json_object_get(json_object_get(after, "plot"), "bins"), i, bin)
        assert_true(json_is_null(json_object_get(bin, "cpu_mj")));
    json_decref(before);
    json_decref(after);
}

static json_t *usage(struct books *b, const char *by)
{
    static const struct access_rights rights = {.sees_all = true};
    unsigned status;
    json_t *reply = person_usage(b->ledger, &rights, by, 0, INT64_MAX, &status);

    assert_int_equal(status, 200);
    return reply;
}

static void use_is_as_before(void **state)
{
    static const char *const bys[] = {"account", "user", "partition", "day", "job"};
    struct books *b = *state;
    json_t *before[5], *after;

    for (size_t i = 0; i < 5; i++)
        before[i] = usage(b, bys[i]);
    prune(b, BEFORE);
    for (size_t i = 0; i < 5; i++) {
        after = usage(b, bys[i]);
        assert_true(json_equal(before[i], after));
        json_decref(before[i]);
        json_decref(after);
    }
}

/* A node that was off for years brings its final: it is acknowledged, so that the node
 * forgets it, and charged to nobody. */
static void late_counts_of_a_pruned_run_change_nothing(void **state)
{
    struct books *b = *state;
    struct settings settings = {0};
    int64_t entries;
    json_t *json, *reply = NULL;
    const char *error;

    prune(b, BEFORE);
    entries = number(b, "SELECT SUM(mj) FROM entries");
    json = json_pack(
        "{s:s s:s s:i s:I s:b s:[{s:s s:s s:s s:s s:n s:i s:i s:i s:i}] s:[{s:s s:i s:i"
        " s:I s:I s:b s:i s:[] s:{s:I}}]}",
        "node", "n4", "epoch", "e", "seq", 1, "time_ms", (json_int_t)NOW * 1000,
        "simulated", 0, "domains", "name", "package-0", "kind", "package", "source",
        "x", "state", "ok", "reason", "total_uj", 9000, "jobs_uj", 9000, "node_uj", 0,
        "gap_ms", 0, "runs", "token", "t4", "job", 4, "uid", 1001, "start_ms",
        (json_int_t)OCTOBER * 1000, "end_ms", (json_int_t)OCTOBER * 1000 + 5000,
        "final", 1, "cpu_ns", 0, "reasons", "domains", "package-0",
        (json_int_t)INT64_C(900000000000));
    assert_int_equal(
        report_take(b->ledger, &settings, NULL, json, NOW * 1000, &reply, &error), 0);
    assert_int_equal(json_array_size(json_object_get(reply, "acked")), 1);
    json_decref(reply);
    json_decref(json);
    assert_int_equal(detail_of(b, 4), 0);
    assert_int_equal(ledger_begin(b->ledger), 0);
    assert_int_equal(run_settle(b->ledger, NULL, 4, NOW, 600, 0), 0);
    assert_int_equal(ledger_commit(b->ledger), 0);
    assert_int_equal(number(b, "SELECT SUM(mj) FROM entries"), entries);
    balances(b);
}

/* The same from a node that had not been heard of. */
static void a_late_node_of_a_pruned_run_is_refused(void **state)
{
    struct books *b = *state;

    prune(b, BEFORE);
    books_do(b, "INSERT INTO tokens (token, node, job_id, start_ms, last_ms, final,"
                " cpu_ns, reasons, simulated) VALUES ('late','n9',4,0,0,1,0,'[]',0)");
    books_do(b, "INSERT INTO run_quarters VALUES ('late', 0, 'dram', 5, 0)");
    books_do(b, "INSERT INTO run_domains (token, domain, kind, uj)"
                " VALUES ('late', 'dram-0', 'dram', 5000)");
    assert_int_equal(run_bind(b->ledger, "late", 4), 0);
    assert_int_equal(number(b, "SELECT COUNT(*) FROM tokens WHERE token = 'late'"
                               " AND run_id IS NULL AND refused"),
                     1);
    balances(b);
}

static void what_does_not_balance_keeps_all(void **state)
{
    struct books *b = *state;
    struct prune_count count;
    int64_t rows = detail_of(b, 3);

    books_do(b, "UPDATE run_months SET dram_mj = dram_mj + 1 WHERE run_id = 3");
    books_do(b, "UPDATE run_quarters SET mj = mj + 1 WHERE token = 't4'"
                " AND kind = 'dram'"); /* waits for its adjustment */
    assert_int_equal(prune_look(b->ledger, BEFORE, &count), 0);
    assert_int_equal(count.runs, 0);
    assert_int_equal(count.kept, 2);
    count = prune(b, BEFORE);
    assert_int_equal(count.runs, 0);
    assert_int_equal(count.kept, 2);
    assert_int_equal(detail_of(b, 3), rows);
}

static void what_is_not_settled_keeps_all(void **state)
{
    struct books *b = *state;
    int64_t rows = detail_of(b, 5) + detail_of(b, 6);

    assert_int_equal(prune(b, DECEMBER).runs, 4);
    assert_int_equal(detail_of(b, 5) + detail_of(b, 6), rows);
    balances(b);
}

static void old_decisions_and_history_go(void **state)
{
    struct books *b = *state;

    assert_true(number(b, "SELECT COUNT(*) FROM history WHERE run_id = 4") == 1);
    for (int i = 0; i < 500; i++)
        assert_int_equal(
            ledger_do(b->ledger,
                      "INSERT INTO decisions (time_s, cluster, job_text, user, account,"
                      " partition, action, rule, why) VALUES (?,'c','1','u','a','p',"
                      "'hold','r','')",
                      "i", BEFORE - 250 + i),
            0);
    assert_int_equal(prune(b, BEFORE).decisions, 250);
    assert_int_equal(number(b, "SELECT MIN(time_s) FROM decisions"), BEFORE);
    assert_int_equal(number(b, "SELECT COUNT(*) FROM history WHERE run_id = 4"), 0);
    assert_int_equal(number(b, "SELECT COUNT(*) FROM history WHERE run_id = 1"), 1);
}

static void years_are_calendar_years(void **state)
{
    (void)state;
    setenv("TZ", "Europe/Berlin", 1);
    tzset();
    /* 2026-11-21 16:00 there, two years before at midnight. */
    assert_int_equal(prune_before_s(INT64_C(1795273200), 2), INT64_C(1732143600));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(old_runs_lose_their_detail, open_good,
                                        books_close),
        cmocka_unit_test_setup_teardown(a_pruned_job_still_has_its_charge, open_good,
                                        books_close),
        cmocka_unit_test_setup_teardown(use_is_as_before, open_good, books_close),
        cmocka_unit_test_setup_teardown(late_counts_of_a_pruned_run_change_nothing,
                                        open_good, books_close),
        cmocka_unit_test_setup_teardown(a_late_node_of_a_pruned_run_is_refused,
                                        open_good, books_close),
        cmocka_unit_test_setup_teardown(what_does_not_balance_keeps_all, open_good,
                                        books_close),
        cmocka_unit_test_setup_teardown(what_is_not_settled_keeps_all, open_good,
                                        books_close),
        cmocka_unit_test_setup_teardown(old_decisions_and_history_go, open_good,
                                        books_close),
        cmocka_unit_test(years_are_calendar_years),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
