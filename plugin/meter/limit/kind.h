/* kind.h - what a kind of power limit offers limit.c
 *
 * A kind finds its limits and adds them; limit.c checks values and reads back. State of
 * a kind is static: limits are open once at a time.
 */
#ifndef METER_LIMIT_KIND_H
#define METER_LIMIT_KIND_H

#include "plugin/meter/limit.h"

struct limit_ops {
    enum counter_source source; /* where the list of sources leaves it out, so are its
                                   limits */
    /* NULL, or why there is none. */
    const char *(*find)(struct limits *limits);
    enum limit_error (*read)(const struct limits *limits, const struct limit *limit,
                             int64_t *mw, char why[LIMIT_WHY]);
    /* `mw` is inside the range. */
    enum limit_error (*set)(const struct limits *limits, const struct limit *limit,
                            int64_t mw, char why[LIMIT_WHY]);
    void (*close)(void); /* NULL: nothing is open */
};

extern const struct limit_ops limit_nvml, limit_rsmi, limit_hwmon, limit_powercap;

/* A new limit with defaults, or NULL when there is no more room. */
struct limit *limits_add(struct limits *limits, enum limit_kind kind,
                         enum counter_kind of);

/* What the device tells of its range, in mW; 0: nothing. Where it tells no minimum, a
 * quarter of `nominal_mw` is the least: below that a device no longer slows down but
 * stands still, and none draws so little while it works. */
void limit_range(struct limit *limit, int64_t min_mw, int64_t max_mw,
                 int64_t nominal_mw);

/* Turns the `index` of this kind's GPUs, their order so far (minor numbers, render
 * nodes), into Slurm's places, and names them as their energy counters are. */
void limits_place_gpus(struct limits *limits, enum limit_kind kind);

/* Whether some limit has the name. */
bool limits_taken(const struct limits *limits, const char *name);

/* Whether ROCm SMI has the limit of the GPU with this render node (-1: unknown, and any
 * GPU of AMD's counts). */
bool limit_rsmi_holds(const struct limits *limits, int render_node);

#endif
