/* verify_slurm.h - whether every run that slurmdbd knows has its one charge
 *
 * Asks slurmdbd, which may take seconds: never under kwotad's ledger's lock. A run that
 * has no charge is a breach unless it has a reason not to: it still runs, its nodes'
 * finals are waited for, kwota is on none of its nodes, it began before the ledger did.
 * What never had nodes is no run.
 */
#ifndef KWOTA_VERIFY_SLURM_H
#define KWOTA_VERIFY_SLURM_H

#include <jansson.h>
#include <stdint.h>

#include "policy/ledger.h"
#include "policy/verify.h"

/* The step after verify_answer()'s last; its place's `after` is a time, 0 at first. */
#define VERIFY_SLURM_STEP 100

/* Days for about `ms`: as verify_answer(), with "reasons": {"still runs":2} besides,
 * and "slurmdbd_away": "why" if it cannot be asked. `ledger` is a reader. */
json_t *verify_slurm(struct ledger *ledger, const char *cluster,
                     const struct verify_range *range, int64_t after, int64_t now_s,
                     int ms);

#endif
