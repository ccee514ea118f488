/* caps_device.c - one device's limit: found, saved, set, and set back
 *
 * Every change is written into the book before it is made: what was, and what will be.
 * A meter that is killed in between leaves a device that shows the one or the other,
 * and the next meter goes on from there. Whatever else it shows, someone else has set.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "plugin/meter/caps_inside.h"
#include "plugin/meter/meter.h"

/* A device that is not held is looked at for reports this often. */
#define REFRESH_NS (60 * NS_PER_S)

/* A try that failed is repeated after a second, doubling up to this. */
#define BACKOFF_NS (60 * NS_PER_S)

/* A library that ends the process is called no more for this device. */
#define TRIES 3

/* Devices round what they are told. Nobody means less than this. */
#define SAME_MW 500

static bool same(const struct limit *limit, int64_t a_mw, int64_t b_mw)
{
    int64_t apart = a_mw > b_mw ? a_mw - b_mw : b_mw - a_mw;

    return apart <= (limit->step_mw > SAME_MW ? limit->step_mw - 1 : SAME_MW);
}

bool caps_in_force(const struct caps_device *device)
{
    return device->set && !device->foreign && device->set_mw < device->found_mw;
}

static void note_failure(struct caps *caps, int i, enum limit_error error,
                         const char *why)
{
    struct caps_seen *seen = &caps->seen[i];

    if (strcmp(seen->failed, why) != 0)
        meter_log("the power limit of %s: %s", caps->limits.item[i].name, why);
    snprintf(seen->failed, sizeof seen->failed, "%s", why);
    if (error == LIMIT_RANGE || error == LIMIT_PERMISSION) {
        seen->retry_ns = INT64_MAX;
        return;
    }
    seen->backoff_ns = seen->backoff_ns ? seen->backoff_ns * 2 : NS_PER_S;
    if (seen->backoff_ns > BACKOFF_NS || error == LIMIT_LOST)
        seen->backoff_ns = BACKOFF_NS;
    seen->retry_ns = meter_now_ns() + seen->backoff_ns;
}

static enum limit_error read_limit(struct caps *caps, int i, int64_t *mw)
{
    char why[LIMIT_WHY] = "";
    enum limit_error error;

    caps_call(caps, caps->limits.item[i].name);
    error = limit_read(&caps->limits, i, mw, why);
    caps_called(caps);
    caps->seen[i].read_ns = meter_now_ns();
    caps->seen[i].now_mw = error == LIMIT_OK ? *mw : LIMIT_UNKNOWN;
    if (error != LIMIT_OK)
        note_failure(caps, i, error, why[0] ? why : "it cannot be read");
    return error;
}

static enum limit_error set_limit(struct caps *caps, int i, int64_t mw,
                                  char why[LIMIT_WHY])
{
    enum limit_error error;

    why[0] = '\0';
    caps_call(caps, caps->limits.item[i].name);
    error = limit_set(&caps->limits, i, mw, why);
    caps_called(caps);
    if (error != LIMIT_OK && !why[0])
        snprintf(why, LIMIT_WHY, "it cannot be set");
    return error;
}

/* kwota has no part in what the device shows. */
static void forget(struct caps *caps, struct caps_device *d)
{
    caps_book_drop_device(&caps->book, d);
    caps_save(caps);
}

/* After the device took a value: what it made of it is what it has. */
static void acknowledge(struct caps *caps, int i, struct caps_device *d)
{
    int64_t now_mw;

    d->tries = 0;
    if (read_limit(caps, i, &now_mw) != LIMIT_OK)
        return;
    d->set = true;
    d->set_mw = now_mw;
    d->was_mw = now_mw;
    caps_save(caps);
}

/* From what the device shows now to another value. */
static void change(struct caps *caps, int i, struct caps_device *d, int64_t now_mw,
                   int64_t mw)
{
    const struct limit *limit = &caps->limits.item[i];
    char why[LIMIT_WHY];
    enum limit_error error;

    if (d->tries >= TRIES) {
        note_failure(caps, i, LIMIT_PERMISSION,
                     "the meter ended every time it was being set: see dmesg and the "
                     "driver's version");
        return;
    }
    d->was_mw = now_mw;
    d->set_mw = mw;
    d->set = false;
    d->tries++;
    snprintf(d->boot, sizeof d->boot, "%s", caps->boot);
    if (caps_save(caps) < 0) {
        d->set_mw = now_mw;
        d->tries--;
        note_failure(caps, i, LIMIT_FAILED, "what it was cannot be saved");
        return;
    }
    error = set_limit(caps, i, mw, why);
    if (error == LIMIT_OK) {
        meter_log("%s: power limit %" PRId64 " mW, before %" PRId64 " mW%s%s",
                  limit->name, mw, now_mw, why[0] ? ": " : "", why);
        acknowledge(caps, i, d);
        return;
    }
    d->tries = 0;
    caps->dirty = true;
    note_failure(caps, i, error, why);
}

