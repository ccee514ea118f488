/* report.h - what a node's meter reports, into the ledger */
#ifndef KWOTA_REPORT_H
#define KWOTA_REPORT_H

#include <jansson.h>

#include "policy/ledger.h"
#include "policy/policy.h"
#include "policy/settings.h"

/* Takes one report in one transaction. 0 with the reply (a new reference); -1: the
 * report is malformed, `error` says how; -2: the ledger could not take it, nothing was
 * changed and nothing may be acknowledged. What is told once (starts,
 * finals, ends of steps) is on disk before the reply; mere counts soon after. policy
 * NULL: nothing is gated. Thread-safe.
 */
int report_take(struct ledger *ledger, const struct settings *settings,
                const struct policy *policy, json_t *report, int64_t now_ms,
                json_t **reply, const char **error);

#endif
