/* slurm_lookup.c - asking Slurm about jobs and people: the one file that knows libslurm
 */
#include "plugin/slurm_version.h"

#include <slurm/slurmdb.h>

#include "policy/slurm_lookup.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/match.h"
#include "policy/slurm_cpus.h"
#include "policy/slurm_node.h"
#include "policy/slurm_state.h"
#include "policy/tres.h"

/* libslurm's own reading of slurm.conf, which slurm_init() fills: it is there while
 * slurmctld is not. */
extern slurm_conf_t slurm_conf;

void lookup_init(void)
{
    slurm_init(NULL);
}

void lookup_cluster(char *name, size_t size, uid_t *slurm_user)
{
    snprintf(name, size, "%s", slurm_conf.cluster_name ? slurm_conf.cluster_name : "");
    *slurm_user = slurm_conf.slurm_user_id;
}

int64_t lookup_kill_wait_s(void)
{
    slurm_conf_t *conf = NULL;
    int64_t wait_s = LOOKUP_KILL_WAIT_S;

    if (slurm_load_ctl_conf(0, &conf) != SLURM_SUCCESS)
        return wait_s;
    wait_s = conf->kill_wait;
    kwota_free_conf(conf);
    return wait_s;
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

/* Memory is asked for by CPU or by node, or not at all: then a job of one node holds
 * what its TRES say. */
static int64_t memory_on_node(const slurm_job_info_t *job, int64_t cpus)
{
    if (job->pn_min_memory == NO_VAL64)
        return 0;
    if (job->pn_min_memory & MEM_PER_CPU)
        return (int64_t)(job->pn_min_memory & ~MEM_PER_CPU) * cpus;
    if (job->pn_min_memory)
        return (int64_t)job->pn_min_memory;
    return job->num_nodes == 1 ? tres_memory_mb(job->tres_alloc_str) : 0;
}

static void read_shares(const slurm_job_info_t *job, struct lookup_run *run)
{
    kwota_hostlist list = slurm_hostlist_create(run->nodes);
    int count = list ? slurm_hostlist_count(list) : 0;
    int64_t *cpus = slurm_cpus_of(job, count);
    char *name;

    if (cpus)
        run->shares = calloc((size_t)count, sizeof *run->shares);
    while (run->shares && run->share_count < (size_t)count &&
           (name = slurm_hostlist_shift(list))) {
        struct lookup_share *share = &run->shares[run->share_count];

        if (run->share_count < job->gres_detail_cnt)
            tres_gpu_places(job->gres_detail_str[run->share_count], share->gpus,
                            sizeof share->gpus);
        put(share->node, sizeof share->node, name);
        share->cpus = cpus[run->share_count++];
        share->memory_mb = memory_on_node(job, share->cpus);
        free(name);
    }
    free(cpus);
    if (list)
        slurm_hostlist_destroy(list);
}

void lookup_done(struct lookup_run *run)
{
    free(run->shares);
    run->shares = NULL;
    run->share_count = 0;
}

/* How it is named where something is done to it: an array's last task has the array's
 * own id, which would mean all of them, and a het job listens to its leader only. */
static void put_act(struct lookup_run *run, const slurm_job_info_t *job)
{
    if (job->array_job_id && job->array_task_id != NO_VAL)
        snprintf(run->act, sizeof run->act, "%u_%u", job->array_job_id,
                 job->array_task_id);
    else
        snprintf(run->act, sizeof run->act, "%u",
                 job->het_job_id ? job->het_job_id : job->job_id);
}

/* Of ids as slurmctld lists them: "15-17,20". */
static int64_t count_ids(const char *list)
{
    int64_t count = 0;
    char *end;

    while (list && *list) {
        long first = strtol(list, &end, 10), last = first;

        if (*end == '-')
            last = strtol(end + 1, &end, 10);
        if (end == list || last < first)
            return count;
        count += last - first + 1;
        list = *end == ',' ? end + 1 : end;
    }
    return count;
}

static void read_resources(const slurm_job_info_t *job, struct lookup_run *run)
{
    run->cpus = tres_count(job->tres_alloc_str, "cpu");
    run->gpus = tres_count(job->tres_alloc_str, "gres/gpu");
    run->asked_nodes = tres_count(job->tres_req_str, "node");
    run->asked_cpus = tres_count(job->tres_req_str, "cpu");
    run->asked_gpus = tres_count(job->tres_req_str, "gres/gpu");
    if (job->time_limit != INFINITE && job->time_limit != NO_VAL)
        run->limit_s = (int64_t)job->time_limit * 60;
    if (run->limit_s && !run->over)
        run->until_s = job->end_time;
    run->licence_wh = tres_licences(job->licenses, "kwota");
    run->budget_wh = tres_energy_budget(job->admin_comment);
    run->gpu_cap_mw = tres_gpu_power_cap(job->admin_comment);
    put(run->qos, sizeof run->qos, job->qos);
    tres_gpu_types(job->tres_alloc_str, job->gres_total, run->gpu_types,
                   sizeof run->gpu_types);
    run->batch = job->batch_flag != 0;
    run->requeues = job->requeue != 0;
    run->cron = job->cronspec && job->cronspec[0];
    if (job->het_job_id && job->het_job_offset == 0)
        run->het_others = count_ids(job->het_job_id_set) - 1;
    put_act(run, job);
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
    put(run->state, sizeof run->state, slurm_state_name(job->job_state));
    put(run->nodes, sizeof run->nodes, job->nodes);
    run->node_count = job->num_nodes;
    /* While a job is being requeued slurmctld shows it pending, with the new restart
     * count and still the old submit time: that is no run. */
    run->started = base != JOB_PENDING && run->nodes[0] && job->start_time > 0;
    run->hearsay = job->resize_time != 0;
    read_resources(job, run);
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
    put(run->state, sizeof run->state, slurm_state_name(job->state));
    put(run->nodes, sizeof run->nodes, job->nodes);
    run->node_count = job->alloc_nodes;
    run->started =
        job->start > 0 && run->nodes[0] && strcmp(run->nodes, "None assigned") != 0;
    run->hearsay = true;
}

/* Which of a job's runs is meant. */
struct wanted {
    int64_t at_s;     /* under way then; 0: any */
    int64_t submit_s; /* submitted then; 0: any */
};

static enum match match_wanted(const struct wanted *wanted,
                               const struct lookup_run *run, bool newest)
{
    if (!run->started)
        return MATCH_NO;
    if (wanted->submit_s)
        return run->submit_s == wanted->submit_s ? MATCH_SURE : MATCH_NO;
    return wanted->at_s ? match_run(run, wanted->at_s, newest) : MATCH_SURE;
}

/* slurmctld has a job's newest run only. 0 with how well it matches, or -1. */
static int ask_slurmctld(uint32_t job, const struct wanted *wanted,
                         struct lookup_run *run, enum match *match)
{
    job_info_msg_t *answer = NULL;

    *match = MATCH_NO;
    if (slurm_load_job(&answer, job, SHOW_ALL | SHOW_DETAIL) != SLURM_SUCCESS)
        return errno == ESLURM_INVALID_JOB_ID ? 0 : -1;
    for (uint32_t i = 0; i < answer->record_count && *match == MATCH_NO; i++) {
        const slurm_job_info_t *one = &answer->job_array[i];

        if (one->job_id != job)
            continue;
        from_slurmctld(one, run);
        *match = match_wanted(wanted, run, true);
        if (*match != MATCH_NO && run->started && !run->over)
            read_shares(one, run);
    }
    slurm_free_job_info_msg(answer);
    return 0;
}

static int by_submit(const void *a, const void *b)
{
    const slurmdb_job_rec_t *const *x = a, *const *y = b;

    return ((*x)->submit > (*y)->submit) - ((*x)->submit < (*y)->submit);
}

/* Whether a row is the run after `before`: an id that was given anew to another job
 * begins at restart 0. */
static bool restarts(const slurmdb_job_rec_t *before, const slurmdb_job_rec_t *row)
{
    return before->uid == row->uid && before->jobname && row->jobname &&
           strcmp(before->jobname, row->jobname) == 0;
}

/* The best of the rows of one job id: the newest that surely matches, else the newest
 * that may. Their places are their restart numbers, because slurmdbd does not keep
 * those. */
static enum match best_row(slurmdb_job_rec_t *const *rows, int count,
                           const struct wanted *wanted, struct lookup_run *run)
{
    struct lookup_run *one = malloc(sizeof *one);
    enum match best = MATCH_NO;
    int64_t restart = 0;

    for (int i = 0; one && i < count; i++) {
        enum match match;

        restart = i > 0 && restarts(rows[i - 1], rows[i]) ? restart + 1 : 0;
        from_slurmdbd(rows[i], restart, one);
        match = match_wanted(wanted, one, false);
        if (match != MATCH_NO && match >= best) {
            best = match;
            *run = *one;
        }
    }
    free(one);
    return best;
}

static enum match pick(list_t *rows, uint32_t job, const struct wanted *wanted,
                       struct lookup_run *run)
{
    int n = 0;
    slurmdb_job_rec_t **sorted =
        calloc((size_t)slurm_list_count(rows) + 1, sizeof *sorted);
    slurmdb_job_rec_t *row;
    list_itr_t *it = slurm_list_iterator_create(rows);
    enum match match;

    while (sorted && (row = slurm_list_next(it)))
        if (row->jobid == job)
            sorted[n++] = row;
    slurm_list_iterator_destroy(it);
    if (n > 1)
        qsort(sorted, (size_t)n, sizeof *sorted, by_submit);
    match = best_row(sorted, n, wanted, run);
    free(sorted);
    return match;
}

/* 0 with how well its best row matches, or -1. */
static int ask_slurmdbd(uint32_t job, const struct wanted *wanted,
                        struct lookup_run *run, enum match *match)
{
    slurm_selected_step_t step = {
        .array_task_id = NO_VAL,
        .het_job_offset = NO_VAL,
        .step_id = {.job_id = job, .step_id = NO_VAL, .step_het_comp = NO_VAL}};
    slurmdb_job_cond_t cond = {.flags = JOBCOND_FLAG_DUP | JOBCOND_FLAG_NO_STEP,
                               .db_flags = SLURMDB_JOB_FLAG_NOTSET};
    uint16_t flags = 0;
    void *db = slurmdb_connection_get(&flags);
    list_t *rows;

    *match = MATCH_NO;
    if (!db)
        return -1;
    cond.step_list = slurm_list_create(NULL);
    slurm_list_append(cond.step_list, &step);
    rows = slurmdb_jobs_get(db, &cond);
    slurm_list_destroy(cond.step_list);
    if (rows) {
        *match = pick(rows, job, wanted, run);
        slurm_list_destroy(rows);
    }
    slurmdb_connection_close(&db);
    return rows ? 0 : -1;
}

static int ask(uint32_t job, const struct wanted *wanted, struct lookup_run *run)
{
    struct lookup_run *row = malloc(sizeof *row);
    enum match now = MATCH_NO, ever = MATCH_NO;
    int rc = row ? ask_slurmctld(job, wanted, run, &now) : -1;

    /* "No" and "perhaps" count only when both have been asked. */
    if (row && now != MATCH_SURE && ask_slurmdbd(job, wanted, row, &ever) < 0)
        rc = -1;
    if (ever == MATCH_SURE || (ever == MATCH_LIKELY && now == MATCH_NO)) {
        lookup_done(run);
        *run = *row;
        now = ever;
        rc = ever == MATCH_SURE ? 0 : rc;
    }
    free(row);
    if (rc < 0)
        lookup_done(run);
    return rc < 0 ? -1 : now != MATCH_NO;
}

int lookup_job(uint32_t job, int64_t at_s, struct lookup_run *run)
{
    struct wanted wanted = {.at_s = at_s};

    memset(run, 0, sizeof *run);
    return ask(job, &wanted, run);
}

int lookup_submitted(uint32_t job, int64_t submit_s, struct lookup_run *run)
{
    struct wanted wanted = {.submit_s = submit_s};

    memset(run, 0, sizeof *run);
    return ask(job, &wanted, run);
}

bool lookup_has_node(const struct lookup_run *run, const char *node)
{
    kwota_hostlist list = slurm_hostlist_create(run->nodes);
    bool found = list && slurm_hostlist_find(list, node) >= 0;

    if (list)
        slurm_hostlist_destroy(list);
    return found;
}

int lookup_node(const char *node, struct lookup_node *found)
{
    node_info_msg_t *answer = NULL;
    char name[256];
    int count = 0;

    put(name, sizeof name, node);
    if (slurm_load_node_single(&answer, name, SHOW_ALL) != SLURM_SUCCESS)
        return errno == ESLURM_INVALID_NODE_NAME ? 0 : -1;
    for (uint32_t i = 0; i < answer->record_count && !count; i++) {
        const node_info_t *one = &answer->node_array[i];

        if (!one->name || strcmp(one->name, node) != 0)
            continue;
        *found = (struct lookup_node){.cpus = slurm_node_cpus(one),
                                      .memory_mb = (int64_t)one->real_memory};
        count++;
    }
    slurm_free_node_info_msg(answer);
    return count;
}

static void read_person(slurmdb_user_rec_t *person, bool *sees_all,
                        void (*coordinates)(const char *account, void *arg), void *arg)
{
    slurmdb_coord_rec_t *coord;
    list_itr_t *it;

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
    list_t *people;

    *sees_all = false;
    if (!db)
        return -1;
    put(name, sizeof name, user);
    assoc.user_list = slurm_list_create(NULL);
    slurm_list_append(assoc.user_list, name);
    people = slurmdb_users_get(db, &cond);
    slurm_list_destroy(assoc.user_list);
    if (people) {
        list_itr_t *it = slurm_list_iterator_create(people);

        person = slurm_list_next(it);
        if (person)
            read_person(person, sees_all, coordinates, arg);
        slurm_list_iterator_destroy(it);
        slurm_list_destroy(people);
    }
    slurmdb_connection_close(&db);
    return people ? 0 : -1;
}
