/* caps_report.c - caps in JSON: orders as they come, and what became of them (API.md)
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "plugin/meter/caps_inside.h"
#include "plugin/meter/meter.h"

static int64_t positive(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    return json_is_integer(value) && json_integer_value(value) > 0
               ? json_integer_value(value)
               : 0;
}

static void read_cap(const json_t *object, struct cap *cap)
{
    const char *why = json_string_value(json_object_get(object, "why"));
    int64_t percent = positive(object, "cpu_percent");

    cap->gpu_mw = positive(object, "gpu_mw");
    cap->package_mw = positive(object, "package_mw");
    cap->cpu_percent = percent < 100 ? (int32_t)percent : 0;
    snprintf(cap->why, sizeof cap->why, "%s", why ? why : "");
}

void caps_order_read(const json_t *object, struct caps_order *order)
{
    const json_t *cap = json_object_get(object, "cap");
    const json_t *allowance = json_object_get(object, "allowance");
    const json_t *mj = json_object_get(allowance, "mj");
    const char *then = json_string_value(json_object_get(allowance, "then"));

    memset(order, 0, sizeof *order);
    order->cap_told = json_is_null(cap) || json_is_object(cap);
    if (json_is_object(cap))
        read_cap(cap, &order->cap);
    order->allowance_told = true;
    order->allowance_mj = json_is_integer(mj) && json_integer_value(mj) >= 0
                              ? json_integer_value(mj)
                              : -1;
    if (then && strcmp(then, "floor") == 0)
        order->then = CAPS_FLOOR;
    if (then && strcmp(then, "end") == 0)
        order->then = CAPS_END;
}

static json_t *known(int64_t mw)
{
    return mw > 0 ? json_integer(mw) : json_null();
}

static json_t *text_or_null(const char *text)
{
    return text[0] ? json_string(text) : json_null();
}

static json_t *device_json(const char *name, int64_t mw, const char *state,
                           const char *why)
{
    return json_pack("{s:s s:o s:s s:o}", "name", name, "mw", known(mw), "state", state,
                     "why", text_or_null(why));
}

/* A library has not come back. */
static bool hangs(const struct caps *caps, char why[LIMIT_WHY])
{
    int64_t since_ns = caps->calling_ns ? meter_now_ns() - caps->calling_ns : 0;

    if (since_ns < CAPS_PATIENCE_NS)
        return false;
    snprintf(why, LIMIT_WHY, "no answer (%s) for %" PRId64 " s", caps->calling,
             since_ns / NS_PER_S);
    return true;
}

/* NULL: nothing has become of it yet. */
static json_t *held_json(struct caps *caps, int i, const struct caps_run *run)
{
    const struct limit *limit = &caps->limits.item[i];
    const struct caps_seen *seen = &caps->seen[i];
    const struct caps_device *d = caps_book_device(&caps->book, limit->id);
    int64_t wanted_mw = caps_wanted_mw(caps, limit), own_mw = caps_own_mw(run, limit);
    char why[LIMIT_WHY] = "";

    if (d && d->foreign)
        return device_json(limit->name, seen->now_mw, "foreign", "");
    if (seen->failed[0] || (caps->done < run->asked && hangs(caps, why)))
        return device_json(limit->name, seen->now_mw, "failed",
                           seen->failed[0] ? seen->failed : why);
    if (wanted_mw == 0 || wanted_mw > own_mw)
        return device_json(limit->name, seen->now_mw, "shared", "");
    if (caps->done < run->asked && !(d && caps_in_force(d)) &&
        (seen->now_mw == LIMIT_UNKNOWN || seen->now_mw > limit_fitting(limit, own_mw)))
        return NULL;
    return device_json(limit->name, seen->now_mw, "set", "");
}

/* Whether some device's limit is found for each kind that the run is held to. */
static bool is_found(const struct caps *caps, const struct caps_live *live,
                     enum counter_kind of)
{
    for (int i = 0; caps->open && i < caps->limits.count; i++)
        if (caps->limits.item[i].of == of &&
            (of == COUNTER_PACKAGE || caps_holds(caps, live, &caps->limits.item[i])))
            return true;
    return false;
}

static void add_missing(const struct caps *caps, const struct caps_live *live,
                        const struct caps_run *run, json_t *list)
{
    char why[LIMIT_WHY] = "no power limit of it can be found";

    if (caps->broken[0])
        snprintf(why, sizeof why, "%s", caps->broken);
    else if (!caps->open && !hangs(caps, why))
        return; /* it is being looked for */
    if (run->cap.gpu_mw && live->gpus && !is_found(caps, live, COUNTER_GPU))
        json_array_append_new(list, device_json("gpu", 0, "failed", why));
    if (run->cap.package_mw && !is_found(caps, live, COUNTER_PACKAGE))
        json_array_append_new(list, device_json("package", 0, "failed", why));
}

static json_t *devices_json(struct caps *caps, const struct caps_live *live,
                            const struct caps_run *run)
{
    json_t *list = json_array();

    for (int i = 0; caps->open && i < caps->limits.count; i++) {
        const struct limit *limit = &caps->limits.item[i];

        if (caps_own_mw(run, limit) <= 0)
            continue;
        if (caps_holds(caps, live, limit)) {
            json_t *held = held_json(caps, i, run);

            if (held)
                json_array_append_new(list, held);
        } else if (limit->of == COUNTER_PACKAGE)
            json_array_append_new(
                list, device_json(limit->name, caps->seen[i].now_mw, "shared",
                                  "the run does not have the node to itself"));
    }
    add_missing(caps, live, run, list);
    if (run->quota_failed || run->quota_foreign)
        json_array_append_new(
            list, device_json("cpu", 0, run->quota_failed ? "failed" : "foreign",
                              run->quota_why));
    return list;
}

