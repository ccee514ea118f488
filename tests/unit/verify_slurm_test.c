/* verify_slurm_test.c - each of slurmdbd's runs has its charge, a reason, or is told */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "policy/books_call.h"
#include "policy/clock.h"
#include "policy/person.h"
#include "policy/slurm_past.h"
#include "policy/verify_slurm.h"
#include "tests/unit/good_books.h"

/* What slurmdbd would tell; job 0 ends it. */
static struct past_run *past;
static bool away;

int slurm_past_runs(const char *cluster, int64_t from_s, int64_t until_s,
                    past_take take, void *arg)
{
    assert_string_equal(cluster, "c");
    if (away)
        return -1;
    for (const struct past_run *run = past; run && run->job_id; run++)
        if (run->start_s < until_s && (run->end_s == 0 || run->end_s >= from_s) &&
            !take(run, arg))
            break;
    return 0;
}

int lookup_node(const char *node, struct lookup_node *found)
{
    (void)node;
    (void)found;
    return -1;
}

bool lookup_has_node(const struct lookup_run *run, const char *node)
{
    return strstr(run->nodes, node) != NULL;
}

int64_t clock_now_s(void)
{
    return NOW;
}

json_t *person_error(const char *sentence)
{
    return json_pack("{s:s}", "error", sentence);
}

static int open_good(void **state)
{
    struct books *b;

    if (books_open(state) < 0)
        return -1;
    b = *state;
    good_fill(b);
    books_do(b, "INSERT INTO nodes (node, epoch, seq, last_report_ms, simulated) "
                "VALUES ('n1', 'e', 1, 0, 0)");
    past = NULL;
    away = false;
    return 0;
}

/* As good_run() has it: submitted at 100. */
static struct past_run run_of(uint32_t job, int64_t start_s, int64_t end_s,
                              const char *nodes)
{
    struct past_run run = {
        .job_id = job, .submit_s = 100, .start_s = start_s, .end_s = end_s};

    snprintf(run.text, sizeof run.text, "%u", job);
    snprintf(run.state, sizeof run.state, "COMPLETED");
    snprintf(run.nodes, sizeof run.nodes, "%s", nodes);
    return run;
}

/* All days; the sums are in one answer. */
static json_t *verify(struct books *b, int64_t start_s, int64_t end_s)
{
    const struct verify_range range = {start_s, end_s};
    json_t *all = json_pack("{s:[] s:{} s:i}", "breaches", "reasons", "checked", 0);
    json_int_t after = 0;
    bool more;

    do {
        json_t *piece = verify_slurm(b->ledger, "c", &range, after, NOW, 0), *count;
        const char *key;

        assert_non_null(piece);
        json_array_extend(json_object_get(all, "breaches"),
                          json_object_get(piece, "breaches"));
        json_object_foreach(json_object_get(piece, "reasons"), key, count)
        {
            json_t *reasons = json_object_get(all, "reasons");

            json_object_set_new(
                reasons, key,
                json_integer(json_integer_value(count) +
                             json_integer_value(json_object_get(reasons, key))));
        }
        json_object_set_new(
            all, "checked",
            json_integer(json_integer_value(json_object_get(all, "checked")) +
                         json_integer_value(json_object_get(
                             json_object_get(piece, "checked"), "slurmdbd's runs"))));
        if (json_object_get(piece, "slurmdbd_away"))
            json_object_set(all, "away", json_object_get(piece, "slurmdbd_away"));
        more =
            json_unpack(json_object_get(piece, "next"), "{s:I}", "after", &after) == 0;
        json_decref(piece);
    } while (more);
    return all;
}

static int64_t checked(const json_t *all)
{
    return json_integer_value(json_object_get(all, "checked"));
}

static size_t breach_count(const json_t *all)
{
    return json_array_size(json_object_get(all, "breaches"));
}

static int64_t reason(const json_t *all, const char *key)
{
    return json_integer_value(json_object_get(json_object_get(all, "reasons"), key));
}

