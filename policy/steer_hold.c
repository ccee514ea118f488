/* steer_hold.c - to what a run's devices and its CPU time are held */
#include "policy/steer_inside.h"

/* A limit is set for so much less than there is, and only lowered once it is for more
 * than there is: what drifts a little changes nothing, and does not fall short. */
#define SPARE_PERCENT 1

/* Raised only by more of the highest limit, and only after so many reports, so that a
 * pause between bursts raises nothing. */
#define RAISE_PERCENT 5
#define RAISE_REPORTS 5

/* So many reports until what is measured is of what was ordered last: one until it is
 * set, one of it alone. */
#define LOWER_REPORTS 3

/* Held devices that draw less than this of their limit are not held back by it. */
#define BOUND_PERCENT 95

static int64_t step_of(const struct steer_devices *devices)
{
    return devices->step_mw > 0 ? devices->step_mw : 1000;
}

static int64_t idle_of(const struct steer_devices *devices)
{
    return devices->idle_mw == STEER_UNKNOWN ? devices->min_mw / 2 : devices->idle_mw;
}

/* What devices would draw, all together, if they were not held. */
static int64_t full_mw(const struct steer_devices *devices, int64_t cap_mw,
                       int64_t remembered_mw)
{
    __int128 bound = (__int128)devices->count * cap_mw * BOUND_PERCENT / 100;

    if (cap_mw == 0 || devices->mw < bound)
        return devices->mw;
    return at_least(devices->mw, remembered_mw);
}

/* Devices that draw all_mw in all beside the rest. */
static struct steer_model model_of(const struct steer_run *run,
                                   const struct steer_devices *devices, int64_t all_mw,
                                   int64_t rest_mw, int64_t rest_peak_mw)
{
    int64_t count = devices->count, each_mw = count > 0 ? all_mw / count : 0;
    int64_t peak_mw = steer_peak(at_least(devices->peak_mw, all_mw));

    return (struct steer_model){.count = count,
                                .full_mw = each_mw,
                                .idle_mw = at_most(idle_of(devices), each_mw),
                                .rest_mw = rest_mw,
                                .peak_mw = count > 0 ? peak_mw / count : 0,
                                .rest_peak_mw =
                                    steer_peak(at_least(rest_peak_mw, rest_mw)),
                                .keep_s = run->report_s + run->lag_s,
                                .need_s = run->need_s,
                                .limit_s = run->limit_s};
}

/* The lowest limit that helps, and that is allowed. */
static int64_t floor_of(const struct steer_plan *p, const struct steer_devices *devices,
                        const struct steer_model *model)
{
    int64_t step = step_of(devices);
    int64_t floor =
        at_least(steer_model_best(model), steer_bounded((__int128)devices->max_mw *
                                                        p->rules->floor_percent / 100));

    if (floor <= devices->min_mw)
        return devices->min_mw;
    floor = devices->min_mw + (floor - devices->min_mw + step - 1) / step * step;
    return floor;
}

/* The highest limit at which it fits; the floor if it fits at none; 0: none is needed,
 * or none would hold anything back. */
static int64_t wanted_cap(const struct steer_plan *p,
                          const struct steer_devices *devices,
                          const struct steer_model *model)
{
    int64_t step = step_of(devices), floor = floor_of(p, devices, model);
    int64_t low = 0, high, have_mj = p->left_mj;

    if (floor >= at_most(devices->max_mw, model->full_mw) ||
        steer_model_mj(model, model->full_mw) <= have_mj)
        return 0;
    have_mj = steer_bounded((__int128)have_mj * (100 - SPARE_PERCENT) / 100);
    high = (at_most(devices->max_mw, model->full_mw) - floor) / step;
    /* What it costs grows with the limit from the floor on. */
    while (low < high) {
        int64_t middle = low + (high - low + 1) / 2;

        if (steer_model_mj(model, floor + middle * step) <= have_mj)
            low = middle;
        else
            high = middle - 1;
    }
    return floor + low * step;
}

