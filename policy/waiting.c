/* waiting.c - jobs that have not begun */
#include "policy/waiting.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/accounts.h"
#include "policy/energy.h"
#include "policy/expected.h"
#include "policy/gather.h"
#include "policy/lien.h"
#include "policy/log.h"
#include "policy/queue_change.h"
#include "policy/slurm_act.h"
#include "policy/switches.h"
#include "policy/tres.h"

#define HELD "kwota: held"
#define WAITS "kwota: waits for energy"

/* A job that Slurm did not move to the overdraft's QOS is tried again after so long. */
#define OVERDRAFT_S 600

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

/* What the job's shape is in the partition, as far as Slurm has worked it out. */
static void shape_in(const struct queue_partition *partition,
                     const struct queue_job *job, struct shape *shape)
{
    *shape = (struct shape){.nodes = job->nodes > 0 ? job->nodes : 1,
                            .cpus = job->cpus,
                            .gpus = job->gpus,
                            .limit_s = job->limit_s};
    if (partition && (job->whole_nodes || partition->whole_nodes)) {
        shape->cpus = shape->nodes * partition->node_cpus;
        shape->gpus = shape->nodes * partition->node_gpus;
    }
    if (shape->limit_s == 0 && partition)
        shape->limit_s = partition->max_s;
}

/* What is to be done to one job. */
struct plan {
    char text[64];
    enum { PLAN_LICENCES, PLAN_RELEASE, PLAN_COMMENT, PLAN_QOS } what;
    char words[512]; /* the licences, the comment, or the QOS */
};

struct pass {
    struct waiting *waiting;
    const struct queue *queue;
    const struct policy *policy;
    int64_t now_s;
    bool off; /* frozen or tripped: nothing is gated */
    struct expected_cache *cache;
    struct plan *plans;
    int count;
    json_t *list;
};

int64_t waiting_estimate(struct ledger *ledger, const struct policy *policy,
                         const char *cluster, struct expected_cache *cache,
                         const struct queue_partition *partitions, int partition_count,
                         const struct queue_job *job)
{
    char names[sizeof job->partition], *rest = names, *name;
    int64_t most = -1;

    memcpy(names, job->partition, sizeof names);
    while ((name = strsep(&rest, ","))) {
        struct expected_job wanted = {.cluster = cluster,
                                      .user = job->user,
                                      .account = job->account,
                                      .name = job->name,
                                      .partition = name,
                                      .asked_nodes = job->asked_nodes,
                                      .asked_cpus = job->cpus,
                                      .asked_gpus = job->gpus,
                                      .gpu_cap_mw = job->gpu_cap_mw};
        struct expected expected;
        int64_t mj;

        shape_in(find_partition(partitions, partition_count, name), job, &wanted.shape);
        mj = expected_mj(ledger, policy, cache, &wanted, &expected);
        if (mj > most)
            most = mj;
    }
    return most;
}

static int64_t estimate(struct pass *p, const struct queue_job *job)
{
    const struct waiting *w = p->waiting;

    return waiting_estimate(w->ledger, p->policy, w->cluster, p->cache, w->partitions,
                            w->partition_count, job);
}

static struct plan *add(struct pass *p, const struct queue_job *job)
{
    struct plan *plan;

    if (p->count == MOST_UPDATES)
        return NULL;
    plan = &p->plans[p->count++];
    snprintf(plan->text, sizeof plan->text, "%s", job->text);
    return plan;
}

/* The strictest rule of its partitions: nobody knows yet in which it will run. */
static enum policy_enforce enforce_of(struct pass *p, const struct queue_job *job,
                                      enum policy_at_limit *at_limit)
{
    char names[sizeof job->partition], *rest = names, *name;
    enum policy_enforce strictest = ENFORCE_OFF;
    struct accounts_chain chain;