static void says(const json_t *all, const char *what)
{
    char *text = json_dumps(json_object_get(all, "breaches"), JSON_INDENT(1));

    if (!strstr(text, what))
        fail_msg("\"%s\" is not in %s", what, text);
    free(text);
}

static void each_run_is_looked_at_once(void **state)
{
    struct past_run runs[] = {
        run_of(1, NOVEMBER + 3 * DAY - 600, NOVEMBER + 3 * DAY, "n1"),
        run_of(4, OCTOBER + 9 * DAY - 600, OCTOBER + 9 * DAY, "n1"),
        /* over many days */
        run_of(3, OCTOBER + 20 * DAY, NOVEMBER, "n1"),
        {0}};
    struct books *b = *state;
    json_t *all;

    past = runs;
    all = verify(b, 0, INT64_MAX);
    assert_int_equal(checked(all), 3);
    assert_int_equal(breach_count(all), 0);
    assert_int_equal(json_object_size(json_object_get(all, "reasons")), 0);
    json_decref(all);
    /* Only those that were under way then. */
    all = verify(b, OCTOBER + 25 * DAY, OCTOBER + 27 * DAY);
    assert_int_equal(checked(all), 1);
    json_decref(all);
}

static void what_has_a_reason_is_no_breach(void **state)
{
    struct past_run resized = run_of(99, NOVEMBER, NOVEMBER + DAY, "n1");
    struct past_run runs[] = {run_of(5, NOVEMBER + 3 * DAY, 0, "n1"),
                              run_of(50, NOVEMBER + 3 * DAY, 0, "n1"),
                              run_of(51, NOW - DAY, NOW - 5, "n1"),
                              run_of(6, NOW - DAY, NOW - 5000, "n1"),
                              run_of(52, NOVEMBER, NOVEMBER + DAY, "m1,m2"),
                              run_of(53, OCTOBER, NOVEMBER + DAY, "n1"),
                              resized,
                              {0}};
    struct books *b = *state;
    json_t *all;

    runs[6].is_part = true;
    past = runs;
    all = verify(b, 0, INT64_MAX);
    if (breach_count(all) > 0)
        says(all, "nothing");
    assert_int_equal(reason(all, "they still run"), 2);
    assert_int_equal(reason(all, "they have just ended"), 1);
    assert_int_equal(reason(all, "their nodes' final counts are waited for"), 1);
    assert_int_equal(reason(all, "no node of theirs has kwota"), 1);
    assert_int_equal(reason(all, "they began before the ledger did"), 1);
    json_decref(all);
}

static void what_has_none_is_told(void **state)
{
    struct past_run runs[] = {run_of(60, NOVEMBER, NOVEMBER + DAY, "n1"),
                              run_of(6, NOVEMBER, NOVEMBER + 4 * DAY, "n1"),
                              run_of(5, NOVEMBER, NOVEMBER + 4 * DAY, "n1"),
                              {0}};
    struct books *b = *state;
    json_t *all;

    past = runs;
    all = verify(b, 0, INT64_MAX);
    assert_int_equal(breach_count(all), 3);
    says(all, "job 60, submitted at 100 and COMPLETED on 2026-11-02 on n1, is in "
              "slurmdbd and not in the ledger");
    says(all, "job 6, submitted at 100, was over on 2026-11-05 (COMPLETED) and is not "
              "settled: it is ended");
    says(all, "it is running");
    json_decref(all);
}

/* A ledger of version 1 may have a job's run under two restart counts. */
static void what_was_charged_twice_is_told(void **state)
{
    struct past_run runs[] = {
        run_of(1, NOVEMBER + 3 * DAY - 600, NOVEMBER + 3 * DAY, "n1"), {0}};
    struct books *b = *state;
    json_t *all;

    books_do(b, "UPDATE runs SET job_id = 1, restart = 1 WHERE id = 2");
    past = runs;
    all = verify(b, 0, INT64_MAX);
    assert_int_equal(breach_count(all), 1);
    says(all, "job 1, submitted at 100, is 2 runs in the ledger, and 2 of them");
    json_decref(all);
}

