/* policy_call.c - what people ask of the policy: all of it, and why it answers as it
 * does for one job */
#include "policy/policy_call.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/clock.h"
#include "policy/decimal.h"
#include "policy/person.h"

/* A deeper tree is a mistake, or a circle. */
#define DEPTH 32

#define NAME 64

/* An account and those above it, nearest first. */
struct chain {
    char names[DEPTH][NAME];
    const char *accounts[DEPTH + 1];
    int count;
};

static void chain_add(struct chain *chain, const char *name)
{
    snprintf(chain->names[chain->count], NAME, "%s", name);
    chain->accounts[chain->count] = chain->names[chain->count];
    chain->accounts[++chain->count] = NULL;
}

/* The first column of the first row, or "". */
static void one_text(struct ledger *ledger, char text[NAME], const char *sql,
                     const char *cluster, const char *key)
{
    sqlite3_stmt *stmt = ledger_query(ledger, sql, "ss", cluster, key);

    text[0] = '\0';
    if (stmt && sqlite3_step(stmt) == SQLITE_ROW && sqlite3_column_text(stmt, 0))
        snprintf(text, NAME, "%s", (const char *)sqlite3_column_text(stmt, 0));
    sqlite3_finalize(stmt);
}

/* The chain of `account`, or else of the user's default account. */
static int chain_read(struct ledger *ledger, const char *cluster, const char *account,
                      const char *user, struct chain *chain)
{
    char name[NAME];

    chain->count = 0;
    chain->accounts[0] = NULL;
    if (ledger_look(ledger) < 0)
        return -1;
    snprintf(name, sizeof name, "%s", account);
    if (!name[0] && user[0])
        one_text(ledger, name,
                 "SELECT account FROM members"
                 " WHERE cluster = ? AND user = ? AND is_default",
                 cluster, user);
    while (name[0] && chain->count < DEPTH) {
        chain_add(chain, name);
        one_text(ledger, name,
                 "SELECT parent FROM accounts WHERE cluster = ? AND account = ?",
                 cluster, chain->names[chain->count - 1]);
    }
    return ledger_commit(ledger);
}

static void add_row(json_t *rows, const char *what, const char *value,
                    const struct policy_source *source)
{
    json_array_append_new(rows, json_pack("{s:s s:s s:s}", "what", what, "value", value,
                                          "source", source->text));
}

/* "400 W a node, 8.5 W a CPU, 300 W a GPU" */
static void plate_text(const struct nameplate *plate, char *text, size_t size)
{
    char node[POLICY_WATTS], cpu[POLICY_WATTS], gpu[POLICY_WATTS];

    snprintf(text, size, "%s W a node, %s W a CPU, %s W a GPU",
             policy_watts(plate->node_mw, node), policy_watts(plate->cpu_mw, cpu),
             policy_watts(plate->gpu_mw, gpu));
}

static void explain_estimate(const struct policy *policy, const char *partition,
                             json_t *rows)
{
    const struct policy_figures *figures = policy_figures(policy);
    struct policy_source source;
    struct nameplate plate;
    char text[160];

    if (policy_nameplate(policy, partition, &plate, &source))
        plate_text(&plate, text, sizeof text);
    else
        snprintf(text, sizeof text, "none: nothing can be estimated without a history");
    add_row(rows, "nameplate", text, &source);
    snprintf(text, sizeof text, "%" PRId64 " %%", figures->factor_percent);
    policy_where(policy, "estimate.factor_percent", &source);
    add_row(rows, "estimate factor", text, &source);
    snprintf(text, sizeof text, "multiples of %" PRId64 " Wh", figures->round_wh);
    policy_where(policy, "estimate.round_wh", &source);
    add_row(rows, "liens", text, &source);
    if (figures->history_runs)
        snprintf(text, sizeof text,
                 "from %" PRId64 " like runs on: the %" PRId64
                 " %% quantile of power, the %" PRId64 " %% quantile of duration",
                 figures->history_runs, figures->power_quantile,
                 figures->duration_quantile);
    else
        snprintf(text, sizeof text, "never used");
    policy_where(policy, "estimate.history", &source);
    add_row(rows, "history", text, &source);
}

