/* allowance.c - what a node does by itself with a run when kwotad is silent */
#include "plugin/meter/allowance.h"

enum allowance_act allowance_act(enum caps_then then, int64_t allowance_mj,
                                 int64_t used_mj, int64_t silent_ms, int64_t report_ms)
{
    int64_t floor_mj = allowance_mj;

    if (then == CAPS_RUN || allowance_mj < 0 || silent_ms < 2 * report_ms)
        return ALLOWANCE_NOTHING;
    if (then == CAPS_END && used_mj >= allowance_mj)
        return ALLOWANCE_END;
    if (then == CAPS_END)
        floor_mj -= allowance_mj / 4;
    return used_mj >= floor_mj ? ALLOWANCE_FLOOR : ALLOWANCE_NOTHING;
}
