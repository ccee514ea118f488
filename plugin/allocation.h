/* allocation.h - a job's CPUs on one node, as Slurm's texts tell them */
#ifndef KWOTA_ALLOCATION_H
#define KWOTA_ALLOCATION_H

/* The number for place `index` (from 0) in "2(x3),1": 2, 2, 2, 1. -1 if there is none
 * or the text is not of that form. Pure. */
long allocation_cpus(const char *cpus_per_node, int index);

/* How many there are in a list of cores such as "0-3,7": 5. -1 if it is no such list.
 * Pure. */
long allocation_cores(const char *list);

#endif
