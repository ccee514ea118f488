/* slurm_queue.c - slurmctld's jobs and partitions, all at once */
#include "plugin/slurm_version.h"

#include "policy/slurm_queue.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/tres.h"

static void put(char *to, size_t size, const char *from)
{
    snprintf(to, size, "%s", from ? from : "");
}

static void put_user(struct queue_job *job, const slurm_job_info_t *from)
{
    const struct passwd *person;

    if (from->user_name && from->user_name[0]) {
        put(job->user, sizeof job->user, from->user_name);
        return;
    }
    person = getpwuid(from->user_id);
    if (person)
        put(job->user, sizeof job->user, person->pw_name);
    else
        snprintf(job->user, sizeof job->user, "%u", from->user_id);
}

/* An array's waiting tasks are one record, which has the array's id and takes updates
 * under it. */
static void put_text(struct queue_job *job, const slurm_job_info_t *from)
{
    if (from->array_job_id && from->array_task_id != NO_VAL)
        snprintf(job->text, sizeof job->text, "%u_%u", from->array_job_id,
                 from->array_task_id);
    else
        snprintf(job->text, sizeof job->text, "%u",
                 from->array_job_id ? from->array_job_id : from->job_id);
}

static int64_t seconds_of(uint32_t minutes)
{
    return minutes == INFINITE || minutes == NO_VAL ? 0 : (int64_t)minutes * 60;
}

static void take_job(struct queue_job *job, const slurm_job_info_t *from)
{
    uint32_t base = from->job_state & JOB_STATE_BASE;
    const char *tres = base == JOB_PENDING ? from->tres_req_str : from->tres_alloc_str;

    job->job_id = from->job_id;
    put_text(job, from);
    put_user(job, from);
    put(job->account, sizeof job->account, from->account);
    put(job->partition, sizeof job->partition, from->partition);
    put(job->qos, sizeof job->qos, from->qos);
    put(job->name, sizeof job->name, from->name);
    job->pending = base == JOB_PENDING;
    job->running = base == JOB_RUNNING || base == JOB_SUSPENDED;
    job->nodes = from->num_nodes;
    job->asked_nodes = tres_count(from->tres_req_str, "node");
    job->cpus = tres_count(tres, "cpu");
    job->gpus = tres_count(tres, "gres/gpu");
    job->limit_s = seconds_of(from->time_limit);
    job->licence_wh = tres_licences(from->licenses, "kwota");
    job->licences = strdup(from->licenses ? from->licenses : "");
    job->whole_nodes = from->shared == 0;
    job->held = from->priority == 0;
    job->by_licence = from->state_reason == WAIT_ASSOC_GRP_LIC;
    job->cron = from->cronspec && from->cronspec[0];
    job->het_part = from->het_job_id && from->het_job_id != from->job_id;
    job->het_job = from->het_job_id;
    job->het_offset = job->het_job ? from->het_job_offset : 0;
    job->submit_s = from->submit_time;
    job->start_s = from->start_time;
    job->gpu_cap_mw = tres_gpu_power_cap(from->admin_comment);
    job->admin_comment = strdup(from->admin_comment ? from->admin_comment : "");
}

int queue_load(struct queue *queue)
{
    job_info_msg_t *answer = NULL;

    *queue = (struct queue){NULL, 0};
    if (slurm_load_jobs(0, &answer, SHOW_ALL | SHOW_DETAIL) != SLURM_SUCCESS)
        return -1;
    queue->jobs = calloc((size_t)answer->record_count + 1, sizeof *queue->jobs);
    for (uint32_t i = 0; queue->jobs && i < answer->record_count; i++) {
        uint32_t base = answer->job_array[i].job_state & JOB_STATE_BASE;

        if (base == JOB_PENDING || base == JOB_RUNNING || base == JOB_SUSPENDED)
            take_job(&queue->jobs[queue->count++], &answer->job_array[i]);
    }
    slurm_free_job_info_msg(answer);
    return queue->jobs ? 0 : -1;
}

void queue_done(struct queue *queue)
{
    for (int i = 0; i < queue->count; i++) {
        free(queue->jobs[i].licences);
        free(queue->jobs[i].admin_comment);
    }
    free(queue->jobs);
    *queue = (struct queue){NULL, 0};
}

/* "gpu:2", "gpu:a100:4(S:0-1),shard:8": how many GPUs. */
static int64_t gpus_of(const char *gres)
{
    int64_t count = 0;

    while (gres && *gres) {
        const char *end = gres + strcspn(gres, ",");
        const char *digits = NULL;

        if (strncmp(gres, "gpu:", 4) == 0)
            for (const char *at = gres; at < end && *at != '('; at++)
                if (*at == ':')
                    digits = at + 1;
        if (digits)
            count += strtoll(digits, NULL, 10);
        gres = *end ? end + 1 : end;
    }
    return count;
}

/* The largest of the partition's nodes. */
static void look_at_nodes(struct queue_partition *partition, const char *names,
                          const node_info_msg_t *nodes)
{
    kwota_hostlist list = slurm_hostlist_create(names ? names : "");

    for (uint32_t n = 0; list && n < nodes->record_count; n++) {
        const node_info_t *node = &nodes->node_array[n];
        int64_t gpus = gpus_of(node->gres);

        if (!node->name || slurm_hostlist_find(list, node->name) < 0)
            continue;
        if (node->cpus > partition->node_cpus)
            partition->node_cpus = node->cpus;
        if (gpus > partition->node_gpus)
            partition->node_gpus = gpus;
    }
    if (list)
        slurm_hostlist_destroy(list);
}

static void take_partition(struct queue_partition *to, const partition_info_t *from,
                           const node_info_msg_t *nodes)
{
    put(to->name, sizeof to->name, from->name);
    to->is_default = (from->flags & PART_FLAG_DEFAULT) != 0;
    to->whole_nodes = from->max_share == 0; /* OverSubscribe=EXCLUSIVE */
    to->max_s = seconds_of(from->max_time);
    to->default_s = seconds_of(from->default_time);
    look_at_nodes(to, from->nodes, nodes);
}

int queue_partitions(struct queue_partition **partitions, int *count)
{
    partition_info_msg_t *found = NULL;
    node_info_msg_t *nodes = NULL;

    *partitions = NULL;
    *count = 0;
    if (slurm_load_partitions(0, &found, SHOW_ALL) != SLURM_SUCCESS)
        return -1;
    if (slurm_load_node(0, &nodes, SHOW_ALL) != SLURM_SUCCESS) {
        slurm_free_partition_info_msg(found);
        return -1;
    }
    *partitions = calloc((size_t)found->record_count + 1, sizeof **partitions);
    for (uint32_t i = 0; *partitions && i < found->record_count; i++)
        take_partition(&(*partitions)[(*count)++], &found->partition_array[i], nodes);
    slurm_free_node_info_msg(nodes);
    slurm_free_partition_info_msg(found);
    return *partitions ? 0 : -1;
}
