/* steer.c - slowing a run down so that its energy lasts to its end: what is done when
 */
#include "policy/steer.h"

#include <inttypes.h>
#include <stdio.h>

#include "policy/energy.h"
#include "policy/steer_inside.h"

/* What is expected is not certain: nothing is held unless the run would have to do with
 * this much less than it is expected to take. It is a part of what is still to come, so
 * it fades as the run goes on; a larger one slows fewer runs without need and begins
 * too late for more that need it. */
#define DOUBT_PERCENT 3

/* A run that may take until its time limit mostly takes less: it is left alone until so
 * much is used. At half of it, a third of those that would have fitted were held. */
#define UNKNOWN_PART_PERCENT 90

/* A run that is not over when like runs were takes this much longer, of what it has
 * taken. */
#define LONGER_DIVISOR 32

/* What draws the least: lately, or on average. */
static int64_t least_mw(const struct steer_devices *devices)
{
    return devices->mean_mw == STEER_UNKNOWN ? devices->mw
                                             : at_most(devices->mw, devices->mean_mw);
}

/* What it would still use at full speed, as little as that may be; and what must be
 * left over at its end, or it is ended before. */
static __int128 least_rest_mj(const struct steer_plan *p)
{
    const struct steer_run *run = p->run;
    __int128 mw =
        (__int128)least_mw(&run->gpu) + least_mw(&run->package) + run->other_mw;

    return steer_bounded(mw * (run->need_s + run->report_s + run->lag_s));
}

/* Whether anything may be held that is not yet. */
static bool is_due(const struct steer_plan *p)
{
    int64_t part = p->rules->part_percent;

    if (!p->run->need_known)
        part = at_least(part, UNKNOWN_PART_PERCENT);
    return (__int128)p->run->used_mj * 100 >= (__int128)p->may_mj * part &&
           least_rest_mj(p) * (100 - DOUBT_PERCENT) > (__int128)p->left_mj * 100;
}

static bool is_held(const struct steer_state *state)
{
    return state->gpu_mw || state->package_mw || state->cpu_percent;
}

static bool is_known(const struct steer_run *run)
{
    return run->used_mj >= 0 && run->gpu.mw >= 0 && run->package.mw >= 0 &&
           run->other_mw >= 0;
}

/* The most that devices draw before they are heard of again. A limit counts once it has
 * had the time to be set. */
static __int128 worst_of(const struct steer_devices *devices, int64_t cap_mw, bool set)
{
    __int128 peak = steer_peak(at_least(devices->peak_mw, devices->mw));
    __int128 held = (__int128)devices->count * cap_mw;

    return set && cap_mw && held < peak ? held : peak;
}

static int64_t worst_mw(const struct steer_run *run, const struct steer_state *before,
                        int64_t now_s)
{
    bool set = now_s - before->changed_s >= 2 * run->report_s;
    __int128 mw = steer_peak(at_least(run->other_peak_mw, run->other_mw));

    mw += worst_of(&run->gpu, before->gpu_mw, set);
    mw += worst_of(&run->package, before->package_mw, set);
    return steer_bounded(mw);
}

static struct steer_plan plan_of(const struct steer_rules *rules,
                                 const struct steer_run *run,
                                 const struct steer_state *before, int64_t now_s)
{
    struct steer_plan p = {
        .rules = rules, .run = run, .before = before, .now_s = now_s};
    __int128 present_mw = (__int128)run->gpu.mw + run->package.mw + run->other_mw;

    p.may_mj = energy_add(run->lien_mj, run->raise_mj);
    p.present_mw = steer_bounded(present_mw);
    p.worst_mw = worst_mw(run, before, now_s);
    p.left_mj =
        steer_bounded((__int128)p.may_mj - run->used_mj - present_mw * run->age_s);
    return p;
}

