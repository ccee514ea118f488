/* meter_place.h - where this process's meter is, and for whom it asks
 *
 * slurmd and slurmstepd load the SPANK plugin, which knows plugstack.conf, and the
 * energy plugin, which does not: the one tells the other through the environment of the
 * process they share. Nothing of it reaches a job: Slurm makes a job's environment
 * anew.
 */
#ifndef KWOTA_METER_PLACE_H
#define KWOTA_METER_PLACE_H

#include <stdint.h>

#include "plugin/arguments.h"

struct meter_place {
    char run[ARGUMENT_TEXT]; /* the folder of its socket; "": not known */
    char node[64];
    uint32_t job, step; /* job 0: the node itself */
};

/* Called by the SPANK plugin. node "": found out by whoever asks. */
void meter_place_tell(const struct meter_place *place);

/* Called by the energy plugin; the node is SLURMD_NODENAME, slurmd's -N, or the
 * host's short name. */
void meter_place_find(struct meter_place *place);

#endif
