/* job_test.c - from reports to what a person reads of one job */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "policy/person.h"
#include "policy/report.h"
#include "policy/run.h"
#include "tests/unit/alone.h"
#include "tests/unit/temporary.h"

#define T INT64_C(1700000100)
#define T_TEXT "1700000100"

struct books {
    struct temporary place;
    struct ledger *ledger;
    struct settings settings;
    int seq;
};

static int setup(void **state)
{
    static struct books books;

    memset(&books, 0, sizeof books);
    if (temporary_make(&books.place) < 0)
        return -1;
    books.ledger = ledger_open(books.place.dir);
    *state = &books;
    return books.ledger ? 0 : -1;
}

static int teardown(void **state)
{
    struct books *books = *state;

    ledger_close(books->ledger);
    temporary_remove(&books->place);
    return 0;
}

/* A node's report `s` seconds after T about its one run, whose token is the node's
 * name; `more` are further fields of the run. 0, -1 or -2 as report_take(). */
static int report(struct books *books, const char *node, int s, const char *counts,
                  const char *more)
{
    static const char form[] =
        "{'node':'%s','epoch':'e','seq':%d,'time_ms':%lld,'simulated':false,'domains':["
        "{'name':'p','kind':'package','source':'x','state':'ok','reason':null,"
        "'total_uj':0,'jobs_uj':0,'node_uj':0,'gap_ms':0},"
        "{'name':'g','kind':'gpu','source':'x','state':'ok','reason':null,"
        "'total_uj':0,'jobs_uj':0,'node_uj':0,'gap_ms':0,'integrated':true}],"
        "'runs':[{'token':'%s','job':12,'uid':1001,'start_ms':" T_TEXT "000,"
        "'end_ms':null,'final':false,'cpu_ns':0,'reasons':[],'domains':{%s}%s}]}";
    char text[4096];
    json_t *json, *reply;
    const char *error;
    int rc;

    snprintf(text, sizeof text, form, node, ++books->seq, (long long)(T + s) * 1000,
             node, counts, more);
    for (char *quote = text; (quote = strchr(quote, '\'')); quote++)
        *quote = '"';
    json = json_loads(text, 0, NULL);
    assert_non_null(json);
    rc = report_take(books->ledger, &books->settings, NULL, json, (T + s) * 1000,
                     &reply, &error);
    if (rc == 0)
        json_decref(reply);
    else
        assert_non_null(error);
    json_decref(json);
    return rc;
}

static void bind(struct books *books, int64_t end_s)
{
    struct lookup_run run = {.job_id = 12,
                             .text = "12",
                             .submit_s = T - 1,
                             .start_s = T,
                             .end_s = end_s,
                             .over = end_s > 0,
                             .user = "alice",
                             .node_count = 1,
                             .started = true};

    assert_int_equal(ledger_begin(books->ledger), 0);
    assert_int_equal(run_put(books->ledger, "c", &run, T + 1), 1);
    assert_int_equal(ledger_do(books->ledger, "UPDATE tokens SET run_id = 1", ""), 0);
    assert_int_equal(ledger_commit(books->ledger), 0);
}

/* The only run, as a person reads it. */
static json_t *job(struct books *books, bool steps, int bins)
{
    static const struct access_rights rights;
    struct person_wish wish = {.steps = steps, .bins = bins};
    unsigned status;
    json_t *reply = person_job(books->ledger, &rights, "12", &wish, &status);
    json_t *run = json_incref(json_array_get(json_object_get(reply, "runs"), 0));

    assert_int_equal(status, 200);
    json_decref(reply);
    return run;
}

static void is_json(const json_t *json, const char *expected)
{
    char *text = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
    char wanted[1024];

    snprintf(wanted, sizeof wanted, "%s", expected);
    for (char *quote = wanted; (quote = strchr(quote, '\'')); quote++)
        *quote = '"';
    assert_string_equal(text, wanted);
    free(text);
}

static void quality_is(struct books *books, const char *quality,
                       const char *apportioned, const char *integrated)
{
    json_t *run = job(books, false, 0);

    assert_string_equal(json_string_value(json_object_get(run, "quality")), quality);
    is_json(json_object_get(run, "apportioned"), apportioned);
    is_json(json_object_get(run, "integrated"), integrated);
    assert_null(json_object_get(run, "steps"));
    assert_null(json_object_get(run, "plot"));
    json_decref(run);
}

static void what_was_divided_is_told_apart(void **state)
{
    struct books *books = *state;

    assert_int_equal(report(books, "n1", 10, "'p':1000,'g':null", ""), 0);
    bind(books, 0);
    quality_is(books, "measured", "[]", "[]");
    assert_int_equal(
        report(books, "n1", 20, "'p':2000,'g':5000", ",'apportioned':['p']"), 0);
    quality_is(books, "apportioned", "['cpu']", "['gpu']");
    /* What was divided once stays so. */
    assert_int_equal(report(books, "n1", 30, "'p':3000,'g':6000", ""), 0);
    quality_is(books, "apportioned", "['cpu']", "['gpu']");
}

#define STEP(name, end, cpu, uj)                                                       \
    "{'step':'" name "','start_ms':1000,'end_ms':" end ",'cpu_ns':" cpu ",'uj':{" uj   \
    "}}"

