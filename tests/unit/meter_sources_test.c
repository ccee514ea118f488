/* meter_sources_test.c - the list of sources: what it says, and how mistakes are told
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "plugin/meter/sources.h"

static int parse(struct sources *sources, const char *text, char *error)
{
    sources_default(sources, "/");
    error[0] = '\0';
    return sources_parse(sources, text, strlen(text), error);
}

static void everything_has_a_default(void **state)
{
    struct sources sources, unchanged;
    char error[SOURCES_ERROR];

    (void)state;
    assert_int_equal(parse(&sources, "{\"version\": 1}", error), 0);
    sources_default(&unchanged, "/");
    assert_memory_equal(&sources, &unchanged, sizeof sources);
    for (int s = 0; s < SOURCES; s++)
        assert_true(sources.use[s]);
}

static void everything_can_be_said(void **state)
{
    static const char list[] =
        "{\"version\": 1,"
        " \"sources\": {\"powercap\": true, \"hwmon\": false,"
        "   \"nvml\": {\"library\": \"/opt/nvml.so\"}, \"rsmi\": {\"library\": \"/r\"},"
        "   \"pm_counters\": {\"gpus_per_accelerator\": 2},"
        "   \"dcmi\": {\"tool\": \"/usr/sbin/ipmi-dcmi\", \"every_s\": 10}},"
        " \"prefer\": {\"package\": [\"hwmon\", \"powercap\"], \"platform\": []},"
        " \"overlaps\": {\"psys\": [\"package\", \"gpu\"], \"acpi\": []},"
        " \"sample_ms\": 250}";
    struct sources sources;
    char error[SOURCES_ERROR];

    (void)state;
    assert_int_equal(parse(&sources, list, error), 0);
    assert_true(sources.use[SOURCE_POWERCAP]);
    assert_false(sources.use[SOURCE_HWMON]);
    assert_string_equal(sources.library[SOURCE_NVML], "/opt/nvml.so");
    assert_string_equal(sources.library[SOURCE_RSMI], "/r");
    assert_string_equal(sources.library[SOURCE_DCMI], "/usr/sbin/ipmi-dcmi");
    assert_int_equal(sources.dcmi_ms, 10000);
    assert_int_equal(sources.gpus_per_accelerator, 2);
    assert_int_equal(sources.prefer[COUNTER_PACKAGE][0], SOURCE_HWMON);
    assert_int_equal(sources.prefer[COUNTER_PACKAGE][1], SOURCE_POWERCAP);
    assert_int_equal(sources.prefer[COUNTER_PACKAGE][2], -1);
    assert_int_equal(sources.prefer[COUNTER_PLATFORM][0], -1);
    assert_int_equal(sources.overlap_count, 2);
    assert_string_equal(sources.overlaps[0].counter, "psys");
    assert_int_equal(sources.overlaps[0].kinds,
                     1U << COUNTER_PACKAGE | 1U << COUNTER_GPU);
    assert_int_equal(sources.overlaps[1].kinds, 0);
    assert_int_equal(sources.sample_ms, 250);
}

/* V: a list with the version and one thing more. */
#define V(rest) "{\"version\": 1, " rest "}"