/* "3.1 kWh left, 4.0 kWh needed for 2:10 h: 8 GPUs held to 250 W, CPU time to 60 %" */
static void tell_held(const struct steer_plan *p, struct steer_order *order)
{
    char left[ENERGY_TEXT], gpus[64] = "", packages[64] = "", cpu[48] = "";
    const struct steer_state *s = &order->state;
    const char *free = is_held(s) ? "" : " nothing is held any more";

    energy_kwh_human(left, sizeof left, at_least(p->left_mj, 0));
    if (s->gpu_mw)
        snprintf(gpus, sizeof gpus, " %" PRId64 " GPUs held to %" PRId64 " W each",
                 p->run->gpu.count, s->gpu_mw / 1000);
    if (s->package_mw)
        snprintf(packages, sizeof packages, "%s packages held to %" PRId64 " W each",
                 s->gpu_mw ? "," : "", s->package_mw / 1000);
    if (s->cpu_percent)
        snprintf(cpu, sizeof cpu, "%s CPU time held to %" PRId64 " %%",
                 s->gpu_mw || s->package_mw ? "," : "", s->cpu_percent);
    snprintf(order->why, STEER_WHY,
             "%s left, %" PRId64 ":%02d h still needed at full speed:%s%s%s%s", left,
             p->run->need_s / 3600, (int)(p->run->need_s / 60 % 60), free, gpus,
             packages, cpu);
}

static void tell_short(const struct steer_plan *p, bool end, struct steer_order *order)
{
    char used[ENERGY_TEXT], may[ENERGY_TEXT], watts[ENERGY_TEXT];
    int64_t lasts_s =
        p->present_mw > 0 && p->left_mj > 0 ? p->left_mj / p->present_mw : 0;

    energy_kwh_human(used, sizeof used, p->run->used_mj);
    energy_kwh_human(may, sizeof may, p->may_mj);
    energy_watts(watts, sizeof watts, p->present_mw);
    if (end)
        snprintf(order->why, STEER_WHY,
                 "it has used %s of %s, and would use more at %s before it could be "
                 "ended later",
                 used, may, watts);
    else
        snprintf(order->why, STEER_WHY,
                 "it has used %s of %s; at %s the rest lasts %" PRId64 " min", used,
                 may, watts, lasts_s / 60);
}

/* It is warned once, and anew when it has been given more since. */
static void warn_or_end(const struct steer_plan *p, bool fits,
                        struct steer_order *order)
{
    const struct steer_run *run = p->run;
    __int128 until_end_mj =
        (__int128)p->may_mj - run->used_mj -
        (__int128)p->worst_mw * (run->age_s + run->report_s + run->lag_s);
    __int128 report_mj = (__int128)p->worst_mw * run->report_s;
    __int128 warn_mj = report_mj + (__int128)p->present_mw * p->rules->warn_s;

    order->end = p->rules->end && until_end_mj < 0;
    if (until_end_mj > 2 * warn_mj)
        order->state.warned = false;
    /* The next report may be too late for a warning, whatever is expected. */
    if (!order->state.warned &&
        (until_end_mj < report_mj || (!fits && until_end_mj < warn_mj))) {
        order->warn = true;
        order->state.warned = true;
    }
    if (order->warn || order->end)
        tell_short(p, order->end, order);
}

void steer(const struct steer_rules *rules, const struct steer_run *run,
           const struct steer_state *before, int64_t now_s, struct steer_order *order)
{
    struct steer_plan p;
    bool fits = true;

    *order = (struct steer_order){.state = *before};
    if (!is_known(run))
        return;
    p = plan_of(rules, run, before, now_s);
    if (run->need_s != STEER_UNKNOWN && (is_held(before) || is_due(&p))) {
        fits = steer_hold(&p, &order->state) <= p.left_mj;
        order->changed = order->state.changed_s != before->changed_s;
    } else if (run->need_s == STEER_UNKNOWN) {
        fits = false;
    } else {
        fits = (__int128)p.present_mw * run->need_s <= p.left_mj;
    }
    if (order->changed)
        tell_held(&p, order);
    warn_or_end(&p, fits, order);
}

int64_t steer_need_s(int64_t expected_s, int64_t done_s, int64_t limit_s)
{
    int64_t need_s = limit_s;

    if (expected_s != STEER_UNKNOWN)
        need_s = expected_s > done_s ? expected_s - done_s : done_s / LONGER_DIVISOR;
    return limit_s != STEER_UNKNOWN ? at_most(need_s, limit_s) : need_s;
}
