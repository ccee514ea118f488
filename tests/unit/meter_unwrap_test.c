/* meter_unwrap_test.c - wraps, resets, and what cannot be known */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "plugin/meter/unwrap.h"

#define S INT64_C(1000000000)
#define RANGE INT64_C(262143328850)

static void steps(void **state)
{
    static const struct {
        int64_t before, now, unseen_ns;
        enum unwrap_result result;
        int64_t delta;
    } table[] = {
        {0, 0, 10 * S, UNWRAP_MOVED, 0},
        {1000, 151000000, 10 * S, UNWRAP_MOVED, 150999000},
        {RANGE - 10, 5, 10 * S, UNWRAP_MOVED, 15},
        /* 410 W for 640 s is a whole range: it may have gone round twice */
        {0, 5, 640 * S, UNWRAP_AMBIGUOUS, 0},
        {0, 5, 630 * S, UNWRAP_MOVED, 5},
        /* back to 0 without a wrap: no zone of 410 W makes 262 kJ in 10 s */
        {100000000000, 0, 10 * S, UNWRAP_RESET, 0},
        /* forward by more than it can draw */
        {0, 100000000000, 10 * S, UNWRAP_RESET, 0},
        /* within a millisecond, what a late counter shows of the time before */
        {0, 40000000, S / 1000, UNWRAP_MOVED, 40000000},
    };

    const struct unwrap_counter counter = {RANGE, 410000};

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        int64_t delta;

        assert_int_equal(unwrap_step(&counter, table[i].before, table[i].now,
                                     table[i].unseen_ns, table[i].unseen_ns, &delta),
                         table[i].result);
        assert_int_equal(delta, table[i].delta);
    }
}

/* Looked at every ten seconds it has not gone round, however long it stood still. */
static void standing_still_is_not_going_round(void **state)
{
    const struct unwrap_counter counter = {RANGE, 410000}, endless = {0, 410000};
    int64_t delta;

    (void)state;
    assert_int_equal(unwrap_step(&counter, 7, 9, 10 * S, 5000 * S, &delta),
                     UNWRAP_MOVED);
    assert_int_equal(delta, 2);
    assert_int_equal(unwrap_step(&endless, 7, 9, 5000 * S, 5000 * S, &delta),
                     UNWRAP_MOVED);
    assert_int_equal(unwrap_step(&endless, 9, 7, S, S, &delta), UNWRAP_RESET);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps), cmocka_unit_test(standing_still_is_not_going_round)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
