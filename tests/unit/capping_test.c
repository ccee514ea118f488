/* capping_test.c - what running runs are held to as rules, orders, use and switches
 * change, and the calls about orders */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "policy/cap_call.h"
#include "policy/capping.h"
#include "policy/clock.h"
#include "policy/person.h"
#include "policy/standing.h"
#include "policy/switches.h"
#include "tests/unit/policy_file.h"
#include "tests/unit/quota_books.h"

json_t *person_error(const char *sentence)
{
    return json_pack("{s:s}", "error", sentence);
}

static const struct access_rights alice = {.uid = 1001, .user = "alice"};
static const struct access_rights olga = {.uid = 1, .user = "olga", .sees_all = true};

struct scene {
    struct books *b;
    struct policy_files files;
    struct policy *policy, *off;
    struct capping *capping;
};

#define RULES                                                                          \
    "\"rules\": [{\"partition\": \"gpu\", \"gpu\": \"400W\"},\n"                       \
    " {\"account\": \"physics\", \"gpu\": \"350W\"},\n"                                \
    " {\"account\": \"watched\", \"gpu\": \"100W\"},\n"                                \
    " {\"between\": \"17:00-20:00\", \"partition\": \"gpu\", \"gpu\": \"300W\"},\n"    \
    " {\"used_percent\": 80, \"gpu\": \"200W\"}]"

static struct policy *read_policy(struct scene *s, const char *name, const char *text)
{
    char *complaints;
    struct policy *policy = policy_files_read(
        &s->files, policy_files_write(&s->files, name, text), &complaints);

    assert_string_equal(complaints, "");
    free(complaints);
    return policy;
}

static int setup(void **state)
{
    static struct scene scene;
    void *books;

    memset(&scene, 0, sizeof scene);
    if (books_open(&books) < 0)
        return -1;
    scene.b = books;
    policy_files_make(&scene.files);
    scene.policy = read_policy(&scene, "on",
                               "{\"enforce\": {\"rules\": [{\"account\": \"watched\", "
                               "\"level\": \"shadow\"}]},"
                               " \"caps\": {\"enabled\": true, " RULES "}}");
    scene.off = read_policy(&scene, "off", "{\"caps\": {" RULES "}}");
    scene.capping = capping_new(scene.b->ledger, "c");
    books_account(scene.b, "c", "physics", "root");
    books_account(scene.b, "c", "astro", "physics");
    books_run(scene.b, 1, "c", "astro", "alice", "gpu", "running");
    books_run(scene.b, 2, "c", "bio", "bob", "gpu", "running");
    books_run(scene.b, 3, "c", "bio", "bob", "main", "running");
    books_run(scene.b, 4, "c", "watched", "eve", "main", "running");
    books_run(scene.b, 5, "c", "bio", "bob", "gpu", "ended");
    *state = &scene;
    return 0;
}

static int teardown(void **state)
{
    struct scene *s = *state;
    void *books = s->b;

    capping_free(s->capping);
    policy_release(s->policy);
    policy_release(s->off);
    policy_files_remove(&s->files);
    return books_close(&books);
}

/* NOW is a Saturday, 00:00:17. */
#define EVENING (NOW + 17 * 3600)

static void look(struct scene *s, struct policy *policy, int64_t now_s)
{
    capping_look(s->capping, policy, now_s);
}

/* What a run is held to is so much, by such a word. */
static void is_held(struct scene *s, int64_t run, int64_t gpu_mw, const char *why)
{
    sqlite3_stmt *row = ledger_query(
        s->b->ledger, "SELECT COALESCE(gpu_mw, 0), why FROM caps WHERE run_id = ?", "i",
        run);
    char found[512];

    if (!row || sqlite3_step(row) != SQLITE_ROW)
        fail_msg("the cap of run %lld is not worked out", (long long)run);
    snprintf(found, sizeof found, "%s", (const char *)sqlite3_column_text(row, 1));
    if (sqlite3_column_int64(row, 0) != gpu_mw || !strstr(found, why) ||
        (!why[0] && found[0]))
        fail_msg("run %lld: %lld, %s", (long long)run, sqlite3_column_int64(row, 0),
                 found);
    ledger_done(s->b->ledger, row);
}

static int64_t count(struct scene *s, const char *what)
{
    char sql[128];

    snprintf(sql, sizeof sql, "SELECT COUNT(*) FROM %s", what);
    return ledger_number(s->b->ledger, -1, sql, "");
}

static void rules_hold_what_runs(void **state)
{
    struct scene *s = *state;

    look(s, s->policy, NOW);
    is_held(s, 1, 350000, "on:2: caps.rules[1]");
    is_held(s, 2, 400000, "on:1: caps.rules[0]");
    is_held(s, 3, 0, "");
    is_held(s, 4, 0, ""); /* it only watches there */
    assert_int_equal(count(s, "caps"), 4);
    assert_int_equal(count(s, "caps_due"), 0);
}

