/* slurm_past.c - the runs that slurmdbd remembers */
#include "plugin/slurm_version.h"

#include <slurm/slurmdb.h>

#include "policy/slurm_past.h"

#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/past_slice.h"
#include "policy/slurm_state.h"
#include "policy/tres.h"

/* Slurm's words for "unknown" among a job's energies. */
static bool is_joules(int64_t joules)
{
    return joules > 0 && joules < INT64_MAX && (uint64_t)joules != NO_VAL64 &&
           (uint64_t)joules != INFINITE64;
}

static void put(char *to, size_t size, const char *from)
{
    snprintf(to, size, "%s", from ? from : "");
}

/* What a question needs while it is asked in slices. */
struct past {
    void *db;
    list_t *tres; /* of slurmdb_tres_rec_t */
    char cluster[64];
    int64_t from_s;
    bool ended; /* only runs that ended in the time */
    past_take take;
    void *arg;
};

/* "1=8,1001=2" -> "cpu=8,gres/gpu=2" */
static void put_tres(list_t *names, const char *numbers, char *text, size_t size)
{
    list_itr_t *it = slurm_list_iterator_create(names);
    slurmdb_tres_rec_t *tres;
    size_t len = 0;

    text[0] = '\0';
    while ((tres = slurm_list_next(it))) {
        char number[16];
        int64_t count;
        int more;

        snprintf(number, sizeof number, "%u", tres->id);
        count = tres_count(numbers, number);
        if (count <= 0 || !tres->type)
            continue;
        more = snprintf(text + len, size - len, "%s%s%s%s=%" PRId64, len ? "," : "",
                        tres->type, tres->name && tres->name[0] ? "/" : "",
                        tres->name ? tres->name : "", count);
        if (more < 0 || (size_t)more >= size - len) {
            text[len] = '\0';
            break;
        }
        len += (size_t)more;
    }
    slurm_list_iterator_destroy(it);
}

static void put_user(struct past_run *run, const char *name)
{
    const struct passwd *person = name && name[0] ? NULL : getpwuid(run->uid);

    if (name && name[0])
        put(run->user, sizeof run->user, name);
    else if (person)
        put(run->user, sizeof run->user, person->pw_name);
    else
        snprintf(run->user, sizeof run->user, "%u", run->uid);
}

static void put_text(struct past_run *run, const slurmdb_job_rec_t *row)
{
    if (row->array_job_id && row->array_task_id != NO_VAL)
        snprintf(run->text, sizeof run->text, "%u_%u", row->array_job_id,
                 row->array_task_id);
    else if (row->het_job_id && row->het_job_offset != NO_VAL)
        snprintf(run->text, sizeof run->text, "%u+%u", row->het_job_id,
                 row->het_job_offset);
    else
        snprintf(run->text, sizeof run->text, "%u", row->jobid);
}

static void put_nodes(struct past_run *run, const char *nodes)
{
    size_t len = strlen(nodes);

    put(run->nodes, sizeof run->nodes, nodes);
    if (len < sizeof run->nodes)
        return;
    while (len >= sizeof run->nodes || (len > 0 && nodes[len] != ','))
        len--;
    run->nodes[len] = '\0';
}

static void put_course(struct past_run *run, const slurmdb_job_rec_t *row)
{
    run->submit_s = row->submit;
    run->start_s = row->start;
    run->end_s = row->end;
    run->suspended_s = row->suspended;
    if (row->end > row->start)
        run->elapsed_s = row->end - row->start - row->suspended;
    run->is_part = (row->state & JOB_RESIZING) != 0;
    put(run->state, sizeof run->state,
        run->is_part ? "RESIZING" : slurm_state_name(row->state));
    if (row->timelimit != INFINITE && row->timelimit != NO_VAL)
        run->limit_s = (int64_t)row->timelimit * 60;
}

static void take_row(const struct past *past, const slurmdb_job_rec_t *row,
                     struct past_run *run)
{
    char energy[16];
    int64_t joules;

    memset(run, 0, sizeof *run);
    snprintf(energy, sizeof energy, "%d", TRES_ENERGY);
    joules = tres_count(row->tres_alloc_str, energy);
    run->job_id = row->jobid;
    put_text(run, row);
    put_course(run, row);
    run->uid = row->uid;
    put_user(run, row->user);
    put(run->account, sizeof run->account, row->account);
    put(run->partition, sizeof run->partition, row->partition);
    put(run->name, sizeof run->name, row->jobname);
    run->node_count = row->alloc_nodes;
    put_nodes(run, row->nodes);
    put_tres(past->tres, row->tres_alloc_str, run->allocated, sizeof run->allocated);
    put_tres(past->tres, row->tres_req_str, run->asked, sizeof run->asked);
    run->energy_j = is_joules(joules) ? joules : -1;
}

