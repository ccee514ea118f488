/* quarter.h - energy counts in the quarter-hour in which it was used
 *
 * Pure. A quarter is named by its first second (since 1970, a multiple of 900).
 */
#ifndef KWOTA_QUARTER_H
#define KWOTA_QUARTER_H

#include <stdint.h>

#define QUARTER_S 900

/* The one that a moment lies in. */
int64_t quarter_at(int64_t ms);

/* Calls `take` for each quarter that [from_ms, to_ms) touches with its part of mj, by
 * time; the parts add up to mj exactly, and none has another sign than mj. An empty or
 * backward interval gives all to the quarter of to_ms. */
void quarter_split(int64_t mj, int64_t from_ms, int64_t to_ms,
                   void (*take)(int64_t quarter_s, int64_t mj, void *arg), void *arg);

#endif
