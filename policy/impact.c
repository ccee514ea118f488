/* impact.c - how many jobs another policy would stop, before it is put in force */
#include "policy/impact.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/accounts.h"
#include "policy/quota.h"
#include "policy/waiting.h"

/* The most quotas that can bind one job. */
#define MOST_QUOTAS 128

bool impact_stops(const struct impact_rule *rule)
{
    if (rule->enforce < ENFORCE_SOFT || rule->need_mj < 0 ||
        (rule->at_limit != AT_LIMIT_WAIT && rule->at_limit != AT_LIMIT_REJECT))
        return false;
    return rule->need_mj > rule->room_mj || rule->need_mj > rule->whole_mj;
}

bool impact_is_much(const struct impact *impact, int64_t confirm_percent)
{
    int64_t stopped = impact->running + impact->pending;

    return stopped > IMPACT_FEW &&
           (__int128)stopped * 100 > (__int128)impact->jobs * confirm_percent;
}

char *impact_text(const struct impact *impact, char text[IMPACT_WHY])
{
    snprintf(text, IMPACT_WHY,
             "would stop %lld of %lld jobs (%lld that run, %lld that wait)",
             (long long)(impact->running + impact->pending), (long long)impact->jobs,
             (long long)impact->running, (long long)impact->pending);
    return text;
}

/* What jobs of the same account, user and partition have in common under one policy. */
struct place {
    char account[64], user[64], partition[64];
    struct impact_rule rule; /* need_mj aside */
};

struct places {
    struct ledger *ledger;
    const char *cluster;
    const struct policy *policy;
    const struct impact_queue *queue;
    int64_t now_s;
    struct place *list;
    int count, room;
};

static void look_up(const struct places *p, struct place *place)
{
    static _Thread_local struct quota quotas[MOST_QUOTAS];
    struct impact_rule *rule = &place->rule;
    struct accounts_chain chain;
    int count;

    accounts_chain(p->ledger, p->cluster, place->account, &chain);
    rule->enforce = policy_enforce(p->policy, chain.list, place->partition, NULL);
    rule->at_limit = policy_at_limit(p->policy, chain.list, place->partition, NULL);
    rule->room_mj = rule->whole_mj = INT64_MAX;
    if (rule->enforce < ENFORCE_SOFT)
        return;
    count = quota_binding(p->ledger, p->policy, p->cluster, place->account, place->user,
                          place->partition, quotas, MOST_QUOTAS);
    for (int i = 0; i < count; i++) {
        struct balance balance;

        if (quota_balance(p->ledger, p->policy, &quotas[i], p->now_s, 0, &balance) < 0)
            continue;
        if (balance.available_mj < rule->room_mj)
            rule->room_mj = balance.available_mj;
        if (balance.quota_mj < rule->whole_mj)
            rule->whole_mj = balance.quota_mj;
    }
}

/* Each is looked up once: there are fewer of them than jobs. NULL: no memory. */
static const struct place *place_of(struct places *p, const struct queue_job *job)
{
    struct place *place;

    for (int i = 0; i < p->count; i++) {
        place = &p->list[i];
        if (strcmp(place->account, job->account) == 0 &&
            strcmp(place->user, job->user) == 0 &&
            strcmp(place->partition, job->partition) == 0)
            return place;
    }
    if (p->count == p->room) {
        int room = p->room ? p->room * 2 : 64;
        struct place *more = realloc(p->list, (size_t)room * sizeof *more);

        if (!more)
            return NULL;
        p->list = more;
        p->room = room;
    }
    place = &p->list[p->count++];
    memset(place, 0, sizeof *place);
    memcpy(place->account, job->account, sizeof place->account);
    memcpy(place->user, job->user, sizeof place->user);
    memcpy(place->partition, job->partition, sizeof place->partition);
    look_up(p, place);
    return place;
}

/* A run that has a lien is counted in its quotas with all that it is expected to use.
 */
static bool has_lien(const struct places *p, const struct queue_job *job)
{
    return job->running &&
           ledger_number(p->ledger, 0,
                         "SELECT COUNT(*) FROM runs r JOIN liens l ON l.run_id = r.id"
                         " WHERE r.job_text = ? AND r.cluster = ? AND"
                         " r.state = 'running'",
                         "ss", job->text, p->cluster) > 0;
}

/* A job with several partitions is stopped where all of them stop it. */
static bool stops(struct places *p, const struct queue_job *job, bool counted)
{
    char names[sizeof job->partition], *rest = names, *name;
    struct queue_job one = *job;

    memcpy(names, job->partition, sizeof names);
    while ((name = strsep(&rest, ","))) {
        const struct place *place;
        struct impact_rule rule;

        snprintf(one.partition, sizeof one.partition, "%s", name);
        place = place_of(p, &one);
        if (!place)
            return false;
        rule = place->rule;
        rule.need_mj = counted ? 0
                               : waiting_estimate(p->ledger, p->policy, p->cluster,
                                                  NULL, p->queue->partitions,
                                                  p->queue->partition_count, &one);
        if (!impact_stops(&rule))
            return false;
    }
    return true;
}

void impact_count(struct ledger *ledger, const char *cluster,
                  const struct impact_queue *queue, const struct policy *now,
                  const struct policy *next, int64_t now_s, struct impact *impact)
{
    struct places before = {.ledger = ledger,
                            .cluster = cluster,
                            .policy = now,
                            .queue = queue,
                            .now_s = now_s};
    struct places after = before;

    after.policy = next;
    memset(impact, 0, sizeof *impact);
    impact->jobs = queue->count;
    for (int i = 0; i < queue->count; i++) {
        const struct queue_job *job = &queue->jobs[i];
        bool counted = has_lien(&after, job);

        if (!stops(&after, job, counted) || stops(&before, job, counted))
            continue;
        if (job->running)
            impact->running++;
        else
            impact->pending++;
    }
    free(before.list);
    free(after.list);
}
