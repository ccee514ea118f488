/* points.h - energy over time, put into equal bins
 *
 * Pure.
 */
#ifndef KWOTA_POINTS_H
#define KWOTA_POINTS_H

#include <stdint.h>

#include "policy/kind.h"

/* What was used from from_ms (included) to to_ms (not). */
struct point {
    int64_t from_ms, to_ms;
    struct kinds used;
};

/* The `count` equal parts of [start_ms, end_ms), end_ms > start_ms. */
struct points_window {
    int64_t start_ms, end_ms;
    int count;
};

/* When bin `i` begins; for i = count, when the last one ends. */
int64_t points_edge(const struct points_window *window, int i);

/* Adds a point inside the window to the bins it touches, each getting its part by time.
 * The parts add up to the point exactly. A bin that no point touches stays as it is:
 * kinds_clear() makes it unknown. */
void points_spread(const struct points_window *window, struct kinds *bins,
                   const struct point *point);

#endif