static void nothing_is_done_while_nothing_changes(void **state)
{
    struct scene *s = *state;
    int64_t changes;

    look(s, s->policy, NOW);
    changes = ledger_number(s->b->ledger, 0, "SELECT total_changes()", "");
    for (int second = 1; second < 200; second++)
        look(s, s->policy, NOW + second);
    assert_int_equal(ledger_number(s->b->ledger, 0, "SELECT total_changes()", ""),
                     changes);
}

static void a_new_run_is_worked_out(void **state)
{
    struct scene *s = *state;

    look(s, s->policy, NOW);
    books_run(s->b, 6, "c", "bio", "bob", "gpu", "running");
    assert_int_equal(count(s, "caps_due"), 1);
    look(s, s->policy, NOW + 1);
    is_held(s, 6, 400000, "caps.rules[0]");
    /* what its user said, as kwotad hears of it */
    books_do(s->b, "UPDATE runs SET user_gpu_mw = 250000 WHERE id = 6");
    look(s, s->policy, NOW + 1);
    is_held(s, 6, 250000, "its user's --gpu-power-cap");
    books_do(s->b, "UPDATE runs SET user_gpu_mw = 450000 WHERE id = 6");
    look(s, s->policy, NOW + 1);
    is_held(s, 6, 400000, "caps.rules[0]");
    books_do(s->b, "UPDATE runs SET steer_gpu_mw = 150000, steer_why = 'steering'"
                   " WHERE id = 6");
    look(s, s->policy, NOW + 1);
    is_held(s, 6, 150000, "steering");
    /* and when it is over */
    books_do(s->b, "UPDATE runs SET state = 'ended' WHERE id = 6");
    assert_int_equal(count(s, "caps WHERE run_id = 6"), 0);
    look(s, s->policy, NOW + 2);
    assert_int_equal(count(s, "caps WHERE run_id = 6"), 0);
}

static void a_start_need_not_wait_for_a_round(void **state)
{
    struct scene *s = *state;

    capping_run(s->capping, 1, NOW); /* nothing is known of the world yet */
    assert_int_equal(count(s, "caps"), 0);
    look(s, s->policy, NOW);
    books_run(s->b, 6, "c", "bio", "bob", "gpu", "running");
    books_run(s->b, 7, "c", "bio", "bob", "gpu", "running");
    assert_int_equal(ledger_begin(s->b->ledger), 0);
    capping_run(s->capping, 6, NOW);
    capping_run(s->capping, 99, NOW);
    assert_int_equal(ledger_commit(s->b->ledger), 0);
    is_held(s, 6, 400000, "caps.rules[0]");
    assert_int_equal(count(s, "caps WHERE run_id = 7"), 0);
    assert_int_equal(count(s, "caps_due"), 1);
}

static void the_hour_changes_caps(void **state)
{
    struct scene *s = *state;

    look(s, s->policy, NOW);
    is_held(s, 2, 400000, "caps.rules[0]");
    look(s, s->policy, EVENING);
    is_held(s, 2, 300000, "caps.rules[3]");
    is_held(s, 1, 300000, "caps.rules[3]");
    look(s, s->policy, EVENING + 3 * 3600);
    is_held(s, 2, 400000, "caps.rules[0]");
}

static void off_frozen_tripped(void **state)
{
    struct scene *s = *state;
    static const char *const names[] = {"freeze", "breaker"};

    for (int i = 0; i < 2; i++) {
        look(s, s->policy, NOW);
        is_held(s, 1, 350000, "caps.rules[1]");
        assert_int_equal(switches_set(s->b->ledger, names[i], true, NOW, "olga", "w"),
                         0);
        look(s, s->policy, NOW + 1);
        is_held(s, 1, 0, "");
        switches_set(s->b->ledger, names[i], false, NOW, "olga", "w");
    }
    look(s, s->policy, NOW + 2);
    is_held(s, 1, 350000, "caps.rules[1]");
    look(s, s->off, NOW + 3);
    is_held(s, 1, 0, "");
}

