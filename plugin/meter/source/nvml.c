/* nvml.c - NVIDIA GPUs through libnvidia-ml, loaded when the meter starts
 *
 * Energy: nvmlDeviceGetTotalEnergyConsumption (millijoules since the driver was loaded;
 * Volta and later). Where a GPU has none: nvmlDeviceGetPowerUsage, sampled and
 * integrated. Slurm numbers GPUs by their device files (/dev/nvidiaN), which is NVML's
 * minor number and not its index.
 */
#include "plugin/meter/source/nvml.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "plugin/meter/driver.h"
#include "plugin/meter/source/library.h"
#include "plugin/meter/text.h"

/* For the first answer; a GPU without persistence mode takes seconds to wake. */
#define OPEN_MS 10000

/* For a reading: it takes tens of microseconds. */
#define PATIENCE_MS 100

/* No board draws twice this; a larger step is no energy. */
#define MAX_POWER_MW 2000000

enum { SUCCESS = 0, NOT_SUPPORTED = 3, GPU_IS_LOST = 15 };

typedef void *device_t;

struct process_sample {
    unsigned pid;
    unsigned long long time_stamp;
    unsigned sm, memory, encoder, decoder;
};

struct attributes {
    unsigned multiprocessors, copy_engines, decoders, encoders, jpegs, ofas;
    unsigned gpu_slices, compute_slices;
    unsigned long long memory_mb;
};

/* The library's functions; set by open, used by the driver's thread alone. */
static struct {
    void *handle;
    int (*init)(void);
    int (*shutdown)(void);
    const char *(*error)(int);
    int (*count)(unsigned *);
    int (*by_index)(unsigned, device_t *);
    int (*uuid)(device_t, char *, unsigned);
    int (*minor)(device_t, unsigned *);
    int (*energy)(device_t, unsigned long long *);
    int (*power)(device_t, unsigned *);
    int (*mig_mode)(device_t, unsigned *, unsigned *);
    int (*mig_count)(device_t, unsigned *);
    int (*mig_device)(device_t, unsigned, device_t *);
    int (*attributes)(device_t, struct attributes *);
    int (*processes)(device_t, struct process_sample *, unsigned *, unsigned long long);
    device_t devices[DRIVER_DEVICES];
    bool power_only[DRIVER_DEVICES];
    unsigned long long seen[DRIVER_DEVICES]; /* processes: up to this time stamp */
} nvml;

static const struct library_symbol symbols[] = {
    {"nvmlInit_v2", (void **)&nvml.init, true},
    {"nvmlShutdown", (void **)&nvml.shutdown, true},
    {"nvmlErrorString", (void **)&nvml.error, true},
    {"nvmlDeviceGetCount_v2", (void **)&nvml.count, true},
    {"nvmlDeviceGetHandleByIndex_v2", (void **)&nvml.by_index, true},
    {"nvmlDeviceGetUUID", (void **)&nvml.uuid, true},
    {"nvmlDeviceGetMinorNumber", (void **)&nvml.minor, true},
    {"nvmlDeviceGetPowerUsage", (void **)&nvml.power, true},
    {"nvmlDeviceGetTotalEnergyConsumption", (void **)&nvml.energy, false},
    {"nvmlDeviceGetMigMode", (void **)&nvml.mig_mode, false},
    {"nvmlDeviceGetMaxMigDeviceCount", (void **)&nvml.mig_count, false},
    {"nvmlDeviceGetMigDeviceHandleByIndex", (void **)&nvml.mig_device, false},
    {"nvmlDeviceGetAttributes_v2", (void **)&nvml.attributes, false},
    {"nvmlDeviceGetProcessUtilization", (void **)&nvml.processes, false},
};

static int refuse(char why[COUNTER_REASON], const char *what, int rc)
{
    snprintf(why, COUNTER_REASON, "%s: NVML says \"%.80s\"", what, nvml.error(rc));
    return -1;
}

/* Its instances, in the order Slurm lists them. */
static void describe_instances(device_t gpu, struct driver_device *device)
{
    unsigned current = 0, pending, most = 0;

    if (!nvml.mig_mode || !nvml.mig_count || !nvml.mig_device ||
        nvml.mig_mode(gpu, &current, &pending) != SUCCESS || current != 1 ||
        nvml.mig_count(gpu, &most) != SUCCESS)
        return;
    device->slices = 0;
    device->slices_whole = 7; /* compute slices of every GPU that can be cut today */
    for (unsigned i = 0; i < most && device->slices < COUNTER_SLICES; i++) {
        struct attributes a = {.gpu_slices = 1};
        device_t instance;

        if (nvml.mig_device(gpu, i, &instance) != SUCCESS)
            continue;
        if (nvml.attributes)
            nvml.attributes(instance, &a);
        device->slice_weight[device->slices++] = (uint8_t)(a.gpu_slices & 15);
    }
}

static int describe(unsigned index, struct driver_device *device, char *why)
{
    unsigned long long mj;
    unsigned minor = index;
    device_t gpu;
    int rc = nvml.by_index(index, &gpu);

    memset(device, 0, sizeof *device);
    device->kind = COUNTER_GPU;
    device->slices = 1;
    device->slice_weight[0] = device->slices_whole = 1;
    device->max_power_mw = MAX_POWER_MW;
    nvml.devices[index] = rc == SUCCESS ? gpu : NULL;
    if (rc == GPU_IS_LOST) {
        /* It keeps its place; reading it says what is wrong. */
        device->order = -1;
        return 0;
    }
    if (rc != SUCCESS)
        return refuse(why, "a GPU", rc);
    nvml.uuid(gpu, device->uuid, sizeof device->uuid);
    device->uuid[sizeof device->uuid - 1] = '\0';
    if (nvml.minor(gpu, &minor) != SUCCESS)
        minor = index;
    device->order = (int32_t)minor;
    rc = nvml.energy ? nvml.energy(gpu, &mj) : NOT_SUPPORTED;
    nvml.power_only[index] = device->power = rc == NOT_SUPPORTED;
    describe_instances(gpu, device);
    return 0;
}

