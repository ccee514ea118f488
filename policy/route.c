/* route.c - which call a request is, and who answers it */
#include "policy/route.h"

#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "config.h"
#include "policy/accounting.h"
#include "policy/books_call.h"
#include "policy/budget_call.h"
#include "policy/cap_call.h"
#include "policy/clock.h"
#include "policy/control_call.h"
#include "policy/import_call.h"
#include "policy/period_close.h"
#include "policy/person.h"
#include "policy/policy_call.h"
#include "policy/power.h"
#include "policy/quote_call.h"
#include "policy/report.h"
#include "policy/statement.h"
#include "policy/web.h"

static int64_t argument(const struct route_call *call, const char *name,
                        int64_t otherwise)
{
    const char *value = call->query(call->of, name);

    return value ? strtoll(value, NULL, 10) : otherwise;
}

/* The body of a POST; NULL, status and the answer to give: it is no JSON. */
static json_t *body_of(const struct route_call *call, unsigned *status, json_t **answer)
{
    json_error_t where;
    json_t *json = json_loadb(call->body ? call->body : "", call->body_len, 0, &where);

    if (json)
        return json;
    *status = MHD_HTTP_BAD_REQUEST;
    *answer = json_pack("{s:s+}", "error", "the body is not JSON: ", where.text);
    return NULL;
}

/* A run that has begun, and whose job is not found yet, or that has ended: the worker
 * is to look at once. What merely goes on it looks at every second. */
static bool is_waited_for(const json_t *report, const json_t *answer)
{
    return json_array_size(json_object_get(report, "runs")) !=
           json_object_size(json_object_get(answer, "runs"));
}

