/* probe.c - kwota-meter probe: every source and counter, what is charged, and why not
 */
#include "plugin/meter/probe.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "plugin/meter/meter.h"
#include "plugin/meter/probe_limits.h"

/* Power needs two samples before it is anything. */
#define SETTLE_MS 200

struct seen {
    bool known;
    struct counter_reading reading;
    char reason[COUNTER_REASON];
    int64_t at_ns;
};

static void sleep_ms(int64_t ms)
{
    struct timespec pause = {ms / 1000, ms % 1000 * 1000000};

    nanosleep(&pause, NULL);
}

static void look(struct counters *counters, struct seen seen[COUNTER_MAX])
{
    int64_t now_ns = meter_now_ns();

    counters_begin(counters, now_ns);
    for (int c = 0; c < counters->count; c++) {
        struct counter *counter = &counters->item[c];
        bool shown_only = !counter->charged;
        char why[COUNTER_REASON];

        memcpy(why, counter->reason, sizeof why);
        /* What is left out is read all the same, to be shown. */
        if (shown_only && !counter->driver && counter->fd < 0 && counter->path[0])
            counter_open_file(counter);
        seen[c].known = counters_read(counters, c, now_ns, &seen[c].reading) == 0;
        seen[c].at_ns = now_ns;
        memcpy(seen[c].reason, seen[c].known && shown_only ? why : counter->reason,
               sizeof seen[c].reason);
        if (shown_only)
            memcpy(counter->reason, why, sizeof why);
    }
}

/* mW over the time between two looks; -1 unknown. */
static int64_t power_mw(const struct counter *counter, const struct seen *first,
                        const struct seen *last)
{
    int64_t moved = last->reading.uj - first->reading.uj;
    int64_t elapsed_ns = last->at_ns - first->at_ns;

    if (!first->known || !last->known || elapsed_ns <= 0)
        return -1;
    if (moved < 0 && counter->range_uj > 0)
        moved += counter->range_uj;
    return moved < 0 ? -1 : (int64_t)((__int128)moved * 1000000 / elapsed_ns);
}

static json_t *text_or_null(const char *text)
{
    return text[0] ? json_string(text) : json_null();
}

static json_t *number_or_null(bool known, int64_t value)
{
    return known ? json_integer(value) : json_null();
}

static json_t *covers_json(const struct counters *counters,
                           const struct counter *counter)
{
    json_t *list = json_array();

    for (int c = 0; c < counters->count; c++)
        if (counter->covers & UINT64_C(1) << c)
            json_array_append_new(list, json_string(counters->item[c].name));
    return list;
}

static json_t *counter_json(const struct counters *counters, int c,
                            const struct seen *first, const struct seen *last)
{
    const struct counter *counter = &counters->item[c];
    int64_t mw = power_mw(counter, first, last);

    return json_pack(
        "{s:s s:s s:s s:s s:b s:b s:o s:o s:o s:o s:o s:o s:o}", "name", counter->name,
        "kind", counter_kind_name(counter->kind), "source",
        counter_source_name(counter->source), "state", last->known ? "ok" : "unknown",
        "charged", counter->charged, "integrated", counter->integrated, "reason",
        text_or_null(last->reason), "uj", number_or_null(last->known, last->reading.uj),
        "range_uj", number_or_null(counter->range_uj > 0, counter->range_uj), "mw",
        number_or_null(mw >= 0, mw), "gpu",
        number_or_null(counter->index >= 0, counter->index), "uuid",
        text_or_null(counter->uuid), "covers", covers_json(counters, counter));
}

static json_t *sources_json(const struct counters *counters)
{
    json_t *all = json_object();

    for (int s = 0; s < SOURCES; s++)
        json_object_set_new(all, counter_source_name((enum counter_source)s),
                            counters->absent[s] ? json_string(counters->absent[s])
                                                : json_string("found"));
    return all;
}

static void print_counter(const struct counters *counters, int c,
                          const struct seen *first, const struct seen *last)
{
    const struct counter *counter = &counters->item[c];
    int64_t mw = power_mw(counter, first, last);
    char reading[24] = "unknown", watts[24] = "-";
    bool first_covered = true;

    if (last->known)
        snprintf(reading, sizeof reading, "%" PRId64, last->reading.uj);
    if (mw >= 0)
        snprintf(watts, sizeof watts, "%" PRId64 ".%" PRId64, mw / 1000,
                 mw % 1000 / 100);
    printf("%-16s %-8s %-11s %20s %9s %-8s", counter->name,
           counter_kind_name(counter->kind), counter_source_name(counter->source),
           reading, watts,
           !last->known       ? "unknown"
           : counter->charged ? "charged"
                              : "shown");
    if (last->reason[0])
        printf(" %s", last->reason);
    else if (counter->integrated)
        printf(" power, integrated over time");
    if (counter->uuid[0])
        printf(" %s, Slurm's GPU %d", counter->uuid, counter->index);
    for (int o = 0; o < counters->count; o++)
        if (counter->covers & UINT64_C(1) << o) {
            printf("%s%s", first_covered ? " beyond " : ", ", counters->item[o].name);
            first_covered = false;
        }
    putchar('\n');
}

static void print_text(const struct counters *counters, const struct seen *first,
                       const struct seen *last)
{
    printf("%-16s %-8s %-11s %20s %9s %-8s\n", "COUNTER", "KIND", "SOURCE",
           "MICROJOULES", "WATTS", "STATE");
    for (int c = 0; c < counters->count; c++)
        print_counter(counters, c, &first[c], &last[c]);
    if (counters->count == 0)
        printf("No energy counter below %s.\n", counters->sources->root);
    putchar('\n');
    for (int s = 0; s < SOURCES; s++)
        printf("%-11s %s\n", counter_source_name((enum counter_source)s),
               counters->absent[s] ? counters->absent[s] : "found");
    putchar('\n');
    probe_limits_print();
    if (counters->sources->told[0])
        printf("sources and preferences: %s\n", counters->sources->told);
}

int probe(const struct sources *sources, bool json, int watch_s)
{
    static struct counters counters;
    static struct seen first[COUNTER_MAX], last[COUNTER_MAX];
    int64_t end_ns;
    int charged = 0;

    counters_open(&counters, sources);
    look(&counters, first);
    end_ns = meter_now_ns() + (int64_t)watch_s * 1000000000;
    do {
        sleep_ms(watch_s > 0 ? 500 : SETTLE_MS);
        look(&counters, last);
    } while (meter_now_ns() < end_ns);
    probe_limits(sources);
    for (int c = 0; c < counters.count; c++)
        charged += counters.item[c].charged && last[c].known;
    if (json) {
        json_t *list = json_array(), *all;

        for (int c = 0; c < counters.count; c++)
            json_array_append_new(list,
                                  counter_json(&counters, c, &first[c], &last[c]));
        all = json_pack("{s:o s:o s:o s:o}", "domains", list, "sources",
                        sources_json(&counters), "limits", probe_limits_list(),
                        "limit_kinds", probe_limits_kinds());
        json_dumpf(all, stdout, JSON_INDENT(2));
        putchar('\n');
        json_decref(all);
    } else {
        print_text(&counters, first, last);
    }
    counters_close(&counters);
    return charged > 0 ? 0 : 3;
}
