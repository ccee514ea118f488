/* cap_call.h - calls about operators' caps: GET /v1/cap, POST /v1/cap/set and
 * /v1/cap/lift (API.md)
 *
 * Thread-safe.
 */
#ifndef KWOTA_CAP_CALL_H
#define KWOTA_CAP_CALL_H

#include <jansson.h>
#include <stdbool.h>

#include "policy/access.h"
#include "policy/ledger.h"
#include "policy/policy.h"

struct cap_call {
    struct ledger *ledger;
    const struct policy *policy;
    const char *cluster;
    const struct access_rights *rights;
    const json_t *body; /* of a POST */
    bool all;           /* list: those that are over too */
};

/* Each returns the reply (a new reference) and sets the HTTP status. */
json_t *cap_call_list(const struct cap_call *call, unsigned *status);
json_t *cap_call_set(const struct cap_call *call, unsigned *status);
json_t *cap_call_lift(const struct cap_call *call, unsigned *status);

#endif
