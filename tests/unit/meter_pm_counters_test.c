/* meter_pm_counters_test.c - Cray's counters and the controller behind them */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/tree.h"

#define FOLDER "sys/cray/pm_counters/"
#define S INT64_C(1000000000)

static void blade(void)
{
    tree_put(FOLDER "energy", "1000 J 1612345678901234 us\n");
    tree_put(FOLDER "cpu_energy", "200 J 1612345678901234 us\n");
    tree_put(FOLDER "cpu0_energy", "100 J 1612345678901234 us\n");
    tree_put(FOLDER "accel1_energy", "50 J 1612345678901234 us\n");
    tree_put(FOLDER "freshness", "1\n");
    tree_put(FOLDER "startup", "77\n");
    tree_put(FOLDER "generation", "2\n");
}

static void names_and_places(void **state)
{
    (void)state;
    blade();
    tree_sources(SOURCE_PM_COUNTERS);
    sources.gpus_per_accelerator = 2;
    counters_open(&counters, &sources);
    assert_null(counters.absent[SOURCE_PM_COUNTERS]);
    assert_int_equal(counters.count, 4);
    assert_int_equal(tree_counter("node")->kind, COUNTER_PLATFORM);
    assert_int_equal(tree_counter("cpu")->kind, COUNTER_PACKAGE);
    assert_false(tree_counter("cpu-0")->charged);
    /* an accelerator of two GPUs: the second one's places are 2 and 3 */
    assert_int_equal(tree_counter("accel-1")->index, 2);
    assert_int_equal(tree_counter("accel-1")->slices, 2);
    assert_int_equal(tree_uj("node", S), 1000000000);
}

static void a_freshness_that_stands_still_is_unknown(void **state)
{
    (void)state;
    blade();
    tree_find(SOURCE_PM_COUNTERS);
    assert_int_equal(tree_uj("node", 10 * S), 1000000000);
    assert_int_equal(tree_uj("node", 12 * S), 1000000000);
    assert_int_equal(tree_uj("node", 13 * S), -1);
    assert_true(tree_says("node", "freshness has stood still for 3 s"));
    tree_put(FOLDER "freshness", "2\n");
    assert_int_equal(tree_uj("node", 14 * S), 1000000000);
    assert_string_equal(tree_counter("node")->reason, "");
}

static void startup_begins_anew_and_generation_does_not(void **state)
{
    struct counter_reading before, reading;

    (void)state;
    blade();
    tree_find(SOURCE_PM_COUNTERS);
    assert_int_equal(tree_read("node", S, &before), 0);
    tree_put(FOLDER "generation", "3\n");
    tree_put(FOLDER "freshness", "2\n");
    assert_int_equal(tree_read("node", 2 * S, &reading), 0);
    assert_int_equal(reading.session, before.session);
    tree_put(FOLDER "startup", "78\n");
    assert_int_equal(tree_read("node", 2 * S, &reading), 0);
    assert_int_not_equal(reading.session, before.session);
}

/* Neither a session of its own nor a value beside it. */
static void shared_files_that_are_spoilt_are_unknown(void **state)
{
    static const char *const files[] = {FOLDER "startup", FOLDER "freshness"};
    static const char *const hostile[] = {
        "", "\n", "-5\n", "12x\n", "123456789012345678901234567890\n", "\xff\xfe\n"};

    (void)state;
    blade();
    tree_find(SOURCE_PM_COUNTERS);
    for (size_t f = 0; f < 2; f++) {
        for (size_t h = 0; h < sizeof hostile / sizeof *hostile; h++) {
            tree_put(files[f], hostile[h]);
            assert_int_equal(tree_uj("node", S), -1);
            assert_true(tree_says("node", "cannot be read"));
        }
        tree_put(files[f], "77");
        assert_int_equal(tree_uj("node", S), 1000000000);
    }
}

static void old_firmware(void **state)
{
    (void)state;
    tree_put(FOLDER "power", "100 W\n");
    tree_put(FOLDER "memory_energy", "7\n");
    tree_find(SOURCE_PM_COUNTERS);
    assert_true(tree_counter("node")->integrated);
    assert_int_equal(tree_uj("node", S), 0);
    assert_int_equal(tree_uj("node", 2 * S), 100000000);
    assert_int_equal(tree_uj("memory", 60 * S), 7000000);
}

static void a_folder_without_counters(void **state)
{
    (void)state;
    tree_put(FOLDER "version", "2\n");
    tree_find(SOURCE_PM_COUNTERS);
    assert_int_equal(counters.count, 0);
    assert_string_equal(counters.absent[SOURCE_PM_COUNTERS],
                        "sys/cray/pm_counters has neither energy nor power");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TREE_TEST(names_and_places),
        TREE_TEST(a_freshness_that_stands_still_is_unknown),
        TREE_TEST(startup_begins_anew_and_generation_does_not),
        TREE_TEST(shared_files_that_are_spoilt_are_unknown),
        TREE_TEST(old_firmware),
        TREE_TEST(a_folder_without_counters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