    memcpy(names, job->partition, sizeof names);
    accounts_chain(p->waiting->ledger, p->waiting->cluster, job->account, &chain);
    *at_limit = AT_LIMIT_WARN;
    while ((name = strsep(&rest, ","))) {
        enum policy_enforce enforce = policy_enforce(p->policy, chain.list, name, NULL);

        if (enforce < strictest)
            continue;
        strictest = enforce;
        *at_limit = policy_at_limit(p->policy, chain.list, name, NULL);
    }
    return p->off ? ENFORCE_OFF : strictest;
}

/* What its user said it may use at most, as admission wrote it down; else no limit. */
static int64_t budget_wh(const struct queue_job *job)
{
    int64_t wh = tres_energy_budget(job->admin_comment);

    return wh > 0 ? wh : INT64_MAX;
}

/* The licence it should ask for; 0: none. */
static int64_t wanted_wh(struct pass *p, const struct queue_job *job, int64_t *mj)
{
    enum policy_at_limit at_limit;
    enum policy_enforce enforce = enforce_of(p, job, &at_limit);
    int64_t wh;

    *mj = estimate(p, job);
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
    /* Its leader's own id would mean all parts of a het job. */
    if (job->het_job)
        snprintf(plan->text, sizeof plan->text, "%u+%u", job->het_job, job->het_offset);
    memcpy(plan->words, licences, sizeof plan->words);
}

/* Whether its quotas have room for it if it began now. */
static bool fits(struct pass *p, const struct queue_job *job, int64_t mj,
                 char why[LIEN_WHY])
{
    struct lien_claim claim = {job->account, job->user, job->partition, mj};

    return lien_fits(p->waiting->ledger, p->policy, p->waiting->cluster, &claim, 0,
                     p->now_s, why);
}

/* The job for which the energy that it would take is kept together; NULL: none. */
static const char *kept_for(struct pass *p, const struct queue_job *job)
{
    struct gather_claim claim = {job->text, job->account, job->user, job->partition};

    return gather_for(p->waiting->standings, p->waiting->ledger, p->policy,
                      p->waiting->cluster, &claim);
}

/* A het job begins as one: whether its parts have room together. Those of the same
 * account and partition take from the same quotas. */
static bool all_fit(struct pass *p, const struct queue_job *job, int64_t mj,
                    char why[LIEN_WHY])
{
    const struct queue_job *jobs = p->queue->jobs;

    if (!job->het_job)
        return fits(p, job, mj, why);
    for (int i = 0; i < p->queue->count; i++) {
        int64_t sum_mj = 0;

        if (jobs[i].het_job != job->het_job)
            continue;
        for (int k = 0; k < p->queue->count; k++)
            if (jobs[k].het_job == job->het_job &&
                strcmp(jobs[k].account, jobs[i].account) == 0 &&
                strcmp(jobs[k].partition, jobs[i].partition) == 0)
                sum_mj = energy_add(sum_mj, estimate(p, &jobs[k]));
        if (!fits(p, &jobs[i], sum_mj, why))
            return false;
    }
    return true;
}

