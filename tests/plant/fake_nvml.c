/* fake_nvml.c - a libnvidia-ml.so.1 whose GPUs are the power plant's: SIMULATED
 *
 * The functions and types of NVIDIA's NVML API reference that kwota calls. NVML's order
 * of devices is the reverse of their minor numbers, so that whoever confuses the two is
 * found out. As NVIDIA's documentation has it: initialisations are counted, functions
 * may be called by several threads, and of a GPU that is cut up the power limit is the
 * whole device's: a handle of an instance is refused.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "tests/plant/gpu_state.h"

#define PUBLIC __attribute__((visibility("default")))

enum {
    SUCCESS = 0,
    UNINITIALIZED = 1,
    INVALID_ARGUMENT = 2,
    NOT_SUPPORTED = 3,
    NO_PERMISSION = 4,
    NOT_FOUND = 6,
    INSUFFICIENT_SIZE = 7,
    DRIVER_NOT_LOADED = 9,
    GPU_IS_LOST = 15,
    UNKNOWN = 999
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
static char folder[512]; /* in which the library lies, with a slash behind it */
static bool writable;    /* the state; only root sets limits */
static int initialised;  /* how often */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards initialised */

/* What each process had used when it was last asked for, and when that was: the real
 * library gives means over its samples since then. */
