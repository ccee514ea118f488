/* waiting.c - jobs that have not begun */
#include "policy/waiting.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/accounts.h"
#include "policy/energy.h"
#include "policy/lien.h"
#include "policy/log.h"
#include "policy/slurm_act.h"
#include "policy/switches.h"
#include "policy/tres.h"

#define HELD "kwota: held"
#define WAITS "kwota: waits for energy"
#define BUDGET "kwota: energy budget "

/* At most so many updates a pass: slurmctld has other things to do. */
#define MOST_UPDATES 200

static const struct queue_partition *
find_partition(const struct queue_partition *partitions, int count, const char *name)
{
    for (int i = 0; i < count; i++)
        if (strcmp(partitions[i].name, name) == 0)
            return &partitions[i];
    return NULL;
}

static int64_t estimate_in(const struct policy *policy,
                           const struct queue_partition *partition, const char *name,
                           const struct queue_job *job)
{
    struct nameplate plate;
    struct shape shape = {.nodes = job->nodes > 0 ? job->nodes : 1,
                          .cpus = job->cpus,
                          .gpus = job->gpus,
                          .limit_s = job->limit_s};

    if (!policy_nameplate(policy, name, &plate, NULL))
        return -1;
    if (partition && (job->whole_nodes || partition->whole_nodes)) {
        shape.cpus = shape.nodes * partition->node_cpus;
        shape.gpus = shape.nodes * partition->node_gpus;
    }
    if (shape.limit_s == 0 && partition)
        shape.limit_s = partition->max_s;
    if (shape.limit_s == 0)
        shape.limit_s = LIEN_NO_LIMIT_S;
    return estimate_mj(estimate_mw(&plate, &shape), shape.limit_s,
                       policy_figures(policy)->factor_percent);
}

int64_t waiting_estimate(const struct policy *policy,
                         const struct queue_partition *partitions, int partition_count,
                         const struct queue_job *job)
{
    char names[sizeof job->partition], *rest = names, *name;
    int64_t most = -1;

    memcpy(names, job->partition, sizeof names);
    while ((name = strsep(&rest, ","))) {
        int64_t mj = estimate_in(
            policy, find_partition(partitions, partition_count, name), name, job);

        if (mj > most)
            most = mj;
    }
    return most;
}

/* What is to be done to one job. */
struct plan {
    char text[64];
    enum { PLAN_LICENCES, PLAN_RELEASE, PLAN_COMMENT } what;
    char words[512]; /* the licences, or the comment */
};

struct pass {
    struct waiting *waiting;
    const struct policy *policy;
    int64_t now_s;
    bool off; /* frozen or tripped: nothing is gated */
    struct plan *plans;
    int count;
    json_t *list;
};

static struct plan *add(struct pass *p, const struct queue_job *job)
{
    struct plan *plan;

    if (p->count == MOST_UPDATES)
        return NULL;
    plan = &p->plans[p->count++];
    snprintf(plan->text, sizeof plan->text, "%s", job->text);
    return plan;
}

static enum policy_enforce enforce_of(struct pass *p, const struct queue_job *job,
                                      enum policy_at_limit *at_limit)
{
    struct accounts_chain chain;

    accounts_chain(p->waiting->ledger, p->waiting->cluster, job->account, &chain);
    *at_limit = policy_at_limit(p->policy, chain.list, job->partition, NULL);
    return p->off ? ENFORCE_OFF
                  : policy_enforce(p->policy, chain.list, job->partition, NULL);
}

/* What its user said it may use at most, as admission wrote it down; else no limit. */
static int64_t budget_wh(const struct queue_job *job)
{
    size_t length = sizeof BUDGET - 1;
    int64_t wh = strncmp(job->admin_comment, BUDGET, length) == 0
                     ? strtoll(job->admin_comment + length, NULL, 10)
                     : 0;

    return wh > 0 ? wh : INT64_MAX;
}

/* The licence it should ask for; 0: none. */
static int64_t wanted_wh(struct pass *p, const struct queue_job *job, int64_t *mj)
{
    enum policy_at_limit at_limit;
    enum policy_enforce enforce = enforce_of(p, job, &at_limit);
    int64_t wh;

    *mj = waiting_estimate(p->policy, p->waiting->partitions,
                           p->waiting->partition_count, job);
    if (enforce < ENFORCE_SOFT || *mj < 0 ||
        (at_limit != AT_LIMIT_WAIT && at_limit != AT_LIMIT_REJECT))
        return 0;
    wh = estimate_wh(*mj, policy_figures(p->policy)->round_wh);
    if (enforce == ENFORCE_STRICT && budget_wh(job) < wh)
        wh = budget_wh(job);
    return wh;
}

