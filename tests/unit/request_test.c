/* request_test.c - what a request says, and what its partition fills in */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/energy_budget.h"
#include "plugin/gpus.h"
#include "plugin/licenses.h"
#include "plugin/request.h"

#define COUNT(table) (sizeof(table) / sizeof *(table))

static void gpus_are_counted_or_unknown(void **state)
{
    static const struct {
        const char *tres;
        int64_t gpus;
    } cases[] = {
        {NULL, 0},
        {"", 0},
        {"gres:gpu:2", 2},
        {"gres:gpu", 1},
        {"gpu", 1},
        {"gpu:2", 2},
        {"gpu:a100:2", 2},
        {"gpu:a100", 1},
        {"gres:gpu:a100:4", 4},
        {"gres/gpu=2", 2},
        {"gres/gpu:2", 2},
        {"gres/gpu:a100=3", 3},
        {"gres/gpu:a100:3", 3},
        {"gpu:0", 0},
        {"gpu:1k", 1024},
        {"gpu:a100:2,gpu:h100:3", 5},
        {"gres:gpu:1;gres:gpu:2", 3},
        {"fpga:2,gpu:2,license:gpu:7", 2},
        {"gpus:4", 0},
        {"gpufoo", 0},
        {"nvgpu:4", 0},
        {"cpu=4", 0},
        {"shard:10", 1},
        {"gres:mps:50", 1},
        {"shard:0", 0},
        {"gpu:", GPUS_UNKNOWN},
        {"gpu=", GPUS_UNKNOWN},
        {"gpu:a100:", GPUS_UNKNOWN},
        {"gpu:a100:x", GPUS_UNKNOWN},
        {"gpu:2x", GPUS_UNKNOWN},
        {"gpu:-2", 1}, /* a type of that name; Slurm refuses it */
        {"gpu:a:-2", GPUS_UNKNOWN},
        {"gpu:1.5", GPUS_UNKNOWN},
        {"gpu=x", GPUS_UNKNOWN},
        {"gpu:99999999999999999999", GPUS_UNKNOWN},
        {"fpga:2,gpu:a100:x", GPUS_UNKNOWN},
        {",,gpu:2,,", 2},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        if (gpus_requested(cases[i].tres) != cases[i].gpus)
            fail_msg("%s: %lld", cases[i].tres,
                     (long long)gpus_requested(cases[i].tres));
}

static void the_lien_is_the_only_item_of_its_name(void **state)
{
    static const struct {
        const char *list;
        bool has, choice;
        const char *without, *with;
    } cases[] = {
        {NULL, false, false, "", "kwota:7"},
        {"", false, false, "", "kwota:7"},
        {"matlab", false, false, "matlab", "matlab,kwota:7"},
        {"matlab:2,ansys", false, false, "matlab:2,ansys", "matlab:2,ansys,kwota:7"},
        {"kwota", true, false, "", "kwota:7"},
        {"kwota:0", true, false, "", "kwota:7"},
        {"kwota=0", true, false, "", "kwota:7"},
        {"kwota:1,matlab", true, false, "matlab", "matlab,kwota:7"},
        {"matlab,kwota:1", true, false, "matlab", "matlab,kwota:7"},
        {"matlab;kwota:1;ansys", true, false, "matlab;ansys", "matlab;ansys,kwota:7"},
        {"kwota:1,kwota:2,kwota", true, false, "", "kwota:7"},
        {" kwota:1,a", true, false, "a", "a,kwota:7"},
        {"kwotax:3", false, false, "kwotax:3", "kwotax:3,kwota:7"},
        {"mykwota", false, false, "mykwota", "mykwota,kwota:7"},
        {"kwota@far:3", false, false, "kwota@far:3", "kwota@far:3,kwota:7"},
        {",a,,b,", false, false, "a,b", "a,b,kwota:7"},
        {"a|b", false, true, "a|b", NULL},
        {"a|kwota:5", true, false, "a", "a,kwota:7"},
        {"kwota:5|a", true, false, "a", "a,kwota:7"},
        {"a|b,kwota", true, true, "a|b", NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char *without = licenses_without_lien(cases[i].list);
        char *with = licenses_with_lien(cases[i].list, 7);

        assert_int_equal(licenses_have_lien(cases[i].list), cases[i].has);
        assert_int_equal(licenses_have_choice(cases[i].list), cases[i].choice);
        assert_string_equal(without, cases[i].without);
        if (cases[i].with)
            assert_string_equal(with, cases[i].with);
        free(without);
        free(with);
    }
}

static void long_liens_fit(void **state)
{
    char *with = licenses_with_lien("matlab", INT64_MAX);

    (void)state;
    assert_string_equal(with, "matlab,kwota:9223372036854775807");
    free(with);
}

static void budgets_are_read(void **state)
{
    static const struct {
        const char *text;
        int64_t wh; /* 0: no amount */
    } cases[] = {
        {"2kWh", 2000},
        {"2 kWh", 2000},
        {"2kwh", 2000},
        {"500Wh", 500},
        {"1.5MWh", 1500000},
        {"1 GWh", 1000000000},
        {"0.0005kWh", 1},
        {"1.9999Wh", 1},
        {"0.3Wh", 1},
        {"3600J", 1},
        {"7200 kJ", 2000},
        {"36MJ", 10000},
        {"1GJ", 277777},
        {"9000000000000000000Wh", 0}, /* 19 digits */
        {"900000000000000000Wh", 900000000000000000},
        {"999999999999999999GWh", 0},
        {"", 0},
        {"2", 0},
        {"kWh", 0},
        {"-2kWh", 0},
        {"0kWh", 0},
        {"2.kWh", 0},
        {".5kWh", 0},
        {"2kWhx", 0},
        {"2kW", 0},
        {"2mWh", 0},
        {"1e3Wh", 0},
        {" 2kWh", 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t wh;
        int rc = energy_budget_parse(cases[i].text, &wh);

        if (rc != (cases[i].wh ? 0 : -1) || (rc == 0 && wh != cases[i].wh))
            fail_msg("%s: %d, %lld", cases[i].text, rc, (long long)wh);
    }
}

/* 64 CPUs, 4 GPUs a node, an hour by default, a day at most. */
static const struct map_partition shared = {
    .default_s = 3600, .max_s = 86400, .node_cpus = 64, .node_gpus = 4};
static const struct map_partition whole = {.default_s = 3600,
                                           .max_s = 86400,
                                           .node_cpus = 64,
                                           .node_gpus = 4,
                                           .whole_nodes = true};
static const struct map_partition unlimited = {.node_cpus = 64};
static const struct map_partition only_max = {.max_s = 7200, .node_cpus = 64};
static const struct map_partition unknown_nodes = {.default_s = 60};

static void what_is_left_open_is_filled_in(void **state)
{
    static const struct {
        const char *what;
        struct request request;
        const struct map_partition *partition;
        struct shape want;
    } cases[] = {
        {"nothing", {.nodes = 0}, &shared, {1, 1, 0, 3600}},
        {"nothing, whole nodes", {.nodes = 0}, &whole, {1, 64, 4, 3600}},
        {"nothing known of the nodes", {.nodes = 0}, &unknown_nodes, {1, 1, 0, 60}},
        {"nodes", {.nodes = 3}, &shared, {3, 3, 0, 3600}},
        {"nodes, whole", {.nodes = 3}, &whole, {3, 192, 12, 3600}},
        {"exclusive", {.nodes = 3, .exclusive = true}, &shared, {3, 192, 12, 3600}},
        {"exclusive, nothing known",
         {.nodes = 3, .exclusive = true},
         &unknown_nodes,
         {3, 3, 0, 60}},
        {"CPUs", {.cpus = 10}, &shared, {1, 10, 0, 3600}},
        {"CPUs of two nodes", {.cpus = 65}, &shared, {2, 65, 0, 3600}},
        {"CPUs of many nodes", {.cpus = 6400}, &shared, {100, 6400, 0, 3600}},
        {"tasks", {.tasks = 8, .cpus_per_task = 4}, &shared, {1, 32, 0, 3600}},
        {"tasks of two nodes",
         {.tasks = 33, .cpus_per_task = 2},
         &shared,
         {2, 66, 0, 3600}},
        {"tasks and more CPUs", {.tasks = 8, .cpus = 40}, &shared, {1, 40, 0, 3600}},
        {"overcommitted tasks",
         {.tasks = 128, .overcommit = true},
         &shared,
         {1, 1, 0, 3600}},
        {"tasks a node",
         {.nodes = 2, .tasks_per_node = 16, .cpus_per_task = 2},
         &shared,
         {2, 64, 0, 3600}},
        {"tasks, so many a node",
         {.tasks = 32, .tasks_per_node = 8},
         &shared,
         {4, 32, 0, 3600}},
        {"CPUs a node", {.nodes = 2, .cpus_per_node = 16}, &shared, {2, 32, 0, 3600}},
        {"fewer CPUs than nodes", {.nodes = 4, .cpus = 1}, &shared, {4, 4, 0, 3600}},
        {"GPUs", {.tres_per_job = "gres:gpu:2"}, &shared, {1, 1, 2, 3600}},
        {"GPUs of nodes", {.tres_per_job = "gres:gpu:9"}, &shared, {3, 3, 9, 3600}},
        {"GPUs a node",
         {.nodes = 3, .tres_per_node = "gpu:a100:2"},
         &shared,
         {3, 3, 6, 3600}},
        {"GPUs a task",
         {.tasks = 6, .tres_per_task = "gres/gpu=2"},
         &shared,
         {3, 6, 12, 3600}},
        {"GPUs a task, tasks a node",
         {.nodes = 2, .tasks_per_node = 3, .tres_per_task = "gres/gpu=1"},
         &shared,
         {2, 6, 6, 3600}},
        {"GPUs a socket",
         {.nodes = 2, .sockets_per_node = 2, .tres_per_socket = "gpu:2"},
         &shared,
         {2, 2, 8, 3600}},
        {"GPUs nobody can read",
         {.nodes = 2, .tres_per_node = "gpu:a100:x"},
         &shared,
         {2, 2, 8, 3600}},
        {"GPUs, whole nodes",
         {.nodes = 2, .tres_per_node = "gpu:1"},
         &whole,
         {2, 128, 8, 3600}},
        {"a limit", {.limit_min = 90}, &shared, {1, 1, 0, 5400}},
        {"no limit wanted",
         {.limit_min = REQUEST_UNLIMITED},
         &shared,
         {1, 1, 0, 86400}},
        {"no default", {.nodes = 0}, &only_max, {1, 1, 0, 7200}},
        {"no limit at all", {.nodes = 0}, &unlimited, {1, 1, 0, REQUEST_NO_LIMIT}},
        {"no limit at all, and none wanted",
         {.limit_min = REQUEST_UNLIMITED},
         &unlimited,
         {1, 1, 0, REQUEST_NO_LIMIT}},
        {"more than can be",
         {.tasks = INT64_MAX / 2,
          .cpus_per_task = 65535,
          .nodes = 4294967294,
          .tres_per_node = "gpu:1000000000",
          .limit_min = INT64_MAX / 2},
         &shared,
         {4294967294, INT64_MAX, INT64_C(4294967294000000000), INT64_MAX}},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct shape got, want = cases[i].want;

        request_shape(&cases[i].request, cases[i].partition, &got);
        if (got.nodes != want.nodes || got.cpus != want.cpus || got.gpus != want.gpus ||
            got.limit_s != want.limit_s)
            fail_msg("%s: %lld nodes, %lld CPUs, %lld GPUs, %lld s", cases[i].what,
                     (long long)got.nodes, (long long)got.cpus, (long long)got.gpus,
                     (long long)got.limit_s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gpus_are_counted_or_unknown),
        cmocka_unit_test(the_lien_is_the_only_item_of_its_name),
        cmocka_unit_test(long_liens_fit),
        cmocka_unit_test(budgets_are_read),
        cmocka_unit_test(what_is_left_open_is_filled_in),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
