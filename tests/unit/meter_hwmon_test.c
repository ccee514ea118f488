/* meter_hwmon_test.c - hwmon devices by name, label and render node */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/unit/tree.h"

#define S INT64_C(1000000000)

/* device("hwmon3", "xe", "energy1_input", "5\n", …, NULL) */
static void device(const char *folder, const char *name, ...)
{
    char path[128];
    const char *file;
    va_list ap;

    snprintf(path, sizeof path, "sys/class/hwmon/%s/name", folder);
    tree_put(path, name);
    va_start(ap, name);
    while ((file = va_arg(ap, const char *))) {
        snprintf(path, sizeof path, "sys/class/hwmon/%s/%s", folder, file);
        tree_put(path, va_arg(ap, const char *));
    }
    va_end(ap);
}

static void gpus_by_render_node(void **state)
{
    (void)state;
    device("hwmon1", "amdgpu\n", "power1_average", "1000000\n", "power1_label", "PPT\n",
           "device/drm/renderD130/dev", "", "device/drm/card0/dev", "", NULL);
    device("hwmon2", "i915\n", "energy1_input", "22\n", "device/drm/renderD129/dev", "",
           NULL);
    device("hwmon10", "xe\n", "energy1_input", "33\n", "energy1_label", "card\n",
           "energy2_input", "3\n", "energy2_label", "pkg\n",
           "device/drm/renderD128/dev", "", NULL);
    tree_find(SOURCE_HWMON);
    assert_int_equal(counters.count, 4);
    assert_int_equal(tree_uj("gpu-0", S), 33);
    assert_int_equal(tree_uj("gpu-1", S), 22);
    assert_true(tree_counter("gpu-2")->integrated);
    assert_false(tree_counter("xe-energy2_input")->charged);
}

/* Some cards tell their package only. */
static void a_card_without_a_first_channel(void **state)
{
    (void)state;
    device("hwmon1", "xe\n", "energy2_input", "44\n", "energy2_label", "pkg\n",
           "power1_max", "300000000\n", NULL);
    tree_find(SOURCE_HWMON);
    assert_int_equal(counters.count, 1);
    assert_int_equal(tree_uj("gpu-0", S), 44);
    assert_true(tree_counter("gpu-0")->charged);
}

/* amd_energy numbers its cores first, and the sockets behind them. */
static void sockets_behind_many_cores(void **state)
{
    (void)state;
    for (int core = 0; core < 64; core++) {
        char file[32], label[16];

        snprintf(file, sizeof file, "energy%d_input", core + 1);
        device("hwmon1", "amd_energy\n", file, "7\n", NULL);
        snprintf(file, sizeof file, "energy%d_label", core + 1);
        snprintf(label, sizeof label, "Ecore%03d\n", core);
        device("hwmon1", "amd_energy\n", file, label, NULL);
    }
    device("hwmon1", "amd_energy\n", "energy65_input", "650\n", "energy65_label",
           "Esocket0\n", "energy66_input", "660\n", "energy66_label", "Esocket1\n",
           NULL);
    tree_find(SOURCE_HWMON);
    assert_int_equal(counters.count, 2);
    assert_int_equal(tree_uj("package-0", S), 650);
    assert_int_equal(tree_uj("package-1", S), 660);
}

/* A socket's meter covers its rails; where there is none, the CPU's rail stands for it.
 */
static void grace(void **state)
{
    (void)state;
    device("hwmon1", "power_meter\n", "power1_average", "1\n", "device/power1_oem_info",
           "Grace Power Socket 0\n", NULL);
    device("hwmon2", "power_meter\n", "power1_average", "1\n", "device/power1_oem_info",
           "CPU Power Socket 0\n", NULL);
    device("hwmon3", "power_meter\n", "power1_average", "1\n", "device/power1_oem_info",
           "CPU Power Socket 1\n", NULL);
    device("hwmon4", "power_meter\n", "power1_average", "1\n", "device/power1_oem_info",
           "Module Power Socket 1\n", NULL);
    tree_find(SOURCE_HWMON);
    assert_true(tree_counter("package-0")->charged);
    assert_false(tree_counter("cpu-0")->charged);
    assert_true(tree_counter("package-1")->charged);
    assert_int_equal(tree_counter("package-1")->kind, COUNTER_PACKAGE);
    assert_int_equal(tree_counter("module-1")->kind, COUNTER_PLATFORM);
}

