/* quota_change_test.c - quotas set, given to, given back and kept in a file */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>

#include "policy/quota_change.h"
#include "policy/quota_entry.h"
#include "policy/quota_file.h"
#include "tests/unit/quota_books.h"

static const struct quota_by root = {.actor = "root", .why = "test", .now_s = NOW};
static const struct quota_by silent = {.actor = "root", .why = " ", .now_s = NOW};

static int64_t number(struct books *b, const char *sql)
{
    return ledger_number(b->ledger, -1, sql, "");
}

static json_t *parse(const char *text)
{
    json_error_t where;
    json_t *json = json_loads(text, 0, &where);

    if (!json)
        fail_msg("%s: %s", text, where.text);
    return json;
}

/* Applies a file; the difference as text, or NULL with the mistakes printed into it. */
static int apply(struct books *b, const char *file, char *said, size_t size)
{
    struct quota_refusal refusal = {0, ""};
    json_t *json = parse(file), *mistakes = json_array(), *difference;
    int rc = quota_file_apply(b->ledger, json, &root, mistakes, &difference, &refusal);
    char *text = json_dumps(rc == 0 ? difference : mistakes, JSON_COMPACT);

    snprintf(said, size, "%s", text);
    free(text);
    json_decref(difference);
    json_decref(mistakes);
    json_decref(json);
    return rc;
}

static void a_change_leaves_who_when_and_why(void **state)
{
    struct books *b = *state;
    struct quota_refusal refusal;
    struct quota quota = {.account = "astro", .mj = 1000}, found;

    assert_int_equal(quota_put(b->ledger, NULL, &quota, &root, &refusal), 0);
    assert_int_equal(quota_find(b->ledger, &quota, &found), 1);
    assert_true(quota_same(&quota, &found));
    assert_int_equal(found.since_s, NOW);
    assert_int_equal(number(b, "SELECT time_s FROM postings WHERE kind = 'set' AND"
                               " actor = 'root' AND why = 'test' AND mj = 1000"),
                     NOW);
    assert_int_equal(quota_drop(b->ledger, &found, &silent, &refusal), -1);
    assert_int_equal(refusal.status, 400);
    assert_int_equal(quota_drop(b->ledger, &found, &root, &refusal), 0);
    assert_int_equal(quota_find(b->ledger, &quota, &found), 0);
    assert_int_equal(number(b, "SELECT COUNT(*) FROM postings WHERE kind = 'remove'"),
                     1);
}

static void only_a_new_quota_needs_no_reason(void **state)
{
    struct books *b = *state;
    struct quota_refusal refusal;
    struct quota quota = {.account = "astro", .mj = 1000}, before;

    assert_int_equal(quota_put(b->ledger, NULL, &quota, &silent, &refusal), 0);
    before = quota;
    quota.mj = 2000;
    assert_int_equal(quota_put(b->ledger, &before, &quota, &silent, &refusal), -1);
    assert_int_equal(quota_put(b->ledger, &before, &quota, &root, &refusal), 0);
    assert_int_equal(number(b, "SELECT mj FROM quotas"), 2000);
}

/* Another limit goes on in the same window; another period begins anew. */
static void since_when_it_is(void **state)
{
    struct books *b = *state;
    struct quota_by later = root;
    struct quota_refusal refusal;
    struct quota quota = {.account = "astro", .mj = 1000}, before;

    later.now_s += 5000;
    assert_int_equal(quota_put(b->ledger, NULL, &quota, &root, &refusal), 0);
    before = quota;
    quota.mj = 2000;
    assert_int_equal(quota_put(b->ledger, &before, &quota, &later, &refusal), 0);
    assert_int_equal(number(b, "SELECT since_s FROM quotas"), NOW);
    before = quota;
    quota.period.kind = PERIOD_YEAR;
    assert_int_equal(quota_put(b->ledger, &before, &quota, &later, &refusal), 0);
    assert_int_equal(number(b, "SELECT since_s FROM quotas"), NOW + 5000);
}

