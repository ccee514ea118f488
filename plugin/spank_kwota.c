/* spank_kwota.c - Slurm's hooks on nodes and in srun, sbatch, salloc; nothing else
 *
 * Every hook has one deadline, and none ever fails: a job runs as if kwota were not
 * there. Prolog and epilog run in a process of their own; spank_getenv() and the job
 * control functions must not be called there (they fail, or crash and drain the node).
 */
#include "config.h"

#include "plugin/slurm_version.h"

#include <slurm/spank.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "plugin/allocation.h"
#include "plugin/arguments.h"
#include "plugin/block.h"
#include "plugin/job_options.h"
#include "plugin/meter_client.h"
#include "plugin/meter_place.h"
#include "plugin/meter_start.h"

SPANK_PLUGIN(kwota, 1)

/* The extern step ends with the job, whose processes are being waited for. */
#define EXTERN_MS 500

/* How long srun and salloc wait at their end for the figures. */
#define REPORT_MS 3000

/* srun learns it in local_user_init and needs it at its exit. */
static uint32_t local_job;

static void complain(const char *sentence)
{
    slurm_error("kwota: %s", sentence);
}

static void read_arguments(struct arguments *arguments, int ac, char **av)
{
    arguments_read(arguments, ac, av, complain);
}

/* A name that can be a file's. */
static bool is_name(const char *node)
{
    return node && *node && !strchr(node, '/') && strlen(node) < 64;
}

static const char *why_not(enum meter_client_result result, long timeout_ms, char *text,
                           size_t size)
{
    switch (result) {
    case METER_CLIENT_ABSENT:
        return "kwota-meter does not run there";
    case METER_CLIENT_SILENT:
        snprintf(text, size, "kwota-meter did not answer within %ld ms", timeout_ms);
        return text;
    case METER_CLIENT_REFUSED:
        return "kwota-meter refused; its log says why";
    case METER_CLIENT_OK:
        break;
    }
    return "";
}

/* Asks the meter; when there is none, starts one and asks again, all by the deadline.
 */
static enum meter_client_result ask_or_start(const struct arguments *arguments,
                                             const char *node, json_t *question,
                                             json_t **answer)
{
    int64_t deadline_ms = meter_client_now_ms() + arguments->timeout_ms;
    enum meter_client_result result =
        meter_client_ask(arguments->run, node, question, deadline_ms, answer);

    if (result != METER_CLIENT_ABSENT)
        return result;
    meter_start(arguments, node);
    while (result == METER_CLIENT_ABSENT && meter_client_now_ms() < deadline_ms) {
        poll(NULL, 0, 20);
        result = meter_client_ask(arguments->run, node, question, deadline_ms, answer);
    }
    return result;
}

static const char *environment(const char *name)
{
    const char *value = getenv(name);

    return value ? value : "";
}

/* This node's place in the job's node list. */
static int place_of(const char *nodelist, const char *node)
{
    kwota_hostlist list = slurm_hostlist_create(nodelist);
    int place = -1;

    if (list) {
        place = slurm_hostlist_find(list, node);
        slurm_hostlist_destroy(list);
    }
    return place;
}

static json_t *start_question(uint32_t job, uid_t uid, const char *node)
{
    const char *nodelist = environment("SLURM_NODELIST");
    long cpus;

    if (!*nodelist)
        nodelist = environment("SLURM_JOB_NODELIST");
    cpus = allocation_cpus(environment("SLURM_JOB_CPUS_PER_NODE"),
                           place_of(nodelist, node));
    return json_pack(
        "{s:s s:I s:I s:s s:s s:s s:o s:i s:s s:s}", "op", "start", "job",
        (json_int_t)job, "uid", (json_int_t)uid, "user", environment("SLURM_JOB_USER"),
        "account", environment("SLURM_JOB_ACCOUNT"), "partition",
        environment("SLURM_JOB_PARTITION"), "cpus",
        cpus > 0 ? json_integer(cpus) : json_null(), "node_count",
        atoi(environment("SLURM_JOB_NUM_NODES")), "gpus", environment("SLURM_JOB_GPUS"),
        "sluid", environment("SLURM_JOB_SLUID"));
}

