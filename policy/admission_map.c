/* admission_map.c - what admission is told: the budget map, from ledger, policy and
 * partitions */
#include "policy/admission_map.h"

#include <jansson.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policy/accounts.h"
#include "policy/clock.h"
#include "policy/budget_map.h"
#include "policy/energy.h"
#include "policy/log.h"
#include "policy/quota.h"
#include "policy/switches.h"

#define TEXT 256

/* Who was not found is looked for again so much later. */
#define UNKNOWN_S 60

/* A quota with what it means for one job. */
struct budget {
    struct quota quota;
    int64_t most_wh, left_wh, until_s;
    char text[TEXT];
};

/* All that goes into the map; texts live here while it is written. */
struct draft {
    struct map_tables tables;
    struct map_partition *partitions;
    struct map_account *accounts;
    struct map_user *users;
    struct map_rule *rules;
    struct budget *budgets;
    int budget_count;
};

/* "account astro, 1000 kWh a month": which quota a refused job would break. */
static void tell_quota(struct budget *budget, int64_t quota_mj)
{
    static const char *const every[] = {"a month", "a quarter", "a year", "", "in all"};
    char amount[ENERGY_TEXT], name[96];

    energy_kwh_human(amount, sizeof amount, quota_mj);
    quota_name(&budget->quota, name, sizeof name);
    if (budget->quota.period.kind == PERIOD_ROLLING)
        snprintf(budget->text, TEXT, "%s, %s in %lld days", name, amount,
                 (long long)budget->quota.period.days);
    else
        snprintf(budget->text, TEXT, "%s, %s %s", name, amount,
                 every[budget->quota.period.kind]);
}

static int64_t whole_wh(int64_t mj)
{
    return mj > 0 ? mj / ESTIMATE_MJ_PER_WH : 0;
}

static int read_budgets(struct draft *d, const struct standings *standings)
{
    d->budgets = calloc((size_t)standings->count + 1, sizeof *d->budgets);
    for (int i = 0; d->budgets && i < standings->count; i++) {
        const struct balance *balance = &standings->list[i].balance;
        struct budget *b = &d->budgets[d->budget_count];

        if (standings->list[i].at_s == 0)
            continue;
        b->quota = standings->list[i].quota;
        b->most_wh = whole_wh(balance->quota_mj);
        b->left_wh = whole_wh(balance->available_mj);
        b->until_s = balance->window.until_s;
        tell_quota(b, balance->quota_mj);
        d->budget_count++;
    }
    return d->budgets ? 0 : -1;
}

static bool in_chain(const struct accounts_chain *chain, const char *account)
{
    for (int i = 0; chain->list[i]; i++)
        if (strcmp(chain->list[i], account) == 0)
            return true;
    return false;
}

static bool is_here(const struct quota *quota, const char *cluster)
{
    return !quota->class[0] &&
           (!quota->cluster[0] || strcmp(quota->cluster, cluster) == 0);
}

/* The tightest of the quotas of the account and those above it. */
static void put_account(struct draft *d, struct map_account *to, const char *cluster,
                        const struct accounts_chain *chain)
{
    to->most_wh = to->left_wh = -1;
    to->most_text = "";
    for (int b = 0; b < d->budget_count; b++) {
        const struct budget *budget = &d->budgets[b];

        if (budget->quota.user[0] || !is_here(&budget->quota, cluster) ||
            !in_chain(chain, budget->quota.account))
            continue;
        if (to->most_wh < 0 || budget->most_wh < to->most_wh) {
            to->most_wh = budget->most_wh;
            to->most_text = budget->text;
        }
        if (to->left_wh < 0 || budget->left_wh < to->left_wh) {
            to->left_wh = budget->left_wh;
            to->until_s = budget->until_s;
        }
    }
}

