/* driver.c - a library or tool that may hang, read by a thread of its own */
#include "plugin/meter/driver.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NS_PER_MS INT64_C(1000000)

/* open() that failed is tried again this often: a kernel driver may be loaded late. */
#define OPEN_AGAIN_MS 60000

/* Two readings of a power further apart than this many periods say nothing of the time
 * between. */
#define PERIODS_MISSED 5

/* What is known of one device. */
struct published {
    bool known;
    int64_t uj, lost_ms;
    int64_t session;            /* integration: when it began */
    int64_t power_uw, power_ns; /* integration: the last reading and when; 0: none */
    int64_t remainder_pj;
    char reason[COUNTER_REASON];
    struct driver_user users[DRIVER_USERS];
    int user_count;
};

struct driver {
    const struct driver_ops *ops;
    const struct sources *sources;
    pthread_t thread;
    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t asked, answered;
    bool stop, ask;
    bool opened;
    uint32_t want_users;
    int64_t ask_ns;    /* when the last reading was asked for */
    int64_t answer_ns; /* when the last reading began that has been published */
    int64_t begun_ns;  /* when the reading under way began; 0: none is */
    int device_count;
    struct driver_device devices[DRIVER_DEVICES];
    char why[COUNTER_REASON];
    struct published published[DRIVER_DEVICES];
    /* of the thread alone: */
    struct published own[DRIVER_DEVICES];
    /* of the driver's owner alone: */
    char told[COUNTER_REASON]; /* `why`, as it was last asked for */
};

static int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_BOOTTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static struct timespec after_ms(int64_t ms)
{
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += ms / 1000;
    at.tv_nsec += ms % 1000 * NS_PER_MS;
    if (at.tv_nsec >= 1000000000) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000;
    }
    return at;
}

/* µW × ns / 1000 = pJ. The mean of two readings for the time between them. */
static void integrate(struct published *p, int64_t power_uw, int64_t at_ns,
                      int64_t longest_ms)
{
    int64_t elapsed_ns = at_ns - p->power_ns;

    if (p->power_ns == 0) {
        p->session = at_ns;
    } else if (elapsed_ns > longest_ms * NS_PER_MS) {
        p->lost_ms += elapsed_ns / NS_PER_MS;
    } else {
        __int128 pj = ((__int128)p->power_uw + power_uw) / 2 * elapsed_ns / 1000 +
                      p->remainder_pj;

        if (pj < 0)
            pj = 0;
        p->uj += (int64_t)(pj / 1000000);
        p->remainder_pj = (int64_t)(pj % 1000000);
    }
    p->power_uw = power_uw;
    p->power_ns = at_ns;
}

static int64_t period_of(const struct driver *d)
{
    return d->ops->source == SOURCE_DCMI ? d->sources->dcmi_ms : d->sources->sample_ms;
}

static void read_device(struct driver *d, int device, bool users)
{
    struct driver_sample sample = {.user_count = 0};
    struct published *p = &d->own[device];

    p->user_count = 0;
    p->known = d->ops->read(device, users, &sample, p->reason) == 0;
    if (!p->known)
        return;
    p->reason[0] = '\0';
    memcpy(p->users, sample.users, (size_t)sample.user_count * sizeof *p->users);
    p->user_count = sample.user_count;
    if (sample.power)
        integrate(p, sample.value, now_ns(), period_of(d) * PERIODS_MISSED);
    else
        p->uj = sample.value;
}

/* Without the lock: open() and read() may hang. */
static void read_all(struct driver *d, int count, uint32_t users)
{
    for (int i = 0; i < count; i++)
        read_device(d, i, users & (1U << i));
}

static bool try_open(struct driver *d)
{
    static const char nothing[] = "it finds no device";
    struct driver_device *found = calloc(DRIVER_DEVICES, sizeof *found);
    char why[COUNTER_REASON] = "there is no memory";
    int count = found ? d->ops->open(d->sources, found, DRIVER_DEVICES, why) : -1;

    pthread_mutex_lock(&d->lock);
    if (count > 0) {
        memcpy(d->devices, found, (size_t)count * sizeof *found);
        d->device_count = count;
        d->opened = true;
    } else {
        snprintf(d->why, sizeof d->why, "%s", count == 0 ? nothing : why);
    }
    d->begun_ns = 0;
    pthread_cond_broadcast(&d->answered);
    pthread_mutex_unlock(&d->lock);
    free(found);
    return count > 0;
}

