/* job_request.c - from Slurm's description of a job to admission's request, and back */
#include "plugin/job_request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/watts.h"

/* What Slurm will free must come from its own allocator; its public headers do not
 * declare it. */
extern char *slurm_xstrdup(const char *text);
extern void slurm_xfree(void **item);

/* What SPANK makes of our options (its plugin is called "kwota"). */
#define BUDGET_OPTION "_SLURM_SPANK_OPTION_kwota_energy_budget="
#define CAP_OPTION "_SLURM_SPANK_OPTION_kwota_gpu_power_cap="

/* What a prolog would take for ours; Slurm puts SPANK_ before all that has it not. */
static const char *const reserved[] = {"KWOTA_", "SPANK_KWOTA_"};

static int64_t number(uint32_t value)
{
    return value == NO_VAL || value == INFINITE ? 0 : value;
}

static int64_t number16(uint16_t value)
{
    return value == NO_VAL16 || value == INFINITE16 ? 0 : value;
}

/* 0 minutes mean no limit, like UNLIMITED. */
static int64_t limit_min(uint32_t value)
{
    if (value == NO_VAL)
        return 0;
    if (value == INFINITE || value == 0)
        return REQUEST_UNLIMITED;
    return value;
}

static bool begins_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* The last one counts, as in an environment that is merged. */
static const char *option_of(const job_desc_msg_t *job, const char *option)
{
    const char *value = NULL;

    for (uint32_t i = 0; job->spank_job_env && i < job->spank_job_env_size; i++)
        if (job->spank_job_env[i] && begins_with(job->spank_job_env[i], option))
            value = job->spank_job_env[i] + strlen(option);
    return value;
}

void job_request_read(const job_desc_msg_t *job, struct request *request)
{
    *request = (struct request){
        .uid = job->user_id,
        .account = job->account,
        .partition = job->partition,
        .licenses = job->licenses,
        .budget = option_of(job, BUDGET_OPTION),
        .gpu_power_cap = option_of(job, CAP_OPTION),
        .tres_per_job = job->tres_per_job,
        .tres_per_node = job->tres_per_node,
        .tres_per_socket = job->tres_per_socket,
        .tres_per_task = job->tres_per_task,
        .limit_min = limit_min(job->time_limit),
        .nodes = number(job->min_nodes),
        .cpus = number(job->min_cpus),
        .tasks = number(job->num_tasks),
        .cpus_per_task = number16(job->cpus_per_task),
        .tasks_per_node = number16(job->ntasks_per_node),
        .cpus_per_node = number16(job->pn_min_cpus),
        .sockets_per_node = number16(job->sockets_per_node),
        .exclusive = job->shared == 0,
        .overcommit = job->overcommit == 1,
    };
}

static bool is_reserved(const char *entry)
{
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
        if (begins_with(entry, reserved[i]))
            return true;
    return false;
}

void job_request_clean(job_desc_msg_t *job)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; job->spank_job_env && i < job->spank_job_env_size; i++) {
        char *entry = job->spank_job_env[i];

        if (entry && is_reserved(entry))
            slurm_xfree((void **)&entry);
        else
            job->spank_job_env[kept++] = entry;
    }
    /* Whoever goes by a NULL at the end must not find what was freed. */
    for (uint32_t i = kept; job->spank_job_env && i < job->spank_job_env_size; i++)
        job->spank_job_env[i] = NULL;
    if (job->spank_job_env)
        job->spank_job_env_size = kept;
}

void job_request_set_licenses(job_desc_msg_t *job, const char *licenses)
{
    slurm_xfree((void **)&job->licenses);
    job->licenses = *licenses ? slurm_xstrdup(licenses) : NULL;
}

void job_request_tell(char **message, const char *sentence)
{
    char *before = *message, *both;
    size_t size;

    if (!before) {
        *message = slurm_xstrdup(sentence);
        return;
    }
    size = strlen(before) + strlen(sentence) + 2;
    both = malloc(size);
    if (!both)
        return;
    snprintf(both, size, "%s\n%s", before, sentence);
    *message = slurm_xstrdup(both);
    free(both);
    slurm_xfree((void **)&before);
}

void job_request_note(job_desc_msg_t *job, int64_t budget_wh, int64_t gpu_cap_mw)
{
    char note[128] = "kwota", watts[WATTS_TEXT];
    int used = 5;

    if (job->admin_comment && begins_with(job->admin_comment, "kwota:"))
        slurm_xfree((void **)&job->admin_comment);
    if (budget_wh <= 0 && gpu_cap_mw <= 0)
        return;
    if (budget_wh > 0)
        used += snprintf(note + used, sizeof note - (size_t)used,
                         ": energy budget %lld Wh", (long long)budget_wh);
    if (gpu_cap_mw > 0)
        snprintf(note + used, sizeof note - (size_t)used, "%s gpu power cap %s W",
                 budget_wh > 0 ? ";" : ":", watts_text(gpu_cap_mw, watts));
    slurm_xfree((void **)&job->admin_comment);
    job->admin_comment = slurm_xstrdup(note);
}
