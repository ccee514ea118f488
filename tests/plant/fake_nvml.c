/* fake_nvml.c - a libnvidia-ml.so.1 whose GPUs are the power plant's: SIMULATED
 *
 * The functions and types of NVIDIA's NVML API reference that kwota calls. NVML's order
 * of devices is the reverse of their minor numbers, so that whoever confuses the two is
 * found out.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/plant/gpu_state.h"

#define PUBLIC __attribute__((visibility("default")))

enum {
    SUCCESS = 0,
    UNINITIALIZED = 1,
    INVALID_ARGUMENT = 2,
    NOT_SUPPORTED = 3,
    NOT_FOUND = 6,
    INSUFFICIENT_SIZE = 7,
    DRIVER_NOT_LOADED = 9,
    GPU_IS_LOST = 15
};

typedef struct gpu_state_card *device_t;

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

static struct gpu_state *state;

/* What each process had used when it was last asked for, and when that was: the real
 * library gives means over its samples since then. */
static struct {
    uint32_t pid;
    uint64_t busy_us, clock_us;
} asked[GPU_STATE_CARDS][GPU_STATE_PROCESSES];

/* Handles of MIG instances: card * 8 + instance + 1. */
static char instances[GPU_STATE_CARDS * 8 + 8];

PUBLIC int nvmlInit_v2(void);
PUBLIC int nvmlShutdown(void);
PUBLIC const char *nvmlErrorString(int);
PUBLIC int nvmlDeviceGetCount_v2(unsigned *);
PUBLIC int nvmlDeviceGetHandleByIndex_v2(unsigned, device_t *);
PUBLIC int nvmlDeviceGetUUID(device_t, char *, unsigned);
PUBLIC int nvmlDeviceGetMinorNumber(device_t, unsigned *);
PUBLIC int nvmlDeviceGetTotalEnergyConsumption(device_t, unsigned long long *);
PUBLIC int nvmlDeviceGetPowerUsage(device_t, unsigned *);
PUBLIC int nvmlDeviceGetMigMode(device_t, unsigned *, unsigned *);
PUBLIC int nvmlDeviceGetMaxMigDeviceCount(device_t, unsigned *);
PUBLIC int nvmlDeviceGetMigDeviceHandleByIndex(device_t, unsigned, void **);
PUBLIC int nvmlDeviceGetAttributes_v2(void *, struct attributes *);
PUBLIC int nvmlDeviceGetProcessUtilization(device_t, struct process_sample *,
                                           unsigned *, unsigned long long);

