/* fake_rsmi.c - a librocm_smi64.so with two GPUs: SIMULATED, for unit tests
 *
 * The functions of AMD's ROCm SMI library documentation that kwota calls. GPU 0 has an
 * energy accumulator of 15.2587890625 uJ a count, GPU 1 power only. fake_rsmi_set() is
 * the tests'.
 */
#include <stdint.h>
#include <string.h>

#define PUBLIC __attribute__((visibility("default")))

enum { SUCCESS = 0, NOT_SUPPORTED = 2, INIT_ERROR = 8, UNKNOWN = 9 };

static uint64_t count = 1000000;
static float resolution = 15.2587890625F;
static int broken;

PUBLIC void fake_rsmi_set(uint64_t energy_count, float uj_a_count, int fails);
PUBLIC int rsmi_init(uint64_t);
PUBLIC int rsmi_shut_down(void);
PUBLIC int rsmi_status_string(int, const char **);
PUBLIC int rsmi_num_monitor_devices(uint32_t *);
PUBLIC int rsmi_dev_unique_id_get(uint32_t, uint64_t *);
PUBLIC int rsmi_dev_drm_render_minor_get(uint32_t, uint32_t *);
PUBLIC int rsmi_dev_energy_count_get(uint32_t, uint64_t *, float *, uint64_t *);
PUBLIC int rsmi_dev_power_ave_get(uint32_t, uint32_t, uint64_t *);

void fake_rsmi_set(uint64_t energy_count, float uj_a_count, int fails)
{
    count = energy_count;
    resolution = uj_a_count;
    broken = fails;
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
