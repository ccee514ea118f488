/* running_test.c - running runs with their power now */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "policy/energy.h"
#include "policy/running.h"
#include "tests/unit/quota_books.h"

#define NOW_MS (NOW * 1000)
#define REPORT_MS 10000

bool access_to_run(const struct access_rights *rights, const char *user,
                   const char *account)
{
    (void)account;
    return strcmp(rights->user, user) == 0;
}

struct scene {
    struct books *books;
    struct running *running;
    struct access_rights operator, alice;
};

static int setup(void **state)
{
    static struct scene scene;
    void *books;

    if (books_open(&books) < 0)
        return -1;
    memset(&scene, 0, sizeof scene);
    scene.books = books;
    scene.operator.sees_all = true;
    snprintf(scene.alice.user, sizeof scene.alice.user, "alice");
    scene.running = running_new(scene.books->ledger, REPORT_MS);
    *state = &scene;
    return scene.running ? 0 : -1;
}

static int teardown(void **state)
{
    struct scene *scene = *state;
    void *books = scene->books;

    running_free(scene->running);
    return books_close(&books);
}

/* A run's token on a node, and what its last report said: so many mJ in so many ms, up
 * to so long ago. */
static void node(struct scene *s, int64_t run, const char *name, int64_t mj, int64_t ms,
                 int64_t ago_ms)
{
    struct ledger *ledger = s->books->ledger;
    char token[32];

    snprintf(token, sizeof token, "%s-%d", name, (int)run);
    assert_int_equal(ledger_do(ledger,
                               "INSERT INTO tokens (token, run_id, node, job_id,"
                               " start_ms, last_ms, final, cpu_ns, reasons, simulated)"
                               " VALUES (?,?,?,?,0,0,0,0,'[]',1)",
                               "sisi", token, run, name, run),
                     0);
    /* An older one, of which nothing is to be seen. */
    assert_int_equal(ledger_do(ledger,
                               "INSERT INTO run_points VALUES"
                               " (?1, ?2 - 10000, ?2, 1000000, NULL, NULL, NULL)",
                               "si", token, NOW_MS - ago_ms - ms),
                     0);
    assert_int_equal(ledger_do(ledger,
                               "INSERT INTO run_points VALUES (?,?,?,?,?,NULL,NULL)",
                               "siiuu", token, NOW_MS - ago_ms - ms, NOW_MS - ago_ms,
                               mj, mj == ENERGY_UNKNOWN ? mj : INT64_C(0)),
                     0);
}

static json_t *answer(struct scene *s, const struct access_rights *rights,
                      const struct running_filter *filter, int64_t at_ms)
{
    unsigned status;
    json_t *reply = running_answer(s->running, rights, filter, at_ms, &status);

    assert_int_equal(status, 200);
    return reply;
}

static int64_t number(const json_t *object, const char *key)
{
    assert_true(json_is_integer(json_object_get(object, key)));
    return json_integer_value(json_object_get(object, key));
}

static const json_t *run_at(const json_t *reply, size_t i, const char *job)
{
    const json_t *run = json_array_get(json_object_get(reply, "runs"), i);

    assert_string_equal(json_string_value(json_object_get(run, "job_id")), job);
    return run;
}

static void fill(struct scene *s)
{
    assert_int_equal(ledger_begin(s->books->ledger), 0);
    books_run(s->books, 1, "c", "astro", "alice", "gpu", "running");
    books_run(s->books, 2, "c", "astro", "bob", "main", "running");
    books_run(s->books, 3, "c", "bio", "bob", "main", "running");
    books_run(s->books, 4, "c", "bio", "bob", "main", "running");
    books_run(s->books, 5, "c", "bio", "bob", "main", "ended");
    books_lien(s->books, 1, 3600000, NOW - 100, NOW + 900);
    node(s, 1, "a", 1000000, 10000, 2000);  /* 100 W */
    node(s, 1, "b", 500000, 10000, 5000);   /* 50 W */
    node(s, 2, "a", 2000000, 10000, 1000);  /* 200 W */
    node(s, 2, "b", 9000000, 10000, 30001); /* too long ago */
    node(s, 3, "a", ENERGY_UNKNOWN, 10000, 1000);
    node(s, 4, "a", 100, 499, 1000); /* too short to say */
    node(s, 5, "a", 9000000, 10000, 1000);
    books_do(s->books, "UPDATE used SET mj = 7000, last_ms = 1 WHERE run_id = 1");
    books_do(s->books, "INSERT INTO caps VALUES (1, 250000, NULL, 50, 'rule 7')");
    assert_int_equal(ledger_commit(s->books->ledger), 0);
}

