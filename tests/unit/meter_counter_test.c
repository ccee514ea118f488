/* meter_counter_test.c - files of power over time, and files that come and go */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/unit/tree.h"

#define METER "sys/class/hwmon/hwmon0/"
#define ZONE "sys/class/powercap/intel-rapl:0/"
#define S INT64_C(1000000000)

static void meter_of(const char *power_uw)
{
    tree_put(METER "name", "power_meter\n");
    tree_put(METER "power1_average", power_uw);
    tree_find(SOURCE_HWMON);
    assert_true(counters.sampled);
}

static void zone_of(const char *energy_uj)
{
    tree_put(ZONE "name", "package-0\n");
    tree_put(ZONE "max_energy_range_uj", "262143328850\n");
    if (energy_uj)
        tree_put(ZONE "energy_uj", energy_uj);
    tree_find(SOURCE_POWERCAP);
}

static void names(void **state)
{
    (void)state;
    for (int k = 0; k < COUNTER_KINDS; k++)
        assert_int_equal(counter_kind_of(counter_kind_name((enum counter_kind)k)), k);
    for (int s = 0; s < SOURCES; s++)
        assert_int_equal(counter_source_of(counter_source_name((enum counter_source)s)),
                         s);
    assert_int_equal(counter_kind_of("packages"), -1);
    assert_int_equal(counter_source_of(""), -1);
}

static void power_is_integrated_over_time(void **state)
{
    (void)state;
    meter_of("100000000\n"); /* 100 W */
    assert_int_equal(tree_uj("acpi", 10 * S), 0);
    for (int i = 1; i <= 10; i++)
        counters_sample(&counters, 10 * S + i * S / 10);
    assert_int_equal(tree_uj("acpi", 11 * S), 100000000);
    tree_put(METER "power1_average", "200000000\n");
    /* the mean of both for the time between */
    assert_int_equal(tree_uj("acpi", 12 * S), 250000000);
}

/* Below a microjoule nothing is lost, however often it is sampled. */
static void small_powers_add_up(void **state)
{
    (void)state;
    meter_of("999\n");
    assert_int_equal(tree_uj("acpi", S), 0);
    for (int i = 1; i < 1000; i++)
        counters_sample(&counters, S + i * S / 1000);
    assert_int_equal(tree_uj("acpi", 2 * S), 999);
}

static void missed_samples_are_lost_time(void **state)
{
    struct counter_reading before, reading;

    (void)state;
    meter_of("100000000\n");
    assert_int_equal(tree_read("acpi", 10 * S, &before), 0);
    /* five periods are bridged, more are not */
    assert_int_equal(tree_read("acpi", 15 * S, &before), 0);
    assert_int_equal(before.uj, 500000000);
    assert_int_equal(before.lost_ms, 0);
    assert_int_equal(tree_read("acpi", 21 * S, &reading), 0);
    assert_int_equal(reading.uj, before.uj);
    assert_int_equal(reading.lost_ms, 6000);
    assert_int_equal(reading.session, before.session);
    assert_int_equal(tree_read("acpi", 22 * S, &reading), 0);
    assert_int_equal(reading.uj, before.uj + 100000000);
    assert_int_equal(reading.lost_ms, 6000);
}

static void no_power_is_no_sample(void **state)
{
    static const struct {
        const char *text, *why;
    } table[] = {
        {"-1\n", "below zero"},
        {"-\n", "no number"},
        {"", "empty"},
        {"20000000001\n", "more than anything draws"},
        {"\xff\n", "no number"},
        {"100000000 uW\n", "more than a whole number"},
        {"1e8\n", "more than a whole"},
        {"9223372036854775807\n", "more than anything"},
        {"9223372036854775808\n", "too large"},
    };

    (void)state;
    meter_of("100000000\n");
    assert_int_equal(tree_uj("acpi", S), 0);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        tree_put(METER "power1_average", table[i].text);
        assert_int_equal(tree_uj("acpi", S + S / 2), -1);
        assert_true(tree_says("acpi", table[i].why));
    }
    tree_put(METER "power1_average", "100000000");
    assert_int_equal(tree_uj("acpi", 2 * S), 100000000);
    assert_string_equal(tree_counter("acpi")->reason, "");
}

