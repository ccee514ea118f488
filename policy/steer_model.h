/* steer_model.h - what a run will use at a limit, by the model in steer.h; for steer.c
 *
 * Pure.
 */
#ifndef KWOTA_STEER_MODEL_H
#define KWOTA_STEER_MODEL_H

#include "policy/steer.h"

/* One kind of devices, and what is drawn beside them. */
struct steer_model {
    int64_t count, full_mw, idle_mw; /* of one device */
    int64_t rest_mw;                 /* of all else */
    int64_t peak_mw, rest_peak_mw;   /* what one, and all else, may draw at most, */
    int64_t keep_s;                  /* … for so long when it is ended */
    int64_t need_s;                  /* at full speed of these devices */
    int64_t limit_s;                 /* it runs no longer; STEER_UNKNOWN: no limit */
};

/* In millionths; STEER_FULL at full_mw and above. */
int64_t steer_model_speed(const struct steer_model *model, int64_t cap_mw);

/* What the run still takes with each device held to cap_mw: the slower, the longer, but
 * not past its time limit; and what must be left over so that it is not ended before.
 */
int64_t steer_model_mj(const struct steer_model *model, int64_t cap_mw);

/* The limit at which a unit of work costs least. */
int64_t steer_model_best(const struct steer_model *model);

#endif
