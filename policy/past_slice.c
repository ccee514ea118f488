/* past_slice.c - how much time is asked of slurmdbd at once */
#include "policy/past_slice.h"

int64_t past_slice_next(int64_t length_s, int64_t rows)
{
    if (rows < PAST_SLICE_FEW)
        length_s *= 2;
    else if (rows > PAST_SLICE_MANY)
        length_s /= 2;
    if (length_s > PAST_SLICE_MOST_S)
        return PAST_SLICE_MOST_S;
    return length_s < PAST_SLICE_LEAST_S ? PAST_SLICE_LEAST_S : length_s;
}
