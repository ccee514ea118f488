/* budget_call_test.c - the calls about budgets: who may ask and change what */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>

#include "policy/budget_call.h"
#include "policy/clock.h"
#include "tests/unit/quota_books.h"

#define KWH INT64_C(3600000000)

static const struct access_rights operator= {.user = "root", .sees_all = true};
static const struct access_rights alice = {.user = "alice"};
static const struct access_rights dora = {.user = "dora", /* coordinates */
                                          .accounts = {"phys"},
                                          .account_count = 1};

static char clock_file[128];

/* How many budgets are asked for. */
static int64_t most;

/* phys above astro, with alice; arts with bob. The budgets' clock stands near NOW. */
static int open_world(void **state)
{
    struct books *b;
    FILE *file;

    if (books_open(state) < 0)
        return -1;
    b = *state;
    snprintf(clock_file, sizeof clock_file, "%s/clock", b->temporary.dir);
    file = fopen(clock_file, "w");
    fprintf(file, "%lld\n", (long long)(NOW - time(NULL)));
    fclose(file);
    setenv("KWOTA_TEST_CLOCK", clock_file, 1);
    books_account(b, "c", "root", "");
    books_account(b, "c", "phys", "root");
    books_account(b, "c", "astro", "phys");
    books_account(b, "c", "arts", "root");
    books_member(b, "astro", "alice");
    books_member(b, "astro", "carol");
    books_member(b, "arts", "bob");
    return 0;
}

static int close_world(void **state)
{
    unsetenv("KWOTA_TEST_CLOCK");
    unlink(clock_file);
    return books_close(state);
}

static json_t *call(struct books *b, const struct access_rights *rights,
                    const char *method, const char *path, const char *body,
                    unsigned expected)
{
    const struct budget_call call = {.ledger = b->ledger,
                                     .cluster = "c",
                                     .rights = rights,
                                     .method = method,
                                     .path = path,
                                     .body = body,
                                     .body_len = body ? strlen(body) : 0};
    unsigned status = 0;
    json_t *answer = budget_call(&call, &status);

    if (status != expected) {
        char *text = json_dumps(answer, 0);

        fail_msg("%s %s: %u %s", path, body ? body : "", status, text);
    }
    return answer;
}

static json_t *get(struct books *b, const struct access_rights *rights,
                   const char *account, const char *user, bool all, unsigned expected)
{
    const struct budget_call call = {.ledger = b->ledger,
                                     .cluster = "c",
                                     .rights = rights,
                                     .method = "GET",
                                     .path = "/v1/budgets",
                                     .account = account,
                                     .user = user,
                                     .all = all,
                                     .most = most};
    unsigned status = 0;
    json_t *answer = budget_call(&call, &status);

    assert_int_equal(status, expected);
    return answer;
}

static void post(struct books *b, const struct access_rights *rights, const char *what,
                 const char *body, unsigned expected)
{
    char path[64];

    snprintf(path, sizeof path, "/v1/quota/%s", what);
    json_decref(call(b, rights, "POST", path, body, expected));
}

static int64_t number(struct books *b, const char *sql)
{
    return ledger_number(b->ledger, -1, sql, "");
}

/* What somebody sees, as "account/user" in the reply's order. */
static void sees(struct books *b, const struct access_rights *rights,
                 const char *account, const char *user, bool all, const char *expected)
{
    json_t *answer = get(b, rights, account, user, all, 200), *budget;
    char seen[512] = "";
    size_t i, len = 0;

    json_array_foreach(json_object_get(answer, "budgets"), i, budget)
    {
        len += (size_t)snprintf(seen + len, sizeof seen - len, "%s%s/%s", i ? " " : "",
                                json_string_value(json_object_get(budget, "account")),
                                json_string_value(json_object_get(budget, "user")));
    }
    assert_string_equal(seen, expected);
    json_decref(answer);
}

static void many_quotas(struct books *b)
{
    books_quota(b, "root", "", "", 1000);
    books_quota(b, "phys", "", "", 1000);
    books_quota(b, "astro", "", "", 1000);
    books_quota(b, "astro", "alice", "", 1000);
    books_quota(b, "astro", "carol", "", 1000);
    books_quota(b, "arts", "", "", 1000);
    books_quota(b, "arts", "bob", "", 1000);
    books_quota(b, "", "alice", "", 1000);
    books_quota(b, "", "bob", "", 1000);
}

