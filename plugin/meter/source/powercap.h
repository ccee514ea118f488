/* powercap.h - RAPL energy counters as Linux's powercap shows them
 *
 * Layout and meaning: Documentation/power/powercap/powercap.rst in Linux. Intel and AMD
 * processors both appear as "intel-rapl".
 */
#ifndef METER_POWERCAP_H
#define METER_POWERCAP_H

#include "plugin/meter/counter.h"

/* Adds the zones below ROOT/sys/class/powercap, in the order of their names; NULL, or
 * why there is none. */
const char *powercap_find(struct counters *counters);

#endif
