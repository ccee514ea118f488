/* slurm_act.c - what kwotad does to jobs */
#include "plugin/slurm_version.h"

#include "policy/slurm_act.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* slurmctld refuses some calls while a job's record is on its way to slurmdbd. */
#define TRIES 20
#define PAUSE_NS 50000000

static int fail(char why[ACT_WHY], int code)
{
    snprintf(why, ACT_WHY, "%s", slurm_strerror(code));
    return -1;
}

static bool passes(int code)
{
    return code == KWOTA_SETTING_DB_INX || code == ESLURM_TRANSITION_STATE_NO_UPDATE;
}

static void pause_a_little(void)
{
    static const struct timespec pause = {0, PAUSE_NS};

    nanosleep(&pause, NULL);
}

/* An array's tasks can each have an answer of their own. */
static int first_error(job_array_resp_msg_t *answer)
{
    int code = SLURM_SUCCESS;

    for (uint32_t i = 0; answer && i < answer->job_array_count; i++)
        if (answer->error_code[i] != SLURM_SUCCESS && code == SLURM_SUCCESS)
            code = (int)answer->error_code[i];
    if (answer)
        slurm_free_job_array_resp(answer);
    return code;
}

static int update(const char *job, job_desc_msg_t *wanted, char why[ACT_WHY])
{
    int code = SLURM_ERROR;

    wanted->job_id_str = (char *)(uintptr_t)job;
    for (int i = 0; i < TRIES; i++) {
        job_array_resp_msg_t *answer = NULL;

        errno = 0;
        code = slurm_update_job2(wanted, &answer);
        if (code != SLURM_SUCCESS)
            code = errno ? errno : code;
        if (answer)
            code = first_error(answer);
        if (!passes(code))
            break;
        pause_a_little();
    }
    return code == SLURM_SUCCESS ? 0 : fail(why, code);
}

static int requeue(const char *job, char why[ACT_WHY])
{
    int code = SLURM_ERROR;
    char name[64];

    snprintf(name, sizeof name, "%s", job);
    for (int i = 0; i < TRIES; i++) {
        job_array_resp_msg_t *answer = NULL;

        errno = 0;
        code = slurm_requeue2(name, JOB_REQUEUE_HOLD, &answer);
        if (code != SLURM_SUCCESS)
            code = errno ? errno : code;
        if (answer)
            code = first_error(answer);
        if (!passes(code))
            break;
        pause_a_little();
    }
    return code == SLURM_SUCCESS ? 0 : fail(why, code);
}

int act_requeue_hold(const char *job, bool requeues, const char *comment,
                     char why[ACT_WHY])
{
    job_desc_msg_t wanted;

    if (!requeues) {
        slurm_init_job_desc_msg(&wanted);
        wanted.requeue = 1;
        if (update(job, &wanted, why) < 0)
            return -1;
    }
    if (requeue(job, why) < 0)
        return -1;
    /* Slurm's own hold after a requeue is one that the owner can release. */
    slurm_init_job_desc_msg(&wanted);
    wanted.priority = 0;
    wanted.alloc_sid = 0; /* an administrator's, not the user's */
    wanted.admin_comment = (char *)(uintptr_t)comment;
    if (!requeues)
        wanted.requeue = 0;
    return update(job, &wanted, why);
}

int act_release(const char *job, const char *comment, char why[ACT_WHY])
{
    job_desc_msg_t wanted;

    slurm_init_job_desc_msg(&wanted);
    wanted.priority = INFINITE;
    wanted.admin_comment = (char *)(uintptr_t)comment;
    return update(job, &wanted, why);
}

int act_end(const char *job, uint32_t job_id, const char *sentence, char why[ACT_WHY])
{
    char message[512];

    snprintf(message, sizeof message, "%s", sentence);
    slurm_notify_job(job_id, message);
    act_comment(job, sentence, why);
    errno = 0;
    if (slurm_kill_job2(job, SIGKILL, 0, NULL) == SLURM_SUCCESS ||
        errno == ESLURM_ALREADY_DONE)
        return 0;
    return fail(why, errno);
}

int act_notify(uint32_t job_id, const char *sentence, char why[ACT_WHY])
{
    char message[512];

    snprintf(message, sizeof message, "%s", sentence);
    errno = 0;
    return slurm_notify_job(job_id, message) == SLURM_SUCCESS ? 0 : fail(why, errno);
}

/* 0: it is none that jobs are warned with. */
static uint16_t signal_of(const char *name)
{
    static const struct {
        const char *name;
        uint16_t number;
    } signals[] = {{"HUP", SIGHUP},   {"INT", SIGINT},   {"QUIT", SIGQUIT},
                   {"USR1", SIGUSR1}, {"USR2", SIGUSR2}, {"TERM", SIGTERM},
                   {"CONT", SIGCONT}, {"URG", SIGURG}};

    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        if (strcmp(signals[i].name, name) == 0)
            return signals[i].number;
    return 0;
}

int act_signal(const char *job, const char *name, bool batch, char why[ACT_WHY])
{
    uint16_t number = signal_of(name);

    if (!number) {
        snprintf(why, ACT_WHY, "no signal %s is sent to jobs", name);
        return -1;
    }
    errno = 0;
    if (slurm_kill_job2(job, number, batch ? KILL_JOB_BATCH : 0, NULL) == SLURM_SUCCESS)
        return 0;
    return fail(why, errno);
}

int act_licences(const char *job, const char *licences, char why[ACT_WHY])
{
    job_desc_msg_t wanted;

    slurm_init_job_desc_msg(&wanted);
    wanted.licenses = (char *)(uintptr_t)licences;
    return update(job, &wanted, why);
}

int act_qos(const char *job, const char *qos, char why[ACT_WHY])
{
    job_desc_msg_t wanted;

    slurm_init_job_desc_msg(&wanted);
    wanted.qos = (char *)(uintptr_t)qos;
    return update(job, &wanted, why);
}

int act_comment(const char *job, const char *comment, char why[ACT_WHY])
{
    job_desc_msg_t wanted;

    slurm_init_job_desc_msg(&wanted);
    wanted.admin_comment = (char *)(uintptr_t)comment;
    return update(job, &wanted, why);
}
