/* plant_nodelist_test.c - node lists and CPU lists as Slurm writes them */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/plant/nodelist.h"

static void places_in_lists(void **state)
{
    static const struct {
        const char *list, *node;
        int index;
    } table[] = {
        {"n1", "n1", 0},          {"n[1-3]", "n1", 0},        {"n[1-3]", "n3", 2},
        {"n[1-3,5]", "n5", 3},    {"a,b[01-03],c", "b02", 2}, {"a,b[01-03],c", "c", 4},
        {"a,b[01-03]", "b2", -1}, {"n[1-3]", "n4", -1},       {"", "n1", -1},
        {"n[8-11]", "n10", 2},    {"n[", "n1", -1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        assert_int_equal(nodelist_index(table[i].list, table[i].node), table[i].index);
}

static void cpus_by_place(void **state)
{
    static const struct {
        const char *cpus;
        int index, want;
    } table[] = {
        {"2", 0, 2},        {"2(x3),1", 0, 2}, {"2(x3),1", 2, 2}, {"2(x3),1", 3, 1},
        {"2(x3),1", 4, -1}, {"4,8", 1, 8},     {"", 0, -1},       {"2", -1, -1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        assert_int_equal(nodelist_cpus(table[i].cpus, table[i].index), table[i].want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places_in_lists),
        cmocka_unit_test(cpus_by_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
