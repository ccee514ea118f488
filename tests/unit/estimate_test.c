/* estimate_test.c - watts, joules and licences of a job, to the last one */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "policy/estimate.h"

#define MOST INT64_MAX
#define COUNT(table) (sizeof(table) / sizeof *(table))

static void power_is_the_sum_of_the_parts(void **state)
{
    static const struct {
        struct nameplate nameplate;
        struct shape shape;
        int64_t mw;
    } cases[] = {
        {{0, 0, 0}, {4, 64, 8, 60}, 0},
        {{100000, 0, 0}, {4, 64, 8, 60}, 400000},
        {{0, 3000, 0}, {4, 64, 8, 60}, 192000},
        {{0, 0, 400000}, {4, 64, 8, 60}, 3200000},
        {{100000, 3000, 400000}, {4, 64, 8, 60}, 3792000},
        {{1, 1, 1}, {1, 0, 0, 60}, 1},
        /* What cannot be is not a discount. */
        {{-100000, 3000, 0}, {4, 64, 0, 60}, 192000},
        {{100000, 3000, 0}, {1, -64, 0, 60}, 100000},
        /* Each product, and their sum. */
        {{MOST, 0, 0}, {1, 0, 0, 60}, MOST},
        {{MOST, 0, 0}, {2, 0, 0, 60}, MOST},
        {{MOST, MOST, MOST}, {MOST, MOST, MOST, 60}, MOST},
        {{MOST - 1, 1, 0}, {1, 1, 0, 60}, MOST},
        {{MOST - 1, 1, 1}, {1, 1, 1, 60}, MOST},
        {{MOST - 2, 1, 0}, {1, 1, 0, 60}, MOST - 1},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_int_equal(estimate_mw(&cases[i].nameplate, &cases[i].shape),
                         cases[i].mw);
}

static void energy_is_rounded_up(void **state)
{
    static const struct {
        int64_t mw, limit_s, factor, mj;
    } cases[] = {
        {1000, 60, 100, 60000},
        {1000, 60, 150, 90000},
        {1000, 60, 50, 30000},
        {1, 1, 100, 1},
        {1, 1, 1, 1}, /* 0.01 mJ */
        {1, 1, 101, 2},
        {1, 1, 199, 2},
        {1, 1, 200, 2},
        {0, 60, 100, 0},
        {1000, 0, 100, 0},
        {1000, 60, 0, 0},
        {-5, 60, 100, 0},
        {1000, -60, 100, 0},
        {1000, 60, -100, 0},
        {MOST, 1, 100, MOST},
        {MOST, 2, 100, MOST},
        {MOST, MOST, MOST, MOST},
        {MOST - 1, 1, 100, MOST - 1},
        {MOST - 1, 1, 101, MOST},
        {MOST, 1, 50, MOST},
        {INT64_C(1000000000), INT64_C(9000000000), 100, INT64_C(9000000000000000000)},
        {INT64_C(1000000000), INT64_C(10000000000), 100, MOST},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_int_equal(estimate_mj(cases[i].mw, cases[i].limit_s, cases[i].factor),
                         cases[i].mj);
}

static void licences_are_whole_multiples(void **state)
{
    static const struct {
        int64_t mj, round_wh, wh;
    } cases[] = {
        {0, 1, 1},
        {1, 1, 1},
        {ESTIMATE_MJ_PER_WH, 1, 1},
        {ESTIMATE_MJ_PER_WH + 1, 1, 2},
        {2 * ESTIMATE_MJ_PER_WH - 1, 1, 2},
        {ESTIMATE_MJ_PER_WH, 10, 10},
        {10 * ESTIMATE_MJ_PER_WH, 10, 10},
        {10 * ESTIMATE_MJ_PER_WH + 1, 10, 20},
        {0, 10, 10},
        {-1, 10, 10},
        {ESTIMATE_MJ_PER_WH, 0, 1},
        {ESTIMATE_MJ_PER_WH, -7, 1},
        {2000000000 * ESTIMATE_MJ_PER_WH, 1, 2000000000},
        {2000000000 * ESTIMATE_MJ_PER_WH + 1, 1, 2000000000},
        {1999999999 * ESTIMATE_MJ_PER_WH, 7, 2000000000},
        {MOST, 1, 2000000000},
        {MOST, MOST, 2000000000},
        {1, MOST, 2000000000},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_int_equal(estimate_wh(cases[i].mj, cases[i].round_wh), cases[i].wh);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(power_is_the_sum_of_the_parts),
        cmocka_unit_test(energy_is_rounded_up),
        cmocka_unit_test(licences_are_whole_multiples),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
