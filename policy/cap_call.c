/* cap_call.c - calls about operators' caps */
#include "policy/cap_call.h"

#include <stdio.h>
#include <string.h>

#include "policy/cap_order.h"
#include "policy/clock.h"
#include "policy/log.h"
#include "policy/person.h"
#include "policy/watts.h"

static json_t *answer(unsigned *status, unsigned code, json_t *json)
{
    *status = code;
    return json;
}

static json_t *refuse(unsigned *status, unsigned code, const char *why)
{
    return answer(status, code, person_error(why));
}

static json_t *busy(unsigned *status)
{
    return refuse(status, 503, "the ledger cannot be read now");
}

static const char *text(const json_t *body, const char *key)
{
    return json_string_value(json_object_get(body, key));
}

/* Users see what may concern their own jobs. */
static bool may_see(const struct access_rights *rights, const json_t *order)
{
    const char *scope = text(order, "scope");

    if (rights->sees_all || strcmp(scope, "cluster") == 0 ||
        strcmp(scope, "partition") == 0 || strcmp(scope, "account") == 0)
        return true;
    return strcmp(scope, "user") == 0 && strcmp(text(order, "name"), rights->user) == 0;
}

json_t *cap_call_list(const struct cap_call *call, unsigned *status)
{
    json_t *all, *seen = json_array(), *order;
    size_t i;

    if (ledger_look(call->ledger) < 0) {
        json_decref(seen);
        return busy(status);
    }
    all = cap_order_list(call->ledger, call->cluster, call->all, clock_now_s());
    ledger_commit(call->ledger);
    json_array_foreach(all, i, order)
    {
        if (may_see(call->rights, order))
            json_array_append(seen, order);
    }
    json_decref(all);
    return answer(status, 200,
                  json_pack("{s:b s:o}", "capping", (int)policy_capping(call->policy),
                            "orders", seen));
}

/* Whom it is for: one of the scopes. NULL, or what is wrong. */
static const char *take_scope(const json_t *body, struct cap_order *order)
{
    int found = 0;

    for (int s = CAP_CLUSTER; s <= CAP_JOB; s++) {
        const json_t *value = json_object_get(body, cap_scopes[s]);
        const char *name = json_string_value(value);

        if (!value || json_is_null(value) || json_is_false(value))
            continue;
        if (s == CAP_CLUSTER ? !json_is_true(value)
                             : !name || !name[0] || strlen(name) >= CAP_NAME)
            return "\"cluster\" is true, and partition, account, user and job are "
                   "names";
        order->scope = (enum cap_scope)s;
        snprintf(order->name, sizeof order->name, "%s", name ? name : "");
        found++;
    }
    return found == 1 ? NULL
                      : "say for whom: one of \"cluster\": true, \"partition\", "
                        "\"account\", \"user\" and \"job\"";
}

static const char *take_watts(const json_t *body, const char *key, int64_t *mw)
{
    const json_t *value = json_object_get(body, key);
    const char *watts = json_string_value(value);

    if (!value || json_is_null(value))
        return NULL;
    return watts && watts_parse_cap(watts, mw) == 0
               ? NULL
               : "gpu and package are powers of one device, with the unit, from 10W to "
                 "10kW, such as \"300W\"";
}

static const char *take_parts(const json_t *body, struct cap_order *order)
{
    const json_t *percent = json_object_get(body, "cpu_percent");
    const char *wrong = take_watts(body, "gpu", &order->most[CAP_GPU]);

    if (!wrong)
        wrong = take_watts(body, "package", &order->most[CAP_PACKAGE]);
    if (wrong)
        return wrong;
    if (percent && !json_is_null(percent)) {
        order->most[CAP_CPU] = json_integer_value(percent);
        if (order->most[CAP_CPU] < 1 || order->most[CAP_CPU] > 99)
            return "cpu_percent is a whole number from 1 to 99";
    }
    if (!order->most[CAP_GPU] && !order->most[CAP_PACKAGE] && !order->most[CAP_CPU])
        return "it caps nothing: say gpu, package or cpu_percent";
    return NULL;
}

