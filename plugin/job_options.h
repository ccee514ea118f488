/* job_options.h - kwota's own options of srun, sbatch and salloc
 *
 * Slurm itself hands --energy-budget and --gpu-power-cap on: admission finds them in
 * the job's request.
 */
#ifndef KWOTA_JOB_OPTIONS_H
#define KWOTA_JOB_OPTIONS_H

#include <slurm/spank.h>

enum wish { WISH_NONE, WISH_NO, WISH_YES };

/* To be called from slurm_spank_init(). */
void job_options_offer(spank_t sp);

/* What --energy-report says, in this process. */
enum wish job_options_report(void);

#endif
