/* quote_call.c - what a job would be given as lien, and whether it would start now */
#include "policy/quote_call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "plugin/admission.h"
#include "plugin/energy_budget.h"
#include "policy/accounts.h"
#include "policy/budget_map.h"
#include "policy/clock.h"
#include "policy/expected.h"
#include "policy/lien.h"
#include "policy/quota.h"
#include "policy/energy.h"
#include "policy/pricing.h"
#include "policy/quota_right.h"
#include "policy/quote_wish.h"
#include "policy/switches.h"

/* The most quotas that bind one job. */
#define MOST_QUOTAS 128

struct quote {
    const struct quote_call *call;
    struct quote_wish wish;
    int64_t now_s;
    /* where it is expected to use most: */
    char partition[64];
    struct shape shape;
    struct expected expected;
    enum policy_enforce enforce;
    enum policy_at_limit at_limit;
    bool gated;         /* it needs a lien to start */
    int64_t lien_wh;    /* 0: none */
    int64_t budget_wh;  /* its own --energy-budget, where the lien is that; else 0 */
    struct price price; /* of what it is expected to use, if it began now */
    struct admission admission;
    json_t *budgets;
    int64_t least_mj;   /* what the tightest of them has left; INT64_MAX: none binds */
    char why[LIEN_WHY]; /* it would not start now; "": it would */
};

static json_t *error(const char *sentence)
{
    return json_pack("{s:s}", "error", sentence);
}

static int refuse(unsigned *status, json_t **answer, unsigned code, const char *why)
{
    *status = code;
    *answer = error(why);
    return -1;
}

static void default_account(struct quote *q)
{
    sqlite3_stmt *stmt =
        ledger_query(q->call->ledger,
                     "SELECT account FROM members WHERE cluster = ? AND user = ?"
                     " AND is_default",
                     "ss", q->call->cluster, q->wish.user);

    if (stmt && sqlite3_step(stmt) == SQLITE_ROW)
        snprintf(q->wish.account, sizeof q->wish.account, "%s",
                 (const char *)sqlite3_column_text(stmt, 0));
    sqlite3_finalize(stmt);
}

/* For whom and on whose account. */
static int find_people(struct quote *q, unsigned *status, json_t **answer)
{
    const struct access_rights *rights = q->call->rights;
    struct quote_wish *wish = &q->wish;

    if (wish->user[0] && !rights->sees_all && strcmp(wish->user, rights->user) != 0)
        return refuse(status, answer, 403,
                      "only operators ask for other people's quotes");
    if (!wish->user[0])
        snprintf(wish->user, sizeof wish->user, "%s", rights->user);
    if (!wish->account[0])
        default_account(q);
    else if (!quota_may_ask(q->call->ledger, rights, wish->account))
        return refuse(status, answer, 403,
                      "only its members, coordinators and operators ask for an "
                      "account's quotes");
    q->wish.request.account = wish->account;
    return 0;
}

static struct map_partition as_admission_sees(const struct queue_partition *p)
{
    return (struct map_partition){.name = p->name,
                                  .whole_nodes = p->whole_nodes,
                                  .default_s = p->default_s,
                                  .max_s = p->max_s,
                                  .node_cpus = p->node_cpus,
                                  .node_gpus = p->node_gpus};
}

/* What the job is expected to use in a partition counts if it is more than elsewhere.
 */
static void consider(struct quote *q, const struct queue_partition *found)
{
    struct map_partition partition = as_admission_sees(found);
    struct request asked_for = q->wish.request;
    struct shape shape, asked;
    struct expected_job job = {.cluster = q->call->cluster,
                               .user = q->wish.user,
                               .account = q->wish.account,
                               .name = q->wish.name,
                               .partition = found->name};
    struct expected expected;

    request_shape(&q->wish.request, &partition, &shape);
    if (shape.limit_s == REQUEST_NO_LIMIT)
        shape.limit_s = 0;
    /* By what a job asked for its history is found, not by what whole nodes add. */
    asked_for.exclusive = partition.whole_nodes = false;
    request_shape(&asked_for, &partition, &asked);
    job.asked_nodes = asked_for.nodes > 0 ? asked_for.nodes : 1;
    job.asked_cpus = asked.cpus;
    job.asked_gpus = asked.gpus;
    job.shape = shape;
    job.gpu_cap_mw = q->wish.gpu_cap_mw;
    expected_mj(q->call->ledger, q->call->policy, NULL, &job, &expected);
    if (q->partition[0] && expected.mj <= q->expected.mj)
        return;
    snprintf(q->partition, sizeof q->partition, "%s", found->name);
    q->shape = shape;
    q->expected = expected;
}

