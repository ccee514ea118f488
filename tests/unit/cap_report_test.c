/* cap_report_test.c - caps between kwotad and nodes: what a report's reply and a prolog
 * are told, what nodes tell of them, and what people read of that */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "policy/cap_history.h"
#include "policy/cap_report.h"
#include "policy/control_call.h"
#include "policy/person.h"
#include "policy/report.h"
#include "policy/slurm_lookup.h"
#include "policy/switches.h"
#include "tests/unit/alone.h"
#include "tests/unit/policy_file.h"
#include "tests/unit/quota_books.h"

json_t *steward_queue(struct steward *steward, const struct access_rights *rights)
{
    (void)steward;
    (void)rights;
    return json_object();
}

void steward_kick(struct steward *steward)
{
    (void)steward;
}

struct scene {
    struct books *b;
    struct policy_files files;
    struct policy *on;
    struct settings settings;
    int seq;
};

static const struct access_rights root = {.is_node = true, .sees_all = true};

static int setup(void **state)
{
    static struct scene scene;
    void *books;
    char *complaints;

    memset(&scene, 0, sizeof scene);
    if (books_open(&books) < 0)
        return -1;
    scene.b = books;
    policy_files_make(&scene.files);
    scene.on = policy_files_read(
        &scene.files,
        policy_files_write(&scene.files, "on", "{\"caps\": {\"enabled\": true}}"),
        &complaints);
    free(complaints);
    /* run 1 with the token t1 on node n1 */
    books_run(scene.b, 1, "c", "astro", "alice", "gpu", "running");
    books_do(scene.b, "UPDATE runs SET decision = 'run', enforce = 'strict',"
                      " node_count = 2");
    *state = &scene;
    return scene.on ? 0 : -1;
}

static int teardown(void **state)
{
    struct scene *s = *state;
    void *books = s->b;

    policy_release(s->on);
    policy_files_remove(&s->files);
    return books_close(&books);
}

static json_t *json_of(const char *text)
{
    char *copy = strdup(text);
    json_t *json;

    for (char *quote = copy; (quote = strchr(quote, '\'')); quote++)
        *quote = '"';
    json = json_loads(copy, JSON_DECODE_ANY, NULL);
    assert_non_null(json);
    free(copy);
    return json;
}

/* n1's report of t1 so many seconds after NOW; `caps` and `limits` are what it has of
 * them. The reply. */
static json_t *report(struct scene *s, int second, const char *caps, const char *limits,
                      bool final)
{
    char text[4096];
    json_t *json, *reply = NULL;
    const char *error;

    snprintf(text, sizeof text,
             "{'node':'n1','epoch':'e','seq':%d,'time_ms':%lld,'simulated':true,"
             "'domains':[],'runs':[{'token':'t1','job':1,'uid':1001,'start_ms':%lld,"
             "'end_ms':%s,'final':%s,'cpu_ns':0,'reasons':[],'domains':{}%s}]%s}",
             ++s->seq, (long long)(NOW + second) * 1000, (long long)NOW * 1000,
             final ? "1795219287000" : "null", final ? "true" : "false", caps, limits);
    json = json_of(text);
    assert_int_equal(report_take(s->b->ledger, &s->settings, s->on, json,
                                 (NOW + second) * 1000, &reply, &error),
                     0);
    json_decref(json);
    return reply;
}

static void is_json(const json_t *json, const char *expected)
{
    char *text = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY | JSON_SORT_KEYS);
    json_t *wanted = json_of(expected);

    if (!json_equal(json, wanted))
        fail_msg("%s", text ? text : "(nothing)");
    free(text);
    json_decref(wanted);
}

static const json_t *of_run(const json_t *reply, const char *key)
{
    return json_object_get(json_object_get(json_object_get(reply, "runs"), "t1"), key);
}

static void replies_have_the_cap(void **state)
{
    struct scene *s = *state;
    json_t *reply = report(s, 1, "", "", false);

    assert_true(
        json_is_true(json_object_get(json_object_get(reply, "config"), "capping")));
    assert_null(of_run(reply, "cap")); /* not worked out: as it was */
    json_decref(reply);
    books_do(s->b, "INSERT INTO caps VALUES (1, NULL, NULL, NULL, '')");
    reply = report(s, 2, "", "", false);
    assert_true(json_is_null(of_run(reply, "cap")));
    json_decref(reply);
    books_do(s->b, "UPDATE caps SET gpu_mw = 250000, why = 'k:1: caps.rules[0]'");
    reply = report(s, 3, "", "", false);
    is_json(of_run(reply, "cap"), "{'gpu_mw':250000,'package_mw':null,"
                                  "'cpu_percent':null,'why':'k:1: caps.rules[0]'}");
    json_decref(reply);
}

