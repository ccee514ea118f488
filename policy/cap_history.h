/* cap_history.h - when a run was capped, to what and by whose word, as people are told
 *
 * Wants the ledger's lock held.
 */
#ifndef KWOTA_CAP_HISTORY_H
#define KWOTA_CAP_HISTORY_H

#include <jansson.h>
#include <stdint.h>

#include "policy/ledger.h"

/* A device of a node was in one state for a time. */
struct cap_spell {
    int64_t from_ms, until_ms; /* until_ms INT64_MAX: it goes on */
    int64_t value;             /* mW, percent of "cpu"; ENERGY_UNKNOWN: none is known */
    char kind[16];             /* "gpu", "package", "cpu" */
    char state[16], why[256];
    char devices[256]; /* "n1 gpu-0, n2 gpu-0", with " …" if there are more */
};

/* Makes one of those that say the same of devices of one kind at overlapping times,
 * sorted by their beginning; returns how many are left. Pure. */
int cap_history_merge(struct cap_spell *spells, int count);

/* [{"from_s","until_s":N|null,"what":"gpu","mw":N|null,"percent":N|null,"state","why",
 * "devices"}] of a run, oldest first; a new reference. */
json_t *cap_history_json(struct ledger *ledger, int64_t run_id);

/* How long any of its nodes held it under a cap, ms; 0: never. */
int64_t cap_history_capped_ms(struct ledger *ledger, int64_t run_id);

#endif
