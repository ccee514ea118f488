/* trace.c - random runs, and what becomes of them with and without steering */
#include "tests/bench/trace.h"

#include <math.h>

/* Time goes in such steps; reports are a multiple of it. */
#define STEP_S 5

/* Power "lately" is of so many reports. */
#define LATELY 10

/* A run as it goes. */
struct play {
    const struct trace *trace;
    const struct steer_rules *rules;
    struct steer_state state;    /* as ordered */
    struct steer_state in_force; /* as the devices have it */
    double at_s, done_s,
        guessed_s; /* guessed_s: the work that kwotad takes it to have done */
    double gpu_mj, package_mj, other_mj;
    double free_gpu_mj, free_package_mj, free_s; /* while nothing was held */
    double reports[LATELY][3], last[3];          /* mJ of the last reports by kind */
    double peaks[3];
    int report_count, first_report; /* first_report: with what is in force */
    double end_at_s;                /* ended then; 0: not yet */
    struct trace_end end;
};

uint64_t trace_seed(uint64_t seed)
{
    return seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
}

/* splitmix64, 0 <= x < 1 */
static double draw(uint64_t *random)
{
    uint64_t z = *random += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (double)((z ^ (z >> 31)) >> 11) / 9007199254740992.0;
}

static double between(uint64_t *random, double low, double high)
{
    return low + (high - low) * draw(random);
}

static double by_logarithm(uint64_t *random, double low, double high)
{
    return exp(between(random, log(low), log(high)));
}

/* Limits as NVML gives them for a V100, an A100, an H100. */
static void draw_gpus(struct trace *t, uint64_t *random)
{
    static const struct steer_devices models[] = {
        {.min_mw = 100000, .max_mw = 250000, .step_mw = 1000, .idle_mw = 25000},
        {.min_mw = 100000, .max_mw = 400000, .step_mw = 1000, .idle_mw = 55000},
        {.min_mw = 200000, .max_mw = 700000, .step_mw = 1000, .idle_mw = 70000}};

    t->gpu = models[(int)(3 * draw(random))];
    t->gpu.count = 1 << (int)(5 * draw(random));
    t->gpu_mw = (double)t->gpu.max_mw * between(random, 0.6, 1);
}

static void draw_packages(struct trace *t, uint64_t *random)
{
    t->package = (struct steer_devices){
        .min_mw = 75000, .max_mw = 225000, .step_mw = 1000, .idle_mw = 45000};
    t->package.count = 2 * (1 + (int)(4 * draw(random)));
    t->package_mw = t->kind == TRACE_GPU ? between(random, 50000, 75000)
                                         : between(random, 110000, 220000);
    if (t->kind == TRACE_CPU)
        t->gpu = (struct steer_devices){.count = 0};
    else
        t->package.count = (t->gpu.count + 3) / 4 * 2;
    t->other_mw = (double)t->package.count * between(random, 15000, 60000);
}

/* How busy it is with so much of its work done. */
static double busy(const struct trace *t, double done_s)
{
    switch (t->shape) {
    case TRACE_BURSTY:
        return fmod(done_s, t->period_s) < t->period_s / 2 ? 1 : t->quiet;
    case TRACE_RISING:
        return 0.55 + 0.45 * done_s / t->work_s;
    default:
        return 1;
    }
}

static double demand(const struct steer_devices *devices, double most_mw, double part)
{
    double idle = (double)devices->idle_mw;

    return idle + (most_mw - idle) * part;
}

static double natural(const struct trace *t)
{
    double mj = 0;

    for (double s = 0; s < t->work_s; s += STEP_S) {
        double part = busy(t, s);

        mj += STEP_S *
              ((double)t->gpu.count * demand(&t->gpu, t->gpu_mw, part) +
               (double)t->package.count * demand(&t->package, t->package_mw, part) +
               t->other_mw);
    }
    return mj;
}

struct trace trace_draw(const struct trace_world *world, uint64_t *random)
{
    struct trace t = {.exponent = world->exponent};
    double error;

    t.kind = (enum trace_kind)(TRACE_KINDS * draw(random));
    t.shape = (enum trace_shape)(TRACE_SHAPES * draw(random));
    draw_gpus(&t, random);
    draw_packages(&t, random);
    t.alone = draw(random) < 0.5;
    t.work_s = floor(by_logarithm(random, world->least_s, world->most_s));
    t.period_s = by_logarithm(random, 60, 1800);
    t.quiet = between(random, 0.1, 0.7);
    t.limit_s = (int64_t)(t.work_s * between(random, 1.05, 3)) + 60;
    error = by_logarithm(random, 1 / world->error, world->error);
    t.expected_s = (int64_t)(t.work_s * error * world->bias);
    if (draw(random) < world->unknown)
        t.expected_s = STEER_UNKNOWN;
    else if (t.expected_s > t.limit_s)
        t.expected_s = t.limit_s;
    t.natural_mj = natural(&t);
    t.budget_mj =
        (int64_t)(t.natural_mj / between(random, world->over_least, world->over_most));
    return t;
}

/* What devices draw under a limit, and how fast they go. */
static double limited(const struct trace *t, const struct steer_devices *devices,
                      double most_mw, double part, int64_t cap_mw, double *speed)
{
    double want = demand(devices, most_mw, part), idle = (double)devices->idle_mw;

    *speed = 1;
    if (cap_mw == 0 || (double)cap_mw >= want)
        return want;
    *speed = pow(((double)cap_mw - idle) / (want - idle), t->exponent);
    return (double)cap_mw;
}