static void who_sees_which(void **state)
{
    struct books *b = *state;

    many_quotas(b);
    sees(b, &alice, NULL, NULL, false, "/alice astro/ astro/alice phys/ root/");
    sees(b, &alice, NULL, NULL, true, "/alice astro/ astro/alice phys/ root/");
    sees(b, &alice, "astro", NULL, false, "astro/ astro/alice phys/ root/");
    sees(b, &alice, "", "alice", false, "/alice astro/ astro/alice phys/ root/");
    sees(b, &dora, NULL, NULL, false, "");
    sees(b, &dora, NULL, NULL, true, "astro/ astro/alice astro/carol phys/ root/");
    sees(b, &dora, NULL, "carol", false, "astro/ astro/carol phys/ root/");
    sees(b, &operator, NULL, NULL, false, "");
    sees(b, &operator, NULL, NULL, true,
         "/alice /bob arts/ arts/bob astro/ astro/alice astro/carol phys/ root/");
    sees(b, &operator, "arts", NULL, false, "arts/ arts/bob root/");
    sees(b, &operator, "phys", NULL, false,
         "astro/ astro/alice astro/carol phys/ root/");
    sees(b, &operator, "astro", "alice", false,
         "/alice astro/ astro/alice phys/ root/");
    sees(b, &operator, NULL, "bob", false, "/bob arts/ arts/bob root/");
}

/* Of too many those that are used most, as far as the steward has worked it out. */
static void the_most_used_come_first(void **state)
{
    static const struct {
        int64_t most;
        const char *expected;
    } table[] = {
        {2, "arts/bob astro/"},
        {3, "arts/bob astro/ /alice"},
        {9, "/alice /bob arts/ arts/bob astro/ astro/alice astro/carol phys/ root/"},
        {0, "/alice /bob arts/ arts/bob astro/ astro/alice astro/carol phys/ root/"},
    };
    struct books *b = *state;

    many_quotas(b);
    books_do(b, "INSERT INTO quota_percents (quota_id, percent) SELECT id,"
                " CASE account || '/' || user WHEN 'arts/bob' THEN 90"
                " WHEN 'astro/' THEN 70 WHEN '/alice' THEN 5 ELSE 1 END FROM quotas");
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        most = table[i].most;
        sees(b, &operator, NULL, NULL, true, table[i].expected);
    }
    most = 0;
}

static void who_may_not_ask(void **state)
{
    struct books *b = *state;

    many_quotas(b);
    json_decref(get(b, &alice, NULL, "bob", false, 403));
    json_decref(get(b, &alice, "arts", NULL, false, 403));
    json_decref(get(b, &dora, "arts", NULL, false, 403));
    json_decref(call(b, &alice, "GET", "/v1/quota/export", NULL, 403));
    json_decref(call(b, &dora, "GET", "/v1/quota/export", NULL, 403));
    json_decref(call(b, &operator, "GET", "/v1/quota/export", NULL, 200));
}

/* Without slurmdbd nobody is a member of anything. */
static void where_one_has_used_something(void **state)
{
    struct books *b = *state;

    many_quotas(b);
    books_do(b, "DELETE FROM members");
    books_do(b, "DELETE FROM accounts");
    sees(b, &alice, NULL, NULL, false, "/alice");
    books_rollup(b, NOVEMBER, "c", "astro", "alice", "main", 1, 0);
    books_run(b, 1, "c", "arts", "alice", "main", "running");
    sees(b, &alice, NULL, NULL, false, "/alice arts/ astro/ astro/alice");
}

