/* meter_inside.h - what the meter's own files share; for them only
 *
 * The _locked functions want the meter's lock held.
 */
#ifndef KWOTA_METER_INSIDE_H
#define KWOTA_METER_INSIDE_H

#include "plugin/meter/meter.h"

/* How long the node has been suspended since it booted. */
int64_t meter_asleep_ns(void);

/* meter_tick.c: reads and shares out everything. At a boundary nothing that is read at
 * leisure is left out: a run begins or ends. */
void meter_tick_locked(struct meter *meter, bool boundary);

/* With `sync` it is on disk before this returns. */
void meter_save_locked(struct meter *meter, bool sync);

void meter_end_locked(struct meter *meter, struct books_run *run);

/* The CPU time of a run and of one of its steps, as their cgroups show it now. */
void meter_read_cpu_time(struct meter *meter, struct books_run *run);
void meter_read_step(struct meter *meter, const struct books_run *run,
                     struct books_step *step);

/* What each run holds of the node. */
void meter_share_out(struct meter *meter);

/* Tells the GPUs' drivers whether anybody shares a card. */
void meter_ask_for_users(struct meter *meter);

#endif