static const char *take_rest(const json_t *body, struct cap_order *order)
{
    const json_t *until = json_object_get(body, "until_s");
    const char *why = text(body, "why");

    if (until && !json_is_null(until)) {
        order->until_s = json_integer_value(until);
        if (order->until_s <= order->since_s)
            return "until_s, its end, lies in the past";
    }
    if (!why || !why[0])
        return "say why: it goes into the books";
    snprintf(order->why, sizeof order->why, "%.*s", CAP_WHY - 128, why);
    return NULL;
}

static json_t *find(struct ledger *ledger, const char *cluster, int64_t id,
                    int64_t now_s)
{
    json_t *all = cap_order_list(ledger, cluster, true, now_s), *order, *found = NULL;
    size_t i;

    json_array_foreach(all, i, order)
    {
        if (json_integer_value(json_object_get(order, "id")) == id)
            found = json_incref(order);
    }
    json_decref(all);
    return found;
}

json_t *cap_call_set(const struct cap_call *call, unsigned *status)
{
    struct cap_order order = {.since_s = clock_now_s()};
    const char *wrong;
    json_t *given;

    if (!call->rights->sees_all)
        return refuse(status, 403, "only operators may order caps");
    if (!policy_capping(call->policy))
        return refuse(status, 409,
                      "capping is off: \"caps\": {\"enabled\": true} in kwota.json "
                      "switches it on");
    wrong = take_scope(call->body, &order);
    if (!wrong)
        wrong = take_parts(call->body, &order);
    if (!wrong)
        wrong = take_rest(call->body, &order);
    if (wrong)
        return refuse(status, 400, wrong);
    snprintf(order.actor, sizeof order.actor, "%s", call->rights->user);
    if (ledger_begin(call->ledger) < 0)
        return busy(status);
    if (cap_order_give(call->ledger, call->cluster, &order) < 0) {
        ledger_rollback(call->ledger);
        return busy(status);
    }
    given = find(call->ledger, call->cluster, order.id, order.since_s);
    if (ledger_commit(call->ledger) < 0) {
        json_decref(given);
        return busy(status);
    }
    log_line("cap order %lld for %s %s by %s: %s", (long long)order.id,
             cap_scopes[order.scope], order.name, order.actor, order.why);
    return answer(status, 200, json_pack("{s:s s:o}", "done", "set", "order", given));
}

json_t *cap_call_lift(const struct cap_call *call, unsigned *status)
{
    const json_t *id = json_object_get(call->body, "id");
    const char *why = text(call->body, "why");
    int64_t now_s = clock_now_s();
    json_t *lifted;
    int rc;

    if (!call->rights->sees_all)
        return refuse(status, 403, "only operators may lift caps");
    if (!json_is_integer(id) || !why || !why[0])
        return refuse(status, 400, "say \"id\", which order, and \"why\"");
    if (ledger_begin(call->ledger) < 0)
        return busy(status);
    rc = cap_order_lift(call->ledger, call->cluster, json_integer_value(id), now_s,
                        call->rights->user, why);
    lifted = rc > 0 ? find(call->ledger, call->cluster, json_integer_value(id), now_s)
                    : NULL;
    if (rc < 0)
        ledger_rollback(call->ledger);
    else if (ledger_commit(call->ledger) < 0)
        rc = -1;
    if (rc > 0) {
        log_line("cap order %lld is lifted by %s: %s", json_integer_value(id),
                 call->rights->user, why);
        return answer(status, 200,
                      json_pack("{s:s s:o}", "done", "lift", "order", lifted));
    }
    json_decref(lifted);
    return rc < 0 ? busy(status)
                  : refuse(status, 404,
                           "there is no such order that still holds; kwota cap list "
                           "shows them");
}
