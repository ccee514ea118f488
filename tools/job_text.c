/* job_text.c - a run as text, for kwota job */
#include "tools/job_text.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policy/energy.h"
#include "policy/watts.h"
#include "tools/money.h"
#include "tools/table.h"

static const struct {
    const char *name, *key, *column;
} kinds[] = {{"cpu", "cpu_mj", ">CPU"},
             {"dram", "dram_mj", ">DRAM"},
             {"gpu", "gpu_mj", ">GPU"},
             {"other", "other_mj", ">OTHER"}};

#define KINDS (sizeof kinds / sizeof *kinds)

int64_t job_integer(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    return json_is_integer(value) ? json_integer_value(value) : ENERGY_UNKNOWN;
}

const char *job_string(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));

    return value ? value : "";
}

static const char *mark(const json_t *run)
{
    return json_is_true(json_object_get(run, "simulated")) ? " [simulated]" : "";
}

static int64_t elapsed_s(const json_t *run)
{
    int64_t end = job_integer(run, "end"), start = job_integer(run, "start");

    return (end == ENERGY_UNKNOWN ? (int64_t)time(NULL) : end) - start;
}

/* "1.23 kWh (4428000 J)" */
static const char *both(char *buf, size_t size, int64_t mj)
{
    char kwh[ENERGY_TEXT], joules[ENERGY_TEXT];

    if (mj == ENERGY_UNKNOWN)
        snprintf(buf, size, "unknown");
    else
        snprintf(buf, size, "%s (%s)", energy_kwh_human(kwh, sizeof kwh, mj),
                 energy_joules(joules, sizeof joules, mj));
    return buf;
}

static void print_time(const char *label, int64_t when)
{
    char stamp[32] = "not yet";
    time_t t = (time_t)when;
    struct tm tm;

    if (when != ENERGY_UNKNOWN)
        strftime(stamp, sizeof stamp, "%Y-%m-%d %H:%M:%S", localtime_r(&t, &tm));
    printf("  %-10s %s\n", label, stamp);
}

static bool is_in(const json_t *list, const char *name)
{
    size_t i;
    json_t *one;

    json_array_foreach(list, i, one)
    {
        if (json_is_string(one) && strcmp(json_string_value(one), name) == 0)
            return true;
    }
    return false;
}

/* Each with where it comes from: a counter that the job had to itself, or its part of
 * one that was divided. */
static void print_kinds(const json_t *run)
{
    const json_t *energy = json_object_get(run, "energy");
    const json_t *apportioned = json_object_get(run, "apportioned");
    const json_t *integrated = json_object_get(run, "integrated");
    char buf[2 * ENERGY_TEXT + 8];

    for (size_t k = 0; k < KINDS; k++)
        if (job_integer(energy, kinds[k].key) != ENERGY_UNKNOWN)
            printf("    %-8s %s, %s%s\n", kinds[k].name,
                   both(buf, sizeof buf, job_integer(energy, kinds[k].key)),
                   is_in(apportioned, kinds[k].name) ? "apportioned" : "measured",
                   is_in(integrated, kinds[k].name) ? ", from power over time" : "");
}

/* "10:02", with the day where that is not the run's first. */
static void put_moment(char *text, size_t size, int64_t when_s, int64_t start_s)
{
    time_t when = (time_t)when_s, start = (time_t)start_s;
    struct tm tm, first;

    localtime_r(&when, &tm);
    localtime_r(&start, &first);
    strftime(text, size,
             tm.tm_yday == first.tm_yday && tm.tm_year == first.tm_year
                 ? "%H:%M:%S"
                 : "%Y-%m-%d %H:%M:%S",
             &tm);
}

/* "gpu at 250 W", "CPU time at 50 %" */
static void put_limit(char *text, size_t size, const json_t *spell)
{
    int64_t mw = job_integer(spell, "mw"), percent = job_integer(spell, "percent");
    char watts[WATTS_TEXT];

    if (percent != ENERGY_UNKNOWN)
        snprintf(text, size, "CPU time at %" PRId64 " %%", percent);
    else if (mw != ENERGY_UNKNOWN)
        snprintf(text, size, "%s at %s W", job_string(spell, "what"),
                 watts_text(mw, watts));
    else
        snprintf(text, size, "%s", job_string(spell, "what"));
}

