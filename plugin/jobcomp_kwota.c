/* jobcomp_kwota.c - completion: tells kwotad which job to look at, and waits for
 * nothing */
#include "plugin/slurm_version.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#ifdef KWOTA_JOB_RECORD
#include KWOTA_JOB_RECORD
#else
typedef struct job_record job_record_t;
#endif

#include "plugin/journal_writer.h"

/* At slurmctld's end, for what is queued. */
#define CLOSE_MS 2000

const char plugin_name[] = "kwota energy accounting";
const char plugin_type[] = "jobcomp/kwota";
const uint32_t plugin_version = SLURM_VERSION_NUMBER;

/* The host process's. */
extern slurm_conf_t slurm_conf;
extern void slurm_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
extern int init(void);
extern KWOTA_FINI fini(void);
extern int jobcomp_p_set_location(KWOTA_JOBCOMP_LOCATION);
extern list_t *jobcomp_p_get_jobs(void *condition);

static void complain(const char *sentence)
{
    slurm_error("jobcomp/kwota: ended.journal: %s", sentence);
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

#ifdef KWOTA_JOB_RECORD_BEGINS
/* Only its beginning is public. */
static uint32_t number_of(const job_record_t *job)
{
    return ((const slurm_step_id_t *)(const void *)job)->job_id;
}
#else
static uint32_t number_of(const job_record_t *job)
{
    return job->job_id;
}
#endif

static int record_end(const job_record_t *job)
{
    struct journal_record record = {.job = number_of(job), .time_s = time(NULL)};

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
list_t *jobcomp_p_get_jobs(void *condition)
{
    (void)condition;
    return NULL;
}
