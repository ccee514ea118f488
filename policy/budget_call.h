/* budget_call.h - the HTTP calls about budgets (API.md, section 2): /v1/budgets,
 * /v1/quota/…, /v1/postings
 */
#ifndef KWOTA_BUDGET_CALL_H
#define KWOTA_BUDGET_CALL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/access.h"
#include "policy/ledger.h"
#include "policy/policy.h"

struct budget_call {
    struct ledger *ledger;
    const struct policy *policy; /* NULL: a class is the partition of its name */
    const char *cluster;
    const struct access_rights *rights;
    const char *method, *path;
    const char *account, *user; /* of the query; NULL: not given */
    bool all;
    int64_t most;     /* so many budgets at most; 0: all of them */
    const char *body; /* of a POST */
    size_t body_len;
};

/* Whether a path is one of these calls. */
bool budget_call_is(const char *path);

/* The reply (a new reference) and HTTP's status. Thread-safe; takes the ledger's lock,
 * never for longer than one budget's arithmetic. */
json_t *budget_call(const struct budget_call *call, unsigned *status);

/* The calls of /v1/quota/ that change something, for budget_call(); false: `name` is
 * none of them. */
bool budget_change(const struct budget_call *call, const char *name, unsigned *status,
                   json_t **answer);

#endif
