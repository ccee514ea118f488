/* expected.c - what a job is expected to use */
#include "policy/expected.h"

#include <inttypes.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/history.h"
#include "policy/lien.h"

#define KEY 512

struct expected_cache {
    void *tree; /* of struct kept, by tsearch() */
};

struct kept {
    char key[KEY];
    struct history_estimate estimate;
};

struct expected_cache *expected_cache_new(void)
{
    return calloc(1, sizeof(struct expected_cache));
}

void expected_cache_free(struct expected_cache *cache)
{
    if (cache)
        tdestroy(cache->tree, free);
    free(cache);
}

static int by_key(const void *a, const void *b)
{
    const struct kept *x = a, *y = b;

    return strcmp(x->key, y->key);
}

/* The cache's own, which may be new; NULL: there is no cache, or no memory. */
static struct kept *find(struct expected_cache *cache, const struct history_key *key,
                         bool *is_new)
{
    struct kept *made = cache ? calloc(1, sizeof *made) : NULL;
    struct kept **found;

    *is_new = false;
    if (!made)
        return NULL;
    snprintf(made->key, KEY,
             "%s\n%s\n%s\n%s\n%" PRId64 "\n%" PRId64 "\n%" PRId64 "\n%s", key->cluster,
             key->user, key->account, key->partition, key->nodes, key->cpus, key->gpus,
             key->name);
    found = tsearch(made, &cache->tree, by_key);
    if (found && *found == made) {
        *is_new = true;
        return made;
    }
    free(made);
    return found ? *found : NULL;
}

static void ask_history(struct ledger *ledger, const struct policy *policy,
                        struct expected_cache *cache, const struct expected_job *job,
                        struct history_estimate *estimate)
{
    const struct history_key key = {job->cluster,    job->user,      job->account,
                                    job->name,       job->partition, job->asked_nodes,
                                    job->asked_cpus, job->asked_gpus};
    bool is_new = true;
    struct kept *kept = find(cache, &key, &is_new);

    *estimate = (struct history_estimate){0};
    if (!ledger)
        return;
    if (kept && !is_new) {
        *estimate = kept->estimate;
        return;
    }
    if (history_estimate(ledger, policy, &key, estimate) < 0)
        estimate->runs = 0;
    if (kept)
        kept->estimate = *estimate;
}

static void tell_history(const struct policy_figures *figures, struct expected *e,
                         bool shorter)
{
    char watts[POLICY_WATTS], took[64] = "", past[48] = "";

    if (shorter)
        snprintf(took, sizeof took, ", %" PRId64 " %% took at most %" PRId64 " min",
                 figures->duration_quantile, (e->s + 59) / 60);
    if (e->estimated > 0)
        snprintf(past, sizeof past, " (%d of them Slurm's, estimated)", e->estimated);
    snprintf(e->source, sizeof e->source,
             "history: %d runs%s, %" PRId64 " %% drew at most %s W%s%s", e->runs, past,
             figures->power_quantile, policy_watts(e->mw, watts), took,
             e->simulated ? " [simulated]" : "");
}

static void by_history(const struct policy_figures *figures, int64_t limit_s,
                       const struct history_estimate *history, struct expected *e)
{
    bool shorter = history->s < limit_s;

    e->runs = history->runs;
    e->simulated = history->simulated;
    e->estimated = history->estimated;
    e->mw = history->mw;
    e->s = shorter ? history->s : limit_s;
    e->mj = estimate_mj(e->mw, e->s, figures->factor_percent);
    tell_history(figures, e, shorter);
}

int64_t expected_mj(struct ledger *ledger, const struct policy *policy,
                    struct expected_cache *cache, const struct expected_job *job,
                    struct expected *e)
{
    const struct policy_figures *figures = policy_figures(policy);
    int64_t limit_s = job->shape.limit_s > 0 ? job->shape.limit_s : LIEN_NO_LIMIT_S;
    struct history_estimate history;
    struct nameplate plate;

    *e = (struct expected){.mj = -1};
    ask_history(ledger, policy, cache, job, &history);
    if (history.runs > 0) {
        by_history(figures, limit_s, &history, e);
    } else if (policy_nameplate(policy, job->partition, &plate, NULL)) {
        estimate_cap(&plate, policy_cap_certain_mw(policy, job->partition));
        if (policy_capping(policy))
            estimate_cap(&plate, job->gpu_cap_mw);
        e->mw = estimate_mw(&plate, &job->shape);
        e->s = limit_s;
        e->mj = estimate_mj(e->mw, limit_s, figures->factor_percent);
        snprintf(e->source, sizeof e->source, "nameplate of partition %.100s",
                 job->partition);
    }
    return e->mj;
}
