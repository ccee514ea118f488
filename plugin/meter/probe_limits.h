/* probe_limits.h - kwota-meter probe: every power limit, its range, and why not
 */
#ifndef METER_PROBE_LIMITS_H
#define METER_PROBE_LIMITS_H

#include <jansson.h>

#include "plugin/meter/counter.h"

/* Looks for the limits; nothing is set. A library that hangs is waited for as long as
 * an energy counter's, and no longer. */
void probe_limits(const struct sources *sources);

/* What was found: a new list of limits, and an object that says why a kind has none. */
json_t *probe_limits_list(void);
json_t *probe_limits_kinds(void);

void probe_limits_print(void);

#endif
