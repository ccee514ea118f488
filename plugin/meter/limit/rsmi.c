/* rsmi.c - the power limits of AMD GPUs through librocm_smi64
 *
 * AMD's ROCm SMI documentation, "Power Queries" and "Power Control": caps are in
 * microwatts, rsmi_dev_power_cap_range_get tells what may be set, setting needs root.
 * Of a module with two GPUs (MI250X) the second tells a range of 0 to 0: the module's
 * limit is the first's. The library counts its initialisations and takes a lock a
 * device, so the driver thread of source/rsmi.c is not disturbed.
 */
#include <dlfcn.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "plugin/meter/driver.h"
#include "plugin/meter/limit/kind.h"
#include "plugin/meter/source/library.h"

#define UW_PER_MW 1000

/* A device's one power sensor. */
#define SENSOR 0

enum {
    SUCCESS = 0,
    INVALID_ARGS = 1,
    PERMISSION = 4,
    INPUT_OUT_OF_BOUNDS = 7,
    NOT_FOUND = 10
};

/* The library's functions; of the thread that has the limits. */
static struct {
    void *handle;
    int (*init)(uint64_t);
    int (*shut_down)(void);
    int (*error)(int, const char **);
    int (*count)(uint32_t *);
    int (*unique_id)(uint32_t, uint64_t *);
    int (*render_minor)(uint32_t, uint32_t *);
    int (*cap)(uint32_t, uint32_t, uint64_t *);
    int (*range)(uint32_t, uint32_t, uint64_t *, uint64_t *);
    int (*usual)(uint32_t, uint64_t *);
    int (*set)(uint32_t, uint32_t, uint64_t);
    uint32_t render[DRIVER_DEVICES]; /* node of each device */
} rsmi;

static const struct library_symbol symbols[] = {
    {"rsmi_init", (void **)&rsmi.init, true},
    {"rsmi_shut_down", (void **)&rsmi.shut_down, true},
    {"rsmi_status_string", (void **)&rsmi.error, true},
    {"rsmi_num_monitor_devices", (void **)&rsmi.count, true},
    {"rsmi_dev_unique_id_get", (void **)&rsmi.unique_id, false},
    {"rsmi_dev_drm_render_minor_get", (void **)&rsmi.render_minor, false},
    {"rsmi_dev_power_cap_get", (void **)&rsmi.cap, true},
    {"rsmi_dev_power_cap_range_get", (void **)&rsmi.range, true},
    {"rsmi_dev_power_cap_default_get", (void **)&rsmi.usual, false},
    {"rsmi_dev_power_cap_set", (void **)&rsmi.set, true},
};

static enum limit_error refuse(char why[LIMIT_WHY], int rc)
{
    const char *text = NULL;

    rsmi.error(rc, &text);
    snprintf(why, LIMIT_WHY, "ROCm SMI says \"%.80s\"", text ? text : "unknown");
    switch (rc) {
    case INVALID_ARGS:
    case INPUT_OUT_OF_BOUNDS:
        return LIMIT_RANGE;
    case PERMISSION:
        return LIMIT_PERMISSION;
    case NOT_FOUND:
        return LIMIT_LOST;
    default:
        return LIMIT_FAILED;
    }
}

/* 0 for what no power is. */
static int64_t mw_of(uint64_t uw)
{
    return uw / UW_PER_MW > INT32_MAX ? 0 : (int64_t)(uw / UW_PER_MW);
}

static void describe(struct limit *limit, uint32_t index)
{
    uint64_t id = 0, least = 0, most = 0, usual = 0;
    uint32_t minor = index;
    int rc;

    if (!rsmi.render_minor || rsmi.render_minor(index, &minor) != SUCCESS)
        minor = index;
    rsmi.render[index] = minor;
    limit->device = (int)index;
    limit->index = (int32_t)minor;
    if (rsmi.unique_id && rsmi.unique_id(index, &id) == SUCCESS)
        snprintf(limit->id, sizeof limit->id, "rsmi:GPU-%016" PRIx64, id);
    else
        snprintf(limit->id, sizeof limit->id, "rsmi:renderD%" PRIu32, minor);
    rc = rsmi.range(index, SENSOR, &most, &least);
    if (rc != SUCCESS) {
        refuse(limit->why, rc);
        return;
    }
    if (most == 0)
        snprintf(limit->why, sizeof limit->why,
                 "it has no limit of its own: its module's first GPU has it");
    else
        limit_range(limit, mw_of(least), mw_of(most), mw_of(most));
    if (rsmi.usual && rsmi.usual(index, &usual) == SUCCESS && mw_of(usual) > 0)
        limit->default_mw = mw_of(usual);
}

static void rsmi_close(void)
{
    rsmi.shut_down();
    dlclose(rsmi.handle);
    memset(&rsmi, 0, sizeof rsmi);
}

/* The number of GPUs; -1: no library or driver. */
static int open_library(const struct sources *sources, char why[COUNTER_REASON])
{
    uint32_t count = 0;

    rsmi.handle = library_open(sources, SOURCE_RSMI, "librocm_smi64.so.1", symbols,
                               (int)(sizeof symbols / sizeof *symbols), why);
    if (!rsmi.handle)
        return -1;
    if (rsmi.init(0) != SUCCESS) {
        snprintf(why, COUNTER_REASON, "it cannot be initialised");
        dlclose(rsmi.handle);
        memset(&rsmi, 0, sizeof rsmi);
        return -1;
    }
    if (rsmi.count(&count) != SUCCESS || count == 0) {
        snprintf(why, COUNTER_REASON, "ROCm SMI finds no GPU");
        rsmi_close();
        return -1;
    }
    return count > DRIVER_DEVICES ? DRIVER_DEVICES : (int)count;
}

static const char *find_limits(struct limits *limits)
{
    static char why[COUNTER_REASON];
    int count = open_library(limits->sources, why);

    if (count < 0)
        return why;
    for (int i = 0; i < count; i++) {
        struct limit *limit = limits_add(limits, LIMIT_RSMI, COUNTER_GPU);

        if (limit)
            describe(limit, (uint32_t)i);
    }
    limits_place_gpus(limits, LIMIT_RSMI);
    return NULL;
}

bool limit_rsmi_holds(const struct limits *limits, int render_node)
{
    for (int i = 0; i < limits->count; i++)
        if (limits->item[i].kind == LIMIT_RSMI &&
            (render_node < 0 ||
             rsmi.render[limits->item[i].device] == (uint32_t)render_node))
            return true;
    return false;
}

static enum limit_error read_limit(const struct limits *limits,
                                   const struct limit *limit, int64_t *mw,
                                   char why[LIMIT_WHY])
{
    uint64_t uw = 0;
    int rc = rsmi.cap((uint32_t)limit->device, SENSOR, &uw);

    (void)limits;
    if (rc != SUCCESS)
        return refuse(why, rc);
    *mw = mw_of(uw);
    return LIMIT_OK;
}

static enum limit_error set_limit(const struct limits *limits,
                                  const struct limit *limit, int64_t mw,
                                  char why[LIMIT_WHY])
{
    int rc = rsmi.set((uint32_t)limit->device, SENSOR, (uint64_t)mw * UW_PER_MW);

    (void)limits;
    return rc == SUCCESS ? LIMIT_OK : refuse(why, rc);
}

const struct limit_ops limit_rsmi = {.source = SOURCE_RSMI,
                                     .find = find_limits,
                                     .read = read_limit,
                                     .set = set_limit,
                                     .close = rsmi_close};
