/* request.h - what a job asks for, as far as admission looks at it
 *
 * Slurm's own structure has other fields in every version; one file fills this from it.
 */
#ifndef KWOTA_REQUEST_H
#define KWOTA_REQUEST_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "policy/budget_map.h"
#include "policy/estimate.h"

/* For limit_min: as long as the partition lets it. */
#define REQUEST_UNLIMITED (-1)

/* A limit_s when neither the job nor the partition has one. */
#define REQUEST_NO_LIMIT INT64_MAX

/* What is not given is NULL or 0. */
struct request {
    uid_t uid;
    const char *account;
    const char *partition; /* one, or several with commas: any of them may get it */
    const char *licenses;
    const char *budget;        /* after --energy-budget= */
    const char *gpu_power_cap; /* after --gpu-power-cap= */
    const char *tres_per_job, *tres_per_node, *tres_per_socket, *tres_per_task;
    int64_t limit_min; /* or REQUEST_UNLIMITED */
    int64_t nodes;     /* the least that it takes */
    int64_t cpus;      /* … in all */
    int64_t tasks, cpus_per_task, tasks_per_node, cpus_per_node, sockets_per_node;
    bool exclusive;  /* nodes to itself */
    bool overcommit; /* tasks may share CPUs */
};

/* The shape it would have in a partition, where the partition's own rules fill what it
 * leaves open. Never less than one node and one CPU. */
void request_shape(const struct request *request, const struct map_partition *partition,
                   struct shape *shape);

#endif