/* With the lock held: until asked, stopped, or the time has come. */
static void wait_for_work(struct driver *d, int64_t ms)
{
    struct timespec until = after_ms(ms > 0 ? ms : 0);

    while (!d->stop && !d->ask)
        if (ms <= 0)
            pthread_cond_wait(&d->asked, &d->lock);
        else if (pthread_cond_timedwait(&d->asked, &d->lock, &until) != 0)
            return;
}

static bool samples_by_itself(const struct driver *d)
{
    for (int i = 0; i < d->device_count; i++)
        if (d->devices[i].power)
            return true;
    return d->ops->period_ms > 0;
}

static void *drive(void *arg)
{
    struct driver *d = arg;

    pthread_mutex_lock(&d->lock);
    while (!d->stop) {
        int count;
        uint32_t users;

        d->ask = false;
        d->begun_ns = now_ns();
        if (!d->opened) {
            bool opened;

            pthread_mutex_unlock(&d->lock);
            opened = try_open(d);
            pthread_mutex_lock(&d->lock);
            if (!opened) {
                wait_for_work(d, OPEN_AGAIN_MS);
                continue;
            }
            d->begun_ns = now_ns();
        }
        count = d->device_count;
        users = d->want_users;
        pthread_mutex_unlock(&d->lock);
        read_all(d, count, users);
        pthread_mutex_lock(&d->lock);
        memcpy(d->published, d->own, (size_t)count * sizeof d->own[0]);
        d->answer_ns = d->begun_ns;
        d->begun_ns = 0;
        pthread_cond_broadcast(&d->answered);
        wait_for_work(d, samples_by_itself(d) ? period_of(d) : 0);
    }
    pthread_mutex_unlock(&d->lock);
    if (d->opened)
        d->ops->close();
    return NULL;
}

static void wait_for_open(struct driver *d, int64_t ms)
{
    struct timespec until = after_ms(ms);

    pthread_mutex_lock(&d->lock);
    while (!d->opened && d->begun_ns != 0 &&
           pthread_cond_timedwait(&d->answered, &d->lock, &until) == 0)
        ;
    pthread_mutex_unlock(&d->lock);
}

struct driver *driver_start(const struct driver_ops *ops, const struct sources *sources,
                            int64_t wait_ms, const char **why)
{
    struct driver *d = calloc(1, sizeof *d);
    pthread_condattr_t attr;

    *why = "its thread cannot be started";
    if (!d)
        return NULL;
    d->ops = ops;
    d->sources = sources;
    d->begun_ns = now_ns();
    /* Before the thread runs, which may know better at once. */
    snprintf(d->why, sizeof d->why, "it has not answered yet");
    pthread_mutex_init(&d->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&d->asked, &attr);
    pthread_cond_init(&d->answered, &attr);
    pthread_condattr_destroy(&attr);
    if (pthread_create(&d->thread, NULL, drive, d) != 0) {
        free(d);
        return NULL;
    }
    pthread_setname_np(d->thread, counter_source_name(ops->source));
    wait_for_open(d, wait_ms);
    return d;
}

int driver_devices(struct driver *d, const struct driver_device **devices)
{
    int count;

    pthread_mutex_lock(&d->lock);
    count = d->opened ? d->device_count : 0;
    *devices = d->devices; /* never changes once it is opened */
    pthread_mutex_unlock(&d->lock);
    return count;
}

const char *driver_why(struct driver *d)
{
    pthread_mutex_lock(&d->lock);
    memcpy(d->told, d->why, sizeof d->told);
    pthread_mutex_unlock(&d->lock);
    return d->told;
}

void driver_want_users(struct driver *d, uint32_t devices)
{
    pthread_mutex_lock(&d->lock);
    d->want_users = devices;
    pthread_mutex_unlock(&d->lock);
}

