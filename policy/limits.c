/* limits.c - how many licences Slurm may give out */
#include "policy/limits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/accounts.h"
#include "policy/quota.h"
#include "policy/switches.h"

/* Running runs of one user in one account: a part of `runs`. */
struct runner {
    char user[64], account[64];
    struct accounts_chain chain;
    int first, count;
};

struct runners {
    struct runner *list;
    int count;
    struct limits_run *runs;
    int run_count;
};

/* What a run may have used since it last reported: its mean power until now, at least
 * for one report. */
static int64_t since_of(int64_t used_mj, int64_t from_s, int64_t last_ms,
                        int64_t report_ms, int64_t now_s)
{
    int64_t elapsed_ms = last_ms - from_s * 1000, since_ms = now_s * 1000 - last_ms;

    if (since_ms < report_ms)
        since_ms = report_ms;
    if (elapsed_ms < 1000)
        elapsed_ms = 1000;
    return (int64_t)((__int128)used_mj * since_ms / elapsed_ms);
}

static void free_runners(struct runners *runners)
{
    free(runners->list);
    free(runners->runs);
}

/* Whom the row's run is of: the last one's, or another. */
static struct runner *runner_of(struct runners *runners, sqlite3_stmt *row)
{
    const char *user = (const char *)sqlite3_column_text(row, 0);
    const char *account = (const char *)sqlite3_column_text(row, 1);
    struct runner *next = &runners->list[runners->count];
    struct runner *last = runners->count > 0 ? next - 1 : NULL;

    if (last && strcmp(last->user, user) == 0 && strcmp(last->account, account) == 0)
        return last;
    snprintf(next->user, sizeof next->user, "%s", user);
    snprintf(next->account, sizeof next->account, "%s", account);
    next->first = runners->run_count;
    runners->count++;
    return next;
}

static void take_run(sqlite3_stmt *row, int64_t report_ms, int64_t now_s,
                     struct limits_run *run)
{
    run->licence_wh = sqlite3_column_int64(row, 2);
    run->lien_mj = sqlite3_column_int64(row, 3);
    run->used_mj = sqlite3_column_int64(row, 5);
    run->since_mj = since_of(run->used_mj, sqlite3_column_int64(row, 4),
                             sqlite3_column_int64(row, 6), report_ms, now_s);
}

static int make_room(struct runners *runners, int64_t runs)
{
    *runners =
        (struct runners){.list = calloc((size_t)runs + 1, sizeof *runners->list),
                         .runs = calloc((size_t)runs + 1, sizeof *runners->runs)};
    return runners->list && runners->runs ? 0 : -1;
}

static int read_runners(struct ledger *ledger, const char *cluster, int64_t report_ms,
                        int64_t now_s, struct runners *runners)
{
    int64_t most = ledger_number(ledger, 0, "SELECT COUNT(*) FROM liens", "");
    sqlite3_stmt *stmt;

    if (make_room(runners, most) < 0)
        return -1;
    stmt = ledger_query(
        ledger,
        "SELECT r.user, r.account, l.licence_wh, l.mj, l.from_s, u.mj,"
        " COALESCE(u.last_ms, l.from_s * 1000)"
        /* In the order of the runs, and sorted after: the other way round each row is
         * on another page. */
        " FROM runs r INDEXED BY runs_open CROSS JOIN liens l ON l.run_id = r.id"
        " CROSS JOIN used u ON u.run_id = r.id"
        " WHERE r.state <> 'settled' AND r.state = 'running' AND r.cluster = ?"
        " AND r.decision = 'run' ORDER BY r.account, r.user",
        "s", cluster);
    while (stmt && runners->run_count < most && sqlite3_step(stmt) == SQLITE_ROW) {
        runner_of(runners, stmt)->count++;
        take_run(stmt, report_ms, now_s, &runners->runs[runners->run_count++]);
    }
    ledger_done(ledger, stmt);
    for (int i = 0; i < runners->count; i++)
        accounts_chain(ledger, cluster, runners->list[i].account,
                       &runners->list[i].chain);
    return stmt ? 0 : -1;
}

static bool has_account(const struct accounts_chain *chain, const char *account)
{
    for (int i = 0; chain->list[i]; i++)
        if (strcmp(chain->list[i], account) == 0)
            return true;
    return false;
}

static bool binds(const struct quota *quota, const struct runner *r)
{
    return (!quota->user[0] || strcmp(quota->user, r->user) == 0) &&
           (!quota->account[0] || has_account(&r->chain, quota->account));
}

