/* steer_inside.h - what the files that make up steer.h share, and steer_round.c */
#ifndef KWOTA_STEER_INSIDE_H
#define KWOTA_STEER_INSIDE_H

#include "policy/steer_model.h"

/* What is worked out once for a call. */
struct steer_plan {
    const struct steer_rules *rules;
    const struct steer_run *run;
    const struct steer_state *before;
    int64_t now_s;
    int64_t may_mj;     /* all that it may use */
    int64_t left_mj;    /* of that, now */
    int64_t present_mw; /* what it draws lately, */
    int64_t worst_mw;   /* … and may draw until it is known anew */
};

/* The limits and the quota from now on. Returns what the rest of the run costs then. */
int64_t steer_hold(const struct steer_plan *plan, struct steer_state *state);

static inline int64_t steer_bounded(__int128 value)
{
    return value > INT64_MAX   ? INT64_MAX
           : value < INT64_MIN ? INT64_MIN
                               : (int64_t)value;
}

/* Power rises on while a report is on its way: by so much more than ever. */
#define STEER_RISE_PERCENT 5

static inline int64_t steer_peak(int64_t mw)
{
    return steer_bounded((__int128)mw * (100 + STEER_RISE_PERCENT) / 100);
}

static inline int64_t at_least(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static inline int64_t at_most(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

#endif
