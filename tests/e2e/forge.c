/* forge.c - a client of Slurm's that fills in what kwota writes
 *
 * usage: kwota-forge submit FIELD=VALUE…
 *        kwota-forge update JOB FIELD=VALUE…
 *        kwota-forge requeue|requeuehold|resume|top JOB
 *
 * What a user can say to slurmctld without any client of Slurm's own. Prints the new
 * job's id; exits with 1, and Slurm's word for it, if slurmctld refuses. Fields:
 * account, partition, qos, licenses, admin_comment, comment, user_id, time_limit,
 * min_nodes, priority, alloc_sid, script; environment and spank_job_env (each once more
 * for one more variable).
 */
#include "plugin/slurm_version.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MOST_VARIABLES 16

struct variables {
    char *list[MOST_VARIABLES + 1];
    uint32_t count;
};

struct wish {
    job_desc_msg_t job;
    struct variables environment, spank;
};

static void die(const char *what, const char *why)
{
    fprintf(stderr, "kwota-forge: %s: %s\n", what, why);
    exit(1);
}

static void add(struct variables *variables, char *variable)
{
    if (variables->count == MOST_VARIABLES)
        die(variable, "too many variables");
    variables->list[variables->count++] = variable;
}

static void take_field(struct wish *wish, char *field)
{
    job_desc_msg_t *job = &wish->job;
    const struct {
        const char *name;
        char **text;
        uint32_t *number;
    } fields[] = {
        {"account", &job->account, NULL},
        {"partition", &job->partition, NULL},
        {"qos", &job->qos, NULL},
        {"licenses", &job->licenses, NULL},
        {"admin_comment", &job->admin_comment, NULL},
        {"comment", &job->comment, NULL},
        {"script", &job->script, NULL},
        {"user_id", NULL, &job->user_id},
        {"time_limit", NULL, &job->time_limit},
        {"min_nodes", NULL, &job->min_nodes},
        {"priority", NULL, &job->priority},
        {"alloc_sid", NULL, &job->alloc_sid},
    };
    char *value = strchr(field, '=');

    if (!value)
        die(field, "a field is FIELD=VALUE");
    *value++ = '\0';
    if (strcmp(field, "environment") == 0)
        add(&wish->environment, value);
    else if (strcmp(field, "spank_job_env") == 0)
        add(&wish->spank, value);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (strcmp(field, fields[i].name) != 0)
            continue;
        if (fields[i].text)
            *fields[i].text = value;
        else
            *fields[i].number = (uint32_t)strtoul(value, NULL, 0);
    }
}

static void take_fields(struct wish *wish, char **fields)
{
    for (; *fields; fields++)
        take_field(wish, *fields);
    wish->job.environment = wish->environment.list;
    wish->job.env_size = wish->environment.count;
    wish->job.spank_job_env = wish->spank.list;
    wish->job.spank_job_env_size = wish->spank.count;
}

static void submit(char **fields)
{
    static struct wish wish;
    submit_response_msg_t *answer = NULL;

    slurm_init_job_desc_msg(&wish.job);
    wish.job.user_id = getuid();
    wish.job.group_id = getgid();
    wish.job.name = (char *)(uintptr_t) "forged";
    wish.job.work_dir = (char *)(uintptr_t) "/";
    wish.job.std_out = (char *)(uintptr_t) "/dev/null";
    wish.job.script = (char *)(uintptr_t) "#!/bin/sh\ntrue\n";
    wish.job.min_nodes = 1;
    wish.job.min_cpus = 1;
    wish.job.num_tasks = 1;
    wish.job.time_limit = 1;
    add(&wish.environment, (char *)(uintptr_t) "PATH=/usr/bin:/bin");
    take_fields(&wish, fields);
    if (slurm_submit_batch_job(&wish.job, &answer) != SLURM_SUCCESS)
        die("submit", slurm_strerror(errno));
    printf("%u\n", KWOTA_SUBMITTED(answer));
    slurm_free_submit_response_response_msg(answer);
}

/* The first of the errors that an array's tasks can each have; frees the answer. */
static int error_of(int rc, job_array_resp_msg_t *answer)
{
    int error = rc == SLURM_SUCCESS ? 0 : errno;

    for (uint32_t i = 0; answer && i < answer->job_array_count && error == 0; i++)
        error = (int)answer->error_code[i];
    if (answer)
        slurm_free_job_array_resp(answer);
    return error;
}

static int update(char *job, char **fields)
{
    static struct wish wish;
    job_array_resp_msg_t *answer = NULL;
    int rc;

    slurm_init_job_desc_msg(&wish.job);
    wish.job.job_id_str = job;
    take_fields(&wish, fields);
    rc = slurm_update_job2(&wish.job, &answer);
    return error_of(rc, answer);
}

static int act(const char *what, char *job)
{
    job_array_resp_msg_t *answer = NULL;
    int rc = SLURM_ERROR;

    errno = EINVAL;
    if (strcmp(what, "requeue") == 0)
        rc = slurm_requeue2(job, 0, &answer);
    else if (strcmp(what, "requeuehold") == 0)
        rc = slurm_requeue2(job, JOB_REQUEUE_HOLD, &answer);
    else if (strcmp(what, "resume") == 0)
        rc = slurm_resume2(job, &answer);
    else if (strcmp(what, "top") == 0)
        rc = slurm_top_job(job);
    return error_of(rc, answer);
}

int main(int argc, char **argv)
{
    int error;

    if (argc >= 2 && strcmp(argv[1], "submit") == 0) {
        submit(argv + 2);
        return 0;
    }
    if (argc < 3)
        die("usage", "submit FIELD=VALUE…, or WHAT JOB [FIELD=VALUE…]");
    error = strcmp(argv[1], "update") == 0 ? update(argv[2], argv + 3)
                                           : act(argv[1], argv[2]);
    if (error)
        die(argv[1], slurm_strerror(error));
    return 0;
}
