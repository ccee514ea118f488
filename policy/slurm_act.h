/* slurm_act.h - what kwotad does to jobs
 *
 * Each acts on one job as Slurm names it (lookup_run.act, queue_job.text) and returns
 * 0, or -1 with Slurm's sentence in `why`. Every call may take seconds.
 */
#ifndef KWOTA_SLURM_ACT_H
#define KWOTA_SLURM_ACT_H

#include <stdbool.h>
#include <stdint.h>

#define ACT_WHY 256

/* Back into the queue and held, as an administrator's hold that its owner cannot
 * release; `requeues`: Slurm may requeue it already. */
int act_requeue_hold(const char *job, bool requeues, const char *comment,
                     char why[ACT_WHY]);

/* Lets a held job wait for its turn again. */
int act_release(const char *job, const char *comment, char why[ACT_WHY]);

/* Tells the job's user (srun, salloc; a batch job's output) and ends it. */
int act_end(const char *job, uint32_t job_id, const char *sentence, char why[ACT_WHY]);

/* Tells a running job's user the same way, and no more. */
int act_notify(uint32_t job_id, const char *sentence, char why[ACT_WHY]);

/* Sends a signal, "USR1": to the batch script where there is one, else to the steps. */
int act_signal(const char *job, const char *name, bool batch, char why[ACT_WHY]);

/* Replaces what it asks of licences. */
int act_licences(const char *job, const char *licences, char why[ACT_WHY]);

/* Moves it into another QOS. */
int act_qos(const char *job, const char *qos, char why[ACT_WHY]);

/* Sets its admin_comment. */
int act_comment(const char *job, const char *comment, char why[ACT_WHY]);

#endif