static void replies_have_the_allowance(void **state)
{
    struct scene *s = *state;
    json_t *reply = report(s, 1, "", "", false);

    assert_null(of_run(reply, "allowance")); /* it has no lien */
    json_decref(reply);
    books_lien(s->b, 1, 1000000, NOW, NOW + 3600);
    reply = report(s, 2, "", "", false);
    is_json(of_run(reply, "allowance"), "{'mj':500000,'then':'end'}");
    json_decref(reply);
    books_do(s->b, "UPDATE runs SET enforce = 'soft'");
    reply = report(s, 3, "", "", false);
    is_json(of_run(reply, "allowance"), "{'mj':500000,'then':'run'}");
    json_decref(reply);
    books_do(s->b, "UPDATE runs SET enforce = 'shadow'");
    reply = report(s, 4, "", "", false);
    assert_null(of_run(reply, "allowance"));
    json_decref(reply);
    /* frozen: nobody ends anything, nodes by themselves neither */
    books_do(s->b, "UPDATE runs SET enforce = 'strict'");
    switches_set(s->b->ledger, "freeze", true, NOW, "olga", "w");
    reply = report(s, 5, "", "", false);
    is_json(of_run(reply, "allowance"), "{'mj':500000,'then':'run'}");
    json_decref(reply);
    switches_set(s->b->ledger, "freeze", false, NOW, "olga", "w");
    /* the other node has used most */
    books_do(s->b, "INSERT INTO tokens (token, run_id, node, job_id, start_ms, last_ms,"
                   " final, cpu_ns, reasons, simulated)"
                   " VALUES ('t9', 1, 'n2', 1, 0, 0, 0, 0, '[]', 1)");
    books_do(s->b, "INSERT INTO run_quarters VALUES ('t9', 0, 'gpu', 300000, 0)");
    reply = report(s, 6, "", "", false);
    is_json(of_run(reply, "allowance"), "{'mj':87501,'then':'end'}");
    json_decref(reply);
    /* one that is steered is slowed, not ended */
    books_do(s->b, "INSERT INTO steering VALUES (1, 0,0,0,0,0,0, 0,0,0,0,0, 0,0,0,"
                   " 0,0,0,0, 0,'')");
    reply = report(s, 20, "", "", false);
    is_json(of_run(reply, "allowance"), "{'mj':87501,'then':'floor'}");
    json_decref(reply);
}

/* It was over before any report could tell of its cap, and its word is gone. */
static void a_brief_run_has_a_history(void **state)
{
    struct scene *s = *state;
    json_t *history;

    for (int again = 0; again < 2; again++)
        json_decref(report(s, 5,
                           ",'caps':{'gpu_mw':null,'package_mw':null,"
                           "'cpu_percent':null,'since_ms':null,'capped_ms':3000,"
                           "'devices':[],'why':'k:1: caps.rules[0]','lowest':{"
                           "'gpu_mw':250000,'package_mw':null,'cpu_percent':50}}",
                           "", true));
    history = cap_history_json(s->b->ledger, 1);
    assert_int_equal(json_array_size(history), 2);
    is_json(
        json_array_get(history, 1),
        "{'from_s':1795219284,'until_s':1795219287,'what':'gpu','mw':250000,"
        "'percent':null,'state':'set','why':'k:1: caps.rules[0]','devices':'n1 gpu'}");
    json_decref(history);
}

/* A node whose epilog never came hears that the run is over. */
static void replies_tell_what_is_over(void **state)
{
    struct scene *s = *state;
    json_t *reply = report(s, 1, "", "", false);

    assert_non_null(of_run(reply, "cpus"));
    assert_null(of_run(reply, "over"));
    json_decref(reply);
    books_do(s->b, "UPDATE runs SET state = 'ended', end_s = start_s + 1");
    reply = report(s, 2, "", "", false);
    assert_true(json_is_true(of_run(reply, "over")));
    json_decref(reply);
}

