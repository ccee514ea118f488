/* estimate.c - the energy a job is expected to use, from which its lien is taken */
#include "policy/estimate.h"

/* The most licences that Slurm counts for a job. */
#define MOST_WH INT64_C(2000000000)

static int64_t saturate(__int128 value)
{
    return value > INT64_MAX ? INT64_MAX : (int64_t)value;
}

/* A negative count or power is a mistake elsewhere; it must not make a job cheaper. */
static __int128 product(int64_t a, int64_t b)
{
    return a > 0 && b > 0 ? (__int128)a * b : 0;
}

static __int128 divide_up(__int128 value, int64_t by)
{
    return value / by + (value % by != 0);
}

void estimate_cap(struct nameplate *nameplate, int64_t gpu_cap_mw)
{
    if (gpu_cap_mw > 0 && nameplate->gpu_mw > gpu_cap_mw)
        nameplate->gpu_mw = gpu_cap_mw;
}

int64_t estimate_mw(const struct nameplate *nameplate, const struct shape *shape)
{
    /* Each saturated by itself, so that their sum fits. */
    return saturate(saturate(product(shape->nodes, nameplate->node_mw)) +
                    (__int128)saturate(product(shape->cpus, nameplate->cpu_mw)) +
                    saturate(product(shape->gpus, nameplate->gpu_mw)));
}

int64_t estimate_mj(int64_t mw, int64_t limit_s, int64_t factor_percent)
{
    /* mW x s = mJ. Once saturated, a factor below 100 cannot make it known again. */
    int64_t mj = saturate(product(mw, limit_s));

    if (mj == INT64_MAX)
        return INT64_MAX;
    return saturate(divide_up(product(mj, factor_percent), 100));
}

int64_t estimate_wh(int64_t mj, int64_t round_wh)
{
    __int128 wh = mj > 0 ? divide_up(mj, ESTIMATE_MJ_PER_WH) : 0;
    __int128 step = round_wh > 0 ? round_wh : 1;
    __int128 rounded;

    if (step > MOST_WH)
        return MOST_WH;
    rounded = divide_up(wh, (int64_t)step) * step;
    if (rounded < step)
        rounded = step;
    return rounded > MOST_WH ? MOST_WH : (int64_t)rounded;
}