static void put_user(struct draft *d, struct map_user *to, const char *cluster)
{
    to->most_wh = -1;
    to->most_text = "";
    for (int b = 0; b < d->budget_count; b++) {
        const struct budget *budget = &d->budgets[b];

        if (strcmp(budget->quota.user, to->name) != 0 || budget->quota.account[0] ||
            !is_here(&budget->quota, cluster) ||
            (to->most_wh >= 0 && budget->most_wh >= to->most_wh))
            continue;
        to->most_wh = budget->most_wh;
        to->most_text = budget->text;
    }
}

static int put_partitions(struct draft *d, const struct policy *policy,
                          const struct queue_partition *from, int count)
{
    d->partitions = calloc((size_t)count + 1, sizeof *d->partitions);
    for (int i = 0; d->partitions && i < count; i++) {
        struct map_partition *to = &d->partitions[i];

        *to = (struct map_partition){.name = from[i].name,
                                     .is_default = from[i].is_default,
                                     .whole_nodes = from[i].whole_nodes,
                                     .default_s = from[i].default_s,
                                     .max_s = from[i].max_s,
                                     .node_cpus = from[i].node_cpus,
                                     .node_gpus = from[i].node_gpus};
        to->known = policy_nameplate(policy, to->name, &to->nameplate, NULL);
        estimate_cap(&to->nameplate, policy_cap_certain_mw(policy, to->name));
    }
    d->tables.partitions = d->partitions;
    d->tables.partition_count = count;
    return d->partitions ? 0 : -1;
}

/* Partitions in which the account's rule is another than elsewhere. */
static void put_rules(struct draft *d, const struct policy *policy,
                      const struct map_account *account,
                      const struct accounts_chain *chain)
{
    for (int p = 0; p < d->tables.partition_count; p++) {
        const char *name = d->partitions[p].name;
        enum policy_enforce enforce = policy_enforce(policy, chain->list, name, NULL);
        enum policy_at_limit at_limit =
            policy_at_limit(policy, chain->list, name, NULL);

        if ((int32_t)enforce != account->enforce ||
            (int32_t)at_limit != account->at_limit)
            d->rules[d->tables.rule_count++] =
                (struct map_rule){.account = account->name,
                                  .partition = name,
                                  .enforce = (int32_t)enforce,
                                  .at_limit = (int32_t)at_limit};
    }
}

static int put_accounts(struct draft *d, struct ledger *ledger,
                        const struct policy *policy, const char *cluster,
                        const struct tree *tree)
{
    size_t partitions = (size_t)d->tables.partition_count;
    int count = 0;

    d->accounts = calloc((size_t)tree->count + 1, sizeof *d->accounts);
    d->rules = calloc((size_t)tree->count * partitions + 1, sizeof *d->rules);
    for (int i = 0; d->accounts && d->rules && i < tree->count; i++) {
        struct map_account *to = &d->accounts[count];
        struct accounts_chain chain;

        if (tree->places[i].user[0])
            continue;
        accounts_chain(ledger, cluster, tree->places[i].account, &chain);
        to->name = tree->places[i].account;
        to->enforce = (int32_t)policy_enforce(policy, chain.list, NULL, NULL);
        to->at_limit = (int32_t)policy_at_limit(policy, chain.list, NULL, NULL);
        put_account(d, to, cluster, &chain);
        put_rules(d, policy, to, &chain);
        count++;
    }
    d->tables.accounts = d->accounts;
    d->tables.account_count = count;
    d->tables.rules = d->rules;
    return d->accounts && d->rules ? 0 : -1;
}

static bool is_operator(const struct tree *tree, const char *user)
{
    for (int i = 0; i < tree->operator_count; i++)
        if (strcmp(tree->operators[i], user) == 0)
            return true;
    return false;
}

static int by_name(const void *a, const void *b)
{
    const struct map_user *x = a, *y = b;
    int rc = strcmp(x->name, y->name);

    /* The default account's first. */
    return rc ? rc : (y->account[0] != '\0') - (x->account[0] != '\0');
}