/* A job that never had nodes is no run. */
static bool had_nodes(const slurmdb_job_rec_t *row)
{
    return row->start > 0 && row->nodes && row->nodes[0] &&
           strcmp(row->nodes, "None assigned") != 0;
}

/* Of the slices that a run was under way in, the first one tells it; or the one that it
 * ended in. */
static bool is_of_slice(const struct past *past, const slurmdb_job_rec_t *row,
                        int64_t from_s, int64_t until_s)
{
    int64_t at_s = row->start > past->from_s ? row->start : past->from_s;

    if (past->ended)
        return had_nodes(row) && row->end >= from_s && row->end < until_s;
    return had_nodes(row) && (!row->end || row->end >= past->from_s) &&
           at_s >= from_s && at_s < until_s;
}

/* With these a time is one that runs ended in, its last second too. */
static list_t *ended_states(void)
{
    static const uint32_t ends[] = {JOB_COMPLETE,  JOB_CANCELLED, JOB_FAILED,
                                    JOB_TIMEOUT,   JOB_NODE_FAIL, JOB_PREEMPTED,
                                    JOB_BOOT_FAIL, JOB_DEADLINE,  JOB_OOM,
                                    JOB_REQUEUE,   JOB_RESIZING};
    list_t *states = slurm_list_create(free);

    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        char *text;

        if (asprintf(&text, "%u", ends[i]) >= 0)
            slurm_list_append(states, text);
    }
    return states;
}

static list_t *ask(struct past *past, int64_t from_s, int64_t until_s)
{
    slurmdb_job_cond_t cond = {.flags = JOBCOND_FLAG_DUP | JOBCOND_FLAG_NO_STEP |
                                        JOBCOND_FLAG_NO_TRUNC,
                               .db_flags = SLURMDB_JOB_FLAG_NOTSET,
                               .usage_start = (time_t)from_s,
                               .usage_end = (time_t)until_s};
    list_t *rows;

    cond.cluster_list = slurm_list_create(NULL);
    slurm_list_append(cond.cluster_list, past->cluster);
    if (past->ended)
        cond.state_list = ended_states();
    rows = slurmdb_jobs_get(past->db, &cond);
    slurm_list_destroy(cond.cluster_list);
    if (cond.state_list)
        slurm_list_destroy(cond.state_list);
    return rows;
}

/* How many rows slurmdbd gave; -1: none, it cannot be asked. *more is false when no
 * more is wanted. */
static int tell_slice(struct past *past, int64_t from_s, int64_t until_s, bool *more)
{
    struct past_run *run = malloc(sizeof *run);
    list_t *rows = run ? ask(past, from_s, until_s) : NULL;
    slurmdb_job_rec_t *row;
    list_itr_t *it;
    int count = -1;

    if (rows) {
        count = slurm_list_count(rows);
        it = slurm_list_iterator_create(rows);
        while (*more && (row = slurm_list_next(it)))
            if (is_of_slice(past, row, from_s, until_s)) {
                take_row(past, row, run);
                *more = past->take(run, past->arg);
            }
        slurm_list_iterator_destroy(it);
        slurm_list_destroy(rows);
    }
    free(run);
    return count;
}

static int tell_slices(struct past *past, int64_t until_s)
{
    int64_t length_s = PAST_SLICE_FIRST_S;
    bool more = true;

    for (int64_t at_s = past->from_s; more && at_s < until_s;) {
        int64_t end_s = until_s - at_s > length_s ? at_s + length_s : until_s;
        int rows = tell_slice(past, at_s, end_s, &more);

        if (rows < 0)
            return -1;
        length_s = past_slice_next(length_s, rows);
        at_s = end_s;
    }
    return 0;
}

static int tell(struct past *past, const char *cluster, int64_t until_s)
{
    slurmdb_tres_cond_t cond;
    uint16_t flags = 0;
    int rc = -1;

    put(past->cluster, sizeof past->cluster, cluster);
    past->db = slurmdb_connection_get(&flags);
    if (!past->db)
        return -1;
    slurmdb_init_tres_cond(&cond, false);
    cond.count = NO_VAL;
    past->tres = slurmdb_tres_get(past->db, &cond);
    if (past->tres) {
        rc = tell_slices(past, until_s);
        slurm_list_destroy(past->tres);
    }
    slurmdb_connection_close(&past->db);
    return rc;
}

int slurm_past_runs(const char *cluster, int64_t from_s, int64_t until_s,
                    past_take take, void *arg)
{
    struct past past = {.from_s = from_s, .take = take, .arg = arg};

    return tell(&past, cluster, until_s);
}

int slurm_past_ended(const char *cluster, int64_t from_s, int64_t until_s,
                     past_take take, void *arg)
{
    struct past past = {.from_s = from_s, .ended = true, .take = take, .arg = arg};

    return tell(&past, cluster, until_s);
}
