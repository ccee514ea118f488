/* route_budget.c - the calls about budgets, the policy, what jobs wait for, and caps */
#include "policy/route_inside.h"

#include <microhttpd.h>
#include <stdio.h>
#include <string.h>

#include "policy/budget_call.h"
#include "policy/cap_call.h"
#include "policy/control_call.h"
#include "policy/policy_call.h"
#include "policy/quote_call.h"

json_t *answer_policies(const struct route_call *call, unsigned *status)
{
    return policy_call(call->context->policies, call->context->ledger,
                       call->context->cluster, call->path, call->query, call->of,
                       status);
}

json_t *answer_reload(const struct route_call *call, unsigned *status)
{
    json_t *answer = NULL, *body = route_body(call, status, &answer);

    if (!body)
        return answer;
    answer = policy_call_reload(call->context->policies, call->rights, body, status);
    json_decref(body);
    steward_kick(call->context->steward);
    return answer;
}

json_t *answer_budgets(const struct route_call *call, unsigned *status)
{
    struct policy *policy = policy_store_take(call->context->policies);
    struct budget_call budget = {
        .ledger = call->context->ledger,
        .policy = policy,
        .cluster = call->context->cluster,
        .rights = call->rights,
        .method = call->method,
        .path = call->path,
        .account = call->query(call->of, "account"),
        .user = call->query(call->of, "user"),
        .all = route_argument(call, "all", 0) != 0,
        .most = route_argument(call, "most", 0),
        .body = call->body,
        .body_len = call->body_len,
    };
    json_t *answer = budget_call(&budget, status);

    policy_release(policy);
    if (*status == MHD_HTTP_OK && strcmp(call->method, "POST") == 0)
        steward_kick(call->context->steward);
    return answer;
}

static bool is_capping(const struct route_call *call)
{
    struct policy *policy = policy_store_take(call->context->policies);
    bool capping = policy_capping(policy);

    policy_release(policy);
    return capping;
}

/* A call of control_call.h's, with the body of a POST. */
static json_t *control(const struct route_call *call,
                       json_t *(*answers)(const struct control_call *, unsigned *),
                       unsigned *status)
{
    json_t *answer = NULL, *body = NULL;

    if (strcmp(call->method, "POST") == 0 &&
        !(body = route_body(call, status, &answer)))
        return answer;
    answer =
        answers(&(struct control_call){.ledger = call->context->ledger,
                                       .steward = call->context->steward,
                                       .rights = call->rights,
                                       .body = body,
                                       .capping = is_capping(call),
                                       .id = call->query(call->of, "id"),
                                       .start_s = route_argument(call, "start", 0),
                                       .end_s = route_argument(call, "end", INT64_MAX),
                                       .wait_for = call->wait_for,
                                       .waits = call->waits},
                status);
    json_decref(body);
    return answer;
}

/* What has changed for the nodes is worked out at once. */
static json_t *caps(const struct route_call *call,
                    json_t *(*answers)(const struct cap_call *, unsigned *),
                    unsigned *status)
{
    json_t *answer = NULL, *body = NULL;
    struct policy *policy;

    if (strcmp(call->method, "POST") == 0 &&
        !(body = route_body(call, status, &answer)))
        return answer;
    policy = policy_store_take(call->context->policies);
    answer = answers(&(struct cap_call){.ledger = call->context->ledger,
                                        .policy = policy,
                                        .cluster = call->context->cluster,
                                        .rights = call->rights,
                                        .body = body,
                                        .all = route_argument(call, "all", 0) != 0},
                     status);
    policy_release(policy);
    json_decref(body);
    if (*status == MHD_HTTP_OK && strcmp(call->method, "POST") == 0)
        worker_kick(call->context->worker);
    return answer;
}

json_t *answer_caps_list(const struct route_call *call, unsigned *status)
{
    return caps(call, cap_call_list, status);
}

json_t *answer_caps_set(const struct route_call *call, unsigned *status)
{
    return caps(call, cap_call_set, status);
}

json_t *answer_caps_lift(const struct route_call *call, unsigned *status)
{
    return caps(call, cap_call_lift, status);
}

json_t *answer_decisions(const struct route_call *call, unsigned *status)
{
    return control(call, control_decisions, status);
}

json_t *answer_why(const struct route_call *call, unsigned *status)
{
    return control(call, control_why, status);
}

json_t *answer_shadow(const struct route_call *call, unsigned *status)
{
    return control(call, control_shadow, status);
}

json_t *answer_freeze(const struct route_call *call, unsigned *status)
{
    json_t *answer = control(call, control_freeze, status);

    worker_kick(call->context->worker);
    return answer;
}

json_t *answer_frozen(const struct route_call *call, unsigned *status)
{
    return control(call, control_frozen, status);
}

json_t *answer_quote(const struct route_call *call, unsigned *status)
{
    json_t *answer = NULL, *body = route_body(call, status, &answer);
    struct policy *policy;
    char map[512];

    if (!body)
        return answer;
    snprintf(map, sizeof map, "%s/budget.map", call->context->settings->spool);
    policy = policy_store_take(call->context->policies);
    answer = quote_call(&(struct quote_call){.ledger = call->context->ledger,
                                             .policy = policy,
                                             .cluster = call->context->cluster,
                                             .rights = call->rights,
                                             .steward = call->context->steward,
                                             .map = map,
                                             .body = body},
                        status);
    policy_release(policy);
    json_decref(body);
    return answer;
}

json_t *answer_queue(const struct route_call *call, unsigned *status)
{
    *status = MHD_HTTP_OK;
    return steward_queue(call->context->steward, call->rights);
}
