/* plot_test.c - power over time as characters */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "policy/energy.h"
#include "tools/plot.h"

#define GAP ENERGY_UNKNOWN

static void is_drawn(const struct plot *plot, const char *expected)
{
    char *text = plot_draw(plot);

    assert_string_equal(text, expected);
    free(text);
}

static void blocks(void **state)
{
    static const int64_t mw[] = {0, 50000, 100000, GAP, 25000, 7000};

    (void)state;
    is_drawn(
        &(struct plot){
            .mw = mw, .columns = 6, .rows = 2, .utf8 = true, .times = {"a", "b", "c"}},
        "    100 W ┤  █   \n"
        "     50 W ┤▁██ ▄▁\n"
        "      0 W └─── ──\n"
        "           a b  c\n");
}

static void ascii(void **state)
{
    static const int64_t mw[] = {GAP, 1500000, 2500000, 3000000};

    (void)state;
    is_drawn(&(struct plot){.mw = mw,
                            .columns = 4,
                            .rows = 4,
                            .utf8 = false,
                            .times = {"12:00", "", "13:00"}},
             "     3 kW +  .#\n"
             "          |  ##\n"
             "   1.5 kW + ###\n"
             "          | ###\n"
             "      0 W + ---\n"
             "           12:00 13:00\n");
}

static void times_need_room(void **state)
{
    int64_t mw[30];
    char *text;

    (void)state;
    for (int i = 0; i < 30; i++)
        mw[i] = 1000;
    for (int columns = 17; columns <= 30; columns++) {
        struct plot plot = {.mw = mw,
                            .columns = columns,
                            .rows = 1,
                            .times = {"12:00", "12:30", "13:00"}};

        text = plot_draw(&plot);
        assert_non_null(strstr(text, "12:00 "));
        assert_non_null(strstr(text, " 12:30 "));
        /* The last time ends under the last column. */
        assert_int_equal(strlen(strstr(text, "12:00")), (size_t)columns + 1);
        free(text);
    }
}

static void scales(void **state)
{
    static const struct {
        int64_t mw;
        const char *top;
    } table[] = {
        {0, "    10 mW "},     {9, "    10 mW "},          {11, "    12 mW "},
        {999, "      1 W "},   {1001, "    1.2 W "},       {85200, "    100 W "},
        {61000, "     80 W "}, {1234567, "   1.5 kW "},    {40000000, "    40 kW "},
        {GAP, "    10 mW "},   {6100000000, "     8 MW "},
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct plot plot = {
            .mw = &table[i].mw, .columns = 1, .rows = 3, .times = {"", "", ""}};
        char *text = plot_draw(&plot);

        assert_memory_equal(text, table[i].top, strlen(table[i].top));
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks),
        cmocka_unit_test(ascii),
        cmocka_unit_test(times_need_room),
        cmocka_unit_test(scales),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
