/* openmetrics_test.c - figures in the text format that Prometheus reads */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "policy/openmetrics.h"

static char *text;
static size_t size;

static FILE *begin(void)
{
    text = NULL;
    return open_memstream(&text, &size);
}

static void is(FILE *out, const char *wanted)
{
    fclose(out);
    assert_string_equal(text, wanted);
    free(text);
}

static void amounts_are_exact(void **state)
{
    static const struct {
        int64_t value;
        int places;
        const char *text;
    } table[] = {
        {0, 3, "x 0\n"},
        {1, 3, "x 0.001\n"},
        {-1, 6, "x -0.000001\n"},
        {1500, 3, "x 1.5\n"},
        {-1500, 3, "x -1.5\n"},
        {1000, 3, "x 1\n"},
        {1001, 3, "x 1.001\n"},
        {7, 0, "x 7\n"},
        /* 2^53 + 1 thousandths: no double has it */
        {INT64_C(9007199254740993), 3, "x 9007199254740.993\n"},
        {INT64_MAX, 3, "x 9223372036854775.807\n"},
        {INT64_MIN, 3, "x -9223372036854775.808\n"},
        {INT64_MIN, 0, "x -9223372036854775808\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        FILE *out = begin();

        openmetrics_sample(out, "x", table[i].value, table[i].places, NULL);
        is(out, table[i].text);
    }
}

static void labels_are_escaped(void **state)
{
    static const struct {
        const char *value, *text;
    } table[] = {
        {"astro", "x{a=\"astro\"} 1\n"},
        {"a\"b", "x{a=\"a\\\"b\"} 1\n"},
        {"a\\b", "x{a=\"a\\\\b\"} 1\n"},
        {"a\nx 5", "x{a=\"a\\nx 5\"} 1\n"},
        {"M\xc3\xbcller", "x{a=\"M\xc3\xbcller\"} 1\n"},
        {"M\xfcller", "x{a=\"M?ller\"} 1\n"},
        {"cut \xc3", "x{a=\"cut ?\"} 1\n"},
        {"long \xc0\xaf", "x{a=\"long ??\"} 1\n"},
        {"\xed\xa0\x80", "x{a=\"???\"} 1\n"},
        {"\xf0\x9f\x94\x8c", "x{a=\"\xf0\x9f\x94\x8c\"} 1\n"},
        {"\xf4\x90\x80\x80", "x{a=\"????\"} 1\n"},
        {"", "x 1\n"},
        {NULL, "x 1\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        FILE *out = begin();

        openmetrics_sample(out, "x", 1, 0, "a", table[i].value, NULL);
        is(out, table[i].text);
    }
}

static void several_labels(void **state)
{
    FILE *out = begin();

    (void)state;
    openmetrics_sample(out, "x_total", 25, 1, "a", "1", "b", "", "c", "3", NULL);
    is(out, "x_total{a=\"1\",c=\"3\"} 2.5\n");
}

static void families(void **state)
{
    FILE *out = begin();

    (void)state;
    openmetrics_family(out, "x_joules", "counter", "joules", "What it is.");
    openmetrics_family(out, "y", "gauge", NULL, "Another.");
    openmetrics_end(out);
    is(out, "# TYPE x_joules counter\n# UNIT x_joules joules\n"
            "# HELP x_joules What it is.\n# TYPE y gauge\n# HELP y Another.\n# EOF\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(amounts_are_exact),
        cmocka_unit_test(labels_are_escaped),
        cmocka_unit_test(several_labels),
        cmocka_unit_test(families),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
