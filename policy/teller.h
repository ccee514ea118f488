/* teller.h - the thread that tells slurmdbd what settled runs came to
 *
 * A slurmdbd that is slow or away holds up this thread and no other: what is still to
 * be told stands in the ledger.
 */
#ifndef KWOTA_TELLER_H
#define KWOTA_TELLER_H

#include "policy/ledger.h"
#include "policy/settings.h"

struct teller;

/* All of it outlives the teller. NULL when the thread cannot start. */
struct teller *teller_start(struct ledger *ledger, const struct settings *settings,
                            const char *cluster);

/* NULL: nothing. */
void teller_stop(struct teller *teller);

#endif
