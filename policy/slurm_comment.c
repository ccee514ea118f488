/* slurm_comment.c - kwota's word in slurmdbd's records of settled runs */
#include "plugin/slurm_version.h"

#include <slurm/slurmdb.h>

#include "policy/slurm_comment.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/log.h"
#include "policy/summary_text.h"
#include "policy/tres.h"

/* A change is an answer to wait for, some 40 ms of it for TCP: with several connections
 * others go on meanwhile. */
#define CONNECTIONS 8

bool comment_takes_energy(void)
{
    return KWOTA_DBD_TAKES_ENERGY;
}

static slurm_selected_step_t step_of(uint32_t job, uint32_t task, uint32_t offset)
{
    return (slurm_selected_step_t){
        .array_task_id = task,
        .het_job_offset = offset,
        .step_id = {.job_id = job, .step_id = NO_VAL, .step_het_comp = NO_VAL}};
}

/* slurmdbd's rows of all of these jobs; NULL: it cannot be asked. */
static list_t *read_rows(void *db, char *cluster, const struct comment_run *runs,
                         int count)
{
    slurmdb_job_cond_t cond = {.flags = JOBCOND_FLAG_DUP | JOBCOND_FLAG_NO_STEP |
                                        JOBCOND_FLAG_NO_TRUNC |
                                        JOBCOND_FLAG_NO_WHOLE_HETJOB,
                               .db_flags = SLURMDB_JOB_FLAG_NOTSET};
    slurm_selected_step_t *steps = calloc((size_t)count, sizeof *steps);
    list_t *rows = NULL;

    if (!steps)
        return NULL;
    cond.cluster_list = slurm_list_create(NULL);
    cond.step_list = slurm_list_create(NULL);
    slurm_list_append(cond.cluster_list, cluster);
    for (int i = 0; i < count; i++) {
        steps[i] = step_of(runs[i].job_id, NO_VAL, NO_VAL);
        slurm_list_append(cond.step_list, &steps[i]);
    }
    rows = slurmdb_jobs_get(db, &cond);
    slurm_list_destroy(cond.cluster_list);
    slurm_list_destroy(cond.step_list);
    free(steps);
    return rows;
}

/* The run's row; of a resized job's several, the last. */
static slurmdb_job_rec_t *find_row(list_t *rows, const struct comment_run *run)
{
    list_itr_t *it = slurm_list_iterator_create(rows);
    slurmdb_job_rec_t *row, *found = NULL;

    while ((row = slurm_list_next(it)))
        if (row->jobid == run->job_id && row->submit == run->submit_s &&
            (!found || row->start >= found->start))
            found = row;
    slurm_list_iterator_destroy(it);
    return found;
}

/* A bare id would mean all of an array's tasks where it is the last one's, and all
 * parts of a het job. */
static slurm_selected_step_t step_of_row(const slurmdb_job_rec_t *row)
{
    if (row->array_job_id && row->array_task_id != NO_VAL)
        return step_of(row->array_job_id, row->array_task_id, NO_VAL);
    if (row->het_job_id && row->het_job_offset != NO_VAL)
        return step_of(row->het_job_id, NO_VAL, row->het_job_offset);
    return step_of(row->jobid, NO_VAL, NO_VAL);
}

/* How many rows it changed; -1: slurmdbd refused, or is away. With a list of steps
 * alone slurmdbd takes no notice of the time, and changes all runs of a requeued job:
 * it is the state that makes it look for a run that ended then. */
static int modify(void *db, char *cluster, const slurmdb_job_rec_t *row,
                  slurmdb_job_rec_t *wanted)
{
    slurmdb_job_cond_t cond = {.flags = JOBCOND_FLAG_DUP | JOBCOND_FLAG_NO_STEP |
                                        JOBCOND_FLAG_NO_WHOLE_HETJOB,
                               .db_flags = SLURMDB_JOB_FLAG_NOTSET,
                               .usage_start = row->end,
                               .usage_end = row->end};
    slurm_selected_step_t step = step_of_row(row);
    char state[16];
    list_t *done;
    int count;

    snprintf(state, sizeof state, "%u", row->state);
    cond.cluster_list = slurm_list_create(NULL);
    cond.step_list = slurm_list_create(NULL);
    cond.state_list = slurm_list_create(NULL);
    slurm_list_append(cond.cluster_list, cluster);
    slurm_list_append(cond.step_list, &step);
    slurm_list_append(cond.state_list, state);
    errno = 0;
    done = slurmdb_job_modify(db, &cond, wanted);
    slurm_list_destroy(cond.cluster_list);
    slurm_list_destroy(cond.step_list);
    slurm_list_destroy(cond.state_list);
    if (!done)
        return -1;
    count = slurm_list_count(done);
    slurm_list_destroy(done);
    return count;
}

