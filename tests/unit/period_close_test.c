/* period_close_test.c - months are closed once, in order, whole; late data goes on */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "policy/period_close.h"
#include "policy/posting.h"
#include "policy/pricing.h"
#include "tests/unit/money_books.h"

#define KWH INT64_C(3600000000)

static const struct access_rights root = {.user = "root", .sees_all = true},
                                  alice = {.user = "alice"};

static json_t *closing(struct books *b, const struct access_rights *rights,
                       const char *month, const char *options, int64_t now_s,
                       unsigned wanted)
{
    char text[256];
    json_t *body, *answer;
    unsigned status;

    snprintf(text, sizeof text, "{\"month\":\"%s\"%s%s}", month, options[0] ? "," : "",
             options);
    body = json_loads(text, 0, NULL);
    assert_non_null(body);
    answer = period_close(
        &(struct period_call){
            .ledger = b->ledger, .rights = rights, .body = body, .now_s = now_s},
        &status);
    json_decref(body);
    assert_int_equal(status, wanted);
    return answer;
}

static void says(json_t *answer, const char *sentence)
{
    assert_string_equal(json_string_value(json_object_get(answer, "error")), sentence);
    json_decref(answer);
}

static json_t *get(struct books *b,
                   json_t *(*call)(const struct period_call *, unsigned *),
                   const char *month)
{
    unsigned status;
    json_t *answer = call(
        &(struct period_call){
            .ledger = b->ledger, .rights = &root, .month = month, .now_s = NOW},
        &status);

    assert_int_equal(status, 200);
    return answer;
}

#define WHY "\"why\":\"books of the month\""

static struct policy *fill(struct books *b)
{
    struct policy *policy =
        money_policy("{\"tariff\": {\"currency\": \"EUR\", \"price\": \"0.3\"}}");

    assert_int_equal(pricing_keep(b->ledger, policy, OCTOBER - 40 * DAY), 0);
    for (int64_t id = 1; id <= 12; id++) {
        money_run(b, id, id % 3 ? "astro" : "bio", "u", "COMPLETED",
                  OCTOBER + id * 5 * DAY);
        money_use(b, id, OCTOBER + id * 5 * DAY - 900, "package", id * KWH);
        money_settle(b, policy, id, NOW);
    }
    books_quota(b, "unused", "", "", 10 * KWH);
    books_do(b, "UPDATE quotas SET since_s = 0");
    return policy;
}

static void a_month_is_closed_once_and_whole(void **state)
{
    struct books *b = *state;
    struct policy *policy = fill(b);
    json_t *answer, *s;
    size_t i;

    says(closing(b, &alice, "2026-10", WHY, NOW, 403),
         "only operators, administrators and root close months");
    says(closing(b, &root, "2026-10", "", NOW, 400),
         "say why: --why \"...\" stands in the ledger");
    says(closing(b, &root, "October", WHY, NOW, 400),
         "\"October\" is no month: 2026-11 is meant, say");
    says(closing(b, &root, "2026-11", WHY, NOW, 409),
         "2026-11 is not over: it can be closed from 2026-12-01 on");
    says(closing(b, &root, "2026-11", WHY, DECEMBER, 409),
         "2026-10 has use and is not closed: months are closed in their order");
    /* looked at first: nothing is written */
    answer = closing(b, &root, "2026-10", "\"dry_run\":true", NOW, 200);
    assert_int_equal(json_array_size(json_object_get(answer, "statements")), 3);
    json_decref(answer);
    assert_int_equal(posting_open_s(b->ledger), 0);
    assert_int_equal(money_number(b, "SELECT COUNT(*) FROM statements"), 0);

    answer = closing(b, &root, "2026-10", WHY, NOW, 200);
    json_array_foreach(json_object_get(answer, "statements"), i, s)
    {
        char digest[PERIOD_DIGEST];
        const char *account = json_string_value(json_object_get(s, "account"));

        assert_int_equal(json_integer_value(json_object_get(s, "number")), i + 1);
        assert_int_equal(period_digest(b->ledger, OCTOBER, account, digest), 0);
        assert_string_equal(json_string_value(json_object_get(s, "digest")), digest);
        assert_int_equal(
            ledger_number(b->ledger, 0,
                          "SELECT SUM(cpu_mj) FROM rollups WHERE account = ?"
                          " AND quarter_s < 1793491200",
                          "s", account),
            json_integer_value(json_object_get(s, "used_mj")));
    }
    assert_int_equal(i, 3);
    json_decref(answer);
    assert_int_equal(money_number(b, "SELECT quota_mj FROM statements WHERE account ="
                                     " 'unused'"),
                     0 + 10 * KWH);
    assert_int_equal(posting_open_s(b->ledger), NOVEMBER);
    says(closing(b, &root, "2026-10", WHY, NOW, 409),
         "2026-10 is closed already; kwota period list shows it");
    says(closing(b, &root, "2026-09", WHY, NOW, 409),
         "2026-09 lies before a month that is closed: what it had late is there");
    /* numbers go on without a hole */
    json_decref(closing(b, &root, "2026-11", WHY, DECEMBER, 200));
    assert_int_equal(money_number(b, "SELECT MAX(number) - COUNT(*) FROM statements"),
                     0);
    assert_int_equal(money_number(b,
                                  "SELECT MIN(number) FROM statements WHERE month_s ="
                                  " 1793491200"),
                     4);
    policy_release(policy);
}