static void plan_release(struct pass *p, const struct queue_job *job, int64_t mj)
{
    char why[LIEN_WHY];
    struct plan *plan;

    if (strncmp(job->admin_comment, HELD, sizeof HELD - 1) != 0)
        return;
    if (!p->off && (!all_fit(p, job, mj, why) || kept_for(p, job)))
        return;
    plan = add(p, job);
    if (!plan)
        return;
    plan->what = PLAN_RELEASE;
    tres_keep_words(plan->words, sizeof plan->words, "kwota: was held, may start again",
                    job->admin_comment);
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

static bool noted_lately(const struct pass *p, const struct queue_job *job)
{
    return ledger_number(p->waiting->ledger, 0,
                         "SELECT COUNT(*) FROM decisions WHERE job_text = ? AND"
                         " cluster = ? AND action = 'warn' AND run_id IS NULL"
                         " AND time_s > ?",
                         "ssi", job->text, p->waiting->cluster,
                         p->now_s - OVERDRAFT_S) > 0;
}

/* A job that does not fit, and that may overdraw: it runs in the QOS for that, without
 * a licence, and is charged in full. */
static void plan_overdraft(struct pass *p, const struct queue_job *job, int64_t mj)
{
    const char *qos = policy_figures(p->policy)->overdraft_qos;
    enum policy_at_limit at_limit;
    enum policy_enforce enforce = enforce_of(p, job, &at_limit);
    char why[LIEN_WHY];
    struct plan *plan;

    if (at_limit != AT_LIMIT_OVERDRAFT || enforce < ENFORCE_SOFT || !qos ||
        strcmp(job->qos, qos) == 0 || fits(p, job, mj, why) || noted_lately(p, job))
        return;
    plan = add(p, job);
    if (!plan)
        return;
    plan->what = PLAN_QOS;
    snprintf(plan->words, sizeof plan->words, "%s", qos);
    ledger_do(p->waiting->ledger,
              "INSERT INTO decisions (time_s, cluster, job_text, user, account,"
              " partition, action, rule, why, mj) VALUES (?,?,?,?,?,?,'warn',?,?,?)",
              "isssssssi", p->now_s, p->waiting->cluster, job->text, job->user,
              job->account, job->partition, "limits.at_limit: overdraft", why, mj);
    log_line("job %s of %s in %s goes into QOS %s: %s", job->text, job->user,
             job->account, qos, why);
}

static void list_job(struct pass *p, const struct queue_job *job, int64_t mj)
{
    char why[LIEN_WHY] = "";
    bool held = job->held && strncmp(job->admin_comment, HELD, sizeof HELD - 1) == 0;

    if (!held && !job->by_licence)
        return;
    if (all_fit(p, job, mj, why)) {
        const char *starved = kept_for(p, job);

        if (starved)
            snprintf(why, sizeof why,
                     "energy is kept together for job %s, which has waited long",
                     starved);
        else
            snprintf(why, sizeof why,
                     "it waits until runs before it have been charged, or its turn "
                     "comes");
    }
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

    if (!job->pending || job->cron)
        return;
    wh = wanted_wh(p, job, &mj);
    if (mj < 0)
        mj = 0;
    plan_licences(p, job, wh);
    /* A het job's other parts are held and released with its leader. */
    if (job->het_part)
        return;
    plan_overdraft(p, job, mj);
    if (job->held)
        plan_release(p, job, mj);
    list_job(p, job, mj);
}

static void carry_out(const struct plan *plan)
{
    static const char *const names[] = {"licences", "release", "comment", "QOS"};
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
    case PLAN_QOS:
        rc = act_qos(plan->text, plan->words, why);
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

/* Keeps the jobs for whoever wants to know what another policy would do to them. */
static void keep_jobs(struct waiting *waiting, const struct queue *queue)
{
    size_t size = (size_t)queue->count * sizeof *queue->jobs;

    free(waiting->jobs);
    waiting->jobs = malloc(size ? size : 1);
    waiting->job_count = waiting->jobs ? queue->count : 0;
    for (int i = 0; i < waiting->job_count; i++) {
        waiting->jobs[i] = queue->jobs[i];
        waiting->jobs[i].licences = waiting->jobs[i].admin_comment = NULL;
    }
    queue_change_sort(waiting->jobs, waiting->job_count);
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
    p.queue = &queue;
    p.cache = expected_cache_new();
    rc = p.plans ? make_plans(&p, &queue) : -1;
    expected_cache_free(p.cache);
    keep_jobs(waiting, &queue);
    queue_done(&queue);
    for (int i = 0; rc == 0 && i < p.count; i++)
        carry_out(&p.plans[i]);
    free(p.plans);
    json_decref(waiting->list);
    waiting->list = p.list;
    return rc;
}
