/* caps.c - what runs of this node are held to, and what was before: the life of a cap
 */
#include "plugin/meter/caps.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "plugin/meter/allowance.h"
#include "plugin/meter/caps_inside.h"
#include "plugin/meter/meter.h"

/* While something is under way, the thread looks again after this. */
#define AGAIN_MS 1000

/* The end of the meter waits no longer for the thread. */
#define CLOSE_S 2

/* Where nothing is held, devices are looked at for reports this often. */
#define LOOK_NS (60 * NS_PER_S)

/* Something is under way that no tick may wait for: new processes of a throttled job,
 * a device that failed, a scancel. */
static bool is_under_way(const struct caps *caps)
{
    for (int i = 0; caps->open && i < caps->limits.count; i++)
        if (caps->seen[i].wanted_mw > 0 && caps->seen[i].retry_ns > 0 &&
            caps->seen[i].retry_ns < INT64_MAX)
            return true;
    for (int i = 0; i < caps->book.run_count; i++) {
        const struct caps_run *run = &caps->book.run[i];
        const struct caps_live *live = caps_live_of(caps, run->token);

        if (run->end_pid || run->quota.dir[0] ||
            (live && !live->final && caps_cpu_percent(run, live) > 0))
            return true;
    }
    return false;
}

static void wait_for_work(struct caps *caps)
{
    struct timespec until;

    if (!is_under_way(caps)) {
        pthread_cond_wait(&caps->wake, &caps->lock);
        return;
    }
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += AGAIN_MS / 1000;
    if (pthread_cond_timedwait(&caps->wake, &caps->lock, &until) == ETIMEDOUT &&
        caps->asked == caps->done)
        caps->asked++;
}

static void *caps_thread(void *arg)
{
    struct caps *caps = arg;

    pthread_mutex_lock(&caps->lock);
    while (!caps->stop) {
        int64_t asked = caps->asked;

        if (caps->done < asked) {
            caps_pass(caps);
            caps->done = asked;
        } else {
            wait_for_work(caps);
        }
    }
    pthread_mutex_unlock(&caps->lock);
    return NULL;
}

/* With the lock held. */
static void ask(struct caps *caps)
{
    caps->asked++;
    if (!caps->started && pthread_create(&caps->thread, NULL, caps_thread, caps) == 0) {
        caps->started = true;
        pthread_setname_np(caps->thread, "caps");
    }
    pthread_cond_signal(&caps->wake);
}

void caps_open(struct caps *caps, const struct sources *sources, const char *node,
               const char *dir, const char *boot)
{
    pthread_condattr_t attr;
    char why[LIMIT_WHY];

    caps->sources = sources;
    snprintf(caps->dir, sizeof caps->dir, "%s", dir);
    snprintf(caps->boot, sizeof caps->boot, "%s", boot);
    throttle_open(&caps->throttle, node);
    pthread_mutex_init(&caps->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&caps->wake, &attr);
    caps->heard_ns = meter_now_ns();
    caps_book_read(&caps->book, dir, why);
    if (why[0])
        meter_log("the book of caps in %s cannot be read (%s): limits that were set "
                  "are not set back",
                  dir, why);
}

void caps_close(struct caps *caps)
{
    struct timespec until;

    pthread_mutex_lock(&caps->lock);
    caps->stop = true;
    pthread_cond_signal(&caps->wake);
    pthread_mutex_unlock(&caps->lock);
    if (!caps->started)
        return;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += CLOSE_S;
    /* A thread that hangs in a library ends with the process. */
    if (pthread_timedjoin_np(caps->thread, NULL, &until) != 0)
        return;
    caps->started = false;
    if (caps->open)
        limits_close(&caps->limits);
}

void caps_heard(struct caps *caps, bool capping)
{
    pthread_mutex_lock(&caps->lock);
    caps->heard_ns = meter_now_ns();
    caps->capping = capping;
    for (int i = 0; i < caps->book.run_count; i++) {
        struct caps_run *run = &caps->book.run[i];

        if (!run->floored)
            continue;
        meter_log("job %u: kwotad is back: it is held to what kwotad says", run->job);
        run->floored = run->end = false;
        caps->dirty = true;
        ask(caps);
    }
    pthread_mutex_unlock(&caps->lock);
}

static void copy_live(struct caps_live *live, const struct books_run *run)
{
    live->job = run->job;
    live->uid = run->uid;
    live->cpus = run->reasons & 1U << BOOKS_NO_CPUS ? 0 : run->cpus;
    live->gpus = run->gpus;
    live->start_ns = run->start_ns;
    live->end_ms = run->end_ms;
    live->final = run->final;
    memcpy(live->sluid, run->sluid, sizeof live->sluid);
}

