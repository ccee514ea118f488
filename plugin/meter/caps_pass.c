/* caps_pass.c - one pass over all devices and runs: who is held to what, and until when
 */
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "plugin/meter/caps_inside.h"
#include "plugin/meter/meter.h"

/* So long a run whose prolog asks nothing counts as not decided yet. */
#define UNDECIDED_NS (15 * NS_PER_S)

/* Libraries that end the process so often are left alone for so long. */
#define OPENS 3
#define OPENS_MS INT64_C(600000)

/* Devices that were held and are missing are looked for again after this. */
#define MISSING_NS (300 * NS_PER_S)

/* scancel is tried again after this. */
#define END_NS (30 * NS_PER_S)

extern char **environ;

void caps_call(struct caps *caps, const char *what)
{
    snprintf(caps->calling, sizeof caps->calling, "%s", what);
    caps->calling_ns = meter_now_ns();
    pthread_mutex_unlock(&caps->lock);
}

void caps_called(struct caps *caps)
{
    pthread_mutex_lock(&caps->lock);
    caps->calling_ns = 0;
}

int caps_save(struct caps *caps)
{
    char *text = caps_book_text(&caps->book);
    int rc, kept;

    caps->dirty = false;
    caps_call(caps, "disk");
    rc = text ? caps_book_write(caps->dir, text) : -1;
    kept = errno;
    caps_called(caps);
    free(text);
    if (rc < 0) {
        caps->dirty = true;
        meter_log("the book of caps in %s cannot be saved: %s", caps->dir,
                  strerror(kept));
    }
    return rc;
}

const struct caps_live *caps_live_of(const struct caps *caps, const char *token)
{
    for (int i = 0; i < caps->live_count; i++)
        if (strcmp(caps->live[i].token, token) == 0)
            return &caps->live[i];
    return NULL;
}

static int running(const struct caps *caps)
{
    int count = 0;

    for (int i = 0; i < caps->live_count; i++)
        count += !caps->live[i].final;
    return count;
}

bool caps_holds(const struct caps *caps, const struct caps_live *live,
                const struct limit *limit)
{
    if (limit->of == COUNTER_PACKAGE)
        return running(caps) == 1;
    if (limit->index < 0 || limit->index >= 64)
        return false;
    for (int32_t s = 0; s < limit->slices && limit->index + s < 64; s++)
        if (live->gpus & UINT64_C(1) << (limit->index + s))
            return true;
    return false;
}

int64_t caps_own_mw(const struct caps_run *run, const struct limit *limit)
{
    int64_t mw = limit->of == COUNTER_PACKAGE ? run->cap.package_mw : run->cap.gpu_mw;

    /* Of a package only if it is held anyway: its job's floor is the CPU quota. */
    if (run->floored && (limit->of == COUNTER_GPU || mw > 0))
        return limit->min_mw > 0 ? limit->min_mw : 1;
    return mw;
}

/* A run whose prolog still waits for kwotad's word lifts no other run's cap. */
static bool is_undecided(const struct caps_live *live)
{
    return !live->begun && meter_now_ns() - live->start_ns < UNDECIDED_NS;
}

int64_t caps_wanted_mw(struct caps *caps, const struct limit *limit)
{
    int64_t highest = 0;

    for (int i = 0; i < caps->live_count; i++) {
        const struct caps_live *live = &caps->live[i];
        const struct caps_run *run;
        int64_t mw;

        if (live->final || !caps_holds(caps, live, limit))
            continue;
        run = caps_book_run(&caps->book, live->token);
        if (!run && is_undecided(live))
            continue;
        mw = run ? caps_own_mw(run, limit) : 0;
        if (mw <= 0)
            return 0;
        if (mw > highest)
            highest = mw;
    }
    return highest;
}

/* A library that ends the process must not do so for ever. */
static bool may_open(struct caps *caps)
{
    int64_t now_ms = meter_now_ms();

    if (now_ms - caps->book.opened_ms > OPENS_MS || now_ms < caps->book.opened_ms)
        caps->book.opens = 0;
    if (caps->book.opens >= OPENS) {
        snprintf(caps->broken, sizeof caps->broken,
                 "the meter ended %d times while it looked for power limits", OPENS);
        return false;
    }
    caps->broken[0] = '\0';
    caps->book.opens++;
    caps->book.opened_ms = now_ms;
    return caps_save(caps) == 0;
}

/* A driver that was not loaded yet, or is no more. */
static bool is_missing_one(const struct caps *caps)
{
    int found = 0;

    for (int i = 0; i < caps->limits.count; i++)
        for (int d = 0; d < caps->book.device_count; d++)
            found += strcmp(caps->book.device[d].id, caps->limits.item[i].id) == 0;
    return found < caps->book.device_count;
}