static bool has_number(const int32_t *order, int count, int32_t number)
{
    for (int i = 0; i < count; i++)
        if (order[i] == number)
            return true;
    return false;
}

void nvml_place_lost(int32_t *order, int count)
{
    int32_t number = 0;

    for (int i = 0; i < count; i++) {
        if (order[i] >= 0)
            continue;
        while (has_number(order, count, number))
            number++;
        order[i] = number;
    }
}

static void place_lost(struct driver_device *devices, int count)
{
    int32_t order[DRIVER_DEVICES];

    for (int i = 0; i < count; i++)
        order[i] = devices[i].order;
    nvml_place_lost(order, count);
    for (int i = 0; i < count; i++)
        devices[i].order = order[i];
}

static int nvml_open(const struct sources *sources, struct driver_device *devices,
                     int max, char why[COUNTER_REASON])
{
    unsigned count = 0;
    int rc;

    if (!nvml.handle)
        nvml.handle = library_open(sources, SOURCE_NVML, "libnvidia-ml.so.1", symbols,
                                   (int)(sizeof symbols / sizeof *symbols), why);
    if (!nvml.handle)
        return -1;
    rc = nvml.init();
    if (rc != SUCCESS)
        return refuse(why, "it cannot be initialised", rc);
    rc = nvml.count(&count);
    if (rc != SUCCESS)
        return refuse(why, "the GPUs cannot be counted", rc);
    if (count > (unsigned)max)
        count = (unsigned)max;
    for (unsigned i = 0; i < count; i++)
        if (describe(i, &devices[i], why) < 0)
            return -1;
    place_lost(devices, (int)count);
    return (int)count;
}

/* The job a process belongs to, by its cgroup; 0: none. */
static uint32_t job_of(unsigned pid)
{
    char path[64], text[4096];
    ssize_t got = -1;
    int fd;

    snprintf(path, sizeof path, "/proc/%u/cgroup", pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        got = read(fd, text, sizeof text);
        close(fd);
    }
    return got > 0 ? text_cgroup_job(text, (size_t)got) : 0;
}

static void add_user(struct driver_sample *sample, uint32_t job, int64_t weight)
{
    for (int i = 0; i < sample->user_count; i++)
        if (sample->users[i].job == job) {
            sample->users[i].weight += weight;
            return;
        }
    if (sample->user_count < DRIVER_USERS)
        sample->users[sample->user_count++] = (struct driver_user){job, weight};
}

static void read_users(int index, struct driver_sample *sample)
{
    struct process_sample used[128];
    unsigned count = sizeof used / sizeof *used;

    if (!nvml.processes ||
        nvml.processes(nvml.devices[index], used, &count, nvml.seen[index]) != SUCCESS)
        return;
    for (unsigned i = 0; i < count && i < sizeof used / sizeof *used; i++) {
        uint32_t job = used[i].sm > 0 && used[i].sm <= 100 ? job_of(used[i].pid) : 0;

        if (used[i].time_stamp > nvml.seen[index])
            nvml.seen[index] = used[i].time_stamp;
        if (job)
            add_user(sample, job, used[i].sm);
    }
}

static int nvml_read(int index, bool users, struct driver_sample *sample,
                     char why[COUNTER_REASON])
{
    device_t gpu = nvml.devices[index];
    unsigned long long mj = 0;
    unsigned mw = 0;
    int rc;

    if (!gpu)
        return refuse(why, "the GPU", GPU_IS_LOST);
    sample->power = nvml.power_only[index];
    rc = sample->power ? nvml.power(gpu, &mw) : nvml.energy(gpu, &mj);
    if (rc != SUCCESS)
        return refuse(why, "the GPU", rc);
    if (sample->power && mw > MAX_POWER_MW) {
        snprintf(why, COUNTER_REASON, "NVML says %u mW, which no GPU draws", mw);
        return -1;
    }
    if (mj > INT64_MAX / 1000) {
        snprintf(why, COUNTER_REASON, "NVML's energy is too large a number");
        return -1;
    }
    sample->value = sample->power ? (int64_t)mw * 1000 : (int64_t)mj * 1000;
    if (users)
        read_users(index, sample);
    return 0;
}

static void nvml_close(void)
{
    nvml.shutdown();
    dlclose(nvml.handle);
    memset(&nvml, 0, sizeof nvml);
}

const char *nvml_find(struct counters *counters)
{
    static const struct driver_ops ops = {.source = SOURCE_NVML,
                                          .open = nvml_open,
                                          .read = nvml_read,
                                          .close = nvml_close,
                                          .patience_ms = PATIENCE_MS};
    const struct driver_device *devices;
    const char *why;
    struct driver *driver = driver_start(&ops, counters->sources, OPEN_MS, &why);

    if (!driver)
        return why;
    counters->driver[SOURCE_NVML] = driver;
    driver_add_counters(counters, driver);
    return driver_devices(driver, &devices) > 0 ? NULL : driver_why(driver);
}