static void a_file_that_appears(void **state)
{
    (void)state;
    zone_of(NULL);
    assert_int_equal(tree_uj("package-0", S), -1);
    assert_true(tree_says("package-0", "No such file"));
    tree_put(ZONE "energy_uj", "42\n");
    /* not looked for with every reading */
    assert_int_equal(tree_uj("package-0", 5 * S), -1);
    assert_int_equal(tree_uj("package-0", 12 * S), 42);
    assert_string_equal(tree_counter("package-0")->reason, "");
}

/* As a driver's file ends when it is unloaded, a process' file ends with the process.
 */
static void a_file_that_goes(void **state)
{
    char file[64], path[256];
    int status;
    pid_t child = fork();

    (void)state;
    assert_true(child >= 0);
    if (child == 0)
        for (;;)
            pause();
    zone_of("1\n");
    counters_close(&counters);
    tree_remove(ZONE "energy_uj");
    snprintf(file, sizeof file, "/proc/%d/oom_score_adj", (int)child);
    tree_path(ZONE "energy_uj", path, sizeof path);
    assert_int_equal(symlink(file, path), 0);
    tree_find(SOURCE_POWERCAP);
    assert_true(tree_uj("package-0", S) >= 0);
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    assert_int_equal(tree_uj("package-0", 2 * S), -1);
    assert_true(tree_says("package-0", "reading it fails"));
}

static void what_is_no_file(void **state)
{
    char path[256];

    (void)state;
    zone_of("1\n");
    counters_close(&counters);
    tree_remove(ZONE "energy_uj");
    tree_path(ZONE "energy_uj", path, sizeof path);
    assert_int_equal(mkfifo(path, 0600), 0);
    tree_find(SOURCE_POWERCAP); /* must not wait for a writer */
    assert_int_equal(tree_uj("package-0", S), -1);
    counters_close(&counters);
    tree_remove(ZONE "energy_uj");
    assert_int_equal(symlink("/proc/self/mem", path), 0);
    tree_find(SOURCE_POWERCAP);
    assert_int_equal(tree_uj("package-0", S), -1);
    assert_true(tree_says("package-0", "Input/output error"));
    counters_close(&counters);
    tree_remove(ZONE "energy_uj");
    assert_int_equal(symlink("/dev/zero", path), 0);
    tree_find(SOURCE_POWERCAP);
    assert_int_equal(tree_uj("package-0", S), -1);
}

static void more_than_there_is_room_for(void **state)
{
    (void)state;
    for (int z = 0; z < COUNTER_MAX + 6; z++) {
        char file[96];

        snprintf(file, sizeof file, "sys/class/powercap/intel-rapl:%d/name", z);
        tree_put(file, "package-0\n");
        snprintf(file, sizeof file, "sys/class/powercap/intel-rapl:%d/energy_uj", z);
        tree_put(file, "5\n");
    }
    tree_find(SOURCE_POWERCAP);
    assert_int_equal(counters.count, COUNTER_MAX);
    /* names are unique though all zones have the same */
    for (int c = 1; c < counters.count; c++)
        for (int o = 0; o < c; o++)
            assert_string_not_equal(counters.item[c].name, counters.item[o].name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        TREE_TEST(power_is_integrated_over_time),
        TREE_TEST(small_powers_add_up),
        TREE_TEST(missed_samples_are_lost_time),
        TREE_TEST(no_power_is_no_sample),
        TREE_TEST(a_file_that_appears),
        TREE_TEST(a_file_that_goes),
        TREE_TEST(what_is_no_file),
        TREE_TEST(more_than_there_is_room_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