static void go_on(struct play *p)
{
    const struct trace *t = p->trace;
    double part = busy(t, p->done_s), gpu_speed, package_speed;
    double quota = p->in_force.cpu_percent ? (double)p->in_force.cpu_percent / 100 : 1;
    double gpu = limited(t, &t->gpu, t->gpu_mw, part, p->in_force.gpu_mw, &gpu_speed);
    double package = limited(t, &t->package, t->package_mw, part,
                             p->in_force.package_mw, &package_speed);
    double idle = (double)t->package.idle_mw, speed = gpu_speed * package_speed * quota;

    package = idle + (package - idle) * quota;
    gpu *= (double)t->gpu.count * STEP_S;
    package *= (double)t->package.count * STEP_S;
    p->gpu_mj += gpu;
    p->package_mj += package;
    p->other_mj += t->other_mw * STEP_S;
    if (p->in_force.gpu_mw || p->in_force.package_mw || p->in_force.cpu_percent) {
        p->end.capped_s += STEP_S;
    } else {
        p->free_gpu_mj += gpu;
        p->free_package_mj += package;
        p->free_s += STEP_S;
    }
    p->done_s += STEP_S * speed;
    p->at_s += STEP_S;
}

static int64_t lately(const struct play *p, int kind)
{
    int count = p->report_count - p->first_report;
    double sum = 0;

    if (count == 0 || count > LATELY)
        count = p->report_count < LATELY ? p->report_count : LATELY;
    for (int i = 1; i <= count; i++)
        sum += p->reports[(p->report_count - i) % LATELY][kind];
    return (int64_t)(sum / count / TRACE_REPORT_S);
}

static void hear(struct play *p)
{
    const double now[3] = {p->gpu_mj, p->package_mj, p->other_mj};

    for (int k = 0; k < 3; k++) {
        p->reports[p->report_count % LATELY][k] = now[k] - p->last[k];
        p->peaks[k] = fmax(p->peaks[k], (now[k] - p->last[k]) / TRACE_REPORT_S);
        p->last[k] = now[k];
    }
    p->report_count++;
}

static struct steer_run tell(const struct play *p)
{
    const struct trace *t = p->trace;
    struct steer_run run = {.lien_mj = t->budget_mj,
                            .used_mj =
                                (int64_t)ceil(p->gpu_mj + p->package_mj + p->other_mj),
                            .report_s = TRACE_REPORT_S,
                            .lag_s = TRACE_LAG_S,
                            .limit_s = t->limit_s - (int64_t)p->at_s,
                            .gpu = t->gpu,
                            .package = t->package};

    run.need_s = steer_need_s(t->expected_s, (int64_t)p->guessed_s, run.limit_s);
    run.need_known = t->expected_s > (int64_t)p->guessed_s;
    run.gpu.mw = lately(p, 0);
    run.package.mw = lately(p, 1);
    run.other_mw = lately(p, 2);
    run.gpu.peak_mw = (int64_t)p->peaks[0];
    run.package.peak_mw = (int64_t)p->peaks[1];
    run.other_peak_mw = (int64_t)p->peaks[2];
    run.gpu.mean_mw = (int64_t)(p->free_gpu_mj / p->free_s);
    run.package.mean_mw = (int64_t)(p->free_package_mj / p->free_s);
    if (!t->alone)
        run.package.max_mw = 0;
    return run;
}

static bool is_taken(const struct steer_devices *devices, int64_t mw)
{
    return mw == 0 || (mw >= devices->min_mw && mw <= devices->max_mw &&
                       (mw - devices->min_mw) % devices->step_mw == 0);
}

static void decide(struct play *p)
{
    static const struct steer_rules nothing = {.part_percent = 100, .end = true};
    struct steer_run run = tell(p);
    struct steer_order order;

    steer(p->rules ? p->rules : &nothing, &run, &p->state, (int64_t)p->at_s, &order);
    p->end.held |= order.changed;
    p->end.changes += order.changed;
    p->end.out_of_range |= !is_taken(&run.gpu, order.state.gpu_mw) ||
                           !is_taken(&run.package, order.state.package_mw);
    if (order.warn && !p->end.warned) {
        p->end.warned = true;
        p->end.warned_ahead_s = -p->at_s;
    }
    if (order.end) {
        p->end_at_s = p->at_s + TRACE_LAG_S;
        p->end.warned_ahead_s += p->at_s;
    }
    p->state = order.state;
}

/* What is ordered now is in force with the answer to the next report. */
static void report(struct play *p)
{
    struct steer_run run;

    hear(p);
    run = tell(p);
    p->guessed_s +=
        TRACE_REPORT_S * (double)steer_speed(&run, &p->in_force) / STEER_FULL;
    if (p->in_force.changed_s != p->state.changed_s)
        p->first_report = p->report_count;
    p->in_force = p->state;
    if (p->end_at_s == 0)
        decide(p);
}

struct trace_end trace_play(const struct trace *trace, const struct steer_rules *rules)
{
    struct play p = {.trace = trace, .rules = rules};

    while (p.done_s < trace->work_s && p.at_s < (double)trace->limit_s &&
           (p.end_at_s == 0 || p.at_s < p.end_at_s)) {
        go_on(&p);
        if (p.done_s < trace->work_s && fmod(p.at_s, TRACE_REPORT_S) == 0)
            report(&p);
    }
    p.end.finished = p.done_s >= trace->work_s;
    p.end.timed_out = !p.end.finished && p.at_s >= (double)trace->limit_s;
    p.end.ended = !p.end.finished && !p.end.timed_out;
    p.end.used_mj = p.gpu_mj + p.package_mj + p.other_mj;
    p.end.work = fmin(p.done_s / trace->work_s, 1);
    p.end.took_s = p.at_s;
    return p.end;
}
