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
    for (int d = 0; d < model->domains; d++)
        model->clocks[d].ceiling_mw = INT64_MAX;
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

int model_domain(const struct model *model, enum model_kind kind, int number)
{
    for (int d = 0; d < model->domains; d++)
        if (model_kind(model, d) == kind && number-- == 0)
            return d;
    return -1;
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
    job->core_mw = job->gpu_mw = job->gpu_percent = -1;
    return job;
}

struct model_job *model_job_of_sluid(struct model *model, const char *sluid, size_t len)
{
    for (int i = model->job_count - 1; i >= 0; i--)
        if (len > 0 && strlen(model->jobs[i].sluid) == len &&
            memcmp(model->jobs[i].sluid, sluid, len) == 0)
            return &model->jobs[i];
    return NULL;
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

/* The demand is within the limit. */
static void rest(struct model_clocks *clocks, int64_t limit_mw, int64_t elapsed_ns)
{
    clocks->within_ns += elapsed_ns;
    if (clocks->limit_mw <= 0 || clocks->within_ns >= MODEL_OVERSHOOT_NS) {
        clocks->ceiling_mw = INT64_MAX;
        clocks->over_ns = 0;
    } else if (clocks->ceiling_mw != INT64_MAX) {
        clocks->ceiling_mw = limit_mw;
    }
}

/* The demand is above the limit: for how much of the step the clocks are late. */
static int64_t turn_down(struct model_clocks *clocks, int64_t limit_mw,
                         int64_t elapsed_ns)
{
    int64_t late_ns = MODEL_OVERSHOOT_NS - clocks->over_ns;

    clocks->within_ns = 0;
    if (clocks->ceiling_mw <= limit_mw)
        late_ns = 0;
    if (late_ns > elapsed_ns)
        late_ns = elapsed_ns;
    clocks->over_ns += late_ns;
    if (late_ns < elapsed_ns || clocks->over_ns >= MODEL_OVERSHOOT_NS) {
        clocks->ceiling_mw = limit_mw;
        clocks->over_ns = 0;
    }
    return late_ns;
}

/* What the domain draws of `demand_pj` in a step: see model.h. */
static __int128 clip(struct model_clocks *clocks, __int128 demand_pj, int64_t idle_mw,
                     int64_t elapsed_ns)
{
    int64_t limit_mw = clocks->limit_mw > idle_mw ? clocks->limit_mw : idle_mw;
    int64_t ceiling_mw = clocks->ceiling_mw, late_ns;
    __int128 late_pj = demand_pj;

    if (elapsed_ns <= 0)
        return demand_pj;
    if (clocks->limit_mw <= 0 || demand_pj <= (__int128)limit_mw * elapsed_ns) {
        rest(clocks, limit_mw, elapsed_ns);
        return demand_pj;
    }
    late_ns = turn_down(clocks, limit_mw, elapsed_ns);
    if (ceiling_mw != INT64_MAX && (__int128)ceiling_mw * elapsed_ns < late_pj)
        late_pj = (__int128)ceiling_mw * elapsed_ns;
    return late_pj * late_ns / elapsed_ns + (__int128)limit_mw * (elapsed_ns - late_ns);
}

/* A step's energy: what is drawn whatever happens, and what is asked for beyond it and
 * drawn of that. */
struct draw {
    __int128 idle_pj, asked_pj, drawn_pj;
};

static struct draw draw_of(struct model *model, int domain, int64_t idle_mw,
                           __int128 asked_pj, int64_t elapsed_ns)
{
    __int128 idle = (__int128)idle_mw * elapsed_ns;
    __int128 all = clip(&model->clocks[domain], idle + asked_pj, idle_mw, elapsed_ns);

    return (struct draw){idle, asked_pj, all - idle};
}

/* What one holder draws of what it asks for; what is left over by rounding is the
 * node's. */
static __int128 part_of(const struct draw *draw, __int128 own)
{
    return draw->asked_pj > 0 && draw->drawn_pj < draw->asked_pj
               ? own * draw->drawn_pj / draw->asked_pj
               : own;
}

/* What a job's cores ask of the domain in this step. */
static __int128 job_asks(const struct model *model, const struct model_job *job,
                         int domain, int64_t elapsed_ns, int64_t percent)
{
    enum figures_kind kind =
        model_kind(model, domain) == MODEL_PACKAGE ? FIGURES_PACKAGE : FIGURES_DRAM;
    __int128 own = (__int128)core_mw(model, job, kind) *
                   effective_ns(model, job, elapsed_ns) * percent / 100;

    return package_part(model, domain, own);
}

static void advance_domain(struct model *model, int domain, int64_t elapsed_ns,
                           int64_t percent)
{
    bool package = model_kind(model, domain) == MODEL_PACKAGE;
    const struct figures_domain *f =
        &model->figures.kind[package ? FIGURES_PACKAGE : FIGURES_DRAM];
    __int128 daemons =
        (__int128)f->core_mw * elapsed_ns * model->figures.daemon_core_ppm / 1000000;
    __int128 asked = package_part(model, domain, daemons);
    struct draw draw;

    for (int i = 0; i < model->job_count; i++)
        asked += job_asks(model, &model->jobs[i], domain, elapsed_ns, percent);
    draw = draw_of(model, domain, f->idle_mw, asked, elapsed_ns);
    model->total_pj[domain] += draw.idle_pj + draw.drawn_pj;
    share_idle(model, domain, draw.idle_pj);
    for (int i = 0; i < model->job_count; i++) {
        struct model_job *job = &model->jobs[i];

        job->dynamic_pj[domain] +=
            part_of(&draw, job_asks(model, job, domain, elapsed_ns, percent));
        if (package)
            job->work_ns[domain] +=
                (int64_t)part_of(&draw, package_part(model, domain, job->used_ns));
    }
}

static int64_t gpu_percent(const struct model_job *job)
{
    return job->gpu_percent >= 0 ? job->gpu_percent : job->busy_percent;
}

/* What a job makes a GPU that it holds draw on top of its idle power. */
static int64_t job_gpu_mw(const struct model *model, const struct model_job *job)
{
    int64_t most = job->gpu_mw >= 0 ? job->gpu_mw : model->figures.gpu_busy_mw;

    return most * gpu_percent(job) / 100;
}

int64_t model_gpu_demand_mw(const struct model *model, int gpu)
{
    int64_t mw = model->figures.gpu_idle_mw;

    for (int i = 0; i < model->job_count; i++)
        if (model->jobs[i].gpus & 1U << gpu)
            mw += job_gpu_mw(model, &model->jobs[i]);
    return mw;
}

int64_t model_gpu_mw(const struct model *model, int gpu)
{
    int64_t demand = model_gpu_demand_mw(model, gpu),
            ceiling = model->clocks[first_gpu(model) + gpu].ceiling_mw;

    return demand < ceiling ? demand : ceiling;
}

/* The integer square root, by bits. */
static int64_t root_of(__int128 of)
{
    __int128 found = 0;

    for (__int128 bit = (__int128)1 << 40; bit > 0; bit >>= 1)
        if ((found | bit) * (found | bit) <= of)
            found |= bit;
    return (int64_t)found;
}

/* The work of a holder that could do own_ns of it at full clocks. */
static int64_t gpu_work_ns(const struct model *model, const struct draw *draw,
                           __int128 own_ns)
{
    if (model->figures.gpu_root_speed == 0 || draw->asked_pj <= 0 ||
        draw->drawn_pj >= draw->asked_pj)
        return (int64_t)part_of(draw, own_ns);
    return (int64_t)(own_ns * root_of(draw->drawn_pj * WHOLE / draw->asked_pj * WHOLE) /
                     WHOLE);
}

static void advance_gpu(struct model *model, int gpu, int64_t elapsed_ns)
{
    int domain = first_gpu(model) + gpu, holders = 0;
    int64_t idle_mw = model->figures.gpu_idle_mw;
    __int128 asked = (__int128)(model_gpu_demand_mw(model, gpu) - idle_mw) * elapsed_ns;
    struct draw draw = draw_of(model, domain, idle_mw, asked, elapsed_ns);

    for (int i = 0; i < model->job_count; i++)
        holders += (model->jobs[i].gpus & 1U << gpu) != 0;
    model->total_pj[domain] += draw.idle_pj + draw.drawn_pj;
    for (int i = 0; i < model->job_count; i++) {
        struct model_job *job = &model->jobs[i];

        if (!(job->gpus & 1U << gpu))
            continue;
        job->idle_pj[domain] += draw.idle_pj / holders;
        job->dynamic_pj[domain] +=
            part_of(&draw, (__int128)job_gpu_mw(model, job) * elapsed_ns);
        job->work_ns[domain] +=
            gpu_work_ns(model, &draw, (__int128)gpu_percent(job) * elapsed_ns / 100);
    }
}

/* Of what psys sees: packages and memories. */
static __int128 parts_pj(const struct model *model)
{
    __int128 sum = 0;

    for (int d = 0; d < first_gpu(model); d++)
        sum += model->total_pj[d];
    return sum;
}

static void measure_use(struct model *model, int64_t elapsed_ns)
{
    for (int i = 0; i < model->job_count; i++) {
        struct model_job *job = &model->jobs[i];

        if (elapsed_ns >= MODEL_LOOK_NS)
            job->busy_percent =
                job->used_ns >= elapsed_ns ? 100 : job->used_ns * 100 / elapsed_ns;
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

int64_t model_job_work_ns(const struct model *model, const struct model_job *job,
                          enum model_kind kind)
{
    int64_t work_ns = 0;

    for (int d = 0; d < model->domains; d++)
        if (model_kind(model, d) == kind)
            work_ns += job->work_ns[d];
    return work_ns;
}
