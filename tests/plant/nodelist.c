/* nodelist.c - how many CPUs of this node a prolog's environment says a job has */
#include "tests/plant/nodelist.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One bracket: "1-3,5]", after `prefix`. Counts the names passed in *index. */
static int in_bracket(const char **at, const char *prefix, const char *node, int *index)
{
    while (**at && **at != ']') {
        char *end;
        const char *digits = *at;
        long first = strtol(*at, &end, 10), last = first;
        int width = (int)(end - digits);

        if (end == *at)
            return 0;
        if (*end == '-')
            last = strtol(end + 1, &end, 10);
        for (long n = first; n <= last; n++, (*index)++) {
            char name[320];

            snprintf(name, sizeof name, "%s%0*ld", prefix, width & 31, n);
            if (strcmp(name, node) == 0)
                return 1;
        }
        *at = *end == ',' ? end + 1 : end;
    }
    return 0;
}

int nodelist_index(const char *list, const char *node)
{
    int index = 0;

    for (const char *at = list; *at;) {
        char prefix[256];
        size_t len = strcspn(at, ",[");

        snprintf(prefix, sizeof prefix, "%.*s", (int)len, at);
        at += len;
        if (*at == '[') {
            at++;
            if (in_bracket(&at, prefix, node, &index))
                return index;
            if (*at != ']')
                return -1;
            at++;
        } else {
            if (strcmp(prefix, node) == 0)
                return index;
            index++;
        }
        if (*at == ',')
            at++;
    }
    return -1;
}

int nodelist_cpus(const char *cpus_per_node, int index)
{
    for (const char *at = cpus_per_node; *at && index >= 0;) {
        char *end;
        long cpus = strtol(at, &end, 10), times = 1;

        if (end == at)
            return -1;
        if (strncmp(end, "(x", 2) == 0) {
            times = strtol(end + 2, &end, 10);
            if (*end == ')')
                end++;
        }
        if (index < times)
            return (int)cpus;
        index -= (int)times;
        at = *end == ',' ? end + 1 : end;
    }
    return -1;
}
