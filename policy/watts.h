/* watts.h - power as people write it: "250W", "0.3kW"
 *
 * Pure.
 */
#ifndef KWOTA_WATTS_H
#define KWOTA_WATTS_H

#include <stdint.h>

/* What a cap of one device may be: a laptop's GPU draws 15 W, the largest of 2025
 * 1.4 kW. What lies beyond was hardly meant as watts. */
#define WATTS_LEAST_MW INT64_C(10000)
#define WATTS_MOST_MW INT64_C(10000000)

/* Into milliwatts, from W or kW with at most three places (of kW six). 0, or -1 if it
 * is no power. A number needs its unit; a small m would be thousandths, which nobody
 * means. */
int watts_parse(const char *text, int64_t *mw);

/* The same of a device's cap: -1 too if it is beyond what one may be. */
int watts_parse_cap(const char *text, int64_t *mw);

/* Exactly, without the unit: "150", "8.5". Returns text. */
#define WATTS_TEXT 32
char *watts_text(int64_t mw, char text[WATTS_TEXT]);

#endif
