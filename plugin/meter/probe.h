/* probe.h - kwota-meter probe: every source and counter, what is charged, and why not;
 * every power limit
 */
#ifndef METER_PROBE_H
#define METER_PROBE_H

#include "plugin/meter/counter.h"

/* Prints what is found with these sources, as a table or as JSON. `watch_s`: for so
 * many seconds, the mean power of each counter beside it. Nothing is set. Exit status:
 * 0 if something can be charged, 3 if nothing can. */
int probe(const struct sources *sources, bool json, int watch_s);

#endif
