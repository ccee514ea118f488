/* route.c - which call a request is, and who answers it */
#include "policy/route_inside.h"

#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>

#include "policy/budget_call.h"
#include "policy/person.h"

int64_t route_argument(const struct route_call *call, const char *name,
                       int64_t otherwise)
{
    const char *value = call->query(call->of, name);

    return value ? strtoll(value, NULL, 10) : otherwise;
}

json_t *route_body(const struct route_call *call, unsigned *status, json_t **answer)
{
    json_error_t where;
    json_t *json = json_loadb(call->body ? call->body : "", call->body_len, 0, &where);

    if (json)
        return json;
    *status = MHD_HTTP_BAD_REQUEST;
    *answer = json_pack("{s:s+}", "error", "the body is not JSON: ", where.text);
    return NULL;
}

const char *route_word(const struct route_call *call, const char *name)
{
    const char *value = call->query(call->of, name);

    return value ? value : "";
}

static const struct {
    const char *method, *path;
    route_answer *answer;
} calls[] = {
    {"POST", "/v1/report", answer_report},
    {"POST", "/v1/decisions", answer_decisions},
    {"GET", "/v1/job", answer_job},
    {"GET", "/v1/usage", answer_usage},
    {"GET", "/v1/accounting", answer_accounting},
    {"GET", "/v1/running", answer_running},
    {"GET", "/v1/nodes", answer_nodes},
    {"GET", "/v1/power", answer_power},
    {"GET", "/v1/web", answer_web},
    {"GET", "/v1/ping", answer_ping},
    {"GET", "/v1/health", answer_health},
    {"GET", "/v1/policy", answer_policies},
    {"GET", "/v1/policy/explain", answer_policies},
    {"GET", "/v1/why", answer_why},
    {"GET", "/v1/queue", answer_queue},
    {"GET", "/v1/shadow", answer_shadow},
    {"GET", "/v1/freeze", answer_frozen},
    {"POST", "/v1/freeze", answer_freeze},
    {"GET", "/v1/cap", answer_caps_list},
    {"POST", "/v1/cap/set", answer_caps_set},
    {"POST", "/v1/cap/lift", answer_caps_lift},
    {"POST", "/v1/quote", answer_quote},
    {"POST", "/v1/import", answer_import},
    {"POST", "/v1/policy/reload", answer_reload},
    {"GET", "/v1/statement", answer_statements},
    {"GET", "/v1/statement/runs", answer_statements},
    {"POST", "/v1/period/close", answer_periods},
    {"GET", "/v1/period/list", answer_periods},
    {"GET", "/v1/period/statements", answer_periods},
    {"GET", "/v1/verify", answer_verify},
    {"POST", "/v1/prune", answer_prune},
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

static json_t *answer(const struct route_call *call, unsigned *status)
{
    const char *other = NULL;

    if (budget_call_is(call->path))
        return answer_budgets(call, status);
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

json_t *route_call(const struct route_call *call, unsigned *status)
{
    char why[LEDGER_WHY];
    json_t *said;

    if (only_reads(call))
        return answer(call, status);
    /* Whoever asks tries the next server (client.c). */
    if (!ledger_acts(call->context->ledger, why)) {
        *status = MHD_HTTP_SERVICE_UNAVAILABLE;
        return person_error(why);
    }
    said = answer(call, status);
    /* What was found out by this very change is its reason; the next server is not
     * tried: whether the change is done may not be known. */
    if (*status == MHD_HTTP_INTERNAL_SERVER_ERROR &&
        !ledger_acts(call->context->ledger, why)) {
        json_decref(said);
        said = person_error(why);
    }
    return said;
}
