/* tres.c - numbers in Slurm's texts of resources and licences */
#include "policy/tres.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
