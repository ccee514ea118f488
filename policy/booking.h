/* booking.h - what nodes' counters grew by, by quarter-hour and by day
 *
 * A node's report costs something here only when it is the first of a quarter-hour, or
 * of an epoch: then what its counters grew by since the last booking is given to the
 * quarter-hours that are over, up to each one's end as the counts stood between the two
 * reports (in proportion to time). What has grown since is booked with the next;
 * until then accounting_meters.c counts it to the quarter-hour of the node's last
 * report. Booked are differences of cumulative counts, each floored to millijoules, so
 * that all quarter-hours of a counter add up to its count and nothing is lost by
 * rounding; the node's own part is what is left of the total.
 *
 * Wants the ledger's lock held.
 */
#ifndef KWOTA_BOOKING_H
#define KWOTA_BOOKING_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "policy/ledger.h"

struct booking {
    struct ledger *ledger;
    const char *cluster, *node, *epoch;
    int64_t from_ms; /* of the report whose counts the ledger has */
    int64_t to_ms;   /* of the one that has just come */
    /* Its domains by name (API.md), not yet in the ledger; NULL: the epoch is over, and
     * nothing has grown since from_ms. */
    const json_t *domains;
};

/* Whether a quarter-hour is over. */
bool booking_is_due(const struct booking *booking);

/* Books all quarter-hours that are over. If time has not gone on (another epoch, a
 * clock that was set back) what the ledger has is booked where it was counted. -1: the
 * ledger cannot. */
int booking_take(const struct booking *booking);

#endif
