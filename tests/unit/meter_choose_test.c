/* meter_choose_test.c - which of the counters found are charged, as tables */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "plugin/meter/counter.h"
#include "plugin/meter/sources.h"

#define PARTS (1U << COUNTER_PACKAGE | 1U << COUNTER_DRAM | 1U << COUNTER_GPU)
#define CPU_PARTS (1U << COUNTER_PACKAGE | 1U << COUNTER_DRAM)

static struct sources sources;
static struct counters counters;

static int defaults(void **state)
{
    (void)state;
    sources_default(&sources, "/");
    memset(&counters, 0, sizeof counters);
    counters.sources = &sources;
    return 0;
}

static void have(const char *name, enum counter_kind kind, enum counter_source source)
{
    struct counter *counter = counters_add(&counters, source, kind, name);

    assert_non_null(counter);
    if (kind == COUNTER_PLATFORM)
        counter->covers_kinds = source == SOURCE_POWERCAP ? CPU_PARTS : PARTS;
}

/* The names of what is charged, each followed by what it covers: "node(cpu gpu-0) cpu".
 */
static const char *charged(void)
{
    static char text[512];

    counters_choose(&counters);
    text[0] = '\0';
    for (int c = 0; c < counters.count; c++) {
        const struct counter *counter = &counters.item[c];
        const char *before = "(";

        if (!counter->charged) {
            assert_true(counter->reason[0]);
            assert_int_equal(counter->covers, 0);
            continue;
        }
        if (text[0])
            strcat(text, " ");
        strcat(text, counter->name);
        for (int o = 0; o < counters.count; o++)
            if (counter->covers & UINT64_C(1) << o) {
                strcat(text, before);
                strcat(text, counters.item[o].name);
                before = " ";
            }
        if (counter->covers)
            strcat(text, ")");
    }
    return text;
}

static const char *reason(const char *name)
{
    for (int c = 0; c < counters.count; c++)
        if (strcmp(counters.item[c].name, name) == 0)
            return counters.item[c].reason;
    return "";
}

static void overlap(const char *name, uint32_t kinds)
{
    int o = sources.overlap_count++;

    snprintf(sources.overlaps[o].counter, COUNTER_NAME, "%s", name);
    sources.overlaps[o].kinds = kinds;
}

static void one_source_of_every_kind(void **state)
{
    (void)state;
    have("package-0", COUNTER_PACKAGE, SOURCE_POWERCAP);
    have("core-0", COUNTER_CORE, SOURCE_POWERCAP);
    have("gpu-0", COUNTER_GPU, SOURCE_RSMI);
    have("cpu", COUNTER_PACKAGE, SOURCE_PM_COUNTERS);
    have("memory", COUNTER_DRAM, SOURCE_PM_COUNTERS);
    have("accel-0", COUNTER_GPU, SOURCE_PM_COUNTERS);
    have("hwmon-gpu-0", COUNTER_GPU, SOURCE_HWMON);
    assert_string_equal(charged(), "package-0 gpu-0 memory");
    assert_string_equal(reason("accel-0"), "rsmi is preferred for gpu energy");
    assert_string_equal(reason("cpu"), "powercap is preferred for package energy");
}

static void a_list_turns_preferences_round(void **state)
{
    (void)state;
    sources.prefer[COUNTER_PACKAGE][0] = SOURCE_PM_COUNTERS;
    sources.prefer[COUNTER_PACKAGE][1] = SOURCE_POWERCAP;
    sources.prefer[COUNTER_DRAM][0] = -1;
    have("package-0", COUNTER_PACKAGE, SOURCE_POWERCAP);
    have("dram-0", COUNTER_DRAM, SOURCE_POWERCAP);
    have("cpu", COUNTER_PACKAGE, SOURCE_PM_COUNTERS);
    assert_string_equal(charged(), "cpu");
    assert_string_equal(reason("dram-0"), "the list of sources leaves dram energy out");
}

/* What its source left out does not keep others from being chosen. */
static void what_cannot_be_charged_is_no_candidate(void **state)
{
    (void)state;
    have("package-0", COUNTER_PACKAGE, SOURCE_POWERCAP);
    counter_leave_out(&counters.item[0], "without a range");
    have("cpu", COUNTER_PACKAGE, SOURCE_PM_COUNTERS);
    assert_string_equal(charged(), "cpu");
    assert_string_equal(reason("package-0"), "without a range");
}