static void the_quota_that_is_meant(void **state)
{
    struct books *b = *state;
    struct quota_refusal refusal;
    struct quota found;

    books_quota(b, "astro", "", "gpu", 1000);
    assert_int_equal(quota_the(b->ledger, NULL, "bio", "", NULL, &found, &refusal), -1);
    assert_int_equal(refusal.status, 404);
    assert_non_null(strstr(refusal.text, "account bio"));
    assert_int_equal(quota_the(b->ledger, NULL, "astro", "", NULL, &found, &refusal),
                     0);
    assert_string_equal(found.class, "gpu");
    books_quota(b, "astro", "", "", 1000);
    assert_int_equal(quota_the(b->ledger, NULL, "astro", "", NULL, &found, &refusal),
                     -1);
    assert_int_equal(refusal.status, 409);
    assert_non_null(strstr(refusal.text, "\"account astro, class gpu\""));
    assert_int_equal(quota_the(b->ledger, NULL, "astro", "", "", &found, &refusal), 0);
    assert_string_equal(found.class, "");
}

static void what_is_given_counts_now(void **state)
{
    struct books *b = *state;
    struct quota quota = books_quota(b, "astro", "", "", 1000);
    struct quota_refusal refusal;
    struct balance balance;

    assert_int_equal(quota_give(b->ledger, &quota, "grant", 50, &root, &refusal), 0);
    assert_int_equal(quota_give(b->ledger, &quota, "adjust", -20, &root, &refusal), 0);
    assert_int_equal(quota_give(b->ledger, &quota, "grant", 0, &root, &refusal), -1);
    assert_int_equal(quota_give(b->ledger, &quota, "grant", 9, &silent, &refusal), -1);
    assert_int_equal(quota_balance(b->ledger, NULL, &quota, NOW, 0, &balance), 0);
    assert_int_equal(balance.quota_mj, 1030);
    quota.period =
        (struct period){.kind = PERIOD_FIXED, .from_s = OCTOBER, .until_s = NOVEMBER};
    assert_int_equal(quota_give(b->ledger, &quota, "grant", 9, &root, &refusal), -1);
    assert_int_equal(refusal.status, 409);
}

static void a_transfer_takes_no_more_than_is_there(void **state)
{
    struct books *b = *state;
    struct quota from = books_quota(b, "astro", "", "", 1000);
    struct quota to = books_quota(b, "bio", "", "", 10);
    struct quota_refusal refusal;
    struct balance balance;

    books_rollup(b, NOVEMBER, "c", "astro", "alice", "main", 300, 0);
    assert_int_equal(quota_transfer(b->ledger, NULL, &from, &to, 701, &root, &refusal),
                     -1);
    assert_int_equal(refusal.status, 409);
    assert_non_null(strstr(refusal.text, "0.7J left, not 0.701J"));
    assert_int_equal(number(b, "SELECT COUNT(*) FROM postings"), 0);
    assert_int_equal(quota_transfer(b->ledger, NULL, &from, &to, 700, &root, &refusal),
                     0);
    assert_int_equal(quota_balance(b->ledger, NULL, &from, NOW, 0, &balance), 0);
    assert_int_equal(balance.available_mj, 0);
    assert_int_equal(quota_balance(b->ledger, NULL, &to, NOW, 0, &balance), 0);
    assert_int_equal(balance.available_mj, 710);
    assert_int_equal(number(b, "SELECT SUM(mj) FROM postings"), 0);
    assert_int_equal(quota_transfer(b->ledger, NULL, &to, &to, 1, &root, &refusal), -1);
}

/* A settled run of 100 mJ, 10 of which the centre bore. */
static void settled_run(struct books *b)
{
    books_run(b, 7, "c", "astro", "alice", "main", "settled");
    books_do(b, "UPDATE runs SET overrun_mj = 10");
    books_do(b, "INSERT INTO entries (id, run_id, kind, mj, time_s, actor, why) VALUES "
                "(1,7,'charge',90,1,'kwotad','')");
    books_do(b, "INSERT INTO entries (id, run_id, kind, mj, time_s, actor, why) VALUES "
                "(2,7,'adjustment',10,1,'kwotad','')");
}

static int refund(struct books *b, const char *job, int64_t mj, int64_t *given,
                  struct quota_refusal *refusal)
{
    struct quota quotas[8];

    *given = mj;
    return quota_refund(b->ledger, NULL, "c", job, given, &root, quotas, 8, refusal);
}