static int find_partitions(struct quote *q, unsigned *status, json_t **answer)
{
    char names[sizeof q->wish.partition], *rest = names, *name, why[384];

    memcpy(names, q->wish.partition, sizeof names);
    while ((name = strsep(&rest, ","))) {
        struct queue_partition found;
        int rc = steward_partition(q->call->steward, name, &found);

        if (rc < 0)
            return refuse(status, answer, 503,
                          "slurmctld has not told kwotad its partitions yet; try again "
                          "in a minute");
        if (rc == 0 && !name[0])
            return refuse(status, answer, 400,
                          "there is no default partition: name one, with --partition");
        if (rc == 0) {
            snprintf(why, sizeof why, "there is no partition \"%s\"", name);
            return refuse(status, answer, 400, why);
        }
        consider(q, &found);
    }
    return 0;
}

/* As waiting.c and lien.c do it. */
static void find_rule(struct quote *q)
{
    struct accounts_chain chain;
    struct switches switches;

    accounts_chain(q->call->ledger, q->call->cluster, q->wish.account, &chain);
    q->enforce = policy_enforce(q->call->policy, chain.list, q->partition, NULL);
    q->at_limit = policy_at_limit(q->call->policy, chain.list, q->partition, NULL);
    pricing_foretell(policy_tariff(q->call->policy), chain.list, q->now_s,
                     q->expected.s, q->expected.mj, &q->price);
    switches_read(q->call->ledger, &switches);
    if ((switches.frozen || switches.tripped) && q->enforce > ENFORCE_SHADOW)
        q->enforce = ENFORCE_SHADOW;
    q->gated = q->enforce >= ENFORCE_SOFT &&
               (q->at_limit == AT_LIMIT_WAIT || q->at_limit == AT_LIMIT_REJECT);
}

static int find_lien(struct quote *q, unsigned *status, json_t **answer)
{
    const char *budget = q->wish.request.budget;
    int64_t wh;

    if (budget && energy_budget_parse(budget, &wh) < 0)
        return refuse(status, answer, 400,
                      "the energy budget is no amount of energy; say, for example, "
                      "--energy-budget=2kWh");
    if (!q->gated || q->expected.mj < 0)
        return 0;
    q->lien_wh = estimate_wh(q->expected.mj, policy_figures(q->call->policy)->round_wh);
    if (budget && q->enforce == ENFORCE_STRICT && wh < q->lien_wh)
        q->lien_wh = q->budget_wh = wh;
    return 0;
}

/* What slurmctld's plugin would say now, which knows the map and no history. */
static void ask_admission(struct quote *q)
{
    char why[BUDGET_MAP_WHY];
    struct budget_map *map = q->call->map ? budget_map_read(q->call->map, why) : NULL;
    const struct admission_site site = {.map = map, .now_s = (int64_t)time(NULL)};
    struct map_user user;

    q->wish.request.uid = q->call->rights->uid;
    if (strcmp(q->wish.user, q->call->rights->user) != 0)
        q->wish.request.uid =
            map && budget_map_user(map, q->wish.user, &user) && user.uid > 0
                ? (uid_t)user.uid
                : (uid_t)-1;
    admission_decide(&site, &q->wish.request, &q->admission);
    free(q->admission.licenses);
    budget_map_free(map);
}

static int add_budget(struct quote *q, const struct quota *quota)
{
    struct balance balance;
    char name[288];

    if (quota_balance(q->call->ledger, q->call->policy, quota, q->now_s, 0, &balance) <
        0)
        return -1;
    if (balance.available_mj < q->least_mj)
        q->least_mj = balance.available_mj;
    return json_array_append_new(
        q->budgets,
        json_pack("{s:s s:I s:I}", "name", quota_name(quota, name, sizeof name),
                  "available_mj", (json_int_t)balance.available_mj, "until_s",
                  (json_int_t)balance.window.until_s));
}

static int weigh(struct quote *q)
{
    struct quota *quotas = calloc(MOST_QUOTAS, sizeof *quotas);
    int count = quotas ? quota_binding(q->call->ledger, q->call->policy,
                                       q->call->cluster, q->wish.account, q->wish.user,
                                       q->partition, quotas, MOST_QUOTAS)
                       : -1;
    int rc = count < 0 ? -1 : 0;

    q->least_mj = INT64_MAX;
    for (int i = 0; rc == 0 && i < count; i++)
        rc = add_budget(q, &quotas[i]);
    free(quotas);
    if (rc == 0 && q->gated)
        lien_fits(q->call->ledger, q->call->policy, q->call->cluster,
                  &(struct lien_claim){q->wish.account, q->wish.user, q->partition,
                                       q->lien_wh * ESTIMATE_MJ_PER_WH},
                  0, q->now_s, q->why);
    return rc;
}

/* How many of the array's tasks would start now. */
static int64_t fitting_tasks(const struct quote *q)
{
    int64_t lien_mj = q->lien_wh * ESTIMATE_MJ_PER_WH, count;

    if (q->admission.refused || q->why[0])
        return 0;
    if (!q->gated || lien_mj == 0)
        return q->wish.tasks;
    count = q->least_mj / lien_mj;
    return count < q->wish.tasks ? count : q->wish.tasks;
}

