/* plot.h - power over time, drawn with characters
 *
 * Pure: it draws into a string.
 */
#ifndef KWOTA_PLOT_H
#define KWOTA_PLOT_H

#include <stdbool.h>
#include <stdint.h>

/* Columns that the scale takes, left of the first value. */
#define PLOT_MARGIN 11

struct plot {
    const int64_t *mw; /* one a column; ENERGY_UNKNOWN: a gap */
    int columns, rows;
    bool utf8;
    /* Under the first, middle and last column; ASCII. The middle one is left out where
     * they do not fit. */
    const char *times[3];
};

/* The lines of the plot, to be freed; NULL without memory. A value that is known, even
 * 0, leaves a mark; under a gap the axis is broken too. */
char *plot_draw(const struct plot *plot);

#endif