/* The highest limit of kwota's in force on what the run holds; 0: none. */
static int64_t in_force_mw(struct caps *caps, const struct caps_live *live,
                           const struct caps_run *run, enum counter_kind of)
{
    int64_t highest = 0;

    for (int i = 0; caps->open && i < caps->limits.count; i++) {
        const struct limit *limit = &caps->limits.item[i];
        const struct caps_device *d = caps_book_device(&caps->book, limit->id);

        if (limit->of == of && d && caps_in_force(d) && d->set_mw > highest &&
            caps_own_mw(run, limit) > 0 && caps_holds(caps, live, limit))
            highest = d->set_mw;
    }
    return highest;
}

static int64_t capped_ms(const struct caps_run *run)
{
    int64_t now_ms = meter_now_ms();

    return run->capped_ms +
           (run->since_ms && now_ms > run->since_ms ? now_ms - run->since_ms : 0);
}

/* To what the run was ever held; NULL: to nothing. */
static json_t *lowest_json(const struct caps_run *run)
{
    if (capped_ms(run) <= 0)
        return NULL;
    return json_pack("{s:o s:o s:o}", "gpu_mw", known(run->lowest.gpu_mw), "package_mw",
                     known(run->lowest.package_mw), "cpu_percent",
                     known(run->lowest.cpu_percent));
}

static json_t *run_json(struct caps *caps, const struct caps_live *live,
                        const struct caps_run *run)
{
    bool over = live->final;
    bool quota =
        !over && run->quota.dir[0] && !run->quota_failed && !run->quota_foreign;

    return json_pack(
        "{s:o s:o s:o s:o s:I s:o s:o s:o*}", "gpu_mw",
        known(over ? 0 : in_force_mw(caps, live, run, COUNTER_GPU)), "package_mw",
        known(over ? 0 : in_force_mw(caps, live, run, COUNTER_PACKAGE)), "cpu_percent",
        known(quota ? caps_cpu_percent(run, live) : 0), "since_ms",
        known(run->since_ms), "capped_ms", (json_int_t)capped_ms(run), "devices",
        over ? json_array() : devices_json(caps, live, run), "why",
        text_or_null(run->cap.why), "lowest", over ? lowest_json(run) : NULL);
}

/* Once for each call. */
static void tell_hang(struct caps *caps)
{
    char why[LIMIT_WHY];

    if (!hangs(caps, why) || caps->hang_told_ns == caps->calling_ns)
        return;
    caps->hang_told_ns = caps->calling_ns;
    meter_log("power limits: %s: jobs start without waiting for it", why);
}

static json_t *limits_json(struct caps *caps)
{
    char hung[LIMIT_WHY];
    bool hang = hangs(caps, hung);
    json_t *list = json_array();

    for (int i = 0; i < caps->limits.count; i++) {
        const struct limit *limit = &caps->limits.item[i];
        const struct caps_device *d = caps_book_device(&caps->book, limit->id);
        const char *why = limit->why[0] ? limit->why : caps->seen[i].failed;

        if (hang && strcmp(caps->calling, limit->name) == 0)
            why = hung;

        json_array_append_new(
            list,
            json_pack("{s:s s:s s:I s:I s:o s:o s:o s:I s:o}", "name", limit->name,
                      "kind", limit_kind_name(limit->kind), "min_mw",
                      (json_int_t)limit->min_mw, "max_mw", (json_int_t)limit->max_mw,
                      "default_mw", known(limit->default_mw), "found_mw",
                      known(d && !d->foreign ? d->found_mw : 0), "now_mw",
                      known(caps->seen[i].now_mw), "step_mw",
                      (json_int_t)limit->step_mw, "why", text_or_null(why)));
    }
    return list;
}

void caps_report(struct caps *caps, json_t *report)
{
    size_t i;
    json_t *one;

    pthread_mutex_lock(&caps->lock);
    tell_hang(caps);
    json_array_foreach(json_object_get(report, "runs"), i, one)
    {
        const char *token = json_string_value(json_object_get(one, "token"));
        const struct caps_run *run = token ? caps_book_run(&caps->book, token) : NULL;
        const struct caps_live *live = run ? caps_live_of(caps, token) : NULL;

        if (live &&
            (run->capped_ms || run->since_ms || run->cap.why[0] || run->cap.gpu_mw ||
             run->cap.package_mw || run->cap.cpu_percent || run->floored))
            json_object_set_new(one, "caps", run_json(caps, live, run));
    }
    if (caps->open && caps->limits.count > 0)
        json_object_set_new(report, "limits", limits_json(caps));
    pthread_mutex_unlock(&caps->lock);
}

json_t *caps_summary(struct caps *caps, const char *token)
{
    json_t *summary;
    const struct caps_run *run;

    pthread_mutex_lock(&caps->lock);
    run = caps_book_run(&caps->book, token);
    summary = run ? lowest_json(run) : NULL;
    if (summary)
        json_object_set_new(summary, "capped_ms", json_integer(capped_ms(run)));
    pthread_mutex_unlock(&caps->lock);
    return summary;
}