/* To the value found, or, where the range is another now, the nearest to it. */
static void restore(struct caps *caps, int i, struct caps_device *d, int64_t now_mw)
{
    const struct limit *limit = &caps->limits.item[i];
    int64_t mw = d->found_mw;

    if (mw < limit->min_mw)
        mw = limit->min_mw;
    if (mw > limit->max_mw)
        mw = limit->max_mw;
    if (now_mw != mw)
        change(caps, i, d, now_mw, mw);
    if (now_mw == mw || d->set)
        forget(caps, d);
}

/* What the device shows against what the book says. False: it is not kwota's. */
static bool is_ours(const struct limit *limit, const struct caps_device *d,
                    int64_t now_mw)
{
    if (same(limit, now_mw, d->set_mw))
        return true;
    return !d->set && same(limit, now_mw, d->was_mw);
}

static bool has_capped_holder(struct caps *caps, const struct limit *limit)
{
    for (int i = 0; i < caps->live_count; i++) {
        const struct caps_run *run = caps_book_run(&caps->book, caps->live[i].token);

        if (!caps->live[i].final && run && caps_own_mw(run, limit) > 0 &&
            caps_holds(caps, &caps->live[i], limit))
            return true;
    }
    return false;
}

/* Someone else's value stands. It is forgotten with the last run that was to be held
 * there; after a reboot, at once: most limits do not survive it. */
static void leave(struct caps *caps, int i, struct caps_device *d, int64_t now_mw)
{
    const struct limit *limit = &caps->limits.item[i];

    if (strcmp(d->boot, caps->boot) != 0) {
        meter_log("%s: power limit %" PRId64 " mW since the node rebooted", limit->name,
                  now_mw);
        forget(caps, d);
        return;
    }
    if (!d->foreign) {
        meter_log("%s: someone else has set its power limit to %" PRId64
                  " mW: it is left alone",
                  limit->name, now_mw);
        d->foreign = true;
        caps->dirty = true;
    }
    if (!has_capped_holder(caps, limit))
        forget(caps, d);
}

/* What is to be done about a device that kwota has a hand in: it is held, or let go. */
static void keep(struct caps *caps, int i, struct caps_device *d, int64_t wanted_mw,
                 int64_t now_mw)
{
    const struct limit *limit = &caps->limits.item[i];
    int64_t mw;

    if (d->foreign || !is_ours(limit, d, now_mw)) {
        leave(caps, i, d, now_mw);
        return;
    }
    if (strcmp(d->boot, caps->boot) != 0) {
        snprintf(d->boot, sizeof d->boot, "%s", caps->boot);
        d->tries = 0;
        caps->dirty = true;
    }
    if (wanted_mw == 0) {
        restore(caps, i, d, now_mw);
        return;
    }
    mw = limit_fitting(limit, wanted_mw);
    if (mw > d->found_mw)
        mw = d->found_mw;
    if (!same(limit, now_mw, mw))
        change(caps, i, d, now_mw, mw);
    else if (!d->set)
        acknowledge(caps, i, d);
}

/* A device is held for the first time. */
static void take(struct caps *caps, int i, int64_t wanted_mw, int64_t now_mw)
{
    const struct limit *limit = &caps->limits.item[i];
    struct caps_device *d;
    int64_t mw = limit_fitting(limit, wanted_mw);

    if (now_mw <= mw || same(limit, now_mw, mw))
        return; /* it is held to less already */
    if (limit->why[0] || limit->min_mw >= limit->max_mw) {
        note_failure(caps, i, LIMIT_PERMISSION,
                     limit->why[0] ? limit->why : "it has no range");
        return;
    }
    d = caps_book_add_device(&caps->book, limit);
    if (!d) {
        note_failure(caps, i, LIMIT_FAILED, "the book of limits is full");
        return;
    }
    d->found_mw = d->was_mw = d->set_mw = now_mw;
    change(caps, i, d, now_mw, mw);
    /* Nothing was changed: nothing is held. */
    if (!d->set && read_limit(caps, i, &now_mw) == LIMIT_OK && now_mw == d->found_mw)
        forget(caps, d);
}

void caps_settle_device(struct caps *caps, int i)
{
    const struct limit *limit = &caps->limits.item[i];
    struct caps_seen *seen = &caps->seen[i];
    struct caps_device *d = caps_book_device(&caps->book, limit->id);
    int64_t wanted_mw = caps_wanted_mw(caps, limit), now_mw;

    if (wanted_mw != seen->wanted_mw) {
        seen->wanted_mw = wanted_mw;
        seen->retry_ns = seen->backoff_ns = 0;
        seen->failed[0] = '\0';
    }
    if (meter_now_ns() < seen->retry_ns ||
        (!d && !wanted_mw && seen->read_ns &&
         meter_now_ns() - seen->read_ns < REFRESH_NS))
        return;
    if (read_limit(caps, i, &now_mw) != LIMIT_OK)
        return;
    seen->retry_ns = 0;
    if (d)
        keep(caps, i, d, wanted_mw, now_mw);
    else if (wanted_mw)
        take(caps, i, wanted_mw, now_mw);
    if (seen->retry_ns == 0) {
        seen->failed[0] = '\0';
        seen->backoff_ns = 0;
    }
}
