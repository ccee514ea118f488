/* hwmon.c - energy and power channels of Linux's hwmon devices
 *
 * An energy channel is preferred to a power channel of the same device. What a device
 * of an unknown name measures is unknown: its channels are shown and not charged.
 */
#include "plugin/meter/source/hwmon.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* More than these no device of the kind draws. */
#define MAX_GPU_MW 2000000
#define MAX_SOCKET_MW 2000000
#define MAX_NODE_MW 20000000

#define ALL_PARTS (1U << COUNTER_PACKAGE | 1U << COUNTER_DRAM | 1U << COUNTER_GPU)

/* Channels of one device are numbered from 1. amd_energy has one for each core, with
 * those of the sockets behind them. */
#define MAX_CHANNELS 1024

/* A counter's path has to hold the folder and the channel's file. */
#define MAX_FOLDER 190

/* One hwmon device. */
struct device {
    struct counters *counters;
    char folder[512];
    char name[COUNTER_NAME];
    int gpu_order; /* the render node's number; -1: not a GPU with one */
};

/* One channel of it. */
struct channel {
    char file[64];           /* energy1_input, power1_average */
    char path[COUNTER_PATH]; /* … in full */
    char label[64];          /* as the driver says; "" if it says nothing */
    bool energy, disabled;
};

static int is_hwmon(const struct dirent *entry)
{
    return strncmp(entry->d_name, "hwmon", 5) == 0;
}

/* Where drivers put their files: at the hwmon device, or, as acpi_power_meter (and with
 * it Grace) does on most kernels, at the device behind it. */
static const char *const places[] = {"", "device/"};
#define PLACES (sizeof places / sizeof *places)

/* The path of a file of the device's; false: there is none. */
static bool find_file(const struct device *device, const char *file,
                      char path[COUNTER_PATH])
{
    for (size_t i = 0; i < PLACES; i++) {
        snprintf(path, COUNTER_PATH, "%.*s/%s%.50s", MAX_FOLDER, device->folder,
                 places[i], file);
        if (access(path, F_OK) == 0)
            return true;
    }
    return false;
}

static void line_of(const struct device *device, const char *file, char *line, int size)
{
    char path[COUNTER_PATH];

    line[0] = '\0';
    if (find_file(device, file, path))
        counter_line(path, line, size);
}

static bool is_disabled(const struct device *device, const char *what, int number)
{
    char file[32], line[8];

    snprintf(file, sizeof file, "%s%d_enable", what, number);
    line_of(device, file, line, sizeof line);
    return strcmp(line, "0") == 0;
}

static void read_label(const struct device *device, const char *what, int number,
                       struct channel *channel)
{
    char file[48];

    snprintf(file, sizeof file, "%s%d_label", what, number);
    line_of(device, file, channel->label, sizeof channel->label);
    if (channel->label[0])
        return;
    snprintf(file, sizeof file, "%s%d_oem_info", what, number);
    line_of(device, file, channel->label, sizeof channel->label);
}

static bool find_channel(const struct device *device, int number, bool energy,
                         struct channel *channel)
{
    static const char *const power_files[] = {"average", "input"};
    const char *what = energy ? "energy" : "power";

    memset(channel, 0, sizeof *channel);
    channel->energy = energy;
    channel->disabled = is_disabled(device, what, number);
    read_label(device, what, number, channel);
    if (energy) {
        snprintf(channel->file, sizeof channel->file, "energy%d_input", number);
        return find_file(device, channel->file, channel->path);
    }
    for (size_t i = 0; i < 2; i++) {
        snprintf(channel->file, sizeof channel->file, "power%d_%s", number,
                 power_files[i]);
        if (find_file(device, channel->file, channel->path))
            return true;
    }
    return false;
}

static struct counter *add(const struct device *device, const struct channel *channel,
                           enum counter_kind kind, const char *name, int64_t most_mw)
{
    struct counter *counter = counters_add(device->counters, SOURCE_HWMON, kind, name);

    if (!counter)
        return NULL;
    memcpy(counter->path, channel->path, sizeof counter->path);
    counter->integrated = !channel->energy;
    counter->max_power_mw = most_mw;
    if (channel->disabled) {
        /* What its file shows is no reading. */
        counter->path[0] = '\0';
        counter_leave_out(counter, "the channel is disabled");
    } else {
        counter_open_file(counter);
    }
    return counter;
}

static void add_unknown(const struct device *device, const struct channel *channel,
                        const char *why)
{
    char name[COUNTER_NAME];
    struct counter *counter;

    /* What is only shown leaves room for what may be charged. */
    if (device->counters->count >= COUNTER_MAX / 2)
        return;
    snprintf(name, sizeof name, "%.16s-%.14s", device->name, channel->file);
    counter = add(device, channel, COUNTER_CORE, name, MAX_NODE_MW);
    if (counter && counter->charged)
        counter_leave_out(counter, why);
}

