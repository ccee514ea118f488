/* power.h - energy by quarter-hour, as people see the power of the last day
 *
 * Thread-safe.
 */
#ifndef KWOTA_POWER_H
#define KWOTA_POWER_H

#include <jansson.h>
#include <stdint.h>

#include "policy/access.h"
#include "policy/ledger.h"

/* So many quarter-hours at most: a week and its ends. */
#define POWER_QUARTERS 700

/* {"of":"cluster"|"jobs","quarters":[…],"simulated"} as in API.md (a new reference),
 * from start_s (included) to end_s (not): of the whole cluster for those who see
 * everything, of the jobs that they may see for others. Sets the HTTP status. */
json_t *power_answer(struct ledger *ledger, const struct access_rights *rights,
                     const char *cluster, int64_t start_s, int64_t end_s,
                     unsigned *status);

#endif
