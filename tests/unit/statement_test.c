/* statement_test.c - who sees what of an account's month, in pages that add up */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "policy/pricing.h"
#include "policy/statement.h"
#include "tests/unit/money_books.h"

#define KWH INT64_C(3600000000)

static const struct access_rights root = {.user = "root", .sees_all = true},
                                  alice = {.user = "alice"},
                                  mallory = {.user = "mallory"},
                                  boss = {.user = "boss",
                                          .accounts = {"physics"},
                                          .account_count = 1};

static json_t *ask(struct books *b,
                   json_t *(*answer)(const struct statement_call *, unsigned *),
                   const struct access_rights *rights, const char *account,
                   const char *month, const json_t *after, unsigned wanted)
{
    const json_t *place = json_object_get(after, "next");
    const char *name = json_string_value(json_object_get(place, "account"));
    struct statement_call call = {
        .ledger = b->ledger,
        .rights = rights,
        .account = account,
        .month = month,
        .now_s = NOW,
        .after_account = name ? name : "",
        .after_run = json_integer_value(json_object_get(place, "run_id"))};
    unsigned status;
    json_t *json = answer(&call, &status);

    assert_int_equal(status, wanted);
    return json;
}

static void says(json_t *answer, const char *sentence)
{
    assert_string_equal(json_string_value(json_object_get(answer, "error")), sentence);
    json_decref(answer);
}

static int64_t number(const json_t *json, const char *key)
{
    return json_integer_value(json_object_get(json, key));
}

/* physics has astro below it; chem is beside them. */
static void fill(struct books *b)
{
    static const char *const accounts[] = {"astro", "chem", "physics"};
    static const char *const users[] = {"alice", "bob"};
    struct policy *policy = money_policy(
        "{\"credits\": {\"NODE_FAIL\": 50}, \"tariff\": {\"currency\": \"EUR\","
        " \"price\": \"0.3\", \"co2_g\": 100}}");

    books_account(b, "c", "physics", "");
    books_account(b, "c", "astro", "physics");
    books_account(b, "c", "chem", "");
    books_member(b, "astro", "alice");
    books_member(b, "chem", "bob");
    assert_int_equal(pricing_keep(b->ledger, policy, OCTOBER), 0);
    for (int64_t id = 1; id <= 60; id++) {
        money_run(b, id, accounts[id % 3], users[id % 2],
                  id % 5 ? "COMPLETED" : "NODE_FAIL", NOVEMBER + id * 3600);
        money_use(b, id, NOVEMBER + id * 3600 - 900, "package", id * KWH);
        money_use(b, id, NOVEMBER - 900, "gpu", 7);
        money_settle(b, policy, id, NOW);
    }
    policy_release(policy);
}

static void an_account_has_its_month(void **state)
{
    struct books *b = *state;
    struct quota quota;
    json_t *head, *totals, *budget;

    fill(b);
    quota = books_quota(b, "physics", "", "", 3000 * KWH);
    books_posting(b, NOVEMBER + DAY, "grant", &quota, 500 * KWH);
    books_posting(b, NOVEMBER - DAY, "grant", &quota, 5 * KWH);
    head = ask(b, statement_head, &root, "physics", "2026-11", NULL, 200);
    totals = json_object_get(head, "totals");
    assert_int_equal(number(totals, "used_mj"),
                     ledger_number(b->ledger, 0,
                                   "SELECT SUM(cpu_mj + gpu_mj) FROM rollups WHERE"
                                   " account <> 'chem' AND quarter_s >= 1793491200",
                                   ""));
    assert_int_equal(number(totals, "charged_mj"),
                     number(totals, "used_mj") - number(totals, "credit_mj"));
    assert_true(number(totals, "credit_mj") > 0);
    assert_int_equal(number(totals, "runs"), 40);
    assert_int_equal(
        number(totals, "price_u"),
        ledger_number(b->ledger, 0,
                      "SELECT SUM(price_u) FROM run_months WHERE account <>"
                      " 'chem' AND month_s = 1793491200",
                      ""));
    assert_int_equal(json_array_size(json_object_get(head, "accounts")), 2);
    assert_int_equal(json_array_size(json_object_get(head, "postings")), 1);
    assert_string_equal(json_string_value(json_object_get(head, "currency")), "EUR");
    assert_true(json_is_null(json_object_get(head, "number")));
    budget = json_array_get(json_object_get(head, "budgets"), 0);
    assert_int_equal(number(budget, "quota_mj"), 3500 * KWH);
    assert_int_equal(number(budget, "available_mj"),
                     3500 * KWH - number(totals, "charged_mj"));
    json_decref(head);
}

