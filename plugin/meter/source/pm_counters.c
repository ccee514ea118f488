/* pm_counters.c - HPE Cray EX's node counters */
#include "plugin/meter/source/pm_counters.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "plugin/meter/text.h"

#define NS_PER_S INT64_C(1000000000)

/* No blade's node draws more. */
#define MAX_NODE_MW 20000000

/* At ten scans a second, a freshness that stands still so long means a dead
 * controller. */
#define STALE_NS (2 * NS_PER_S)

#define MAX_ACCELERATORS 16
#define ALL_PARTS (1U << COUNTER_PACKAGE | 1U << COUNTER_DRAM | 1U << COUNTER_GPU)

/* A file that all counters share. */
struct shared {
    char path[640];
    bool there; /* old firmware has not all of them */
    int fd;     /* -1: it is opened with the next reading */
};

/* One node, one controller: there is one of it. */
static struct {
    struct shared freshness_file, startup_file;
    int64_t freshness, startup;
    int64_t moved_ns; /* when the freshness changed last; 0: never seen */
    char why[COUNTER_REASON];
} controller = {.freshness_file = {.fd = -1}, .startup_file = {.fd = -1}};

static void find_shared(struct shared *shared, const char *folder, const char *file)
{
    snprintf(shared->path, sizeof shared->path, "%s/%s", folder, file);
    shared->there = access(shared->path, F_OK) == 0;
    shared->fd = -1;
}

static void close_shared(struct shared *shared)
{
    if (shared->fd >= 0)
        close(shared->fd);
    shared->fd = -1;
}

/* After a failure it is opened anew: the folder goes and comes with its driver. */
static int read_shared(struct shared *shared, int64_t *value)
{
    char text[80];
    const char *why;
    int64_t stamp_us;
    ssize_t got = -1;

    if (shared->fd < 0)
        shared->fd = open(shared->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (shared->fd >= 0)
        got = pread(shared->fd, text, sizeof text, 0);
    if (got >= 0 && text_pm_counter(text, (size_t)got, "", value, &stamp_us, &why) == 0)
        return 0;
    close_shared(shared);
    return -1;
}

void pm_counters_begin(int64_t now_ns)
{
    int64_t freshness;

    controller.why[0] = '\0';
    /* A file that is not there says nothing against the counters; one that cannot be
     * read might. */
    if (controller.startup_file.there &&
        read_shared(&controller.startup_file, &controller.startup) < 0)
        snprintf(controller.why, sizeof controller.why, "startup cannot be read");
    if (!controller.freshness_file.there)
        return;
    if (read_shared(&controller.freshness_file, &freshness) < 0) {
        snprintf(controller.why, sizeof controller.why, "freshness cannot be read");
        return;
    }
    if (controller.moved_ns == 0 || freshness != controller.freshness) {
        controller.freshness = freshness;
        controller.moved_ns = now_ns;
    } else if (now_ns - controller.moved_ns > STALE_NS) {
        snprintf(controller.why, sizeof controller.why,
                 "freshness has stood still for %" PRId64 " s: the controller is away",
                 (now_ns - controller.moved_ns) / NS_PER_S);
    }
}

int pm_counters_check(int64_t *session, char reason[COUNTER_REASON])
{
    *session = controller.startup;
    if (!controller.why[0])
        return 0;
    memcpy(reason, controller.why, COUNTER_REASON);
    return -1;
}

void pm_counters_close(void)
{
    close_shared(&controller.freshness_file);
    close_shared(&controller.startup_file);
    controller.moved_ns = controller.startup = 0;
}

static bool has(const char *folder, const char *stem, const char *what)
{
    char path[640];

    snprintf(path, sizeof path, "%s/%s%s", folder, stem, what);
    return access(path, F_OK) == 0;
}

/* `stem` is "", "cpu_", "memory_", "accel0_": the energy if there is one, else the
 * power. */
static struct counter *add(struct counters *counters, const char *folder,
                           const char *stem, enum counter_kind kind, const char *name)
{
    bool energy = has(folder, stem, "energy");
    struct counter *counter;

    if (!energy && !has(folder, stem, "power"))
        return NULL;
    counter = counters_add(counters, SOURCE_PM_COUNTERS, kind, name);
    if (!counter)
        return NULL;
    snprintf(counter->path, sizeof counter->path, "%.200s/%.20s%s", folder, stem,
             energy ? "energy" : "power");
    counter->integrated = !energy;
    counter->unit_uj = 1000000;
    counter->max_power_mw = MAX_NODE_MW;
    counter_open_file(counter);
    return counter;
}

static void add_accelerators(struct counters *counters, const char *folder)
{
    int32_t each = counters->sources->gpus_per_accelerator;

    for (int i = 0; i < MAX_ACCELERATORS; i++) {
        char stem[24], name[COUNTER_NAME];
        struct counter *counter;

        snprintf(stem, sizeof stem, "accel%d_", i);
        snprintf(name, sizeof name, "accel-%d", i);
        counter = add(counters, folder, stem, COUNTER_GPU, name);
        if (!counter)
            continue;
        counter->index = i * each;
        counter->slices = each;
        counter->slices_whole = (uint8_t)each;
        for (int s = 0; s < each; s++)
            counter->slice_weight[s] = 1;
    }
}

static void add_sockets(struct counters *counters, const char *folder)
{
    for (int i = 0; i < 8; i++) {
        char stem[24], name[COUNTER_NAME];
        struct counter *counter;

        snprintf(stem, sizeof stem, "cpu%d_", i);
        snprintf(name, sizeof name, "cpu-%d", i);
        counter = add(counters, folder, stem, COUNTER_CORE, name);
        if (counter)
            counter_leave_out(counter, "lies inside cpu: not counted twice");
    }
}

const char *pm_counters_find(struct counters *counters)
{
    char folder[512];
    struct counter *node;
    int before = counters->count;

    snprintf(folder, sizeof folder, "%s/sys/cray/pm_counters", counters->sources->root);
    if (access(folder, F_OK) < 0)
        return "there is no sys/cray/pm_counters";
    node = add(counters, folder, "", COUNTER_PLATFORM, "node");
    if (node)
        node->covers_kinds = ALL_PARTS;
    add(counters, folder, "cpu_", COUNTER_PACKAGE, "cpu");
    add(counters, folder, "memory_", COUNTER_DRAM, "memory");
    add_sockets(counters, folder);
    add_accelerators(counters, folder);
    find_shared(&controller.freshness_file, folder, "freshness");
    find_shared(&controller.startup_file, folder, "startup");
    return counters->count > before
               ? NULL
               : "sys/cray/pm_counters has neither energy nor power";
}
