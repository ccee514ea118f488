/* hwmon.h - energy and power channels of Linux's hwmon devices
 *
 * Layout and units: Documentation/hwmon/sysfs-interface.rst in Linux (energy in µJ,
 * power in µW). What a device measures: acpi_power_meter.rst (and NVIDIA's Grace
 * documentation for the words in power1_oem_info), xe and i915 hwmon ABI, amdgpu
 * thermal documentation, amd_energy.
 */
#ifndef METER_HWMON_H
#define METER_HWMON_H

#include "plugin/meter/counter.h"

/* Adds the channels below ROOT/sys/class/hwmon; NULL, or why there is none. */
const char *hwmon_find(struct counters *counters);

#endif
