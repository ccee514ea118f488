/* meter_attribution_test.c - dividing by hand-made figures, and a million random cases
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "plugin/meter/attribution.h"

struct division_case {
    int64_t delta_uj, idle_uj, cpus, own_ns;
    int count;
    struct attribution_part shares[3]; /* uj: what is expected */
    int64_t node_uj;
};

static void figures_by_hand(void **state)
{
    static const struct division_case table[] = {
        /* nobody: all of it is the node's */
        {100, 60, 4, 0, 0, {{0}}, 100},
        /* a sleeping job pays for the quarter it holds */
        {100, 100, 4, 0, 1, {{1, 0, 25}}, 75},
        /* all that is dynamic goes to the only one that used CPU time */
        {100, 60, 4, 0, 2, {{1, 5, 55}, {1, 0, 15}}, 30},
        /* daemons that used as much share it */
        {100, 0, 4, 5, 1, {{1, 5, 50}}, 50},
        /* no CPU time at all: the rest is the node's */
        {100, 40, 4, 0, 1, {{4, 0, 40}}, 60},
        /* a microjoule that cannot be divided goes to the first of equals */
        {1, 1, 2, 0, 2, {{1, 0, 1}, {1, 0, 0}}, 0},
        /* more CPUs held than there are: no node part of idle, and nothing negative */
        {90, 90, 2, 0, 3, {{1, 0, 30}, {1, 0, 30}, {1, 0, 30}}, 0},
        /* nothing moved */
        {0, 0, 4, 7, 1, {{1, 5, 0}}, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct attribution_part shares[3];

        for (int j = 0; j < 3; j++)
            shares[j] = table[i].shares[j];
        assert_int_equal(attribution_divide(table[i].delta_uj, table[i].idle_uj,
                                            table[i].cpus, table[i].own_ns, shares,
                                            table[i].count),
                         table[i].node_uj);
        for (int j = 0; j < table[i].count; j++)
            assert_int_equal(shares[j].uj, table[i].shares[j].uj);
    }
}

static int64_t any(int64_t below)
{
    return (((int64_t)random() << 31) | random()) % below;
}

static void parts_always_add_up(void **state)
{
    (void)state;
    srandom(20261121);
    for (int n = 0; n < 1000000; n++) {
        struct attribution_part shares[6];
        int count = (int)any(7);
        int64_t delta = any(n % 2 ? 1000 : INT64_C(300000000000)), sum;

        for (int i = 0; i < count; i++)
            shares[i] = (struct attribution_part){any(9) - 1,
                                                  any(n % 3 ? 5 : 1000000000000), 0};
        sum = attribution_divide(delta, any(delta + 1), any(16),
                                 any(3) ? any(1000000000) : 0, shares, count);
        assert_true(sum >= 0);
        for (int i = 0; i < count; i++) {
            assert_true(shares[i].uj >= 0);
            sum += shares[i].uj;
        }
        assert_int_equal(sum, delta);
    }
}

/* By the definition: floors, and what is left over to the largest remainders, one by
 * one, the first of equals first. The weight after the last is the node's. */
static void divide_by_definition(int64_t amount, const int64_t *weights, int count,
                                 int64_t *parts)
{
    int64_t total = 0, left = amount, remainders[300];

    for (int i = 0; i < count; i++)
        total += weights[i];
    for (int i = 0; i < count; i++) {
        parts[i] = amount * weights[i] / total;
        remainders[i] = amount * weights[i] % total;
        left -= parts[i];
    }
    for (; left > 0; left--) {
        int largest = 0;

        for (int i = 1; i < count; i++)
            if (remainders[i] > remainders[largest])
                largest = i;
        parts[largest]++;
        remainders[largest] = -1;
    }
}

static void the_rest_goes_to_the_largest_remainders(void **state)
{
    (void)state;
    srandom(20261122);
    for (int n = 0; n < 20000; n++) {
        struct attribution_part jobs[ATTRIBUTION_MAX];
        int64_t weights[ATTRIBUTION_MAX + 1], parts[ATTRIBUTION_MAX + 1];
        int count = 1 + (int)any(n % 50 ? 60 : ATTRIBUTION_MAX);
        int64_t delta = any(1000000), kinds = 1 + any(n % 3 ? 4 : 1000);

        for (int i = 0; i <= count; i++)
            weights[i] = 1 + any(kinds);
        for (int i = 0; i < count; i++)
            jobs[i] = (struct attribution_part){.used = weights[i]};
        divide_by_definition(delta, weights, count + 1, parts);
        assert_int_equal(attribution_divide(delta, 0, 1, weights[count], jobs, count),
                         parts[count]);
        for (int i = 0; i < count; i++)
            assert_int_equal(jobs[i].uj, parts[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_by_hand),
        cmocka_unit_test(parts_always_add_up),
        cmocka_unit_test(the_rest_goes_to_the_largest_remainders),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
