/* budget_change.c - the HTTP calls that change quotas: set, remove, grant, adjust,
 * refund, transfer, apply */
#include "policy/budget_call.h"

#include <string.h>

#include "policy/amount.h"
#include "policy/budget_json.h"
#include "policy/clock.h"
#include "policy/quota_change.h"
#include "policy/quota_entry.h"
#include "policy/quota_file.h"
#include "policy/quota_right.h"

/* Of one job; an account tree is rarely five deep. */
#define MOST_BINDING 64

/* A change while it is made: the body without what is not of the quota. */
struct change {
    const struct budget_call *call;
    json_t *body, *mistakes;
    struct quota_by by;
    bool dry_run;
    struct quota_refusal *refusal;
};

static json_t *error(const char *sentence)
{
    return json_pack("{s:s}", "error", sentence);
}

static json_t *refused(const struct quota_refusal *refusal, unsigned *status)
{
    *status = refusal->status;
    return error(refusal->text);
}

static int need_operator(struct change *c)
{
    if (c->call->rights->sees_all)
        return 0;
    return quota_refuse(c->refusal, 403,
                        "only operators, administrators and root may do that");
}

static int need_right(struct change *c, const struct quota *quota)
{
    const struct access_rights *rights = c->call->rights;

    if (quota_may_change(c->call->ledger, rights, c->call->cluster, quota))
        return 0;
    if (rights->account_count)
        return quota_refuse(c->refusal, 403,
                            "coordinators change the quotas of users inside their own "
                            "accounts only; ask an operator");
    return quota_refuse(c->refusal, 403,
                        "only operators, and coordinators for users inside their "
                        "accounts, change quotas");
}

static int refuse_mistakes(struct change *c)
{
    const char *first = json_string_value(json_array_get(c->mistakes, 0));

    return quota_refuse(c->refusal, 400, "%s",
                        first ? first : "the body is an object that names a quota");
}

/* A text of the body; NULL: it has none. */
static const char *word(const struct change *c, const char *key)
{
    return json_string_value(json_object_get(c->body, key));
}

static int take_amount(struct change *c, const char *key, bool may_be_negative,
                       int64_t *mj)
{
    char why[AMOUNT_WHY];

    if (!word(c, key))
        return quota_refuse(c->refusal, 400, "%s: an amount is needed, such as 100kWh",
                            key);
    if (amount_parse(word(c, key), may_be_negative, mj, why) < 0)
        return quota_refuse(c->refusal, 400, "%s: %s", key, why);
    return 0;
}

/* The quota that the body names; in *quota only whose it is. */
static int take_key(struct change *c, struct quota *quota)
{
    json_t *key = json_pack("{s:s* s:s* s:s* s:s*}", "cluster", word(c, "cluster"),
                            "account", word(c, "account"), "user", word(c, "user"),
                            "partitions", word(c, "partitions"));
    int rc = quota_entry_key(key, "", quota, c->mistakes);

    json_decref(key);
    return rc < 0 ? refuse_mistakes(c) : 0;
}

/* The same, as it is in the ledger; an account's only quota need not be named in full.
 */
static int take_quota(struct change *c, struct quota *quota)
{
    struct quota key;

    if (take_key(c, &key) < 0)
        return -1;
    return quota_the(c->call->ledger, word(c, "cluster"), key.account, key.user,
                     word(c, "partitions"), quota, c->refusal) < 0 ||
                   need_right(c, quota) < 0
               ? -1
               : 0;
}

static json_t *entry_or_null(const struct quota *quota, bool is_there)
{
    return is_there ? quota_entry(quota) : json_null();
}

/* Whether slurmdbd knows whose it is; null: it does, or there is no slurmdbd. */
static json_t *warning_of(const struct change *c, const struct quota *quota)
{
    struct ledger *ledger = c->call->ledger;

    if (quota->account[0] &&
        ledger_number(ledger, 0,
                      "SELECT EXISTS (SELECT 1 FROM accounts) AND NOT EXISTS"
                      " (SELECT 1 FROM accounts WHERE account = ?)",
                      "s", quota->account))
        return json_sprintf("Slurm knows no account \"%s\"", quota->account);
    if (quota->user[0] &&
        ledger_number(ledger, 0,
                      "SELECT EXISTS (SELECT 1 FROM members) AND NOT EXISTS"
                      " (SELECT 1 FROM members WHERE user = ?)",
                      "s", quota->user))
        return json_sprintf("Slurm knows no user \"%s\"", quota->user);
    return json_null();
}

