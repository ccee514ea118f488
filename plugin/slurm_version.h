/* slurm_version.h - every difference between Slurm versions that kwota's plugins meet
 *
 * Include it first in a plugin's file. Tried on 22.05; what newer versions changed is
 * taken from their headers.
 */
#ifndef KWOTA_SLURM_VERSION_H
#define KWOTA_SLURM_VERSION_H

#define SLURM_BACKWARD_COMPAT /* 26.05: job_id in the public structures */
#include <slurm/slurm.h>
#include <slurm/slurm_version.h>

#define KWOTA_SLURM(major, minor) SLURM_VERSION_NUM(major, minor, 0)
#define KWOTA_SLURM_FROM(major, minor)                                                 \
    (SLURM_VERSION_NUMBER >= KWOTA_SLURM(major, minor))

/* fini() gives nothing back from 25.11. */
#if KWOTA_SLURM_FROM(25, 11)
#define KWOTA_FINI void
#define KWOTA_FINI_RETURN return
#else
#define KWOTA_FINI int
#define KWOTA_FINI_RETURN return SLURM_SUCCESS
#endif

/* job_submit's job_modify() can answer with a message from 23.02. */
#if KWOTA_SLURM_FROM(23, 2)
#define KWOTA_JOB_MODIFY_MESSAGE , char **err_msg
#else
#define KWOTA_JOB_MODIFY_MESSAGE
#endif

/* The completion plugin's callbacks. */
#if KWOTA_SLURM_FROM(25, 5)
#define KWOTA_JOBCOMP_EVENTS 1
#endif
#if KWOTA_SLURM_FROM(23, 2)
#define KWOTA_JOBCOMP_LOCATION void
#else
#define KWOTA_JOBCOMP_LOCATION char *location
#endif

#endif