static json_t *decisions(struct scene *s, bool capping)
{
    json_t *body = json_of("{'tokens':['t1']}"), *reply;
    unsigned status;

    reply = control_decisions(
        &(struct control_call){
            .ledger = s->b->ledger, .rights = &root, .body = body, .capping = capping},
        &status);
    assert_int_equal(status, 200);
    json_decref(body);
    return reply;
}

static void prologs_wait_for_the_cap(void **state)
{
    struct scene *s = *state;
    json_t *reply = decisions(s, true);

    is_json(reply, "{'decisions':{},'caps':{}}");
    json_decref(reply);
    reply = decisions(s, false);
    is_json(reply, "{'decisions':{'t1':'run'},'caps':{}}");
    json_decref(reply);
    books_do(s->b, "INSERT INTO caps VALUES (1, 250000, NULL, 50, 'w')");
    reply = decisions(s, true);
    is_json(reply, "{'decisions':{'t1':'run'},'caps':{'t1':{'gpu_mw':250000,"
                   "'package_mw':null,'cpu_percent':50,'why':'w'}}}");
    json_decref(reply);
    books_do(s->b, "UPDATE caps SET gpu_mw = NULL, cpu_percent = NULL");
    reply = decisions(s, true);
    is_json(reply, "{'decisions':{'t1':'run'},'caps':{'t1':null}}");
    json_decref(reply);
    /* what is held waits for no cap */
    books_do(s->b, "DELETE FROM caps");
    books_do(s->b, "UPDATE runs SET decision = 'held'");
    reply = decisions(s, true);
    is_json(reply, "{'decisions':{'t1':'held'},'caps':{}}");
    json_decref(reply);
}

#define DEVICE(name, mw, how, why)                                                     \
    "{'name':'" name "','mw':" mw ",'state':'" how "','why':" why "}"

#define CAPS(ms, percent, devices)                                                     \
    ",'caps':{'gpu_mw':250000,'package_mw':null,'cpu_percent':" percent                \
    ",'since_ms':1,'capped_ms':" ms ",'devices':[" devices "]}"

static json_t *job(struct scene *s)
{
    const struct person_wish wish = {.steps = false};
    unsigned status;
    json_t *reply = person_job(s->b->ledger, &root, "1", &wish, &status), *run;

    assert_int_equal(status, 200);
    run = json_incref(json_array_get(json_object_get(reply, "runs"), 0));
    json_decref(reply);
    return run;
}

static void a_run_has_a_history(void **state)
{
    struct scene *s = *state;
    json_t *run;
    char expected[1536];

    books_do(s->b, "INSERT INTO caps VALUES (1, 250000, NULL, NULL, 'rule')");
    json_decref(report(s, 10, "", "", false));
    json_decref(report(
        s, 20,
        CAPS("1000", "null",
             DEVICE("gpu-0", "250000", "set", "null") "," DEVICE(
                 "gpu-1", "250000", "set", "null") "," DEVICE("gpu-2", "null", "failed",
                                                              "'no permission'")),
        "", false));
    /* the same again is nothing new */
    json_decref(report(
        s, 30,
        CAPS("11000", "null",
             DEVICE("gpu-0", "250000", "set", "null") "," DEVICE(
                 "gpu-1", "250000", "set", "null") "," DEVICE("gpu-2", "null", "failed",
                                                              "'no permission'")),
        "", false));
    assert_int_equal(
        ledger_number(s->b->ledger, 0, "SELECT COUNT(*) FROM run_caps", ""), 3);
    books_do(s->b, "UPDATE caps SET gpu_mw = 200000, cpu_percent = 50, why = 'order'");
    json_decref(report(s, 40,
                       CAPS("21000", "50",
                            DEVICE("gpu-0", "200000", "set", "null") "," DEVICE(
                                "gpu-1", "280000", "foreign", "null")),
                       "", false));
    json_decref(report(s, 50, CAPS("30000", "null", ""), "", false));
    json_decref(report(s, 60,
                       CAPS("31000", "null", DEVICE("gpu-0", "190000", "set", "null")),
                       "", false));
    json_decref(report(s, 70, "", "", true));
    run = job(s);
    snprintf(expected, sizeof expected,
             "[{'from_s':%lld,'until_s':%lld,'what':'gpu','mw':250000,'percent':null,"
             "'state':'set','why':'rule','devices':'n1 gpu-0, n1 gpu-1'},"
             "{'from_s':%lld,'until_s':%lld,'what':'gpu','mw':null,'percent':null,"
             "'state':'failed','why':'no permission','devices':'n1 gpu-2'},"
             "{'from_s':%lld,'until_s':%lld,'what':'cpu','mw':null,'percent':50,"
             "'state':'set','why':'order','devices':'n1 cpu'},"
             "{'from_s':%lld,'until_s':%lld,'what':'gpu','mw':200000,'percent':null,"
             "'state':'set','why':'order','devices':'n1 gpu-0'},"
             "{'from_s':%lld,'until_s':%lld,'what':'gpu','mw':280000,'percent':null,"
             "'state':'foreign','why':'','devices':'n1 gpu-1'},"
             "{'from_s':%lld,'until_s':1795219287,'what':'gpu','mw':190000,"
             "'percent':null,'state':'set','why':'order','devices':'n1 gpu-0'}]",
             (long long)NOW + 20, (long long)NOW + 40, (long long)NOW + 20,
             (long long)NOW + 40, (long long)NOW + 40, (long long)NOW + 50,
             (long long)NOW + 40, (long long)NOW + 50, (long long)NOW + 40,
             (long long)NOW + 50, (long long)NOW + 60);
    is_json(json_object_get(run, "caps"), expected);
    is_json(json_object_get(run, "capped_ms"), "31000");
    json_decref(run);
}

