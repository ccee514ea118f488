/* unwrap.h - from two readings of a counter to what it moved by
 *
 * Pure. The range comes from the zone itself (max_energy_range_uj), never from a guess.
 */
#ifndef METER_UNWRAP_H
#define METER_UNWRAP_H

#include <stdint.h>

enum unwrap_result {
    UNWRAP_MOVED,     /* *delta_uj is what the counter moved by */
    UNWRAP_AMBIGUOUS, /* it could have wrapped more than once: unknown */
    UNWRAP_RESET      /* it jumped by more than it can: started anew, unknown */
};

/* A counter below `range_uj` (0: it never wraps) that draws at most `max_power_mw`. */
struct unwrap_counter {
    int64_t range_uj, max_power_mw;
};

/* From `before_uj` to `now_uj`. `unseen_ns`: how long it was not looked at, in which it
 * may have gone round; `elapsed_ns` (not less): since it was seen to move, in which it
 * can have moved so far. */
enum unwrap_result unwrap_step(const struct unwrap_counter *counter, int64_t before_uj,
                               int64_t now_uj, int64_t unseen_ns, int64_t elapsed_ns,
                               int64_t *delta_uj);

#endif
