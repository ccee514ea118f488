/* allocation.c - a job's CPUs on one node, from SLURM_JOB_CPUS_PER_NODE */
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
