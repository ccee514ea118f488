/* allowance.h - what a node does by itself with a run when kwotad is silent
 *
 * Pure. kwotad has said how much energy the run may use here before somebody must act;
 * two report intervals without a reply are silence.
 */
#ifndef METER_ALLOWANCE_H
#define METER_ALLOWANCE_H

#include "plugin/meter/caps_book.h"

/* The smallest share of its CPU time that still lets a job answer and save itself. */
#define ALLOWANCE_CPU_PERCENT 10

enum allowance_act {
    ALLOWANCE_NOTHING,
    ALLOWANCE_FLOOR, /* hold it to the least its devices take */
    ALLOWANCE_END    /* … and end its job */
};

/* `used_mj` as of the run's start, as the allowance is. Where the job is to be ended,
 * the floor comes at three quarters, so that it can last until kwotad is back. */
enum allowance_act allowance_act(enum caps_then then, int64_t allowance_mj,
                                 int64_t used_mj, int64_t silent_ms, int64_t report_ms);

#endif
