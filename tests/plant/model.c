/* model.c - what a simulated node's domains use, and which job causes it */
#include "tests/plant/model.h"

#include <stdio.h>
#include <string.h>

void model_init(struct model *model, const struct figures *figures, int cpus)
{
    memset(model, 0, sizeof *model);
    model->figures = *figures;
    model->cpus = cpus;
    model->domains = figures->packages * FIGURES_KINDS + figures->gpus +
                     (figures->platform_mw > 0 ? 1 : 0);
}

static int first_gpu(const struct model *model)
{
    return model->figures.packages * FIGURES_KINDS;
}

enum model_kind model_kind(const struct model *model, int domain)
{
    if (domain >= first_gpu(model) + model->figures.gpus)
        return MODEL_PLATFORM;
    if (domain >= first_gpu(model))
        return MODEL_GPU;
    return domain % FIGURES_KINDS == 0 ? MODEL_PACKAGE : MODEL_DRAM;
}

void model_name(const struct model *model, int domain, char *name, int size)
{
    switch (model_kind(model, domain)) {
    case MODEL_PACKAGE:
        snprintf(name, (size_t)size, "package-%d", domain / FIGURES_KINDS);
        break;
    case MODEL_DRAM:
        snprintf(name, (size_t)size, "dram-%d", domain / FIGURES_KINDS);
        break;
    case MODEL_GPU:
        snprintf(name, (size_t)size, "gpu-%d", domain - first_gpu(model));
        break;
    case MODEL_PLATFORM:
        snprintf(name, (size_t)size, "psys");
        break;
    }
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
    job->core_mw = job->gpu_mw = -1;
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

#define WHOLE INT64_C(1000000)

/* The job's part of the node, in millionths. */
static int64_t share_of(const struct model *model, const struct model_job *job)
{
    int64_t cpus = job->suspended ? 0 : job->cpus * WHOLE / model->cpus, gpus = 0;

    if (model->figures.gpus > 0)
        gpus = __builtin_popcount(job->gpus) * WHOLE / model->figures.gpus;
    return gpus > cpus ? gpus : cpus;
}

/* What shares are parts of: the node, or more if its holders hold more than it has. */
static int64_t whole_of(const struct model *model)
{
    int64_t held = 0;

    for (int i = 0; i < model->job_count; i++)
        held += share_of(model, &model->jobs[i]);
    return held > WHOLE ? held : WHOLE;
}

/* Core time of a job whose CPUs are two threads of a core each. */
static int64_t effective_ns(const struct model *model, const struct model_job *job,
                            int64_t elapsed_ns)
{
    int64_t cores_ns = (job->cpus + 1) / 2 * elapsed_ns;

    if (model->figures.smt_percent == 0 || job->used_ns <= cores_ns)
        return job->used_ns;
    return cores_ns + (job->used_ns - cores_ns) * model->figures.smt_percent / 100;
}

static void share_idle(struct model *model, int domain, __int128 idle)
{
    int64_t whole = whole_of(model);

    for (int i = 0; i < model->job_count; i++)
        model->jobs[i].idle_pj[domain] +=
            idle * share_of(model, &model->jobs[i]) / whole;
}

static void advance_domain(struct model *model, int domain, int64_t elapsed_ns,
                           int64_t percent)
{
    enum figures_kind kind =
        model_kind(model, domain) == MODEL_PACKAGE ? FIGURES_PACKAGE : FIGURES_DRAM;
    const struct figures_domain *f = &model->figures.kind[kind];
    __int128 idle = (__int128)f->idle_mw * elapsed_ns;
    __int128 daemons =
        (__int128)f->core_mw * elapsed_ns * model->figures.daemon_core_ppm / 1000000;

    model->total_pj[domain] += idle + package_part(model, domain, daemons);
    share_idle(model, domain, idle);
    for (int i = 0; i < model->job_count; i++) {
        struct model_job *job = &model->jobs[i];
        __int128 own = (__int128)core_mw(model, job, kind) *
                       effective_ns(model, job, elapsed_ns) * percent / 100;

        own = package_part(model, domain, own);
        job->dynamic_pj[domain] += own;
        model->total_pj[domain] += own;
    }
}

/* What a job makes a GPU that it holds draw on top of its idle power. */
static int64_t job_gpu_mw(const struct model *model, const struct model_job *job)
{
    int64_t most = job->gpu_mw >= 0 ? job->gpu_mw : model->figures.gpu_busy_mw;

    return most * job->busy_percent / 100;
}

int64_t model_gpu_mw(const struct model *model, int gpu)
{
    int64_t mw = model->figures.gpu_idle_mw;

    for (int i = 0; i < model->job_count; i++)
        if (model->jobs[i].gpus & 1U << gpu)
            mw += job_gpu_mw(model, &model->jobs[i]);
    return mw;
}

static void advance_gpu(struct model *model, int gpu, int64_t elapsed_ns)
{
    int domain = first_gpu(model) + gpu, holders = 0;
    __int128 idle = (__int128)model->figures.gpu_idle_mw * elapsed_ns;

    for (int i = 0; i < model->job_count; i++)
        holders += (model->jobs[i].gpus & 1U << gpu) != 0;
    model->total_pj[domain] += (__int128)model_gpu_mw(model, gpu) * elapsed_ns;
    for (int i = 0; i < model->job_count; i++) {
        struct model_job *job = &model->jobs[i];

        if (!(job->gpus & 1U << gpu))
            continue;
        job->idle_pj[domain] += idle / holders;
        job->dynamic_pj[domain] += (__int128)job_gpu_mw(model, job) * elapsed_ns;
    }
}

static __int128 parts_pj(const struct model *model)
{
    __int128 sum = 0;

    for (int d = 0; d < first_gpu(model) + model->figures.gpus; d++)
        sum += model->total_pj[d];
    return sum;
}

static void measure_use(struct model *model, int64_t elapsed_ns)
{
    for (int i = 0; i < model->job_count; i++) {
        struct model_job *job = &model->jobs[i];
        int64_t percent = elapsed_ns > 0 ? job->used_ns * 100 / elapsed_ns : 0;

        job->busy_percent = percent > 100 ? 100 : percent;
        job->busy_us += job->busy_percent * elapsed_ns / 100000;
    }
}

void model_advance(struct model *model, int64_t elapsed_ns)
{
    int64_t percent = turbo_percent(model, elapsed_ns);
    __int128 before_pj = parts_pj(model);
    int platform = first_gpu(model) + model->figures.gpus;

    model->step_ns = elapsed_ns;
    measure_use(model, elapsed_ns);
    for (int d = 0; d < first_gpu(model); d++)
        advance_domain(model, d, elapsed_ns, percent);
    for (int g = 0; g < model->figures.gpus; g++)
        advance_gpu(model, g, elapsed_ns);
    if (model->figures.platform_mw > 0) {
        __int128 rest = (__int128)model->figures.platform_mw * elapsed_ns;

        /* The meter of a server's supply sees its GPUs too; psys does not. */
        model->total_pj[platform] += rest + parts_pj(model) - before_pj;
        for (int g = 0; g < model->figures.gpus; g++)
            model->total_pj[platform] -= (__int128)model_gpu_mw(model, g) * elapsed_ns;
        share_idle(model, platform, rest);
    }
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