static json_t *report(const struct route_call *call, unsigned *status)
{
    json_t *json, *answer = NULL;
    struct policy *policy;
    const char *error;
    struct timespec now;
    int rc;

    *status = MHD_HTTP_FORBIDDEN;
    if (!call->rights->is_node)
        return person_error("only root and SlurmUser may report energy");
    json = body_of(call, status, &answer);
    if (!json)
        return answer;
    clock_gettime(CLOCK_REALTIME, &now);
    policy = policy_store_take(call->context->policies);
    rc = report_take(call->context->ledger, call->context->settings, policy, json,
                     (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000, &answer,
                     &error);
    policy_release(policy);
    if (rc < 0) {
        call->context->activity->reports_refused++;
        json_decref(json);
        *status = rc == -1 ? MHD_HTTP_BAD_REQUEST : MHD_HTTP_SERVICE_UNAVAILABLE;
        return person_error(error);
    }
    call->context->activity->reports++;
    if (is_waited_for(json, answer))
        worker_kick(call->context->worker);
    json_decref(json);
    *status = MHD_HTTP_OK;
    return answer;
}

static json_t *usage(const struct route_call *call, unsigned *status)
{
    const char *by = call->query(call->of, "by");

    return person_usage(call->context->ledger, call->rights, by ? by : "account",
                        argument(call, "start", 0), argument(call, "end", INT64_MAX),
                        status);
}

static json_t *accounting(const struct route_call *call, unsigned *status)
{
    const char *by = call->query(call->of, "by");
    struct accounting_wish wish = {
        .by = by ? by : "account",
        .account = call->query(call->of, "account"),
        .user = call->query(call->of, "user"),
        .start_s = argument(call, "start", 0),
        .end_s = argument(call, "end", INT64_MAX),
        .now_s = (int64_t)time(NULL),
    };

    return accounting_answer(call->context->ledger, call->rights, &wish, status);
}

static json_t *job(const struct route_call *call, unsigned *status)
{
    const char *id = call->query(call->of, "id");
    int64_t bins = argument(call, "plot", 0);
    struct person_wish wish = {
        .steps = argument(call, "steps", 0) != 0,
        .bins = bins < 0 || bins > PERSON_BINS_MOST ? -1 : (int)bins,
    };

    return person_job(call->context->ledger, call->rights, id ? id : "", &wish, status);
}

static json_t *nodes(const struct route_call *call, unsigned *status)
{
    return person_nodes(call->context->ledger, call->rights, status);
}

static json_t *running(const struct route_call *call, unsigned *status)
{
    struct running_filter filter = {.user = call->query(call->of, "user"),
                                    .account = call->query(call->of, "account"),
                                    .partition = call->query(call->of, "partition"),
                                    .most = argument(call, "most", 0)};
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return running_answer(call->context->running, call->rights, &filter,
                          (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000, status);
}

static json_t *power(const struct route_call *call, unsigned *status)
{
    return power_answer(call->context->ledger, call->rights, call->context->cluster,
                        argument(call, "start", 0), argument(call, "end", 0), status);
}

static json_t *web(const struct route_call *call, unsigned *status)
{
    return web_link(call->context->web, call->rights, status);
}

static json_t *ping(const struct route_call *call, unsigned *status)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    *status = MHD_HTTP_OK;
    return json_pack("{s:s s:s s:s s:b s:b s:I}", "version", PACKAGE_VERSION, "cluster",
                     call->context->cluster, "user", call->rights->user, "sees_all",
                     (int)call->rights->sees_all, "coordinates",
                     call->rights->account_count > 0, "time_ms",
                     (json_int_t)now.tv_sec * 1000 + now.tv_nsec / 1000000);
}

/* What kwotad lacks: for each thing null, or why. */
static json_t *health(const struct route_call *call, unsigned *status)
{
    struct ledger *ledger = call->context->ledger;
    const char *trouble = "the ledger cannot be read";
    char away[LEDGER_WHY];
    json_t *state;

    *status = MHD_HTTP_FORBIDDEN;
    if (!call->rights->sees_all)
        return person_error("kwotad's health is for operators");
    *status = MHD_HTTP_OK;
    if (ledger_look(ledger) == 0) {
        trouble = ledger_trouble(ledger);
        ledger_commit(ledger);
    }
    if (!trouble && !ledger_acts(ledger, away))
        trouble = away;
    state = policy_store_state(call->context->policies);
    json_object_set_new(state, "ledger", trouble ? json_string(trouble) : json_null());
    json_object_set_new(state, "slurmdbd",
                        steward_slurmdbd_away(call->context->steward)
                            ? json_string("slurmdbd does not answer")
                            : json_null());
    return state;
}

static json_t *policies(const struct route_call *call, unsigned *status)
{
    return policy_call(call->context->policies, call->context->ledger,
                       call->context->cluster, call->path, call->query, call->of,
                       status);
}

static json_t *reload(const struct route_call *call, unsigned *status)
{
    json_t *answer = NULL, *body = body_of(call, status, &answer);

    if (!body)
        return answer;
    answer = policy_call_reload(call->context->policies, call->rights, body, status);
    json_decref(body);
    steward_kick(call->context->steward);
    return answer;
}

static json_t *budgets(const struct route_call *call, unsigned *status)
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
        .all = argument(call, "all", 0) != 0,
        .most = argument(call, "most", 0),
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

    if (strcmp(call->method, "POST") == 0 && !(body = body_of(call, status, &answer)))
        return answer;
    answer = answers(&(struct control_call){.ledger = call->context->ledger,
                                            .steward = call->context->steward,
                                            .rights = call->rights,
                                            .body = body,
                                            .capping = is_capping(call),
                                            .id = call->query(call->of, "id"),
                                            .start_s = argument(call, "start", 0),
                                            .end_s = argument(call, "end", INT64_MAX),
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

    if (strcmp(call->method, "POST") == 0 && !(body = body_of(call, status, &answer)))
        return answer;
    policy = policy_store_take(call->context->policies);
    answer = answers(&(struct cap_call){.ledger = call->context->ledger,
                                        .policy = policy,
                                        .cluster = call->context->cluster,
                                        .rights = call->rights,
                                        .body = body,
                                        .all = argument(call, "all", 0) != 0},
                     status);
    policy_release(policy);
    json_decref(body);
    if (*status == MHD_HTTP_OK && strcmp(call->method, "POST") == 0)
        worker_kick(call->context->worker);
    return answer;
}

static json_t *caps_list(const struct route_call *call, unsigned *status)
{
    return caps(call, cap_call_list, status);
}

static json_t *caps_set(const struct route_call *call, unsigned *status)
{
    return caps(call, cap_call_set, status);
}

static json_t *caps_lift(const struct route_call *call, unsigned *status)
{
    return caps(call, cap_call_lift, status);
}

static json_t *decisions(const struct route_call *call, unsigned *status)
{
    return control(call, control_decisions, status);
}

static json_t *why(const struct route_call *call, unsigned *status)
{
    return control(call, control_why, status);
}

static json_t *shadow(const struct route_call *call, unsigned *status)
{
    return control(call, control_shadow, status);
}

static json_t *freeze(const struct route_call *call, unsigned *status)
{
    json_t *answer = control(call, control_freeze, status);

    worker_kick(call->context->worker);
    return answer;
}

static json_t *frozen(const struct route_call *call, unsigned *status)
{
    return control(call, control_frozen, status);
}

static json_t *quote(const struct route_call *call, unsigned *status)
{
    json_t *answer = NULL, *body = body_of(call, status, &answer);
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

/* A call of books_call.h's, with the body of a POST. */
static json_t *books(const struct route_call *call,
                     json_t *(*answers)(const struct books_call *, unsigned *),
                     unsigned *status)
{
    json_t *answer = NULL, *body = NULL;
    struct policy *policy;

    if (strcmp(call->method, "POST") == 0 && !(body = body_of(call, status, &answer)))
        return answer;
    policy = policy_store_take(call->context->policies);
    answer = answers(&(struct books_call){.ledger = call->context->ledger,
                                          .cluster = call->context->cluster,
                                          .policy = policy,
                                          .rights = call->rights,
                                          .body = body,
                                          .start_s = argument(call, "start", 0),
                                          .end_s = argument(call, "end", INT64_MAX),
                                          .step = argument(call, "step", 0),
                                          .after = argument(call, "after", 0),
                                          .slurmdbd = argument(call, "slurmdbd", 0)},
                     status);
    policy_release(policy);
    json_decref(body);
    return answer;
}

static json_t *import(const struct route_call *call, unsigned *status)
{
    json_t *answer = NULL, *body = body_of(call, status, &answer);
    struct policy *policy;

    if (!body)
        return answer;
    policy = policy_store_take(call->context->policies);
    answer = import_call(&(struct import_call){.ledger = call->context->ledger,
                                               .policy = policy,
                                               .cluster = call->context->cluster,
                                               .rights = call->rights,
                                               .body = body},
                         status);
    policy_release(policy);
    json_decref(body);
    return answer;
}

static json_t *verify(const struct route_call *call, unsigned *status)
{
    return books(call, books_call_verify, status);
}

static json_t *prune(const struct route_call *call, unsigned *status)
{
    return books(call, books_call_prune, status);
}

static json_t *queue(const struct route_call *call, unsigned *status)
{
    *status = MHD_HTTP_OK;
    return steward_queue(call->context->steward, call->rights);
}

static const char *word(const struct route_call *call, const char *name)
{
    const char *value = call->query(call->of, name);

    return value ? value : "";
}

static json_t *statements(const struct route_call *call, unsigned *status)
{
    struct policy *policy = policy_store_take(call->context->policies);
    struct statement_call of = {.ledger = call->context->ledger,
                                .policy = policy,
                                .rights = call->rights,
                                .account = word(call, "account"),
                                .month = word(call, "month"),
                                .now_s = clock_now_s(),
                                .after_account = word(call, "after_account"),
                                .after_run = argument(call, "after_run", 0)};
    json_t *answer = strcmp(call->path, "/v1/statement") == 0
                         ? statement_head(&of, status)
                         : statement_page(&of, status);

    policy_release(policy);
    return answer;
}

static json_t *periods(const struct route_call *call, unsigned *status)
{
    bool posted = strcmp(call->method, "POST") == 0;
    json_t *answer = NULL, *body = posted ? body_of(call, status, &answer) : NULL;
    struct period_call of = {.ledger = call->context->ledger,
                             .rights = call->rights,
                             .body = body,
                             .month = word(call, "month"),
                             .now_s = clock_now_s()};
    struct policy *policy;

    if (posted && !body)
        return answer;
    of.policy = policy = policy_store_take(call->context->policies);
    answer = posted ? period_close(&of, status)
             : strcmp(call->path, "/v1/period/list") == 0
                 ? period_list(&of, status)
                 : period_statements(&of, status);
    policy_release(policy);
    json_decref(body);
    return answer;
}

static const struct {
    const char *method, *path;
    json_t *(*answer)(const struct route_call *call, unsigned *status);
} calls[] = {
    {"POST", "/v1/report", report},
    {"POST", "/v1/decisions", decisions},
    {"GET", "/v1/job", job},
    {"GET", "/v1/usage", usage},
    {"GET", "/v1/accounting", accounting},
    {"GET", "/v1/running", running},
    {"GET", "/v1/nodes", nodes},
    {"GET", "/v1/power", power},
    {"GET", "/v1/web", web},
    {"GET", "/v1/ping", ping},
    {"GET", "/v1/health", health},
    {"GET", "/v1/policy", policies},
    {"GET", "/v1/policy/explain", policies},
    {"GET", "/v1/why", why},
    {"GET", "/v1/queue", queue},
    {"GET", "/v1/shadow", shadow},
    {"GET", "/v1/freeze", frozen},
    {"POST", "/v1/freeze", freeze},
    {"GET", "/v1/cap", caps_list},
    {"POST", "/v1/cap/set", caps_set},
    {"POST", "/v1/cap/lift", caps_lift},
    {"POST", "/v1/quote", quote},
    {"POST", "/v1/import", import},
    {"POST", "/v1/policy/reload", reload},
    {"GET", "/v1/statement", statements},
    {"GET", "/v1/statement/runs", statements},
    {"POST", "/v1/period/close", periods},
    {"GET", "/v1/period/list", periods},
    {"GET", "/v1/period/statements", periods},
    {"GET", "/v1/verify", verify},
    {"POST", "/v1/prune", prune},
};

/* What changes nothing in the ledger. */
static bool only_reads(const struct route_call *call)
{
    static const char *const reads[] = {"/v1/quote", "/v1/policy/reload"};

    for (size_t i = 0; i < sizeof reads / sizeof *reads; i++)
        if (strcmp(call->path, reads[i]) == 0)
            return true;
    return strcmp(call->method, "POST") != 0;
}

json_t *route_call(const struct route_call *call, unsigned *status)
{
    const char *other = NULL;
    char why[LEDGER_WHY];

    /* Whoever asks tries the next server (client.c). */
    if (!only_reads(call) && !ledger_acts(call->context->ledger, why)) {
        *status = MHD_HTTP_SERVICE_UNAVAILABLE;
        return person_error(why);
    }
    if (budget_call_is(call->path))
        return budgets(call, status);
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        if (strcmp(call->path, calls[i].path) != 0)
            continue;
        if (strcmp(call->method, calls[i].method) == 0)
            return calls[i].answer(call, status);
        other = calls[i].method;
    }
    *status = other ? MHD_HTTP_METHOD_NOT_ALLOWED : MHD_HTTP_NOT_FOUND;
    if (other)
        return json_pack("{s:s++}", "error", "this call is a ", other, "");
    return person_error(
        "there is no such call: /v1/job, /v1/running, /v1/usage, /v1/accounting, "
        "/v1/nodes, /v1/power, "
        "/v1/budgets, /v1/quota, /v1/postings, /v1/policy, /v1/queue, "
        "/v1/quote, /v1/import, /v1/why, /v1/shadow, /v1/freeze, /v1/cap, /v1/web, "
        "/v1/statement, /v1/period, /v1/ping, /v1/health");
}