/* The longest time limit with which it would start now; null: none, or it starts. */
static json_t *fitting_limit(const struct quote *q)
{
    const struct policy_figures *figures = policy_figures(q->call->policy);
    const struct need need = {.mw = q->expected.mw,
                              .shape = {.limit_s = q->expected.s},
                              .factor_percent = figures->factor_percent,
                              .round_wh = figures->round_wh};
    int64_t minutes;

    if (!q->why[0] || q->least_mj <= 0 || q->expected.mj < 0 || q->budget_wh > 0)
        return json_null();
    minutes = sentence_fitting_min(&need, q->least_mj / ESTIMATE_MJ_PER_WH);
    return minutes > 0 ? json_integer(minutes * 60) : json_null();
}

static json_t *number_if(bool known, int64_t value)
{
    return known ? json_integer(value) : json_null();
}

static json_t *text_if(const char *text)
{
    return text[0] ? json_string(text) : json_null();
}

static json_t *cost_of(const struct quote *q)
{
    const struct tariff *tariff = policy_tariff(q->call->policy);
    const struct price *p = &q->price;

    if (!tariff || p->price_u == ENERGY_UNKNOWN)
        return json_null();
    return json_pack("{s:I s:s s:o}", "price_u", (json_int_t)p->price_u, "currency",
                     tariff->currency, "co2_mg",
                     number_if(p->co2_mg != ENERGY_UNKNOWN, p->co2_mg));
}

static int64_t all_tasks(const struct quote *q)
{
    int64_t mj;

    return __builtin_mul_overflow(q->expected.mj, q->wish.tasks, &mj) ? INT64_MAX : mj;
}

static json_t *tell(const struct quote *q)
{
    const struct expected *e = &q->expected;
    bool known = e->mj >= 0;
    json_t *json =
        json_pack("{s:s s:s s:s s:s s:I s:I s:I s:o s:I}", "user", q->wish.user,
                  "account", q->wish.account, "partition", q->partition, "name",
                  q->wish.name, "nodes", (json_int_t)q->shape.nodes, "cpus",
                  (json_int_t)q->shape.cpus, "gpus", (json_int_t)q->shape.gpus,
                  "limit_s", number_if(q->shape.limit_s > 0, q->shape.limit_s), "tasks",
                  (json_int_t)q->wish.tasks);
    json_t *more = json_pack(
        "{s:o s:o s:o s:o s:I s:b s:o s:I s:o s:s s:s s:b s:o s:b s:o s:I s:o s:O s:o}",
        "estimate_mj", number_if(known, e->mj), "mw", number_if(known, e->mw),
        "expected_s", number_if(known, e->s), "source", text_if(e->source), "runs",
        (json_int_t)e->runs, "simulated", (int)e->simulated, "total_mj",
        number_if(known, all_tasks(q)), "lien_wh", (json_int_t)q->lien_wh, "budget_wh",
        number_if(q->budget_wh > 0, q->budget_wh), "enforce",
        policy_enforce_text(q->enforce), "at_limit", policy_at_limit_text(q->at_limit),
        "admitted", !q->admission.refused, "refusal",
        q->admission.refused ? json_string(q->admission.sentence) : json_null(),
        "starts_now", !q->admission.refused && !q->why[0], "why", text_if(q->why),
        "fits_tasks", (json_int_t)fitting_tasks(q), "fits_limit_s", fitting_limit(q),
        "budgets", q->budgets, "cost", cost_of(q));

    json_object_update(json, more);
    json_decref(more);
    return json;
}

/* With the ledger's lock held. */
static int work_out(struct quote *q, unsigned *status, json_t **answer)
{
    if (find_people(q, status, answer) < 0 || find_partitions(q, status, answer) < 0)
        return -1;
    find_rule(q);
    if (find_lien(q, status, answer) < 0)
        return -1;
    if (weigh(q) < 0)
        return refuse(status, answer, 503, "the ledger cannot be read now");
    return 0;
}

json_t *quote_call(const struct quote_call *call, unsigned *status)
{
    struct quote q = {.call = call, .now_s = clock_now_s()};
    json_t *answer = NULL;
    char why[QUOTE_WHY];
    int rc;

    *status = 400;
    if (quote_wish_read(call->body, &q.wish, why) < 0)
        return error(why);
    *status = 503;
    if (ledger_look(call->ledger) < 0)
        return error("the ledger cannot be read now");
    q.budgets = json_array();
    rc = work_out(&q, status, &answer);
    ledger_commit(call->ledger);
    if (rc == 0) {
        ask_admission(&q);
        *status = 200;
        answer = tell(&q);
    }
    json_decref(q.budgets);
    return answer;
}
