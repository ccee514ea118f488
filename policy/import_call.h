/* import_call.h - the call that takes Slurm's past jobs into the history (API.md)
 *
 * Thread-safe; one at a time. It takes as long as slurmdbd does.
 */
#ifndef KWOTA_IMPORT_CALL_H
#define KWOTA_IMPORT_CALL_H

#include <jansson.h>

#include "policy/access.h"
#include "policy/ledger.h"
#include "policy/policy.h"

/* So much time is asked for with one call at most. */
#define IMPORT_MOST_S (31 * 86400)

struct import_call {
    struct ledger *ledger;
    const struct policy *policy;
    const char *cluster;
    const struct access_rights *rights;
    const json_t *body;
};

/* POST /v1/import {"start","end","dry_run"}: the runs that ended from `start` until
 * before `end` -> {"runs","new","by_slurm","by_nameplate","measured","not_ended",
 * "too_short","no_shape","no_power"}. */
json_t *import_call(const struct import_call *call, unsigned *status);

#endif