static void slurmdbd_may_be_away(void **state)
{
    json_t *all;

    away = true;
    all = verify(*state, 0, INT64_MAX);
    assert_int_equal(breach_count(all), 0);
    assert_non_null(json_object_get(all, "away"));
    json_decref(all);
}

/* The calls. */

static struct access_rights operators = {.sees_all = true}, users;

static json_t *call(struct books *b, const struct access_rights *rights,
                    json_t *(*answers)(const struct books_call *, unsigned *),
                    int64_t step, const char *body, unsigned wanted)
{
    json_t *json = json_loads(body, 0, NULL), *answer;
    unsigned status = 0;

    answer = answers(&(struct books_call){.ledger = b->ledger,
                                          .cluster = "c",
                                          .rights = rights,
                                          .body = json,
                                          .end_s = INT64_MAX,
                                          .step = step,
                                          .slurmdbd = true},
                     &status);
    json_decref(json);
    assert_int_equal(status, wanted);
    return answer;
}

static void the_calls_are_for_operators(void **state)
{
    struct books *b = *state;

    json_decref(call(b, &users, books_call_verify, 0, "{}", 403));
    json_decref(call(b, &users, books_call_prune, 0, "{}", 403));
}

static void slurmdbd_comes_after_the_books(void **state)
{
    struct books *b = *state;
    json_int_t step = 0, after = 0;
    json_t *answer;

    do {
        answer = call(b, &operators, books_call_verify, step, "{}", 200);
        assert_int_equal(json_array_size(json_object_get(answer, "breaches")), 0);
        assert_int_equal(json_unpack(json_object_get(answer, "next"), "{s:I s:I}",
                                     "step", &step, "after", &after),
                         0);
        json_decref(answer);
    } while (step < VERIFY_SLURM_STEP);
    answer = call(b, &operators, books_call_verify, step, "{}", 200);
    assert_string_equal(json_string_value(json_object_get(answer, "step")),
                        "slurmdbd's runs");
    json_decref(answer);
}

static void prune_goes_on_where_it_was(void **state)
{
    struct books *b = *state;
    json_t *answer;
    char body[128];

    json_decref(call(b, &operators, books_call_prune, 0, "{\"before_s\":\"x\"}", 400));
    snprintf(body, sizeof body, "{\"before_s\":%lld}", (long long)(NOW - 89 * DAY));
    json_decref(call(b, &operators, books_call_prune, 0, body, 400));
    books_do(b, "UPDATE runs SET end_s = end_s - 1000 * 86400 WHERE id IN (1, 2)");
    answer = call(b, &operators, books_call_prune, 0,
                  "{\"dry_run\":true,\"before_s\":1750000000}", 200);
    assert_int_equal(json_integer_value(json_object_get(answer, "runs")), 2);
    json_decref(answer);
    answer =
        call(b, &operators, books_call_prune, 0,
             "{\"before_s\":1750000000,\"after\":{\"end_s\":0,\"run_id\":0}}", 200);
    assert_int_equal(json_integer_value(json_object_get(answer, "runs")), 2);
    assert_true(json_is_null(json_object_get(answer, "next")));
    json_decref(answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_run_is_looked_at_once, open_good,
                                        books_close),
        cmocka_unit_test_setup_teardown(what_has_a_reason_is_no_breach, open_good,
                                        books_close),
        cmocka_unit_test_setup_teardown(what_has_none_is_told, open_good, books_close),
        cmocka_unit_test_setup_teardown(what_was_charged_twice_is_told, open_good,
                                        books_close),
        cmocka_unit_test_setup_teardown(slurmdbd_may_be_away, open_good, books_close),
        cmocka_unit_test_setup_teardown(the_calls_are_for_operators, open_good,
                                        books_close),
        cmocka_unit_test_setup_teardown(slurmdbd_comes_after_the_books, open_good,
                                        books_close),
        cmocka_unit_test_setup_teardown(prune_goes_on_where_it_was, open_good,
                                        books_close),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
