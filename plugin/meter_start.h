/* meter_start.h - starting the meter where systemd does not
 *
 * The meter must outlive slurmd and every job, and must not keep slurmd from
 * restarting: a session of its own, no inherited descriptor, pid 1's mount namespace,
 * out of slurmd's and any job's cgroups.
 */
#ifndef KWOTA_METER_START_H
#define KWOTA_METER_START_H

#include "plugin/arguments.h"

/* Starts it and returns at once; whether it runs, its socket tells. Two starts at the
 * same moment are harmless: the second meter finds the first's lock and ends. */
void meter_start(const struct arguments *arguments, const char *node);

#endif
