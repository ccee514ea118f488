/* slurm_whole.h - which past runs had all of their nodes to themselves
 *
 * slurmdbd does not say: it is so if a run held every CPU that its nodes have now, in a
 * partition that does not let jobs share CPUs. What cannot be known is not so.
 */
#ifndef KWOTA_SLURM_WHOLE_H
#define KWOTA_SLURM_WHOLE_H

#include <stdbool.h>

#include "policy/slurm_past.h"

struct whole;

/* Slurm's nodes and partitions of this moment. Takes long, as slurm_past.h says. NULL:
 * slurmctld cannot be asked, or memory is out. */
struct whole *whole_load(void);
void whole_free(struct whole *whole);

bool whole_had(const struct whole *whole, const struct past_run *run);

#endif
