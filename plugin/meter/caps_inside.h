/* caps_inside.h - what the files of caps.h share
 *
 * All with the lock held, which caps_call() gives up and caps_called() takes again:
 * between them stands what may hang. Only the thread drops devices and runs of the
 * book; others may add runs meanwhile.
 */
#ifndef METER_CAPS_INSIDE_H
#define METER_CAPS_INSIDE_H

#include "plugin/meter/caps.h"

#define NS_PER_S INT64_C(1000000000)

/* A job start waits no longer for a device. */
#define CAPS_PATIENCE_NS NS_PER_S

void caps_call(struct caps *caps, const char *what);
void caps_called(struct caps *caps);

/* The book, on disk. -1: it is not, and nothing may be set. */
int caps_save(struct caps *caps);

/* One pass of the thread over everything. */
void caps_pass(struct caps *caps);

const struct caps_live *caps_live_of(const struct caps *caps, const char *token);

/* Whether a run holds the device of a limit. */
bool caps_holds(const struct caps *caps, const struct caps_live *live,
                const struct limit *limit);

/* What a run is held to on that device; 0: nothing. */
int64_t caps_own_mw(const struct caps_run *run, const struct limit *limit);

/* The highest that the device's holders are held to; 0: one of them is to nothing. */
int64_t caps_wanted_mw(struct caps *caps, const struct limit *limit);

/* What of its CPU time a run is held to; 0: it is not. */
int32_t caps_cpu_percent(const struct caps_run *run, const struct caps_live *live);

/* Brings one device to what is wanted of it, or as near as it can be. */
void caps_settle_device(struct caps *caps, int index);

/* The CPU quota of a run, which is `live` or over (NULL, final). */
void caps_settle_quota(struct caps *caps, struct caps_run *run,
                       const struct caps_live *live);

/* Whether the device's limit is one that kwota has set below what it found. */
bool caps_in_force(const struct caps_device *device);

#endif
