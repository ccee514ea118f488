/* allocation.c - a job's CPUs on one node, as Slurm's texts tell them */
#include "plugin/allocation.h"

#include <stdlib.h>
#include <string.h>

long allocation_cpus(const char *cpus_per_node, int index)
{
    const char *at = cpus_per_node;

    if (!at || index < 0)
        return -1;
    while (*at) {
        char *end;
        long cpus = strtol(at, &end, 10), times = 1;

        if (end == at || cpus < 1)
            return -1;
        if (strncmp(end, "(x", 2) == 0) {
            at = end + 2;
            times = strtol(at, &end, 10);
            if (end == at || times < 1 || *end != ')')
                return -1;
            end++;
        }
        if (index < times)
            return cpus;
        index -= (int)times;
        if (*end != ',')
            return -1;
        at = end + 1;
    }
    return -1;
}

long allocation_cores(const char *list)
{
    const char *at = list;
    long count = 0;

    while (at && *at) {
        char *end;
        long first = strtol(at, &end, 10), last = first;

        if (end == at || first < 0)
            return -1;
        if (*end == '-') {
            at = end + 1;
            last = strtol(at, &end, 10);
            if (end == at || last < first)
                return -1;
        }
        if (last - first >= 65536 || (*end && *end != ','))
            return -1;
        count += last - first + 1;
        at = *end ? end + 1 : end;
    }
    return count > 0 ? count : -1;
}
