/* route_read.c - the calls that nodes report by, and those that tell what is known */
#include "policy/route_inside.h"

#include <microhttpd.h>
#include <stdlib.h>
#include <time.h>

#include "config.h"
#include "policy/accounting.h"
#include "policy/person.h"
#include "policy/power.h"
#include "policy/report.h"
#include "policy/web.h"

/* A run that has begun, and whose job is not found yet, or that has ended: the worker
 * is to look at once. What merely goes on it looks at every second. */
static bool is_waited_for(const json_t *report, const json_t *answer)
{
    return json_array_size(json_object_get(report, "runs")) !=
           json_object_size(json_object_get(answer, "runs"));
}

json_t *answer_report(const struct route_call *call, unsigned *status)
{
    json_t *json, *answer = NULL;
    struct policy *policy;
    const char *error;
    struct timespec now;
    int rc;

    *status = MHD_HTTP_FORBIDDEN;
    if (!call->rights->is_node)
        return person_error("only root and SlurmUser may report energy");
    json = route_body(call, status, &answer);
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

json_t *answer_usage(const struct route_call *call, unsigned *status)
{
    const char *by = call->query(call->of, "by");

    return person_usage(call->context->ledger, call->rights, by ? by : "account",
                        route_argument(call, "start", 0),
                        route_argument(call, "end", INT64_MAX), status);
}

json_t *answer_accounting(const struct route_call *call, unsigned *status)
{
    const char *by = call->query(call->of, "by");
    struct accounting_wish wish = {
        .by = by ? by : "account",
        .account = call->query(call->of, "account"),
        .user = call->query(call->of, "user"),
        .start_s = route_argument(call, "start", 0),
        .end_s = route_argument(call, "end", INT64_MAX),
        .now_s = (int64_t)time(NULL),
    };

    return accounting_answer(call->context->ledger, call->rights, &wish, status);
}

json_t *answer_job(const struct route_call *call, unsigned *status)
{
    const char *id = call->query(call->of, "id");
    int64_t bins = route_argument(call, "plot", 0);
    struct person_wish wish = {
        .steps = route_argument(call, "steps", 0) != 0,
        .bins = bins < 0 || bins > PERSON_BINS_MOST ? -1 : (int)bins,
    };

    return person_job(call->context->ledger, call->rights, id ? id : "", &wish, status);
}

json_t *answer_nodes(const struct route_call *call, unsigned *status)
{
    return person_nodes(call->context->ledger, call->rights, status);
}

json_t *answer_running(const struct route_call *call, unsigned *status)
{
    struct running_filter filter = {.user = call->query(call->of, "user"),
                                    .account = call->query(call->of, "account"),
                                    .partition = call->query(call->of, "partition"),
                                    .most = route_argument(call, "most", 0)};
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return running_answer(call->context->running, call->rights, &filter,
                          (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000, status);
}

json_t *answer_power(const struct route_call *call, unsigned *status)
{
    return power_answer(call->context->ledger, call->rights, call->context->cluster,
                        route_argument(call, "start", 0),
                        route_argument(call, "end", 0), status);
}

json_t *answer_web(const struct route_call *call, unsigned *status)
{
    return web_link(call->context->web, call->rights, status);
}

json_t *answer_ping(const struct route_call *call, unsigned *status)
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
json_t *answer_health(const struct route_call *call, unsigned *status)
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
