/* budget_json.h - where a budget stands, as JSON (API.md: BUDGET) */
#ifndef KWOTA_BUDGET_JSON_H
#define KWOTA_BUDGET_JSON_H

#include <jansson.h>

#include "policy/quota.h"

/* A new reference; NULL: the ledger cannot be read. Wants the ledger's lock held. */
json_t *budget_json(struct ledger *ledger, const struct policy *policy,
                    const struct quota *quota, int64_t now_s);

#endif