static void where_a_budget_stands(void **state)
{
    struct books *b = *state;
    json_t *answer, *budget;

    books_quota(b, "astro", "", "", 200 * KWH);
    books_rollup(b, NOVEMBER + 20 * DAY - 3600, "c", "astro", "alice", "main", 48 * KWH,
                 0);
    books_rollup(b, NOVEMBER, "c", "astro", "alice", "main", 50 * KWH, 0);
    books_run(b, 1, "c", "astro", "alice", "main", "running");
    books_lien(b, 1, 10 * KWH, NOW, NOW + 60);
    answer = get(b, &alice, NULL, NULL, false, 200);
    budget = json_array_get(json_object_get(answer, "budgets"), 0);
    assert_string_equal(json_string_value(json_object_get(budget, "name")),
                        "account astro");
    assert_int_equal(json_integer_value(json_object_get(budget, "used_mj")), 98 * KWH);
    assert_int_equal(json_integer_value(json_object_get(budget, "reserved_mj")),
                     10 * KWH);
    assert_int_equal(json_integer_value(json_object_get(budget, "available_mj")),
                     92 * KWH);
    /* 48 kWh in a day and some seconds. */
    assert_in_range(json_integer_value(json_object_get(budget, "rate_mw")), 1990000,
                    2000000);
    assert_in_range(json_integer_value(json_object_get(budget, "empty_s")),
                    NOW + 51 * 3600 - 60, NOW + 52 * 3600);
    json_decref(answer);
}

/* Nobody knows how fast energy is used in a window that has just begun. */
static void a_young_window_has_no_rate(void **state)
{
    struct books *b = *state;
    json_t *answer, *budget;

    books_quota(b, "astro", "", "", 200 * KWH);
    books_do(b, "UPDATE quotas SET period = 'fixed', until_s = 1900000800, from_s ="
                " 1795219200"); /* NOW's quarter-hour */
    answer = get(b, &alice, NULL, NULL, false, 200);
    budget = json_array_get(json_object_get(answer, "budgets"), 0);
    assert_true(json_is_null(json_object_get(budget, "rate_mw")));
    assert_true(json_is_null(json_object_get(budget, "empty_s")));
    json_decref(answer);
}

static void operators_set_and_remove(void **state)
{
    struct books *b = *state;

    post(b, &operator, "set",
         "{\"account\":\"astro\",\"limit\":\"5kWh\",\"period\":\"month\"}", 200);
    assert_int_equal(number(b, "SELECT mj FROM quotas"), 5 * KWH);
    /* What is not said stays; a change needs a reason. */
    post(b, &operator, "set", "{\"account\":\"astro\",\"limit\":\"6kWh\"}", 400);
    assert_int_equal(number(b, "SELECT mj FROM quotas"), 5 * KWH);
    post(b, &operator, "set",
         "{\"account\":\"astro\",\"carry_percent\":10,\"why\":\"spring\"}", 200);
    assert_int_equal(number(b, "SELECT mj + carry_percent FROM quotas"), 5 * KWH + 10);
    post(b, &operator, "set", "{\"account\":\"astro\",\"carry_percent\":10}", 200);
    assert_int_equal(number(b, "SELECT COUNT(*) FROM postings"), 2);
    post(b, &operator, "remove", "{\"account\":\"astro\"}", 400);
    post(b, &operator, "remove",
         "{\"account\":\"astro\",\"why\":\"gone\",\"dry_run\":true}", 200);
    assert_int_equal(number(b, "SELECT COUNT(*) FROM quotas"), 1);
    post(b, &operator, "remove", "{\"account\":\"astro\",\"why\":\"gone\"}", 200);
    assert_int_equal(number(b, "SELECT COUNT(*) FROM quotas"), 0);
    post(b, &operator, "remove", "{\"account\":\"astro\",\"why\":\"gone\"}", 404);
}

static void a_dry_run_changes_nothing(void **state)
{
    struct books *b = *state;
    json_t *answer;

    answer = call(b, &operator, "POST", "/v1/quota/apply",
                  "{\"version\":1,\"dry_run\":true,\"quotas\":[{\"account\":\"astro\","
                  "\"limit\":\"5kWh\",\"period\":\"month\"}]}",
                  200);
    assert_int_equal(json_array_size(json_object_get(answer, "added")), 1);
    assert_true(json_is_true(json_object_get(answer, "dry_run")));
    json_decref(answer);
    assert_int_equal(number(b, "SELECT COUNT(*) FROM quotas"), 0);
    assert_int_equal(number(b, "SELECT COUNT(*) FROM postings"), 0);
    /* And the ledger is free again. */
    post(b, &operator, "set",
         "{\"account\":\"astro\",\"limit\":\"5kWh\",\"period\":\"month\"}", 200);
}