void driver_ask(struct driver *d, int64_t at_ns)
{
    bool ask;

    pthread_mutex_lock(&d->lock);
    d->ask_ns = at_ns;
    /* A management controller is asked at its own pace only; so is what cannot be
     * opened yet. */
    ask = d->ops->patience_ms > 0 && d->opened;
    d->ask = d->ask || ask;
    pthread_mutex_unlock(&d->lock);
    /* Without the lock, or the thread would wake up only to wait for it. */
    if (ask)
        pthread_cond_signal(&d->asked);
}

/* With the lock held: until there is an answer to the last question. */
static void wait_for_answer(struct driver *d)
{
    int64_t left_ms = d->ops->patience_ms - (now_ns() - d->ask_ns) / NS_PER_MS;
    struct timespec until;

    if (!d->opened || d->answer_ns >= d->ask_ns || left_ms <= 0)
        return;
    until = after_ms(left_ms);
    while (d->answer_ns < d->ask_ns &&
           pthread_cond_timedwait(&d->answered, &d->lock, &until) == 0)
        ;
}

/* How old the published values may be. */
static bool is_fresh(const struct driver *d)
{
    if (d->answer_ns == 0)
        return false;
    if (d->ops->patience_ms > 0)
        return d->answer_ns >= d->ask_ns;
    return now_ns() - d->answer_ns <= period_of(d) * PERIODS_MISSED * NS_PER_MS;
}

int driver_take(struct driver *d, int device, struct counter_reading *reading,
                char reason[COUNTER_REASON])
{
    const struct published *p = &d->published[device];
    int rc = -1;

    pthread_mutex_lock(&d->lock);
    wait_for_answer(d);
    if (!is_fresh(d)) {
        snprintf(reason, COUNTER_REASON, "%s does not answer",
                 counter_source_name(d->ops->source));
    } else if (!p->known) {
        memcpy(reason, p->reason, COUNTER_REASON);
    } else {
        reading->uj = p->uj;
        reading->lost_ms = p->lost_ms;
        reading->session = p->session;
        rc = 0;
    }
    pthread_mutex_unlock(&d->lock);
    return rc;
}

int driver_users(struct driver *d, int device, struct driver_user users[DRIVER_USERS])
{
    int count;

    pthread_mutex_lock(&d->lock);
    count = d->published[device].user_count;
    memcpy(users, d->published[device].users, (size_t)count * sizeof *users);
    pthread_mutex_unlock(&d->lock);
    return count;
}

void driver_stop(struct driver *d)
{
    struct timespec until;

    pthread_mutex_lock(&d->lock);
    d->stop = true;
    pthread_cond_signal(&d->asked);
    pthread_mutex_unlock(&d->lock);
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec++;
    if (pthread_timedjoin_np(d->thread, NULL, &until) != 0)
        return;
    pthread_cond_destroy(&d->asked);
    pthread_cond_destroy(&d->answered);
    pthread_mutex_destroy(&d->lock);
    free(d);
}

/* How many of the devices come before this one: Slurm numbers them by their order. */
static int32_t place_of(const struct driver_device *devices, int count, int device)
{
    int32_t place = 0;

    for (int i = 0; i < count; i++)
        if (devices[i].order < devices[device].order ||
            (devices[i].order == devices[device].order && i < device))
            place += devices[i].slices;
    return place;
}

void driver_add_counters(struct counters *counters, struct driver *d)
{
    const struct driver_device *devices;
    int count = driver_devices(d, &devices);

    for (int i = 0; i < count; i++) {
        const struct driver_device *device = &devices[i];
        char name[COUNTER_NAME];
        struct counter *counter;
        int32_t place = place_of(devices, count, i);

        if (device->kind == COUNTER_GPU)
            snprintf(name, sizeof name, "gpu-%d", place);
        else
            snprintf(name, sizeof name, "%s", device->name);
        counter = counters_add(counters, d->ops->source, device->kind, name);
        if (!counter)
            return;
        counter->driver = d;
        counter->device = i;
        counter->integrated = device->power;
        counter->max_power_mw = device->max_power_mw;
        counter->covers_kinds = device->covers_kinds;
        memcpy(counter->uuid, device->uuid, sizeof counter->uuid);
        if (device->kind == COUNTER_GPU) {
            counter->index = place;
            counter->slices = device->slices;
            memcpy(counter->slice_weight, device->slice_weight, COUNTER_SLICES);
            counter->slices_whole = device->slices_whole;
        }
    }
}
