/* meter_powercap_test.c - powercap trees, good ones and hostile ones */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "plugin/meter/counter.h"
#include "plugin/meter/sources.h"

static char root[] = "/tmp/kwota-powercap-test-XXXXXX";
static struct sources sources;
static struct counters counters;

static void find(void)
{
    sources_default(&sources, root);
    for (int s = 0; s < SOURCES; s++)
        sources.use[s] = s == SOURCE_POWERCAP;
    counters_open(&counters, &sources);
}

/* As the meter reads: 0 and the value, or -1. */
static int read_uj(const struct counter *counter, int64_t *uj)
{
    struct counter_reading reading;
    int rc = counters_read(&counters, (int)(counter - counters.item), 1, &reading);

    if (rc == 0)
        *uj = reading.uj;
    return rc;
}

static void put(const char *zone, const char *file, const char *text)
{
    char path[256];
    FILE *out;

    snprintf(path, sizeof path, "%s/sys", root);
    mkdir(path, 0755);
    strcat(path, "/class");
    mkdir(path, 0755);
    strcat(path, "/powercap");
    mkdir(path, 0755);
    snprintf(path, sizeof path, "%s/sys/class/powercap/%s", root, zone);
    mkdir(path, 0755);
    snprintf(path, sizeof path, "%s/sys/class/powercap/%s/%s", root, zone, file);
    out = fopen(path, "w");
    assert_non_null(out);
    fputs(text, out);
    fclose(out);
}

static void zone(const char *zone_name, const char *name, const char *energy)
{
    put(zone_name, "name", name);
    put(zone_name, "max_energy_range_uj", "262143328850\n");
    if (energy)
        put(zone_name, "energy_uj", energy);
}

static int make_root(void **state)
{
    (void)state;
    strcpy(root + strlen(root) - 6, "XXXXXX");
    return mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **state)
{
    char command[128];

    (void)state;
    counters_close(&counters);
    snprintf(command, sizeof command, "rm -r '%s'", root);
    return system(command);
}

static struct counter *named(const char *name)
{
    for (int i = 0; i < counters.count; i++)
        if (strcmp(counters.item[i].name, name) == 0)
            return &counters.item[i];
    fail_msg("no counter %s", name);
    return NULL;
}

static uint64_t bit(const char *name)
{
    return UINT64_C(1) << (named(name) - counters.item);
}

static void two_sockets(void **state)
{
    int64_t uj;

    (void)state;
    zone("intel-rapl:0", "package-0\n", "111\n");
    zone("intel-rapl:0:0", "dram\n", "222\n");
    zone("intel-rapl:0:1", "core\n", "333\n");
    zone("intel-rapl:1", "package-1\n", "444\n");
    zone("intel-rapl:1:0", "dram\n", "555\n");
    zone("intel-rapl:2", "psys\n", "666\n");
    zone("intel-rapl-mmio:0", "package-0\n", "777\n");
    find();
    assert_int_equal(counters.count, 7);
    assert_int_equal(read_uj(named("package-0"), &uj), 0);
    assert_int_equal(uj, 111);
    assert_int_equal(named("package-0")->range_uj, 262143328850);
    assert_int_equal(read_uj(named("dram-1"), &uj), 0);
    assert_int_equal(uj, 555);
    assert_int_equal(named("dram-1")->kind, COUNTER_DRAM);
    assert_true(named("package-1")->charged);
    assert_false(named("core-0")->charged);
    /* beyond packages and memories, the platform's own */
    assert_true(named("psys")->charged);
    assert_int_equal(named("psys")->covers, bit("package-0") | bit("package-1") |
                                                bit("dram-0") | bit("dram-1"));
    assert_int_equal(named("psys")->kind, COUNTER_PLATFORM);
    assert_false(named("mmio-package-0")->charged);
}

static void no_value_is_no_zero(void **state)
{
    static const char *const hostile[] = {
        "",           "\n",
        "-5\n",       "12x\n",
        "0x10\n",     "999999999999999999999999999999\n",
        "\xff\xfe\n", "262143328851\n"};
    int64_t uj = 42;

    (void)state;
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
        zone("intel-rapl:0", "package-0\n", hostile[i]);
        find();
        assert_int_equal(read_uj(named("package-0"), &uj), -1);
        assert_int_equal(uj, 42);
        assert_true(named("package-0")->reason[0]);
        counters_close(&counters);
    }
}

static void missing_files_have_reasons(void **state)
{
    int64_t uj;
    char path[256];

    (void)state;
    zone("intel-rapl:0", "package-0\n", NULL);
    zone("intel-rapl:1", "package-1\n", "5\n");
    put("intel-rapl:1", "max_energy_range_uj", "");
    zone("intel-rapl:2", "package-2\n", NULL);
    snprintf(path, sizeof path, "%s/sys/class/powercap/intel-rapl:2/energy_uj", root);
    mkdir(path, 0755);
    find();
    for (int i = 0; i < 3; i++) {
        assert_true(read_uj(&counters.item[i], &uj) == -1 || !counters.item[i].charged);
        assert_true(counters.item[i].reason[0]);
    }
}

static void nothing_there(void **state)
{
    (void)state;
    find();
    assert_int_equal(counters.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(two_sockets, make_root, remove_root),
        cmocka_unit_test_setup_teardown(no_value_is_no_zero, make_root, remove_root),
        cmocka_unit_test_setup_teardown(missing_files_have_reasons, make_root,
                                        remove_root),
        cmocka_unit_test_setup_teardown(nothing_there, make_root, remove_root),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
