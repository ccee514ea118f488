/* slurm_energy.h - what a job, a step or the node has used until now, for Slurm's own
 * figures
 *
 * Belongs to the main thread.
 */
#ifndef METER_SLURM_ENERGY_H
#define METER_SLURM_ENERGY_H

#include <stdint.h>

#include "plugin/meter/meter.h"

/* Microjoules on this node since its run or step began, or since the meter's books were
 * begun for the node (job 0); BOOKS_UNKNOWN if no counter gave any. The extern step
 * stands for its whole job. Ticks if the last tick is too old to say. */
int64_t energy_now(struct meter *meter, uint32_t job, uint32_t step);

/* The same of the books as they are. Pure. */
int64_t energy_of_node(const struct books *books);
int64_t energy_of_run(const struct books *books, const struct books_run *run);
int64_t energy_of_step(const struct books *books, const struct books_run *run,
                       uint32_t step);

#endif
