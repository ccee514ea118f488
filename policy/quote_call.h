/* quote_call.h - POST /v1/quote: what a job would be given as lien, and whether it
 * would start now (API.md)
 *
 * Thread-safe.
 */
#ifndef KWOTA_QUOTE_CALL_H
#define KWOTA_QUOTE_CALL_H

#include <jansson.h>

#include "policy/access.h"
#include "policy/ledger.h"
#include "policy/policy.h"
#include "policy/steward.h"

struct quote_call {
    struct ledger *ledger;
    const struct policy *policy;
    const char *cluster;
    const struct access_rights *rights; /* of the caller */
    struct steward *steward;            /* asked for partitions */
    const char *map; /* path of the budget map, by which admission decides */
    const json_t *body;
};

/* The answer (a new reference), and its HTTP status. */
json_t *quote_call(const struct quote_call *call, unsigned *status);

#endif
