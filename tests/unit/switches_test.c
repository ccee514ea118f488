/* switches_test.c - freeze, and the breaker that trips by itself */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "policy/switches.h"
#include "tests/unit/policy_file.h"
#include "tests/unit/quota_books.h"

struct scene {
    struct books *books;
    struct policy_files files;
    struct policy *policy; /* at most 3 holds and 2 kills a minute */
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
        policy_files_write(&scene.files, "k",
                           "{\"version\":1,\"limits\":{\"breaker\":"
                           "{\"holds_per_minute\":3,\"kills_per_minute\":2}}}"),
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

static void decide(struct scene *s, const char *action, int times, int64_t at_s)
{
    for (int i = 0; i < times; i++)
        assert_int_equal(
            ledger_do(s->books->ledger,
                      "INSERT INTO decisions (time_s, cluster, job_text, user,"
                      " account, partition, action, rule, why)"
                      " VALUES (?,'c','1','alice','astro','main',?,'','')",
                      "is", at_s, action),
            0);
}

static void switches_are(struct scene *s, bool frozen, bool tripped, const char *why)
{
    struct switches switches;

    switches_read(s->books->ledger, &switches);
    assert_int_equal(switches.frozen, frozen);
    assert_int_equal(switches.tripped, tripped);
    assert_string_equal(switches.why, why);
}

static int put(struct scene *s, const char *name, bool on, const char *why)
{
    return switches_set(s->books->ledger, name, on, NOW, "root", why);
}

static void an_operator_freezes_and_thaws(void **state)
{
    struct scene *s = *state;

    switches_are(s, false, false, "");
    assert_int_equal(put(s, "freeze", true, "maintenance"), 0);
    switches_are(s, true, false, "maintenance");
    assert_int_equal(put(s, "breaker", true, "too many"), 0);
    /* An operator's word goes before the breaker's. */
    switches_are(s, true, true, "maintenance");
    assert_int_equal(put(s, "freeze", false, "done"), 0);
    switches_are(s, false, true, "too many");
    assert_int_equal(put(s, "breaker", false, "seen to"), 0);
    switches_are(s, false, false, "");
}

/* Decisions so many seconds before it is watched. */
static void the_breaker_trips_at_a_rate(void **state)
{
    static const struct {
        const char *action;
        int times, seconds_ago, trips;
    } table[] = {
        {"hold", 3, 0, 0},         {"hold", 4, 0, 1},         {"hold", 4, 59, 1},
        {"hold", 4, 60, 0},        {"kill", 2, 0, 0},         {"kill", 3, 0, 1},
        {"kill", 3, 61, 0},        {"shadow-hold", 40, 0, 0}, {"shadow-kill", 40, 0, 0},
        {"shadow-wait", 40, 0, 0}, {"warn", 40, 0, 0},        {"release", 40, 0, 0},
    };
    struct scene *s = *state;

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        books_do(s->books, "DELETE FROM decisions");
        books_do(s->books, "DELETE FROM switches");
        decide(s, table[i].action, table[i].times, NOW - table[i].seconds_ago);
        assert_int_equal(switches_watch(s->books->ledger, s->policy, NOW),
                         table[i].trips);
        if (table[i].trips && table[i].action[0] == 'h')
            switches_are(s, false, true,
                         "4 holds and 0 kills in a minute; limits.breaker allows 3 "
                         "and 2");
        else
            assert_int_equal(table[i].trips,
                             ledger_number(s->books->ledger, 0,
                                           "SELECT COUNT(*) FROM switches", ""));
    }
}

static void holds_and_kills_are_counted_apart(void **state)
{
    struct scene *s = *state;

    decide(s, "hold", 3, NOW);
    decide(s, "kill", 2, NOW);
    assert_int_equal(switches_watch(s->books->ledger, s->policy, NOW), 0);
}

/* It trips once, and after a reset only for what came since. */
static void a_reset_breaker_forgets(void **state)
{
    struct scene *s = *state;

    decide(s, "kill", 3, NOW - 10);
    assert_int_equal(switches_watch(s->books->ledger, s->policy, NOW), 1);
    decide(s, "kill", 3, NOW);
    assert_int_equal(switches_watch(s->books->ledger, s->policy, NOW), 0);
    assert_int_equal(put(s, "breaker", false, "seen to"), 0);
    assert_int_equal(switches_watch(s->books->ledger, s->policy, NOW + 1), 0);
    switches_are(s, false, false, "");
    decide(s, "kill", 3, NOW + 1);
    assert_int_equal(switches_watch(s->books->ledger, s->policy, NOW + 2), 1);
}

#define SCENE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE(an_operator_freezes_and_thaws),
        SCENE(the_breaker_trips_at_a_rate),
        SCENE(holds_and_kills_are_counted_apart),
        SCENE(a_reset_breaker_forgets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
