/* powercap.h - RAPL energy counters as Linux's powercap shows them
 *
 * Layout and meaning: Documentation/power/powercap/powercap.rst in Linux. Intel and AMD
 * processors both appear as "intel-rapl".
 */
#ifndef METER_POWERCAP_H
#define METER_POWERCAP_H

#include "plugin/meter/counter.h"

/* Opens the zones below ROOT/sys/class/powercap, in the order of their names. Returns
 * how many were written to `counters`. */
int powercap_find(const char *root, struct counter *counters, int max);

#endif
