/* steer_round.c - steering on the ledger: asked with each report, and written down */
#include "policy/steer_round.h"

#include <stdio.h>
#include <string.h>

#include "policy/energy.h"
#include "policy/lien_inside.h"
#include "policy/live.h"
#include "policy/steer_facts.h"
#include "policy/steer_inside.h"

/* Of a node that is silent for so many reports the others do not wait. */
#define PATIENCE_REPORTS 3

/* Far beyond any energy, and still to be added to. */
#define NO_END_MJ (INT64_MAX / 4)

/* One look at one run. */
struct look {
    const struct steer_round *round;
    struct lien_subject lien;
    struct steer_facts facts;
    struct steer_run run;
    struct steer_state before; /* really in force */
    int64_t now_s;
};

static bool is_opted_in(const struct look *l)
{
    const struct policy *policy = l->round->policy;

    return policy_steers(policy, l->facts.partition, NULL) ||
           (policy_figures(policy)->steer_budgets && l->facts.most_mj > 0);
}

static bool is_held(const struct steer_state *state)
{
    return state->gpu_mw || state->package_mw || state->cpu_percent;
}

/* All nodes have told something new, or some wait in vain for another. */
static bool is_due(const struct look *l)
{
    const struct steer_facts *f = &l->facts;
    int64_t report_ms = l->round->report_ms, seen_ms = f->memory.seen_ms;

    if (f->nodes_known == 0 || f->nodes_known < f->node_count)
        return false;
    return f->first_ms > seen_ms ||
           (f->last_ms > seen_ms &&
            l->now_s * 1000 - seen_ms >= PATIENCE_REPORTS * report_ms);
}

static int write_order(const struct look *l, const struct steer_state *s,
                       const char *why)
{
    return ledger_do(l->round->ledger,
                     "UPDATE runs SET steer_gpu_mw = NULLIF(?,0),"
                     " steer_package_mw = NULLIF(?,0), steer_cpu_percent = NULLIF(?,0),"
                     " steer_why = ? WHERE id = ?",
                     "iiisi", s->gpu_mw, s->package_mw, s->cpu_percent, why,
                     l->facts.run_id);
}

static void let_go(const struct look *l)
{
    static const struct steer_state nothing;

    if (!l->facts.memory.known)
        return;
    write_order(l, &nothing, "");
    ledger_do(l->round->ledger, "DELETE FROM steering WHERE run_id = ?", "i",
              l->facts.run_id);
    live_watch(l->round->ledger, l->facts.run_id, false);
}

/* Takes what was used since the last look into the memory. */
static void remember(struct look *l)
{
    struct steer_facts *f = &l->facts;
    struct steer_memory *m = &f->memory;
    int64_t ms = f->first_ms - m->seen_ms;
    int64_t gpu_mj = f->used.gpu_mj - m->used.gpu_mj;
    int64_t package_mj = f->used.package_mj - m->used.package_mj;
    int64_t other_mj = f->used.other_mj - m->used.other_mj;

    if (ms <= 0)
        return;
    m->done_ms +=
        (int64_t)((__int128)ms * steer_speed(&l->run, &l->before) / STEER_FULL);
    if (!is_held(&l->before)) {
        m->free.gpu_mj += gpu_mj;
        m->free.package_mj += package_mj;
        m->free_ms += ms;
    }
    /* Of a shorter time a power says little. */
    if (ms >= l->round->report_ms / 2) {
        m->gpu_peak_mw = at_least(m->gpu_peak_mw, energy_mean_mw(gpu_mj, ms));
        m->package_peak_mw =
            at_least(m->package_peak_mw, energy_mean_mw(package_mj, ms));
        m->other_peak_mw = at_least(m->other_peak_mw, energy_mean_mw(other_mj, ms));
    }
    m->used = f->used;
    m->seen_ms = f->first_ms;
}

static int64_t mean_of(int64_t mj, int64_t ms)
{
    return ms > 0 ? energy_mean_mw(mj, ms) : STEER_UNKNOWN;
}

static int64_t raise_of(const struct look *l)
{
    char unused[LIEN_WHY];
    int64_t room_mj = lien_room(&l->lien, 0, 0, unused);
    int64_t more_mj =
        l->facts.most_mj > 0 ? l->facts.most_mj - l->facts.lien_mj : NO_END_MJ;

    return at_least(at_most(at_most(more_mj, room_mj), NO_END_MJ), 0);
}

/* By whole seconds, never too few. */
static int64_t seconds(int64_t ms)
{
    return (ms + 999) / 1000;
}

static void take_times(struct look *l)
{
    const struct steer_facts *f = &l->facts;
    struct steer_run *run = &l->run;
    int64_t age_ms = l->now_s * 1000 - f->first_ms;

    run->age_s = age_ms > 0 ? seconds(age_ms) : 0;
    run->report_s = seconds(l->round->report_ms);
    run->lag_s = l->round->kill_wait_s + STEER_LAG_S;
    run->limit_s = f->until_s - f->from_s >= LIEN_NO_LIMIT_S ? STEER_UNKNOWN
                   : f->until_s > l->now_s                   ? f->until_s - l->now_s
                                                             : 0;
}

/* What it needs, once its work up to now is known. */
static void take_need(struct look *l)
{
    int64_t done_s = l->facts.memory.done_ms / 1000;
    int64_t expected_s =
        steer_facts_expected_s(l->round->ledger, l->round->policy, &l->facts);

    l->run.need_s = steer_need_s(expected_s, done_s, l->run.limit_s);
    l->run.need_known = expected_s > done_s;
}

