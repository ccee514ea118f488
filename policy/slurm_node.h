/* slurm_node.h - what the slurm_*.c share about nodes; nobody else includes it */
#ifndef KWOTA_SLURM_NODE_H
#define KWOTA_SLURM_NODE_H

#include "plugin/slurm_version.h"

#include <stdint.h>

/* The CPUs that jobs can get: the node's less the specialized ones. */
static inline int64_t slurm_node_cpus(const node_info_t *node)
{
    if (node->cpus_efctv)
        return node->cpus_efctv;
    return node->cpus - (int64_t)node->core_spec_cnt * node->threads;
}

#endif