/* Whether it could be let go of for good, with room to spare. */
static bool is_easy(const struct steer_plan *p, const struct steer_model *model)
{
    __int128 full_mj = steer_model_mj(model, model->full_mw);

    return full_mj * (100 + RAISE_PERCENT) <= (__int128)p->left_mj * 100;
}

static bool is_settled(const struct steer_plan *p, int64_t reports)
{
    int64_t since_s = p->now_s - p->before->changed_s;

    return !p->before->changed_s || since_s >= reports * p->run->report_s;
}

/* Between what is wanted and what is in force. Of two runs that differ only in what is
 * left, the one with more never gets less. */
static int64_t steady(const struct steer_plan *p, const struct steer_devices *devices,
                      const struct steer_model *model, int64_t now_mw,
                      int64_t wanted_mw)
{
    int64_t most = devices->max_mw, step = step_of(devices), to_mw = wanted_mw;
    int64_t top = devices->min_mw +
                  (at_most(most, model->full_mw) - devices->min_mw) / step * step;

    if (wanted_mw == now_mw || !is_settled(p, LOWER_REPORTS))
        return now_mw;
    if (now_mw == 0)
        return wanted_mw;
    /* What nothing would be held at, if only just, is no reason to let go, nor to hold
     * any lower. */
    if (wanted_mw == 0 && !is_easy(p, model))
        to_mw = wanted_mw = at_least(now_mw, top);
    else if (wanted_mw == 0)
        to_mw = most;
    if (to_mw < now_mw)
        return steer_model_mj(model, now_mw) <= p->left_mj ? now_mw : wanted_mw;
    return is_settled(p, RAISE_REPORTS) &&
                   (__int128)(to_mw - now_mw) * 100 >= (__int128)most * RAISE_PERCENT
               ? wanted_mw
               : now_mw;
}

/* A CPU quota with which it lasts to its time limit; 0: none, or none would do. */
static int64_t wanted_cpu(const struct steer_plan *p, int64_t package_full_mw,
                          int64_t other_mw)
{
    int64_t keep_mj =
        steer_bounded((__int128)p->worst_mw * (p->run->report_s + p->run->lag_s));
    const struct steer_run *run = p->run;
    int64_t idle_mw =
        at_most(run->package.count * idle_of(&run->package), package_full_mw);
    int64_t work_mw = package_full_mw - idle_mw, percent;

    if (run->need_known || run->limit_s <= 0 || work_mw <= 0)
        return 0;
    percent = steer_bounded(
        ((__int128)(p->left_mj - keep_mj) / run->limit_s - other_mw - idle_mw) * 100 /
        work_mw);
    return percent >= 100 || percent < p->rules->cpu_floor_percent ? 0 : percent;
}

/* A quota is changed as seldom as a limit. */
static int64_t steady_cpu(const struct steer_plan *p, int64_t wanted)
{
    int64_t now = p->before->cpu_percent;
    int64_t apart = (wanted ? wanted : 100) - (now ? now : 100);

    if (wanted == now || !is_settled(p, LOWER_REPORTS))
        return now;
    if (now == 0 || apart <= -SPARE_PERCENT)
        return wanted;
    return apart >= RAISE_PERCENT && is_settled(p, RAISE_REPORTS) ? wanted : now;
}

static bool can_hold(bool allowed, const struct steer_devices *devices)
{
    return allowed && devices->count > 0 && devices->max_mw > 0;
}

/* One kind of devices: how its limit is worked out and kept. */
static int64_t cap_of(const struct steer_plan *p, bool allowed,
                      const struct steer_devices *devices,
                      const struct steer_model *model, int64_t now_mw)
{
    int64_t wanted_mw = can_hold(allowed, devices) ? wanted_cap(p, devices, model) : 0;

    return steady(p, devices, model, now_mw, wanted_mw);
}