static void power_is_of_the_last_reports(void **state)
{
    struct scene *s = *state;
    struct running_filter all = {0};
    const json_t *run;
    json_t *reply;

    fill(s);
    reply = answer(s, &s->operator, & all, NOW_MS);
    assert_int_equal(number(reply, "count"), 4);
    assert_int_equal(number(reply, "measured"), 2);
    assert_int_equal(number(reply, "mw"), 350000);
    assert_true(json_is_true(json_object_get(reply, "simulated")));
    run = run_at(reply, 0, "2");
    assert_int_equal(number(run, "mw"), 200000);
    assert_int_equal(number(run, "nodes_known"), 1);
    assert_true(json_is_null(json_object_get(run, "lien_mj")));
    assert_true(json_is_null(json_object_get(run, "used_mj")));
    run = run_at(reply, 1, "1");
    assert_int_equal(number(run, "mw"), 150000);
    assert_int_equal(number(run, "nodes_known"), 2);
    assert_int_equal(number(run, "lien_mj"), 3600000);
    assert_int_equal(number(run, "used_mj"), 7000);
    assert_int_equal(number(run, "until"), NOW + 900);
    assert_int_equal(number(json_object_get(run, "cap"), "gpu_mw"), 250000);
    assert_int_equal(number(json_object_get(run, "cap"), "cpu_percent"), 50);
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(run, "cap"), "why")),
        "rule 7");
    assert_true(json_is_null(json_object_get(run_at(reply, 2, "3"), "cap")));
    assert_true(json_is_null(json_object_get(run_at(reply, 2, "3"), "mw")));
    assert_true(json_is_null(json_object_get(run_at(reply, 3, "4"), "mw")));
    json_decref(reply);
}

static void everybody_sees_their_own(void **state)
{
    struct scene *s = *state;
    struct running_filter all = {0};
    json_t *reply;

    fill(s);
    reply = answer(s, &s->alice, &all, NOW_MS);
    assert_int_equal(number(reply, "count"), 1);
    assert_int_equal(number(reply, "mw"), 150000);
    run_at(reply, 0, "1");
    json_decref(reply);
}

static void filters_choose(void **state)
{
    static const struct {
        struct running_filter filter;
        int count, rows;
    } table[] = {
        {{.user = "bob"}, 3, 3},      {{.user = "bob", .account = "bio"}, 2, 2},
        {{.partition = "gpu"}, 1, 1}, {{.partition = "none"}, 0, 0},
        {{.most = 2}, 4, 2},
    };
    struct scene *s = *state;

    fill(s);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        json_t *reply = answer(s, &s->operator, & table[i].filter, NOW_MS);

        assert_int_equal(number(reply, "count"), table[i].count);
        assert_int_equal(json_array_size(json_object_get(reply, "runs")),
                         table[i].rows);
        json_decref(reply);
    }
}

/* However many ask, the ledger is asked once a second. */
static void an_answer_is_as_good_as_new_for_a_second(void **state)
{
    static const struct {
        int64_t after_ms;
        int count;
    } table[] = {{999, 4}, {1000, 5}, {1500, 5}, {-5000, 5}};
    struct scene *s = *state;
    struct running_filter all = {0};

    fill(s);
    json_decref(answer(s, &s->operator, & all, NOW_MS));
    assert_int_equal(ledger_begin(s->books->ledger), 0);
    books_run(s->books, 6, "c", "bio", "bob", "main", "running");
    assert_int_equal(ledger_commit(s->books->ledger), 0);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        json_t *reply = answer(s, &s->operator, & all, NOW_MS + table[i].after_ms);

        assert_int_equal(number(reply, "count"), table[i].count);
        json_decref(reply);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(power_is_of_the_last_reports, setup, teardown),
        cmocka_unit_test_setup_teardown(everybody_sees_their_own, setup, teardown),
        cmocka_unit_test_setup_teardown(filters_choose, setup, teardown),
        cmocka_unit_test_setup_teardown(an_answer_is_as_good_as_new_for_a_second, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
