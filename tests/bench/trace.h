/* trace.h - random runs, and what becomes of them with and without steering
 *
 * The runs, their devices and the delays are a model; what steers them is the very
 * function that kwotad uses. Nothing here uses the clock: the same seed, the same runs.
 */
#ifndef KWOTA_TRACE_H
#define KWOTA_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/steer.h"

enum trace_kind { TRACE_GPU, TRACE_CPU, TRACE_MIXED, TRACE_KINDS };
enum trace_shape { TRACE_STEADY, TRACE_BURSTY, TRACE_RISING, TRACE_SHAPES };

/* What the runs are drawn from. */
struct trace_world {
    double exponent;        /* of speed in power above idle */
    double error;           /* history is off by a factor of 1/this to this, */
    double bias;            /* … times this, */
    double unknown;         /* … and says nothing of such a part of the runs */
    double over_least;      /* natural use in budgets, */
    double over_most;       /* … evenly between these */
    double least_s, most_s; /* how long runs take, evenly in its logarithm */
};

struct trace {
    enum trace_kind kind;
    enum trace_shape shape;
    struct steer_devices gpu, package; /* as steer_run has them */
    double gpu_mw, package_mw;         /* of one device at its busiest, full speed */
    double other_mw;
    double work_s;          /* at full speed */
    double period_s, quiet; /* bursts: so long, and so much power in the second half */
    int64_t limit_s, expected_s;
    bool alone; /* its packages can be limited */
    double natural_mj;
    int64_t budget_mj;
    double exponent;
};

struct trace_end {
    bool finished, timed_out, ended, warned, held;
    double used_mj, work; /* work: part of it that was done */
    double took_s, capped_s;
    int changes;
    bool out_of_range;     /* a limit that its devices do not take */
    double warned_ahead_s; /* before the end was ordered */
};

uint64_t trace_seed(uint64_t seed);
struct trace trace_draw(const struct trace_world *world, uint64_t *random);

/* rules NULL: nobody steers, and it is ended at its budget. */
struct trace_end trace_play(const struct trace *trace, const struct steer_rules *rules);

#define TRACE_REPORT_S 60
#define TRACE_LAG_S 35 /* KillWait and a round of kwotad's */

#endif