/* The number behind the last blank of "CPU Power Socket 0"; 0 if there is none. */
static int socket_of(const char *label)
{
    const char *number = strrchr(label, ' ');

    return number ? atoi(number + 1) : 0;
}

/* NVIDIA Grace tells its parts in the words of the ACPI power meters: the module covers
 * CPU and GPU, "Grace" the CPU's socket, which covers CPU rail and SysIO. */
static bool add_grace(const struct device *device, const struct channel *channel)
{
    char name[COUNTER_NAME];
    int number = socket_of(channel->label) & 63;
    struct counter *counter;

    if (strncmp(channel->label, "Module Power", 12) == 0) {
        snprintf(name, sizeof name, "module-%d", number);
        counter = add(device, channel, COUNTER_PLATFORM, name, MAX_NODE_MW);
        if (counter)
            counter->covers_kinds = ALL_PARTS;
    } else if (strncmp(channel->label, "Grace Power", 11) == 0) {
        snprintf(name, sizeof name, "package-%d", number);
        add(device, channel, COUNTER_PACKAGE, name, MAX_SOCKET_MW);
    } else if (strncmp(channel->label, "CPU Power", 9) == 0 ||
               strncmp(channel->label, "SysIO Power", 11) == 0) {
        snprintf(name, sizeof name, "%s-%d", channel->label[0] == 'C' ? "cpu" : "sysio",
                 number);
        counter = add(device, channel, COUNTER_CORE, name, MAX_SOCKET_MW);
        if (counter && counter->charged)
            counter_leave_out(counter, "lies inside its socket: not counted twice");
    } else {
        return false;
    }
    return true;
}

static void add_power_meter(const struct device *device, const struct channel *channel)
{
    struct counter *counter;

    if (add_grace(device, channel))
        return;
    counter = add(device, channel, COUNTER_PLATFORM, "acpi", MAX_NODE_MW);
    if (counter)
        counter->covers_kinds = ALL_PARTS;
}

/* "pkg" is one where nothing stands before it: xe shows no "card" on some cards. */
static bool is_total(const char *label)
{
    static const char *const totals[] = {"", "card", "pkg", "PPT", "slowPPT"};

    for (size_t i = 0; i < sizeof totals / sizeof *totals; i++)
        if (strcmp(label, totals[i]) == 0)
            return true;
    return false;
}

/* A card has one total; what else it shows lies inside. */
static void add_gpu(const struct device *device, const struct channel *channel,
                    bool first)
{
    char name[COUNTER_NAME];
    struct counter *counter;

    if (!first || !is_total(channel->label)) {
        add_unknown(device, channel, "lies inside its card: not counted twice");
        return;
    }
    snprintf(name, sizeof name, "%.8s-%d", device->name, device->gpu_order);
    counter = add(device, channel, COUNTER_GPU, name, MAX_GPU_MW);
    /* Slurm's place is known when all cards are. */
    if (counter)
        counter->index = device->gpu_order;
}

/* amd_energy: "Esocket0" is a package, "Ecore000" one of its cores. */
static void add_amd_energy(const struct device *device, const struct channel *channel)
{
    char name[COUNTER_NAME];

    if (strncmp(channel->label, "Esocket", 7) != 0)
        return;
    snprintf(name, sizeof name, "package-%d", atoi(channel->label + 7) & 63);
    add(device, channel, COUNTER_PACKAGE, name, MAX_SOCKET_MW);
}

static bool is_gpu_name(const char *name)
{
    return strcmp(name, "amdgpu") == 0 || strcmp(name, "i915") == 0 ||
           strcmp(name, "xe") == 0;
}

static void add_channel(const struct device *device, const struct channel *channel,
                        bool first)
{
    if (strcmp(device->name, "power_meter") == 0)
        add_power_meter(device, channel);
    else if (is_gpu_name(device->name))
        add_gpu(device, channel, first);
    else if (strcmp(device->name, "amd_energy") == 0)
        add_amd_energy(device, channel);
    else
        add_unknown(device, channel, "kwota does not know what this device measures");
}

/* The number of the card's render node (device/drm/renderD128); -1: there is none. */
static int render_node(const char *folder)
{
    char path[640];
    DIR *drm;
    struct dirent *entry;
    int number = -1;

    snprintf(path, sizeof path, "%.600s/device/drm", folder);
    drm = opendir(path);
    while (drm && (entry = readdir(drm)))
        if (strncmp(entry->d_name, "renderD", 7) == 0)
            number = atoi(entry->d_name + 7);
    if (drm)
        closedir(drm);
    return number;
}

