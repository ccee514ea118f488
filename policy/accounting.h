/* accounting.h - what was used in a time, by whom or what, and what the meters say
 * (API.md, GET /v1/accounting)
 *
 * The rows are settled energy: what is charged, and beside it what of theirs the centre
 * bears. Whoever sees everything gets the centre's part too (nodes' own energy, what is
 * not settled, what no run could be found for), so that all of it adds up to what the
 * counters grew by. The ledger's lock is given back between pieces of the time
 * (span.h). Thread-safe.
 */
#ifndef KWOTA_ACCOUNTING_H
#define KWOTA_ACCOUNTING_H

#include <jansson.h>
#include <stdint.h>

#include "policy/access.h"
#include "policy/ledger.h"

struct accounting_wish {
    const char *by;      /* account, user, partition, qos, gpu-type, day or month */
    const char *account; /* it and those below it; NULL: all */
    const char *user;    /* NULL: all */
    int64_t start_s;     /* included */
    int64_t end_s;       /* not included; both up to the next quarter-hour */
    int64_t now_s;       /* nothing was used later */
};

/* The reply's JSON (a new reference) and its HTTP status. */
json_t *accounting_answer(struct ledger *ledger, const struct access_rights *rights,
                          const struct accounting_wish *wish, unsigned *status);

#endif
