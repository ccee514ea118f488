/* limit.h - a power limit that a device of this node has: its range, as it is now, set
 *
 * A limit is told in milliwatts, whatever the device counts in. A kind of limit is a
 * file of its own under limit/: it finds its limits below a root that stands in for
 * "/", reads and sets one at a time. Nothing here remembers what a limit was before:
 * that is caps.h's, which saves it before anything is set.
 *
 * Not thread-safe: one thread opens, reads, sets and closes limits, and a process has
 * them open once at a time. A library that hangs holds up that thread, which is never
 * the meter's main one. The energy counters' threads may use the same libraries at the
 * same time: each has handles of its own, and both vendors count initialisations.
 */
#ifndef METER_LIMIT_H
#define METER_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "plugin/meter/counter.h"

#define LIMIT_MAX 64       /* on a node */
#define LIMIT_ID 80        /* a name that stays the same over reboots */
#define LIMIT_WHY 160      /* a sentence */
#define LIMIT_UNKNOWN (-1) /* a power that the device does not tell */

enum limit_kind {
    LIMIT_NVML,     /* NVIDIA: nvmlDeviceSetPowerManagementLimit */
    LIMIT_RSMI,     /* AMD: rsmi_dev_power_cap_set */
    LIMIT_HWMON,    /* amdgpu power1_cap; Intel (xe, i915) power1_max */
    LIMIT_POWERCAP, /* RAPL: a package's long-term constraint */
    LIMIT_KINDS
};

struct limit {
    enum limit_kind kind;
    enum counter_kind of;    /* COUNTER_GPU or COUNTER_PACKAGE */
    char name[COUNTER_NAME]; /* as the energy counter of the same device: gpu-0,
                                package-0 */
    char id[LIMIT_ID];      /* "nvml:GPU-6f0c…" (the UUID), "powercap:intel-rapl:0" */
    int32_t index;          /* GPU: its first place in Slurm's order; -1 unknown */
    int32_t slices;         /* … and how many places it has */
    int64_t min_mw, max_mw; /* what may be set; equal: it is fixed */
    int64_t default_mw;     /* LIMIT_UNKNOWN: the device does not say */
    int64_t step_mw;        /* it takes multiples of this; at least 1 */
    char why[LIMIT_WHY];    /* why it cannot be set; "": it can as far as is known */
    int device;             /* the kind's own number of it */
};

enum limit_error {
    LIMIT_OK = 0,
    LIMIT_RANGE = -1,      /* the value is none that the device takes */
    LIMIT_PERMISSION = -2, /* not allowed: trying again is of no use */
    LIMIT_LOST = -3,       /* the device is gone */
    LIMIT_FAILED = -4,     /* for another reason; may work later */
};

struct limits {
    const struct sources *sources; /* root and libraries, as for counters */
    int count;
    struct limit item[LIMIT_MAX];
    const char *absent[LIMIT_KINDS]; /* why a kind has none; NULL: it has */
};

/* "nvml", "rsmi", "hwmon", "powercap" */
const char *limit_kind_name(enum limit_kind kind);

/* Finds all limits; a source that the list of sources leaves out is left out here too.
 * A GPU that two kinds offer is in it once. What comes later (a driver loaded late) is
 * found by closing and opening again. The sources must outlive the limits. */
void limits_open(struct limits *limits, const struct sources *sources);
void limits_close(struct limits *limits);

/* The limit as it is now, in `mw`. On failure a sentence in `why`. */
enum limit_error limit_read(struct limits *limits, int index, int64_t *mw,
                            char why[LIMIT_WHY]);

/* Sets it, and reads it back. Never calls the device with what is outside its range:
 * that is LIMIT_RANGE already here; a value between two steps is passed on, so that
 * whatever was read can be put back. A limit that cannot be read, or that stands where
 * it could not be put back to (switched off, outside its range), is not touched.
 * LIMIT_OK with a sentence in `why`: the device took something else than `mw`, and
 * limit_read() says what. What it did not take at all is LIMIT_FAILED; what has a `why`
 * of its own is LIMIT_PERMISSION, or LIMIT_LOST. */
enum limit_error limit_set(struct limits *limits, int index, int64_t mw,
                           char why[LIMIT_WHY]);

/* The nearest value that the device takes and that is not above `mw`, or its minimum.
 * Pure. */
int64_t limit_fitting(const struct limit *limit, int64_t mw);

#endif
