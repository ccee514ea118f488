/* powercap.c - RAPL energy counters as Linux's powercap shows them */
#include "plugin/meter/source/powercap.h"

#include <dirent.h>
#include <errno.h>
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

/* The first line of FOLDER/ZONE/FILE, or an empty string. */
static void read_line(const char *folder, const char *zone, const char *file,
                      char *line, size_t size)
{
    char path[1024];
    ssize_t len = -1;
    int fd;

    snprintf(path, sizeof path, "%s/%s/%s", folder, zone, file);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        len = read(fd, line, size - 1);
        close(fd);
    }
    line[len > 0 ? len : 0] = '\0';
    line[strcspn(line, "\n")] = '\0';
}

static int64_t read_number(const char *folder, const char *zone, const char *file)
{
    char line[64], *end;
    long long value;

    read_line(folder, zone, file, line, sizeof line);
    errno = 0;
    value = strtoll(line, &end, 10);
    return line[0] && *end == '\0' && errno == 0 && value > 0 ? value : 0;
}

static void leave_out(struct counter *counter, const char *why)
{
    counter->charged = false;
    snprintf(counter->reason, sizeof counter->reason, "%s", why);
}

/* What a subzone is called: after its package, so that names are unique on the node. */
static void name_after_package(struct counter *counter, const char *folder,
                               const char *zone, const char *what)
{
    char parent[64], name[COUNTER_NAME];
    const char *number;

    snprintf(parent, sizeof parent, "%.*s", (int)(strrchr(zone, ':') - zone), zone);
    read_line(folder, parent, "name", name, sizeof name);
    number = strncmp(name, "package-", 8) == 0 ? name + 8 : strchr(parent, ':') + 1;
    snprintf(counter->name, sizeof counter->name, "%.10s-%.20s", what, number);
}

static void classify(struct counter *counter, const char *folder, const char *zone)
{
    char name[COUNTER_NAME];

    read_line(folder, zone, "name", name, sizeof name);
    snprintf(counter->name, sizeof counter->name, "%.31s", name[0] ? name : zone);
    counter->charged = true;
    counter->max_power_mw = DEFAULT_PACKAGE_MW;
    if (strncmp(name, "package", 7) == 0) {
        counter->kind = COUNTER_PACKAGE;
    } else if (strcmp(name, "dram") == 0) {
        counter->kind = COUNTER_DRAM;
        counter->max_power_mw = DEFAULT_DRAM_MW;
        name_after_package(counter, folder, zone, name);
    } else if (strcmp(name, "psys") == 0) {
        counter->kind = COUNTER_PLATFORM;
        leave_out(counter, "covers the packages: not counted twice");
    } else if (strcmp(name, "core") == 0 || strcmp(name, "uncore") == 0) {
        counter->kind = COUNTER_CORE;
        name_after_package(counter, folder, zone, name);
        leave_out(counter, "lies inside its package: not counted twice");
    } else {
        counter->kind = COUNTER_PLATFORM;
        leave_out(counter, "a zone of a name kwota does not know");
    }
    if (strncmp(zone, "intel-rapl-mmio", 15) == 0) {
        snprintf(counter->name, sizeof counter->name, "mmio-%.24s", name);
        leave_out(counter, "repeats intel-rapl: not counted twice");
    }
}

static void open_zone(struct counter *counter, const char *folder, const char *zone)
{
    char path[1024];
    int64_t limit_uw;

    memset(counter, 0, sizeof *counter);
    counter->source = "powercap";
    classify(counter, folder, zone);
    counter->range_uj = read_number(folder, zone, "max_energy_range_uj");
    /* Short peaks are allowed to exceed the zone's maximum; twice that, nothing does.
     */
    limit_uw = read_number(folder, zone, "constraint_0_max_power_uw");
    if (limit_uw > 0)
        counter->max_power_mw = limit_uw / 1000 * 2;
    snprintf(path, sizeof path, "%s/%s/energy_uj", folder, zone);
    counter->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (counter->fd < 0)
        snprintf(counter->reason, sizeof counter->reason, "energy_uj: %s",
                 strerror(errno));
    else if (counter->range_uj == 0 && counter->charged) {
        snprintf(counter->reason, sizeof counter->reason,
                 "max_energy_range_uj cannot be read: a wrap could not be told");
        counter_close(counter);
    }
}

int powercap_find(const char *root, struct counter *counters, int max)
{
    char folder[512];
    struct dirent **zones;
    int found, count = 0;

    snprintf(folder, sizeof folder, "%s/sys/class/powercap", root);
    found = scandir(folder, &zones, is_zone, versionsort);
    if (found < 0)
        return 0;
    for (int i = 0; i < found; i++) {
        if (count < max)
            open_zone(&counters[count++], folder, zones[i]->d_name);
        free(zones[i]);
    }
    free(zones);
    return count;
}
