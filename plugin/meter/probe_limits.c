/* probe_limits.c - kwota-meter probe: every power limit, its range, and why not */
#include "plugin/meter/probe_limits.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "plugin/meter/limit.h"

/* As the counters' libraries are waited for: a GPU takes seconds to wake. */
#define PATIENCE_S 10

/* What is known of one limit. */
struct found {
    bool known;
    int64_t mw;
    char why[LIMIT_WHY];
};

static struct limits limits;
static struct found found[LIMIT_MAX];

/* false: the thread below never came back, and what it writes is not looked at. */
static bool answered;

static void *look(void *arg)
{
    limits_open(&limits, arg);
    for (int i = 0; i < limits.count; i++) {
        found[i].known = limit_read(&limits, i, &found[i].mw, found[i].why) == LIMIT_OK;
        if (limits.item[i].why[0])
            memcpy(found[i].why, limits.item[i].why, sizeof found[i].why);
    }
    return NULL;
}

void probe_limits(const struct sources *sources)
{
    struct timespec until;
    pthread_t thread;

    if (pthread_create(&thread, NULL, look, (void *)(uintptr_t)sources) != 0)
        return;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_S;
    answered = pthread_timedjoin_np(thread, NULL, &until) == 0;
}

static json_t *number_or_null(bool known, int64_t value)
{
    return known ? json_integer(value) : json_null();
}

static json_t *limit_json(const struct limit *limit, const struct found *now)
{
    bool ranged = limit->max_mw > 0;

    return json_pack(
        "{s:s s:s s:s s:s s:b s:o s:o s:o s:o s:o s:o s:o}", "name", limit->name,
        "kind", counter_kind_name(limit->of), "by", limit_kind_name(limit->kind), "id",
        limit->id, "settable", now->known && !now->why[0], "reason",
        now->why[0] ? json_string(now->why) : json_null(), "mw",
        number_or_null(now->known, now->mw), "min_mw",
        number_or_null(ranged, limit->min_mw), "max_mw",
        number_or_null(ranged, limit->max_mw), "default_mw",
        number_or_null(limit->default_mw != LIMIT_UNKNOWN, limit->default_mw), "gpu",
        number_or_null(limit->index >= 0, limit->index), "places",
        number_or_null(limit->index >= 0, limit->slices));
}

json_t *probe_limits_list(void)
{
    json_t *list = json_array();

    for (int i = 0; answered && i < limits.count; i++)
        json_array_append_new(list, limit_json(&limits.item[i], &found[i]));
    return list;
}

static const char *word_of(int kind)
{
    if (!answered)
        return "a library does not answer";
    return limits.absent[kind] ? limits.absent[kind] : "found";
}

json_t *probe_limits_kinds(void)
{
    json_t *all = json_object();

    for (int k = 0; k < LIMIT_KINDS; k++)
        json_object_set_new(all, limit_kind_name((enum limit_kind)k),
                            json_string(word_of(k)));
    return all;
}

static void print_watts(bool known, int64_t mw)
{
    char text[32] = "-";

    if (known)
        snprintf(text, sizeof text, "%" PRId64 ".%" PRId64, mw / 1000, mw % 1000 / 100);
    printf(" %8s", text);
}

static void print_limit(const struct limit *limit, const struct found *now)
{
    printf("%-16s %-8s %-11s", limit->name, counter_kind_name(limit->of),
           limit_kind_name(limit->kind));
    print_watts(now->known, now->mw);
    print_watts(limit->max_mw > 0, limit->min_mw);
    print_watts(limit->max_mw > 0, limit->max_mw);
    print_watts(limit->default_mw != LIMIT_UNKNOWN, limit->default_mw);
    printf(" %s%s%s\n", now->known && !now->why[0] ? "can be set" : "left alone",
           now->why[0] ? ": " : "", now->why);
}

void probe_limits_print(void)
{
    printf("%-16s %-8s %-11s %8s %8s %8s %8s %s\n", "POWER LIMIT", "KIND", "BY",
           "WATTS", "FROM", "TO", "DEFAULT", "STATE");
    for (int i = 0; answered && i < limits.count; i++)
        print_limit(&limits.item[i], &found[i]);
    putchar('\n');
    for (int k = 0; k < LIMIT_KINDS; k++)
        printf("%-11s %s\n", limit_kind_name((enum limit_kind)k), word_of(k));
}
