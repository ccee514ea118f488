/* fake_rsmi.c - a librocm_smi64.so with two GPUs: SIMULATED, for unit tests
 *
 * The functions of AMD's ROCm SMI library documentation that kwota calls. GPU 0 has an
 * energy accumulator of 15.2587890625 uJ a count, GPU 1 power only. Both have a power
 * cap. What begins with fake_ is the tests'.
 */
#include <stdint.h>
#include <string.h>

#define PUBLIC __attribute__((visibility("default")))

enum { SUCCESS = 0, INVALID_ARGS = 1, NOT_SUPPORTED = 2, INIT_ERROR = 8, UNKNOWN = 9 };

static uint64_t count = 1000000;
static float resolution = 15.2587890625F;
static int broken;

/* In microwatts. */
static struct {
    uint64_t least, most, now;
    int set_says;  /* what setting answers, if not SUCCESS */
    int set_calls; /* how many there were, and how many out of range */
    int set_wild;
} caps[2] = {{0, 560000000, 560000000, 0, 0, 0},
             {100000000, 300000000, 250000000, 0, 0, 0}};

PUBLIC void fake_rsmi_set(uint64_t energy_count, float uj_a_count, int fails);
PUBLIC void fake_rsmi_cap(uint32_t, uint64_t least, uint64_t most, uint64_t now,
                          int set_says);
PUBLIC uint64_t fake_rsmi_capped(uint32_t, int *calls, int *wild);
PUBLIC int rsmi_init(uint64_t);
PUBLIC int rsmi_shut_down(void);
PUBLIC int rsmi_status_string(int, const char **);
PUBLIC int rsmi_num_monitor_devices(uint32_t *);
PUBLIC int rsmi_dev_unique_id_get(uint32_t, uint64_t *);
PUBLIC int rsmi_dev_drm_render_minor_get(uint32_t, uint32_t *);
PUBLIC int rsmi_dev_energy_count_get(uint32_t, uint64_t *, float *, uint64_t *);
PUBLIC int rsmi_dev_power_ave_get(uint32_t, uint32_t, uint64_t *);
PUBLIC int rsmi_dev_power_cap_get(uint32_t, uint32_t, uint64_t *);
PUBLIC int rsmi_dev_power_cap_range_get(uint32_t, uint32_t, uint64_t *, uint64_t *);
PUBLIC int rsmi_dev_power_cap_default_get(uint32_t, uint64_t *);
PUBLIC int rsmi_dev_power_cap_set(uint32_t, uint32_t, uint64_t);

void fake_rsmi_set(uint64_t energy_count, float uj_a_count, int fails)
{
    count = energy_count;
    resolution = uj_a_count;
    broken = fails;
}

void fake_rsmi_cap(uint32_t device, uint64_t least, uint64_t most, uint64_t now,
                   int set_says)
{
    caps[device].least = least;
    caps[device].most = most;
    caps[device].now = now;
    caps[device].set_says = set_says;
}

uint64_t fake_rsmi_capped(uint32_t device, int *calls, int *wild)
{
    *calls = caps[device].set_calls;
    *wild = caps[device].set_wild;
    return caps[device].now;
}

int rsmi_init(uint64_t flags)
{
    return flags == 0 ? SUCCESS : INIT_ERROR;
}

int rsmi_shut_down(void)
{
    return SUCCESS;
}

int rsmi_status_string(int status, const char **text)
{
    *text = status == SUCCESS ? "success" : "the device does not answer";
    return SUCCESS;
}

int rsmi_num_monitor_devices(uint32_t *devices)
{
    *devices = 2;
    return SUCCESS;
}

int rsmi_dev_unique_id_get(uint32_t device, uint64_t *id)
{
    *id = UINT64_C(0xabc0000000000000) + device;
    return SUCCESS;
}

/* Against the library's order. */
int rsmi_dev_drm_render_minor_get(uint32_t device, uint32_t *minor)
{
    *minor = 129 - device;
    return SUCCESS;
}

int rsmi_dev_energy_count_get(uint32_t device, uint64_t *energy, float *uj_a_count,
                              uint64_t *stamp)
{
    if (broken)
        return UNKNOWN;
    if (device == 1)
        return NOT_SUPPORTED;
    *energy = count;
    *uj_a_count = resolution;
    *stamp = 1;
    return SUCCESS;
}

int rsmi_dev_power_ave_get(uint32_t device, uint32_t sensor, uint64_t *uw)
{
    (void)device;
    if (sensor != 0 || broken)
        return UNKNOWN;
    *uw = 90000000;
    return SUCCESS;
}

int rsmi_dev_power_cap_get(uint32_t device, uint32_t sensor, uint64_t *uw)
{
    if (sensor != 0 || broken)
        return UNKNOWN;
    *uw = caps[device].now;
    return SUCCESS;
}

int rsmi_dev_power_cap_range_get(uint32_t device, uint32_t sensor, uint64_t *most,
                                 uint64_t *least)
{
    if (sensor != 0)
        return UNKNOWN;
    *most = caps[device].most;
    *least = caps[device].least;
    return SUCCESS;
}

int rsmi_dev_power_cap_default_get(uint32_t device, uint64_t *uw)
{
    *uw = caps[device].most;
    return SUCCESS;
}

/* As amdgpu: what is below a watt is cut off. */
int rsmi_dev_power_cap_set(uint32_t device, uint32_t sensor, uint64_t uw)
{
    caps[device].set_calls++;
    if (sensor != 0 || uw < caps[device].least || uw > caps[device].most) {
        caps[device].set_wild++;
        return INVALID_ARGS;
    }
    if (caps[device].set_says != SUCCESS)
        return caps[device].set_says;
    caps[device].now = uw - uw % 1000000;
    return SUCCESS;
}
