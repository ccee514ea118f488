/* threshold_test.c - what is told of a budget, each once */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "policy/energy.h"
#include "policy/threshold.h"
#include "tests/unit/policy_file.h"
#include "tests/unit/quota_books.h"

struct scene {
    struct books *books;
    struct policy_files files;
    struct policy *policy; /* thresholds at 50 and 80 % */
};

static int setup(void **state)
{
    static struct scene scene;
    char *complaints;
    void *books;

    memset(&scene, 0, sizeof scene);
    if (books_open(&books) < 0)
        return -1;
    scene.books = books;
    policy_files_make(&scene.files);
    scene.policy = policy_files_read(
        &scene.files,
        policy_files_write(
            &scene.files, "k",
            "{\"version\":1,\"limits\":{\"thresholds_percent\":[50,80]}}"),
        &complaints);
    assert_string_equal(complaints, "");
    free(complaints);
    assert_int_equal(ledger_begin(scene.books->ledger), 0);
    *state = &scene;
    return 0;
}

static int teardown(void **state)
{
    struct scene *scene = *state;
    void *books = scene->books;

    ledger_commit(scene->books->ledger);
    policy_release(scene->policy);
    policy_files_remove(&scene->files);
    return books_close(&books);
}

static void a_share_is_passed_when_it_is_reached(void **state)
{
    static const struct {
        int64_t used, quota, percent;
        bool passed;
    } table[] = {
        {79, 100, 80, false},
        {80, 100, 80, true},
        {799, 1000, 80, false},
        {101, 100, 100, true},
        {0, 100, 1, false},
        {0, 0, 80, false},
        {1, 0, 80, true},
        {1, -5, 80, true},
        {INT64_MAX, INT64_MAX, 100, true},
        {INT64_MAX / 2, INT64_MAX, 51, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct balance balance = {.used_mj = table[i].used, .quota_mj = table[i].quota};

        assert_int_equal(threshold_passed(&balance, table[i].percent), table[i].passed);
    }
}

static int look(struct scene *s, int64_t now_s, json_t *events)
{
    struct standings standings = {NULL, 0, 0};
    int rc;

    /* standing_refresh() takes the lock by itself. */
    assert_int_equal(ledger_commit(s->books->ledger), 0);
    assert_int_equal(standing_refresh(&standings, s->books->ledger, s->policy, now_s),
                     0);
    assert_int_equal(ledger_begin(s->books->ledger), 0);
    rc = threshold_look(s->books->ledger, s->policy, &standings, "c", now_s, events);
    standing_done(&standings);
    return rc;
}

/* The percents that are told of at this moment, in their order. */
static void told(struct scene *s, int64_t now_s, const char *expected)
{
    json_t *events = json_array(), *event;
    char text[64] = "";
    size_t i;

    assert_int_equal(look(s, now_s, events), 0);
    json_array_foreach(events, i, event)
    {
        size_t len = strlen(text);

        assert_string_equal(json_string_value(json_object_get(event, "event")),
                            "threshold");
        snprintf(text + len, sizeof text - len, "%s%lld", i ? " " : "",
                 (long long)json_integer_value(json_object_get(event, "percent")));
    }
    json_decref(events);
    assert_string_equal(text, expected);
}

static void used(struct scene *s, int64_t at_s, int64_t mj)
{
    books_rollup(s->books, at_s / 900 * 900, "c", "astro", "alice", "main", mj, 0);
}

static void each_is_told_once_in_its_window(void **state)
{
    struct scene *s = *state;

    books_quota(s->books, "astro", "", "", 100);
    books_quota(s->books, "bio", "", "", 100);
    told(s, NOW, "");
    used(s, NOW, 49);
    told(s, NOW, "");
    used(s, NOW - 900, 1);
    told(s, NOW, "50");
    told(s, NOW, "");
    used(s, NOW - 1800, 49);
    told(s, NOW, "80");
    /* More is granted, and used too: it has been told. */
    books_do(s->books, "UPDATE quotas SET mj = 1000");
    told(s, NOW, "");
    used(s, NOW - 2700, 900);
    told(s, NOW, "");
    /* The next month is another. */
    told(s, DECEMBER + 5, "");
    used(s, DECEMBER, 900);
    told(s, DECEMBER + 5, "50 80");
    told(s, DECEMBER + 5, "");
}

static void a_rolling_one_is_told_again_when_it_was_below(void **state)
{
    struct scene *s = *state;

    books_quota(s->books, "astro", "", "", 100);
    books_do(s->books, "UPDATE quotas SET period = 'rolling', days = 2");
    used(s, NOW, 60);
    told(s, NOW, "50");
    told(s, NOW + 3 * 900, "");
    told(s, NOW + DAY, "");
    told(s, NOW + 3 * DAY, "");
    used(s, NOW + 3 * DAY, 60);
    told(s, NOW + 3 * DAY, "50");
    told(s, NOW + 3 * DAY, "");
}

static void another_quota_with_its_number_is_told_anew(void **state)
{
    struct scene *s = *state;

    books_quota(s->books, "astro", "", "", 100);
    used(s, NOW, 60);
    told(s, NOW, "50");
    books_do(s->books, "DELETE FROM quotas");
    books_quota(s->books, "astro", "", "", 100);
    books_do(s->books, "UPDATE quotas SET since_s = 1795219300");
    told(s, NOW + 100, "50");
}

static void another_clusters_is_its_own(void **state)
{
    struct scene *s = *state;

    books_quota(s->books, "astro", "", "", 100);
    used(s, NOW, 60);
    books_do(s->books, "UPDATE quotas SET cluster = 'other'");
    told(s, NOW, "");
    books_do(s->books, "UPDATE quotas SET cluster = 'c'");
    told(s, NOW, "50");
}

static void the_event_says_all(void **state)
{
    struct scene *s = *state;
    json_t *events = json_array();
    char *text;

    books_quota(s->books, "astro", "alice", "main", 100);
    used(s, NOW, 60);
    assert_int_equal(look(s, NOW, events), 0);
    text = json_dumps(json_array_get(events, 0), JSON_COMPACT);
    assert_string_equal(
        text,
        "{\"event\":\"threshold\",\"percent\":50,\"budget\":{\"name\":\"user alice "
        "in account astro, class main\",\"account\":\"astro\",\"user\":\"alice\","
        "\"class\":\"main\",\"window\":{\"from_s\":1793491200,\"until_s\":"
        "1796083200},\"quota_mj\":100,\"used_mj\":60,\"available_mj\":40},"
        "\"cluster\":\"c\",\"time_s\":1795219217}");
    free(text);
    json_decref(events);
}

/* The events' names with their jobs, in their order. */
static void decided(struct scene *s, int64_t now_s, const char *expected)
{
    json_t *events = json_array(), *event;
    char text[128] = "";
    size_t i;

    assert_int_equal(threshold_decisions(s->books->ledger, "c", now_s, events), 0);
    json_array_foreach(events, i, event)
    {
        const char *job = json_string_value(json_object_get(event, "job_id"));
        size_t len = strlen(text);

        snprintf(text + len, sizeof text - len, "%s%s%s", i ? " " : "",
                 json_string_value(json_object_get(event, "event")), job ? job : "");
    }
    json_decref(events);
    assert_string_equal(text, expected);
}

static void decide(struct scene *s, const char *cluster, const char *action,
                   const char *job, int64_t at_s)
{
    assert_int_equal(ledger_do(s->books->ledger,
                               "INSERT INTO decisions (time_s, cluster, job_text, user,"
                               " account, partition, action, rule, why)"
                               " VALUES (?,?,?,'alice','astro','main',?,'','')",
                               "isss", at_s, cluster, job, action),
                     0);
}

static void what_is_done_to_jobs_is_told_once(void **state)
{
    struct scene *s = *state;

    decided(s, NOW, "");
    decide(s, "c", "hold", "1", NOW - 4000); /* no news any more */
    decide(s, "c", "hold", "2", NOW);
    decide(s, "c", "shadow-hold", "3", NOW);
    decide(s, "c", "kill", "4", NOW);
    decide(s, "other", "kill", "5", NOW);
    decide(s, "c", "hold", "6", NOW);
    decided(s, NOW, "held2 held6 ended4");
    decided(s, NOW, "");
    decide(s, "c", "kill", "7", NOW);
    decided(s, NOW + 1, "ended7");
    decided(s, NOW + 1, "");
}

static void the_breaker_is_told_each_time_it_trips(void **state)
{
    struct scene *s = *state;

    books_do(s->books, "INSERT INTO switches VALUES ('breaker','on',5,'kwotad','why')");
    decided(s, NOW, "breaker");
    decided(s, NOW, "");
    books_do(s->books, "UPDATE switches SET value = 'off', time_s = 6");
    decided(s, NOW, "");
    books_do(s->books, "UPDATE switches SET value = 'on', time_s = 7");
    decided(s, NOW, "breaker");
}

static void an_invalid_policy_is_told_once(void **state)
{
    struct scene *s = *state;
    json_t *valid = json_pack("{s:s s:n s:n}", "file", "f", "error", "error_s");
    json_t *wrong = json_pack("{s:s s:s s:i}", "file", "f", "error", "e", "error_s", 5);
    json_t *again = json_pack("{s:s s:s s:i}", "file", "f", "error", "e", "error_s", 6);
    json_t *events = json_array();
    struct ledger *ledger = s->books->ledger;

    assert_int_equal(threshold_policy(ledger, "c", valid, NOW, events), 0);
    assert_int_equal(json_array_size(events), 0);
    assert_int_equal(threshold_policy(ledger, "c", wrong, NOW, events), 0);
    assert_int_equal(threshold_policy(ledger, "c", wrong, NOW, events), 0);
    assert_int_equal(json_array_size(events), 1);
    assert_int_equal(threshold_policy(ledger, "c", again, NOW, events), 0);
    assert_int_equal(json_array_size(events), 2);
    json_decref(valid);
    json_decref(wrong);
    json_decref(again);
    json_decref(events);
}

#define SCENE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_share_is_passed_when_it_is_reached),
        SCENE(each_is_told_once_in_its_window),
        SCENE(a_rolling_one_is_told_again_when_it_was_below),
        SCENE(another_quota_with_its_number_is_told_anew),
        SCENE(another_clusters_is_its_own),
        SCENE(the_event_says_all),
        SCENE(what_is_done_to_jobs_is_told_once),
        SCENE(the_breaker_is_told_each_time_it_trips),
        SCENE(an_invalid_policy_is_told_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