static void what_is_late_goes_to_the_open_month(void **state)
{
    struct books *b = *state;
    struct policy *policy = fill(b);
    int64_t before, price;
    json_t *list, *s;
    size_t i;

    json_decref(closing(b, &root, "2026-10", WHY, NOW, 200));
    before = money_number(b, "SELECT SUM(price_u) FROM rollup_months WHERE month_s <"
                             " 1793491200");
    price = money_number(b, "SELECT SUM(price_u) FROM entries");
    money_use(b, 1, OCTOBER + 5 * DAY - 900, "package", 2 * KWH);
    money_use(b, 2, OCTOBER + 10 * DAY - 900, "package", -KWH);
    money_settle(b, policy, 1, NOW + 10);
    money_settle(b, policy, 2, NOW + 10);
    money_agrees(b);
    assert_int_equal(money_number(b, "SELECT SUM(price_u) FROM rollup_months WHERE"
                                     " month_s < 1793491200"),
                     before);
    assert_int_equal(money_number(b, "SELECT SUM(price_u) FROM entries"),
                     price + 300000);
    /* in the open month they are lines of their own: a charge and a credit */
    assert_int_equal(money_number(b,
                                  "SELECT cpu_mj FROM run_months WHERE run_id = 1 AND"
                                  " month_s = 1793491200"),
                     2 * KWH);
    assert_int_equal(money_number(b,
                                  "SELECT price_u FROM run_months WHERE run_id = 2 AND"
                                  " month_s = 1793491200"),
                     -300000);
    list = get(b, period_statements, "2026-10");
    json_array_foreach(json_object_get(list, "statements"), i, s)
    {
        char digest[PERIOD_DIGEST];

        assert_int_equal(period_digest(b->ledger, OCTOBER,
                                       json_string_value(json_object_get(s, "account")),
                                       digest),
                         0);
        assert_string_equal(json_string_value(json_object_get(s, "digest")), digest);
    }
    assert_int_equal(i, 3);
    json_decref(list);
    list = get(b, period_list, "");
    assert_int_equal(json_array_size(json_object_get(list, "periods")), 1);
    s = json_array_get(json_object_get(list, "periods"), 0);
    assert_string_equal(json_string_value(json_object_get(s, "month")), "2026-10");
    assert_int_equal(json_integer_value(json_object_get(s, "price_u")), before);
    json_decref(list);
    policy_release(policy);
}

static void unsettled_runs_are_named(void **state)
{
    struct books *b = *state;
    struct policy *policy = fill(b);
    json_t *answer;

    money_run(b, 77, "astro", "u", "COMPLETED", NOVEMBER - 50);
    money_use(b, 77, NOVEMBER - 1000, "package", 3 * KWH);
    money_run(b, 78, "astro", "u", "COMPLETED", NOVEMBER + 700);
    says(closing(b, &root, "2026-10", WHY, NOW, 409),
         "1 runs of 2026-10 or before are not settled yet: 77; wait for them, or "
         "--leave-unsettled charges them in the next month");
    assert_int_equal(money_number(b, "SELECT COUNT(*) FROM periods"), 0);
    answer = closing(b, &root, "2026-10", "\"dry_run\":true", NOW, 200);
    assert_int_equal(json_integer_value(json_object_get(answer, "unsettled_count")), 1);
    json_decref(answer);
    json_decref(
        closing(b, &root, "2026-10", "\"leave_unsettled\":true," WHY, NOW, 200));
    money_settle(b, policy, 77, NOW + 10);
    money_agrees(b);
    assert_int_equal(money_number(b,
                                  "SELECT cpu_mj FROM run_months WHERE run_id = 77 AND"
                                  " month_s = 1793491200"),
                     3 * KWH);
    assert_int_equal(
        money_number(b, "SELECT COUNT(*) FROM run_months WHERE run_id = 77"), 1);
    policy_release(policy);
}

/* A statement cannot be written: nothing of it is. */
static void nothing_is_half_written(void **state)
{
    struct books *b = *state;
    struct policy *policy = fill(b);

    books_do(b,
             "CREATE TEMP TRIGGER full BEFORE INSERT ON statements WHEN NEW.number = 2"
             " BEGIN SELECT RAISE(ABORT, 'disk full'); END");
    says(closing(b, &root, "2026-10", WHY, NOW, 503),
         "the ledger cannot be written now; nothing is closed");
    assert_int_equal(money_number(b, "SELECT COUNT(*) FROM periods"), 0);
    assert_int_equal(money_number(b, "SELECT COUNT(*) FROM statements"), 0);
    books_do(b, "DROP TRIGGER full");
    json_decref(closing(b, &root, "2026-10", WHY, NOW, 200));
    policy_release(policy);
}

static void a_closed_month_stays_closed(void **state)
{
    struct books *b = *state;
    struct policy *policy = fill(b);

    json_decref(closing(b, &root, "2026-10", WHY, NOW, 200));
    assert_int_equal(ledger_do(b->ledger, "DELETE FROM statements", ""), -1);
    assert_int_equal(ledger_do(b->ledger, "UPDATE statements SET price_u = 0", ""), -1);
    assert_int_equal(ledger_do(b->ledger, "DELETE FROM periods", ""), -1);
    policy_release(policy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_month_is_closed_once_and_whole, books_open,
                                        books_close),
        cmocka_unit_test_setup_teardown(what_is_late_goes_to_the_open_month, books_open,
                                        books_close),
        cmocka_unit_test_setup_teardown(unsettled_runs_are_named, books_open,
                                        books_close),
        cmocka_unit_test_setup_teardown(nothing_is_half_written, books_open,
                                        books_close),
        cmocka_unit_test_setup_teardown(a_closed_month_stays_closed, books_open,
                                        books_close),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