static void a_run_without_caps_has_none(void **state)
{
    struct scene *s = *state;
    json_t *run;

    json_decref(report(s, 10, "", "", false));
    run = job(s);
    is_json(json_object_get(run, "caps"), "[]");
    is_json(json_object_get(run, "capped_ms"), "0");
    json_decref(run);
}

static void what_is_no_cap_is_passed_over(void **state)
{
    struct scene *s = *state;

    json_decref(report(s, 10, ",'caps':5", ",'limits':{}", false));
    json_decref(report(s, 20,
                       ",'caps':{'devices':[5,{'name':'gpu-0'},"
                       "{'name':'','state':'set','mw':1}]}",
                       ",'limits':[5,{}]", false));
    assert_int_equal(
        ledger_number(s->b->ledger, 0, "SELECT COUNT(*) FROM run_caps", ""), 0);
}

#define LIMIT(name, now, found)                                                        \
    "{'name':'" name "','kind':'nvml','min_mw':100000,'max_mw':400000,"                \
    "'default_mw':400000,'found_mw':" found ",'now_mw':" now ",'step_mw':1000,"        \
    "'why':null}"

static void nodes_have_limits(void **state)
{
    struct scene *s = *state;
    json_t *reply, *limits;
    unsigned status;

    json_decref(report(s, 10, "",
                       ",'limits':[" LIMIT("gpu-0", "400000", "null") "," LIMIT(
                           "gpu-1", "400000", "null") "]",
                       false));
    json_decref(report(s, 20, "",
                       ",'limits':[" LIMIT("gpu-0", "250000", "400000") "," LIMIT(
                           "gpu-1", "400000", "null") "]",
                       false));
    reply = person_nodes(s->b->ledger, &root, &status);
    limits =
        json_object_get(json_array_get(json_object_get(reply, "nodes"), 0), "limits");
    is_json(limits, "[" LIMIT("gpu-0", "250000", "400000") "," LIMIT("gpu-1", "400000",
                                                                     "null") "]");
    json_decref(reply);
    /* a device is gone; a report without a list says nothing of them */
    json_decref(
        report(s, 30, "", ",'limits':[" LIMIT("gpu-1", "400000", "null") "]", false));
    json_decref(report(s, 40, "", "", false));
    limits = cap_report_limits_json(s->b->ledger, "n1");
    is_json(limits, "[" LIMIT("gpu-1", "400000", "null") "]");
    json_decref(limits);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(replies_have_the_cap),        TEST(replies_have_the_allowance),
        TEST(replies_tell_what_is_over),   TEST(prologs_wait_for_the_cap),
        TEST(a_run_has_a_history),         TEST(a_brief_run_has_a_history),
        TEST(a_run_without_caps_has_none), TEST(what_is_no_cap_is_passed_over),
        TEST(nodes_have_limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
