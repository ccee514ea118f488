/* job_submit_kwota.c - admission; so far every job is admitted */
#include "config.h"

#include "plugin/slurm_version.h"

#include <slurm/slurm_errno.h>

const char plugin_name[] = "kwota energy admission";
const char plugin_type[] = "job_submit/kwota";
const uint32_t plugin_version = SLURM_VERSION_NUMBER;

extern void slurm_info(const char *format, ...) __attribute__((format(printf, 1, 2)));

extern int init(void);
extern KWOTA_FINI fini(void);
extern int job_submit(job_desc_msg_t *job, uint32_t uid, char **err_msg);
extern int job_modify(job_desc_msg_t *job, void *record,
                      uint32_t uid KWOTA_JOB_MODIFY_MESSAGE);

int init(void)
{
    slurm_info("job_submit/kwota %s: no limits are enforced by this version",
               PACKAGE_VERSION);
    return SLURM_SUCCESS;
}

KWOTA_FINI fini(void)
{
    KWOTA_FINI_RETURN;
}

int job_submit(job_desc_msg_t *job, uint32_t uid, char **err_msg)
{
    (void)job;
    (void)uid;
    (void)err_msg;
    return SLURM_SUCCESS;
}

int job_modify(job_desc_msg_t *job, void *record, uint32_t uid KWOTA_JOB_MODIFY_MESSAGE)
{
    (void)job;
    (void)record;
    (void)uid;
#if KWOTA_SLURM_FROM(23, 2)
    (void)err_msg;
#endif
    return SLURM_SUCCESS;
}
