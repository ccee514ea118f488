/* tres.c - numbers in Slurm's texts of resources and licences */
#include "policy/tres.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/watts.h"

/* What follows NAME and `mark` where an item of a comma list begins with them. */
static const char *find_item(const char *list, const char *name, char mark)
{
    size_t length = strlen(name);

    while (list && *list) {
        if (strncmp(list, name, length) == 0 &&
            (list[length] == mark || list[length] == ',' || !list[length]))
            return list + length;
        list = strchr(list, ',');
        if (list)
            list++;
    }
    return NULL;
}

int64_t tres_count(const char *tres, const char *name)
{
    const char *found = find_item(tres, name, '=');
    int64_t count = found && *found == '=' ? strtoll(found + 1, NULL, 10) : 0;

    return count > 0 ? count : 0;
}

int64_t tres_energy_j(const char *tres)
{
    char name[16];
    const char *found;
    int64_t joules;

    snprintf(name, sizeof name, "%d", TRES_ENERGY);
    found = find_item(tres, name, '=');
    if (!found || *found != '=')
        return -1;
    joules = strtoll(found + 1, NULL, 10);
    return joules < INT64_MAX ? joules : -1;
}

int64_t tres_memory_mb(const char *tres)
{
    static const char units[] = "MGTP";
    const char *mem = find_item(tres, "mem", '='), *unit;
    char *end;
    int64_t mb;

    if (!mem || *mem != '=')
        return 0;
    mb = strtoll(mem + 1, &end, 10);
    unit = *end ? strchr(units, *end) : NULL;
    if (mb <= 0 || !unit)
        return 0;
    return mb << (10 * (unit - units));
}

int64_t tres_licences(const char *licences, const char *name)
{
    const char *found = find_item(licences, name, ':');
    int64_t count;

    if (!found)
        return 0;
    count = *found == ':' ? strtoll(found + 1, NULL, 10) : 1;
    return count > 0 ? count : 0;
}

/* Whether the item of a list, of so many characters, is of the licence. */
static int is_of(const char *item, size_t length, const char *name)
{
    size_t named = strlen(name);

    return length >= named && strncmp(item, name, named) == 0 &&
           (length == named || item[named] == ':');
}

int tres_put_licence(const char *licences, const char *name, int64_t count, char *text,
                     int size)
{
    int used = 0;

    if (size < 1)
        return -1;
    text[0] = '\0';
    if (licences && strchr(licences, '|'))
        return -1;
    while (licences && *licences) {
        size_t length = strcspn(licences, ",");

        if (length > 0 && !is_of(licences, length, name) && used < size)
            used += snprintf(text + used, (size_t)(size - used), "%s%.*s",
                             used > 0 ? "," : "", (int)length, licences);
        licences += length + (licences[length] == ',');
    }
    if (count > 0 && used < size)
        used += snprintf(text + used, (size_t)(size - used), "%s%s:%lld",
                         used > 0 ? "," : "", name, (long long)count);
    return used < size ? 0 : -1;
}

int64_t tres_energy_budget(const char *comment)
{
    static const char mark[] = "energy budget ";
    const char *found = comment ? strstr(comment, mark) : NULL;
    int64_t wh = found ? strtoll(found + sizeof mark - 1, NULL, 10) : 0;

    return wh > 0 ? wh : 0;
}

int64_t tres_gpu_power_cap(const char *comment)
{
    static const char mark[] = "gpu power cap ";
    const char *found = comment ? strstr(comment, mark) : NULL;
    char watts[WATTS_TEXT];
    int64_t mw;

    if (!found)
        return 0;
    found += sizeof mark - 1;
    snprintf(watts, sizeof watts, "%.*s", (int)strcspn(found, ";,"), found);
    return watts_parse(watts, &mw) < 0 ? 0 : mw;
}

char *tres_user_words(char *text, int size, int64_t budget_wh, int64_t gpu_cap_mw)
{
    char budget[64] = "", cap[64] = "", watts[WATTS_TEXT];

    if (budget_wh > 0)
        snprintf(budget, sizeof budget, "; energy budget %lld Wh",
                 (long long)budget_wh);
    if (gpu_cap_mw > 0)
        snprintf(cap, sizeof cap, "; gpu power cap %s W",
                 watts_text(gpu_cap_mw, watts));
    snprintf(text, (size_t)size, "%s%s", budget, cap);
    return text;
}

char *tres_keep_words(char *text, int size, const char *words, const char *comment)
{
    char said[128];

    tres_user_words(said, sizeof said, tres_energy_budget(comment),
                    tres_gpu_power_cap(comment));
    snprintf(text, (size_t)size, "%.*s%s", size - 1 - (int)strlen(said), words, said);
    return text;
}

/* Adds the type that `item`, of so many characters, begins with, if it is not there. */
static void add_type(const char *item, size_t length, char *text, int size)
{
    int type = (int)strcspn(item, "=:(,"), used = (int)strlen(text);

    if ((size_t)type >= length || type == 0 ||
        strspn(item, "0123456789") >= (size_t)type)
        return;
    for (const char *at = text; *at; at += strcspn(at, ","), at += *at == ',')
        if ((int)strcspn(at, ",") == type && strncmp(at, item, (size_t)type) == 0)
            return;
    if (used + type + 2 <= size)
        snprintf(text + used, (size_t)(size - used), "%s%.*s", used ? "," : "", type,
                 item);
}

static void add_types(const char *list, const char *mark, char *text, int size)
{
    while (list && *list) {
        size_t length = strcspn(list, ","), marked = strlen(mark);

        if (length > marked && strncmp(list, mark, marked) == 0)
            add_type(list + marked, length - marked, text, size);
        list += length + (list[length] == ',');
    }
}

void tres_gpu_types(const char *tres, const char *gres, char *text, int size)
{
    text[0] = '\0';
    add_types(tres, "gres/gpu:", text, size);
    if (!text[0])
        add_types(gres, "gpu:", text, size);
    if (!text[0])
        add_types(gres, "gres:gpu:", text, size);
}

/* A GPU in parts is a GPU. */
static bool is_gpu(const char *item)
{
    return strncmp(item, "gpu:", 4) == 0 || strncmp(item, "shard:", 6) == 0 ||
           strncmp(item, "mps:", 4) == 0;
}

void tres_gpu_places(const char *detail, char *text, int size)
{
    static const char mark[] = "(IDX:";
    const char *item = detail, *places;
    int used = 0;

    text[0] = '\0';
    while (item && (places = strstr(item, mark))) {
        int length;

        places += sizeof mark - 1;
        length = (int)strcspn(places, ")");
        if (is_gpu(item) && used + length + 2 > size) {
            text[0] = '\0';
            return;
        }
        if (is_gpu(item) && length > 0)
            used += snprintf(text + used, (size_t)(size - used), "%s%.*s",
                             used ? "," : "", length, places);
        item = places + length;
        item += strspn(item, "),");
    }
}
