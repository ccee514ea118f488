/* verify_test.c - good books are found good, and each breach planted in them is named
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "policy/period_digest.h"
#include "policy/verify.h"
#include "tests/unit/good_books.h"

int lookup_node(const char *node, struct lookup_node *found)
{
    (void)node;
    (void)found;
    return -1;
}

static int open_good(void **state)
{
    if (books_open(state) < 0)
        return -1;
    good_fill(*state);
    return 0;
}

/* All pieces' breaches, by a reader beside the ledger that is open. */
static json_t *verify(struct books *b, int64_t start_s, int64_t end_s, json_t *checked)
{
    const struct verify_range range = {start_s, end_s};
    struct verify_place place = {0, 0};
    json_t *all = json_array();
    char why[LEDGER_READ_WHY];
    struct ledger *reader = ledger_reader(b->ledger, why);
    int rc;

    if (!reader)
        fail_msg("%s", why);
    do {
        struct verify_found found;

        rc = verify_next(reader, &range, &place, &found);
        json_array_extend(all, found.breaches);
        assert_true(found.percent >= 0 && found.percent <= 100);
        if (checked)
            json_object_set_new(
                checked, found.step,
                json_integer(found.checked +
                             json_integer_value(json_object_get(checked, found.step))));
        verify_done(&found);
    } while (rc > 0);
    ledger_close(reader);
    assert_int_equal(rc, 0);
    return all;
}

static void are_good(struct books *b)
{
    json_t *breaches = verify(b, 0, INT64_MAX, NULL);
    char *text = json_dumps(breaches, JSON_INDENT(1));

    if (json_array_size(breaches) > 0)
        fail_msg("%s", text);
    free(text);
    json_decref(breaches);
}

static void good_books_are_good(void **state)
{
    struct books *b = *state;
    json_t *checked = json_object();
    json_t *breaches = verify(b, 0, INT64_MAX, checked);

    are_good(b);
    json_decref(breaches);
    assert_int_equal(json_integer_value(json_object_get(checked, "runs")), 6);
    assert_int_equal(json_integer_value(json_object_get(checked, "unbound counts")), 1);
    assert_int_equal(json_integer_value(json_object_get(checked, "months")), 2);
    assert_int_equal(json_integer_value(json_object_get(checked, "days")), 6);
    json_decref(checked);
}

static void an_empty_ledger_is_good(void **state)
{
    are_good(*state);
}