static bool wants_energy(const struct comment_run *run)
{
    return comment_takes_energy() && run->energy_j >= 0;
}

static bool has_energy(const slurmdb_job_rec_t *row, const struct comment_run *run)
{
    return !wants_energy(run) || tres_energy_j(row->tres_alloc_str) == run->energy_j;
}

static int write_row(void *db, char *cluster, const slurmdb_job_rec_t *row,
                     const struct comment_run *run, bool foreign)
{
    slurmdb_job_rec_t wanted = {.derived_ec = NO_VAL};
    char tres[32];

    if (!foreign)
        wanted.system_comment = (char *)(uintptr_t)run->text;
    if (wants_energy(run)) {
        snprintf(tres, sizeof tres, "%d=%" PRId64, TRES_ENERGY, run->energy_j);
        wanted.tres_alloc_str = tres;
    }
    return modify(db, cluster, row, &wanted);
}

/* Somebody else's comment stays; its run's joules are the run's all the same. */
static int tell(void *db, char *cluster, list_t *rows, struct comment_run *run)
{
    const slurmdb_job_rec_t *row = find_row(rows, run);
    const char *is = row && row->system_comment ? row->system_comment : "";
    bool foreign = is[0] && !summary_is_ours(is);
    bool has_text = foreign || strcmp(is, run->text) == 0;
    int count;

    run->state = COMMENT_LATER;
    if (!row || !row->end)
        return 0;
    if (has_text && has_energy(row, run)) {
        run->state = foreign ? COMMENT_FOREIGN : COMMENT_WRITTEN;
        return 0;
    }
    count = write_row(db, cluster, row, run, foreign);
    if (count < 0) {
        log_line("slurmdbd does not take the summary of job %u: %s", run->job_id,
                 slurm_strerror(errno));
        return -1;
    }
    if (count > 0 && wants_energy(run))
        run->state = has_text ? COMMENT_AGAIN : COMMENT_SENT;
    else if (count > 0)
        run->state = COMMENT_WRITTEN;
    return 0;
}

/* One connection's part of a batch. */
struct part {
    char cluster[64];
    list_t *rows;
    struct comment_run *runs;
    int count, rc;
};

static void *tell_part(void *arg)
{
    struct part *part = arg;
    uint16_t flags = 0;
    void *db = slurmdb_connection_get(&flags);

    part->rc = db ? 0 : -1;
    for (int i = 0; part->rc == 0 && i < part->count; i++)
        part->rc = tell(db, part->cluster, part->rows, &part->runs[i]);
    if (db && slurmdb_connection_commit(db, part->rc == 0) != SLURM_SUCCESS)
        part->rc = -1;
    if (db)
        slurmdb_connection_close(&db);
    return NULL;
}

static int tell_all(const char *cluster, list_t *rows, struct comment_run *runs,
                    int count)
{
    struct part parts[CONNECTIONS];
    pthread_t threads[CONNECTIONS];
    bool started[CONNECTIONS];
    int each = (count + CONNECTIONS - 1) / CONNECTIONS, rc = 0;

    for (int p = 0; p < CONNECTIONS; p++) {
        int from = p * each < count ? p * each : count;

        parts[p] = (struct part){.rows = rows, .runs = runs + from};
        parts[p].count = count - from < each ? count - from : each;
        snprintf(parts[p].cluster, sizeof parts[p].cluster, "%s", cluster);
        started[p] = parts[p].count > 0 &&
                     pthread_create(&threads[p], NULL, tell_part, &parts[p]) == 0;
        if (parts[p].count > 0 && !started[p])
            tell_part(&parts[p]);
    }
    for (int p = 0; p < CONNECTIONS; p++) {
        if (started[p])
            pthread_join(threads[p], NULL);
        rc = parts[p].rc < 0 ? -1 : rc;
    }
    return rc;
}

int comment_write(const char *cluster, struct comment_run *runs, int count)
{
    uint16_t flags = 0;
    void *db = slurmdb_connection_get(&flags);
    char name[64];
    list_t *rows;
    int rc;

    if (!db)
        return -1;
    snprintf(name, sizeof name, "%s", cluster);
    rows = read_rows(db, name, runs, count);
    slurmdb_connection_close(&db);
    if (!rows)
        return -1;
    rc = tell_all(cluster, rows, runs, count);
    slurm_list_destroy(rows);
    return rc;
}
