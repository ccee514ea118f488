/* bar_test.c - bars of budgets, and periods as people write them */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tools/bar.h"
#include "tools/quota_text.h"

static void bars(void **state)
{
    static const struct {
        int64_t used, reserved, quota;
        const char *text;
    } table[] = {
        {0, 0, 100, ".........."},
        {40, 20, 100, "####==...."},
        {1, 0, 1000000, "#........."},
        {0, 1, 1000000, "=........."},
        {999999, 0, 1000000, "#########."},
        {999998, 1, 1000000, "#########."},
        {100, 0, 100, "##########"},
        {50, 50, 100, "#####====="},
        {300, 50, 100, "##########"},
        {50, 300, 100, "#####====="},
        {0, 0, 0, ".........."},
        {5, 0, 0, "##########"},
        {5, 0, -7, "##########"},
        {-5, 0, 100, ".........."},
        {INT64_MAX, INT64_MAX, INT64_MAX, "##########"},
    };
    char text[BAR_TEXT];

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        assert_string_equal(
            bar_text(table[i].used, table[i].reserved, table[i].quota, false, text),
            table[i].text);
    assert_string_equal(bar_text(40, 20, 100, true, text), "████▒▒░░░░");
}

static void periods(void **state)
{
    static const struct {
        const char *text, *entry; /* NULL: refused */
    } table[] = {
        {"month", "{\"period\":\"month\"}"},
        {"year", "{\"period\":\"year\"}"},
        {"90days", "{\"period\":\"rolling\",\"days\":90}"},
        {"1day", "{\"period\":\"rolling\",\"days\":1}"},
        {"2026-01-01..2026-07-01",
         "{\"period\":\"fixed\",\"from\":\"2026-01-01\",\"until\":\"2026-07-01\"}"},
        {"week", NULL},
        {"90", NULL},
        {"0days", NULL},
        {"-3days", NULL},
        {"2026-01-01..", NULL},
        {"..2026-01-01", NULL},
        {"", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        json_t *entry = json_object(), *expected;

        assert_int_equal(quota_text_period(table[i].text, entry),
                         table[i].entry ? 0 : -1);
        if (table[i].entry) {
            expected = json_loads(table[i].entry, 0, NULL);
            assert_true(json_equal(entry, expected));
            json_decref(expected);
        }
        json_decref(entry);
    }
}

static void words(void **state)
{
    static const struct {
        const char *entry, *name, *terms;
    } table[] = {
        {"{\"account\":\"astro\",\"limit\":\"5kWh\",\"period\":\"month\"}",
         "account astro", "5kWh a month"},
        {"{\"account\":\"a\",\"user\":\"b\",\"partitions\":\"gpu\",\"cluster\":\"c\","
         "\"limit\":\"5kWh\",\"period\":\"rolling\",\"days\":9}",
         "user b in account a, class gpu, cluster c", "5kWh in any 9 days"},
        {"{\"user\":\"b\",\"limit\":\"5kWh\",\"period\":\"year\",\"carry_percent\":20,"
         "\"borrow_percent\":10}",
         "user b", "5kWh a year, up to 20% carried on, up to 10% borrowed"},
        {"{\"user\":\"b\",\"limit\":\"5kWh\",\"period\":\"fixed\",\"from\":"
         "\"2026-01-01\",\"until\":\"2026-02-01\"}",
         "user b", "5kWh from 2026-01-01 until 2026-02-01"},
    };
    char text[320];

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        json_t *entry = json_loads(table[i].entry, 0, NULL);

        assert_string_equal(quota_text_name(entry, text, sizeof text), table[i].name);
        assert_string_equal(quota_text_terms(entry, text, sizeof text), table[i].terms);
        json_decref(entry);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bars),
        cmocka_unit_test(periods),
        cmocka_unit_test(words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
