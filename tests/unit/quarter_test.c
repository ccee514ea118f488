/* quarter_test.c - energy in its quarter-hours, all of it */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "policy/quarter.h"

struct taken {
    int count;
    int64_t first_s, last_s, sum, least;
};

static void take(int64_t quarter_s, int64_t mj, void *arg)
{
    struct taken *t = arg;

    assert_int_equal(quarter_s % QUARTER_S, 0);
    if (t->count++ == 0)
        t->first_s = quarter_s;
    else
        assert_int_equal(quarter_s, t->last_s + QUARTER_S);
    t->last_s = quarter_s;
    t->sum += mj;
    if (mj < t->least)
        t->least = mj;
}

static void by_hand(void **state)
{
    static const struct {
        int64_t mj, from_ms, to_ms;
        int count;
        int64_t first_s;
    } table[] = {
        {100, 0, 899999, 1, 0},           {100, 0, 900000, 1, 0},
        {100, 450000, 1350000, 2, 0},     {100, 0, 3600001, 5, 0},
        {100, 1800000, 1800000, 1, 1800}, {100, 1900000, 1800000, 1, 1800},
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct taken t = {0};

        quarter_split(table[i].mj, table[i].from_ms, table[i].to_ms, take, &t);
        assert_int_equal(t.sum, table[i].mj);
        assert_int_equal(t.count, table[i].count);
        assert_int_equal(t.first_s, table[i].first_s);
    }
}

static void parts_always_add_up(void **state)
{
    (void)state;
    srandom(3);
    for (int n = 0; n < 100000; n++) {
        struct taken t = {0};
        int64_t mj = ((int64_t)random() << 20) % 1000000000000,
                from = random() % 10000000;

        quarter_split(mj, from, from + random() % 20000000, take, &t);
        assert_int_equal(t.sum, mj);
        assert_true(t.least >= 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_hand),
        cmocka_unit_test(parts_always_add_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
