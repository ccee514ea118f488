/* limit.c - a power limit that a device of this node has: its range, as it is now, set
 */
#include "plugin/meter/limit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/meter/limit/kind.h"

/* No device has a limit beyond it; what tells more tells nonsense. */
#define MOST_MW 20000000

/* In the order in which a GPU that several offer is taken. */
static const struct limit_ops *const kinds[LIMIT_KINDS] = {[LIMIT_NVML] = &limit_nvml,
                                                           [LIMIT_RSMI] = &limit_rsmi,
                                                           [LIMIT_HWMON] = &limit_hwmon,
                                                           [LIMIT_POWERCAP] =
                                                               &limit_powercap};

const char *limit_kind_name(enum limit_kind kind)
{
    return kind < LIMIT_KINDS ? counter_source_name(kinds[kind]->source) : "unknown";
}

struct limit *limits_add(struct limits *limits, enum limit_kind kind,
                         enum counter_kind of)
{
    struct limit *limit;

    if (limits->count == LIMIT_MAX)
        return NULL;
    limit = &limits->item[limits->count++];
    memset(limit, 0, sizeof *limit);
    limit->kind = kind;
    limit->of = of;
    limit->index = -1;
    limit->slices = 1;
    limit->default_mw = LIMIT_UNKNOWN;
    /* No vendor's documentation names a step below a watt, amdgpu cuts off what is
     * below one, and Intel's registers count in parts of a watt that divide it. */
    limit->step_mw = 1000;
    return limit;
}

void limit_range(struct limit *limit, int64_t min_mw, int64_t max_mw,
                 int64_t nominal_mw)
{
    int64_t step = limit->step_mw;

    if (max_mw <= 0 || max_mw > MOST_MW || min_mw > max_mw) {
        snprintf(limit->why, sizeof limit->why,
                 "it tells no range in which its limit could be set");
        return;
    }
    if (min_mw <= 0)
        min_mw = (nominal_mw / 4 + step - 1) / step * step;
    if (min_mw > max_mw)
        min_mw = max_mw;
    limit->min_mw = min_mw;
    limit->max_mw = max_mw;
    if (min_mw == max_mw && !limit->why[0])
        snprintf(limit->why, sizeof limit->why, "its limit is fixed at %" PRId64 " W",
                 max_mw / 1000);
}

bool limits_taken(const struct limits *limits, const char *name)
{
    for (int i = 0; i < limits->count; i++)
        if (strcmp(limits->item[i].name, name) == 0)
            return true;
    return false;
}

/* As counters_add() makes names unique. */
static void name_gpu(const struct limits *limits, struct limit *limit)
{
    char name[COUNTER_NAME + 16];

    snprintf(name, sizeof name, "gpu-%d", limit->index);
    for (int n = 2; limits_taken(limits, name); n++)
        snprintf(name, sizeof name, "gpu-%d#%d", limit->index, n);
    snprintf(limit->name, sizeof limit->name, "%.31s", name);
}

void limits_place_gpus(struct limits *limits, enum limit_kind kind)
{
    int32_t order[LIMIT_MAX];

    for (int i = 0; i < limits->count; i++)
        order[i] = limits->item[i].index;
    for (int i = 0; i < limits->count; i++) {
        struct limit *limit = &limits->item[i];

        if (limit->kind != kind)
            continue;
        limit->index = 0;
        for (int o = 0; o < limits->count; o++)
            if (limits->item[o].kind == kind &&
                (order[o] < order[i] || (order[o] == order[i] && o < i)))
                limit->index += limits->item[o].slices;
        name_gpu(limits, limit);
    }
}

/* Whatever is set must be possible to put back as it was found. */
static void check_return(const struct limit *limit, int64_t now_mw, char why[LIMIT_WHY])
{
    if (now_mw <= 0)
        snprintf(why, LIMIT_WHY,
                 "its limit is switched off, and could not be put back so: set it to "
                 "%" PRId64 " W first",
                 limit->max_mw / 1000);
    else if (now_mw < limit->min_mw || now_mw > limit->max_mw)
        snprintf(why, LIMIT_WHY,
                 "its limit stands at %" PRId64 " W, outside the %" PRId64
                 " to %" PRId64 " W that it takes: it could not be put back",
                 now_mw / 1000, limit->min_mw / 1000, limit->max_mw / 1000);
}

