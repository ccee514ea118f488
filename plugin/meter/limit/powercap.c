/* powercap.c - the power limits of CPU packages as Linux's powercap shows them
 *
 * Documentation/power/powercap/powercap.rst of Linux: a zone's constraint N has a name,
 * a power limit and a maximum in microwatts. A package's "long_term" is the one that is
 * held on average over its time window, about a second on servers. What
 * drivers/powercap/intel_rapl_common.c does: it checks no range; max_power_uw is the
 * package's nominal (thermal design) power, which firmware often lets the limit exceed;
 * there is no minimum; `enabled` of 0 says that the limit is not in force, or locked by
 * the firmware, when writing it is EACCES. AMD's packages tell energy and have no
 * constraints.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/meter/limit/file.h"
#include "plugin/meter/limit/kind.h"

#define CONSTRAINTS 8 /* no zone has more than three today */

#define ZONES "/sys/class/powercap"

/* intel-rapl-mmio is another way to the same package; it has no limits of its own
 * here. */
static int is_package_zone(const struct dirent *entry)
{
    const char *colon = strchr(entry->d_name, ':');

    return strncmp(entry->d_name, "intel-rapl:", 11) == 0 && !strchr(colon + 1, ':');
}

static void zone_path(const struct limits *limits, const char *zone, const char *file,
                      char path[LIMIT_PATH])
{
    snprintf(path, LIMIT_PATH, "%.390s" ZONES "/%.40s/%.60s", limits->sources->root,
             zone, file);
}

/* FOLDER/constraint_N_WHAT */
static void constraint_path(const struct limits *limits, const char *zone, int number,
                            const char *what, char path[LIMIT_PATH])
{
    char file[64];

    snprintf(file, sizeof file, "constraint_%d_%s", number, what);
    zone_path(limits, zone, file, path);
}

/* The number of the zone's constraint of this name; -1: it has none. */
static int constraint_of(const struct limits *limits, const char *zone,
                         const char *name)
{
    char path[LIMIT_PATH], told[32];

    for (int n = 0; n < CONSTRAINTS; n++) {
        constraint_path(limits, zone, n, "name", path);
        counter_line(path, told, sizeof told);
        if (strcmp(told, name) == 0)
            return n;
    }
    return -1;
}

static int64_t constraint_mw(const struct limits *limits, const char *zone, int number,
                             const char *what)
{
    char path[LIMIT_PATH];

    constraint_path(limits, zone, number, what, path);
    return limit_file_mw(path);
}

/* Firmware may let a package draw more than its nominal power for good: up to its
 * short-term limit, which nobody here changes, so that the range stays the same however
 * low the long-term one is found. */
static void find_range(const struct limits *limits, const char *zone,
                       struct limit *limit)
{
    int64_t nominal = constraint_mw(limits, zone, limit->device, "max_power_uw");
    int64_t least = constraint_mw(limits, zone, limit->device, "min_power_uw");
    int brief = constraint_of(limits, zone, "short_term");
    int64_t most =
        brief >= 0 ? constraint_mw(limits, zone, brief, "power_limit_uw") : 0;

    limit_range(limit, least, nominal > 0 && most > nominal ? most : nominal, nominal);
}

static void open_zone(struct limits *limits, const char *zone)
{
    char path[LIMIT_PATH], name[COUNTER_NAME], enabled[8];
    int number = constraint_of(limits, zone, "long_term");
    struct limit *limit;

    zone_path(limits, zone, "name", path);
    counter_line(path, name, sizeof name);
    if (strncmp(name, "package", 7) != 0 || number < 0 || limits_taken(limits, name))
        return;
    limit = limits_add(limits, LIMIT_POWERCAP, COUNTER_PACKAGE);
    if (!limit)
        return;
    limit->device = number;
    snprintf(limit->name, sizeof limit->name, "%s", name);
    snprintf(limit->id, sizeof limit->id, "powercap:%.60s", zone);
    zone_path(limits, zone, "enabled", path);
    counter_line(path, enabled, sizeof enabled);
    constraint_path(limits, zone, number, "power_limit_uw", path);
    limit_file_check(path, limit->why);
    if (strcmp(enabled, "0") == 0)
        snprintf(limit->why, sizeof limit->why,
                 "its limit is not in force: the firmware locks it, or `enabled` of "
                 "%.40s is 0",
                 zone);
    find_range(limits, zone, limit);
}

static const char *find_limits(struct limits *limits)
{
    char folder[LIMIT_PATH];
    struct dirent **zones;
    int found, before = limits->count;

    snprintf(folder, sizeof folder, "%.390s" ZONES, limits->sources->root);
    found = scandir(folder, &zones, is_package_zone, versionsort);
    if (found < 0)
        return "there is no sys/class/powercap";
    for (int i = 0; i < found; i++) {
        open_zone(limits, zones[i]->d_name);
        free(zones[i]);
    }
    free(zones);
    return limits->count > before ? NULL : "no package has a long-term limit";
}

static void path_of(const struct limits *limits, const struct limit *limit,
                    char path[LIMIT_PATH])
{
    constraint_path(limits, limit->id + strlen("powercap:"), limit->device,
                    "power_limit_uw", path);
}

static enum limit_error read_limit(const struct limits *limits,
                                   const struct limit *limit, int64_t *mw,
                                   char why[LIMIT_WHY])
{
    char path[LIMIT_PATH];

    path_of(limits, limit, path);
    return limit_file_read(path, mw, why);
}

static enum limit_error set_limit(const struct limits *limits,
                                  const struct limit *limit, int64_t mw,
                                  char why[LIMIT_WHY])
{
    char path[LIMIT_PATH];

    path_of(limits, limit, path);
    return limit_file_write(path, mw, why);
}

const struct limit_ops limit_powercap = {.source = SOURCE_POWERCAP,
                                         .find = find_limits,
                                         .read = read_limit,
                                         .set = set_limit};
