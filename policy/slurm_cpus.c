/* slurm_cpus.c - how many CPUs of each of its nodes a running job holds */
#include "policy/slurm_cpus.h"

#include <stdlib.h>

#ifdef KWOTA_JOB_CPUS_ON_NODE
static void fill(const slurm_job_info_t *job, int64_t *cpus, int count)
{
    kwota_hostlist list = slurm_hostlist_create(job->nodes);
    char *name;

    for (int i = 0; i < count && (name = slurm_hostlist_shift(list)); i++) {
        int held = slurm_job_cpus_allocated_on_node(job->job_resrcs, name);

        cpus[i] = held > 0 ? held : 0;
        free(name);
    }
    slurm_hostlist_destroy(list);
}
#else
/* "4(x2),3", as numbers: so many nodes in a row hold as many. */
static void unfold(const resource_allocation_response_msg_t *answer, int64_t *cpus,
                   int count)
{
    int i = 0;

    for (uint32_t group = 0; group < answer->num_cpu_groups; group++)
        for (uint32_t n = 0; n < answer->cpu_count_reps[group] && i < count; n++)
            cpus[i++] = answer->cpus_per_node[group];
}

/* An answer about other nodes is of another size of the job: the next look sees that.
 */
static void fill(const slurm_job_info_t *job, int64_t *cpus, int count)
{
    resource_allocation_response_msg_t *answer = NULL;

    if (count == 1) {
        cpus[0] = job->num_cpus;
        return;
    }
    if (slurm_allocation_lookup(job->job_id, &answer) != SLURM_SUCCESS)
        return;
    if ((int)answer->node_cnt == count)
        unfold(answer, cpus, count);
    slurm_free_resource_allocation_response_msg(answer);
}
#endif

int64_t *slurm_cpus_of(const slurm_job_info_t *job, int count)
{
    int64_t *cpus =
        job->job_resrcs && count > 0 ? calloc((size_t)count, sizeof *cpus) : NULL;

    if (cpus)
        fill(job, cpus, count);
    return cpus;
}
