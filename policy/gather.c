/* gather.c - energy kept together for a job that would starve */
#include "policy/gather.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/accounts.h"

static const char *text(const json_t *job, const char *key)
{
    const char *value = json_string_value(json_object_get(job, key));

    return value ? value : "";
}

static int64_t number(const json_t *job, const char *key)
{
    return json_integer_value(json_object_get(job, key));
}

static bool in_chain(const struct accounts_chain *chain, const char *account)
{
    for (int i = 0; chain->list[i]; i++)
        if (strcmp(chain->list[i], account) == 0)
            return true;
    return false;
}

/* Of several partitions the first stands for all. */
static bool has_partition(const struct policy *policy, const char *class,
                          const char *partitions)
{
    char first[64];

    snprintf(first, sizeof first, "%.*s", (int)strcspn(partitions, ","), partitions);
    return quota_class_has(policy, class, first);
}

static bool binds(const struct quota *quota, const struct policy *policy,
                  const char *cluster, const struct accounts_chain *chain,
                  const struct gather_claim *claim)
{
    return (!quota->cluster[0] || strcmp(quota->cluster, cluster) == 0) &&
           (!quota->user[0] || strcmp(quota->user, claim->user) == 0) &&
           (!quota->account[0] || in_chain(chain, quota->account)) &&
           has_partition(policy, quota->class, claim->partition);
}

static void keep_for(struct standings *standings, struct ledger *ledger,
                     const struct policy *policy, const char *cluster,
                     const json_t *job)
{
    struct gather_claim claim = {text(job, "job_id"), text(job, "account"),
                                 text(job, "user"), text(job, "partition")};
    int64_t needed_mj = number(job, "needed_mj");
    struct accounts_chain chain;

    accounts_chain(ledger, cluster, claim.account, &chain);
    for (int i = 0; i < standings->count; i++) {
        struct standing *s = &standings->list[i];

        if (s->gather_mj > 0 || s->at_s == 0 || s->balance.available_mj >= needed_mj ||
            s->balance.available_mj + s->balance.reserved_mj < needed_mj ||
            !binds(&s->quota, policy, cluster, &chain, &claim))
            continue;
        s->gather_mj = needed_mj;
        snprintf(s->gather_job, sizeof s->gather_job, "%s", claim.text);
    }
}

static int by_submit(const void *a, const void *b)
{
    int64_t x = number(*(json_t *const *)a, "submit");
    int64_t y = number(*(json_t *const *)b, "submit");

    return x < y ? -1 : x > y;
}

void gather_mark(struct standings *standings, struct ledger *ledger,
                 const struct policy *policy, const char *cluster, const json_t *list,
                 int64_t now_s)
{
    size_t count = 0, i;
    json_t **jobs = calloc(json_array_size(list) + 1, sizeof(json_t *)), *job;

    for (int s = 0; s < standings->count; s++)
        standings->list[s].gather_mj = 0;
    json_array_foreach(list, i, job)
    {
        if (jobs && now_s - number(job, "submit") >= GATHER_AFTER_S)
            jobs[count++] = job;
    }
    if (count > 0 && policy_figures(policy)->gather && ledger_begin(ledger) == 0) {
        qsort(jobs, count, sizeof *jobs, by_submit);
        for (i = 0; i < count; i++)
            keep_for(standings, ledger, policy, cluster, jobs[i]);
        ledger_commit_soon(ledger);
    }
    free(jobs);
}

int64_t gather_available(const struct standing *standing)
{
    int64_t available_mj = standing->balance.available_mj;

    return standing->gather_mj > available_mj && available_mj > 0 ? 0 : available_mj;
}

const char *gather_for(const struct standings *standings, struct ledger *ledger,
                       const struct policy *policy, const char *cluster,
                       const struct gather_claim *claim)
{
    struct accounts_chain chain;
    bool read = false;

    for (int i = 0; standings && i < standings->count; i++) {
        const struct standing *s = &standings->list[i];

        if (s->gather_mj <= s->balance.available_mj ||
            strcmp(s->gather_job, claim->text) == 0)
            continue;
        if (!read)
            accounts_chain(ledger, cluster, claim->account, &chain);
        read = true;
        if (binds(&s->quota, policy, cluster, &chain, claim))
            return s->gather_job;
    }
    return NULL;
}
