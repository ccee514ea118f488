/* power_test.c - energy by quarter-hour: whose, and that all of it is there */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "policy/person.h"
#include "policy/power.h"
#include "tests/unit/quota_books.h"

#define Q0 (NOVEMBER + 19 * DAY)
#define Q1 (Q0 + 900)
#define Q2 (Q0 + 1800)

bool access_to_run(const struct access_rights *rights, const char *user,
                   const char *account)
{
    (void)account;
    return strcmp(rights->user, user) == 0;
}

json_t *person_error(const char *sentence)
{
    return json_pack("{s:s}", "error", sentence);
}

static const struct access_rights olga = {.user = "olga", .sees_all = true};
static const struct access_rights alice = {.user = "alice"};
static const struct access_rights dora = {.user = "dora", /* coordinates */
                                          .accounts = {"astro"},
                                          .account_count = 1};
static const struct access_rights nobody = {.user = "nobody"};

static int fill(void **state)
{
    struct books *b;

    if (books_open(state) < 0)
        return -1;
    b = *state;
    books_do(b, "INSERT INTO cluster_quarters (quarter_s, cluster, kind,"
                " total_mj, jobs_mj, node_mj) VALUES"
                " (1795132800, 'c', 'package', 1000, 700, 300),"
                " (1795132800, 'c', 'gpu', 500, 400, 100),"
                " (1795132800, 'other', 'gpu', 9, 9, 0),"
                " (1795134600, 'c', 'package', 2000, 0, 2000)");
    books_rollup(b, Q0, "c", "astro", "alice", "main", 4000, 0);
    books_rollup(b, Q0, "c", "bio", "alice", "main", 200, 0);
    books_rollup(b, Q0, "c", "astro", "bob", "main", 800, 0);
    books_rollup(b, Q0, "c", "astro", "dora", "main", 12, 0);
    books_rollup(b, Q0, "other", "astro", "alice", "main", 44444, 0);
    /* One that runs, of which a part is posted already. */
    books_run(b, 1, "c", "astro", "alice", "main", "running");
    books_quarter(b, 1, Q1, "package", 5000, 0);
    books_quarter(b, 1, Q1, "gpu", 300, 100);
    books_quarter(b, 1, Q2, "gpu", 7, 7);
    return Q0 == 1795132800 ? 0 : -1;
}

struct quarter {
    int64_t s, total, jobs, node; /* -1: null */
};

static int64_t amount(const json_t *row, const char *key)
{
    const json_t *value = json_object_get(row, key);

    assert_true(json_is_null(value) || json_is_integer(value));
    return json_is_null(value) ? -1 : json_integer_value(value);
}

static void everyone_sees_what_they_may(void **state)
{
    static const struct {
        const struct access_rights *who;
        const char *of;
        int count;
        struct quarter quarters[2];
    } table[] = {
        {&olga, "cluster", 2, {{Q0, 1500, 1100, 400}, {Q2, 2000, 0, 2000}}},
        {&alice, "jobs", 2, {{Q0, -1, 4200, -1}, {Q1, -1, 5200, -1}}},
        {&dora, "jobs", 2, {{Q0, -1, 4812, -1}, {Q1, -1, 5200, -1}}},
        {&nobody, "jobs", 0, {{0}}},
    };
    struct books *b = *state;

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        unsigned status;
        json_t *reply =
            power_answer(b->ledger, table[i].who, "c", Q0, Q0 + DAY, &status);
        const json_t *list = json_object_get(reply, "quarters");

        assert_int_equal(status, 200);
        assert_string_equal(json_string_value(json_object_get(reply, "of")),
                            table[i].of);
        assert_int_equal(json_array_size(list), table[i].count);
        for (int q = 0; q < table[i].count; q++) {
            const json_t *row = json_array_get(list, (size_t)q);
            const struct quarter *wanted = &table[i].quarters[q];

            assert_int_equal(amount(row, "quarter_s"), wanted->s);
            assert_int_equal(amount(row, "total_mj"), wanted->total);
            assert_int_equal(amount(row, "jobs_mj"), wanted->jobs);
            assert_int_equal(amount(row, "node_mj"), wanted->node);
        }
        json_decref(reply);
    }
}

static void only_the_time_asked_for(void **state)
{
    struct books *b = *state;
    unsigned status;
    json_t *reply = power_answer(b->ledger, &alice, "c", Q1, Q2, &status);

    assert_int_equal(json_array_size(json_object_get(reply, "quarters")), 1);
    json_decref(reply);
}

static void a_time_that_is_none_is_refused(void **state)
{
    static const int64_t table[][2] = {
        {0, 0}, {Q1, Q0}, {Q0, Q0 + 8 * DAY}, {0, INT64_MAX}};
    struct books *b = *state;

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        unsigned status;
        json_t *reply =
            power_answer(b->ledger, &olga, "c", table[i][0], table[i][1], &status);

        assert_int_equal(status, 400);
        json_decref(reply);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(everyone_sees_what_they_may, fill, books_close),
        cmocka_unit_test_setup_teardown(only_the_time_asked_for, fill, books_close),
        cmocka_unit_test_setup_teardown(a_time_that_is_none_is_refused, fill,
                                        books_close),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
