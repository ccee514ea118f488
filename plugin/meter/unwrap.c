/* unwrap.c - from two readings of a counter to what it moved by */
#include "plugin/meter/unwrap.h"

/* A counter is updated late; a reading may hold what was used before the last one. A
 * second is more than any source's period. */
#define LATE_NS INT64_C(1000000000)

/* mW × ns = pJ; 10^6 pJ = 1 µJ */
static __int128 energy_uj(int64_t power_mw, int64_t ns)
{
    return (__int128)power_mw * ns / 1000000;
}

enum unwrap_result unwrap_step(const struct unwrap_counter *counter, int64_t before_uj,
                               int64_t now_uj, int64_t unseen_ns, int64_t elapsed_ns,
                               int64_t *delta_uj)
{
    int64_t delta = now_uj - before_uj, range_uj = counter->range_uj;

    *delta_uj = 0;
    if (range_uj > 0 && energy_uj(counter->max_power_mw, unseen_ns) >= range_uj)
        return UNWRAP_AMBIGUOUS;
    if (delta < 0)
        delta += range_uj;
    if (delta < 0 || delta > energy_uj(counter->max_power_mw, elapsed_ns + LATE_NS))
        return UNWRAP_RESET;
    *delta_uj = delta;
    return UNWRAP_MOVED;
}
