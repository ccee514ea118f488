/* block.c - the lines a user reads at the end of a job's output */
#include "plugin/block.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "policy/energy.h"

__attribute__((format(printf, 2, 3))) static void add_line(struct block *block,
                                                           const char *format, ...)
{
    va_list ap;

    if (block->count == BLOCK_LINES)
        return;
    va_start(ap, format);
    vsnprintf(block->line[block->count++], BLOCK_LINE, format, ap);
    va_end(ap);
}

static int64_t integer(const json_t *object, const char *key, int64_t otherwise)
{
    const json_t *value = json_object_get(object, key);

    return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

/* What people call it. */
static const char *kind_name(const char *kind)
{
    return strcmp(kind, "package") == 0 ? "cpu" : kind;
}

static int64_t sum(const json_t *domains)
{
    int64_t total = ENERGY_UNKNOWN;
    size_t i;
    json_t *domain;

    json_array_foreach(domains, i, domain) total =
        energy_add(total, integer(domain, "mj", ENERGY_UNKNOWN));
    return total;
}

static void add_domains(struct block *block, const json_t *domains)
{
    char text[BLOCK_LINE] = "", kwh[ENERGY_TEXT];
    size_t i, len = 0;
    json_t *domain;

    json_array_foreach(domains, i, domain)
    {
        const char *kind = json_string_value(json_object_get(domain, "kind"));

        if (!kind || len > sizeof text - 80)
            continue;
        energy_kwh_human(kwh, sizeof kwh, integer(domain, "mj", ENERGY_UNKNOWN));
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%.20s %s",
                                len ? "   " : "", kind_name(kind), kwh);
    }
    if (len > 0)
        add_line(block, "kwota:   %s", text);
}

/* Watts without a decimal where there is none: "250 W". */
static void watts(char *text, size_t size, int64_t mw)
{
    if (mw % 1000 == 0)
        snprintf(text, size, "%" PRId64 " W", mw / 1000);
    else
        energy_watts(text, size, mw);
}

/* To what the job was ever held on this node, the lowest, and for how long. */
static void add_caps(struct block *block, const json_t *caps)
{
    int64_t gpu = integer(caps, "gpu_mw", 0), package = integer(caps, "package_mw", 0),
            percent = integer(caps, "cpu_percent", 0),
            s = integer(caps, "capped_ms", 0) / 1000;
    char gpu_text[ENERGY_TEXT] = "", package_text[ENERGY_TEXT + 16] = "",
         cpu_text[48] = "";
    bool first = gpu <= 0;

    if (!json_is_object(caps))
        return;
    if (gpu > 0)
        watts(gpu_text, sizeof gpu_text, gpu);
    if (package > 0) {
        char text[ENERGY_TEXT];

        watts(text, sizeof text, package);
        snprintf(package_text, sizeof package_text, "%s%s a package", first ? "" : ", ",
                 text);
        first = false;
    }
    if (percent > 0)
        snprintf(cpu_text, sizeof cpu_text, "%s%" PRId64 " %% of its CPU time",
                 first ? "" : ", ", percent);
    add_line(block,
             "kwota:   capped to %s%s%s for %" PRId64 ":%02" PRId64 ":%02" PRId64,
             gpu_text, package_text, cpu_text, s / 3600, s / 60 % 60, s % 60);
}

static void add_doubts(struct block *block, const json_t *summary)
{
    int64_t nodes = integer(summary, "node_count", 1),
            known = integer(summary, "nodes_known", 1);
    size_t i;
    json_t *reason;

    if (nodes > 1)
        add_line(block,
                 "kwota:   provisional: %" PRId64 " of %" PRId64
                 " nodes so far; kwota job shows the final figure",
                 known, nodes);
    json_array_foreach(json_object_get(summary, "reasons"), i, reason)
    {
        if (json_is_string(reason))
            add_line(block, "kwota:   partial: %s", json_string_value(reason));
    }
}

void block_make(struct block *block, const char *job, const json_t *summary)
{
    const json_t *domains = json_object_get(summary, "domains");
    int64_t mj = sum(domains), ms = integer(summary, "elapsed_ms", 0), s = ms / 1000;
    char kwh[ENERGY_TEXT], joules[ENERGY_TEXT], watts[ENERGY_TEXT];
    const char *mark =
        json_is_true(json_object_get(summary, "simulated")) ? " [simulated]" : "";

    block->count = 0;
    if (mj == ENERGY_UNKNOWN) {
        add_line(block, "kwota: job %s: energy unknown: no counter gave a value%s", job,
                 mark);
        return;
    }
    add_line(block,
             "kwota: job %s used %s (%s) in %" PRId64 ":%02" PRId64 ":%02" PRId64
             ", %s on average%s",
             job, energy_kwh_human(kwh, sizeof kwh, mj),
             energy_joules(joules, sizeof joules, mj), s / 3600, s / 60 % 60, s % 60,
             energy_watts(watts, sizeof watts, energy_mean_mw(mj, ms)), mark);
    add_domains(block, domains);
    add_caps(block, json_object_get(summary, "caps"));
    add_doubts(block, summary);
}

void block_none(struct block *block, const char *job, const char *node, const char *why)
{
    block->count = 0;
    add_line(block, "kwota: job %s: no measurement on node %s: %s", job, node, why);
}