static void use_changes_caps(void **state)
{
    struct scene *s = *state;
    struct standings standings = {NULL, 0, 0};

    books_quota(s->b, "physics", "", "", 1000);
    books_quota(s->b, "bio", "", "", 1000000);
    books_rollup(s->b, NOVEMBER, "c", "astro", "alice", "gpu", 790, 0);
    /* nobody knows yet how much is used: nothing is said too soon */
    look(s, s->policy, NOW);
    assert_int_equal(count(s, "caps"), 0);
    assert_int_equal(standing_refresh(&standings, s->b->ledger, s->policy, NOW), 0);
    look(s, s->policy, NOW + 1);
    is_held(s, 1, 350000, "caps.rules[1]");
    books_rollup(s->b, NOVEMBER + 900, "c", "astro", "alice", "gpu", 10, 0);
    assert_int_equal(standing_refresh(&standings, s->b->ledger, s->policy, NOW + 30),
                     0);
    look(s, s->policy, NOW + 30);
    is_held(s, 1, 200000, "caps.rules[4]");
    is_held(s, 2, 400000, "caps.rules[0]");
    standing_done(&standings);
}

static void without_standings_it_waits_a_moment_only(void **state)
{
    struct scene *s = *state;

    books_quota(s->b, "physics", "", "", 1000);
    look(s, s->policy, NOW);
    look(s, s->policy, NOW + 19);
    assert_int_equal(count(s, "caps"), 0);
    look(s, s->policy, NOW + 20);
    is_held(s, 1, 350000, "caps.rules[1]");
}

static void percent_of_a_budget(void **state)
{
    static const struct {
        int64_t quota_mj, used_mj, percent;
    } table[] = {{1000, 0, 0}, {1000, 799, 79}, {1000, 800, 80}, {1000, 1200, 120},
                 {0, 0, 0},    {0, 1, 100},     {-5, 7, 100},    {1, INT64_MAX, 1000}};

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const struct balance balance = {.quota_mj = table[i].quota_mj,
                                        .used_mj = table[i].used_mj};

        assert_int_equal(standing_percent(&balance), table[i].percent);
    }
}

static json_t *body_of(const char *text)
{
    char json[512];

    snprintf(json, sizeof json, "%s", text);
    for (char *quote = json; (quote = strchr(quote, '\'')); quote++)
        *quote = '"';
    return json_loads(json, 0, NULL);
}

static json_t *call(struct scene *s, const struct access_rights *rights,
                    json_t *(*answers)(const struct cap_call *, unsigned *),
                    const char *text, unsigned expected)
{
    json_t *body = body_of(text), *answer;
    unsigned status = 0;

    answer = answers(&(struct cap_call){.ledger = s->b->ledger,
                                        .policy = s->policy,
                                        .cluster = "c",
                                        .rights = rights,
                                        .body = body},
                     &status);
    if (status != expected)
        fail_msg("%s: %u %s", text, status,
                 json_string_value(json_object_get(answer, "error")));
    json_decref(body);
    return answer;
}

/* Makes it noon: no rule of the policy's that is for some hours has its time. */
static void make_noon(int64_t now_s)
{
    char zone[16];

    snprintf(zone, sizeof zone, "<noon>%+d", (int)(now_s / 3600 % 24) - 12);
    setenv("TZ", zone, 1);
    tzset();
}

static void orders(void **state)
{
    struct scene *s = *state;
    int64_t now_s = clock_now_s();
    char text[256];

    json_decref(call(s, &olga, cap_call_set,
                     "{'partition': 'gpu', 'gpu': '300W', 'why': 'peak'}", 200));
    look(s, s->policy, NOW);
    is_held(s, 1, 300000, "order 1 by olga: peak");
    is_held(s, 2, 300000, "order 1 by olga: peak");
    is_held(s, 3, 0, "");
    make_noon(now_s);
    snprintf(text, sizeof text,
             "{'cluster': true, 'gpu': '250W', 'cpu_percent': 50, 'until_s': %lld,"
             " 'why': 'heat'}",
             (long long)now_s + 1000);
    json_decref(call(s, &olga, cap_call_set, text, 200));
    look(s, s->policy, now_s);
    is_held(s, 4, 250000, "order 2 by olga: heat"); /* where the policy only watches */
    is_held(s, 3, 250000, "order 2 by olga: heat");
    assert_int_equal(count(s, "caps WHERE cpu_percent = 50"), 4);
    look(s, s->policy, now_s + 999);
    is_held(s, 1, 250000, "order 2 by olga: heat");
    /* its time is over */
    look(s, s->policy, now_s + 1000);
    is_held(s, 1, 300000, "order 1 by olga: peak");
    is_held(s, 3, 0, "");
    json_decref(call(s, &olga, cap_call_lift, "{'id': 1, 'why': 'peak is over'}", 200));
    look(s, s->policy, now_s + 1001);
    is_held(s, 2, 400000, "caps.rules[0]");
    json_decref(call(s, &olga, cap_call_lift, "{'id': 1, 'why': 'again'}", 404));
    json_decref(call(s, &olga, cap_call_lift, "{'id': 99, 'why': 'x'}", 404));
}

