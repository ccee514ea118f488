/* slurm_lookup.c - asking Slurm about jobs and people: the one file that knows libslurm
 */
#define SLURM_BACKWARD_COMPAT
#include <slurm/slurm.h>
#include <slurm/slurm_errno.h>
#include <slurm/slurmdb.h>

#include "policy/slurm_lookup.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* slurmctld's and a node's clocks and a prolog's length may put a run's token this far
 * before Slurm's start or after its end. */
#define SLACK_S 30

void lookup_init(void)
{
    slurm_init(NULL);
}

void lookup_cluster(char *name, size_t size, uid_t *slurm_user)
{
    slurm_conf_t *conf = NULL;

    name[0] = '\0';
    *slurm_user = 0;
    if (slurm_load_ctl_conf(0, &conf) != SLURM_SUCCESS)
        return;
    snprintf(name, size, "%s", conf->cluster_name ? conf->cluster_name : "");
    *slurm_user = conf->slurm_user_id;
    slurm_free_ctl_conf(conf);
}

static void put(char *to, size_t size, const char *from)
{
    snprintf(to, size, "%s", from ? from : "");
}

static void put_user(struct lookup_run *run, const char *name)
{
    const struct passwd *person = name && name[0] ? NULL : getpwuid(run->uid);

    if (name && name[0])
        put(run->user, sizeof run->user, name);
    else if (person)
        put(run->user, sizeof run->user, person->pw_name);
    else
        snprintf(run->user, sizeof run->user, "%u", run->uid);
}

static void put_text(struct lookup_run *run, uint32_t array_job, uint32_t task,
                     uint32_t het_job, uint32_t offset)
{
    if (array_job && task != NO_VAL)
        snprintf(run->text, sizeof run->text, "%u_%u", array_job, task);
    else if (het_job && offset != NO_VAL)
        snprintf(run->text, sizeof run->text, "%u+%u", het_job, offset);
    else
        snprintf(run->text, sizeof run->text, "%u", run->job_id);
}

/* As sacct prints them. */
static const char *state_name(uint32_t state)
{
    static const char *const names[] = {
        [JOB_PENDING] = "PENDING",     [JOB_RUNNING] = "RUNNING",
        [JOB_SUSPENDED] = "SUSPENDED", [JOB_COMPLETE] = "COMPLETED",
        [JOB_CANCELLED] = "CANCELLED", [JOB_FAILED] = "FAILED",
        [JOB_TIMEOUT] = "TIMEOUT",     [JOB_NODE_FAIL] = "NODE_FAIL",
        [JOB_PREEMPTED] = "PREEMPTED", [JOB_BOOT_FAIL] = "BOOT_FAIL",
        [JOB_DEADLINE] = "DEADLINE",   [JOB_OOM] = "OUT_OF_MEMORY"};
    uint32_t base = state & JOB_STATE_BASE;

    if (state & JOB_REQUEUE)
        return "REQUEUED";
    return base < sizeof names / sizeof *names ? names[base] : "UNKNOWN";
}

static void from_slurmctld(const slurm_job_info_t *job, struct lookup_run *run)
{
    uint32_t base = job->job_state & JOB_STATE_BASE;

    memset(run, 0, sizeof *run);
    run->job_id = job->job_id;
    put_text(run, job->array_job_id, job->array_task_id, job->het_job_id,
             job->het_job_offset);
    run->submit_s = job->submit_time;
    run->start_s = job->start_time;
    run->over = base > JOB_SUSPENDED;
    run->end_s = run->over ? job->end_time : 0;
    run->restart = job->restart_cnt;
    run->uid = job->user_id;
    put_user(run, job->user_name);
    put(run->account, sizeof run->account, job->account);
    put(run->partition, sizeof run->partition, job->partition);
    put(run->name, sizeof run->name, job->name);
    put(run->state, sizeof run->state, state_name(job->job_state));
    put(run->nodes, sizeof run->nodes, job->nodes);
    run->node_count = job->num_nodes;
    run->started = base != JOB_PENDING && run->nodes[0] && job->start_time > 0;
}

