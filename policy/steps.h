/* steps.h - the steps of a run, as its nodes count them
 *
 * Functions with a ledger want its lock held.
 */
#ifndef KWOTA_STEPS_H
#define KWOTA_STEPS_H

#include <jansson.h>
#include <stdint.h>

#include "policy/ledger.h"

/* -1 if `steps` is neither NULL nor a list of steps as API.md has them. */
int steps_check(const json_t *steps);

/* Takes the steps of a report's run; no count goes back, and a step that is no longer
 * told stays as it was. -1 if the ledger cannot. */
int steps_take(struct ledger *ledger, const char *token, const json_t *steps);

/* Those of a run, added up over its nodes, as people read them (API.md). */
json_t *steps_json(struct ledger *ledger, int64_t run_id);

#endif
