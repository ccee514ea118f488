/* control_call.h - calls about what kwotad decides: starts, waiting jobs, why, shadow,
 * freeze (API.md)
 *
 * Thread-safe.
 */
#ifndef KWOTA_CONTROL_CALL_H
#define KWOTA_CONTROL_CALL_H

#include <jansson.h>
#include <stdbool.h>

#include "policy/access.h"
#include "policy/ledger.h"
#include "policy/steward.h"

struct control_call {
    struct ledger *ledger;
    struct steward *steward;
    const struct access_rights *rights;
    const json_t *body; /* of a POST; NULL: none */
    bool capping;       /* the policy has caps set */
    const char *id;     /* arguments; NULL: not given */
    int64_t start_s, end_s;
    bool (*wait_for)(void *waits, const char *token); /* as route.h says */
    void *waits;
};

/* POST /v1/decisions (nodes): {"tokens":[…]} -> {"decisions":{"TOKEN":"run"|…},
 * "caps":{"TOKEN":CAP|null}}. What is not decided is left out; so is what may run while
 * its cap is not worked out. NULL, and *status 0: the call was put off until it is
 * known what the run of one of the tokens is. */
json_t *control_decisions(const struct control_call *call, unsigned *status);

/* GET /v1/why?id=12 -> {"job_id","sentences":[…]} */
json_t *control_why(const struct control_call *call, unsigned *status);

/* GET /v1/shadow?start=&end= -> {"rows":[{"account","jobs","holds","kills","mj"}]} */
json_t *control_shadow(const struct control_call *call, unsigned *status);

/* POST /v1/freeze {"on":bool,"why":"…"} and {"breaker":false,"why":"…"};
 * GET: {"frozen","tripped","why"} */
json_t *control_freeze(const struct control_call *call, unsigned *status);
json_t *control_frozen(const struct control_call *call, unsigned *status);

#endif