static void from_slurmdbd(const slurmdb_job_rec_t *job, int64_t restart,
                          struct lookup_run *run)
{
    memset(run, 0, sizeof *run);
    run->job_id = job->jobid;
    put_text(run, job->array_job_id, job->array_task_id, job->het_job_id,
             job->het_job_offset);
    run->submit_s = job->submit;
    run->start_s = job->start;
    run->end_s = job->end;
    run->over = job->end != 0;
    run->restart = restart;
    run->uid = job->uid;
    put_user(run, job->user);
    put(run->account, sizeof run->account, job->account);
    put(run->partition, sizeof run->partition, job->partition);
    put(run->name, sizeof run->name, job->jobname);
    put(run->state, sizeof run->state, state_name(job->state));
    put(run->nodes, sizeof run->nodes, job->nodes);
    run->node_count = job->alloc_nodes;
    run->started =
        job->start > 0 && run->nodes[0] && strcmp(run->nodes, "None assigned") != 0;
}

/* Which of a job's runs is meant. */
struct wanted {
    int64_t at_s;     /* under way then; 0: any */
    int64_t submit_s; /* submitted then; 0: any */
};

static bool is_wanted(const struct wanted *wanted, const struct lookup_run *run)
{
    /* While a job is being requeued slurmctld shows it pending, with the new restart
     * count and still the old submit time: that is no run. */
    if (!run->started)
        return false;
    if (wanted->submit_s)
        return run->submit_s == wanted->submit_s;
    if (!wanted->at_s)
        return true;
    return run->start_s - SLACK_S <= wanted->at_s &&
           (!run->end_s || wanted->at_s <= run->end_s + SLACK_S);
}

static int ask_slurmctld(uint32_t job, const struct wanted *wanted,
                         struct lookup_run *run)
{
    job_info_msg_t *answer = NULL;
    int found = 0;

    if (slurm_load_job(&answer, job, SHOW_ALL | SHOW_DETAIL) != SLURM_SUCCESS)
        return errno == ESLURM_INVALID_JOB_ID ? 0 : -1;
    for (uint32_t i = 0; i < answer->record_count && !found; i++) {
        if (answer->job_array[i].job_id != job)
            continue;
        from_slurmctld(&answer->job_array[i], run);
        found = is_wanted(wanted, run);
    }
    slurm_free_job_info_msg(answer);
    return found;
}

static int by_submit(const void *a, const void *b)
{
    const slurmdb_job_rec_t *const *x = a, *const *y = b;

    return ((*x)->submit > (*y)->submit) - ((*x)->submit < (*y)->submit);
}

/* The rows of one job id in the order of their submission: their places are their
 * restart numbers, because slurmdbd does not keep those. */
static int pick(List rows, uint32_t job, const struct wanted *wanted,
                struct lookup_run *run)
{
    int count = slurm_list_count(rows), n = 0, found = 0;
    slurmdb_job_rec_t **sorted = calloc((size_t)count + 1, sizeof *sorted), *row;
    ListIterator it = slurm_list_iterator_create(rows);

    while (sorted && (row = slurm_list_next(it)))
        if (row->jobid == job)
            sorted[n++] = row;
    slurm_list_iterator_destroy(it);
    qsort(sorted, (size_t)n, sizeof *sorted, by_submit);
    for (int i = n - 1; i >= 0 && !found; i--) {
        from_slurmdbd(sorted[i], i, run);
        found = is_wanted(wanted, run);
    }
    free(sorted);
    return found;
}