static void no_more_is_given_back_than_was_charged(void **state)
{
    struct books *b = *state;
    struct quota_refusal refusal;
    int64_t given;

    settled_run(b);
    assert_int_equal(refund(b, "7", 30, &given, &refusal), -1);
    assert_non_null(strstr(refusal.text, "no quota binds"));
    books_quota(b, "astro", "", "", 1000);
    books_quota(b, "", "alice", "", 1000);
    books_quota(b, "", "bob", "", 1000);
    assert_int_equal(refund(b, "7", 30, &given, &refusal), 2);
    assert_int_equal(number(b, "SELECT SUM(mj) FROM postings WHERE run_id = 7"), 60);
    assert_int_equal(refund(b, "7", 61, &given, &refusal), -1);
    assert_int_equal(refusal.status, 409);
    /* A credit for a node that failed counts too. */
    books_do(b, "INSERT INTO postings (time_s, kind, account, user, mj, run_id, actor,"
                " why) VALUES (1,'credit','astro','',15,7,'kwotad','')");
    assert_int_equal(refund(b, "7", 0, &given, &refusal), 2);
    assert_int_equal(given, 45);
    assert_int_equal(refund(b, "7", 0, &given, &refusal), -1);
    assert_int_equal(refusal.status, 409);
}

static void only_what_is_settled_is_given_back(void **state)
{
    struct books *b = *state;
    struct quota_refusal refusal;
    int64_t given;

    settled_run(b);
    books_quota(b, "astro", "", "", 1000);
    books_do(b, "UPDATE runs SET state = 'ended'");
    assert_int_equal(refund(b, "7", 0, &given, &refusal), -1);
    assert_int_equal(refusal.status, 404);
    assert_int_equal(refund(b, "8", 0, &given, &refusal), -1);
    books_do(b, "UPDATE runs SET state = 'settled', cluster = 'd'");
    assert_int_equal(refund(b, "7", 0, &given, &refusal), -1);
}

#define FILE_1                                                                         \
    "{\"version\":1,\"quotas\":["                                                      \
    "{\"account\":\"astro\",\"user\":\"\",\"partitions\":\"gpu\",\"limit\":"           \
    "\"1000kWh\",\"period\":\"month\",\"carry_percent\":20,\"borrow_percent\":0},"     \
    "{\"account\":\"bio\",\"limit\":\"1.5MWh\",\"period\":\"rolling\",\"days\":90},"   \
    "{\"user\":\"alice\",\"limit\":\"5J\",\"period\":\"fixed\","                       \
    "\"from\":\"2026-01-01\",\"until\":\"2026-07-01\"}]}"

static void a_file_is_the_whole_truth(void **state)
{
    struct books *b = *state;
    char said[2048];

    books_quota(b, "arts", "", "", 1000);
    books_quota(b, "astro", "", "gpu", 1000);
    assert_int_equal(apply(b, FILE_1, said, sizeof said), 0);
    assert_non_null(strstr(said, "\"removed\":[{\"account\":\"arts\""));
    assert_non_null(strstr(said, "\"changed\":[{\"before\":{\"account\":\"astro\""));
    assert_non_null(strstr(said, "\"unchanged\":0"));
    assert_int_equal(number(b, "SELECT COUNT(*) FROM quotas"), 3);
    assert_int_equal(number(b, "SELECT mj / 1000000 FROM quotas WHERE carry_percent ="
                               " 20 AND class = 'gpu'"),
                     3600000);
    assert_int_equal(number(b, "SELECT days FROM quotas WHERE period = 'rolling'"), 90);
    assert_int_equal(number(b, "SELECT from_s FROM quotas WHERE user = 'alice'"),
                     1767225600);
    assert_int_equal(number(b, "SELECT COUNT(*) FROM postings WHERE kind = 'set'"), 3);
    assert_int_equal(number(b, "SELECT COUNT(*) FROM postings WHERE kind = 'remove'"),
                     1);
    assert_int_equal(apply(b, FILE_1, said, sizeof said), 0);
    assert_non_null(strstr(said, "\"added\":[],\"changed\":[],\"removed\":[]"));
    assert_non_null(strstr(said, "\"unchanged\":3"));
    assert_int_equal(number(b, "SELECT COUNT(*) FROM postings"), 4);
}

