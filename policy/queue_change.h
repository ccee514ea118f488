/* queue_change.h - what has changed between two looks at slurmctld's jobs
 *
 * Pure and thread-safe.
 */
#ifndef KWOTA_QUEUE_CHANGE_H
#define KWOTA_QUEUE_CHANGE_H

#include "policy/slurm_queue.h"

/* Sorts jobs by id, as queue_change_limits() wants them. */
void queue_change_sort(struct queue_job *jobs, int count);

/* The ids of jobs that run now and had another time limit before, at most `most` of
 * them: one that waited then may have begun with that. How many there are in `ids`. */
int queue_change_limits(const struct queue_job *before, int before_count,
                        const struct queue_job *now, int now_count, uint32_t *ids,
                        int most);

#endif