static void take_meters(struct look *l)
{
    const struct steer_memory *m = &l->facts.memory;
    struct steer_run *run = &l->run;

    run->gpu.mean_mw = mean_of(m->free.gpu_mj, m->free_ms);
    run->package.mean_mw = mean_of(m->free.package_mj, m->free_ms);
    run->gpu.peak_mw = m->gpu_peak_mw;
    run->package.peak_mw = m->package_peak_mw;
    run->other_peak_mw = m->other_peak_mw;
}

/* What steer() wants to know; false: nobody can tell. */
static bool take_run(struct look *l)
{
    struct ledger *ledger = l->round->ledger;
    const struct steer_facts *f = &l->facts;
    int64_t changed_ms = f->memory.state.changed_s * 1000;

    l->run = (struct steer_run){
        .lien_mj = f->lien_mj, .used_mj = f->used_mj, .raise_mj = raise_of(l)};
    take_times(l);
    /* An order is in force with the report after it. */
    if (!steer_facts_power(ledger, f, l->round->report_ms,
                           changed_ms ? changed_ms + l->round->report_ms : 0, &l->run))
        return false;
    steer_facts_devices(ledger, f, &l->run);
    l->before = steer_facts_in_force(ledger, f);
    remember(l);
    take_meters(l);
    take_need(l);
    return true;
}

/* Where nothing is capped, nothing can be held: it is warned and ended in time. */
static struct steer_rules rules_of(const struct look *l)
{
    struct steer_rules rules = policy_steer_rules(l->round->policy);
    bool capping = policy_capping(l->round->policy);

    rules.gpu = rules.gpu && capping;
    rules.package = rules.package && capping;
    rules.cpu = rules.cpu && capping;
    return rules;
}

/* What is ordered from now on: what could not be set before stays ordered, and what
 * its devices drew before stays known. */
static struct steer_state ordered(const struct steer_order *order,
                                  const struct steer_state *was)
{
    struct steer_state now = order->state;

    if (order->changed)
        return now;
    now.gpu_mw = was->gpu_mw;
    now.package_mw = was->package_mw;
    now.cpu_percent = was->cpu_percent;
    now.gpu_full_mw = at_least(now.gpu_full_mw, was->gpu_full_mw);
    now.package_full_mw = at_least(now.package_full_mw, was->package_full_mw);
    return now;
}

static int take_state(struct look *l, const struct steer_order *order)
{
    struct steer_memory *m = &l->facts.memory;
    struct steer_state was = m->state, now = ordered(order, &was);
    char why[STEER_WHY + 16];

    m->state = now;
    if (now.gpu_mw == was.gpu_mw && now.package_mw == was.package_mw &&
        now.cpu_percent == was.cpu_percent)
        return 0;
    snprintf(why, sizeof why, "steering: %s", order->why);
    if (lien_note(&l->lien, "steer", order->why, l->facts.used_mj) < 0)
        return -1;
    return write_order(l, &now, why);
}

static int take_warning(struct look *l, const struct steer_order *order)
{
    if (lien_note(&l->lien, "warn", order->why, l->facts.used_mj) < 0)
        return -1;
    return ledger_do(l->round->ledger,
                     "UPDATE steering SET warn_due = 1, why = ? WHERE run_id = ?", "si",
                     order->why, l->facts.run_id);
}

static int take_end(struct look *l, const struct steer_order *order)
{
    if (lien_note(&l->lien, "kill", order->why, l->facts.used_mj) < 0)
        return -1;
    return ledger_do(l->round->ledger,
                     "UPDATE runs SET decision = 'ending', decision_why = ?"
                     " WHERE id = ?",
                     "si", order->why, l->facts.run_id);
}

/* 1: it is to be ended. */
static int decide(struct look *l)
{
    struct steer_rules rules = rules_of(l);
    struct steer_order order;

    steer(&rules, &l->run, &l->before, l->now_s, &order);
    /* What changes and ends at once is ended: one sentence is told. */
    if (order.end)
        order.changed = order.warn = false;
    if (take_state(l, &order) < 0 ||
        steer_facts_keep(l->round->ledger, l->facts.run_id, &l->facts.memory) < 0)
        return -1;
    if (order.end)
        return take_end(l, &order) < 0 ? -1 : 1;
    return order.warn ? take_warning(l, &order) : 0;
}

static void take_subject(struct look *l)
{
    struct lien_subject *s = &l->lien;
    const struct steer_facts *f = &l->facts;

    *s = (struct lien_subject){.ledger = l->round->ledger,
                               .policy = l->round->policy,
                               .cluster = l->round->cluster,
                               .run_id = f->run_id,
                               .now_s = l->now_s};
    snprintf(s->text, sizeof s->text, "%s", f->text);
    snprintf(s->user, sizeof s->user, "%s", f->user);
    snprintf(s->account, sizeof s->account, "%s", f->account);
    snprintf(s->partition, sizeof s->partition, "%s", f->partition);
    lien_rule(s);
}

int steer_review(const struct steer_round *round, int64_t run_id, int64_t now_s)
{
    static _Thread_local struct look l;

    l = (struct look){.round = round, .now_s = now_s};
    if (!steer_facts_read(round->ledger, run_id, &l.facts))
        return 0;
    if (!is_opted_in(&l)) {
        let_go(&l);
        return 0;
    }
    live_watch(round->ledger, run_id, true);
    steer_facts_more(round->ledger, &l.facts);
    if (!is_due(&l))
        return 0;
    take_subject(&l);
    if (l.lien.spare)
        return 0;
    if (l.lien.enforce != ENFORCE_STRICT || !lien_gated(&l.lien)) {
        let_go(&l);
        return 0;
    }
    return take_run(&l) && decide(&l) > 0;
}
