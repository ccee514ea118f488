/* energy.h - amounts of energy as integers, and as people read them
 *
 * The meter counts microjoules, the ledger millijoules; 1 kWh = 3 600 000 J. Nothing
 * here uses floating point. All functions are thread-safe.
 */
#ifndef KWOTA_ENERGY_H
#define KWOTA_ENERGY_H

#include <stddef.h>
#include <stdint.h>

#define ENERGY_MJ_PER_KWH INT64_C(3600000000)
#define ENERGY_UJ_PER_MJ INT64_C(1000)

/* An amount nobody knows. Never added, never shown as a number. */
#define ENERGY_UNKNOWN INT64_MIN

/* Adds two amounts; unknown plus known is the known part (the measured lower bound),
 * unknown plus unknown is unknown. Saturates at INT64_MAX. */
int64_t energy_add(int64_t a, int64_t b);

/* Writes `mj` as decimal kWh into buf, rounded half away from zero to `digits` (0..9)
 * places, e.g. "0.0125"; "unknown" for ENERGY_UNKNOWN. Returns buf. A buffer of
 * ENERGY_TEXT bytes always suffices. */
#define ENERGY_TEXT 48
char *energy_kwh(char *buf, size_t size, int64_t mj, int digits);

/* As kWh with as many places as a person needs to see three figures, unit included:
 * "12.3 kWh", "0.00421 kWh", "unknown". */
char *energy_kwh_human(char *buf, size_t size, int64_t mj);

/* As joules, unit included, thin spaces left out: "15 163 J" is written "15163 J";
 * below 10 J three decimals: "4.210 J". */
char *energy_joules(char *buf, size_t size, int64_t mj);

/* Mean power of `mj` over `ms` milliseconds, in milliwatts, rounded to nearest;
 * ENERGY_UNKNOWN if mj is unknown or ms <= 0. */
int64_t energy_mean_mw(int64_t mj, int64_t ms);

/* As watts, unit included: "85.2 W", "unknown". */
char *energy_watts(char *buf, size_t size, int64_t mw);

/* What is known of a sum of prices or CO2 that leaves out so much energy;
 * ENERGY_UNKNOWN: nothing is. */
int64_t energy_known(int64_t sum, int64_t left_out_mj);

#endif
