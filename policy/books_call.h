/* books_call.h - the calls that look after the books: GET /v1/verify, POST /v1/prune
 * (API.md)
 *
 * Each does a piece of the work and says where it is to go on: who asks calls until all
 * is done. For operators. Thread-safe.
 */
#ifndef KWOTA_BOOKS_CALL_H
#define KWOTA_BOOKS_CALL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "policy/access.h"
#include "policy/ledger.h"
#include "policy/policy.h"

struct books_call {
    struct ledger *ledger;
    const struct policy *policy;
    const char *cluster;
    const struct access_rights *rights;
    const json_t *body;     /* of a POST */
    int64_t start_s, end_s; /* of verify; 0, INT64_MAX: all */
    int64_t step, after;    /* where it goes on */
    bool slurmdbd;          /* compared with that, too */
};

json_t *books_call_verify(const struct books_call *call, unsigned *status);
json_t *books_call_prune(const struct books_call *call, unsigned *status);

#endif