/* Its file may hold any number. */
static void a_channel_that_is_off(void **state)
{
    (void)state;
    device("hwmon1", "power_meter\n", "power1_average", "0\n", "power1_enable", "0\n",
           NULL);
    device("hwmon2", "i915\n", "energy1_input", "5\n", "energy1_enable", "0\n", NULL);
    tree_find(SOURCE_HWMON);
    assert_false(tree_counter("acpi")->charged);
    assert_int_equal(tree_uj("acpi", S), -1);
    assert_int_equal(tree_uj("acpi", 60 * S), -1);
    assert_string_equal(tree_counter("acpi")->reason, "the channel is disabled");
    assert_int_equal(tree_uj("gpu-0", S), -1);
    assert_false(counters.sampled);
}

static void unknown_devices_are_shown_and_leave_room(void **state)
{
    (void)state;
    for (int n = 1; n <= COUNTER_MAX; n++) {
        char file[32];

        snprintf(file, sizeof file, "power%d_input", n);
        device("hwmon1", "ina3221\n", file, "5\n", NULL);
    }
    device("hwmon2", "power_meter\n", "power1_average", "1\n", NULL);
    device("hwmon3", "\xff\xfe\n", "power1_input", "1\n", NULL);
    device("hwmon4", "", "power1_input", "1\n", NULL);
    tree_find(SOURCE_HWMON);
    assert_true(tree_counter("acpi")->charged);
    assert_false(tree_counter("ina3221-power1_input")->charged);
    assert_true(tree_says("ina3221-power1_input", "does not know"));
    assert_true(counters.count <= COUNTER_MAX);
}

/* After its driver is loaded again, another device may have the number. */
static void another_device_under_the_same_number(void **state)
{
    char from[256], to[256];

    (void)state;
    tree_put("sys/devices/a/hwmon/hwmon1/name", "i915\n");
    tree_put("sys/devices/a/hwmon/hwmon1/energy1_input", "5\n");
    tree_put("sys/devices/b/hwmon/hwmon2/name", "i915\n");
    tree_put("sys/class/hwmon/none", "");
    tree_path("sys/devices/a/hwmon/hwmon1", to, sizeof to);
    tree_path("sys/class/hwmon/hwmon1", from, sizeof from);
    assert_int_equal(symlink(to, from), 0);
    tree_find(SOURCE_HWMON);
    assert_int_equal(tree_uj("gpu-0", S), 5);
    /* as after ENODEV, but at once */
    close(tree_counter("gpu-0")->fd);
    tree_counter("gpu-0")->fd = -1;
    tree_remove("sys/devices/a/hwmon/hwmon1/energy1_input");
    tree_put("sys/devices/b/hwmon/hwmon1/energy1_input", "6\n");
    tree_path("sys/devices/b/hwmon/hwmon1", to, sizeof to);
    unlink(from);
    assert_int_equal(symlink(to, from), 0);
    assert_int_equal(tree_uj("gpu-0", 60 * S), -1);
}

static void nothing_there(void **state)
{
    (void)state;
    tree_find(SOURCE_HWMON);
    assert_string_equal(counters.absent[SOURCE_HWMON], "there is no sys/class/hwmon");
    counters_close(&counters);
    device("hwmon1", "nvme\n", "temp1_input", "40000\n", NULL);
    tree_find(SOURCE_HWMON);
    assert_string_equal(counters.absent[SOURCE_HWMON],
                        "no device under sys/class/hwmon tells energy");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TREE_TEST(gpus_by_render_node),
        TREE_TEST(a_card_without_a_first_channel),
        TREE_TEST(sockets_behind_many_cores),
        TREE_TEST(grace),
        TREE_TEST(a_channel_that_is_off),
        TREE_TEST(unknown_devices_are_shown_and_leave_room),
        TREE_TEST(another_device_under_the_same_number),
        TREE_TEST(nothing_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
