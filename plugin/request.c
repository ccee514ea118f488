/* request.c - what a job asks for, as far as admission looks at it */
#include "plugin/request.h"

#include "plugin/gpus.h"

static int64_t times(int64_t a, int64_t b)
{
    int64_t product;

    return __builtin_mul_overflow(a, b, &product) ? INT64_MAX : product;
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* How many of `each` hold `all`; 0: nobody knows how much one holds. */
static int64_t divide_up(int64_t all, int64_t each)
{
    if (each <= 0 || all <= 0)
        return 0;
    return all / each + (all % each != 0);
}

static int64_t cpus_of_tasks(const struct request *r, int64_t tasks)
{
    return r->overcommit ? 0 : times(larger(tasks, 0), larger(r->cpus_per_task, 1));
}

static int64_t nodes_of(const struct request *r, const struct map_partition *p,
                        int64_t cpus)
{
    int64_t per_job = gpus_requested(r->tres_per_job);
    int64_t per_task = gpus_requested(r->tres_per_task), nodes = 1;

    if (r->nodes > 0)
        return r->nodes;
    nodes = larger(nodes, divide_up(cpus, p->node_cpus));
    nodes = larger(nodes, divide_up(r->tasks, r->tasks_per_node));
    nodes = larger(nodes, divide_up(per_job, p->node_gpus));
    if (per_task > 0 && r->tasks > 0)
        nodes = larger(nodes, divide_up(times(per_task, r->tasks), p->node_gpus));
    return nodes;
}

static int64_t tasks_of(const struct request *r, int64_t nodes)
{
    return r->tasks > 0 ? r->tasks : times(nodes, larger(r->tasks_per_node, 1));
}

/* The ways to ask exclude each other, or say the same. What cannot be read may be all
 * that the nodes have. */
static int64_t gpus_of(const struct request *r, const struct map_partition *p,
                       int64_t nodes)
{
    int64_t per_job = gpus_requested(r->tres_per_job);
    int64_t per_node = gpus_requested(r->tres_per_node);
    int64_t per_socket = gpus_requested(r->tres_per_socket);
    int64_t per_task = gpus_requested(r->tres_per_task), gpus;

    if (per_job < 0 || per_node < 0 || per_socket < 0 || per_task < 0)
        return times(nodes, larger(p->node_gpus, 0));
    gpus = larger(per_job, times(per_node, nodes));
    gpus =
        larger(gpus, times(per_socket, times(nodes, larger(r->sockets_per_node, 1))));
    return larger(gpus, times(per_task, tasks_of(r, nodes)));
}

static int64_t limit_of(const struct request *r, const struct map_partition *p)
{
    if (r->limit_min > 0)
        return times(r->limit_min, 60);
    if (r->limit_min == 0 && p->default_s > 0)
        return p->default_s;
    return p->max_s > 0 ? p->max_s : REQUEST_NO_LIMIT;
}

void request_shape(const struct request *request, const struct map_partition *partition,
                   struct shape *shape)
{
    int64_t cpus = larger(request->cpus, cpus_of_tasks(request, request->tasks));
    int64_t nodes = nodes_of(request, partition, larger(cpus, 1));

    if (request->tasks <= 0)
        cpus = larger(cpus, cpus_of_tasks(request, tasks_of(request, nodes)));
    cpus = larger(cpus, nodes);
    cpus = larger(cpus, times(nodes, larger(request->cpus_per_node, 0)));
    *shape = (struct shape){
        .nodes = nodes,
        .cpus = cpus,
        .gpus = gpus_of(request, partition, nodes),
        .limit_s = limit_of(request, partition),
    };
    if (request->exclusive || partition->whole_nodes) {
        shape->cpus = larger(cpus, times(nodes, larger(partition->node_cpus, 0)));
        shape->gpus =
            larger(shape->gpus, times(nodes, larger(partition->node_gpus, 0)));
    }
}