static int ask_slurmdbd(uint32_t job, const struct wanted *wanted,
                        struct lookup_run *run)
{
    slurm_selected_step_t step = {
        .array_task_id = NO_VAL,
        .het_job_offset = NO_VAL,
        .step_id = {.job_id = job, .step_id = NO_VAL, .step_het_comp = NO_VAL}};
    slurmdb_job_cond_t cond = {.flags = JOBCOND_FLAG_DUP | JOBCOND_FLAG_NO_STEP,
                               .db_flags = SLURMDB_JOB_FLAG_NOTSET};
    uint16_t flags = 0;
    void *db = slurmdb_connection_get(&flags);
    List rows;
    int found = -1;

    if (!db)
        return -1;
    cond.step_list = slurm_list_create(NULL);
    slurm_list_append(cond.step_list, &step);
    rows = slurmdb_jobs_get(db, &cond);
    slurm_list_destroy(cond.step_list);
    if (rows) {
        found = pick(rows, job, wanted, run);
        slurm_list_destroy(rows);
    }
    slurmdb_connection_close(&db);
    return found;
}

static int ask(uint32_t job, const struct wanted *wanted, struct lookup_run *run)
{
    int now = ask_slurmctld(job, wanted, run), ever;

    if (now == 1)
        return 1;
    ever = ask_slurmdbd(job, wanted, run);
    /* "No" counts only from both. */
    return ever == 1 ? 1 : now == 0 && ever == 0 ? 0 : -1;
}

int lookup_job(uint32_t job, int64_t at_s, struct lookup_run *run)
{
    struct wanted wanted = {.at_s = at_s};

    return ask(job, &wanted, run);
}

int lookup_submitted(uint32_t job, int64_t submit_s, struct lookup_run *run)
{
    struct wanted wanted = {.submit_s = submit_s};

    return ask(job, &wanted, run);
}

bool lookup_has_node(const struct lookup_run *run, const char *node)
{
    hostlist_t list = slurm_hostlist_create(run->nodes);
    bool found = list && slurm_hostlist_find(list, node) >= 0;

    if (list)
        slurm_hostlist_destroy(list);
    return found;
}

int64_t lookup_node_cpus(const char *node)
{
    node_info_msg_t *answer = NULL;
    char name[256];
    int64_t cpus = 0;

    put(name, sizeof name, node);
    if (slurm_load_node_single(&answer, name, SHOW_ALL) != SLURM_SUCCESS)
        return 0;
    if (answer->record_count == 1)
        cpus = answer->node_array[0].cpus;
    slurm_free_node_info_msg(answer);
    return cpus;
}

static void read_person(slurmdb_user_rec_t *person, bool *sees_all,
                        void (*coordinates)(const char *account, void *arg), void *arg)
{
    slurmdb_coord_rec_t *coord;
    ListIterator it;

    *sees_all = person->admin_level >= SLURMDB_ADMIN_OPERATOR;
    if (!person->coord_accts)
        return;
    it = slurm_list_iterator_create(person->coord_accts);
    while ((coord = slurm_list_next(it)))
        coordinates(coord->name, arg);
    slurm_list_iterator_destroy(it);
}

int lookup_person(const char *user, bool *sees_all,
                  void (*coordinates)(const char *account, void *arg), void *arg)
{
    slurmdb_assoc_cond_t assoc = {0};
    slurmdb_user_cond_t cond = {.assoc_cond = &assoc, .with_coords = 1};
    char name[256];
    uint16_t flags = 0;
    void *db = slurmdb_connection_get(&flags);
    slurmdb_user_rec_t *person;
    List people;

    *sees_all = false;
    if (!db)
        return -1;
    put(name, sizeof name, user);
    assoc.user_list = slurm_list_create(NULL);
    slurm_list_append(assoc.user_list, name);
    people = slurmdb_users_get(db, &cond);
    slurm_list_destroy(assoc.user_list);
    if (people) {
        ListIterator it = slurm_list_iterator_create(people);

        person = slurm_list_next(it);
        if (person)
            read_person(person, sees_all, coordinates, arg);
        slurm_list_iterator_destroy(it);
        slurm_list_destroy(people);
    }
    slurmdb_connection_close(&db);
    return people ? 0 : -1;
}
