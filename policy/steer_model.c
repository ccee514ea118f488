/* steer_model.c - what a run will use at a limit */
#include "policy/steer_model.h"

/* A device that is hardly above idle still gets somewhere. */
#define LEAST_SPEED 50000

/* The integer square root, by bits. */
static int64_t root(int64_t of)
{
    int64_t found = 0;

    for (int64_t bit = INT64_C(1) << 31; bit > 0; bit >>= 1)
        if ((found | bit) <= of / (found | bit))
            found |= bit;
    return found;
}

int64_t steer_model_speed(const struct steer_model *model, int64_t cap_mw)
{
    __int128 above = cap_mw - model->idle_mw, full = model->full_mw - model->idle_mw;
    int64_t speed;

    if (cap_mw >= model->full_mw)
        return STEER_FULL;
    if (above <= 0)
        return LEAST_SPEED;
    speed = root((int64_t)(above * STEER_FULL * STEER_FULL / full));
    return speed < LEAST_SPEED ? LEAST_SPEED : speed;
}

static __int128 drawn_mw(int64_t count, int64_t each_mw, int64_t cap_mw,
                         int64_t rest_mw)
{
    return (__int128)count * (cap_mw < each_mw ? cap_mw : each_mw) + rest_mw;
}

int64_t steer_model_mj(const struct steer_model *model, int64_t cap_mw)
{
    __int128 mw = drawn_mw(model->count, model->full_mw, cap_mw, model->rest_mw);
    __int128 mj = mw * model->need_s;

    if (mj > INT64_MAX)
        return INT64_MAX;
    mj = mj * STEER_FULL / steer_model_speed(model, cap_mw);
    if (model->limit_s != STEER_UNKNOWN && mj > mw * model->limit_s)
        mj = mw * model->limit_s;
    mj += drawn_mw(model->count, model->peak_mw, cap_mw, model->rest_peak_mw) *
          model->keep_s;
    return mj > INT64_MAX ? INT64_MAX : (int64_t)mj;
}

int64_t steer_model_best(const struct steer_model *model)
{
    return model->count > 0 ? 2 * model->idle_mw + model->rest_mw / model->count : 0;
}
