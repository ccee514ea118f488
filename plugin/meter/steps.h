/* steps.h - dividing a run's energy among its steps on this node
 *
 * No I/O. What a run got since the last time goes to its steps by their CPU time in
 * that time; where none used any, to the steps that run, by their CPUs, and to the
 * batch script only if it is alone. What a run got while no step of it was known stays
 * outside its steps.
 */
#ifndef METER_STEPS_H
#define METER_STEPS_H

#include "plugin/meter/books.h"

/* Brings every run's steps up to date. To be called after each round of accounting,
 * with the steps' cpu_ns as of then. */
void steps_divide(struct books *books);

/* Of Slurm's step numbers: "0", "batch", "extern", "interactive". */
void steps_name(uint32_t step, char *name, int size);

/* Forgets steps of running runs that were over in `reported`, a copy of the books that
 * kwotad has taken. */
void steps_forget(struct books *books, const struct books *reported);

#endif