static void plan_licences(struct pass *p, const struct queue_job *job, int64_t wh)
{
    char licences[512];
    struct plan *plan;

    if (job->licence_wh == wh)
        return;
    if (tres_put_licence(job->licences, "kwota", wh, licences, sizeof licences) < 0) {
        log_line("job %s: its licences \"%.100s\" cannot have a lien added", job->text,
                 job->licences);
        return;
    }
    plan = add(p, job);
    if (!plan)
        return;
    plan->what = PLAN_LICENCES;
    memcpy(plan->words, licences, sizeof plan->words);
}

static void plan_release(struct pass *p, const struct queue_job *job, int64_t mj)
{
    char why[LIEN_WHY];
    struct plan *plan;

    if (strncmp(job->admin_comment, HELD, sizeof HELD - 1) != 0)
        return;
    if (!p->off &&
        !lien_fits(p->waiting->ledger, p->policy, p->waiting->cluster, job->account,
                   job->user, job->partition, mj, 0, p->now_s, why))
        return;
    plan = add(p, job);
    if (!plan)
        return;
    plan->what = PLAN_RELEASE;
    snprintf(plan->words, sizeof plan->words, "kwota: was held, may start again");
}

static void plan_comment(struct pass *p, const struct queue_job *job, const char *why)
{
    struct plan *plan;

    if (job->admin_comment[0] && strncmp(job->admin_comment, "kwota: was held",
                                         sizeof "kwota: was held" - 1) != 0)
        return;
    plan = add(p, job);
    if (!plan)
        return;
    plan->what = PLAN_COMMENT;
    snprintf(plan->words, sizeof plan->words, WAITS ": %.300s", why);
}

static void list_job(struct pass *p, const struct queue_job *job, int64_t mj)
{
    char why[LIEN_WHY] = "";
    bool held = job->held && strncmp(job->admin_comment, HELD, sizeof HELD - 1) == 0;

    if (!held && !job->by_licence)
        return;
    if (lien_fits(p->waiting->ledger, p->policy, p->waiting->cluster, job->account,
                  job->user, job->partition, mj, 0, p->now_s, why))
        snprintf(why, sizeof why,
                 "it waits until runs before it have been charged, or its turn comes");
    json_array_append_new(
        p->list, json_pack("{s:s s:s s:s s:s s:I s:I s:b s:s}", "job_id", job->text,
                           "user", job->user, "account", job->account, "partition",
                           job->partition, "submit", (json_int_t)job->submit_s,
                           "needed_mj", (json_int_t)mj, "held", (int)held, "why", why));
    if (!held)
        plan_comment(p, job, why);
}

static void look_at(struct pass *p, const struct queue_job *job)
{
    int64_t mj, wh;

    if (!job->pending || job->cron || job->het_part)
        return;
    wh = wanted_wh(p, job, &mj);
    if (mj < 0)
        mj = 0;
    plan_licences(p, job, wh);
    if (job->held)
        plan_release(p, job, mj);
    list_job(p, job, mj);
}

static void carry_out(const struct plan *plan)
{
    static const char *const names[] = {"licences", "release", "comment"};
    char why[ACT_WHY];
    int rc = 0;

    switch (plan->what) {
    case PLAN_LICENCES:
        rc = act_licences(plan->text, plan->words, why);
        break;
    case PLAN_RELEASE:
        rc = act_release(plan->text, plan->words, why);
        break;
    case PLAN_COMMENT:
        rc = act_comment(plan->text, plan->words, why);
        break;
    }
    if (rc < 0)
        log_line("job %s: %s \"%.100s\": %s", plan->text, names[plan->what],
                 plan->words, why);
}

static int make_plans(struct pass *p, const struct queue *queue)
{
    struct switches switches;

    if (ledger_begin(p->waiting->ledger) < 0)
        return -1;
    switches_read(p->waiting->ledger, &switches);
    p->off = switches.frozen || switches.tripped;
    for (int i = 0; i < queue->count; i++)
        look_at(p, &queue->jobs[i]);
    return ledger_commit_soon(p->waiting->ledger);
}

int waiting_pass(struct waiting *waiting, const struct policy *policy, int64_t now_s)
{
    struct pass p = {.waiting = waiting, .policy = policy, .now_s = now_s};
    struct queue queue;
    int rc;

    if (queue_load(&queue) < 0)
        return -1;
    p.plans = calloc(MOST_UPDATES, sizeof *p.plans);
    p.list = json_array();
    rc = p.plans ? make_plans(&p, &queue) : -1;
    queue_done(&queue);
    for (int i = 0; rc == 0 && i < p.count; i++)
        carry_out(&p.plans[i]);
    free(p.plans);
    json_decref(waiting->list);
    waiting->list = p.list;
    return rc;
}