static void explain_steering(const struct policy *policy, const char *partition,
                             json_t *rows)
{
    struct policy_source source;
    const char *who = "no job";

    if (policy_steers(policy, partition, &source)) {
        who = "every job";
    } else if (policy_figures(policy)->steer_budgets) {
        policy_where(policy, "steer.energy_budget", &source);
        who = "jobs with an --energy-budget";
    }
    add_row(rows, "steering", who, &source);
}

static void explain_rules(const struct policy *policy, const struct chain *chain,
                          const char *partition, json_t *rows)
{
    const struct policy_figures *figures = policy_figures(policy);
    struct policy_source source;
    enum policy_at_limit at_limit;
    char text[160];

    add_row(rows, "enforce",
            policy_enforce_text(
                policy_enforce(policy, chain->accounts, partition, &source)),
            &source);
    at_limit = policy_at_limit(policy, chain->accounts, partition, &source);
    snprintf(text, sizeof text, "%s%s%s", policy_at_limit_text(at_limit),
             at_limit == AT_LIMIT_OVERDRAFT ? " in QOS " : "",
             at_limit == AT_LIMIT_OVERDRAFT && figures->overdraft_qos
                 ? figures->overdraft_qos
                 : "");
    add_row(rows, "at the limit", text, &source);
    policy_where(policy, "limits.kwotad_away", &source);
    add_row(rows, "kwotad away", figures->hold_when_away ? "hold" : "run", &source);
    policy_where(policy, "limits.map_missing", &source);
    add_row(rows, "budget map missing", figures->refuse_without_map ? "refuse" : "pass",
            &source);
    explain_steering(policy, partition, rows);
}

/* The classes that quotas may name and that have the partition. */
static void explain_classes(const struct policy *policy, const char *partition,
                            json_t *rows)
{
    json_t *all = policy_show(policy), *classes = json_object_get(all, "classes");
    const char *name;
    json_t *list;

    json_object_foreach(classes, name, list)
    {
        struct policy_source source;
        char path[200];

        snprintf(path, sizeof path, "classes.%s", name);
        policy_where(policy, path, &source);
        if (policy_class_has(policy, name, partition))
            add_row(rows, "class", name, &source);
    }
    json_decref(all);
}

/* What holds it now, and every rule that may. */
static void explain_caps(const struct policy *policy, const struct policy_job *job,
                         json_t *rows)
{
    struct policy_source source;
    char most[CAP_TEXT], why[CAP_TEXT];
    struct cap cap;
    json_t *rules, *rule;
    size_t i;

    policy_where(policy, "caps.enabled", &source);
    add_row(rows, "capping", policy_capping(policy) ? "on" : "off", &source);
    if (!policy_capping(policy))
        return;
    policy_cap(policy, job, &cap);
    if (policy_enforce(policy, job->accounts, job->partition, &source) ==
        ENFORCE_SHADOW) {
        add_row(rows, "cap now", "none of the policy's: it only watches (shadow)",
                &source);
    } else {
        snprintf(source.text, sizeof source.text, "%.255s", cap_why(&cap, why));
        add_row(rows, "cap now", cap_is_held(&cap) ? cap_text(cap.most, most) : "none",
                &source);
    }
    rules = policy_cap_rules(policy, job);
    json_array_foreach(rules, i, rule)
    {
        snprintf(source.text, sizeof source.text, "%s",
                 json_string_value(json_object_get(rule, "source")));
        add_row(rows, "cap rule", json_string_value(json_object_get(rule, "value")),
                &source);
    }
    json_decref(rules);
}

static const char *given(policy_query *query, void *of, const char *name)
{
    const char *value = query(of, name);

    return value ? value : "";
}

static bool is_name(const char *text)
{
    json_t *json = json_string(text);

    json_decref(json);
    return json && strlen(text) < NAME;
}

