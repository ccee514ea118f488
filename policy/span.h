/* span.h - a time as whole months, whole days and quarter-hours
 *
 * Pure but for the time zone, which is kwotad's. What is added up by month need not be
 * added up by day: a report reads as few rows as it can.
 */
#ifndef KWOTA_SPAN_H
#define KWOTA_SPAN_H

#include <stddef.h>
#include <stdint.h>

#include "policy/period.h"

enum span_unit { SPAN_QUARTERS, SPAN_DAYS, SPAN_MONTHS };

/* [from_s, until_s): one month, one day, or the quarter-hours of a part of a day. */
struct span_piece {
    enum span_unit unit;
    int64_t from_s, until_s;
};

/* The pieces of a window (of whole quarter-hours), oldest first, none of a larger unit
 * than `most`; *count of them. The caller frees them; NULL: memory is out. An empty
 * window has none. */
struct span_piece *span_pieces(const struct window *window, enum span_unit most,
                               size_t *count);

/* The whole days of a window, and the whole months of these; both lie in it, empty
 * where it has none. */
void span_cut(const struct window *window, struct window *days, struct window *months);

/* Whether a window begins and ends with days. */
int span_is_days(const struct window *window);

/* The window before one of the same length: the months before if it is of whole
 * months, the same part of the month before if it begins with one and ends in it. */
void span_before(const struct window *window, struct window *before);

#endif