/* The policy wants jobs held when kwotad cannot be reached: Slurm's own tool does it.
 */
static void hold_here(uint32_t job)
{
    char id[16];
    char *const words[] = {(char *)"scontrol", (char *)"requeuehold", id, NULL};
    pid_t child;
    int status = 0;

    snprintf(id, sizeof id, "%u", job);
    child = fork();
    if (child == 0) {
        execvp(words[0], words);
        execv("/usr/bin/scontrol", words);
        _exit(127);
    }
    if (child < 0 || waitpid(child, &status, 0) < 0 || status != 0)
        slurm_error("kwota: job %u: kwotad is away and scontrol requeuehold failed "
                    "(status %d): it runs",
                    job, status);
}

/* kwotad's word may take so much longer than the meter's; slurmd's own patience is
 * eight seconds. */
#define DECISION_MS 4000

/* Waits until it is known whether the job may run. A job that may not has been put back
 * by kwotad when this returns: with DeferBatch its script never starts. Whatever
 * happens, the prolog succeeds: a node is not drained because of kwota. */
static void wait_for_decision(const struct arguments *arguments, const char *node,
                              uint32_t job, int64_t begun_ms)
{
    json_t *question = json_pack("{s:s s:I}", "op", "decision", "job", (json_int_t)job);
    bool again = true;

    while (again) {
        int64_t now_ms = meter_client_now_ms();
        int64_t until_ms = begun_ms + arguments->timeout_ms;
        json_t *answer = NULL;
        const char *decision;

        if (meter_client_ask(arguments->run, node, question, now_ms + 500, &answer) !=
            METER_CLIENT_OK) {
            json_decref(answer);
            break;
        }
        decision = json_string_value(json_object_get(answer, "decision"));
        again = decision &&
                (strcmp(decision, "wait") == 0 || strcmp(decision, "unknown") == 0);
        if (again && strcmp(decision, "wait") == 0)
            until_ms += DECISION_MS;
        if (decision && strcmp(decision, "hold") == 0)
            hold_here(job);
        json_decref(answer);
        if (again && now_ms >= until_ms) {
            slurm_error("kwota: job %u: kwotad has not said within %lld ms whether it "
                        "may run: it runs",
                        job, (long long)(now_ms - begun_ms));
            again = false;
        }
        if (again)
            poll(NULL, 0, 30);
    }
    json_decref(question);
}

/* The prolog's and the epilog's one question. */
static void tell_meter(spank_t sp, int ac, char **av, bool start)
{
    const char *node = environment("SLURMD_NODENAME");
    struct arguments arguments;
    enum meter_client_result result;
    json_t *question, *answer = NULL;
    int64_t begun_ms = meter_client_now_ms();
    char text[128];
    uint32_t job;
    uid_t uid;

    read_arguments(&arguments, ac, av);
    if (!is_name(node) || spank_get_item(sp, S_JOB_ID, &job) != ESPANK_SUCCESS ||
        spank_get_item(sp, S_JOB_UID, &uid) != ESPANK_SUCCESS) {
        slurm_error("kwota: Slurm does not name the job and the node: no measurement");
        return;
    }
    arguments_for_node(&arguments, node);
    question = start ? start_question(job, uid, node)
                     : json_pack("{s:s s:I}", "op", "end", "job", (json_int_t)job);
    result = ask_or_start(&arguments, node, question, &answer);
    if (result != METER_CLIENT_OK)
        slurm_error("kwota: job %u: %s on node %s: %s", job,
                    start ? "no measurement" : "its end is not measured", node,
                    why_not(result, arguments.timeout_ms, text, sizeof text));
    json_decref(question);
    json_decref(answer);
    if (start && result == METER_CLIENT_OK)
        wait_for_decision(&arguments, node, job, begun_ms);
}

/* The energy plugin of this process asks the same meter. */
static void tell_place(const struct arguments *arguments, const char *node,
                       uint32_t job, uint32_t step)
{
    struct meter_place place = {.job = job, .step = step};

    snprintf(place.run, sizeof place.run, "%s", arguments->run);
    snprintf(place.node, sizeof place.node, "%s", node);
    meter_place_tell(&place);
}

