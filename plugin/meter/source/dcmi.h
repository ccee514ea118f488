/* dcmi.h - the node's management controller, asked for its power over IPMI DCMI
 *
 * Through FreeIPMI's ipmi-dcmi or through ipmitool, whichever the node has: both speak
 * to every controller's quirks better than code of ours would.
 */
#ifndef METER_DCMI_H
#define METER_DCMI_H

#include "plugin/meter/counter.h"

/* Adds the node's meter; NULL, or why there is none. */
const char *dcmi_find(struct counters *counters);

#endif
