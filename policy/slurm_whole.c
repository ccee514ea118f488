/* slurm_whole.c - which past runs had all of their nodes to themselves */
#include "plugin/slurm_version.h"

#include "policy/slurm_whole.h"

#include <stdlib.h>
#include <string.h>

#include "policy/slurm_node.h"
#include "policy/tres.h"

struct whole {
    node_info_msg_t *nodes;
    const node_info_t **by_name; /* of the above */
    size_t count;
    partition_info_msg_t *partitions;
};

static int by_name(const void *a, const void *b)
{
    const node_info_t *const *x = a, *const *y = b;

    return strcmp((*x)->name, (*y)->name);
}

static int sort_nodes(struct whole *whole)
{
    whole->by_name =
        calloc((size_t)whole->nodes->record_count + 1, sizeof(node_info_t *));
    if (!whole->by_name)
        return -1;
    for (uint32_t i = 0; i < whole->nodes->record_count; i++)
        if (whole->nodes->node_array[i].name)
            whole->by_name[whole->count++] = &whole->nodes->node_array[i];
    qsort(whole->by_name, whole->count, sizeof *whole->by_name, by_name);
    return 0;
}

struct whole *whole_load(void)
{
    struct whole *whole = calloc(1, sizeof *whole);

    if (whole && slurm_load_node(0, &whole->nodes, SHOW_ALL) == SLURM_SUCCESS &&
        slurm_load_partitions(0, &whole->partitions, SHOW_ALL) == SLURM_SUCCESS &&
        sort_nodes(whole) == 0)
        return whole;
    whole_free(whole);
    return NULL;
}

void whole_free(struct whole *whole)
{
    if (!whole)
        return;
    if (whole->nodes)
        slurm_free_node_info_msg(whole->nodes);
    if (whole->partitions)
        slurm_free_partition_info_msg(whole->partitions);
    free(whole->by_name);
    free(whole);
}

/* A partition that is no more may have been anything. */
static bool cpus_are_ones_own(const struct whole *whole, const char *name)
{
    for (uint32_t i = 0; i < whole->partitions->record_count; i++) {
        const partition_info_t *one = &whole->partitions->partition_array[i];

        if (one->name && strcmp(one->name, name) == 0)
            return (one->max_share & ~SHARED_FORCE) <= 1;
    }
    return false;
}

static const node_info_t *find_node(const struct whole *whole, char *name)
{
    const node_info_t wanted = {.name = name}, *key = &wanted;
    const node_info_t **found =
        bsearch(&key, whole->by_name, whole->count, sizeof *whole->by_name, by_name);

    return found ? *found : NULL;
}

/* -1: not all of them are known. */
static int64_t cpus_of(const struct whole *whole, const char *nodes)
{
    kwota_hostlist list = slurm_hostlist_create(nodes);
    int64_t cpus = list ? 0 : -1;
    char *name;

    while (cpus >= 0 && (name = slurm_hostlist_shift(list))) {
        const node_info_t *node = find_node(whole, name);

        cpus = node ? cpus + slurm_node_cpus(node) : -1;
        free(name);
    }
    if (list)
        slurm_hostlist_destroy(list);
    return cpus;
}

bool whole_had(const struct whole *whole, const struct past_run *run)
{
    int64_t cpus = tres_count(run->allocated, "cpu");

    return cpus > 0 && cpus_are_ones_own(whole, run->partition) &&
           cpus >= cpus_of(whole, run->nodes) && cpus_of(whole, run->nodes) > 0;
}
