/* amount_test.c - amounts of energy as people write them, exactly */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "policy/amount.h"

static void taken(void **state)
{
    static const struct {
        const char *text;
        int64_t mj;
    } table[] = {
        {"1000kWh", INT64_C(3600000000000)},
        {"1.5MWh", INT64_C(5400000000000)},
        {"250Wh", INT64_C(900000000)},
        {"3600000J", INT64_C(3600000000)},
        {"0kWh", 0},
        {"-0J", 0},
        {" 12.25 kWh", INT64_C(44100000000)},
        {"+1J", 1000},
        {"0.001J", 1},
        {"4.210J", 4210},
        {"2kJ", 2000000},
        {"3MJ", INT64_C(3000000000)},
        {"1GJ", INT64_C(1000000000000)},
        {"1000GWh", AMOUNT_MOST_MJ},
        {"000000000000000000000000000000000001J", 1000},
        {"0.0000000005kWh", -1},
        {"0.000000000000005GWh", 18},
        {"1.00000000000000000000000000000000000J", 1000},
    };
    char why[AMOUNT_WHY];

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        int64_t mj = -1;

        assert_int_equal(amount_parse(table[i].text, false, &mj, why),
                         table[i].mj < 0 ? -1 : 0);
        if (table[i].mj >= 0)
            assert_true(mj == table[i].mj);
    }
}

static void refused(void **state)
{
    static const struct {
        const char *text, *says;
    } table[] = {
        {"", "is no amount"},
        {"kWh", "is no amount"},
        {"nan", "is no amount"},
        {"NaNkWh", "is no amount"},
        {"inf", "is no amount"},
        {".5kWh", "is no amount"},
        {"5.kWh", "is no amount"},
        {"--5kWh", "is no amount"},
        {"1000", "is 1000kWh meant"},
        {"10kwh", "is the unit kWh meant"},
        {"10KWH", "is the unit kWh meant"},
        {"10mWh", "is no unit"},
        {"10mj", "is no unit"},
        {"1e3kWh", "is no unit"},
        {"0x10kWh", "is no unit"},
        {"10kWh ", "is no unit"},
        {"1.2.3kWh", "is no unit"},
        {"1,5MWh", "decimal sign is a point"},
        {"-5kWh", "less than nothing"},
        {"1000.001GWh", "too large"},
        {"99999999999999999999999999999999999GWh", "too large"},
        {"9223372036854775808J", "too large"},
        {"0.0001J", "finer"},
        {"0.0000000000000001GWh", "finer"},
    };
    char why[AMOUNT_WHY];

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        int64_t mj;

        why[0] = '\0';
        assert_int_equal(amount_parse(table[i].text, false, &mj, why), -1);
        if (!strstr(why, table[i].says))
            fail_msg("%s: %s", table[i].text, why);
    }
}

static void below_zero_where_it_makes_sense(void **state)
{
    char why[AMOUNT_WHY];
    int64_t mj;

    (void)state;
    assert_int_equal(amount_parse("-2.5Wh", true, &mj, why), 0);
    assert_true(mj == -9000000);
}

static void written_as_read(void **state)
{
    static const struct {
        int64_t mj;
        const char *text;
    } table[] = {
        {0, "0kWh"},
        {INT64_C(3600000000000), "1000kWh"},
        {INT64_C(900000000), "0.25kWh"},
        {3600000, "0.001kWh"},
        {1, "0.001J"},
        {4210, "4.21J"},
        {1000, "1J"},
        {-9000000, "-9000J"},
        {INT64_C(-3600000000), "-1kWh"},
        {AMOUNT_MOST_MJ, "1000000000kWh"},
        {INT64_MIN, "-9223372036854775.808J"},
    };
    char text[AMOUNT_TEXT], why[AMOUNT_WHY];
    int64_t mj;

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        assert_string_equal(amount_text(table[i].mj, text, sizeof text), table[i].text);
        if (table[i].mj < -AMOUNT_MOST_MJ)
            continue;
        assert_int_equal(amount_parse(text, true, &mj, why), 0);
        assert_true(mj == table[i].mj);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(taken),
        cmocka_unit_test(refused),
        cmocka_unit_test(below_zero_where_it_makes_sense),
        cmocka_unit_test(written_as_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