int nvmlInit_v2(void)
{
    char path[512];
    Dl_info self;
    const char *slash;
    int fd;

    if (!dladdr((void *)(uintptr_t)nvmlInit_v2, &self))
        return DRIVER_NOT_LOADED;
    slash = strrchr(self.dli_fname, '/');
    snprintf(path, sizeof path, "%.*s%s", slash ? (int)(slash + 1 - self.dli_fname) : 0,
             self.dli_fname, GPU_STATE_FILE);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return DRIVER_NOT_LOADED;
    state = mmap(NULL, sizeof *state, PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    if (state == MAP_FAILED || state->magic != GPU_STATE_MAGIC) {
        state = NULL;
        return DRIVER_NOT_LOADED;
    }
    return SUCCESS;
}

int nvmlShutdown(void)
{
    if (state)
        munmap(state, sizeof *state);
    state = NULL;
    return SUCCESS;
}

const char *nvmlErrorString(int error)
{
    switch (error) {
    case SUCCESS:
        return "Success";
    case NOT_SUPPORTED:
        return "Not Supported";
    case DRIVER_NOT_LOADED:
        return "Driver Not Loaded";
    case GPU_IS_LOST:
        return "GPU is lost";
    default:
        return "Unknown Error";
    }
}

int nvmlDeviceGetCount_v2(unsigned *count)
{
    if (!state)
        return UNINITIALIZED;
    *count = state->count;
    return SUCCESS;
}

/* Every call of a device comes through here. */
static int check(device_t device)
{
    if (!state)
        return UNINITIALIZED;
    if (!device)
        return INVALID_ARGUMENT;
    while (device->flags & GPU_STATE_HANG)
        usleep(10000);
    return device->flags & GPU_STATE_LOST ? GPU_IS_LOST : SUCCESS;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, device_t *device)
{
    if (!state || index >= state->count)
        return INVALID_ARGUMENT;
    *device = &state->card[state->count - 1 - index];
    return check(*device);
}

int nvmlDeviceGetUUID(device_t device, char *uuid, unsigned length)
{
    if (check(device) != SUCCESS)
        return check(device);
    if (strlen(device->uuid) >= length)
        return INSUFFICIENT_SIZE;
    strcpy(uuid, device->uuid);
    return SUCCESS;
}

int nvmlDeviceGetMinorNumber(device_t device, unsigned *minor)
{
    int rc = check(device);

    if (rc == SUCCESS)
        *minor = device->minor;
    return rc;
}

int nvmlDeviceGetTotalEnergyConsumption(device_t device, unsigned long long *mj)
{
    int rc = check(device);

    if (rc == SUCCESS && device->flags & GPU_STATE_NO_ENERGY)
        return NOT_SUPPORTED;
    if (rc == SUCCESS)
        *mj = device->energy_mj;
    return rc;
}

int nvmlDeviceGetPowerUsage(device_t device, unsigned *mw)
{
    int rc = check(device);

    if (rc == SUCCESS)
        *mw = device->power_mw;
    return rc;
}

int nvmlDeviceGetMigMode(device_t device, unsigned *current, unsigned *pending)
{
    int rc = check(device);

    if (rc == SUCCESS)
        *current = *pending = device->instances > 0;
    return rc;
}

int nvmlDeviceGetMaxMigDeviceCount(device_t device, unsigned *count)
{
    *count = 7;
    return check(device);
}

int nvmlDeviceGetMigDeviceHandleByIndex(device_t device, unsigned index,
                                        void **instance)
{
    int rc = check(device);

    if (rc != SUCCESS)
        return rc;
    if (index >= device->instances)
        return NOT_FOUND;
    *instance = &instances[(device - state->card) * 8 + index];
    return SUCCESS;
}

int nvmlDeviceGetAttributes_v2(void *instance, struct attributes *attributes)
{
    long place = (char *)instance - instances;

    if (!state || place < 0 || place >= (long)sizeof instances)
        return INVALID_ARGUMENT;
    memset(attributes, 0, sizeof *attributes);
    attributes->gpu_slices = state->card[place / 8].instance_slices[place % 8];
    return SUCCESS;
}

/* Whole percents, as the real library tells them. */
static unsigned mean_percent(device_t device, unsigned i)
{
    long card = device - state->card;
    uint64_t busy_us = device->process[i].busy_us, clock_us = state->clock_us,
             percent = 0;

    if (asked[card][i].pid == device->process[i].pid &&
        clock_us > asked[card][i].clock_us && busy_us >= asked[card][i].busy_us)
        percent = ((busy_us - asked[card][i].busy_us) * 100 +
                   (clock_us - asked[card][i].clock_us) / 2) /
                  (clock_us - asked[card][i].clock_us);
    asked[card][i].pid = device->process[i].pid;
    asked[card][i].busy_us = busy_us;
    asked[card][i].clock_us = clock_us;
    return percent > 100 ? 100 : (unsigned)percent;
}

int nvmlDeviceGetProcessUtilization(device_t device, struct process_sample *samples,
                                    unsigned *count, unsigned long long since_us)
{
    int rc = check(device);
    unsigned found = 0, room = *count;

    if (rc != SUCCESS)
        return rc;
    for (unsigned i = 0; i < device->process_count && found < room; i++) {
        if (state->clock_us <= since_us)
            continue;
        samples[found++] = (struct process_sample){.pid = device->process[i].pid,
                                                   .time_stamp = state->clock_us,
                                                   .sm = mean_percent(device, i)};
    }
    *count = found;
    return found ? SUCCESS : NOT_FOUND;
}
