/* charges.h - what was ever charged, summed from the ledger's entries for metrics
 *
 * Entries are append-only, so each is read once: the first time all of them, then those
 * that came since. Ten million take a quarter of a minute to read, which is done a
 * second at a time. Of one thread, or under its owner's lock.
 */
#ifndef KWOTA_CHARGES_H
#define KWOTA_CHARGES_H

#include <stdbool.h>

#include "policy/account_figures.h"
#include "policy/ledger.h"

struct charges {
    struct ledger *ledger;
    const char *cluster; /* whose runs count */
    int64_t read_id;     /* entries up to it are in the sums */
    int64_t month_s;     /* when the accounts' month began */
    struct charged all;
    struct account_figures accounts;
};

/* Adds what is new; wants nobody to hold the ledger's lock, and takes it for a few
 * milliseconds at a time. 1: all is read; 0: there is more, which the next call goes on
 * with; -1: the ledger cannot be read now. */
int charges_read(struct charges *charges, int64_t now_s);

void charges_done(struct charges *charges);

#endif
