/* nvml.c - the power limits of NVIDIA GPUs through libnvidia-ml
 *
 * NVIDIA's NVML API reference: limits and their constraints are in milliwatts, setting
 * needs root, and a limit is gone when the driver is unloaded (persistence mode keeps
 * it loaded) or the machine reboots. Instances of a GPU that is cut up (MIG) have no
 * limit of their own: it is the whole device's, and its places in Slurm's order are all
 * its instances'. NVML is thread-safe and counts its initialisations, so the driver
 * thread of source/nvml.c is not disturbed.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "plugin/meter/driver.h"
#include "plugin/meter/limit/kind.h"
#include "plugin/meter/source/library.h"
#include "plugin/meter/source/nvml.h"

enum {
    SUCCESS = 0,
    INVALID_ARGUMENT = 2,
    NO_PERMISSION = 4,
    GPU_IS_LOST = 15,
    RESET_REQUIRED = 16
};

typedef void *device_t;

/* The library's functions, and each GPU's handle; of the thread that has the limits. */
static struct {
    void *handle;
    int (*init)(void);
    int (*shutdown)(void);
    const char *(*error)(int);
    int (*count)(unsigned *);
    int (*by_index)(unsigned, device_t *);
    int (*uuid)(device_t, char *, unsigned);
    int (*minor)(device_t, unsigned *);
    int (*mig_mode)(device_t, unsigned *, unsigned *);
    int (*mig_count)(device_t, unsigned *);
    int (*mig_device)(device_t, unsigned, device_t *);
    int (*limit)(device_t, unsigned *);
    int (*constraints)(device_t, unsigned *, unsigned *);
    int (*usual)(device_t, unsigned *);
    int (*set)(device_t, unsigned);
    device_t devices[DRIVER_DEVICES];
    int found[DRIVER_DEVICES]; /* what looking for each gave; SUCCESS: its handle */
} nvml;

static const struct library_symbol symbols[] = {
    {"nvmlInit_v2", (void **)&nvml.init, true},
    {"nvmlShutdown", (void **)&nvml.shutdown, true},
    {"nvmlErrorString", (void **)&nvml.error, true},
    {"nvmlDeviceGetCount_v2", (void **)&nvml.count, true},
    {"nvmlDeviceGetHandleByIndex_v2", (void **)&nvml.by_index, true},
    {"nvmlDeviceGetUUID", (void **)&nvml.uuid, true},
    {"nvmlDeviceGetMinorNumber", (void **)&nvml.minor, true},
    {"nvmlDeviceGetMigMode", (void **)&nvml.mig_mode, false},
    {"nvmlDeviceGetMaxMigDeviceCount", (void **)&nvml.mig_count, false},
    {"nvmlDeviceGetMigDeviceHandleByIndex", (void **)&nvml.mig_device, false},
    {"nvmlDeviceGetPowerManagementLimit", (void **)&nvml.limit, true},
    {"nvmlDeviceGetPowerManagementLimitConstraints", (void **)&nvml.constraints, true},
    {"nvmlDeviceGetPowerManagementDefaultLimit", (void **)&nvml.usual, false},
    {"nvmlDeviceSetPowerManagementLimit", (void **)&nvml.set, true},
};

static enum limit_error refuse(char why[LIMIT_WHY], int rc)
{
    snprintf(why, LIMIT_WHY, "NVML says \"%.80s\"", nvml.error(rc));
    switch (rc) {
    case INVALID_ARGUMENT:
        return LIMIT_RANGE;
    case NO_PERMISSION:
        return LIMIT_PERMISSION;
    case GPU_IS_LOST:
    case RESET_REQUIRED:
        return LIMIT_LOST;
    default:
        return LIMIT_FAILED;
    }
}

/* How many places the GPU has in Slurm's order. */
static int32_t count_places(device_t gpu)
{
    unsigned current = 0, pending, most = 0;
    int32_t places = 0;

    if (!nvml.mig_mode || !nvml.mig_count || !nvml.mig_device ||
        nvml.mig_mode(gpu, &current, &pending) != SUCCESS || current != 1 ||
        nvml.mig_count(gpu, &most) != SUCCESS)
        return 1;
    for (unsigned i = 0; i < most && places < COUNTER_SLICES; i++) {
        device_t instance;

        places += nvml.mig_device(gpu, i, &instance) == SUCCESS;
    }
    return places;
}

