/* rsmi.h - AMD GPUs through librocm_smi64, loaded when the meter starts
 *
 * No ROCm header or library is needed to build. Types and meaning of what is called:
 * AMD's ROCm SMI library documentation.
 */
#ifndef METER_RSMI_H
#define METER_RSMI_H

#include "plugin/meter/counter.h"

/* Adds a counter for each GPU; NULL, or why there is none. */
const char *rsmi_find(struct counters *counters);

#endif
