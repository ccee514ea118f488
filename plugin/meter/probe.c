/* probe.c - kwota-meter probe: every counter found, and why one cannot be used */
#include "plugin/meter/probe.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <unistd.h>

#include "plugin/meter/counter.h"

static json_t *reading_json(struct counter *counter)
{
    int64_t uj;
    int known = counter_read(counter, &uj) == 0;

    return json_pack("{s:s s:s s:s s:o s:o s:s s:o}", "name", counter->name, "kind",
                     counter_kind_name(counter->kind), "source", counter->source, "uj",
                     known ? json_integer(uj) : json_null(), "range_uj",
                     counter->range_uj ? json_integer(counter->range_uj) : json_null(),
                     "state", known ? "ok" : "unknown", "reason",
                     counter->reason[0] ? json_string(counter->reason) : json_null());
}

static void print_text(json_t *domains, const char *root)
{
    size_t i;
    json_t *one;

    if (json_array_size(domains) == 0)
        printf("No energy counters below %s (looked for sys/class/powercap).\n", root);
    else
        printf("%-14s %-9s %-9s %18s %18s  %s\n", "NAME", "KIND", "SOURCE",
               "MICROJOULES", "RANGE", "STATE");
    json_array_foreach(domains, i, one)
    {
        const char *name, *kind, *source, *state, *reason = NULL;
        json_t *uj, *range;
        char reading[24] = "unknown", limit[24] = "unknown";

        json_unpack(one, "{s:s s:s s:s s:o s:o s:s}", "name", &name, "kind", &kind,
                    "source", &source, "uj", &uj, "range_uj", &range, "state", &state);
        reason = json_string_value(json_object_get(one, "reason"));
        if (json_is_integer(uj))
            snprintf(reading, sizeof reading, "%" PRId64,
                     (int64_t)json_integer_value(uj));
        if (json_is_integer(range))
            snprintf(limit, sizeof limit, "%" PRId64,
                     (int64_t)json_integer_value(range));
        printf("%-14s %-9s %-9s %18s %18s  %s%s%s\n", name, kind, source, reading,
               limit, state, reason ? ": " : "", reason ? reason : "");
    }
}

int probe(const char *root, bool json)
{
    static struct counter counters[COUNTER_MAX];
    int count = counter_find(root, counters);
    json_t *domains = json_array(), *all;

    for (int c = 0; c < count; c++) {
        json_array_append_new(domains, reading_json(&counters[c]));
        counter_close(&counters[c]);
    }
    all = json_pack("{s:O}", "domains", domains);
    if (json)
        json_dumpf(all, stdout, JSON_INDENT(2));
    else
        print_text(domains, root);
    if (json)
        putchar('\n');
    json_decref(domains);
    json_decref(all);
    return 0;
}