int slurm_spank_init(spank_t sp, int ac, char **av)
{
    struct arguments arguments;

    (void)ac;
    (void)av;
    switch (spank_context()) {
    case S_CTX_LOCAL:
    case S_CTX_ALLOCATOR:
    case S_CTX_REMOTE:
        job_options_offer(sp);
        break;
    case S_CTX_SLURMD:
        /* So that mistakes in plugstack.conf are read when slurmd starts. */
        read_arguments(&arguments, ac, av);
        tell_place(&arguments, "", 0, 0);
        break;
    default:
        break;
    }
    return 0;
}

int slurm_spank_job_prolog(spank_t sp, int ac, char **av)
{
    tell_meter(sp, ac, av, true);
    return 0;
}

int slurm_spank_job_epilog(spank_t sp, int ac, char **av)
{
    tell_meter(sp, ac, av, false);
    return 0;
}

/* The node's name, in slurmstepd; "" where Slurm does not tell it. Batch and extern
 * steps have it in slurmstepd's own environment only. */
static void remote_node(spank_t sp, char *node, size_t size)
{
    if (spank_getenv(sp, "SLURMD_NODENAME", node, (int)size) != ESPANK_SUCCESS ||
        !is_name(node))
        snprintf(node, size, "%s",
                 is_name(getenv("SLURMD_NODENAME")) ? getenv("SLURMD_NODENAME") : "");
}

static json_t *number_or_null(long long value)
{
    return value > 0 ? json_integer(value) : json_null();
}

/* A step starts: the meter hears its number, its CPUs, and what only slurmstepd knows
 * of the job. Nobody waits for an answer. */
int slurm_spank_init_post_opt(spank_t sp, int ac, char **av)
{
    struct arguments arguments;
    char node[128] = "", *job_cores = NULL, *step_cores = NULL;
    uint64_t memory_mb = 0;
    uint32_t job = 0, step = 0, node_count = 1;
    uid_t uid = 0;
    json_t *message;

    if (!spank_remote(sp) || spank_get_item(sp, S_JOB_ID, &job) != ESPANK_SUCCESS ||
        spank_get_item(sp, S_JOB_STEPID, &step) != ESPANK_SUCCESS)
        return 0;
    remote_node(sp, node, sizeof node);
    if (!node[0])
        return 0;
    if (spank_get_item(sp, S_JOB_ALLOC_MEM, &memory_mb) != ESPANK_SUCCESS)
        memory_mb = 0;
    spank_get_item(sp, S_JOB_ALLOC_CORES, &job_cores);
    spank_get_item(sp, S_STEP_ALLOC_CORES, &step_cores);
    read_arguments(&arguments, ac, av);
    arguments_for_node(&arguments, node);
    tell_place(&arguments, node, job, step);
    if (spank_get_item(sp, S_JOB_UID, &uid) != ESPANK_SUCCESS ||
        spank_get_item(sp, S_JOB_NNODES, &node_count) != ESPANK_SUCCESS)
        node_count = 1;
    message = json_pack(
        "{s:s s:I s:I s:I s:I s:o s:o s:o}", "op", "step", "job", (json_int_t)job,
        "step", (json_int_t)step, "uid", (json_int_t)uid, "node_count",
        (json_int_t)node_count, "cpus", number_or_null(allocation_cores(step_cores)),
        "job_cpus", number_or_null(allocation_cores(job_cores)), "job_memory_mb",
        number_or_null(memory_mb < INT64_MAX ? (long long)memory_mb : 0));
    meter_client_tell(arguments.run, node, message);
    json_decref(message);
    return 0;
}

static void print_block(const struct block *block)
{
    for (int i = 0; i < block->count; i++)
        slurm_spank_log("%s", block->line[i]);
}

/* The job as its user knows it: 12, 12_3, 15+1. */
static void job_text(spank_t sp, uint32_t job, char *text, size_t size)
{
    char array[32] = "", task[32] = "", het[32] = "", offset[32] = "";

    spank_getenv(sp, "SLURM_ARRAY_JOB_ID", array, sizeof array);
    spank_getenv(sp, "SLURM_ARRAY_TASK_ID", task, sizeof task);
    spank_getenv(sp, "SLURM_HET_JOB_ID", het, sizeof het);
    spank_getenv(sp, "SLURM_HET_JOB_OFFSET", offset, sizeof offset);
    if (array[0] && task[0])
        snprintf(text, size, "%s_%s", array, task);
    else if (het[0] && offset[0])
        snprintf(text, size, "%s+%s", het, offset);
    else
        snprintf(text, size, "%u", job);
}

