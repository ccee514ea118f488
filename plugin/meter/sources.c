/* sources.c - the JSON list that says which sources of counters are used */
#include "plugin/meter/sources.h"

#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A list is a page of text; what is longer is another file. */
#define MAX_TEXT 65536

static int refuse(char error[SOURCES_ERROR], const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static int refuse(char error[SOURCES_ERROR], const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    vsnprintf(error, SOURCES_ERROR, format, ap);
    va_end(ap);
    return -1;
}

void sources_default(struct sources *sources, const char *root)
{
    static const int prefer[COUNTER_KINDS][SOURCES] = {
        [COUNTER_PACKAGE] = {SOURCE_POWERCAP, SOURCE_PM_COUNTERS, SOURCE_HWMON, -1},
        [COUNTER_DRAM] = {SOURCE_POWERCAP, SOURCE_PM_COUNTERS, -1},
        [COUNTER_GPU] = {SOURCE_NVML, SOURCE_RSMI, SOURCE_PM_COUNTERS, SOURCE_HWMON,
                         -1},
        [COUNTER_PLATFORM] = {SOURCE_PM_COUNTERS, SOURCE_HWMON, SOURCE_DCMI,
                              SOURCE_POWERCAP, -1},
        [COUNTER_CORE] = {-1}};

    memset(sources, 0, sizeof *sources);
    sources->root = root;
    for (int s = 0; s < SOURCES; s++)
        sources->use[s] = true;
    memcpy(sources->prefer, prefer, sizeof prefer);
    sources->sample_ms = 1000;
    sources->dcmi_ms = 30000;
    sources->gpus_per_accelerator = 1;
}

static int read_integer(const json_t *value, const char *name, int64_t least,
                        int64_t most, int64_t *to, char *error)
{
    if (!json_is_integer(value) || json_integer_value(value) < least ||
        json_integer_value(value) > most)
        return refuse(error, "%s takes a whole number from %lld to %lld", name,
                      (long long)least, (long long)most);
    *to = json_integer_value(value);
    return 0;
}

static int read_path(const json_t *value, const char *name, char path[COUNTER_PATH],
                     char *error)
{
    const char *text = json_string_value(value);

    if (!text || text[0] != '/' || strlen(text) >= COUNTER_PATH)
        return refuse(error,
                      "%s takes a path that begins with /, of less than %d bytes", name,
                      COUNTER_PATH);
    snprintf(path, COUNTER_PATH, "%s", text);
    return 0;
}

static int read_option(struct sources *sources, int source, const char *key,
                       const json_t *value, char *error)
{
    int64_t number;

    if ((strcmp(key, "library") == 0 &&
         (source == SOURCE_NVML || source == SOURCE_RSMI)) ||
        (strcmp(key, "tool") == 0 && source == SOURCE_DCMI))
        return read_path(value, key, sources->library[source], error);
    if (strcmp(key, "every_s") == 0 && source == SOURCE_DCMI) {
        if (read_integer(value, key, 1, 3600, &number, error) < 0)
            return -1;
        sources->dcmi_ms = number * 1000;
        return 0;
    }
    if (strcmp(key, "gpus_per_accelerator") == 0 && source == SOURCE_PM_COUNTERS) {
        if (read_integer(value, key, 1, COUNTER_SLICES, &number, error) < 0)
            return -1;
        sources->gpus_per_accelerator = (int32_t)number;
        return 0;
    }
    return refuse(error, "sources.%s: there is no \"%.40s\" for this source",
                  counter_source_name((enum counter_source)source), key);
}

static int read_source(struct sources *sources, const char *name, json_t *value,
                       char *error)
{
    int source = counter_source_of(name);
    const char *key;
    json_t *one;

    if (source < 0)
        return refuse(
            error,
            "sources: \"%.40s\" is none of powercap, nvml, rsmi, pm_counters, "
            "hwmon, dcmi",
            name);
    if (json_is_boolean(value)) {
        sources->use[source] = json_is_true(value);
        return 0;
    }
    if (!json_is_object(value))
        return refuse(error, "sources.%s takes true, false or an object", name);
    json_object_foreach(value, key, one)
    {
        if (read_option(sources, source, key, one, error) < 0)
            return -1;
    }
    return 0;
}

static int read_preference(struct sources *sources, const char *name, json_t *list,
                           char *error)
{
    int kind = counter_kind_of(name), count = 0;
    size_t i;
    json_t *one;

    if (kind < 0 || kind == COUNTER_CORE)
        return refuse(
            error, "prefer: \"%.40s\" is none of package, dram, gpu, platform", name);
    if (!json_is_array(list))
        return refuse(error, "prefer.%s takes a list of sources", name);
    json_array_foreach(list, i, one)
    {
        const char *text = json_string_value(one);
        int source = text ? counter_source_of(text) : -1;

        if (source < 0)
            return refuse(error, "prefer.%s: \"%.40s\" is no source", name,
                          text ? text : "?");
        for (int p = 0; p < count; p++)
            if (sources->prefer[kind][p] == source)
                return refuse(error, "prefer.%s names %s twice", name, text);
        sources->prefer[kind][count++] = source;
    }
    if (count < SOURCES)
        sources->prefer[kind][count] = -1;
    return 0;
}

static int read_overlap(struct sources *sources, const char *name, json_t *list,
                        char *error)
{
    size_t most = sizeof sources->overlaps / sizeof sources->overlaps[0], i;
    json_t *one;
    uint32_t kinds = 0;
    int o = sources->overlap_count;

    if ((size_t)o == most)
        return refuse(error, "overlaps: more than %zu counters", most);
    if (!json_is_array(list) || !name[0] || strlen(name) >= COUNTER_NAME)
        return refuse(error, "overlaps.%.40s takes a list of kinds", name);
    json_array_foreach(list, i, one)
    {
        const char *text = json_string_value(one);
        int kind = text ? counter_kind_of(text) : -1;

        if (kind < 0 || kind > COUNTER_GPU)
            return refuse(error, "overlaps.%s: \"%.40s\" is none of package, dram, gpu",
                          name, text ? text : "?");
        kinds |= 1U << kind;
    }
    snprintf(sources->overlaps[o].counter, COUNTER_NAME, "%s", name);
    sources->overlaps[o].kinds = kinds;
    sources->overlap_count++;
    return 0;
}

typedef int read_entry(struct sources *, const char *, json_t *, char *);

static int read_each(struct sources *sources, const char *key, json_t *object,
                     read_entry *read, char *error)
{
    const char *name;
    json_t *value;

    if (!json_is_object(object))
        return refuse(error, "\"%s\" takes an object", key);
    json_object_foreach(object, name, value)
    {
        if (read(sources, name, value, error) < 0)
            return -1;
    }
    return 0;
}

static int read_key(struct sources *sources, const char *key, json_t *value,
                    char *error)
{
    if (strcmp(key, "version") == 0)
        return json_is_integer(value) && json_integer_value(value) == 1
                   ? 0
                   : refuse(error, "\"version\" must be 1");
    if (strcmp(key, "sources") == 0)
        return read_each(sources, key, value, read_source, error);
    if (strcmp(key, "prefer") == 0)
        return read_each(sources, key, value, read_preference, error);
    if (strcmp(key, "overlaps") == 0)
        return read_each(sources, key, value, read_overlap, error);
    if (strcmp(key, "sample_ms") == 0)
        return read_integer(value, key, 100, 60000, &sources->sample_ms, error);
    return refuse(error,
                  "\"%.40s\" is none of version, sources, prefer, overlaps, sample_ms",
                  key);
}

int sources_parse(struct sources *sources, const char *text, size_t length,
                  char error[SOURCES_ERROR])
{
    json_error_t where;
    json_t *list = json_loadb(text, length, JSON_REJECT_DUPLICATES, &where), *value;
    const char *key;
    int rc = 0;

    if (!list)
        return refuse(error, "%d: %.200s", where.line, where.text);
    if (!json_is_object(list) || !json_object_get(list, "version"))
        rc = refuse(error, "1: a list of sources is an object with \"version\": 1");
    json_object_foreach(list, key, value)
    {
        if (rc == 0)
            rc = read_key(sources, key, value, error);
    }
    json_decref(list);
    return rc;
}

int sources_read(struct sources *sources, const char *path, char error[SOURCES_ERROR])
{
    char *text = malloc(MAX_TEXT), said[SOURCES_ERROR];
    FILE *file = fopen(path, "re");
    size_t length;
    int rc;

    if (!text || !file) {
        rc = refuse(error, "%.150s: %s", path, strerror(errno));
    } else {
        length = fread(text, 1, MAX_TEXT, file);
        if (ferror(file))
            rc = refuse(error, "%.150s: %s", path, strerror(errno));
        else if (length == MAX_TEXT)
            rc = refuse(error, "%.150s: it is larger than a list of sources may be",
                        path);
        else if ((rc = sources_parse(sources, text, length, said)) < 0)
            refuse(error, "%.100s:%.150s", path, said);
        snprintf(sources->told, sizeof sources->told, "%s", path);
    }
    if (file)
        fclose(file);
    free(text);
    return rc;
}
