/* period_close.h - months that are closed: numbered statements, and nothing posted to
 * them afterwards
 *
 * When a month is closed, each account that used energy in it or had a quota gets a
 * statement: what it used itself, without the accounts below it, so that all of them
 * add up. Their numbers go on through the whole ledger without holes. All of it is one
 * transaction. What is heard of the month later is posted to the first quarter-hour of
 * the month that is open (posting.h): a further charge or a credit there.
 */
#ifndef KWOTA_PERIOD_CLOSE_H
#define KWOTA_PERIOD_CLOSE_H

#include <jansson.h>

#include "policy/access.h"
#include "policy/ledger.h"
#include "policy/period_digest.h"
#include "policy/policy.h"

struct period_call {
    struct ledger *ledger;
    const struct policy *policy;
    const struct access_rights *rights;
    const json_t *body;
    const char *month;
    int64_t now_s;
};

/* The answers of API.md, and their HTTP status. */
json_t *period_close(const struct period_call *call, unsigned *status);
json_t *period_list(const struct period_call *call, unsigned *status);
json_t *period_statements(const struct period_call *call, unsigned *status);

#endif