static void print_spell(const json_t *run, const json_t *spell, const char *label)
{
    static const struct {
        const char *state, *before;
    } words[] = {{"set", "capped: "},
                 {"shared", "capped, but for a job it shares with higher: "},
                 {"foreign", "NOT capped, somebody else has set another limit: "},
                 {"failed", "NOT capped, setting it failed: "}};
    int64_t start = job_integer(run, "start"), until = job_integer(spell, "until_s");
    char from[32], to[32] = "now", limit[80];
    const char *before = "", *why = job_string(spell, "why");

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(words[i].state, job_string(spell, "state")) == 0)
            before = words[i].before;
    put_moment(from, sizeof from, job_integer(spell, "from_s"), start);
    if (until != ENERGY_UNKNOWN)
        put_moment(to, sizeof to, until, start);
    put_limit(limit, sizeof limit, spell);
    printf("  %-10s %s to %s %s%s%s%s (%s)\n", label, from, to, before, limit,
           why[0] ? ", " : "", why, job_string(spell, "devices"));
}

static void print_caps(const json_t *run)
{
    size_t i;
    json_t *spell;

    json_array_foreach(json_object_get(run, "caps"), i, spell)
        print_spell(run, spell, i == 0 ? "caps" : "");
    if (job_integer(run, "capped_ms") > 0)
        printf("  %-10s capped for %" PRId64 " s in all\n", i == 0 ? "caps" : "",
               job_integer(run, "capped_ms") / 1000);
}

static void print_nodes(const json_t *run)
{
    static const char *const columns[] = {"NODE", ">KWH", ">JOULES", "FINAL", NULL};
    struct table *table = table_new(columns);
    size_t i;
    json_t *node;

    json_array_foreach(json_object_get(run, "nodes"), i, node)
    {
        char kwh[ENERGY_TEXT], joules[ENERGY_TEXT];
        int64_t mj = job_integer(node, "total_mj");
        const char *cells[] = {
            job_string(node, "node"), energy_kwh(kwh, sizeof kwh, mj, 6),
            energy_joules(joules, sizeof joules, mj),
            json_is_true(json_object_get(node, "final")) ? "yes" : "not yet"};

        table_add(table, cells);
    }
    table_print(table);
}

/* A kwotad of before does not tell. */
static int64_t left_out(const json_t *run, const char *key)
{
    int64_t mj = job_integer(run, key);

    return mj == ENERGY_UNKNOWN ? 0 : mj;
}

/* Nothing where there was no tariff. */
static void print_price(const json_t *run)
{
    int64_t price_u = job_integer(run, "price_u"), co2_mg = job_integer(run, "co2_mg");
    char text[MONEY_TEXT];

    if (price_u != ENERGY_UNKNOWN)
        printf("  %-10s %s\n", "price",
               money_least(money_amount(price_u, job_string(run, "currency"), text),
                           left_out(run, "unpriced_mj")));
    if (co2_mg != ENERGY_UNKNOWN)
        printf("  %-10s %s\n", "CO2",
               money_least(money_co2(co2_mg, text), left_out(run, "co2_unknown_mj")));
}

static void print_pruned(const json_t *run)
{
    size_t i;
    json_t *node;

    print_time("pruned", job_integer(run, "pruned_s"));
    printf("             its detail was dropped then: counts by node, steps, caps and "
           "the course\n             over time; what was charged is kept. It ran on");
    json_array_foreach(json_object_get(run, "nodes"), i, node)
        printf("%s %s", i ? "," : "", job_string(node, "node"));
    puts("");
}

void job_print(const json_t *run)
{
    const json_t *energy = json_object_get(run, "energy");
    int64_t total = job_integer(energy, "total_mj"),
            charge = job_integer(run, "charge_mj");
    char buf[2 * ENERGY_TEXT + 8], watts[ENERGY_TEXT];
    size_t i;
    json_t *reason;

    printf("Job %s%s\n", job_string(run, "job_id"), mark(run));
    if (job_integer(run, "restart") > 0)
        printf("  %-10s %" PRId64 "\n", "restart", job_integer(run, "restart"));
    printf("  %-10s %s\n", "name", job_string(run, "name"));
    printf("  %-10s %s, account %s, partition %s\n", "user", job_string(run, "user"),
           job_string(run, "account"), job_string(run, "partition"));
    printf("  %-10s %s (Slurm: %s)\n", "state", job_string(run, "state"),
           job_string(run, "slurm_state"));
    print_time("start", job_integer(run, "start"));
    print_time("end", job_integer(run, "end"));
    printf("  %-10s %s, %s on average\n", "energy", both(buf, sizeof buf, total),
           energy_watts(watts, sizeof watts,
                        energy_mean_mw(total, elapsed_s(run) * 1000)));
    print_kinds(run);
    printf("  %-10s %s\n", "charge",
           charge == ENERGY_UNKNOWN ? "not settled yet"
                                    : both(buf, sizeof buf, charge));
    print_price(run);
    print_caps(run);
    printf("  %-10s %s\n", "quality", job_string(run, "quality"));
    json_array_foreach(json_object_get(run, "reasons"), i, reason)
        printf("             %s\n", json_string_value(reason));
    if (job_integer(run, "pruned_s") != ENERGY_UNKNOWN)
        print_pruned(run);
    else
        print_nodes(run);
}

