/* energy_test.c - amounts as people read them */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "policy/energy.h"

static void texts(void **state)
{
    static const struct {
        int64_t mj;
        const char *kwh6, *human, *joules;
    } table[] = {
        {0, "0.000000", "0 kWh", "0.000 J"},
        {1, "0.000000", "0.0000000 kWh", "0.001 J"},
        {4210, "0.000001", "0.0000012 kWh", "4.210 J"},
        {44280000, "0.012300", "0.0123 kWh", "44280 J"},
        {INT64_C(3600000000), "1.000000", "1.00 kWh", "3600000 J"},
        {INT64_C(44280000000), "12.300000", "12.3 kWh", "44280000 J"},
        {INT64_C(3600000000) * 12345, "12345.000000", "12345 kWh", "44442000000 J"},
        {-1800000, "-0.000500", "-0.000500 kWh", "-1800 J"},
        {ENERGY_UNKNOWN, "unknown", "unknown", "unknown"},
        {INT64_MAX, "2562047788.015216", "2562047788 kWh", "9223372036854776 J"},
    };
    char buf[ENERGY_TEXT];

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        assert_string_equal(energy_kwh(buf, sizeof buf, table[i].mj, 6), table[i].kwh6);
        assert_string_equal(energy_kwh_human(buf, sizeof buf, table[i].mj),
                            table[i].human);
        assert_string_equal(energy_joules(buf, sizeof buf, table[i].mj),
                            table[i].joules);
    }
}

static void sums(void **state)
{
    (void)state;
    assert_int_equal(energy_add(1, 2), 3);
    assert_int_equal(energy_add(ENERGY_UNKNOWN, 2), 2);
    assert_int_equal(energy_add(2, ENERGY_UNKNOWN), 2);
    assert_true(energy_add(ENERGY_UNKNOWN, ENERGY_UNKNOWN) == ENERGY_UNKNOWN);
    assert_int_equal(energy_add(INT64_MAX, 1), INT64_MAX);
}

static void powers(void **state)
{
    char buf[ENERGY_TEXT];

    (void)state;
    assert_int_equal(energy_mean_mw(90000, 1000), 90000);
    assert_int_equal(energy_mean_mw(INT64_MAX, 1), INT64_MAX);
    assert_true(energy_mean_mw(5, 0) == ENERGY_UNKNOWN);
    assert_true(energy_mean_mw(ENERGY_UNKNOWN, 5) == ENERGY_UNKNOWN);
    assert_string_equal(energy_watts(buf, sizeof buf, 85249), "85.2 W");
    assert_string_equal(energy_watts(buf, sizeof buf, ENERGY_UNKNOWN), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts),
        cmocka_unit_test(sums),
        cmocka_unit_test(powers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