static void steps_add_up_over_nodes(void **state)
{
    struct books *books = *state;
    json_t *run;

    report(books, "n1", 10, "'p':0",
           ",'steps':[" STEP("0", "2000", "5", "'package':3000,'dram':null") "," STEP(
               "batch", "null", "7", "'package':9000") "]");
    report(books, "n2", 10, "'p':0",
           ",'steps':[" STEP("0", "null", "5", "'package':4000,'gpu':1000") "]");
    /* Left out, it stands; told lower, the higher count does. */
    report(books, "n1", 20, "'p':0",
           ",'steps':[" STEP("batch", "null", "6", "'package':8000") "]");
    bind(books, 0);
    run = job(books, true, 0);
    is_json(json_object_get(run, "steps"),
            "[{'step':'batch','start_ms':1000,'end_ms':null,'cpu_ns':7,'nodes':1,"
            "'energy':{'total_mj':9,'cpu_mj':9,'dram_mj':null,'gpu_mj':null,"
            "'other_mj':null}},"
            "{'step':'0','start_ms':1000,'end_ms':null,'cpu_ns':10,'nodes':2,"
            "'energy':{'total_mj':8,'cpu_mj':7,'dram_mj':null,'gpu_mj':1,"
            "'other_mj':null}}]");
    json_decref(run);
}

/* A step's end is told once, however soon after another report. */
static void the_end_of_a_step_waits_for_no_other_report(void **state)
{
    struct books *books = *state;

    books->settings.report_ms = 60000;
    assert_int_equal(report(books, "n1", 1, "'p':1000", ""), 0);
    assert_int_equal(report(books, "n1", 1, "'p':2000",
                            ",'steps':[" STEP("0", "null", "5", "'package':1") "]"),
                     0);
    assert_int_equal(
        ledger_number(books->ledger, -1, "SELECT COUNT(*) FROM run_steps", ""), 0);
    assert_int_equal(report(books, "n1", 1, "'p':3000",
                            ",'steps':[" STEP("0", "2000", "5", "'package':1") "]"),
                     0);
    assert_int_equal(
        ledger_number(books->ledger, -1, "SELECT COUNT(*) FROM run_steps", ""), 1);
}

static void malformed_steps_are_refused(void **state)
{
    static const char *const table[] = {
        ",'steps':{}",
        ",'steps':[{'step':'0'}]",
        ",'steps':[{'step':'','start_ms':1,'cpu_ns':1,'uj':{}}]",
        ",'steps':[{'step':'0','start_ms':1,'cpu_ns':1,'uj':[]}]",
        ",'apportioned':'p'",
    };
    struct books *books = *state;

    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        assert_int_equal(report(books, "n1", 10, "'p':0", table[i]), -1);
}

#define BIN(cpu, gpu)                                                                  \
    "{'cpu_mj':" cpu ",'dram_mj':null,'gpu_mj':" gpu ",'other_mj':null}"

static void points_become_bins(void **state)
{
    struct books *books = *state;
    json_t *run;

    report(books, "n1", 0, "'p':0,'g':null", "");
    report(books, "n1", 20, "'p':40000,'g':null", "");
    /* No time has passed: it belongs to the point before. */
    report(books, "n1", 20, "'p':44000,'g':null", "");
    report(books, "n2", 40, "'p':4000,'g':8000", "");
    bind(books, T + 80);
    run = job(books, false, 4);
    is_json(json_object_get(run, "plot"),
            "{'start_ms':" T_TEXT "000,'end_ms':1700000140000,'bins':[" BIN(
                "23", "2") "," BIN("23", "2") "," BIN("1", "2") "," BIN("1", "2") "]}");
    json_decref(run);
    /* With finer bins the unknown end is a gap. */
    run = job(books, false, 8);
    is_json(json_array_get(json_object_get(json_object_get(run, "plot"), "bins"), 7),
            BIN("null", "null"));
    json_decref(run);
}

static void a_wish_has_limits(void **state)
{
    struct books *books = *state;
    static const struct access_rights rights;
    unsigned status;
    json_t *reply = person_job(books->ledger, &rights, "12",
                               &(struct person_wish){.bins = -1}, &status);

    assert_int_equal(status, 400);
    json_decref(reply);
}

#define WITH_BOOKS(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

/* Who asks for the whole of an array or of a het job learns what its parts are called.
 */
static void parts_are_named(void **state)
{
    static const struct {
        const char *id, *error;
    } table[] = {
        {"15", "job 15 has parts of its own: 15+0, 15+1"},
        {"20", "job 20 has parts of its own: 20_1, 20_2, 20_3, 20_4, 20_10, ..."},
        {"2", "there is no run of job 2 that  may see (a job that has not started has "
              "none)"},
    };
    static const char *const texts[] = {"15+0", "15+1", "20_1",  "20_2",
                                        "20_3", "20_4", "20_10", "20_11"};
    static const struct access_rights rights;
    struct person_wish wish = {.bins = 0};
    struct books *books = *state;
    unsigned status;

    assert_int_equal(ledger_begin(books->ledger), 0);
    for (uint32_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct lookup_run run = {.job_id = 15 + i,
                                 .submit_s = T,
                                 .start_s = T,
                                 .user = "alice",
                                 .node_count = 1,
                                 .started = true};

        snprintf(run.text, sizeof run.text, "%s", texts[i]);
        assert_true(run_put(books->ledger, "c", &run, T) > 0);
    }
    assert_int_equal(ledger_commit(books->ledger), 0);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        json_t *reply = person_job(books->ledger, &rights, table[i].id, &wish, &status);

        assert_int_equal(status, 404);
        assert_string_equal(json_string_value(json_object_get(reply, "error")),
                            table[i].error);
        json_decref(reply);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(parts_are_named, setup, teardown),
        WITH_BOOKS(what_was_divided_is_told_apart),
        WITH_BOOKS(steps_add_up_over_nodes),
        WITH_BOOKS(the_end_of_a_step_waits_for_no_other_report),
        WITH_BOOKS(malformed_steps_are_refused),
        WITH_BOOKS(points_become_bins),
        WITH_BOOKS(a_wish_has_limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