static void orders_that_are_none(void **state)
{
    struct scene *s = *state;
    static const char *const wrong[] = {
        "{'gpu': '300W', 'why': 'x'}",
        "{'partition': 'gpu', 'user': 'bob', 'gpu': '300W', 'why': 'x'}",
        "{'partition': '', 'gpu': '300W', 'why': 'x'}",
        "{'cluster': 'yes', 'gpu': '300W', 'why': 'x'}",
        "{'cluster': true, 'why': 'x'}",
        "{'cluster': true, 'gpu': '300', 'why': 'x'}",
        "{'cluster': true, 'gpu': 300, 'why': 'x'}",
        "{'cluster': true, 'package': '1W', 'why': 'x'}",
        "{'cluster': true, 'cpu_percent': 100, 'why': 'x'}",
        "{'cluster': true, 'gpu': '300W'}",
        "{'cluster': true, 'gpu': '300W', 'why': ''}",
        "{'cluster': true, 'gpu': '300W', 'until_s': 1000, 'why': 'x'}",
        "{'cluster': true, 'gpu': '300W', 'until_s': '18:00', 'why': 'x'}",
    };
    const char *right = "{'cluster': true, 'gpu': '300W', 'why': 'x'}";
    struct policy *on = s->policy;

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        json_decref(call(s, &olga, cap_call_set, wrong[i], 400));
    json_decref(call(s, &alice, cap_call_set, right, 403));
    json_decref(call(s, &alice, cap_call_lift, "{'id': 1, 'why': 'x'}", 403));
    json_decref(call(s, &olga, cap_call_lift, "{'id': 1}", 400));
    s->policy = s->off;
    json_decref(call(s, &olga, cap_call_set, right, 409));
    s->policy = on;
    assert_int_equal(count(s, "cap_orders"), 0);
}

static void orders_are_listed(void **state)
{
    struct scene *s = *state;
    json_t *reply, *order;

    json_decref(call(s, &olga, cap_call_set,
                     "{'partition': 'gpu', 'gpu': '300W', 'why': 'peak'}", 200));
    json_decref(call(s, &olga, cap_call_set,
                     "{'user': 'bob', 'gpu': '200W', 'why': 'his'}", 200));
    json_decref(call(s, &olga, cap_call_lift, "{'id': 1, 'why': 'over'}", 200));
    reply = call(s, &olga, cap_call_list, "{}", 200);
    assert_true(json_is_true(json_object_get(reply, "capping")));
    assert_int_equal(json_array_size(json_object_get(reply, "orders")), 1);
    order = json_array_get(json_object_get(reply, "orders"), 0);
    assert_int_equal(json_integer_value(json_object_get(order, "id")), 2);
    assert_string_equal(json_string_value(json_object_get(order, "scope")), "user");
    assert_string_equal(json_string_value(json_object_get(order, "name")), "bob");
    assert_int_equal(json_integer_value(json_object_get(order, "gpu_mw")), 200000);
    assert_true(json_is_null(json_object_get(order, "until_s")));
    assert_string_equal(json_string_value(json_object_get(order, "actor")), "olga");
    json_decref(reply);
    /* another user's is not alice's to see */
    reply = call(s, &alice, cap_call_list, "{}", 200);
    assert_int_equal(json_array_size(json_object_get(reply, "orders")), 0);
    json_decref(reply);
    /* nothing is ever forgotten */
    assert_int_equal(count(s, "cap_orders WHERE lifted_by = 'olga'"), 1);
    assert_int_equal(ledger_do(s->b->ledger, "DELETE FROM cap_orders", ""), -1);
}

/* More runs than one lock's worth. */
static void many_runs(void **state)
{
    struct scene *s = *state;

    assert_int_equal(ledger_begin(s->b->ledger), 0);
    for (int64_t id = 100; id < 1100; id++)
        books_run(s->b, id, "c", "bio", "bob", "gpu", "running");
    assert_int_equal(ledger_commit(s->b->ledger), 0);
    look(s, s->policy, NOW);
    assert_int_equal(count(s, "caps WHERE gpu_mw = 400000"), 1001);
    assert_int_equal(count(s, "caps_due"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(rules_hold_what_runs),
        TEST(nothing_is_done_while_nothing_changes),
        TEST(a_new_run_is_worked_out),
        TEST(a_start_need_not_wait_for_a_round),
        TEST(the_hour_changes_caps),
        TEST(off_frozen_tripped),
        TEST(use_changes_caps),
        TEST(without_standings_it_waits_a_moment_only),
        cmocka_unit_test(percent_of_a_budget),
        TEST(orders),
        TEST(orders_that_are_none),
        TEST(orders_are_listed),
        TEST(many_runs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
