/* tree.h - a made-up root for one test, and the counters found below it */
#ifndef KWOTA_TREE_H
#define KWOTA_TREE_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "plugin/meter/counter.h"
#include "plugin/meter/sources.h"

static char tree_root[] = "/tmp/kwota-tree-test-XXXXXX";
static struct sources sources;
static struct counters counters;

static inline void tree_path(const char *file, char *path, size_t size)
{
    snprintf(path, size, "%s/%s", tree_root, file);
}

/* Writes a file in place, with the folders above it, as a driver changes its text. */
static inline void tree_put(const char *file, const char *text)
{
    char path[512];
    FILE *out;

    tree_path(file, path, sizeof path);
    for (char *at = path + sizeof tree_root; (at = strchr(at, '/')); *at++ = '/') {
        *at = '\0';
        mkdir(path, 0755);
    }
    out = fopen(path, "we");
    assert_non_null(out);
    fputs(text, out);
    assert_int_equal(fclose(out), 0);
}

static inline void tree_remove(const char *file)
{
    char path[512];

    tree_path(file, path, sizeof path);
    assert_int_equal(remove(path), 0);
}

/* The counters of one source; `sources` can be changed after tree_sources(). */
static inline void tree_sources(enum counter_source source)
{
    sources_default(&sources, tree_root);
    for (int s = 0; s < SOURCES; s++)
        sources.use[s] = s == (int)source;
}

static inline void tree_find(enum counter_source source)
{
    tree_sources(source);
    counters_open(&counters, &sources);
}

static inline struct counter *tree_counter(const char *name)
{
    for (int c = 0; c < counters.count; c++)
        if (strcmp(counters.item[c].name, name) == 0)
            return &counters.item[c];
    fail_msg("there is no %s", name);
    return NULL;
}

/* One round of the meter: 0 and the reading, or -1 and the reason is not empty. */
static inline int tree_read(const char *name, int64_t now_ns,
                            struct counter_reading *reading)
{
    struct counter *counter = tree_counter(name);
    int rc;

    counters_begin(&counters, now_ns);
    rc = counters_read(&counters, (int)(counter - counters.item), now_ns, reading);
    assert_true(rc == 0 || counter->reason[0]);
    return rc;
}

/* The value alone, or -1. */
static inline int64_t tree_uj(const char *name, int64_t now_ns)
{
    struct counter_reading reading;

    return tree_read(name, now_ns, &reading) < 0 ? -1 : reading.uj;
}

static inline bool tree_says(const char *name, const char *words)
{
    return strstr(tree_counter(name)->reason, words) != NULL;
}

static inline int tree_make(void **state)
{
    (void)state;
    strcpy(tree_root + strlen(tree_root) - 6, "XXXXXX");
    return mkdtemp(tree_root) ? 0 : -1;
}

static inline int tree_unmake(void **state)
{
    char command[128];

    (void)state;
    counters_close(&counters);
    snprintf(command, sizeof command, "rm -r '%s'", tree_root);
    return system(command);
}

#define TREE_TEST(test) cmocka_unit_test_setup_teardown(test, tree_make, tree_unmake)

#endif
