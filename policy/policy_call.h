/* policy_call.h - what people ask of the policy: /v1/policy (API.md, section 2) */
#ifndef KWOTA_POLICY_CALL_H
#define KWOTA_POLICY_CALL_H

#include <jansson.h>

#include "policy/access.h"
#include "policy/ledger.h"
#include "policy/policy_store.h"

/* A parameter of the call by its name, as `of` has it; NULL: it is not given. */
typedef const char *policy_query(void *of, const char *name);

/* /v1/policy or /v1/policy/explain. The reply's JSON (a new reference), with the HTTP
 * status. Thread-safe. */
json_t *policy_call(struct policy_store *store, struct ledger *ledger,
                    const char *cluster, const char *path, policy_query *query,
                    void *of, unsigned *status);

/* POST /v1/policy/reload {"confirm":bool}: 409 with the reason if the policy before
 * stays in force. */
json_t *policy_call_reload(struct policy_store *store,
                           const struct access_rights *rights, const json_t *body,
                           unsigned *status);

#endif