/* `bound`: room for all runs. */
static int64_t wh_of(const struct quota *quota, int64_t available_mj,
                     const struct runners *runners, struct limits_run *bound)
{
    int count = 0;

    for (int i = 0; i < runners->count; i++) {
        const struct runner *r = &runners->list[i];

        if (!binds(quota, r))
            continue;
        memcpy(&bound[count], &runners->runs[r->first],
               (size_t)r->count * sizeof *bound);
        count += r->count;
    }
    return limits_wh(available_mj, bound, count);
}

/* Whether jobs of this account are gated at all, in any partition. */
static bool is_gated(struct ledger *ledger, const struct policy *policy,
                     const char *cluster, const char *account)
{
    struct accounts_chain chain;
    enum policy_at_limit at_limit;

    accounts_chain(ledger, cluster, account, &chain);
    at_limit = policy_at_limit(policy, chain.list, NULL, NULL);
    return policy_gates(policy, chain.list) &&
           (at_limit == AT_LIMIT_WAIT || at_limit == AT_LIMIT_REJECT);
}

/* Whether a quota limits this association by itself; Slurm does the tree. A user's
 * quota over all accounts limits each of theirs. */
static bool limits_this(const struct quota *quota, const struct tree_place *place)
{
    if (quota->class[0])
        return false;
    if (!quota->user[0])
        return !place->user[0] && strcmp(quota->account, place->account) == 0;
    return strcmp(quota->user, place->user) == 0 &&
           (!quota->account[0] || strcmp(quota->account, place->account) == 0);
}

/* A quota with what may be out of it. */
struct budget {
    struct quota quota;
    int64_t wh, quota_mj;
};

static int read_budgets(struct ledger *ledger, const struct policy *policy,
                        const char *cluster, int64_t report_ms, int64_t now_s,
                        struct budget **budgets, int *count)
{
    struct runners runners = {0};
    struct limits_run *bound = NULL;
    struct quota *quotas = NULL;
    int rc = quota_all(ledger, &quotas, count);

    *budgets = NULL;
    if (rc == 0)
        rc = read_runners(ledger, cluster, report_ms, now_s, &runners);
    if (rc == 0)
        *budgets = calloc((size_t)*count + 1, sizeof **budgets);
    if (rc == 0)
        bound = calloc((size_t)runners.run_count + 1, sizeof *bound);
    for (int i = 0; rc == 0 && *budgets && bound && i < *count; i++) {
        struct balance balance;
        struct budget *b = &(*budgets)[i];

        b->quota = quotas[i];
        rc = quota_balance(ledger, policy, &quotas[i], now_s, 0, &balance);
        b->wh = wh_of(&quotas[i], balance.available_mj, &runners, bound);
        b->quota_mj = balance.quota_mj;
    }
    if (!*budgets || !bound)
        rc = -1;
    free_runners(&runners);
    free(bound);
    free(quotas);
    return rc;
}

static void take_smaller(struct limits_place *place, const struct budget *budget,
                         const char *cluster)
{
    if (budget->quota.cluster[0] && strcmp(budget->quota.cluster, cluster) != 0)
        return;
    if (place->wh >= 0 && place->wh <= budget->wh)
        return;
    place->wh = budget->wh;
    place->quota_mj = budget->quota_mj;
}

int limits_wanted(struct ledger *ledger, const struct policy *policy,
                  const char *cluster, const struct tree *tree, int64_t report_ms,
                  int64_t now_s, struct limits_place **places, int *count)
{
    struct switches switches;
    struct budget *budgets = NULL;
    int budget_count = 0;

    *count = tree->count;
    *places = calloc((size_t)tree->count + 1, sizeof **places);
    if (!*places || read_budgets(ledger, policy, cluster, report_ms, now_s, &budgets,
                                 &budget_count) < 0) {
        free(*places);
        *places = NULL;
        free(budgets);
        return -1;
    }
    switches_read(ledger, &switches);
    for (int p = 0; p < tree->count; p++) {
        struct limits_place *place = &(*places)[p];

        snprintf(place->account, sizeof place->account, "%s", tree->places[p].account);
        snprintf(place->user, sizeof place->user, "%s", tree->places[p].user);
        place->wh = -1;
        if (switches.frozen || switches.tripped)
            continue;
        for (int b = 0; b < budget_count; b++)
            if (limits_this(&budgets[b].quota, &tree->places[p]) &&
                is_gated(ledger, policy, cluster, place->account))
                take_smaller(place, &budgets[b], cluster);
    }
    free(budgets);
    return 0;
}