/* What cannot be read now may be later: that is no reason to leave it alone for good.
 */
static void check_now(struct limits *limits, int index)
{
    struct limit *limit = &limits->item[index];
    char why[LIMIT_WHY];
    int64_t mw;

    if (!limit->why[0] && limit_read(limits, index, &mw, why) == LIMIT_OK)
        check_return(limit, mw, limit->why);
}

void limits_open(struct limits *limits, const struct sources *sources)
{
    memset(limits, 0, sizeof *limits);
    limits->sources = sources;
    for (int k = 0; k < LIMIT_KINDS; k++)
        limits->absent[k] = sources->use[kinds[k]->source]
                                ? kinds[k]->find(limits)
                                : "not used: the list of sources says so";
    for (int i = 0; i < limits->count; i++)
        check_now(limits, i);
}

void limits_close(struct limits *limits)
{
    for (int k = 0; k < LIMIT_KINDS; k++) {
        if (kinds[k]->close && !limits->absent[k])
            kinds[k]->close();
        limits->absent[k] = "the limits are closed";
    }
    limits->count = 0;
}

enum limit_error limit_read(struct limits *limits, int index, int64_t *mw,
                            char why[LIMIT_WHY])
{
    const struct limit *limit = &limits->item[index];

    why[0] = '\0';
    return kinds[limit->kind]->read(limits, limit, mw, why);
}

/* What has a `why` cannot be set; whether because it is gone, it says when read. */
static enum limit_error refuse(struct limits *limits, int index, char why[LIMIT_WHY])
{
    int64_t mw;
    enum limit_error rc = limit_read(limits, index, &mw, why);

    if (rc != LIMIT_OK)
        return rc;
    memcpy(why, limits->item[index].why, LIMIT_WHY);
    return LIMIT_PERMISSION;
}

/* What the device made of it. `before_mw`: its limit until now. */
static enum limit_error compare(struct limits *limits, int index, int64_t mw,
                                int64_t before_mw, char why[LIMIT_WHY])
{
    const struct limit *limit = &limits->item[index];
    int64_t now_mw;
    enum limit_error rc = limit_read(limits, index, &now_mw, why);

    if (rc != LIMIT_OK || now_mw == mw)
        return rc;
    snprintf(why, LIMIT_WHY,
             "it was set to %" PRId64 " mW, and its limit reads %" PRId64 " mW", mw,
             now_mw);
    return now_mw == before_mw && llabs(now_mw - mw) >= limit->step_mw ? LIMIT_FAILED
                                                                       : LIMIT_OK;
}

enum limit_error limit_set(struct limits *limits, int index, int64_t mw,
                           char why[LIMIT_WHY])
{
    const struct limit *limit = &limits->item[index];
    int64_t before_mw;
    enum limit_error rc;

    if (limit->why[0])
        return refuse(limits, index, why);
    if (mw < limit->min_mw || mw > limit->max_mw) {
        snprintf(why, LIMIT_WHY,
                 "%" PRId64 " mW is outside the %" PRId64 " to %" PRId64
                 " mW that it takes",
                 mw, limit->min_mw, limit->max_mw);
        return LIMIT_RANGE;
    }
    rc = limit_read(limits, index, &before_mw, why);
    if (rc != LIMIT_OK)
        return rc;
    check_return(limit, before_mw, why);
    if (why[0])
        return LIMIT_PERMISSION;
    rc = kinds[limit->kind]->set(limits, limit, mw, why);
    return rc == LIMIT_OK ? compare(limits, index, mw, before_mw, why) : rc;
}

int64_t limit_fitting(const struct limit *limit, int64_t mw)
{
    if (mw >= limit->max_mw)
        return limit->max_mw;
    mw -= mw % limit->step_mw;
    return mw < limit->min_mw ? limit->min_mw : mw;
}
