/* nodelist.h - how many CPUs of this node a prolog's environment says a job has */
#ifndef PLANT_NODELIST_H
#define PLANT_NODELIST_H

/* The place of `node` in a list such as "n[1-3,5],gpu07", counted from 0; -1 if it is
 * not in it. */
int nodelist_index(const char *list, const char *node);

/* The number for place `index` in SLURM_JOB_CPUS_PER_NODE, "2(x3),1"; -1 if there is
 * none. */
int nodelist_cpus(const char *cpus_per_node, int index);

#endif