/* A month before there was a tariff. */
static void what_had_no_price_is_null(void **state)
{
    struct books *b = *state;
    json_t *head, *page, *totals, *line;
    struct policy *policy;

    fill(b);
    policy = money_policy("{}");
    money_run(b, 61, "chem", "bob", "COMPLETED", OCTOBER - 60);
    money_use(b, 61, OCTOBER - 900, "package", KWH);
    money_settle(b, policy, 61, NOW);
    head = ask(b, statement_head, &root, "chem", "2026-09", NULL, 200);
    totals = json_object_get(head, "totals");
    assert_true(json_is_null(json_object_get(totals, "price_u")));
    assert_true(json_is_null(json_object_get(totals, "co2_mg")));
    assert_int_equal(number(totals, "unpriced_mj"), KWH);
    assert_int_equal(number(totals, "co2_unknown_mj"), KWH);
    page = ask(b, statement_page, &root, "chem", "2026-09", NULL, 200);
    line = json_array_get(json_object_get(page, "lines"), 0);
    assert_true(json_is_null(json_array_get(line, 13)));
    assert_true(json_is_null(json_array_get(line, 14)));
    assert_int_equal(json_integer_value(json_array_get(line, 15)), KWH);
    assert_int_equal(json_integer_value(json_array_get(line, 16)), KWH);
    json_decref(head);
    json_decref(page);
    policy_release(policy);
}

/* Each run once, whatever the pages; their sums are the head's. */
static void pages_add_up(void **state)
{
    static const struct {
        const struct access_rights *rights;
        const char *account;
        size_t lines;
    } table[] = {{&root, "physics", 40}, {&root, "astro", 20}, {&root, "chem", 20},
                 {&boss, "physics", 40}, {&boss, "astro", 20}, {&alice, "astro", 10},
                 {&alice, "physics", 20}};
    struct books *b = *state;

    fill(b);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        json_t *head = ask(b, statement_head, table[i].rights, table[i].account,
                           "2026-11", NULL, 200);
        json_t *page = ask(b, statement_page, table[i].rights, table[i].account,
                           "2026-11", NULL, 200),
               *lines = json_object_get(page, "lines"), *line;
        int64_t used = 0, price = 0, borne = 0;
        size_t n;

        assert_true(json_is_null(json_object_get(page, "next")));
        json_array_foreach(lines, n, line)
        {
            for (int k = 8; k < 12; k++)
                used += json_integer_value(json_array_get(line, k));
            borne += json_integer_value(json_array_get(line, 12));
            price += json_integer_value(json_array_get(line, 13));
            if (table[i].rights == &alice)
                assert_string_equal(json_string_value(json_array_get(line, 3)),
                                    "alice");
        }
        assert_int_equal(n, table[i].lines);
        assert_int_equal(used, number(json_object_get(head, "totals"), "used_mj"));
        assert_int_equal(used - borne,
                         number(json_object_get(head, "totals"), "charged_mj"));
        assert_int_equal(price, number(json_object_get(head, "totals"), "price_u"));
        json_decref(head);
        json_decref(page);
    }
}

