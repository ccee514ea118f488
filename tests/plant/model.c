/* model.c - what a simulated node's domains use, and which job causes it */
#include "tests/plant/model.h"

#include <string.h>

void model_init(struct model *model, const struct figures *figures, int cpus)
{
    memset(model, 0, sizeof *model);
    model->figures = *figures;
    model->cpus = cpus;
    model->domains = figures->packages * FIGURES_KINDS;
}

enum figures_kind model_kind(int domain)
{
    return domain % FIGURES_KINDS == 0 ? FIGURES_PACKAGE : FIGURES_DRAM;
}

struct model_job *model_job(struct model *model, uint32_t id)
{
    struct model_job *job;

    for (int i = 0; i < model->job_count; i++)
        if (model->jobs[i].id == id)
            return &model->jobs[i];
    if (model->job_count == MODEL_MAX_JOBS)
        return NULL;
    job = &model->jobs[model->job_count++];
    memset(job, 0, sizeof *job);
    job->id = id;
    job->core_mw = -1;
    return job;
}

/* The turbo curve at the mean number of cores that were busy. */
static int64_t turbo_percent(const struct model *model, int64_t elapsed_ns)
{
    const struct figures *f = &model->figures;
    int64_t used_ns = 0, percent = 100;

    for (int i = 0; i < model->job_count; i++)
        used_ns += model->jobs[i].used_ns;
    for (int i = 0; i < f->turbo_count; i++)
        if (elapsed_ns > 0 && used_ns / elapsed_ns >= f->turbo[i].busy_cores)
            percent = f->turbo[i].percent;
    return percent;
}

/* This domain's part of `pj` that all packages share; the last takes the remainder. */
static __int128 package_part(const struct model *model, int domain, __int128 pj)
{
    int packages = model->figures.packages, package = domain / FIGURES_KINDS;
    __int128 part = pj / packages;

    return package == packages - 1 ? pj - part * (packages - 1) : part;
}

static int64_t core_mw(const struct model *model, const struct model_job *job,
                       enum figures_kind kind)
{
    if (kind == FIGURES_PACKAGE && job->core_mw >= 0)
        return job->core_mw;
    return model->figures.kind[kind].core_mw;
}

static void advance_domain(struct model *model, int domain, int64_t elapsed_ns,
                           int64_t percent)
{
    enum figures_kind kind = model_kind(domain);
    const struct figures_domain *f = &model->figures.kind[kind];
    __int128 idle = (__int128)f->idle_mw * elapsed_ns;
    __int128 daemons =
        (__int128)f->core_mw * elapsed_ns * model->figures.daemon_core_ppm / 1000000;

    model->total_pj[domain] += idle + package_part(model, domain, daemons);
    for (int i = 0; i < model->job_count; i++) {
        struct model_job *job = &model->jobs[i];
        __int128 own =
            (__int128)core_mw(model, job, kind) * job->used_ns * percent / 100;

        own = package_part(model, domain, own);
        job->idle_pj[domain] += idle * job->cpus / model->cpus;
        job->dynamic_pj[domain] += own;
        model->total_pj[domain] += own;
    }
}

void model_advance(struct model *model, int64_t elapsed_ns)
{
    int64_t percent = turbo_percent(model, elapsed_ns);

    for (int d = 0; d < model->domains; d++)
        advance_domain(model, d, elapsed_ns, percent);
    model->busy_ns += (__int128)elapsed_ns * model->figures.daemon_core_ppm / 1000000;
    for (int i = 0; i < model->job_count; i++) {
        model->jobs[i].cpu_ns += model->jobs[i].used_ns;
        model->busy_ns += model->jobs[i].used_ns;
        model->jobs[i].used_ns = 0;
    }
}

int64_t model_total_uj(const struct model *model, int domain)
{
    return (int64_t)(model->total_pj[domain] / MODEL_PJ_PER_UJ);
}

int64_t model_job_uj(const struct model_job *job, int domain)
{
    return (int64_t)((job->idle_pj[domain] + job->dynamic_pj[domain]) /
                     MODEL_PJ_PER_UJ);
}

int64_t model_node_uj(const struct model *model, int domain)
{
    int64_t rest = model_total_uj(model, domain);

    for (int i = 0; i < model->job_count; i++)
        rest -= model_job_uj(&model->jobs[i], domain);
    return rest;
}