static int64_t drawn_at(const struct steer_model *model, int64_t cap_mw)
{
    return cap_mw ? at_most(cap_mw, model->full_mw) : model->full_mw;
}

/* What packages draw at full speed. Under a quota nobody can tell whether work waits
 * for it. */
static int64_t full_package_mw(const struct steer_plan *p)
{
    const struct steer_state *b = p->before;

    if (b->cpu_percent)
        return at_least(p->run->package.mw, b->package_full_mw);
    return full_mw(&p->run->package, b->package_mw, b->package_full_mw);
}

/* Once the GPUs are as slow as helps: the packages, then the CPU time. */
static int64_t hold_packages(const struct steer_plan *p, struct steer_state *state,
                             const struct steer_model *gpu, int64_t gpu_mj)
{
    const struct steer_run *run = p->run;
    const struct steer_state *b = p->before;
    int64_t full = full_package_mw(p), quota = 0, mj = gpu_mj;
    int64_t rest_mw = run->other_mw + gpu->count * drawn_at(gpu, state->gpu_mw);
    int64_t peak_mw = run->other_peak_mw + gpu->count * drawn_at(gpu, state->gpu_mw);
    struct steer_model package = model_of(run, &run->package, full, rest_mw, peak_mw);

    package.need_s =
        steer_bounded((__int128)run->need_s * STEER_FULL /
                      steer_model_speed(gpu, drawn_at(gpu, state->gpu_mw)));
    state->package_mw = cap_of(p, p->rules->package && gpu_mj > p->left_mj,
                               &run->package, &package, b->package_mw);
    if (state->package_mw)
        mj = steer_model_mj(&package, state->package_mw);
    if (p->rules->cpu && mj > p->left_mj)
        quota = wanted_cpu(p, full, rest_mw);
    state->cpu_percent = steady_cpu(p, quota);
    state->package_full_mw = state->package_mw || state->cpu_percent
                                 ? at_least(b->package_full_mw, full)
                                 : 0;
    return quota && state->cpu_percent == quota ? at_most(mj, p->left_mj) : mj;
}

int64_t steer_hold(const struct steer_plan *p, struct steer_state *state)
{
    const struct steer_run *run = p->run;
    const struct steer_state *b = p->before;
    int64_t full = full_mw(&run->gpu, b->gpu_mw, b->gpu_full_mw), mj;
    struct steer_model gpu =
        model_of(run, &run->gpu, full, full_package_mw(p) + run->other_mw,
                 run->package.peak_mw + run->other_peak_mw);

    state->gpu_mw = cap_of(p, p->rules->gpu, &run->gpu, &gpu, b->gpu_mw);
    state->gpu_full_mw = state->gpu_mw ? at_least(b->gpu_full_mw, full) : 0;
    mj = steer_model_mj(&gpu, drawn_at(&gpu, state->gpu_mw));
    mj = hold_packages(p, state, &gpu, mj);
    if (state->gpu_mw != b->gpu_mw || state->package_mw != b->package_mw ||
        state->cpu_percent != b->cpu_percent)
        state->changed_s = p->now_s;
    return mj;
}

static __int128 speed_of(const struct steer_run *run,
                         const struct steer_devices *devices, int64_t cap_mw,
                         int64_t remembered_mw)
{
    int64_t full = full_mw(devices, cap_mw, remembered_mw);
    struct steer_model model = model_of(run, devices, full, 0, 0);

    return steer_model_speed(&model, drawn_at(&model, cap_mw));
}

int64_t steer_speed(const struct steer_run *run, const struct steer_state *state)
{
    __int128 speed = speed_of(run, &run->gpu, state->gpu_mw, state->gpu_full_mw);

    speed = speed *
            speed_of(run, &run->package, state->package_mw, state->package_full_mw) /
            STEER_FULL;
    return (int64_t)(state->cpu_percent ? speed * state->cpu_percent / 100 : speed);
}
