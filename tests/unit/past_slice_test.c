/* past_slice_test.c - how much time is asked of slurmdbd at once */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy/past_slice.h"

static void test_length_follows_the_rows(void **state)
{
    static const struct {
        int64_t length_s, rows, next_s;
    } cases[] = {
        {3600, 0, 7200},
        {3600, PAST_SLICE_FEW - 1, 7200},
        {3600, PAST_SLICE_FEW, 3600},
        {3600, PAST_SLICE_MANY, 3600},
        {3600, PAST_SLICE_MANY + 1, 1800},
        {PAST_SLICE_MOST_S, 0, PAST_SLICE_MOST_S},
        {PAST_SLICE_MOST_S - 1, 0, PAST_SLICE_MOST_S},
        {PAST_SLICE_LEAST_S + 1, 1000000, PAST_SLICE_LEAST_S},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(past_slice_next(cases[i].length_s, cases[i].rows),
                         cases[i].next_s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_length_follows_the_rows)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
