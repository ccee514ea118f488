/* person.h - what people ask: jobs, usage, nodes (API.md, section 2)
 *
 * Each returns the reply's JSON (a new reference) and sets the HTTP status.
 * Thread-safe.
 */
#ifndef KWOTA_PERSON_H
#define KWOTA_PERSON_H

#include <jansson.h>
#include <stdbool.h>

#include "policy/access.h"
#include "policy/ledger.h"

#define PERSON_BINS_MOST 1000

/* What is wanted of each run beside the usual. */
struct person_wish {
    bool steps;
    int bins; /* of its energy over time; 0: none */
};

json_t *person_job(struct ledger *ledger, const struct access_rights *rights,
                   const char *id, const struct person_wish *wish, unsigned *status);

/* by: account, user, partition, job or day; from start_s (included) to end_s (not). */
json_t *person_usage(struct ledger *ledger, const struct access_rights *rights,
                     const char *by, int64_t start_s, int64_t end_s, unsigned *status);

json_t *person_nodes(struct ledger *ledger, const struct access_rights *rights,
                     unsigned *status);

/* {"error": sentence} */
json_t *person_error(const char *sentence);

#endif
