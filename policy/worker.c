/* worker.c - the thread that asks Slurm, binds, settles and sweeps */
#include "policy/worker.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policy/journal.h"
#include "policy/log.h"
#include "policy/run.h"

/* The journal is looked at this often; a kick makes it sooner. */
#define PACE_S 1

/* At most so many of each kind a round: the next round has the rest. */
#define BATCH 256

/* A token whose job Slurm does not know this long after it was last heard of is given
 * up: slurmdbd itself may be that late after an outage. */
#define GIVE_UP_S (7 * 86400)

struct worker {
    struct ledger *ledger;
    const struct settings *settings;
    const char *cluster;
    pthread_t thread;
    pthread_mutex_t lock; /* guards the two below */
    pthread_cond_t kicked;
    bool stop, kick;
    int64_t next_sweep_s;
    bool slurm_away; /* said so already */
};

struct token {
    char token[40], node[256];
    uint32_t job;
    int64_t start_s, last_s;
};

/* Only changes are logged. */
static void note_slurm(struct worker *w, bool away)
{
    if (away && !w->slurm_away)
        log_line("Slurm does not answer about jobs; runs are settled when it does");
    if (!away && w->slurm_away)
        log_line("Slurm answers again");
    w->slurm_away = away;
}

static int unbound_tokens(struct worker *w, struct token *tokens)
{
    sqlite3_stmt *stmt;
    int count = 0;

    if (ledger_begin(w->ledger) < 0)
        return 0;
    stmt = ledger_query(
        w->ledger,
        "SELECT token, node, job_id, start_ms / 1000, last_ms / 1000 FROM tokens"
        " WHERE run_id IS NULL AND NOT refused LIMIT ?",
        "i", (int64_t)BATCH);
    while (stmt && count < BATCH && sqlite3_step(stmt) == SQLITE_ROW) {
        struct token *t = &tokens[count++];

        snprintf(t->token, sizeof t->token, "%s",
                 (const char *)sqlite3_column_text(stmt, 0));
        snprintf(t->node, sizeof t->node, "%s",
                 (const char *)sqlite3_column_text(stmt, 1));
        t->job = (uint32_t)sqlite3_column_int64(stmt, 2);
        t->start_s = sqlite3_column_int64(stmt, 3);
        t->last_s = sqlite3_column_int64(stmt, 4);
    }
    sqlite3_finalize(stmt);
    ledger_commit(w->ledger);
    return count;
}

/* Binds a token to the run that Slurm says was under way at its start on its node. */
static void store_binding(struct worker *w, const struct token *t,
                          const struct lookup_run *run)
{
    int64_t run_id;
    int rc = -1;

    if (ledger_begin(w->ledger) < 0)
        return;
    if (!lookup_has_node(run, t->node)) {
        log_line("node %s reports for job %s, which runs on %s: not counted", t->node,
                 run->text, run->nodes);
        rc = run_refuse(w->ledger, t->token);
    } else {
        run_id = run_put(w->ledger, w->cluster, run);
        if (run_id >= 0)
            rc = run_bind(w->ledger, t->token, run_id);
    }
    if (rc < 0)
        ledger_rollback(w->ledger);
    else
        ledger_commit(w->ledger);
}

static void give_up(struct worker *w, const struct token *t)
{
    log_line("job %u on node %s: Slurm knows no such run; its energy is nobody's",
             t->job, t->node);
    if (ledger_begin(w->ledger) < 0)
        return;
    if (run_refuse(w->ledger, t->token) < 0)
        ledger_rollback(w->ledger);
    else
        ledger_commit(w->ledger);
}

static void bind_tokens(struct worker *w)
{
    struct token *tokens = calloc(BATCH, sizeof *tokens);
    struct lookup_run *run = malloc(sizeof *run);
    int count = tokens && run ? unbound_tokens(w, tokens) : 0;

    for (int i = 0; i < count; i++) {
        int found = lookup_job(tokens[i].job, tokens[i].start_s, run);

        note_slurm(w, found < 0);
        if (found == 1)
            store_binding(w, &tokens[i], run);
        else if (found == 0 && time(NULL) > tokens[i].last_s + GIVE_UP_S)
            give_up(w, &tokens[i]);
    }
    free(run);
    free(tokens);
}

/* A journal line, or a job that a sweep asks for: what Slurm says of its newest run. */
static int look_at(uint32_t job, void *arg)
{
    struct worker *w = arg;
    struct lookup_run *run = malloc(sizeof *run);
    int found = run ? lookup_job(job, 0, run) : -1, rc = 0;

    note_slurm(w, found < 0);
    if (found < 0) {
        free(run);
        return -1;
    }
    if (found == 1) {
        if (ledger_begin(w->ledger) < 0)
            rc = -1;
        else if (run_put(w->ledger, w->cluster, run) < 0)
            ledger_rollback(w->ledger), rc = -1;
        else
            rc = ledger_commit(w->ledger);
    }
    free(run);
    return rc;
}