static void a_platform_covers_its_parts(void **state)
{
    (void)state;
    have("package-0", COUNTER_PACKAGE, SOURCE_POWERCAP);
    have("dram-0", COUNTER_DRAM, SOURCE_POWERCAP);
    have("psys", COUNTER_PLATFORM, SOURCE_POWERCAP);
    have("gpu-0", COUNTER_GPU, SOURCE_NVML);
    assert_string_equal(charged(), "package-0 dram-0 psys(package-0 dram-0) gpu-0");
    /* the BMC comes later, and is preferred */
    have("bmc", COUNTER_PLATFORM, SOURCE_DCMI);
    assert_string_equal(charged(),
                        "package-0 dram-0 gpu-0 bmc(package-0 dram-0 gpu-0)");
    assert_string_equal(reason("psys"), "dcmi is preferred for platform energy");
}

static void what_is_told_goes_before_what_is_known(void **state)
{
    (void)state;
    overlap("bmc", 1U << COUNTER_GPU);
    have("package-0", COUNTER_PACKAGE, SOURCE_POWERCAP);
    have("gpu-0", COUNTER_GPU, SOURCE_NVML);
    have("bmc", COUNTER_PLATFORM, SOURCE_DCMI);
    assert_string_equal(charged(), "package-0 gpu-0 bmc(gpu-0)");
}

static void superchips_by_their_number(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        char name[COUNTER_NAME];

        snprintf(name, sizeof name, "package-%d", i);
        have(name, COUNTER_PACKAGE, SOURCE_HWMON);
        snprintf(name, sizeof name, "gpu-%d", i);
        have(name, COUNTER_GPU, SOURCE_NVML);
        snprintf(name, sizeof name, "module-%d", i);
        have(name, COUNTER_PLATFORM, SOURCE_HWMON);
    }
    assert_string_equal(charged(), "package-0 gpu-0 module-0(package-0 gpu-0) "
                                   "package-1 gpu-1 module-1(package-1 gpu-1)");
}

static void one_superchip_covers_all_whatever_their_numbers(void **state)
{
    (void)state;
    have("module-0", COUNTER_PLATFORM, SOURCE_HWMON);
    have("package-0", COUNTER_PACKAGE, SOURCE_HWMON);
    have("gpu-3", COUNTER_GPU, SOURCE_NVML);
    assert_string_equal(charged(), "module-0(package-0 gpu-3) package-0 gpu-3");
}

/* The parts would be charged beside meters that hold them already. */
static void several_meters_that_say_nothing_are_left_out(void **state)
{
    (void)state;
    have("package-2", COUNTER_PACKAGE, SOURCE_POWERCAP);
    have("acpi", COUNTER_PLATFORM, SOURCE_HWMON);
    have("acpi", COUNTER_PLATFORM, SOURCE_HWMON); /* acpi#2 */
    assert_string_equal(charged(), "package-2");
    assert_non_null(strstr(reason("acpi#2"), "one of several meters"));
    assert_non_null(strstr(reason("acpi"), "overlaps"));
}

static void a_meter_beside_superchips_is_left_out(void **state)
{
    (void)state;
    have("package-0", COUNTER_PACKAGE, SOURCE_HWMON);
    have("module-0", COUNTER_PLATFORM, SOURCE_HWMON);
    have("acpi", COUNTER_PLATFORM, SOURCE_HWMON);
    assert_string_equal(charged(), "package-0 module-0(package-0)");
}

static void several_meters_that_were_told(void **state)
{
    (void)state;
    overlap("acpi", PARTS);
    overlap("acpi#2", 0);
    have("package-2", COUNTER_PACKAGE, SOURCE_POWERCAP);
    have("acpi", COUNTER_PLATFORM, SOURCE_HWMON);
    have("acpi", COUNTER_PLATFORM, SOURCE_HWMON);
    assert_string_equal(charged(), "package-2 acpi(package-2) acpi#2");
}

#define CHOICE(test) cmocka_unit_test_setup(test, defaults)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CHOICE(one_source_of_every_kind),
        CHOICE(a_list_turns_preferences_round),
        CHOICE(what_cannot_be_charged_is_no_candidate),
        CHOICE(a_platform_covers_its_parts),
        CHOICE(what_is_told_goes_before_what_is_known),
        CHOICE(superchips_by_their_number),
        CHOICE(one_superchip_covers_all_whatever_their_numbers),
        CHOICE(several_meters_that_say_nothing_are_left_out),
        CHOICE(a_meter_beside_superchips_is_left_out),
        CHOICE(several_meters_that_were_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
