/* jobs.h - the CPU time that the jobs of a node use, as their cgroups say */
#ifndef PLANT_JOBS_H
#define PLANT_JOBS_H

#include "tests/plant/model.h"

/* Reads every job's cgroup of `node` below `cgroup_root` (v1: cpuacct, named slurm_NODE
 * or slurm; v2: Slurm's scope in system.slice) and sets the jobs' used_ns to what they
 * used since the last look. */
void jobs_look(struct model *model, const char *cgroup_root, const char *node);

#endif