void job_print_summary(const json_t *run)
{
    const json_t *energy = json_object_get(run, "energy");
    int64_t total = job_integer(energy, "total_mj"), s = elapsed_s(run);
    char kwh[ENERGY_TEXT], joules[ENERGY_TEXT], watts[ENERGY_TEXT];

    if (total == ENERGY_UNKNOWN) {
        printf("kwota: job %s: energy unknown so far%s\n", job_string(run, "job_id"),
               mark(run));
        return;
    }
    printf("kwota: job %s used %s (%s) in %" PRId64 ":%02" PRId64 ":%02" PRId64
           ", %s on average%s\n",
           job_string(run, "job_id"), energy_kwh_human(kwh, sizeof kwh, total),
           energy_joules(joules, sizeof joules, total), s / 3600, s / 60 % 60, s % 60,
           energy_watts(watts, sizeof watts, energy_mean_mw(total, s * 1000)),
           mark(run));
    if (json_array_size(json_object_get(run, "apportioned")) > 0)
        printf("kwota:   apportioned: part of it is the job's share of what it shared "
               "with others\n");
    if (strcmp(job_string(run, "state"), "settled") != 0)
        printf("kwota:   provisional; kwota job %s shows the final figure\n",
               job_string(run, "job_id"));
}

/* "1:02:03" */
static void write_duration(char *buf, size_t size, int64_t ms)
{
    int64_t s = ms / 1000;

    snprintf(buf, size, "%" PRId64 ":%02" PRId64 ":%02" PRId64, s / 3600, s / 60 % 60,
             s % 60);
}

/* Those kinds that any step has. */
static size_t kinds_of(const json_t *steps, size_t used[KINDS])
{
    size_t count = 0, i;
    json_t *step;

    for (size_t k = 0; k < KINDS; k++) {
        bool any = false;

        json_array_foreach(steps, i, step)
        {
            if (job_integer(json_object_get(step, "energy"), kinds[k].key) !=
                ENERGY_UNKNOWN)
                any = true;
        }
        if (any)
            used[count++] = k;
    }
    return count;
}

static void add_step(struct table *table, const json_t *step, const size_t *used,
                     size_t count)
{
    const json_t *energy = json_object_get(step, "energy");
    int64_t end = job_integer(step, "end_ms"), total = job_integer(energy, "total_mj");
    char nodes[24], elapsed[32] = "runs", cpu[32], kwh[ENERGY_TEXT],
                    joules[1 + KINDS][ENERGY_TEXT];
    const char *cells[6 + KINDS] = {
        job_string(step, "step"), nodes, elapsed, cpu, kwh, joules[0]};

    snprintf(nodes, sizeof nodes, "%" PRId64, job_integer(step, "nodes"));
    if (end != ENERGY_UNKNOWN)
        write_duration(elapsed, sizeof elapsed, end - job_integer(step, "start_ms"));
    write_duration(cpu, sizeof cpu, job_integer(step, "cpu_ns") / 1000000);
    energy_kwh(kwh, sizeof kwh, total, 6);
    energy_joules(joules[0], ENERGY_TEXT, total);
    for (size_t i = 0; i < count; i++)
        cells[6 + i] = energy_joules(joules[1 + i], ENERGY_TEXT,
                                     job_integer(energy, kinds[used[i]].key));
    table_add(table, cells);
}

void job_print_steps(const json_t *run)
{
    const json_t *steps = json_object_get(run, "steps");
    const char *columns[7 + KINDS] = {"STEP",      ">NODES", ">ELAPSED",
                                      ">CPU_TIME", ">KWH",   ">JOULES"};
    size_t used[KINDS], count = kinds_of(steps, used), i;
    struct table *table;
    json_t *step;

    putchar('\n');
    if (json_array_size(steps) == 0) {
        puts(job_integer(run, "pruned_s") != ENERGY_UNKNOWN
                 ? "What was counted of its steps was dropped."
                 : "No step of it has been counted.");
        return;
    }
    for (i = 0; i < count; i++)
        columns[6 + i] = kinds[used[i]].column;
    table = table_new(columns);
    json_array_foreach(steps, i, step) add_step(table, step, used, count);
    table_print(table);
}
