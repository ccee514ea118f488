/* probe_limits.h - kwota-meter probe: every power limit, its range, and why not
 */
#ifndef METER_PROBE_LIMITS_H
#define METER_PROBE_LIMITS_H

#include <jansson.h>

#include "plugin/meter/counter.h"

/* Looks for the limits; nothing is set. A library that gave no energy counter is not
 * asked for limits: it is absent, or hangs, and would hide what other kinds have. One
 * that hangs only now is waited for as long as for a counter, and no longer. */
void probe_limits(const struct counters *counters);

/* What was found: a new list of limits, and an object that says why a kind has none. */
json_t *probe_limits_list(void);
json_t *probe_limits_kinds(void);

void probe_limits_print(void);

#endif