/* What a kWh of such a job costs now, the PUE in it. */
static void explain_tariff(const struct policy *policy, const char *const *accounts,
                           int64_t now_s, json_t *rows)
{
    const struct tariff *tariff = policy_tariff(policy);
    char price[DECIMAL_TEXT], pue[DECIMAL_TEXT], text[160];
    struct policy_source source;

    if (!tariff)
        return;
    policy_where(policy, "tariff", &source);
    snprintf(text, sizeof text, "%s %s a kWh now, times a PUE of %s",
             decimal_text(tariff_price_u(tariff, accounts, now_s), TARIFF_PRICE_PLACES,
                          2, price),
             tariff->currency, decimal_text(tariff->pue, TARIFF_PRICE_PLACES, 0, pue));
    add_row(rows, "price", text, &source);
}

static json_t *explain(const struct policy *policy, struct ledger *ledger,
                       const char *cluster, policy_query *query, void *of,
                       unsigned *status)
{
    const char *partition = given(query, of, "partition");
    const char *user = given(query, of, "user");
    const char *account = given(query, of, "account");
    const char *percent = given(query, of, "used_percent");
    struct policy_job job = {.partition = partition,
                             .user = user,
                             .qos = given(query, of, "qos"),
                             .gpu_types = given(query, of, "gpu_type"),
                             .used_percent = strtoll(percent, NULL, 10),
                             .now_s = clock_now_s()};
    json_t *rows, *accounts;
    struct chain chain;

    *status = 400;
    if (!is_name(user) || !is_name(account) || !is_name(partition) ||
        !is_name(job.qos) || !is_name(job.gpu_types))
        return person_error("user, account, partition, qos and gpu_type are names of "
                            "Slurm's: UTF-8, shorter than 64 bytes");
    *status = 503;
    if (chain_read(ledger, cluster, account, user, &chain) < 0)
        return person_error("the ledger cannot be read; kwotad's log says why");
    *status = 200;
    rows = json_array();
    accounts = json_array();
    for (int i = 0; i < chain.count; i++)
        json_array_append_new(accounts, json_string(chain.accounts[i]));
    explain_rules(policy, &chain, partition, rows);
    explain_estimate(policy, partition, rows);
    explain_classes(policy, partition, rows);
    job.accounts = chain.accounts;
    explain_caps(policy, &job, rows);
    explain_tariff(policy, chain.accounts, job.now_s, rows);
    return json_pack("{s:s s:s s:s s:o s:o}", "user", user, "account",
                     chain.count ? chain.accounts[0] : "", "partition", partition,
                     "accounts", accounts, "rows", rows);
}

json_t *policy_call(struct policy_store *store, struct ledger *ledger,
                    const char *cluster, const char *path, policy_query *query,
                    void *of, unsigned *status)
{
    struct policy *policy = policy_store_take(store);
    json_t *reply;

    *status = 200;
    if (strcmp(path, "/v1/policy/explain") == 0) {
        reply = explain(policy, ledger, cluster, query, of, status);
    } else if (strcmp(path, "/v1/policy") == 0) {
        reply = json_pack("{s:o s:o}", "policy", policy_show(policy), "state",
                          policy_store_state(store));
    } else {
        *status = 404;
        reply = person_error("there are /v1/policy and /v1/policy/explain");
    }
    policy_release(policy);
    return reply;
}

json_t *policy_call_reload(struct policy_store *store,
                           const struct access_rights *rights, const json_t *body,
                           unsigned *status)
{
    const json_t *confirm = json_object_get(body, "confirm");
    json_t *state, *reply;
    const char *why;
    int rc;

    *status = 403;
    if (!rights->sees_all)
        return person_error("only operators may have the policy read anew");
    *status = 400;
    if (confirm && !json_is_boolean(confirm))
        return person_error("\"confirm\" is true or false");
    if (json_is_true(confirm))
        rc = policy_store_confirm(store);
    else
        rc = policy_store_reload(store);
    state = policy_store_state(store);
    *status = 200;
    if (rc == 0)
        return json_pack("{s:o}", "state", state);
    *status = 409;
    why = json_string_value(json_object_get(state, "waits"));
    if (!why)
        why = json_string_value(json_object_get(state, "error"));
    reply = person_error(why ? why : "the file cannot be read; kwotad's log says why");
    json_decref(state);
    return reply;
}
