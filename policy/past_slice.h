/* past_slice.h - how much time is asked of slurmdbd at once
 *
 * Pure. A slice that gives many rows costs memory here and holds up others there; many
 * slices with few rows cost a question each.
 */
#ifndef KWOTA_PAST_SLICE_H
#define KWOTA_PAST_SLICE_H

#include <stdint.h>

#define PAST_SLICE_FIRST_S 86400
#define PAST_SLICE_LEAST_S 60
#define PAST_SLICE_MOST_S (30 * 86400)

/* Rows that are few, and that are many. */
#define PAST_SLICE_FEW 5000
#define PAST_SLICE_MANY 40000

/* How long the slice after one of `length_s` that gave so many rows is. */
int64_t past_slice_next(int64_t length_s, int64_t rows);

#endif
