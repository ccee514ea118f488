/* job_submit_kwota.c - admission: writes a job's lien into its request, or refuses it
 *
 * slurmctld's threads call job_submit() with its locks held, from 24.11 on several at
 * once. Nothing here waits: the map is in memory, and the log is Slurm's own.
 */
#include "config.h"

#include "plugin/slurm_version.h"

#include <slurm/slurm_errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plugin/admission.h"
#include "plugin/job_request.h"
#include "plugin/map_keeper.h"
#include "plugin/map_path.h"

const char plugin_name[] = "kwota energy admission";
const char plugin_type[] = "job_submit/kwota";
const uint32_t plugin_version = SLURM_VERSION_NUMBER;

extern void slurm_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
extern void slurm_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

extern int init(void);
extern KWOTA_FINI fini(void);
extern int job_submit(job_desc_msg_t *job, uint32_t uid, char **err_msg);
extern int job_modify(job_desc_msg_t *job, void *record,
                      uint32_t uid KWOTA_JOB_MODIFY_MESSAGE);

/* Set by init(), before anyone asks. */
static bool refuse_missing;

static void tell(bool good, const char *sentence)
{
    if (good)
        slurm_info("job_submit/kwota: %s", sentence);
    else
        slurm_error("job_submit/kwota: %s", sentence);
}

int init(void)
{
    const char *missing = getenv("KWOTA_MAP_MISSING");
    char path[512];

    refuse_missing = missing && strcmp(missing, "refuse") == 0;
    map_path_find(KWOTA_SYSCONFDIR "/kwota.json", path, sizeof path);
    slurm_info("job_submit/kwota %s: budgets are in %s", PACKAGE_VERSION, path);
    map_keeper_open(path, tell);
    return SLURM_SUCCESS;
}

KWOTA_FINI fini(void)
{
    map_keeper_close();
    KWOTA_FINI_RETURN;
}

int job_submit(job_desc_msg_t *job, uint32_t uid, char **err_msg)
{
    struct admission_site site = {.refuse_missing = refuse_missing};
    struct admission admission;
    struct request request;
    struct map_lease lease;

    (void)uid;
    job_request_clean(job);
    job_request_read(job, &request);
    map_keeper_take(&lease);
    site.map = lease.map;
    site.now_s = lease.now_s;
    admission_decide(&site, &request, &admission);
    map_keeper_give(&lease);
    if (admission.licenses && !admission.refused)
        job_request_set_licenses(job, admission.licenses);
    free(admission.licenses);
    job_request_note(job, admission.refused ? 0 : admission.budget_wh,
                     admission.refused ? 0 : admission.gpu_cap_mw);
    if (admission.sentence[0])
        job_request_tell(err_msg, admission.sentence);
    return admission.refused ? ESLURM_ACCOUNTING_POLICY : SLURM_SUCCESS;
}

/* A description here has what changes, and nothing else: kwotad moves the lien of a job
 * whose limit, account or partition does. kwotad itself is SlurmUser, as slurmctld is.
 */
int job_modify(job_desc_msg_t *job, void *record, uint32_t uid KWOTA_JOB_MODIFY_MESSAGE)
{
    struct map_lease lease;
    bool may;

    (void)record;
    if (!job->licenses)
        return SLURM_SUCCESS;
    map_keeper_take(&lease);
    may = admission_may_edit(lease.map, uid, geteuid());
    map_keeper_give(&lease);
    if (may)
        return SLURM_SUCCESS;
#if KWOTA_SLURM_FROM(23, 2)
    job_request_tell(err_msg, "kwota: a job's licences hold its energy lien and "
                              "can be changed by operators only");
#endif
    slurm_info(
        "job_submit/kwota: uid %u may not change a job's licences: they hold its "
        "energy lien",
        uid);
    return ESLURM_ACCESS_DENIED;
}
