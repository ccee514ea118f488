/* slurm_version.h - every difference between Slurm versions that kwota meets
 *
 * Included instead of slurm/slurm.h, before any other of Slurm's headers; nothing else
 * looks at SLURM_VERSION_NUMBER but to say which version a plugin is for. Built and
 * tested on 22.05, 24.11 and 26.05 (tests/matrix); where a change came between two of
 * them it stands at the newer one, unless it is known better.
 */
#ifndef KWOTA_SLURM_VERSION_H
#define KWOTA_SLURM_VERSION_H

#define SLURM_BACKWARD_COMPAT /* 26.05: calls that take a job's number go on taking it \
                               */
#include <slurm/slurm.h>
#include <slurm/slurm_errno.h>
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

/* The record that completion is given begins with a public structure from 26.05;
 * before, Slurm's private headers describe it: KWOTA_JOB_RECORD is the one that does.
 */
#if KWOTA_SLURM_FROM(26, 5)
#define KWOTA_JOB_RECORD_BEGINS 1
#elif KWOTA_SLURM_FROM(24, 11)
#define KWOTA_JOB_RECORD "src/common/job_record.h"
#else
#define KWOTA_JOB_RECORD "src/slurmctld/slurmctld.h"
#endif

/* Newer versions say list_t and list_itr_t themselves, of the same structures, and have
 * made hostlist_t the structure where it was a pointer. */
typedef struct xlist list_t;
typedef struct listIterator list_itr_t;
typedef struct hostlist *kwota_hostlist;

/* A loaded job's CPUs on a node could be asked of libslurm; now only its allocation
 * tells. */
#if !KWOTA_SLURM_FROM(24, 11)
#define KWOTA_JOB_CPUS_ON_NODE 1
#endif

/* Frees what slurm_load_ctl_conf() gave. */
#if KWOTA_SLURM_FROM(26, 5)
#define kwota_free_conf slurm_free_conf
#else
#define kwota_free_conf slurm_free_ctl_conf
#endif

/* ESLURM_JOB_SETTING_DB_INX, by its number: newer versions have nothing in its place.
 */
#define KWOTA_SETTING_DB_INX 2103

/* slurmdbd takes a job's energy from outside from 25.11. */
#define KWOTA_DBD_TAKES_ENERGY KWOTA_SLURM_FROM(25, 11)

/* The job's number in what slurmctld answers to a submission. */
#if KWOTA_SLURM_FROM(26, 5)
#define KWOTA_SUBMITTED(answer) ((answer)->step_id.job_id)
#else
#define KWOTA_SUBMITTED(answer) ((answer)->job_id)
#endif

#endif