static void mistakes_are_named(void **state)
{
    static const struct {
        const char *list, *words;
    } table[] = {
        {"", "1: "},
        {"[]", "\"version\": 1"},
        {"{}", "\"version\": 1"},
        {"{\"version\": 2}", "\"version\" must be 1"},
        {"{\"version\": 1.0}", "\"version\" must be 1"},
        {"{\"version\": 1,\n \"version\": 1}", "2: "},
        {V("\"prefers\": {}"), "\"prefers\" is none of"},
        {V("\"sources\": []"), "\"sources\" takes an object"},
        {V("\"sources\": {\"rapl\": true}"), "\"rapl\" is none of powercap, nvml"},
        {V("\"sources\": {\"hwmon\": 1}"), "sources.hwmon takes true, false"},
        {V("\"sources\": {\"hwmon\": {\"library\": \"/x\"}}"),
         "sources.hwmon: there is no \"library\""},
        {V("\"sources\": {\"nvml\": {\"tool\": \"/x\"}}"),
         "sources.nvml: there is no \"tool\""},
        {V("\"sources\": {\"nvml\": {\"library\": \"x.so\"}}"), "library takes a path"},
        {V("\"sources\": {\"nvml\": {\"library\": \"\"}}"), "library takes a path"},
        {V("\"sources\": {\"nvml\": {\"library\": null}}"), "library takes a path"},
        {V("\"sources\": {\"dcmi\": {\"every_s\": 0}}"),
         "every_s takes a whole number"},
        {V("\"sources\": {\"dcmi\": {\"every_s\": \"9\"}}"), "every_s takes"},
        {V("\"sources\": {\"pm_counters\": {\"gpus_per_accelerator\": 9}}"),
         "gpus_per_accelerator takes a whole number from 1 to 8"},
        {V("\"prefer\": []"), "\"prefer\" takes an object"},
        {V("\"prefer\": {\"core\": []}"), "\"core\" is none of package"},
        {V("\"prefer\": {\"gpu\": \"nvml\"}"), "prefer.gpu takes a list"},
        {V("\"prefer\": {\"gpu\": [7]}"), "prefer.gpu: \"?\" is no source"},
        {V("\"prefer\": {\"gpu\": [\"nvml\", \"nvml\"]}"),
         "prefer.gpu names nvml twice"},
        {V("\"overlaps\": {\"psys\": true}"), "overlaps.psys takes a list"},
        {V("\"overlaps\": {\"\": []}"), "overlaps. takes a list"},
        {V("\"overlaps\": {\"psys\": [\"platform\"]}"), "\"platform\" is none of"},
        {V("\"overlaps\": {\"a\":[],\"b\":[],\"c\":[],\"d\":[],\"e\":[],\"f\":[],"
           "\"g\":[],\"h\":[],\"i\":[]}"),
         "overlaps: more than 8 counters"},
        {V("\"sample_ms\": 99"), "sample_ms takes a whole number from 100 to 60000"},
        {V("\"sample_ms\": 1e3"), "sample_ms takes"},
        {V("\"sample_ms\": 123456789012345678901234567890"), "1: "},
        {V("\"sample_ms\": 100} {"), "1: "},
        {"{\"version\": 1, \"\xff\": 2}", "1: "},
    };
    struct sources sources;
    char error[SOURCES_ERROR];

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        assert_int_equal(parse(&sources, table[i].list, error), -1);
        if (!strstr(error, table[i].words))
            fail_msg("%s: \"%s\" does not say %s", table[i].list, error,
                     table[i].words);
    }
}

/* A path as long as there is room for, and one byte longer. */
static void long_paths(void **state)
{
    struct sources sources;
    char error[SOURCES_ERROR], path[COUNTER_PATH + 1], list[2 * COUNTER_PATH];

    (void)state;
    memset(path, 'x', sizeof path);
    path[0] = '/';
    path[COUNTER_PATH] = '\0';
    snprintf(list, sizeof list, V("\"sources\": {\"nvml\": {\"library\": \"%s\"}}"),
             path);
    assert_int_equal(parse(&sources, list, error), -1);
    path[COUNTER_PATH - 1] = '\0';
    snprintf(list, sizeof list, V("\"sources\": {\"nvml\": {\"library\": \"%s\"}}"),
             path);
    assert_int_equal(parse(&sources, list, error), 0);
    assert_string_equal(sources.library[SOURCE_NVML], path);
}

/* Writes `length` blanks behind a list. */
static void write_list(const char *path, const char *list, int length)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fprintf(file, "%s%*s", list, length, "");
    fclose(file);
}

static void files_are_named(void **state)
{
    char folder[] = "/tmp/kwota-sources-test-XXXXXX", path[64];
    struct sources sources;
    char error[SOURCES_ERROR];

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/list", folder);
    sources_default(&sources, "/");
    assert_int_equal(sources_read(&sources, path, error), -1);
    assert_non_null(strstr(error, path));
    assert_non_null(strstr(error, "No such file"));
    assert_int_equal(sources_read(&sources, folder, error), -1);
    assert_non_null(strstr(error, folder));
    assert_non_null(strstr(error, "Is a directory"));
    write_list(path, "{\"version\": 1,\n\n 5}", 0);
    assert_int_equal(sources_read(&sources, path, error), -1);
    assert_memory_equal(error, path, strlen(path));
    assert_memory_equal(error + strlen(path), ":3: ", 4);
    write_list(path, V("\"sample_ms\": 200"), 70000);
    assert_int_equal(sources_read(&sources, path, error), -1);
    assert_non_null(strstr(error, "larger than"));
    write_list(path, V("\"sample_ms\": 200"), 1);
    assert_int_equal(sources_read(&sources, path, error), 0);
    assert_int_equal(sources.sample_ms, 200);
    assert_string_equal(sources.told, path);
    unlink(path);
    rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_has_a_default),
        cmocka_unit_test(everything_can_be_said),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(long_paths),
        cmocka_unit_test(files_are_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