/* More runs than a page has, over more accounts. */
static void many_runs_come_in_pages(void **state)
{
    struct books *b = *state;
    json_t *page = NULL, *next;
    size_t lines = 0, pages = 0;
    int64_t ids = 0;

    fill(b);
    books_do(b, "PRAGMA foreign_keys = OFF");
    books_do(b, "INSERT INTO runs (id, cluster, job_id, submit_s, restart, job_text,"
                " uid, user, account, partition, name, start_s, end_s, slurm_state,"
                " node_count, state) WITH RECURSIVE n(i) AS (SELECT 1000 UNION ALL"
                " SELECT i + 1 FROM n WHERE i < 6499) SELECT i, 'c', i, 1, 0, i, 1,"
                " 'bob', CASE i % 2 WHEN 0 THEN 'astro' ELSE 'physics' END, 'main',"
                " 'n', 1, 2, 'COMPLETED', 1, 'settled' FROM n");
    books_do(b, "INSERT INTO run_months (month_s, account, run_id, cpu_mj)"
                " SELECT 1793491200, account, id, 1 FROM runs WHERE id >= 1000");
    do {
        json_t *before = page, *line;
        size_t n;

        page = ask(b, statement_page, &root, "physics", "2026-11", before, 200);
        json_decref(before);
        json_array_foreach(json_object_get(page, "lines"), n, line) ids +=
            json_integer_value(json_array_get(line, 1));
        lines += n;
        pages++;
        assert_true(n <= STATEMENT_PAGE);
        next = json_object_get(page, "next");
    } while (!json_is_null(next));
    json_decref(page);
    assert_int_equal(lines, 5500 + 40);
    assert_int_equal(pages, 3);
    assert_int_equal(ids,
                     ledger_number(b->ledger, 0,
                                   "SELECT SUM(run_id) FROM run_months WHERE month_s"
                                   " = 1793491200 AND account <> 'chem'",
                                   ""));
}

static void what_is_wrong_is_said(void **state)
{
    struct books *b = *state;

    fill(b);
    says(ask(b, statement_head, &root, "astro", "2026-13", NULL, 400),
         "\"2026-13\" is no month: 2026-11 is meant, say");
    says(ask(b, statement_head, &root, "astro", "11/2026", NULL, 400),
         "\"11/2026\" is no month: 2026-11 is meant, say");
    says(ask(b, statement_head, &root, "", "2026-11", NULL, 400),
         "a statement is of an account: -A ACCOUNT");
    says(ask(b, statement_head, &root, "astra", "2026-11", NULL, 404),
         "there is no account \"astra\"");
    says(ask(b, statement_head, &mallory, "astro", "2026-11", NULL, 403),
         "only its members, coordinators and operators see an account's statement");
    says(ask(b, statement_page, &boss, "chem", "2026-11", NULL, 403),
         "only its members, coordinators and operators see an account's statement");
}

/* A month without anything is a statement too. */
static void nothing_is_nothing(void **state)
{
    struct books *b = *state;
    json_t *head, *page;

    fill(b);
    /* a quota that came later was not given */
    books_quota(b, "astro", "", "", KWH);
    head = ask(b, statement_head, &root, "astro", "2026-09", NULL, 200);
    assert_int_equal(json_array_size(json_object_get(head, "budgets")), 0);
    json_decref(head);
    head = ask(b, statement_head, &root, "astro", "2027-01", NULL, 200);
    page = ask(b, statement_page, &root, "astro", "2027-01", NULL, 200);
    assert_int_equal(number(json_object_get(head, "totals"), "used_mj"), 0);
    assert_int_equal(number(head, "lines"), 0);
    assert_int_equal(json_array_size(json_object_get(page, "lines")), 0);
    json_decref(head);
    json_decref(page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_account_has_its_month, books_open,
                                        books_close),
        cmocka_unit_test_setup_teardown(what_had_no_price_is_null, books_open,
                                        books_close),
        cmocka_unit_test_setup_teardown(pages_add_up, books_open, books_close),
        cmocka_unit_test_setup_teardown(many_runs_come_in_pages, books_open,
                                        books_close),
        cmocka_unit_test_setup_teardown(what_is_wrong_is_said, books_open, books_close),
        cmocka_unit_test_setup_teardown(nothing_is_nothing, books_open, books_close),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
