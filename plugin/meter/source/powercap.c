/* powercap.c - RAPL energy counters as Linux's powercap shows them */
#include "plugin/meter/source/powercap.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Where a zone names no maximum: what no package and no memory of one socket exceeds. A
 * larger figure would only make fewer wraps certain. */
#define DEFAULT_PACKAGE_MW 1000000
#define DEFAULT_DRAM_MW 300000

static int is_zone(const struct dirent *entry)
{
    return strncmp(entry->d_name, "intel-rapl", 10) == 0 && strchr(entry->d_name, ':');
}

/* The line in FOLDER/ZONE/FILE, or an empty string. */
static void zone_line(const char *folder, const char *zone, const char *file,
                      char *line, int size)
{
    char path[1024];

    snprintf(path, sizeof path, "%s/%s/%s", folder, zone, file);
    counter_line(path, line, size);
}

static int64_t zone_number(const char *folder, const char *zone, const char *file)
{
    char path[1024];

    snprintf(path, sizeof path, "%s/%s/%s", folder, zone, file);
    return counter_number(path, 0);
}

/* What a subzone is called: after its package, so that names are unique on the node. */
static void name_after_package(const char *folder, const char *zone, const char *what,
                               char *name, size_t size)
{
    char parent[64], package[COUNTER_NAME];
    const char *number;

    snprintf(parent, sizeof parent, "%.*s", (int)(strrchr(zone, ':') - zone), zone);
    zone_line(folder, parent, "name", package, sizeof package);
    number = strncmp(package, "package-", 8) == 0 ? package + 8
             : strchr(parent, ':')                ? strchr(parent, ':') + 1
                                                  : parent;
    snprintf(name, size, "%.10s-%.20s", what, number);
}

/* Why a zone that is neither package, memory nor platform is not charged. */
static const char *why_left_out(const char *told)
{
    if (strcmp(told, "core") == 0 || strcmp(told, "uncore") == 0)
        return "lies inside its package: not counted twice";
    if (strncmp(told, "psys-", 5) == 0)
        return "the platform as another socket sees it: not counted twice";
    return "a zone of a name kwota does not know";
}

static bool is_amd(const char *root)
{
    char path[512], text[256];
    ssize_t got = -1;
    int fd;

    snprintf(path, sizeof path, "%s/proc/cpuinfo", root);
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd >= 0) {
        got = read(fd, text, sizeof text);
        close(fd);
    }
    return got > 0 && (memmem(text, (size_t)got, "AuthenticAMD", 12) ||
                       memmem(text, (size_t)got, "HygonGenuine", 12));
}

/* AMD's counter is the package's. Where the kernel gives each die a zone, as on the
 * first EPYC and Threadripper, and on later ones with kernels that take core complexes
 * for dies (Linux 6.9 until commit 26096aed255f), every zone shows the same energy.
 * Intel's dies have a counter each. */
static bool repeats_package(const struct counters *counters, const char *told)
{
    const char *die = strstr(told, "-die-");

    return die && is_amd(counters->sources->root) && strcmp(die, "-die-0") != 0;
}

/* Adds the zone under the name and the kind it has. */
static struct counter *add(struct counters *counters, const char *folder,
                           const char *zone, const char *told)
{
    char name[COUNTER_NAME];
    struct counter *counter;

    snprintf(name, sizeof name, "%.31s", told[0] ? told : zone);
    if (strncmp(told, "package", 7) == 0) {
        counter = counters_add(counters, SOURCE_POWERCAP, COUNTER_PACKAGE, name);
        if (counter && repeats_package(counters, told))
            counter_leave_out(counter, "shows its package's energy once more, as AMD's "
                                       "dies do: not counted twice");
        return counter;
    }
    if (strcmp(told, "psys") == 0) {
        counter = counters_add(counters, SOURCE_POWERCAP, COUNTER_PLATFORM, name);
        if (counter)
            counter->covers_kinds = 1U << COUNTER_PACKAGE | 1U << COUNTER_DRAM;
        return counter;
    }
    if (strcmp(told, "dram") == 0) {
        name_after_package(folder, zone, told, name, sizeof name);
        return counters_add(counters, SOURCE_POWERCAP, COUNTER_DRAM, name);
    }
    if (strcmp(told, "core") == 0 || strcmp(told, "uncore") == 0)
        name_after_package(folder, zone, told, name, sizeof name);
    counter = counters_add(counters, SOURCE_POWERCAP, COUNTER_CORE, name);
    if (counter)
        counter_leave_out(counter, why_left_out(told));
    return counter;
}

static void open_zone(struct counters *counters, const char *folder, const char *zone)
{
    char told[COUNTER_NAME], name[COUNTER_NAME];
    struct counter *counter;
    int64_t limit_uw;

    zone_line(folder, zone, "name", told, sizeof told);
    if (strncmp(zone, "intel-rapl-mmio", 15) == 0) {
        snprintf(name, sizeof name, "mmio-%.24s", told);
        counter = counters_add(counters, SOURCE_POWERCAP, COUNTER_CORE, name);
        if (counter)
            counter_leave_out(counter, "repeats intel-rapl: not counted twice");
    } else {
        counter = add(counters, folder, zone, told);
    }
    if (!counter)
        return;
    counter->max_power_mw =
        counter->kind == COUNTER_DRAM ? DEFAULT_DRAM_MW : DEFAULT_PACKAGE_MW;
    counter->range_uj = zone_number(folder, zone, "max_energy_range_uj");
    /* Short peaks are allowed to exceed the zone's maximum; twice that, nothing does.
     */
    limit_uw = zone_number(folder, zone, "constraint_0_max_power_uw");
    if (limit_uw > 0 && limit_uw < INT64_C(10000000000))
        counter->max_power_mw = limit_uw / 1000 * 2;
    snprintf(counter->path, sizeof counter->path, "%.180s/%.40s/energy_uj", folder,
             zone);
    if (counter->range_uj == 0 && counter->charged)
        counter_leave_out(
            counter, "max_energy_range_uj cannot be read: a wrap could not be told");
    else if (counter->charged)
        counter_open_file(counter);
}

const char *powercap_find(struct counters *counters)
{
    char folder[512];
    struct dirent **zones;
    int found;

    snprintf(folder, sizeof folder, "%s/sys/class/powercap", counters->sources->root);
    found = scandir(folder, &zones, is_zone, versionsort);
    if (found < 0)
        return "there is no sys/class/powercap";
    for (int i = 0; i < found; i++) {
        open_zone(counters, folder, zones[i]->d_name);
        free(zones[i]);
    }
    free(zones);
    return found > 0 ? NULL : "sys/class/powercap has no intel-rapl zone";
}
