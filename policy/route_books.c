/* route_books.c - the calls about the books: proof, pruning, past jobs, statements,
 * months */
#include "policy/route_inside.h"

#include <microhttpd.h>
#include <string.h>

#include "policy/books_call.h"
#include "policy/clock.h"
#include "policy/import_call.h"
#include "policy/period_close.h"
#include "policy/statement.h"

/* A call of books_call.h's, with the body of a POST. */
static json_t *books(const struct route_call *call,
                     json_t *(*answers)(const struct books_call *, unsigned *),
                     unsigned *status)
{
    json_t *answer = NULL, *body = NULL;
    struct policy *policy;

    if (strcmp(call->method, "POST") == 0 &&
        !(body = route_body(call, status, &answer)))
        return answer;
    policy = policy_store_take(call->context->policies);
    answer =
        answers(&(struct books_call){.ledger = call->context->ledger,
                                     .cluster = call->context->cluster,
                                     .policy = policy,
                                     .rights = call->rights,
                                     .body = body,
                                     .start_s = route_argument(call, "start", 0),
                                     .end_s = route_argument(call, "end", INT64_MAX),
                                     .step = route_argument(call, "step", 0),
                                     .after = route_argument(call, "after", 0),
                                     .slurmdbd = route_argument(call, "slurmdbd", 0)},
                status);
    policy_release(policy);
    json_decref(body);
    return answer;
}

json_t *answer_import(const struct route_call *call, unsigned *status)
{
    json_t *answer = NULL, *body = route_body(call, status, &answer);
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

json_t *answer_verify(const struct route_call *call, unsigned *status)
{
    return books(call, books_call_verify, status);
}

json_t *answer_prune(const struct route_call *call, unsigned *status)
{
    return books(call, books_call_prune, status);
}

json_t *answer_statements(const struct route_call *call, unsigned *status)
{
    struct policy *policy = policy_store_take(call->context->policies);
    struct statement_call of = {.ledger = call->context->ledger,
                                .policy = policy,
                                .rights = call->rights,
                                .account = route_word(call, "account"),
                                .month = route_word(call, "month"),
                                .now_s = clock_now_s(),
                                .after_account = route_word(call, "after_account"),
                                .after_run = route_argument(call, "after_run", 0)};
    json_t *answer = strcmp(call->path, "/v1/statement") == 0
                         ? statement_head(&of, status)
                         : statement_page(&of, status);

    policy_release(policy);
    return answer;
}

json_t *answer_periods(const struct route_call *call, unsigned *status)
{
    bool posted = strcmp(call->method, "POST") == 0;
    json_t *answer = NULL, *body = posted ? route_body(call, status, &answer) : NULL;
    struct period_call of = {.ledger = call->context->ledger,
                             .rights = call->rights,
                             .body = body,
                             .month = route_word(call, "month"),
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
