/* fake_limits.h - devices for one test: they take limits, refuse, change, and end the
 * process
 */
#ifndef KWOTA_FAKE_LIMITS_H
#define KWOTA_FAKE_LIMITS_H

#include <inttypes.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include "plugin/meter/limit.h"

#define FAKE_DEVICES 6

struct fake_device {
    char id[LIMIT_ID];
    int64_t mw;
    enum limit_error read_error, set_error;
    int reads, sets;
    int64_t lowest_mw, highest_mw; /* ever set */
};

static struct fake_device fake[FAKE_DEVICES + 1]; /* the last is a package */
static int fake_gpus;
static int fake_calls;   /* reads and sets so far */
static int fake_die_at;  /* at this call; 0: never */
static bool fake_effect; /* … after it has had its effect */
static bool fake_open_dies;
static int fake_opens;
static jmp_buf fake_death;

static inline void fake_reset(int gpus)
{
    memset(fake, 0, sizeof fake);
    fake_gpus = gpus;
    fake_calls = fake_die_at = fake_opens = 0;
    fake_open_dies = false;
    for (int i = 0; i < FAKE_DEVICES; i++) {
        snprintf(fake[i].id, sizeof fake[i].id, "nvml:GPU-%d", i);
        fake[i].mw = 400000;
    }
    snprintf(fake[FAKE_DEVICES].id, LIMIT_ID, "powercap:intel-rapl:0");
    fake[FAKE_DEVICES].mw = 120000;
}

static inline struct fake_device *fake_of(const struct limits *limits, int index)
{
    return &fake[limits->item[index].device];
}

/* kill -9 comes at some call, before or after it has had its effect. */
static inline void fake_call(bool effect)
{
    if (!effect)
        fake_calls++;
    if (fake_die_at == fake_calls && effect == fake_effect)
        longjmp(fake_death, 1);
}

const char *limit_kind_name(enum limit_kind kind)
{
    return kind == LIMIT_NVML ? "nvml" : "powercap";
}

void limits_open(struct limits *limits, const struct sources *from)
{
    fake_opens++;
    if (fake_open_dies)
        longjmp(fake_death, 1);
    memset(limits, 0, sizeof *limits);
    limits->sources = from;
    for (int i = 0; i <= fake_gpus; i++) {
        struct limit *limit = &limits->item[limits->count++];
        bool gpu = i < fake_gpus;

        limit->device = gpu ? i : FAKE_DEVICES;
        limit->kind = gpu ? LIMIT_NVML : LIMIT_POWERCAP;
        limit->of = gpu ? COUNTER_GPU : COUNTER_PACKAGE;
        limit->index = gpu ? i : -1;
        limit->slices = 1;
        limit->min_mw = gpu ? 100000 : 60000;
        limit->max_mw = gpu ? 500000 : 150000;
        limit->default_mw = limit->max_mw;
        limit->step_mw = 1000;
        snprintf(limit->name, sizeof limit->name, gpu ? "gpu-%d" : "package-0", i);
        snprintf(limit->id, sizeof limit->id, "%s", fake[limit->device].id);
    }
}

void limits_close(struct limits *limits)
{
    limits->count = 0;
}

int64_t limit_fitting(const struct limit *limit, int64_t mw)
{
    mw -= mw % limit->step_mw;
    return mw < limit->min_mw ? limit->min_mw : mw > limit->max_mw ? limit->max_mw : mw;
}

enum limit_error limit_read(struct limits *limits, int index, int64_t *mw,
                            char why[LIMIT_WHY])
{
    struct fake_device *device = fake_of(limits, index);

    fake_call(false);
    device->reads++;
    if (device->read_error)
        snprintf(why, LIMIT_WHY, "reading fails");
    *mw = device->mw;
    fake_call(true);
    return device->read_error;
}

enum limit_error limit_set(struct limits *limits, int index, int64_t mw,
                           char why[LIMIT_WHY])
{
    struct fake_device *device = fake_of(limits, index);

    fake_call(false);
    device->sets++;
    if (!device->lowest_mw || mw < device->lowest_mw)
        device->lowest_mw = mw;
    if (mw > device->highest_mw)
        device->highest_mw = mw;
    if (device->set_error) {
        snprintf(why, LIMIT_WHY, "setting fails");
        return device->set_error;
    }
    device->mw = mw;
    fake_call(true);
    return LIMIT_OK;
}

#endif
