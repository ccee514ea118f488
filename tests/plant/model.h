/* model.h - what a simulated node's domains use, and which job causes it
 *
 * The plain model: a domain draws its idle power always, and on top of it so many watts
 * for each core second that jobs and daemons use, spread evenly over the packages. A
 * job causes its dynamic energy, and the idle energy of the share of the node it holds.
 * Pure: the same CPU times over the same elapsed times give the same energy. Amounts
 * are kept in picojoules (milliwatts times nanoseconds), so nothing is ever rounded
 * away.
 */
#ifndef PLANT_MODEL_H
#define PLANT_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/plant/figures.h"

#define MODEL_MAX_DOMAINS (FIGURES_MAX_PACKAGES * FIGURES_KINDS)
#define MODEL_MAX_JOBS 512
#define MODEL_PJ_PER_UJ 1000000

struct model_job {
    uint32_t id;
    int cpus;          /* held now; 0 when the job holds nothing */
    int64_t core_mw;   /* its own package power per busy core; -1: the figures' */
    int64_t cpu_ns;    /* used so far */
    int64_t used_ns;   /* used in the step that model_advance() is about to account */
    int64_t cgroup_ns; /* what its cgroup said last */
    __int128 idle_pj[MODEL_MAX_DOMAINS];
    __int128 dynamic_pj[MODEL_MAX_DOMAINS];
};

struct model {
    struct figures figures;
    int cpus; /* of the node */
    int domains;
    __int128 total_pj[MODEL_MAX_DOMAINS];
    struct model_job jobs[MODEL_MAX_JOBS];
    int job_count;
    __int128 busy_ns; /* CPU time of jobs and daemons */
};

void model_init(struct model *model, const struct figures *figures, int cpus);

/* Domain d is package d/2 (even) or its dram (odd). */
enum figures_kind model_kind(int domain);

/* The job of that id, made if there is none yet; NULL when MODEL_MAX_JOBS are known. */
struct model_job *model_job(struct model *model, uint32_t id);

/* Lets `elapsed_ns` pass, in which each job used its used_ns; clears used_ns. */
void model_advance(struct model *model, int64_t elapsed_ns);

int64_t model_total_uj(const struct model *model, int domain);
int64_t model_job_uj(const struct model_job *job, int domain);
/* What no job caused: total less the jobs, so that the three add up in microjoules. */
int64_t model_node_uj(const struct model *model, int domain);

#endif
