/* chart.h - charts on a page: inline SVG, read by shape and words, not by colour alone
 *
 * Drawn in percent of the page's width, so that letters and patterns keep their size on
 * narrow screens and on paper. Amounts are millijoules; ENERGY_UNKNOWN is drawn as
 * unknown, never as nothing. All functions write to `out` and call page_text() for
 * names.
 */
#ifndef KWOTA_CHART_H
#define KWOTA_CHART_H

#include <stdint.h>
#include <stdio.h>

/* How parts are told apart: by colours of different lightness and by patterns. */
#define CHART_FILLS 5

/* Once a page, before its charts: the patterns. */
void chart_patterns(FILE *out);

struct chart_bar {
    const char *name;
    int64_t mj;
    int64_t before_mj; /* of the period before, a line; ENERGY_UNKNOWN: none */
    const char *note;  /* below its value: what it costs; NULL: nothing */
};

/* Bars side by side with their names and values. */
void chart_bars(FILE *out, const struct chart_bar *bars, size_t count);

struct chart_part {
    const char *name;
    int64_t mj;
};

/* One bar of all parts (at most CHART_FILLS), and what each of them is. Those below
 * zero count as nothing. */
void chart_split(FILE *out, const struct chart_part *parts, size_t count);

struct chart_column {
    const char *name;
    int64_t mj[2]; /* one on the other; mj[0] ENERGY_UNKNOWN: nobody knows */
};

/* Columns by time with a scale, and what their two parts are; parts[1] NULL: there is
 * one only. The second is filled as the last part of a split is. */
void chart_columns(FILE *out, const struct chart_column *columns, size_t count,
                   const char *const parts[2]);

#endif