static void describe(struct limit *limit, unsigned index)
{
    unsigned minor = index, least = 0, most = 0, usual = 0;
    char uuid[64] = "";
    device_t gpu;
    int rc = nvml.by_index(index, &gpu);

    limit->device = (int)index;
    limit->index = -1;
    nvml.found[index] = rc;
    snprintf(limit->id, sizeof limit->id, "nvml:index-%u", index);
    if (rc != SUCCESS) {
        refuse(limit->why, rc);
        return;
    }
    nvml.devices[index] = gpu;
    if (nvml.uuid(gpu, uuid, sizeof uuid) == SUCCESS)
        snprintf(limit->id, sizeof limit->id, "nvml:%.63s", uuid);
    if (nvml.minor(gpu, &minor) != SUCCESS)
        minor = index;
    limit->index = (int32_t)minor;
    limit->slices = count_places(gpu);
    rc = nvml.constraints(gpu, &least, &most);
    if (rc != SUCCESS) {
        refuse(limit->why, rc);
        return;
    }
    limit_range(limit, least, most, most);
    if (nvml.usual && nvml.usual(gpu, &usual) == SUCCESS)
        limit->default_mw = usual;
}

static void nvml_close(void)
{
    nvml.shutdown();
    dlclose(nvml.handle);
    memset(&nvml, 0, sizeof nvml);
}

/* The number of GPUs; -1: no library or driver. */
static int open_library(const struct sources *sources, char why[COUNTER_REASON])
{
    unsigned count = 0;
    int rc;

    nvml.handle = library_open(sources, SOURCE_NVML, "libnvidia-ml.so.1", symbols,
                               (int)(sizeof symbols / sizeof *symbols), why);
    if (!nvml.handle)
        return -1;
    rc = nvml.init();
    if (rc != SUCCESS) {
        snprintf(why, COUNTER_REASON, "it cannot be initialised: NVML says \"%.80s\"",
                 nvml.error(rc));
        dlclose(nvml.handle);
        memset(&nvml, 0, sizeof nvml);
        return -1;
    }
    rc = nvml.count(&count);
    if (rc != SUCCESS || count == 0) {
        snprintf(why, COUNTER_REASON, "NVML finds no GPU");
        nvml_close();
        return -1;
    }
    return count > DRIVER_DEVICES ? DRIVER_DEVICES : (int)count;
}

/* The first `count` limits are NVML's: it is looked for first. */
static void place_lost(struct limits *limits, int count)
{
    int32_t order[DRIVER_DEVICES];

    for (int i = 0; i < count; i++)
        order[i] = limits->item[i].index;
    nvml_place_lost(order, count);
    for (int i = 0; i < count; i++)
        limits->item[i].index = order[i];
}

static const char *find_limits(struct limits *limits)
{
    static char why[COUNTER_REASON];
    int count = open_library(limits->sources, why);

    if (count < 0)
        return why;
    for (int i = 0; i < count; i++) {
        struct limit *limit = limits_add(limits, LIMIT_NVML, COUNTER_GPU);

        if (limit)
            describe(limit, (unsigned)i);
    }
    place_lost(limits, count);
    limits_place_gpus(limits, LIMIT_NVML);
    return NULL;
}

static enum limit_error read_limit(const struct limits *limits,
                                   const struct limit *limit, int64_t *mw,
                                   char why[LIMIT_WHY])
{
    unsigned told = 0;
    int rc = nvml.found[limit->device];

    if (rc == SUCCESS)
        rc = nvml.limit(nvml.devices[limit->device], &told);
    (void)limits;
    if (rc != SUCCESS)
        return refuse(why, rc);
    *mw = told;
    return LIMIT_OK;
}

static enum limit_error set_limit(const struct limits *limits,
                                  const struct limit *limit, int64_t mw,
                                  char why[LIMIT_WHY])
{
    int rc = nvml.found[limit->device];

    if (rc == SUCCESS)
        rc = nvml.set(nvml.devices[limit->device], (unsigned)mw);
    (void)limits;
    return rc == SUCCESS ? LIMIT_OK : refuse(why, rc);
}

const struct limit_ops limit_nvml = {.source = SOURCE_NVML,
                                     .find = find_limits,
                                     .read = read_limit,
                                     .set = set_limit,
                                     .close = nvml_close};