/* What the books have, with what is known of it here. */
static void copy_runs(struct caps *caps, const struct books *books)
{
    for (int i = 0; i < books->run_count; i++) {
        struct caps_live *live = &caps->live[i];
        const char *token = books->runs[i].token;

        if (strcmp(live->token, token) != 0) {
            const struct caps_live *old = caps_live_of(caps, token);
            struct caps_live moved = old ? *old : (struct caps_live){.begun = false};

            *live = moved;
            memcpy(live->token, token, sizeof live->token);
        }
        copy_live(live, &books->runs[i]);
    }
    caps->live_count = books->run_count;
}

static bool is_idle(const struct caps *caps)
{
    return caps->book.run_count == 0 && caps->book.device_count == 0;
}

static int64_t used_mj(const struct books *books, const char *token)
{
    int64_t uj = 0;

    for (int i = 0; i < books->run_count; i++)
        for (int d = 0;
             strcmp(books->runs[i].token, token) == 0 && d < books->domain_count; d++)
            if (books->runs[i].uj[d] != BOOKS_UNKNOWN)
                uj += books->runs[i].uj[d];
    return uj / 1000;
}

static void act_on_allowances(struct caps *caps, const struct books *books)
{
    int64_t silent_ms = (meter_now_ns() - caps->heard_ns) / 1000000;

    if (silent_ms < 2 * books->report_ms)
        return;
    for (int i = 0; i < caps->book.run_count; i++) {
        struct caps_run *run = &caps->book.run[i];
        enum allowance_act act =
            allowance_act(run->then, run->allowance_mj, used_mj(books, run->token),
                          silent_ms, books->report_ms);

        if (act == ALLOWANCE_NOTHING)
            continue;
        if (!run->floored)
            meter_log("job %u: kwotad is silent and the job has used what it may: it "
                      "is held to the least",
                      run->job);
        run->floored = true;
        run->end = act == ALLOWANCE_END;
    }
}

void caps_look(struct caps *caps, const struct books *books)
{
    pthread_mutex_lock(&caps->lock);
    if (!is_idle(caps) || (caps->capping && !caps->open)) {
        copy_runs(caps, books);
        act_on_allowances(caps, books);
        ask(caps);
    } else if (caps->capping) {
        /* Nothing is held: for what the next order will need. */
        copy_runs(caps, books);
        if (meter_now_ns() - caps->looked_ns > LOOK_NS) {
            caps->looked_ns = meter_now_ns();
            ask(caps);
        }
    }
    pthread_mutex_unlock(&caps->lock);
}

static bool is_empty(const struct cap *cap)
{
    return cap->gpu_mw <= 0 && cap->package_mw <= 0 && cap->cpu_percent <= 0;
}

static bool is_other(const struct cap *a, const struct cap *b)
{
    return a->gpu_mw != b->gpu_mw || a->package_mw != b->package_mw ||
           a->cpu_percent != b->cpu_percent || strcmp(a->why, b->why) != 0;
}

static void tell(struct caps *caps, struct caps_run *run,
                 const struct caps_order *order)
{
    if (order->allowance_told &&
        (run->allowance_mj != order->allowance_mj || run->then != order->then)) {
        run->allowance_mj = order->allowance_mj;
        run->then = order->then;
        caps->dirty = true;
    }
    if (order->cap_told && is_other(&run->cap, &order->cap)) {
        run->cap = order->cap;
        run->asked = caps->asked + 1;
        run->asked_ns = meter_now_ns();
        caps->dirty = true;
        ask(caps);
    }
}

void caps_tell(struct caps *caps, const struct books *books, const char *token,
               const struct caps_order *order)
{
    const struct caps_live *live;
    struct caps_run *run;
    bool news = (order->cap_told && !is_empty(&order->cap)) ||
                (order->allowance_told && order->allowance_mj >= 0);

    pthread_mutex_lock(&caps->lock);
    run = caps_book_run(&caps->book, token);
    if (run || news) {
        copy_runs(caps, books);
        live = caps_live_of(caps, token);
        if (live && live->final)
            live = NULL;
        if (live && !run)
            run = caps_book_add_run(&caps->book, token, live->job);
        if (live && run)
            tell(caps, run, order);
    }
    pthread_mutex_unlock(&caps->lock);
}

bool caps_ready(struct caps *caps, const char *token)
{
    bool ready;
    int64_t now_ns = meter_now_ns();
    const struct caps_run *run;

    pthread_mutex_lock(&caps->lock);
    run = caps_book_run(&caps->book, token);
    ready = !run || caps->done >= run->asked ||
            now_ns - run->asked_ns > CAPS_PATIENCE_NS ||
            (caps->calling_ns && now_ns - caps->calling_ns > CAPS_PATIENCE_NS);
    for (int i = 0; ready && i < caps->live_count; i++)
        if (strcmp(caps->live[i].token, token) == 0 && !caps->live[i].begun) {
            caps->live[i].begun = true;
            if (!is_idle(caps))
                ask(caps);
        }
    pthread_mutex_unlock(&caps->lock);
    return ready;
}