static void open_devices(struct caps *caps)
{
    if (caps->open && is_missing_one(caps) &&
        meter_now_ns() - caps->opened_ns > MISSING_NS) {
        caps->open = false;
        caps_call(caps, "drivers");
        limits_close(&caps->limits);
        caps_called(caps);
    }
    if (caps->open || !may_open(caps))
        return;
    caps_call(caps, "drivers");
    limits_open(&caps->limits, caps->sources);
    caps_called(caps);
    caps->open = true;
    caps->opened_ns = meter_now_ns();
    memset(caps->seen, 0, sizeof caps->seen);
    for (int i = 0; i < caps->limits.count; i++)
        caps->seen[i].now_mw = LIMIT_UNKNOWN;
}

static void lower(int64_t *lowest, int64_t mw)
{
    if (mw > 0 && (*lowest == 0 || mw < *lowest))
        *lowest = mw;
}

/* Whether anything holds the run now, and the lowest that ever did. */
static bool is_capped(struct caps *caps, struct caps_run *run,
                      const struct caps_live *live)
{
    bool capped = false;

    if (!live || live->final)
        return false;
    for (int i = 0; caps->open && i < caps->limits.count; i++) {
        const struct limit *limit = &caps->limits.item[i];
        const struct caps_device *d = caps_book_device(&caps->book, limit->id);

        if (!d || !caps_in_force(d) || caps_own_mw(run, limit) <= 0 ||
            !caps_holds(caps, live, limit))
            continue;
        capped = true;
        lower(limit->of == COUNTER_GPU ? &run->lowest.gpu_mw : &run->lowest.package_mw,
              d->set_mw);
    }
    if (run->quota.dir[0] && !run->quota_failed && !run->quota_foreign) {
        int64_t percent = run->lowest.cpu_percent;

        capped = true;
        lower(&percent, caps_cpu_percent(run, live));
        run->lowest.cpu_percent = (int32_t)percent;
    }
    return capped;
}

static void keep_time(struct caps *caps, struct caps_run *run,
                      const struct caps_live *live)
{
    int64_t now_ms = live && live->end_ms ? live->end_ms : meter_now_ms();
    bool capped = is_capped(caps, run, live);

    if (capped && !run->since_ms) {
        run->since_ms = now_ms;
        caps->dirty = true;
    } else if (!capped && run->since_ms) {
        if (now_ms > run->since_ms)
            run->capped_ms += now_ms - run->since_ms;
        run->since_ms = 0;
        caps->dirty = true;
    }
}

static void end_jobs(struct caps *caps)
{
    for (int i = 0; i < caps->book.run_count; i++) {
        struct caps_run *run = &caps->book.run[i];
        const struct caps_live *live = caps_live_of(caps, run->token);
        char id[16];
        char *words[] = {(char *)"scancel", id, NULL};
        int status = 0;

        if (run->end_pid && waitpid(run->end_pid, &status, WNOHANG) == run->end_pid) {
            if (status != 0)
                meter_log("job %u: scancel failed (status %d); again in %d s", run->job,
                          status, (int)(END_NS / NS_PER_S));
            run->end_pid = 0;
        }
        if (!run->end || !live || live->final || run->end_pid ||
            meter_now_ns() < run->end_retry_ns)
            continue;
        snprintf(id, sizeof id, "%u", run->job);
        run->end_retry_ns = meter_now_ns() + END_NS;
        meter_log("job %u: kwotad is silent and the job has used its allowance: it is "
                  "ended",
                  run->job);
        if (posix_spawnp(&run->end_pid, words[0], NULL, NULL, words, environ) != 0) {
            run->end_pid = 0;
            meter_log("job %u: scancel cannot be run: %s", run->job, strerror(errno));
        }
    }
}

/* Runs that the books have no more, once nothing of theirs is left to undo. */
static void drop_runs(struct caps *caps)
{
    for (int i = caps->book.run_count - 1; i >= 0; i--) {
        struct caps_run *run = &caps->book.run[i];

        if (caps_live_of(caps, run->token) || run->quota.dir[0] || run->end_pid)
            continue;
        caps_book_drop_run(&caps->book, run);
        caps->dirty = true;
    }
}

static void settle_quotas(struct caps *caps, bool over)
{
    for (int i = 0; i < caps->book.run_count; i++) {
        struct caps_run *run = &caps->book.run[i];
        const struct caps_live *live = caps_live_of(caps, run->token);

        if ((!live || live->final) == over)
            caps_settle_quota(caps, run, live);
    }
}

/* What is over first: what it leaves may be another's. */
void caps_pass(struct caps *caps)
{
    open_devices(caps);
    settle_quotas(caps, true);
    for (int i = 0; caps->open && i < caps->limits.count; i++)
        caps_settle_device(caps, i);
    if (caps->open && caps->book.opens > 0) {
        caps->book.opens = 0;
        caps->dirty = true;
    }
    settle_quotas(caps, false);
    for (int i = 0; i < caps->book.run_count; i++)
        keep_time(caps, &caps->book.run[i],
                  caps_live_of(caps, caps->book.run[i].token));
    end_jobs(caps);
    drop_runs(caps);
    if (caps->dirty)
        caps_save(caps);
}
