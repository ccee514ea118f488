/* running.h - the running runs with their power now, for kwota top
 *
 * What is worked out is kept for a second: however many people watch, the ledger is
 * asked once. Thread-safe.
 */
#ifndef KWOTA_RUNNING_H
#define KWOTA_RUNNING_H

#include <jansson.h>
#include <stdint.h>

#include "policy/access.h"
#include "policy/ledger.h"

/* So many rows at most are answered, those that draw most. */
#define RUNNING_MOST 1000

struct running;

/* A node whose last report of a run is older than three times report_ms says nothing
 * about its power now. NULL: memory is out. */
struct running *running_new(struct ledger *ledger, int64_t report_ms);
void running_free(struct running *running);

/* {"runs":[…],"count","mw","mw_of","time_ms"} as in API.md: those that the caller may
 * see, and that the filters name (NULL: all). Sets the HTTP status. */
struct running_filter {
    const char *user, *account, *partition;
    int64_t most; /* rows; 0: RUNNING_MOST */
};

json_t *running_answer(struct running *running, const struct access_rights *rights,
                       const struct running_filter *filter, int64_t now_ms,
                       unsigned *status);

/* The power of all of them, and of how many it is known; untouched on failure. */
void running_power(struct running *running, int64_t now_ms, int64_t *mw,
                   int64_t *measured);

#endif