static void unknown_names_are_told(void **state)
{
    struct books *b = *state;
    json_t *answer =
        call(b, &operator, "POST", "/v1/quota/set",
             "{\"account\":\"asto\",\"limit\":\"5kWh\",\"period\":\"month\"}", 200);

    assert_string_equal(json_string_value(json_object_get(answer, "warning")),
                        "Slurm knows no account \"asto\"");
    json_decref(answer);
}

static void coordinators_look_after_their_users(void **state)
{
    struct books *b = *state;
    const struct access_rights *d = &dora;

    post(b, d, "set",
         "{\"account\":\"astro\",\"user\":\"alice\",\"limit\":\"5kWh\","
         "\"period\":\"month\"}",
         200);
    post(b, d, "grant",
         "{\"account\":\"astro\",\"user\":\"alice\",\"amount\":\"1kWh\","
         "\"why\":\"thesis\"}",
         200);
    assert_int_equal(number(b, "SELECT COUNT(*) FROM postings WHERE actor = 'dora'"),
                     2);
    post(b, d, "set", "{\"account\":\"astro\",\"limit\":\"5kWh\",\"period\":\"month\"}",
         403);
    post(b, d, "set", "{\"user\":\"alice\",\"limit\":\"5kWh\",\"period\":\"month\"}",
         403);
    post(b, d, "set",
         "{\"account\":\"arts\",\"user\":\"bob\",\"limit\":\"5kWh\","
         "\"period\":\"month\"}",
         403);
    post(b, d, "set",
         "{\"account\":\"root\",\"user\":\"bob\",\"limit\":\"5kWh\","
         "\"period\":\"month\"}",
         403);
    post(b, d, "set",
         "{\"cluster\":\"d\",\"account\":\"astro\",\"user\":\"alice\",\"limit\":"
         "\"5kWh\",\"period\":\"month\"}",
         403);
    post(b, d, "adjust",
         "{\"account\":\"astro\",\"user\":\"alice\",\"amount\":\"-1kWh\","
         "\"why\":\"x\"}",
         403);
    post(b, d, "transfer",
         "{\"from\":\"astro\",\"to\":\"phys\",\"amount\":\"1kWh\",\"why\":\"x\"}", 403);
    post(b, d, "refund", "{\"job\":\"7\",\"why\":\"x\"}", 403);
    post(b, d, "apply", "{\"version\":1,\"quotas\":[]}", 403);
    assert_int_equal(number(b, "SELECT COUNT(*) FROM quotas"), 1);
    post(b, d, "remove", "{\"account\":\"astro\",\"user\":\"alice\",\"why\":\"x\"}",
         200);
}

static void users_change_nothing(void **state)
{
    static const char *const changes[] = {"set",    "remove",   "grant", "adjust",
                                          "refund", "transfer", "apply"};
    struct books *b = *state;

    books_quota(b, "astro", "alice", "", 1000);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        bool own = i < 4;

        post(b, &alice, changes[i],
             own ? "{\"account\":\"astro\",\"user\":\"alice\",\"limit\":\"5kWh\","
                   "\"period\":\"month\",\"amount\":\"1kWh\",\"why\":\"x\"}"
                 : "{\"why\":\"x\"}",
             i == 0 ? 400 : 403);
    }
    post(b, &alice, "set",
         "{\"account\":\"astro\",\"user\":\"alice\",\"limit\":\"5kWh\"}", 403);
    assert_int_equal(number(b, "SELECT COUNT(*) FROM postings"), 0);
}

