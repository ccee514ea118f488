/* unit.h - the unit an amount of energy is best read in: Wh, kWh, MWh, GWh, TWh
 *
 * Pure. Amounts are millijoules, 1 Wh = 3 600 000 mJ.
 */
#ifndef KWOTA_UNIT_H
#define KWOTA_UNIT_H

#include <stddef.h>
#include <stdint.h>

struct unit {
    const char *name;
    int64_t mj; /* one of it */
};

/* The largest unit that `most_mj` is at least one of; Wh for less. */
const struct unit *unit_of(int64_t most_mj);

/* "12.3", in three figures at least, without the unit; "unknown" for ENERGY_UNKNOWN.
 * Returns text; UNIT_TEXT bytes suffice. */
#define UNIT_TEXT 48
char *unit_number(char *text, size_t size, int64_t mj, const struct unit *unit);

/* "12.3 MWh" in its own unit. */
char *unit_text(char *text, size_t size, int64_t mj);

#endif