/* After a task: the meter reads the job's CPU time while its cgroup is there, and at
 * the end of the batch script the user reads what was used. */
int slurm_spank_task_exit(spank_t sp, int ac, char **av)
{
    struct arguments arguments;
    enum meter_client_result result;
    json_t *question, *answer = NULL, *summary;
    struct block block = {.count = 0};
    char node[128] = "", name[80], why[128];
    uint32_t job = 0, step = 0;
    bool batch, wanted;

    remote_node(sp, node, sizeof node);
    if (!node[0] || spank_get_item(sp, S_JOB_ID, &job) != ESPANK_SUCCESS ||
        spank_get_item(sp, S_JOB_STEPID, &step) != ESPANK_SUCCESS)
        return 0;
    read_arguments(&arguments, ac, av);
    arguments_for_node(&arguments, node);
    batch = step == SLURM_BATCH_SCRIPT;
    wanted = batch && job_options_report() != WISH_NO && arguments.report;
    question = json_pack("{s:s s:I s:I s:b}", "op", "task_exit", "job", (json_int_t)job,
                         "step", (json_int_t)step, "batch",
                         batch || job_options_report() == WISH_YES);
    if (step == SLURM_EXTERN_CONT && arguments.timeout_ms > EXTERN_MS)
        arguments.timeout_ms = EXTERN_MS;
    result = meter_client_ask(arguments.run, node, question,
                              meter_client_now_ms() + arguments.timeout_ms, &answer);
    json_decref(question);
    job_text(sp, job, name, sizeof name);
    summary = json_object_get(answer, "summary");
    if (json_is_object(summary))
        block_make(&block, name, summary);
    else
        block_none(&block, name, node,
                   result == METER_CLIENT_OK
                       ? "its start was not seen"
                       : why_not(result, arguments.timeout_ms, why, sizeof why));
    if (wanted)
        print_block(&block);
    json_decref(answer);
    return 0;
}

int slurm_spank_local_user_init(spank_t sp, int ac, char **av)
{
    (void)ac;
    (void)av;
    if (spank_get_item(sp, S_JOB_ID, &local_job) != ESPANK_SUCCESS)
        local_job = 0;
    return 0;
}

/* Runs `kwota job ID --summary` with its output on stderr, for at most REPORT_MS. */
static void run_report(const char *kwota, uint32_t job)
{
    int64_t deadline_ms = meter_client_now_ms() + REPORT_MS;
    char id[16];
    pid_t child;

    snprintf(id, sizeof id, "%u", job);
    fflush(NULL);
    child = fork();
    if (child == 0) {
        dup2(STDERR_FILENO, STDOUT_FILENO);
        execl(kwota, "kwota", "job", id, "--summary", "--wait", "2", (char *)NULL);
        _exit(127);
    }
    while (child > 0 && waitpid(child, NULL, WNOHANG) == 0) {
        if (meter_client_now_ms() > deadline_ms) {
            kill(child, SIGKILL);
            waitpid(child, NULL, 0);
            return;
        }
        poll(NULL, 0, 20);
    }
}

/* srun's and salloc's last act; sbatch's is at submission, when there is nothing to
 * say. */
int slurm_spank_exit(spank_t sp, int ac, char **av)
{
    struct arguments arguments;
    uint32_t job = local_job;

    (void)sp;
    if (job_options_report() != WISH_YES ||
        (spank_context() != S_CTX_LOCAL && spank_context() != S_CTX_ALLOCATOR))
        return 0;
    if (!job && spank_context() == S_CTX_ALLOCATOR)
        job = (uint32_t)strtoul(environment("SLURM_JOB_ID"), NULL, 10);
    if (!job)
        return 0;
    read_arguments(&arguments, ac, av);
    run_report(arguments.kwota, job);
    return 0;
}