static void what_is_exported_changes_nothing(void **state)
{
    struct books *b = *state;
    char said[2048], *text;
    json_t *file;

    assert_int_equal(apply(b, FILE_1, said, sizeof said), 0);
    books_do(b, "INSERT INTO quotas (cluster, account, user, class, mj, period,"
                " borrow_percent, since_s) VALUES ('d','x','y','z',7,'quarter',5,1)");
    books_do(b, "INSERT INTO quotas (account, user, mj, period, from_s, until_s,"
                " since_s) VALUES ('f','',3600001,'fixed',900,4500,1)");
    file = quota_file_export(b->ledger);
    text = json_dumps(file, 0);
    assert_int_equal(apply(b, text, said, sizeof said), 0);
    assert_non_null(strstr(said, "\"unchanged\":5"));
    free(text);
    json_decref(file);
}

static void all_mistakes_at_once(void **state)
{
    static const char *const expected[] = {
        "version: it must be 1",
        "quotas[0].limit: \\\"10kwh\\\": is the unit kWh meant?",
        "quotas[0].carry_percent: a whole number from 0 to 100 is meant",
        "quotas[1].limits: there is no such key",
        "quotas[2].account: a quota is for an account, a user or both",
        "quotas[3]: a quota is an object",
        "quotas[4].period: month, quarter, year, rolling or fixed is meant",
        "quotas[5].days: a rolling quota is for so many days",
        "quotas[6].until: it must be later than from",
        "quotas[7].from: a day is meant",
        "quotas[8].days: this goes with",
        "quotas[9].carry_percent: a rolling quota has no period before",
        "quotas[10]: account bio has one already, quotas[8]",
        "quotas[11].limit: \\\"-1kWh\\\" is less than nothing",
        "quotas[12].account: a name in quotes",
        "extra: there is no such key",
    };
    struct books *b = *state;
    char said[8192];

    assert_int_equal(
        apply(b,
              "{\"extra\":1,\"quotas\":["
              "{\"account\":\"a\",\"limit\":\"10kwh\",\"period\":\"month\","
              "\"carry_percent\":120},"
              "{\"account\":\"b\",\"limits\":\"1kWh\"},"
              "{\"limit\":\"1kWh\",\"period\":\"month\"},"
              "7,"
              "{\"account\":\"e\",\"limit\":\"1kWh\",\"period\":\"week\"},"
              "{\"account\":\"f\",\"limit\":\"1kWh\",\"period\":\"rolling\"},"
              "{\"account\":\"g\",\"limit\":\"1kWh\",\"period\":\"fixed\","
              "\"from\":\"2026-02-01\",\"until\":\"2026-01-01\"},"
              "{\"account\":\"h\",\"limit\":\"1kWh\",\"period\":\"fixed\","
              "\"from\":\"2026-02-30\",\"until\":\"2026-03-01\"},"
              "{\"account\":\"bio\",\"limit\":\"1kWh\",\"period\":\"year\",\"days\":3},"
              "{\"account\":\"j\",\"limit\":\"1kWh\",\"period\":\"rolling\","
              "\"days\":3,\"carry_percent\":10},"
              "{\"account\":\"bio\",\"limit\":\"1kWh\",\"period\":\"year\"},"
              "{\"account\":\"k\",\"limit\":\"-1kWh\",\"period\":\"year\"},"
              "{\"account\":3,\"limit\":\"1kWh\",\"period\":\"year\"}"
              "]}",
              said, sizeof said),
        -1);
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        if (!strstr(said, expected[i]))
            fail_msg("\"%s\" is not said in %s", expected[i], said);
    assert_int_equal(number(b, "SELECT COUNT(*) FROM quotas"), 0);
    assert_int_equal(apply(b, "[]", said, sizeof said), -1);
    assert_int_equal(apply(b, "{\"version\":1}", said, sizeof said), -1);
}

#define IN_BOOKS(test) cmocka_unit_test_setup_teardown(test, books_open, books_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_BOOKS(a_change_leaves_who_when_and_why),
        IN_BOOKS(only_a_new_quota_needs_no_reason),
        IN_BOOKS(since_when_it_is),
        IN_BOOKS(the_quota_that_is_meant),
        IN_BOOKS(what_is_given_counts_now),
        IN_BOOKS(a_transfer_takes_no_more_than_is_there),
        IN_BOOKS(no_more_is_given_back_than_was_charged),
        IN_BOOKS(only_what_is_settled_is_given_back),
        IN_BOOKS(a_file_is_the_whole_truth),
        IN_BOOKS(what_is_exported_changes_nothing),
        IN_BOOKS(all_mistakes_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
