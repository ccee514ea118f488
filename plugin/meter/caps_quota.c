/* caps_quota.c - a run's share of its CPU time: planned, saved, set, and set back */
#include <stdio.h>
#include <string.h>

#include "plugin/meter/allowance.h"
#include "plugin/meter/caps_inside.h"
#include "plugin/meter/meter.h"

/* What fails is tried again after so long. */
#define RETRY_NS (10 * NS_PER_S)

int32_t caps_cpu_percent(const struct caps_run *run, const struct caps_live *live)
{
    int32_t percent = run->cap.cpu_percent;

    /* A GPU job's floor is its GPUs', unless its CPUs are held anyway. */
    if (run->floored && (percent > 0 || live->gpus == 0) &&
        (percent == 0 || percent > ALLOWANCE_CPU_PERCENT))
        percent = ALLOWANCE_CPU_PERCENT;
    return percent;
}

static void note_failure(struct caps_run *run, const char *why)
{
    if (strcmp(run->quota_why, why) != 0)
        meter_log("job %u: its CPU quota: %s", run->job, why);
    run->quota_failed = true;
    snprintf(run->quota_why, sizeof run->quota_why, "%s", why);
    run->quota_retry_ns = meter_now_ns() + RETRY_NS;
}

static void note_success(struct caps_run *run)
{
    run->quota_failed = false;
    run->quota_why[0] = '\0';
    run->quota_retry_ns = 0;
}

/* The job's number, started anew: the group is the newer run's now. */
static bool is_shared(const struct caps *caps, const struct caps_run *run)
{
    for (int i = 0; i < caps->book.run_count; i++) {
        const struct caps_run *other = &caps->book.run[i];

        if (other != run && strcmp(other->quota.dir, run->quota.dir) == 0)
            return true;
    }
    return false;
}

static void undo(struct caps *caps, struct caps_run *run)
{
    const struct caps_quota quota = run->quota;
    char why[LIMIT_WHY] = "";
    enum throttle_result result = THROTTLE_OK;

    if (!is_shared(caps, run)) {
        caps_call(caps, "cgroup");
        result = throttle_undo(&caps->throttle, &quota, why);
        caps_called(caps);
    }
    if (result == THROTTLE_FAILED) {
        note_failure(run, why);
        return;
    }
    memset(&run->quota, 0, sizeof run->quota);
    run->quota_foreign = false;
    note_success(run);
    caps_save(caps);
}

/* The plan, on disk before anything is changed. */
static enum throttle_result plan(struct caps *caps, struct caps_run *run,
                                 const struct cputime_of *of, int64_t cpus,
                                 int32_t percent)
{
    struct caps_quota quota = run->quota;
    char why[LIMIT_WHY] = "";
    enum throttle_result result;

    caps_call(caps, "cgroup");
    result = throttle_plan(&caps->throttle, of, cpus, percent, &quota, why);
    caps_called(caps);
    if (result == THROTTLE_FAILED)
        note_failure(run, why);
    if (result != THROTTLE_OK || memcmp(&quota, &run->quota, sizeof quota) == 0)
        return result;
    if (strcmp(quota.set, run->quota.set) != 0)
        meter_log("job %u: held to %d %% of the time of %lld CPUs", run->job, percent,
                  (long long)cpus);
    run->quota = quota;
    if (caps_save(caps) == 0)
        return THROTTLE_OK;
    note_failure(run, "what it was cannot be saved");
    memset(&run->quota, 0, sizeof run->quota);
    return THROTTLE_FAILED;
}

static void hold(struct caps *caps, struct caps_run *run, const struct caps_live *live)
{
    const struct caps_live of_now = *live;
    const struct cputime_of of = {of_now.job, of_now.uid, of_now.sluid, CPUTIME_JOB};
    struct caps_quota quota;
    char why[LIMIT_WHY] = "";
    enum throttle_result result =
        plan(caps, run, &of, of_now.cpus, caps_cpu_percent(run, &of_now));

    if (result == THROTTLE_OK && run->quota.dir[0]) {
        quota = run->quota;
        caps_call(caps, "cgroup");
        result = throttle_apply(&caps->throttle, &of, &quota, why);
        caps_called(caps);
        if (result == THROTTLE_FAILED)
            note_failure(run, why);
    }
    if (result == THROTTLE_FOREIGN && !run->quota_foreign)
        meter_log("job %u: someone else has set its CPU quota: it is left alone",
                  run->job);
    run->quota_foreign = result == THROTTLE_FOREIGN;
    if (result == THROTTLE_OK)
        note_success(run);
}

void caps_settle_quota(struct caps *caps, struct caps_run *run,
                       const struct caps_live *live)
{
    bool wanted = live && !live->final && caps_cpu_percent(run, live) > 0;

    if (!wanted && !run->quota.dir[0]) {
        note_success(run);
        return;
    }
    if (meter_now_ns() < run->quota_retry_ns)
        return;
    if (wanted)
        hold(caps, run, live);
    else
        undo(caps, run);
}
