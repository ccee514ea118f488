/* counter.h - what a source of energy counters offers the meter
 *
 * A counter is a cumulative number of microjoules that starts again from 0 at its
 * range. Sources are files of their own under source/; each finds its counters below a
 * root that stands in for "/", and reads one at a time. Not thread-safe: one thread
 * reads counters.
 */
#ifndef METER_COUNTER_H
#define METER_COUNTER_H

#include <stdbool.h>
#include <stdint.h>

#define COUNTER_MAX 32
#define COUNTER_NAME 32
#define COUNTER_REASON 128

enum counter_kind {
    COUNTER_PACKAGE,
    COUNTER_DRAM,
    COUNTER_GPU,
    COUNTER_PLATFORM,
    COUNTER_CORE, /* inside a package: shown, never charged */
    COUNTER_KINDS
};

struct counter {
    char name[COUNTER_NAME]; /* unique on the node: package-0, dram-0 */
    enum counter_kind kind;
    const char *source; /* "powercap" */
    int64_t range_uj;   /* the counter is always below it; 0 if unknown */
    int64_t
        max_power_mw; /* more than this it never draws: for telling wraps from resets */
    bool charged;     /* false: another counter covers it; `reason` says which */
    char reason[COUNTER_REASON]; /* why it is not charged, or could not be read last
                                    time */
    int fd;                      /* open for reading, or -1 */
};

/* "package", "dram", "gpu", "platform", "core" */
const char *counter_kind_name(enum counter_kind kind);

/* Reads the counter. -1 when there is no value to be had: the reason is in `reason`. */
int counter_read(struct counter *counter, int64_t *uj);

void counter_close(struct counter *counter);

/* Finds all counters of all sources below `root`, opened, in a fixed order; returns how
 * many (at most COUNTER_MAX). */
int counter_find(const char *root, struct counter counters[COUNTER_MAX]);

#endif
