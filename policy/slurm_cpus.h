/* slurm_cpus.h - how many CPUs of each of its nodes a running job holds
 *
 * For the slurm_*.c alone. Thread-safe, as libslurm's calls are.
 */
#ifndef KWOTA_SLURM_CPUS_H
#define KWOTA_SLURM_CPUS_H

#include "plugin/slurm_version.h"

#include <stdint.h>

/* The CPUs of the job's nodes in the order of its node list, `count` of them; 0: not
 * known. `job` is what slurm_load_job() gave, with SHOW_DETAIL. The caller frees what
 * it is given; NULL: nothing is known. Newer versions of Slurm have to be asked once
 * more for a job of several nodes. */
int64_t *slurm_cpus_of(const slurm_job_info_t *job, int count);

#endif