static void what_is_given_is_told(void **state)
{
    struct books *b = *state;
    json_t *answer, *budget;

    books_quota(b, "astro", "", "", 10 * KWH);
    books_quota(b, "arts", "", "", 10 * KWH);
    answer = call(b, &operator, "POST", "/v1/quota/grant",
                  "{\"account\":\"astro\",\"amount\":\"5kWh\",\"why\":\"x\"}", 200);
    budget = json_array_get(json_object_get(answer, "budgets"), 0);
    assert_int_equal(json_integer_value(json_object_get(budget, "quota_mj")), 15 * KWH);
    json_decref(answer);
    answer = call(b, &operator, "POST", "/v1/quota/transfer",
                  "{\"from\":\"astro\",\"to\":\"arts\",\"amount\":\"2kWh\","
                  "\"why\":\"x\"}",
                  200);
    budget = json_array_get(json_object_get(answer, "budgets"), 1);
    assert_int_equal(json_integer_value(json_object_get(budget, "quota_mj")), 12 * KWH);
    json_decref(answer);
    post(b, &operator, "adjust",
         "{\"account\":\"astro\",\"amount\":\"-1kWh\",\"why\":\"x\"}", 200);
    post(b, &operator, "grant",
         "{\"account\":\"astro\",\"amount\":\"-1kWh\",\"why\":\"x\"}", 400);
    post(b, &operator, "grant", "{\"account\":\"astro\",\"amount\":\"1kWh\"}", 400);
    books_run(b, 7, "c", "astro", "alice", "main", "settled");
    books_do(b, "INSERT INTO entries (id, run_id, kind, mj, time_s, actor, why) VALUES "
                "(1,7,'charge',90,1,'kwotad','')");
    answer = call(b, &operator, "POST", "/v1/quota/refund",
                  "{\"job\":\"7\",\"why\":\"disk full\"}", 200);
    assert_int_equal(json_integer_value(json_object_get(answer, "amount_mj")), 90);
    assert_int_equal(json_array_size(json_object_get(answer, "budgets")), 1);
    json_decref(answer);
    assert_int_equal(number(b, "SELECT SUM(mj) FROM postings WHERE account = 'astro'"),
                     2 * KWH + 90);
}

static size_t postings_seen(struct books *b, const struct access_rights *rights)
{
    json_t *answer = call(b, rights, "GET", "/v1/postings", NULL, 200);
    size_t count = json_array_size(json_object_get(answer, "postings"));

    json_decref(answer);
    return count;
}

static void postings_of_ones_own(void **state)
{
    struct books *b = *state;
    static const char *const whose[][2] = {{"phys", ""},
                                           {"astro", "alice"},
                                           {"astro", "carol"},
                                           {"arts", ""},
                                           {"", "bob"}};

    for (size_t i = 0; i < sizeof whose / sizeof *whose; i++) {
        struct quota quota = books_quota(b, whose[i][0], whose[i][1], "", 1);

        books_posting(b, NOW, "grant", &quota, 1);
    }
    assert_int_equal(postings_seen(b, &operator), 5);
    assert_int_equal(postings_seen(b, &alice), 2);
    assert_int_equal(postings_seen(b, &dora), 3);
}

static void bad_requests(void **state)
{
    struct books *b = *state;

    post(b, &operator, "set", "", 400);
    post(b, &operator, "set", "[]", 400);
    post(b, &operator, "set", "{\"account\":\"a\",\"account\":\"b\"}", 400);
    post(b, &operator, "set", "{\"account\":\"a\",\"limit\":5}", 400);
    post(b, &operator, "set", "{\"acount\":\"a\"}", 400);
    post(b, &operator, "sett", "{}", 405);
    json_decref(call(b, &operator, "GET", "/v1/quota/sett", NULL, 404));
    json_decref(call(b, &operator, "GET", "/v1/quota/set", NULL, 405));
    json_decref(call(b, &operator, "POST", "/v1/budgets", "{}", 405));
    assert_true(budget_call_is("/v1/quota/set"));
    assert_true(budget_call_is("/v1/budgets"));
    assert_false(budget_call_is("/v1/job"));
}

#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, open_world, close_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_WORLD(who_sees_which),
        IN_WORLD(the_most_used_come_first),
        IN_WORLD(who_may_not_ask),
        IN_WORLD(where_one_has_used_something),
        IN_WORLD(where_a_budget_stands),
        IN_WORLD(a_young_window_has_no_rate),
        IN_WORLD(operators_set_and_remove),
        IN_WORLD(a_dry_run_changes_nothing),
        IN_WORLD(unknown_names_are_told),
        IN_WORLD(coordinators_look_after_their_users),
        IN_WORLD(users_change_nothing),
        IN_WORLD(what_is_given_is_told),
        IN_WORLD(postings_of_ones_own),
        IN_WORLD(bad_requests),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
