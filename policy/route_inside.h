/* route_inside.h - what the files of route.c share
 *
 * Each answer_… is one call, or a few of a kind: the answer (a new reference), and its
 * HTTP status. Thread-safe.
 */
#ifndef KWOTA_ROUTE_INSIDE_H
#define KWOTA_ROUTE_INSIDE_H

#include <stdint.h>

#include "policy/route.h"

/* A number of the query. */
int64_t route_argument(const struct route_call *call, const char *name,
                       int64_t otherwise);

/* A word of the query; "": not given. */
const char *route_word(const struct route_call *call, const char *name);

/* The body of a POST; NULL, status and the answer to give: it is no JSON. */
json_t *route_body(const struct route_call *call, unsigned *status, json_t **answer);

typedef json_t *route_answer(const struct route_call *call, unsigned *status);

/* route_read.c */
route_answer answer_report, answer_usage, answer_accounting, answer_job, answer_nodes,
    answer_running, answer_power, answer_web, answer_ping, answer_health;

/* route_budget.c */
route_answer answer_policies, answer_reload, answer_budgets, answer_caps_list,
    answer_caps_set, answer_caps_lift, answer_decisions, answer_why, answer_shadow,
    answer_freeze, answer_frozen, answer_quote, answer_queue;

/* route_books.c */
route_answer answer_import, answer_verify, answer_prune, answer_statements,
    answer_periods;

#endif