struct open_run {
    int64_t id, submit_s;
    uint32_t job;
};

static int open_runs(struct worker *w, const char *sql, struct open_run *runs)
{
    sqlite3_stmt *stmt;
    int count = 0;

    if (ledger_begin(w->ledger) < 0)
        return 0;
    stmt = ledger_query(w->ledger, sql, "");
    while (stmt && count < BATCH && sqlite3_step(stmt) == SQLITE_ROW) {
        runs[count++] =
            (struct open_run){.id = sqlite3_column_int64(stmt, 0),
                              .submit_s = sqlite3_column_int64(stmt, 1),
                              .job = (uint32_t)sqlite3_column_int64(stmt, 2)};
    }
    sqlite3_finalize(stmt);
    ledger_commit(w->ledger);
    return count;
}

/* Runs whose nodes have all said that they are over, or all running ones: is it so? */
static void ask_about(struct worker *w, const char *sql)
{
    struct open_run *runs = calloc(BATCH, sizeof *runs);
    struct lookup_run *run = malloc(sizeof *run);
    int count = runs && run ? open_runs(w, sql, runs) : 0;

    for (int i = 0; i < count; i++) {
        int found = lookup_submitted(runs[i].job, runs[i].submit_s, run);

        note_slurm(w, found < 0);
        if (found < 0)
            break;
        if (found == 0 || ledger_begin(w->ledger) < 0)
            continue;
        if (run_put(w->ledger, w->cluster, run) < 0)
            ledger_rollback(w->ledger);
        else
            ledger_commit(w->ledger);
    }
    free(run);
    free(runs);
}

static void settle_one(struct worker *w, int64_t run_id)
{
    if (ledger_begin(w->ledger) < 0)
        return;
    if (run_settle(w->ledger, run_id, time(NULL), w->settings->settle_timeout_s) < 0)
        ledger_rollback(w->ledger);
    else
        ledger_commit(w->ledger);
}

static void settle_runs(struct worker *w)
{
    static const char *const due[] = {
        "SELECT id, submit_s, job_id FROM runs WHERE state = 'ended'",
        /* settled, and counts have come since */
        "SELECT DISTINCT r.id, r.submit_s, r.job_id FROM run_quarters q"
        " JOIN tokens t ON t.token = q.token JOIN runs r ON r.id = t.run_id"
        " WHERE q.mj <> q.posted_mj AND r.state = 'settled'"};
    struct open_run *runs = calloc(BATCH, sizeof *runs);

    for (size_t k = 0; runs && k < sizeof due / sizeof *due; k++) {
        int count = open_runs(w, due[k], runs);

        for (int i = 0; i < count; i++)
            settle_one(w, runs[i].id);
    }
    free(runs);
}

static void work_round(struct worker *w)
{
    int64_t now_s = time(NULL);

    bind_tokens(w);
    journal_read(w->ledger, w->settings->spool, look_at, w);
    ask_about(
        w, "SELECT r.id, r.submit_s, r.job_id FROM runs r WHERE state = 'running' AND"
           " node_count <= (SELECT COUNT(DISTINCT node) FROM tokens t"
           "  WHERE t.run_id = r.id AND t.final)");
    if (now_s >= w->next_sweep_s) {
        ask_about(w, "SELECT id, submit_s, job_id FROM runs WHERE state = 'running'");
        w->next_sweep_s = now_s + w->settings->sweep_s;
    }
    settle_runs(w);
}

static void *work(void *arg)
{
    struct worker *w = arg;
    struct timespec until;

    pthread_mutex_lock(&w->lock);
    while (!w->stop) {
        w->kick = false;
        pthread_mutex_unlock(&w->lock);
        work_round(w);
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += PACE_S;
        pthread_mutex_lock(&w->lock);
        while (!w->stop && !w->kick &&
               pthread_cond_timedwait(&w->kicked, &w->lock, &until) == 0)
            ;
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

struct worker *worker_start(struct ledger *ledger, const struct settings *settings,
                            const char *cluster)
{
    struct worker *w = calloc(1, sizeof *w);

    if (!w)
        return NULL;
    w->ledger = ledger;
    w->settings = settings;
    w->cluster = cluster;
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->kicked, NULL);
    if (pthread_create(&w->thread, NULL, work, w) != 0) {
        free(w);
        return NULL;
    }
    return w;
}

void worker_kick(struct worker *w)
{
    pthread_mutex_lock(&w->lock);
    w->kick = true;
    pthread_cond_signal(&w->kicked);
    pthread_mutex_unlock(&w->lock);
}

void worker_stop(struct worker *w)
{
    pthread_mutex_lock(&w->lock);
    w->stop = true;
    pthread_cond_signal(&w->kicked);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    free(w);
}