/* What is done to good books, and what must be said of it. */
static const struct {
    const char *sql, *check, *says;
} breaches[] = {
    {"DROP TRIGGER entries_no_delete; DELETE FROM entries WHERE run_id = 1", "charge",
     "job 1 is settled and was never charged"},
    {"DROP TRIGGER entries_no_update; UPDATE entries SET mj = mj + 1 WHERE run_id = 1",
     "energy", "job 1: its charge, adjustments and overrun come to"},
    {"DROP INDEX entries_charge; INSERT INTO entries (run_id, kind, mj, time_s, actor,"
     " why) VALUES (1, 'charge', 0, 0, 'x', 'x')",
     "charge", "job 1 was charged 2 times"},
    {"INSERT INTO entries (run_id, kind, mj, time_s, actor, why)"
     " VALUES (6, 'charge', 0, 0, 'x', 'x')",
     "charge", "job 6 is not settled, and has 1 entries already"},
    {"INSERT INTO entries (run_id, kind, mj, time_s, actor, why)"
     " VALUES (1, 'credit', -5, 0, 'x', 'x')",
     "months", "job 1: its months have 0 mJ of credit, its entries 5 mJ"},
    {"UPDATE runs SET overrun_mj = overrun_mj + 1 WHERE id = 3", "overrun", "job 3: "},
    {"INSERT INTO liens VALUES (1,1,0,0,0,NULL)", "lien",
     "job 1 is settled, and its lien is still set aside"},
    {"UPDATE run_months SET gpu_mj = gpu_mj - 1 WHERE run_id = 1", "months",
     "job 1: its months have"},
    {"UPDATE run_months SET overrun_mj = 0 WHERE run_id = 3", "months",
     "job 3: its months have 0 mJ of overrun"},
    {"UPDATE run_domains SET uj = uj + 1000 WHERE token = 't2' AND kind = 'dram'",
     "counts", "job 2: its quarter-hours come to 40000 mJ of dram"},
    {"UPDATE run_domains SET uj = uj + 1000 WHERE token = 't5'", "counts", "job 5: "},
    {"UPDATE run_domains SET uj = uj + 1000 WHERE token = 't7'", "counts",
     "node n1's part of job 7, which is no run's"},
    {"UPDATE run_quarters SET posted_mj = 3 WHERE token = 't7'", "roll-ups",
     "node n1's part of job 7 is no run's"},
    {"UPDATE run_quarters SET posted_mj = 3 WHERE token = 't5'", "roll-ups",
     "job 5 is not settled, and 6 mJ of it are posted"},
    {"UPDATE rollups SET dram_mj = dram_mj + 9 WHERE account = 'bio' AND quarter_s ="
     " (SELECT MAX(quarter_s) FROM rollups WHERE account = 'bio')",
     "quarter-hours",
     "2026-11-01, account bio, user u, partition main: the roll-up by day has 9 mJ of "
     "dram less than its quarter-hours"},
    {"UPDATE rollups SET dram_mj = dram_mj + CASE quarter_s % 1800 WHEN 0 THEN 9 ELSE"
     " -9 END WHERE account = 'astro'",
     "quarter-hours", "the roll-ups of its quarter-hours has 9 mJ of dram"},
    {"UPDATE rollups SET runs = runs + 1 WHERE runs > 0 AND account = 'bio'",
     "quarter-hours", "1 runs less than its quarter-hours"},
    {"UPDATE rollup_days SET cpu_mj = cpu_mj + 1 WHERE account = 'bio'", "days",
     "month 2026-11, account bio, user u, partition main: the roll-up by month has 1 "
     "mJ of cpu less than its days"},
    {"UPDATE rollup_months SET gpu_mj = gpu_mj + 2 WHERE account = 'astro'", "months",
     "the roll-up by month has 2 mJ of gpu more than its runs"},
    {"UPDATE rollup_months SET unpriced_mj = unpriced_mj - 1 WHERE account = 'astro'",
     "months", "the roll-up by month has 1 mJ without a price less than its runs"},
    {"UPDATE run_months SET unpriced_mj = 0, price_u = 3 WHERE run_id = 1", "months",
     "job 1: its months have 3 millionths of the price, its entries 0"},
    {"UPDATE run_months SET co2_unknown_mj = 0 WHERE run_id = 1", "months",
     "job 1: its months have 0 mJ without CO2, its entries "},
    {"UPDATE rollups SET co2_unknown_mj = co2_unknown_mj + 4 WHERE account = 'bio' AND"
     " runs > 0",
     "quarter-hours", "4 mJ without CO2 less than its quarter-hours"},
    {"UPDATE rollups SET price_u = 8 WHERE account = 'bio' AND runs > 0",
     "quarter-hours", "8 millionths of the price less than its quarter-hours"},
    {"UPDATE account_months SET gpu_mj = gpu_mj + 2 WHERE account = 'astro'", "months",
     "account astro, user all, partition all: the roll-up by account has 2 mJ of gpu "
     "more than the roll-up by month"},
    {"DELETE FROM account_months WHERE account = 'astro'", "sums",
     "in the accounts' months: "},
    {"DELETE FROM rollup_months WHERE account = 'astro'", "sums",
     "mJ in charges, adjustments and overruns: "},
    {"UPDATE quotas SET mj = 6", "quota", "is not what was last set by hand"},
    {"DELETE FROM quotas", "quota", "was set and never removed, and is not there"},
    {"INSERT INTO postings (time_s, kind, account, user, mj, run_id, actor, why)"
     " VALUES (0, 'refund', 'astro', '', 900000000, 1, 'x', 'x')",
     "refund", "of job 1 account 'astro' was given back 900000000 mJ"},
    {"UPDATE node_domains SET node_uj = node_uj - 5", "nodes",
     "node n1's package-0: jobs and node's own are 5 uJ short"},
    {"UPDATE node_domains SET booked_total_uj = total_uj + 1", "nodes",
     "more is booked than its counter moved by"},
    {"UPDATE node_domains SET jobs_uj = 5, node_uj = total_uj - 5", "sums",
     "the nodes' counters gave jobs 0 mJ"},
    {"INSERT INTO cluster_quarters (quarter_s, cluster, kind, total_mj, jobs_mj, "
     "node_mj) VALUES (900, 'c', 'dram', 10, 4, 5)",
     "nodes", "the cluster's dram in the quarter-hour from 900"},
    {"INSERT INTO node_days (day_s, node, kind, total_mj, jobs_mj, node_mj) VALUES (0, "
     "'n9', 'gpu', 10, 4, 5)",
     "nodes", "node n9's"},
};

static bool is_named(const json_t *list, const char *check, const char *says)
{
    json_t *breach;
    size_t i;

    json_array_foreach(list, i, breach)
    {
        if (strcmp(json_string_value(json_object_get(breach, "check")), check) == 0 &&
            strstr(json_string_value(json_object_get(breach, "text")), says))
            return true;
    }
    return false;
}

static void execute(struct books *b, const char *sql)
{
    char path[128];
    sqlite3 *db;

    snprintf(path, sizeof path, "%s/ledger.db", b->temporary.dir);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    sqlite3_close(db);
}

static void each_breach_is_named(void **state)
{
    for (size_t i = 0; i < sizeof breaches / sizeof *breaches; i++) {
        struct books *b;
        json_t *list;
        char *text;

        assert_int_equal(open_good(state), 0);
        b = *state;
        execute(b, breaches[i].sql);
        list = verify(b, 0, INT64_MAX, NULL);
        text = json_dumps(list, JSON_INDENT(1));
        if (!is_named(list, breaches[i].check, breaches[i].says))
            fail_msg("%s\n%s: %s\nis not in %s", breaches[i].sql, breaches[i].check,
                     breaches[i].says, text);
        free(text);
        json_decref(list);
        books_close(state);
    }
}

