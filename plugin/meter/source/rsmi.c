/* rsmi.c - AMD GPUs through librocm_smi64, loaded when the meter starts
 *
 * Energy: rsmi_dev_energy_count_get gives an accumulator and its resolution in
 * microjoules (15.3 on today's GPUs). Where a GPU has none: rsmi_dev_power_ave_get, in
 * microwatts, sampled and integrated. Slurm numbers GPUs by their render nodes.
 */
#include "plugin/meter/source/rsmi.h"

#include <dlfcn.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "plugin/meter/driver.h"
#include "plugin/meter/source/library.h"

#define OPEN_MS 10000
#define PATIENCE_MS 100

/* No module draws twice this. */
#define MAX_POWER_MW 2000000

enum { SUCCESS = 0, NOT_SUPPORTED = 2 };

/* The library's functions; set by open, used by the driver's thread alone. */
static struct {
    void *handle;
    int (*init)(uint64_t);
    int (*shut_down)(void);
    int (*error)(int, const char **);
    int (*count)(uint32_t *);
    int (*unique_id)(uint32_t, uint64_t *);
    int (*render_minor)(uint32_t, uint32_t *);
    int (*energy)(uint32_t, uint64_t *, float *, uint64_t *);
    int (*power)(uint32_t, uint32_t, uint64_t *);
    bool power_only[DRIVER_DEVICES];
} rsmi;

static const struct library_symbol symbols[] = {
    {"rsmi_init", (void **)&rsmi.init, true},
    {"rsmi_shut_down", (void **)&rsmi.shut_down, true},
    {"rsmi_status_string", (void **)&rsmi.error, true},
    {"rsmi_num_monitor_devices", (void **)&rsmi.count, true},
    {"rsmi_dev_unique_id_get", (void **)&rsmi.unique_id, false},
    {"rsmi_dev_drm_render_minor_get", (void **)&rsmi.render_minor, false},
    {"rsmi_dev_energy_count_get", (void **)&rsmi.energy, false},
    {"rsmi_dev_power_ave_get", (void **)&rsmi.power, false},
};

static int refuse(char why[COUNTER_REASON], const char *what, int rc)
{
    const char *text = NULL;

    rsmi.error(rc, &text);
    snprintf(why, COUNTER_REASON, "%s: ROCm SMI says \"%.80s\"", what,
             text ? text : "unknown");
    return -1;
}

/* Microjoules of an accumulator. The resolution is a float such as 15.2587891: taken to
 * millionths, so that the rest is whole numbers. */
static int64_t energy_uj(uint64_t count, float resolution)
{
    __int128 uj = (__int128)count * (int64_t)((double)resolution * 1e6 + 0.5) / 1000000;

    return uj > INT64_MAX ? INT64_MAX : (int64_t)uj;
}

static void describe(uint32_t index, struct driver_device *device)
{
    uint64_t id = 0, count, stamp;
    uint32_t minor = index;
    float resolution = 0;

    memset(device, 0, sizeof *device);
    device->kind = COUNTER_GPU;
    device->slices = 1;
    device->slice_weight[0] = device->slices_whole = 1;
    device->max_power_mw = MAX_POWER_MW;
    if (rsmi.unique_id && rsmi.unique_id(index, &id) == SUCCESS)
        snprintf(device->uuid, sizeof device->uuid, "GPU-%016" PRIx64, id);
    if (!rsmi.render_minor || rsmi.render_minor(index, &minor) != SUCCESS)
        minor = index;
    device->order = (int32_t)minor;
    device->power = !rsmi.energy ||
                    rsmi.energy(index, &count, &resolution, &stamp) == NOT_SUPPORTED;
    rsmi.power_only[index] = device->power;
}

static int rsmi_open(const struct sources *sources, struct driver_device *devices,
                     int max, char why[COUNTER_REASON])
{
    uint32_t count = 0;
    int rc;

    if (!rsmi.handle)
        rsmi.handle = library_open(sources, SOURCE_RSMI, "librocm_smi64.so.1", symbols,
                                   (int)(sizeof symbols / sizeof *symbols), why);
    if (!rsmi.handle)
        return -1;
    rc = rsmi.init(0);
    if (rc != SUCCESS)
        return refuse(why, "it cannot be initialised", rc);
    rc = rsmi.count(&count);
    if (rc != SUCCESS)
        return refuse(why, "the GPUs cannot be counted", rc);
    if (count > (uint32_t)max)
        count = (uint32_t)max;
    for (uint32_t i = 0; i < count; i++)
        describe(i, &devices[i]);
    return (int)count;
}

static int rsmi_read(int index, bool users, struct driver_sample *sample,
                     char why[COUNTER_REASON])
{
    uint64_t value = 0, stamp = 0;
    float resolution = 0;
    int rc;

    (void)users; /* ROCm SMI does not tell who used how much of a GPU */
    sample->power = rsmi.power_only[index];
    if (sample->power && !rsmi.power) {
        snprintf(why, COUNTER_REASON, "ROCm SMI tells neither its energy nor power");
        return -1;
    }
    rc = sample->power ? rsmi.power((uint32_t)index, 0, &value)
                       : rsmi.energy((uint32_t)index, &value, &resolution, &stamp);
    if (rc != SUCCESS)
        return refuse(why, "the GPU", rc);
    if (sample->power) {
        if (value > (uint64_t)MAX_POWER_MW * 1000) {
            snprintf(why, COUNTER_REASON,
                     "ROCm SMI says %" PRIu64 " uW, which no GPU draws", value);
            return -1;
        }
        sample->value = (int64_t)value;
        return 0;
    }
    if (!(resolution > 0.001F && resolution < 1000000.0F)) {
        snprintf(why, COUNTER_REASON, "ROCm SMI gives the energy no usable resolution");
        return -1;
    }
    sample->value = energy_uj(value, resolution);
    return 0;
}

static void rsmi_close(void)
{
    rsmi.shut_down();
    dlclose(rsmi.handle);
    memset(&rsmi, 0, sizeof rsmi);
}

const char *rsmi_find(struct counters *counters)
{
    static const struct driver_ops ops = {.source = SOURCE_RSMI,
                                          .open = rsmi_open,
                                          .read = rsmi_read,
                                          .close = rsmi_close,
                                          .patience_ms = PATIENCE_MS};
    const struct driver_device *devices;
    const char *why;
    struct driver *driver = driver_start(&ops, counters->sources, OPEN_MS, &why);

    if (!driver)
        return why;
    counters->driver[SOURCE_RSMI] = driver;
    driver_add_counters(counters, driver);
    return driver_devices(driver, &devices) > 0 ? NULL : driver_why(driver);
}
