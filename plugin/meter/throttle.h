/* throttle.h - the CPU quota of a job's cgroup on this node
 *
 * Under cgroup v2, and under v1 where cpu and cpuacct are one hierarchy, the quota is
 * that of the job's own directory (cpu.max, cpu.cfs_quota_us), which Slurm makes with
 * the job's first step and takes away with its last. Where v1 has cpu alone, Slurm has
 * no directory there: a group of the meter's own, kwota/NODE/job_N, takes the job's
 * processes in as they come, which other hierarchies' directories of the job list.
 *
 * The mounts are found through libcgroup. Nothing here remembers what was before:
 * struct caps_quota does, which is saved before anything is set. One thread at a time.
 */
#ifndef METER_THROTTLE_H
#define METER_THROTTLE_H

#include "plugin/meter/caps_book.h"
#include "plugin/meter/cputime.h"

struct throttle {
    char node[64];
    char proc[64];     /* /proc */
    char cpu[256];     /* where v1's cpu is mounted; "": nowhere */
    char cpuacct[256]; /* … cpuacct, freezer and cpuset: where Slurm keeps jobs */
    char freezer[256];
    char cpuset[256];
    char v2[256]; /* where the unified hierarchy is, if cpu is there */
};

enum throttle_result {
    THROTTLE_OK,
    THROTTLE_LATER,   /* the job has no cgroup yet */
    THROTTLE_FOREIGN, /* someone else has set another quota, which stands */
    THROTTLE_FAILED,
};

void throttle_open(struct throttle *throttle, const char *node);

/* Where and to what a job of so many CPUs is to be held, in `quota`, whose earlier
 * contents are respected. Changes nothing on the node. FAILED and OK with an empty
 * `dir` (a tighter quota is there already) are final. */
enum throttle_result throttle_plan(const struct throttle *throttle,
                                   const struct cputime_of *of, int64_t cpus,
                                   int32_t percent, struct caps_quota *quota,
                                   char why[LIMIT_WHY]);

/* Sets what was planned, and takes new processes in; to be called again and again. */
enum throttle_result throttle_apply(const struct throttle *throttle,
                                    const struct cputime_of *of,
                                    const struct caps_quota *quota,
                                    char why[LIMIT_WHY]);

/* As it was before: processes go back, the meter's own group is removed; FOREIGN: it
 * was left as it is. FAILED may work later. */
enum throttle_result throttle_undo(const struct throttle *throttle,
                                   const struct caps_quota *quota, char why[LIMIT_WHY]);

#endif