static int set(struct change *c, json_t *answer)
{
    struct quota before, after;
    int found;

    if (quota_entry_key(c->body, "", &after, c->mistakes) < 0)
        return refuse_mistakes(c);
    if (need_right(c, &after) < 0)
        return -1;
    found = quota_find(c->call->ledger, &after, &before);
    if (found < 0)
        return quota_refuse(c->refusal, 500, "the ledger cannot be read now");
    if (found)
        after = before;
    if (quota_entry_terms(c->body, "", !found, &after, c->mistakes) < 0)
        return refuse_mistakes(c);
    json_object_set_new(answer, "before", entry_or_null(&before, found));
    json_object_set_new(answer, "after", quota_entry(&after));
    json_object_set_new(answer, "warning", warning_of(c, &after));
    if (found && quota_same(&before, &after))
        return 0;
    return quota_put(c->call->ledger, found ? &before : NULL, &after, &c->by,
                     c->refusal);
}

static int drop(struct change *c, json_t *answer)
{
    struct quota quota;

    if (take_quota(c, &quota) < 0)
        return -1;
    json_object_set_new(answer, "before", quota_entry(&quota));
    return quota_drop(c->call->ledger, &quota, &c->by, c->refusal);
}

static int add_budget(struct change *c, const struct quota *quota, json_t *answer)
{
    json_t *budget = budget_json(c->call->ledger, c->call->policy, quota, c->by.now_s);

    if (!budget)
        return quota_refuse(c->refusal, 500, "the ledger cannot be read now");
    if (!json_object_get(answer, "budgets"))
        json_object_set_new(answer, "budgets", json_array());
    json_array_append_new(json_object_get(answer, "budgets"), budget);
    return 0;
}

static int give(struct change *c, json_t *answer, const char *kind)
{
    struct quota quota;
    int64_t mj;

    if (take_quota(c, &quota) < 0 ||
        take_amount(c, "amount", strcmp(kind, "adjust") == 0, &mj) < 0)
        return -1;
    json_object_set_new(answer, "amount_mj", json_integer(mj));
    return quota_give(c->call->ledger, &quota, kind, mj, &c->by, c->refusal) < 0 ||
                   add_budget(c, &quota, answer) < 0
               ? -1
               : 0;
}

static int grant(struct change *c, json_t *answer)
{
    return give(c, answer, "grant");
}

static int adjust(struct change *c, json_t *answer)
{
    if (need_operator(c) < 0)
        return -1;
    return give(c, answer, "adjust");
}

static int transfer(struct change *c, json_t *answer)
{
    struct quota from, to;
    int64_t mj;

    if (need_operator(c) < 0 || take_amount(c, "amount", false, &mj) < 0)
        return -1;
    if (!word(c, "from") || !word(c, "to"))
        return quota_refuse(c->refusal, 400,
                            "from and to: the accounts are needed, from which and to "
                            "which it goes");
    if (quota_the(c->call->ledger, word(c, "cluster"), word(c, "from"), "",
                  word(c, "partitions"), &from, c->refusal) < 0 ||
        quota_the(c->call->ledger, word(c, "cluster"), word(c, "to"), "",
                  word(c, "partitions"), &to, c->refusal) < 0)
        return -1;
    json_object_set_new(answer, "amount_mj", json_integer(mj));
    return quota_transfer(c->call->ledger, c->call->policy, &from, &to, mj, &c->by,
                          c->refusal) < 0 ||
                   add_budget(c, &from, answer) < 0 || add_budget(c, &to, answer) < 0
               ? -1
               : 0;
}

