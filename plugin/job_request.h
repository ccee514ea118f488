/* job_request.h - from Slurm's description of a job to admission's request, and back */
#ifndef KWOTA_JOB_REQUEST_H
#define KWOTA_JOB_REQUEST_H

#include "plugin/slurm_version.h"

#include "plugin/request.h"

/* What the job asks for. Its texts are the job's own. */
void job_request_read(const job_desc_msg_t *job, struct request *request);

/* Takes entries with our names out of what the user's SPANK plugins sent to prolog and
 * epilog: only our options may come from a user. */
void job_request_clean(job_desc_msg_t *job);

/* Replaces the job's licences. */
void job_request_set_licenses(job_desc_msg_t *job, const char *licenses);

/* Adds a line to what the user will read; another plugin's stays. */
void job_request_tell(char **message, const char *sentence);

/* Leaves word of the job's energy budget and its GPUs' cap where kwotad finds it and
 * its owner cannot change it: in the admin_comment. What a client wrote there in
 * kwota's name is taken out in any case. 0: none. */
void job_request_note(job_desc_msg_t *job, int64_t budget_wh, int64_t gpu_cap_mw);

#endif
