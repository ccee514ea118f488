/* choose.c - which of the counters found are charged
 *
 * Of every kind the counters of one source, the most preferred that has any. A platform
 * meter covers others: what it shows beyond them is charged, so nothing counts twice.
 */
#include "plugin/meter/counter.h"

#include <stdio.h>
#include <string.h>

/* It could give values, if not now. */
static bool is_candidate(const struct counter *counter, int source, int kind)
{
    return counter->charged && (int)counter->source == source &&
           (int)counter->kind == kind;
}

static int chosen_source(const struct counters *counters, int kind)
{
    const int *prefer = counters->sources->prefer[kind];

    for (int p = 0; p < SOURCES && prefer[p] >= 0; p++)
        for (int c = 0; c < counters->count; c++)
            if (is_candidate(&counters->item[c], prefer[p], kind))
                return prefer[p];
    return -1;
}

static void choose_kind(struct counters *counters, int kind)
{
    int chosen = chosen_source(counters, kind);
    char why[COUNTER_REASON];

    if (chosen >= 0)
        snprintf(why, sizeof why, "%s is preferred for %s energy",
                 counter_source_name((enum counter_source)chosen),
                 counter_kind_name((enum counter_kind)kind));
    else
        snprintf(why, sizeof why, "the list of sources leaves %s energy out",
                 counter_kind_name((enum counter_kind)kind));
    for (int c = 0; c < counters->count; c++) {
        struct counter *counter = &counters->item[c];

        if (counter->charged && (int)counter->kind == kind &&
            (int)counter->source != chosen)
            counter_leave_out(counter, why);
    }
}

/* What the list of sources says that the counter covers; NULL: nothing. */
static const uint32_t *told_kinds(const struct sources *sources,
                                  const struct counter *counter)
{
    for (int o = 0; o < sources->overlap_count; o++)
        if (strcmp(sources->overlaps[o].counter, counter->name) == 0)
            return &sources->overlaps[o].kinds;
    return NULL;
}

static bool is_number(char c)
{
    return c >= '0' && c <= '9';
}

/* The number at the end of a name: which socket a module's meter is for; -1: none. The
 * number in "acpi#2" only makes the name unique. */
static int number_of(const struct counter *counter)
{
    size_t length = strlen(counter->name), at = length;
    int number = 0;

    while (at > 0 && is_number(counter->name[at - 1]))
        at--;
    if (at == length || length - at > 4 || strchr(counter->name, '#'))
        return -1;
    for (; at < length; at++)
        number = number * 10 + counter->name[at] - '0';
    return number;
}

static int count_platforms(const struct counters *counters)
{
    int platforms = 0;

    for (int c = 0; c < counters->count; c++)
        if (counters->item[c].charged && counters->item[c].kind == COUNTER_PLATFORM)
            platforms++;
    return platforms;
}

/* Where there are several platform meters (one a superchip), each covers the parts of
 * its own number; what the list of sources says goes for one without a number. */
static bool lies_inside(const struct counters *counters, const struct counter *platform,
                        const struct counter *part)
{
    const uint32_t *told = told_kinds(counters->sources, platform);
    uint32_t kinds = told ? *told : platform->covers_kinds;
    int number = number_of(platform);

    if (!part->charged || part->kind == COUNTER_PLATFORM || !(kinds & 1U << part->kind))
        return false;
    return count_platforms(counters) == 1 || (told && number < 0) ||
           number == number_of(part);
}

/* One meter among several that says nothing of which parts it covers would count some
 * of them twice. */
static void leave_out_unplaced(struct counters *counters)
{
    if (count_platforms(counters) < 2)
        return;
    for (int c = 0; c < counters->count; c++) {
        struct counter *counter = &counters->item[c];

        if (counter->charged && counter->kind == COUNTER_PLATFORM &&
            number_of(counter) < 0 && !told_kinds(counters->sources, counter))
            counter_leave_out(counter, "one of several meters, and what it covers is "
                                       "not known: \"overlaps\" can say it");
    }
}

static void cover(struct counters *counters)
{
    for (int p = 0; p < counters->count; p++) {
        struct counter *platform = &counters->item[p];

        platform->covers = 0;
        if (!platform->charged || platform->kind != COUNTER_PLATFORM)
            continue;
        for (int c = 0; c < counters->count; c++)
            if (lies_inside(counters, platform, &counters->item[c]))
                platform->covers |= UINT64_C(1) << c;
    }
}

void counters_choose(struct counters *counters)
{
    for (int k = 0; k < COUNTER_CORE; k++)
        choose_kind(counters, k);
    for (int c = 0; c < counters->count; c++)
        if (counters->item[c].kind == COUNTER_CORE && counters->item[c].charged)
            counter_leave_out(&counters->item[c],
                              "lies inside another counter: not counted twice");
    leave_out_unplaced(counters);
    cover(counters);
}