/* Only what lies in the time that was asked for is told. */
static void a_time_is_kept_to(void **state)
{
    struct books *b = *state;
    json_t *list;

    execute(b, "UPDATE run_months SET gpu_mj = gpu_mj - 1 WHERE run_id = 1");
    list = verify(b, OCTOBER, NOVEMBER - DAY, NULL);
    assert_int_equal(json_array_size(list), 0);
    json_decref(list);
    list = verify(b, NOVEMBER, DECEMBER, NULL);
    assert_true(is_named(list, "months", "job 1"));
    json_decref(list);
}

/* Late counts that nobody has entered yet are no breach. */
static void what_waits_is_told(void **state)
{
    struct books *b = *state;
    const struct verify_range range = {0, INT64_MAX};
    json_t *answer;

    books_do(b, "UPDATE run_quarters SET mj = mj + 5 WHERE token = 't1'"
                " AND kind = 'gpu'");
    books_do(b, "UPDATE run_domains SET uj = uj + 10000 WHERE token = 't1'"
                " AND kind = 'gpu'");
    answer = verify_answer(b->ledger, &range, (struct verify_place){0, 0}, 60000);
    assert_int_equal(json_integer_value(json_object_get(answer, "waiting")), 1);
    assert_int_equal(json_array_size(json_object_get(answer, "breaches")), 0);
    assert_true(json_is_null(json_object_get(answer, "next")));
    json_decref(answer);
}

/* What comes late for a closed month stands in the first quarter-hour that is open. */
static void late_counts_of_a_closed_month_are_good(void **state)
{
    struct books *b = *state;
    struct policy *policy = good_policy();

    assert_int_equal(ledger_do(b->ledger,
                               "INSERT INTO periods (month_s, until_s, closed_s, actor,"
                               " why) VALUES (?,?,?,'root','')",
                               "iii", OCTOBER, NOVEMBER, NOW),
                     0);
    books_do(b, "UPDATE run_quarters SET mj = mj + 5 WHERE token = 't4'"
                " AND kind = 'package' AND quarter_s = (SELECT MIN(quarter_s)"
                " FROM run_quarters WHERE token = 't4')");
    books_do(b, "UPDATE run_domains SET uj = uj + 5000 WHERE token = 't4'"
                " AND kind = 'package'");
    good_settle(b, policy, 4, NOW);
    assert_int_equal(ledger_number(b->ledger, 0,
                                   "SELECT SUM(cpu_mj) FROM run_months"
                                   " WHERE run_id = 4 AND month_s = ?",
                                   "i", NOVEMBER),
                     5);
    are_good(b);
    policy_release(policy);
}

/* A statement's month stays as it was, and no number is missing. */
static void closed_months_stay(void **state)
{
    struct books *b = *state;
    char digest[PERIOD_DIGEST];
    json_t *list;

    assert_int_equal(period_digest(b->ledger, OCTOBER, "astro", digest), 0);
    assert_int_equal(ledger_do(b->ledger,
                               "INSERT INTO periods (month_s, until_s, closed_s, actor,"
                               " why) VALUES (?,?,?,'root','')",
                               "iii", OCTOBER, NOVEMBER, NOW),
                     0);
    for (int64_t number = 1; number <= 3; number += 2)
        assert_int_equal(
            ledger_do(b->ledger,
                      "INSERT INTO statements (number, month_s, account, cpu_mj,"
                      " dram_mj, gpu_mj, other_mj, overrun_mj, credit_mj, price_u,"
                      " co2_mg, unpriced_mj, co2_unknown_mj, runs, digest)"
                      " VALUES (?,?,?,0,0,0,0,0,0,0,0,0,0,0,?)",
                      "iiss", number, OCTOBER, number == 1 ? "astro" : "bio",
                      number == 1 ? digest : "0123"),
            0);
    list = verify(b, 0, INT64_MAX, NULL);
    assert_int_equal(json_array_size(list), 2);
    assert_true(is_named(list, "statements", "statement 2 is missing"));
    assert_true(
        is_named(list, "statements", "statement 3, account bio, the month from "));
    json_decref(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(good_books_are_good, open_good, books_close),
        cmocka_unit_test_setup_teardown(an_empty_ledger_is_good, books_open,
                                        books_close),
        cmocka_unit_test(each_breach_is_named),
        cmocka_unit_test_setup_teardown(a_time_is_kept_to, open_good, books_close),
        cmocka_unit_test_setup_teardown(closed_months_stay, open_good, books_close),
        cmocka_unit_test_setup_teardown(what_waits_is_told, open_good, books_close),
        cmocka_unit_test_setup_teardown(late_counts_of_a_closed_month_are_good,
                                        open_good, books_close),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
