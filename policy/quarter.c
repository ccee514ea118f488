/* quarter.c - energy counts in the quarter-hour in which it was used */
#include "policy/quarter.h"

int64_t quarter_at(int64_t ms)
{
    return ms / 1000 / QUARTER_S * QUARTER_S;
}

void quarter_split(int64_t mj, int64_t from_ms, int64_t to_ms,
                   void (*take)(int64_t quarter_s, int64_t mj, void *arg), void *arg)
{
    int64_t given = 0;

    if (from_ms >= to_ms || quarter_at(from_ms) == quarter_at(to_ms)) {
        take(quarter_at(to_ms), mj, arg);
        return;
    }
    /* Each quarter ends with the part due up to its end, so nothing is lost by
     * rounding. */
    for (int64_t quarter = quarter_at(from_ms); quarter * 1000 < to_ms;
         quarter += QUARTER_S) {
        int64_t end_ms =
            (quarter + QUARTER_S) * 1000 < to_ms ? (quarter + QUARTER_S) * 1000 : to_ms;
        int64_t due = (int64_t)((__int128)mj * (end_ms - from_ms) / (to_ms - from_ms));

        take(quarter, due - given, arg);
        given = due;
    }
}
