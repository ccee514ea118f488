/* jobcomp_kwota.c - completion: tells kwotad which job to look at, and waits for
 * nothing */
#include "plugin/slurm_version.h"

#include <slurm/slurm_errno.h>
#include <stdio.h>
#include <time.h>

#if SLURM_VERSION_NUMBER >= SLURM_VERSION_NUM(24, 11, 0)
#include "src/common/job_record.h"
#else
#include "src/slurmctld/slurmctld.h"
#endif

#include "plugin/journal_writer.h"

/* At slurmctld's end, for what is queued. */
#define CLOSE_MS 2000

const char plugin_name[] = "kwota energy accounting";
const char plugin_type[] = "jobcomp/kwota";
const uint32_t plugin_version = SLURM_VERSION_NUMBER;

extern int init(void);
extern KWOTA_FINI fini(void);
extern int jobcomp_p_set_location(KWOTA_JOBCOMP_LOCATION);
extern List jobcomp_p_get_jobs(void *condition);

static void complain(const char *sentence)
{
    error("jobcomp/kwota: ended.journal: %s", sentence);
}

int init(void)
{
    return SLURM_SUCCESS;
}

KWOTA_FINI fini(void)
{
    journal_writer_close(CLOSE_MS);
    KWOTA_FINI_RETURN;
}

int jobcomp_p_set_location(KWOTA_JOBCOMP_LOCATION)
{
#if !KWOTA_SLURM_FROM(23, 2)
    const char *path = location;
#else
    const char *path = slurm_conf.job_comp_loc;
#endif

    /* Slurm's default names another plugin's file. */
    if (!path || strcmp(path, "/var/log/slurm_jobcomp.log") == 0)
        path = KWOTA_SPOOLDIR "/ended.journal";
    journal_writer_open(path, complain);
    return SLURM_SUCCESS;
}

static int record_end(const job_record_t *job)
{
    struct journal_record record = {
        .job = job->job_id,
        .time_s = time(NULL),
        .submit_s = job->details ? job->details->submit_time : 0,
        .restart = job->restart_cnt,
        .state = job->job_state,
    };

    journal_writer_put(&record);
    return SLURM_SUCCESS;
}

#ifdef KWOTA_JOBCOMP_EVENTS
extern int jobcomp_p_record_job_end(job_record_t *job, uint32_t event);
extern int jobcomp_p_record_job_start(job_record_t *job, uint32_t event);

int jobcomp_p_record_job_end(job_record_t *job, uint32_t event)
{
    (void)event;
    return record_end(job);
}

int jobcomp_p_record_job_start(job_record_t *job, uint32_t event)
{
    (void)job;
    (void)event;
    return SLURM_SUCCESS;
}
#else
extern int jobcomp_p_log_record(job_record_t *job);

int jobcomp_p_log_record(job_record_t *job)
{
    return record_end(job);
}
#endif

/* sacct -c has nothing to get from a journal that is taken away once read. */
List jobcomp_p_get_jobs(void *condition)
{
    (void)condition;
    return NULL;
}