static int refund(struct change *c, json_t *answer)
{
    struct quota quotas[MOST_BINDING];
    int64_t mj = 0;
    int count;

    if (need_operator(c) < 0)
        return -1;
    if (!word(c, "job"))
        return quota_refuse(c->refusal, 400, "job: the job's id is needed, in quotes");
    if (word(c, "amount") && take_amount(c, "amount", false, &mj) < 0)
        return -1;
    if (word(c, "amount") && mj == 0)
        return quota_refuse(c->refusal, 400, "nothing at all cannot be given back");
    count = quota_refund(c->call->ledger, c->call->policy,
                         word(c, "cluster") ? word(c, "cluster") : c->call->cluster,
                         word(c, "job"), &mj, &c->by, quotas, MOST_BINDING, c->refusal);
    json_object_set_new(answer, "amount_mj", json_integer(mj));
    for (int i = 0; i < count; i++)
        if (add_budget(c, &quotas[i], answer) < 0)
            return -1;
    return count < 0 ? -1 : 0;
}

static int apply(struct change *c, json_t *answer)
{
    json_t *difference;

    if (need_operator(c) < 0)
        return -1;
    if (!c->by.why)
        c->by.why = "quota apply";
    if (quota_file_apply(c->call->ledger, c->body, &c->by, c->mistakes, &difference,
                         c->refusal) < 0)
        return -1;
    json_object_update(answer, difference);
    json_decref(difference);
    return 0;
}

static const struct {
    const char *name;
    int (*run)(struct change *c, json_t *answer);
} changes[] = {{"set", set},       {"remove", drop},   {"grant", grant},
               {"adjust", adjust}, {"refund", refund}, {"transfer", transfer},
               {"apply", apply}};

#define CHANGES (sizeof changes / sizeof *changes)

/* What belongs to no quota is taken out of the body. */
static void take_common(struct change *c, json_t **why)
{
    *why = json_incref(json_object_get(c->body, "why"));
    c->dry_run = json_is_true(json_object_get(c->body, "dry_run"));
    c->by = (struct quota_by){
        .actor = c->call->rights->user,
        .why = json_string_value(*why),
        .now_s = clock_now_s(),
    };
    json_object_del(c->body, "why");
    json_object_del(c->body, "dry_run");
}

/* A dry run does it all and takes it back. */
static int in_ledger(struct change *c, size_t which, json_t *answer)
{
    int rc;

    if (ledger_begin(c->call->ledger) < 0)
        return quota_refuse(c->refusal, 500, "the ledger cannot be written now");
    rc = changes[which].run(c, answer);
    if (rc < 0 || c->dry_run)
        ledger_rollback(c->call->ledger);
    else if (ledger_commit(c->call->ledger) < 0)
        rc = quota_refuse(c->refusal, 500, "the ledger cannot be written now");
    return rc;
}

static json_t *make_change(const struct budget_call *call, size_t which,
                           unsigned *status)
{
    struct quota_refusal refusal = {500, "the change failed"};
    struct change c = {.call = call, .refusal = &refusal};
    json_t *answer, *why;
    json_error_t where;
    int rc;

    *status = 400;
    c.body = json_loadb(call->body ? call->body : "", call->body_len,
                        JSON_REJECT_DUPLICATES, &where);
    if (!json_is_object(c.body)) {
        answer =
            c.body ? error("the body is no JSON object")
                   : json_pack("{s:s+}", "error", "the body is not JSON: ", where.text);
        json_decref(c.body);
        return answer;
    }
    take_common(&c, &why);
    c.mistakes = json_array();
    answer = json_pack("{s:s s:b}", "done", changes[which].name, "dry_run", c.dry_run);
    rc = in_ledger(&c, which, answer);
    *status = 200;
    if (rc < 0) {
        json_decref(answer);
        answer = refused(&refusal, status);
        if (json_array_size(c.mistakes))
            json_object_set(answer, "mistakes", c.mistakes);
    }
    json_decref(c.mistakes);
    json_decref(c.body);
    json_decref(why);
    return answer;
}

bool budget_change(const struct budget_call *call, const char *name, unsigned *status,
                   json_t **answer)
{
    for (size_t i = 0; i < CHANGES; i++) {
        if (strcmp(changes[i].name, name) != 0)
            continue;
        *status = 405;
        *answer = strcmp(call->method, "POST") == 0 ? make_change(call, i, status)
                                                    : error("this is a POST");
        return true;
    }
    return false;
}
