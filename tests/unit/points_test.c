/* points_test.c - energy over time in its bins, all of it */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "policy/energy.h"
#include "policy/points.h"

#define BINS_MOST 200

static struct kinds bins[BINS_MOST];

static void clear(void)
{
    for (int i = 0; i < BINS_MOST; i++)
        kinds_clear(&bins[i]);
}

static struct point point(int64_t from_ms, int64_t to_ms, int64_t cpu_mj)
{
    struct point p = {.from_ms = from_ms, .to_ms = to_ms};

    kinds_clear(&p.used);
    p.used.mj[KIND_CPU] = cpu_mj;
    return p;
}

static void by_hand(void **state)
{
    static const struct {
        int64_t from_ms, to_ms, mj;
        int64_t bins[4]; /* of [1000, 2000) in four */
    } table[] = {
        {1000, 2000, 100, {25, 25, 25, 25}},
        {1000, 1250, 100, {100, ENERGY_UNKNOWN, ENERGY_UNKNOWN, ENERGY_UNKNOWN}},
        {1125, 1375, 101, {50, 51, ENERGY_UNKNOWN, ENERGY_UNKNOWN}},
        {1750, 2000, 0, {ENERGY_UNKNOWN, ENERGY_UNKNOWN, ENERGY_UNKNOWN, 0}},
        {1999, 2000, 7, {ENERGY_UNKNOWN, ENERGY_UNKNOWN, ENERGY_UNKNOWN, 7}},
        {1000, 2000, 1, {0, 0, 0, 1}},
    };
    const struct points_window window = {1000, 2000, 4};

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct point p = point(table[i].from_ms, table[i].to_ms, table[i].mj);

        clear();
        points_spread(&window, bins, &p);
        for (int b = 0; b < 4; b++) {
            assert_int_equal(bins[b].mj[KIND_CPU], table[i].bins[b]);
            assert_int_equal(bins[b].mj[KIND_GPU], ENERGY_UNKNOWN);
        }
    }
}

static void nodes_add_up(void **state)
{
    const struct points_window window = {0, 100, 2};
    struct point a = point(0, 50, 10), b = point(0, 100, 20);

    (void)state;
    clear();
    b.used.mj[KIND_DRAM] = 4;
    points_spread(&window, bins, &a);
    points_spread(&window, bins, &b);
    assert_int_equal(bins[0].mj[KIND_CPU], 20);
    assert_int_equal(bins[1].mj[KIND_CPU], 10);
    assert_int_equal(bins[0].mj[KIND_DRAM], 2);
}

static void nothing_is_lost(void **state)
{
    (void)state;
    srandom(5);
    for (int n = 0; n < 20000; n++) {
        struct points_window window = {.start_ms = random() % 1000000000,
                                       .count = 1 + (int)(random() % BINS_MOST)};
        int64_t span = 1 + random() % (n % 2 ? 300 : 100000000), sum = 0;
        int64_t from = random() % span, mj = ((int64_t)random() << 20) % 1000000000000;
        struct point p =
            point(window.start_ms + from,
                  window.start_ms + from + 1 + random() % (span - from), mj);

        window.end_ms = window.start_ms + span;
        clear();
        points_spread(&window, bins, &p);
        for (int i = 0; i < BINS_MOST; i++) {
            if (bins[i].mj[KIND_CPU] == ENERGY_UNKNOWN)
                continue;
            assert_true(i < window.count && bins[i].mj[KIND_CPU] >= 0);
            sum += bins[i].mj[KIND_CPU];
        }
        assert_int_equal(sum, mj);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_hand),
        cmocka_unit_test(nodes_add_up),
        cmocka_unit_test(nothing_is_lost),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
