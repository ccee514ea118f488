/* pm_counters.h - HPE Cray EX's node counters
 *
 * Source: HPE's "User access to compute node power data" (docs-csm). All files are
 * filled by the node's controller ten times a second (raw_scan_hz); `freshness` counts
 * its scans, `startup` changes when the controller starts anew, `generation` when a
 * power cap is written, which changes no counter.
 */
#ifndef METER_PM_COUNTERS_H
#define METER_PM_COUNTERS_H

#include "plugin/meter/counter.h"

/* Adds the counters below ROOT/sys/cray/pm_counters; NULL, or why there is none. */
const char *pm_counters_find(struct counters *counters);

/* Before a round of readings: is the controller alive? */
void pm_counters_begin(int64_t now_ns);

/* The controller's session, or -1 with the reason why what the files hold is stale. */
int pm_counters_check(int64_t *session, char reason[COUNTER_REASON]);

void pm_counters_close(void);

#endif
