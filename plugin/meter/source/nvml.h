/* nvml.h - NVIDIA GPUs through libnvidia-ml, loaded when the meter starts
 *
 * No NVIDIA header or library is needed to build. Types and meaning of what is called:
 * NVIDIA's NVML API reference, whose ABI is kept from release to release.
 */
#ifndef METER_NVML_H
#define METER_NVML_H

#include "plugin/meter/counter.h"

/* Adds a counter for each GPU; NULL, or why there is none. */
const char *nvml_find(struct counters *counters);

/* A GPU that was lost before anyone looked does not tell its minor number (-1 in
 * `order`): it gets one that no other has, so that the others keep their places. Pure.
 */
void nvml_place_lost(int32_t *order, int count);

#endif