/* Slurm tells admission numbers only. Name services may be slow and the map is written
 * often: what was found is kept for as long as kwotad runs, and who was not found is
 * not looked for again at once. 0: unknown. */
static uid_t uid_of(const char *name)
{
    static json_t *known, *unknown;
    static time_t again_s;
    const struct passwd *person;
    json_t *kept;

    if (!known)
        known = json_object();
    kept = json_object_get(known, name);
    if (kept)
        return (uid_t)json_integer_value(kept);
    if (time(NULL) >= again_s) {
        json_decref(unknown);
        unknown = json_object();
        again_s = time(NULL) + UNKNOWN_S;
    }
    if (json_object_get(unknown, name))
        return 0;
    person = getpwnam(name);
    json_object_set_new(person ? known : unknown, name,
                        json_integer(person ? (json_int_t)person->pw_uid : 0));
    return person ? person->pw_uid : 0;
}

static int put_users(struct draft *d, const char *cluster, const struct tree *tree)
{
    int count = 0, kept = 0;

    d->users = calloc((size_t)tree->count + 1, sizeof *d->users);
    for (int i = 0; d->users && i < tree->count; i++)
        if (tree->places[i].user[0])
            d->users[count++] = (struct map_user){
                .name = tree->places[i].user,
                .account = tree->places[i].is_default ? tree->places[i].account : ""};
    if (!d->users)
        return -1;
    qsort(d->users, (size_t)count, sizeof *d->users, by_name);
    for (int i = 0; i < count; i++)
        if (kept == 0 || strcmp(d->users[kept - 1].name, d->users[i].name) != 0)
            d->users[kept++] = d->users[i];
    for (int i = 0; i < kept; i++) {
        put_user(d, &d->users[i], cluster);
        d->users[i].is_operator = is_operator(tree, d->users[i].name);
        d->users[i].uid = uid_of(d->users[i].name);
    }
    d->tables.users = d->users;
    d->tables.user_count = kept;
    return 0;
}

static int fill(struct draft *d, struct ledger *ledger, const struct policy *policy,
                const char *cluster, const struct tree *tree,
                const struct standings *standings)
{
    const struct policy_figures *figures = policy_figures(policy);
    struct switches switches;

    switches_read(ledger, &switches);
    d->tables.written_s = clock_now_s();
    d->tables.stale_s = figures->map_stale_s;
    d->tables.factor_percent = figures->factor_percent;
    d->tables.round_wh = figures->round_wh;
    d->tables.flags = (figures->refuse_without_map ? MAP_REFUSE_STALE : 0U) |
                      (switches.frozen || switches.tripped ? MAP_FROZEN : 0U) |
                      (policy_capping(policy) ? MAP_CAPPING : 0U);
    return read_budgets(d, standings) < 0 ||
                   put_accounts(d, ledger, policy, cluster, tree) < 0 ||
                   put_users(d, cluster, tree) < 0
               ? -1
               : 0;
}

int admission_map_write(struct ledger *ledger, const struct policy *policy,
                        const char *cluster, const char *spool,
                        const struct queue_partition *partitions, int partition_count,
                        const struct tree *tree, const struct standings *standings)
{
    struct draft d = {0};
    char path[512], why[BUDGET_MAP_WHY] = "";
    int rc = put_partitions(&d, policy, partitions, partition_count);

    snprintf(path, sizeof path, "%s/budget.map", spool);
    if (rc == 0 && (rc = ledger_begin(ledger)) == 0) {
        rc = fill(&d, ledger, policy, cluster, tree, standings);
        ledger_commit_soon(ledger);
    }
    if (rc == 0 && (rc = budget_map_write(path, &d.tables, why)) < 0)
        log_line("%s is not written: %s", path, why);
    free(d.partitions);
    free(d.accounts);
    free(d.users);
    free(d.rules);
    free(d.budgets);
    return rc;
}