static struct asked {
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
PUBLIC int nvmlDeviceGetPowerManagementLimit(device_t, unsigned *);
PUBLIC int nvmlDeviceGetPowerManagementLimitConstraints(device_t, unsigned *,
                                                        unsigned *);
PUBLIC int nvmlDeviceGetPowerManagementDefaultLimit(device_t, unsigned *);
PUBLIC int nvmlDeviceSetPowerManagementLimit(device_t, unsigned);

static int find_folder(void)
{
    Dl_info self;
    const char *slash;

    if (!dladdr((void *)(uintptr_t)nvmlInit_v2, &self))
        return -1;
    slash = strrchr(self.dli_fname, '/');
    snprintf(folder, sizeof folder, "%.*s",
             slash ? (int)(slash + 1 - self.dli_fname) : 0, self.dli_fname);
    return 0;
}

static int map_state(void)
{
    char path[600];
    int fd;

    if (find_folder() < 0)
        return DRIVER_NOT_LOADED;
    snprintf(path, sizeof path, "%s%s", folder, GPU_STATE_FILE);
    fd = open(path, O_RDWR | O_CLOEXEC);
    writable = fd >= 0;
    if (fd < 0)
        fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return DRIVER_NOT_LOADED;
    state = mmap(NULL, sizeof *state, PROT_READ | (writable ? PROT_WRITE : 0),
                 MAP_SHARED, fd, 0);
    close(fd);
    if (state == MAP_FAILED || state->magic != GPU_STATE_MAGIC) {
        if (state != MAP_FAILED)
            munmap(state, sizeof *state);
        state = NULL;
        return DRIVER_NOT_LOADED;
    }
    return SUCCESS;
}

int nvmlInit_v2(void)
{
    int rc;

    pthread_mutex_lock(&lock);
    rc = initialised > 0 ? SUCCESS : map_state();
    if (rc == SUCCESS)
        initialised++;
    pthread_mutex_unlock(&lock);
    return rc;
}

int nvmlShutdown(void)
{
    pthread_mutex_lock(&lock);
    if (initialised > 0 && --initialised == 0) {
        munmap(state, sizeof *state);
        state = NULL;
    }
    pthread_mutex_unlock(&lock);
    return SUCCESS;
}

const char *nvmlErrorString(int error)
{
    switch (error) {
    case SUCCESS:
        return "Success";
    case INVALID_ARGUMENT:
        return "Invalid Argument";
    case NOT_SUPPORTED:
        return "Not Supported";
    case NO_PERMISSION:
        return "Insufficient Permissions";
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

static bool is_instance(const void *device)
{
    return (uintptr_t)device >= (uintptr_t)instances &&
           (uintptr_t)device < (uintptr_t)(instances + sizeof instances);
}

/* Every call of a device comes through here. */
static int check(device_t device)
{
    if (!state)
        return UNINITIALIZED;
    if (!device || is_instance(device))
        return INVALID_ARGUMENT;
    while (device->flags & GPU_STATE_HANG)
        usleep(10000);
    if (device->flags & GPU_STATE_FAIL)
        return UNKNOWN;
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

static const struct asked *last_asked(const struct asked *before, uint32_t pid)
{
    for (int i = 0; i < GPU_STATE_PROCESSES; i++)
        if (before[i].pid == pid)
            return &before[i];
    return NULL;
}

/* Whole percents, as the real library tells them. A process that is new has used what
 * it used since the caller's last look, if there was one. */
static unsigned mean_percent(const struct asked *before, const struct asked *now,
                             uint64_t since_us)
{
    uint64_t busy_us = now->busy_us, over_us, percent;

    if (before && before->busy_us > now->busy_us)
        return 0; /* another one with its number */
    if (before) {
        busy_us -= before->busy_us;
        since_us = before->clock_us;
    }
    if (since_us == 0 || since_us >= now->clock_us)
        return 0;
    over_us = now->clock_us - since_us;
    percent = (busy_us * 100 + over_us / 2) / over_us;
    return percent > 100 ? 100 : (unsigned)percent;
}

int nvmlDeviceGetProcessUtilization(device_t device, struct process_sample *samples,
                                    unsigned *count, unsigned long long since_us)
{
    int rc = check(device);
    unsigned found = 0, room = *count;
    uint64_t clock_us = state ? state->clock_us : 0;
    struct asked now[GPU_STATE_PROCESSES] = {0}, *before;

    if (rc != SUCCESS)
        return rc;
    if (clock_us <= since_us)
        return NOT_FOUND;
    before = asked[device - state->card];
    for (unsigned i = 0; i < device->process_count && found < room; i++) {
        uint32_t pid = device->process[i].pid;

        now[i] = (struct asked){pid, device->process[i].busy_us, clock_us};
        samples[found++] = (struct process_sample){
            .pid = pid,
            .time_stamp = clock_us,
            .sm = mean_percent(last_asked(before, pid), &now[i], since_us)};
    }
    if (found > 0)
        memcpy(before, now, sizeof now);
    *count = found;
    return found ? SUCCESS : NOT_FOUND;
}

/* Every call about its limit, too. */
static int check_limit(device_t device)
{
    int rc = check(device);

    return rc == SUCCESS && (device->flags & GPU_STATE_NO_LIMIT || !device->limit_mw)
               ? NOT_SUPPORTED
               : rc;
}

int nvmlDeviceGetPowerManagementLimit(device_t device, unsigned *mw)
{
    int rc = check_limit(device);

    if (rc == SUCCESS)
        *mw = device->limit_mw;
    return rc;
}

int nvmlDeviceGetPowerManagementLimitConstraints(device_t device, unsigned *least,
                                                 unsigned *most)
{
    int rc = check_limit(device);

    if (rc == SUCCESS) {
        *least = device->min_mw;
        *most = device->max_mw;
    }
    return rc;
}

int nvmlDeviceGetPowerManagementDefaultLimit(device_t device, unsigned *mw)
{
    int rc = check_limit(device);

    if (rc == SUCCESS)
        *mw = device->default_mw;
    return rc;
}

static int set_limit(device_t device, unsigned mw)
{
    int rc = check_limit(device);

    if (rc != SUCCESS)
        return rc;
    if (device->flags & GPU_STATE_REFUSE || !writable)
        return NO_PERMISSION;
    if (mw < device->min_mw || mw > device->max_mw)
        return INVALID_ARGUMENT;
    if (device->flags & GPU_STATE_COARSE)
        mw -= mw % 7000;
    if (!(device->flags & GPU_STATE_STUBBORN))
        device->limit_mw = mw;
    return SUCCESS;
}

/* One line, by one write. */
static void log_set(device_t device, unsigned mw, int rc)
{
    bool known = state && device && !is_instance(device);
    char path[600], line[512];
    struct timespec now;
    int fd, len;

    clock_gettime(CLOCK_REALTIME, &now);
    snprintf(path, sizeof path, "%s%s", folder, GPU_STATE_LOG);
    len = snprintf(line, sizeof line,
                   "{\"time_ms\":%" PRId64 ",\"pid\":%d,\"gpu\":%d,\"uuid\":\"%.63s\","
                   "\"mw\":%u,\"min_mw\":%u,\"max_mw\":%u,\"rc\":%d,\"says\":\"%s\"}\n",
                   (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000, (int)getpid(),
                   known ? (int)device->minor : -1, known ? device->uuid : "", mw,
                   known ? device->min_mw : 0, known ? device->max_mw : 0, rc,
                   nvmlErrorString(rc));
    fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0)
        return;
    if (write(fd, line, (size_t)len) != len)
        perror(path);
    close(fd);
}

int nvmlDeviceSetPowerManagementLimit(device_t device, unsigned mw)
{
    int rc;

    if (check(device) == SUCCESS && device->flags & GPU_STATE_CRASH_EARLY)
        raise(SIGKILL);
    rc = set_limit(device, mw);
    log_set(device, mw, rc);
    if (rc == SUCCESS && device->flags & GPU_STATE_CRASH)
        raise(SIGKILL);
    return rc;
}
