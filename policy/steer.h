/* steer.h - slowing a run down so that its energy lasts to its end
 *
 * Pure and in integers: milliwatts x seconds are millijoules. kwotad calls steer() for
 * each opted-in run with every round of reports, carries the order out, and keeps the
 * state for the next call. Thread-safe.
 *
 * The order of means: one limit for all the run's GPUs; then one for the packages of
 * its nodes; then a CPU quota; then a warning; then its end. Nothing happens to a run
 * that is expected to fit: with what must be left over at its end, a report's time and
 * an order's, because it is ended when less is.
 *
 * The model. A device that draws D at full speed, of which I even when it waits, is
 * held to a limit C < D by lower clocks: it draws C, and its speed is
 *     ((C - I) / (D - I)) ^ (1/2)
 * Power above idle goes with frequency x voltage², so the exponent is 1/3 where the
 * voltage can follow the frequency all the way, and 1 where it cannot follow at all.
 * What has been measured lies between: an RTX 3090 kept 94 %, 81 % and 62 % of its
 * speed at 71 %, 57 % and 50 % of its limit, and fell off below (41 % at 43 %;
 * jankyai.droidgram.com/power-limiting-rtx-3090-gpu-to-increase-power-efficiency);
 * training on V100s took 15 % less energy under a cap with little more time
 * (arXiv:2205.09646). The rest of the run draws on while the device is slow. So a
 * unit of work costs least at
 *     C = 2 I + rest / devices
 * and more again below: no limit is lower than that. A CPU quota only makes work wait:
 * each unit of it costs more, so it is no help to a run that has a certain work to do,
 * and only used for one that goes on to its time limit.
 */
#ifndef KWOTA_STEER_H
#define KWOTA_STEER_H

#include <stdbool.h>
#include <stdint.h>

/* What nobody knows. */
#define STEER_UNKNOWN INT64_C(-1)

/* Of 1: speeds are in millionths. */
#define STEER_FULL INT64_C(1000000)

/* What the policy allows. */
struct steer_rules {
    int64_t part_percent;  /* nothing is held before so much is used; before nine tenths
                              are, where nobody knows how long the run takes */
    int64_t floor_percent; /* no device is held below this part of its highest limit */
    bool gpu, package, cpu;    /* what may be held */
    int64_t cpu_floor_percent; /* no CPU quota below this */
    int64_t warn_s;            /* so long before its end it is warned */
    bool end;                  /* false: it is warned only */
};

/* Like devices of a run, over all its nodes. */
struct steer_devices {
    int64_t count;          /* 0: there are none, or none that can be held */
    int64_t min_mw, max_mw; /* the limits that every one of them takes */
    int64_t step_mw;        /* a limit is min_mw and so many steps; 0 counts as 1 W */
    int64_t idle_mw;        /* of one; STEER_UNKNOWN: half of min_mw */
    int64_t mw;             /* all together, lately: ten minutes or so, and only since
                               what is in force has been so, if there are reports */
    int64_t mean_mw; /* … while nothing was held; STEER_UNKNOWN: it always was */
    int64_t peak_mw; /* all together, the most from one report to the next */
};

/* A running run as its reports tell it. */
struct steer_run {
    int64_t lien_mj, used_mj;
    int64_t raise_mj; /* so much more its quotas and its user would give it now */
    int64_t age_s;    /* how old used_mj is */
    int64_t report_s; /* so long until it is known anew, */
    int64_t lag_s;    /* … and from an order to its effect: KillWait for an end */
    int64_t need_s;   /* full speed, so long still: steer_need_s() */
    bool need_known;  /* by like runs, and it has not outlasted them; false: a guess */
    int64_t limit_s;  /* so long until its time limit; STEER_UNKNOWN: it has none */
    struct steer_devices gpu, package; /* package: max_mw 0 where it is not alone on its
                                          nodes; its share of their power counts */
    int64_t other_mw, other_peak_mw;   /* what is in neither */
};

/* What is in force, and what must be remembered until it is not. All 0: nothing. */
struct steer_state {
    int64_t gpu_mw, package_mw; /* limit of each device */
    int64_t cpu_percent;
    int64_t changed_s;                    /* when these changed last */
    int64_t gpu_full_mw, package_full_mw; /* what they drew before they were held */
    bool warned;
};

#define STEER_WHY 320

struct steer_order {
    struct steer_state state; /* from now on */
    bool changed;             /* a limit or the quota is another than before */
    bool warn, end;           /* to be done now */
    char why[STEER_WHY];      /* of what is to be done now, for a person */
};

/* Decides. used_mj or a power that is STEER_UNKNOWN leaves everything as it is. */
void steer(const struct steer_rules *rules, const struct steer_run *run,
           const struct steer_state *before, int64_t now_s, struct steer_order *order);

/* How much longer a run needs at full speed that has done work of `done_s` at full
 * speed. expected_s: what like runs take in all, STEER_UNKNOWN if there are none; a run
 * that has outlasted them needs a little more. At most limit_s (if there is one);
 * STEER_UNKNOWN: nobody can tell. */
int64_t steer_need_s(int64_t expected_s, int64_t done_s, int64_t limit_s);

/* How fast a run goes under what is in force: done_s grows by this x seconds. */
int64_t steer_speed(const struct steer_run *run, const struct steer_state *state);

#endif