/* The number of the channel that a file belongs to, 0 if to none. */
static int channel_of(const char *file, bool *energy)
{
    int number = 0, end = 0;

    if (sscanf(file, "energy%4d_input%n", &number, &end) == 1 && end > 0 &&
        !file[end]) {
        *energy = true;
        return number;
    }
    return sscanf(file, "power%4d_", &number) == 1 ? number : 0;
}

/* The highest number of the device's channels, and whether any tells energy. */
static int last_channel(const struct device *device, bool *energy)
{
    char path[COUNTER_PATH];
    struct dirent *entry;
    DIR *folder;
    int last = 0;

    *energy = false;
    for (size_t i = 0; i < PLACES && last == 0; i++) {
        snprintf(path, sizeof path, "%.*s/%s", MAX_FOLDER, device->folder, places[i]);
        folder = opendir(path);
        while (folder && (entry = readdir(folder))) {
            int number = channel_of(entry->d_name, energy);

            if (number > last && number <= MAX_CHANNELS)
                last = number;
        }
        if (folder)
            closedir(folder);
    }
    return last;
}

/* Numbers of hwmon devices are given anew when a driver is loaded again; the folder
 * below /sys/devices is the same device's for good, or is not there. */
static void find_folder(struct device *device, const char *folder)
{
    char *real = realpath(folder, NULL);

    snprintf(device->folder, sizeof device->folder, "%.511s",
             real && strlen(real) <= MAX_FOLDER ? real : folder);
    free(real);
}

static void open_device(struct counters *counters, const char *folder, int number)
{
    struct device device = {.counters = counters};
    struct channel channel;
    bool first = true, energy;
    int last;

    find_folder(&device, folder);
    line_of(&device, "name", device.name, sizeof device.name);
    device.gpu_order = is_gpu_name(device.name) ? render_node(folder) : -1;
    if (device.gpu_order < 0)
        device.gpu_order = number;
    last = last_channel(&device, &energy);
    for (int n = 1; n <= last; n++)
        if (find_channel(&device, n, energy, &channel)) {
            add_channel(&device, &channel, first);
            first = false;
        }
}

/* Slurm numbers cards by their render nodes. */
static void number_gpus(struct counters *counters)
{
    int32_t order[COUNTER_MAX];
    char name[COUNTER_NAME];

    for (int c = 0; c < counters->count; c++)
        order[c] = counters->item[c].index;
    for (int c = 0; c < counters->count; c++) {
        struct counter *counter = &counters->item[c];
        int32_t place = 0;

        if (counter->source != SOURCE_HWMON || counter->kind != COUNTER_GPU)
            continue;
        for (int o = 0; o < counters->count; o++)
            if (counters->item[o].source == SOURCE_HWMON &&
                counters->item[o].kind == COUNTER_GPU &&
                (order[o] < order[c] || (order[o] == order[c] && o < c)))
                place++;
        counter->index = place;
        snprintf(name, sizeof name, "gpu-%d", place);
        /* Another source may have its own gpu-0, which is preferred. */
        for (int o = 0; o < counters->count; o++)
            if (strcmp(counters->item[o].name, name) == 0)
                snprintf(name, sizeof name, "hwmon-gpu-%d", place);
        memcpy(counter->name, name, sizeof name);
    }
}

/* CPU rails stand for their package where the socket itself is not metered. */
static void promote_cpu_rails(struct counters *counters)
{
    for (int c = 0; c < counters->count; c++) {
        struct counter *rail = &counters->item[c];
        bool metered = false;
        char name[COUNTER_NAME];

        if (rail->source != SOURCE_HWMON || strncmp(rail->name, "cpu-", 4) != 0)
            continue;
        snprintf(name, sizeof name, "package-%.20s", rail->name + 4);
        for (int o = 0; o < counters->count; o++)
            metered = metered || strcmp(counters->item[o].name, name) == 0;
        if (metered || rail->fd < 0)
            continue;
        memcpy(rail->name, name, sizeof name);
        rail->kind = COUNTER_PACKAGE;
        rail->charged = true;
        rail->reason[0] = '\0';
    }
}

const char *hwmon_find(struct counters *counters)
{
    char folder[512], path[800];
    struct dirent **devices;
    int found, before = counters->count;

    snprintf(folder, sizeof folder, "%s/sys/class/hwmon", counters->sources->root);
    found = scandir(folder, &devices, is_hwmon, versionsort);
    if (found < 0)
        return "there is no sys/class/hwmon";
    for (int i = 0; i < found; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, devices[i]->d_name);
        open_device(counters, path, i);
        free(devices[i]);
    }
    free(devices);
    number_gpus(counters);
    promote_cpu_rails(counters);
    return counters->count > before ? NULL
                                    : "no device under sys/class/hwmon tells energy";
}
