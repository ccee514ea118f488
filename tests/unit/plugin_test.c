/* plugin_test.c - the SPANK plugin's pure parts: arguments, CPUs, the end-of-job block
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "plugin/allocation.h"
#include "plugin/arguments.h"
#include "plugin/block.h"

static int complaints;
static char last_complaint[512];

static void complain(const char *sentence)
{
    complaints++;
    strncpy(last_complaint, sentence, sizeof last_complaint - 1);
}

static void good_arguments(void **state)
{
    char *words[] = {(char *)"server=a,b:7", (char *)"root=/x/%n/root",
                     (char *)"timeout=1500ms", (char *)"report=no"};
    struct arguments a;

    (void)state;
    complaints = 0;
    arguments_read(&a, 4, words, complain);
    arguments_for_node(&a, "n1");
    assert_int_equal(complaints, 0);
    assert_string_equal(a.server, "a,b:7");
    assert_string_equal(a.root, "/x/n1/root");
    assert_int_equal(a.timeout_ms, 1500);
    assert_false(a.report);
    assert_string_equal(a.user, "slurm");
}

static void bad_arguments_cost_their_default(void **state)
{
    static const char *const bad[] = {"timeout=fast", "timeout=0s", "timeout=9s",
                                      "timeout=-1ms", "colour=red", "server=",
                                      "report=maybe", "nonsense",   "=x"};
    struct arguments a;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char *words[] = {(char *)(uintptr_t)bad[i]};

        complaints = 0;
        arguments_read(&a, 1, words, complain);
        assert_int_equal(complaints, 1);
        assert_non_null(strstr(last_complaint, bad[i]));
        assert_int_equal(a.timeout_ms, 2000);
        assert_true(a.report || strcmp(bad[i], "report=maybe") == 0);
    }
}

static void cpus_of_a_node(void **state)
{
    static const struct {
        const char *text;
        int place;
        long cpus;
    } table[] = {{"2", 0, 2},        {"2(x3),1", 2, 2}, {"2(x3),1", 3, 1},
                 {"2(x3),1", 4, -1}, {"4,8", 1, 8},     {"", 0, -1},
                 {"2", -1, -1},      {"2(x", 0, -1},    {"x", 0, -1},
                 {NULL, 0, -1},      {"0", 0, -1},      {"2(x0)", 0, -1}};

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        assert_int_equal(allocation_cpus(table[i].text, table[i].place), table[i].cpus);
}

static void blocks(void **state)
{
    static const struct {
        const char *summary;
        int lines;
        const char *first, *last;
    } table[] = {
        {"{\"elapsed_ms\":492000,\"simulated\":true,\"node_count\":1,\"nodes_known\":1,"
         "\"reasons\":[],\"domains\":[{\"kind\":\"package\",\"mj\":40000000},"
         "{\"kind\":\"dram\",\"mj\":4280000}]}",
         2,
         "kwota: job 12 used 0.0123 kWh (44280 J) in 0:08:12, 90.0 W on average "
         "[simulated]",
         "kwota:   cpu 0.0111 kWh   dram 0.00119 kWh"},
        {"{\"elapsed_ms\":1000,\"simulated\":false,\"node_count\":2,\"nodes_known\":1,"
         "\"reasons\":[],\"domains\":[{\"kind\":\"package\",\"mj\":3600000}]}",
         3, "kwota: job 12 used 0.00100 kWh (3600 J) in 0:00:01, 3600.0 W on average",
         "kwota:   provisional: 1 of 2 nodes so far; kwota job shows the final figure"},
        {"{\"elapsed_ms\":1000,\"node_count\":1,\"reasons\":[\"a counter failed\"],"
         "\"domains\":[{\"kind\":\"package\",\"mj\":3600000},{\"kind\":\"dram\",\"mj\":"
         "null}]}",
         3, "kwota: job 12 used 0.00100 kWh (3600 J) in 0:00:01, 3600.0 W on average",
         "kwota:   partial: a counter failed"},
        {"{\"elapsed_ms\":1000000,\"domains\":[{\"kind\":\"gpu\",\"mj\":1000}],"
         "\"caps\":"
         "{\"gpu_mw\":250000,\"package_mw\":null,\"cpu_percent\":null,\"capped_ms\":"
         "750999}}",
         3, "kwota: job 12 used 0.0000003 kWh (1.000 J) in 0:16:40, 0.0 W on average",
         "kwota:   capped to 250 W for 0:12:30"},
        {"{\"elapsed_ms\":1000000,\"domains\":[{\"kind\":\"gpu\",\"mj\":1000}],"
         "\"caps\":"
         "{\"gpu_mw\":null,\"package_mw\":90125,\"cpu_percent\":50,\"capped_ms\":"
         "3600000}}",
         3, "kwota: job 12 used 0.0000003 kWh (1.000 J) in 0:16:40, 0.0 W on average",
         "kwota:   capped to 90.1 W a package, 50 % of its CPU time for 1:00:00"},
        {"{\"elapsed_ms\":1000,\"domains\":[{\"kind\":\"package\",\"mj\":null}]}", 1,
         "kwota: job 12: energy unknown: no counter gave a value", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        json_t *summary = json_loads(table[i].summary, 0, NULL);
        struct block block;

        assert_non_null(summary);
        block_make(&block, "12", summary);
        assert_int_equal(block.count, table[i].lines);
        assert_string_equal(block.line[0], table[i].first);
        if (table[i].last)
            assert_string_equal(block.line[block.count - 1], table[i].last);
        json_decref(summary);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_arguments),
        cmocka_unit_test(bad_arguments_cost_their_default),
        cmocka_unit_test(cpus_of_a_node),
        cmocka_unit_test(blocks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
