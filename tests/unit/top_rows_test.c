/* top_rows_test.c - the rows of kwota top */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "policy/energy.h"
#include "tools/top_rows.h"

static void power_has_three_figures(void **state)
{
    static const struct {
        int64_t mw;
        const char *text;
    } table[] = {
        {ENERGY_UNKNOWN, "?"},
        {0, "0 mW"},
        {999, "999 mW"},
        {1000, "1.00 W"},
        {8500, "8.50 W"},
        {9994, "9.99 W"},
        {9995, "10.0 W"},
        {9999, "10.0 W"},
        {85240, "85.2 W"},
        {99949, "99.9 W"},
        {99950, "100 W"},
        {350000, "350 W"},
        {999499, "999 W"},
        {999500, "1.00 kW"},
        {12345678, "12.3 kW"},
        {1250000000, "1.25 MW"},
        {INT64_C(20000000000000), "20.0 GW"},
    };
    char text[TOP_TEXT];

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        assert_string_equal(top_watts(table[i].mw, text), table[i].text);
}

static void time_is_as_squeue_shows_it(void **state)
{
    static const struct {
        int64_t s;
        const char *text;
    } table[] = {
        {0, "0:00"},           {42, "0:42"},        {3599, "59:59"},
        {3600, "1:00:00"},     {86399, "23:59:59"}, {86400, "1-00:00:00"},
        {90061, "1-01:01:01"},
    };
    char text[TOP_TEXT];

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        assert_string_equal(top_time(table[i].s, text), table[i].text);
}

/* Four runs: one with everything, one of which little is known, one beyond its lien,
 * one of which only half the nodes are. */
static const char some[] =
    "{'time_ms':2000000,'count':4,'measured':3,'mw':1350000,'simulated':true,'runs':["
    "{'job_id':'12_3','user':'alice','account':'astro','partition':'gpu','name':'x',"
    "'start':1000,'until':9000,'node_count':1,'nodes_known':1,'mw':850000,"
    "'used_mj':850000000,'lien_mj':3600000000,'cap':{'gpu_mw':250000,'package_mw':null,"
    "'cpu_percent':50}},"
    "{'job_id':'13','user':'bob','account':'astro','partition':'main','name':'y',"
    "'start':1990,'until':null,'node_count':2,'nodes_known':0,'mw':null,"
    "'used_mj':null,'lien_mj':null},"
    "{'job_id':'14','user':'bob','account':'bio','partition':'main','name':'z',"
    "'start':1500,'until':3000,'node_count':1,'nodes_known':1,'mw':150000,"
    "'used_mj':75000000,'lien_mj':36000000},"
    "{'job_id':'15','user':'carol','account':'bio','partition':'main','name':'w',"
    "'start':1600,'until':3000,'node_count':2,'nodes_known':1,'mw':350000,"
    "'used_mj':140000000,'lien_mj':360000000}]}";

static json_t *reply_of(const char *text)
{
    char *copy = strdup(text);
    json_t *reply;

    for (char *c = copy; *c; c++)
        if (*c == '\'')
            *c = '"';
    reply = json_loads(copy, 0, NULL);
    free(copy);
    assert_non_null(reply);
    return reply;
}

static void a_row_says_what_is_known(void **state)
{
    static const char *const expected[][TOP_COLUMNS] = {
        {"12_3", "alice", "astro", "gpu", "1", "16:40", "850 W", "0.236 kWh",
         "0.764 kWh", "250 W, 50 % CPU", "x"},
        {"13", "bob", "astro", "main", "2", "0:10", "?", "?", "-", "-", "y"},
        {"14", "bob", "bio", "main", "1", "8:20", "150 W", "0.0208 kWh", "-0.0108 kWh",
         "-", "z"},
        {"15", "carol", "bio", "main", "2", "6:40", ">350 W", "0.0389 kWh",
         "0.0611 kWh", "-", "w"},
    };
    json_t *reply = reply_of(some);
    int count;
    struct top_row *rows = top_rows(reply, &count);

    (void)state;
    assert_int_equal(count, 4);
    for (int i = 0; i < count; i++)
        for (int c = 0; c < TOP_COLUMNS; c++)
            assert_string_equal(rows[i].text[c], expected[i][c]);
    free(rows);
    json_decref(reply);
}

static void what_is_unknown_comes_last(void **state)
{
    static const struct {
        enum top_order order;
        bool reverse;
        const char *jobs[4];
    } table[] = {
        {TOP_BY_POWER, false, {"12_3", "15", "14", "13"}},
        {TOP_BY_POWER, true, {"14", "15", "12_3", "13"}},
        {TOP_BY_USED, false, {"12_3", "15", "14", "13"}},
        {TOP_BY_LEFT, false, {"14", "15", "12_3", "13"}},
        {TOP_BY_LEFT, true, {"12_3", "15", "14", "13"}},
        {TOP_BY_TIME, false, {"12_3", "14", "15", "13"}},
        {TOP_BY_TIME, true, {"13", "15", "14", "12_3"}},
    };
    json_t *reply = reply_of(some);
    int count;
    struct top_row *rows = top_rows(reply, &count);

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        top_sort(rows, count, table[i].order, table[i].reverse);
        for (int r = 0; r < count; r++)
            assert_string_equal(rows[r].text[TOP_JOB], table[i].jobs[r]);
    }
    free(rows);
    json_decref(reply);
}

static void the_sum_says_what_is_not_in_it(void **state)
{
    static const struct {
        const char *reply, *text;
    } table[] = {
        {"{'count':0,'measured':0,'mw':null}", "no job runs"},
        {"{'count':1,'measured':0,'mw':null}", "1 running job, power unknown"},
        {"{'count':2,'measured':2,'mw':4200000}", "2 running jobs, 4.20 kW"},
        {"{'count':3,'measured':2,'mw':4200000,'simulated':true}",
         "3 running jobs, more than 4.20 kW [simulated]"},
    };
    char text[TOP_SUMMARY];

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        json_t *reply = reply_of(table[i].reply);

        top_summary(reply, text);
        assert_string_equal(text, table[i].text);
        json_decref(reply);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(power_has_three_figures),
        cmocka_unit_test(time_is_as_squeue_shows_it),
        cmocka_unit_test(a_row_says_what_is_known),
        cmocka_unit_test(what_is_unknown_comes_last),
        cmocka_unit_test(the_sum_says_what_is_not_in_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
