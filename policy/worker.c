/* worker.c - the thread that asks Slurm, binds, settles and sweeps */
#include "policy/worker.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policy/capping.h"
#include "policy/clock.h"
#include "policy/gate.h"
#include "policy/inquiry.h"
#include "policy/journal.h"
#include "policy/live.h"
#include "policy/log.h"
#include "policy/node_facts.h"
#include "policy/pricing.h"
#include "policy/report_run.h"
#include "policy/run.h"

/* The journal is looked at this often; a kick makes it sooner. */
#define PACE_S 1

/* How often it is worked out how long counts may wait. */
#define PACE_EVERY_S 10

/* So long at least between two rounds: what is heard meanwhile is one round's work. */
#define LEAST_NS 20000000

/* … and while a prolog waits for room. */
#define UNDECIDED_NS 200000000

/* At most so many of each kind a round: the next round has the rest. */
#define BATCH 256

/* After so many runs, or lines of the journal, starts are looked at. */
#define PASS 32

struct worker {
    struct ledger *ledger;
    const struct settings *settings;
    struct policy_store *policies;
    struct steward *steward;
    struct lobby *lobby;
    struct inquiry inquiry;
    struct gate gate;
    struct capping *capping;
    int64_t started_s;
    pthread_t thread;
    pthread_mutex_t lock; /* guards the two below */
    pthread_cond_t kicked;
    bool stop, kick;
    int64_t next_sweep_s, facts_s; /* facts_s: when nodes were asked about last */
    int64_t next_pace_s;
    atomic_llong round_s; /* when the last round ended */
    /* of the thread alone: */
    bool undecided; /* a start waits for room */
    unsigned lines; /* of the journal that were looked at */
    struct journal_passed passed;
    struct policy *priced; /* whose tariff the ledger has; NULL: nobody's yet */
};

/* Prologs wait: whatever else there is much of lets starts pass every so often. */
static void starts_first(void *arg)
{
    struct worker *w = arg;

    inquiry_bind(&w->inquiry, time(NULL));
    gate_carry_out(&w->gate);
}

/* A line of the journal. */
static int look_at(uint32_t job, void *arg)
{
    struct worker *w = arg;

    if (w->lines++ % PASS == 0)
        starts_first(w);
    return inquiry_look(&w->inquiry, job, time(NULL));
}

/* What the journal of a kwotad that stands by has. */
static void look_at_heard(struct worker *w)
{
    struct ledger_heard heard;
    int i = 0;

    if (ledger_heard(w->ledger, &heard) <= 0)
        return;
    while (i < heard.count && look_at(heard.jobs[i], w) == 0)
        i++;
    if (i > 0)
        ledger_forget_heard(w->ledger, heard.ids[i - 1]);
}

/* The tariff in force is in the ledger before anything is charged by it. */
static void keep_tariff(struct worker *w, int64_t now_s)
{
    struct policy *policy = policy_store_take(w->policies);
    int rc = -1;

    if (policy != w->priced && ledger_begin(w->ledger) == 0) {
        rc = pricing_keep(w->ledger, policy, now_s);
        ledger_commit_soon(w->ledger);
    }
    if (rc == -2)
        log_line("the policy's tariff has another currency than this ledger's prices, "
                 "which could not be added up with it: the tariff before it stays in "
                 "force");
    if (rc == 0 || rc == -2) {
        policy_release(w->priced);
        w->priced = policy;
    } else {
        policy_release(policy);
    }
}

/* 1: an entry was made. */
static int settle_one(struct worker *w, int64_t run_id)
{
    struct policy *policy;
    int rc;

    if (ledger_begin(w->ledger) < 0)
        return 0;
    policy = policy_store_take(w->policies);
    /* A node that gives no final has told more than is saved. */
    rc = report_run_save(w->ledger, run_id);
    if (rc == 0)
        rc = run_settle(w->ledger, policy, run_id, time(NULL),
                        w->settings->settle_timeout_s, w->started_s);
    policy_release(policy);
    if (rc < 0)
        ledger_rollback(w->ledger);
    else
        ledger_commit_soon(w->ledger);
    return rc > 0;
}

static int runs_due(struct worker *w, const char *sql, int64_t *ids)
{
    sqlite3_stmt *stmt;
    int count = 0;

    if (ledger_begin(w->ledger) < 0)
        return 0;
    stmt = ledger_query(w->ledger, sql, "iiii", w->started_s,
                        w->settings->settle_timeout_s, (int64_t)time(NULL),
                        (int64_t)BATCH);
    while (stmt && count < BATCH && sqlite3_step(stmt) == SQLITE_ROW)
        ids[count++] = sqlite3_column_int64(stmt, 0);
    ledger_done(w->ledger, stmt);
    ledger_commit_soon(w->ledger);
    return count;
}

static void settle_runs(struct worker *w)
{
    static const char *const due[] = {
        /* over, and all finals are in or are waited for no more */
        "SELECT id FROM runs r WHERE state <> 'settled' AND state = 'ended' AND ("
        " MAX(end_s, COALESCE(over_seen_s, 0), ?1) + ?2 <= ?3 OR node_count <="
        "  (SELECT COUNT(DISTINCT node) FROM tokens t WHERE t.run_id = r.id AND final))"
        " LIMIT ?4",
        /* settled, and counts have come since */
        "SELECT DISTINCT r.id FROM news n CROSS JOIN runs r ON r.id = n.run_id"
        " CROSS JOIN tokens t ON t.run_id = r.id CROSS JOIN run_quarters q ON q.token "
        "= t.token"
        " WHERE r.state = 'settled' AND q.mj <> q.posted_mj"
        " LIMIT ?4"};
    int64_t ids[BATCH];
    int entries = 0;

    for (size_t k = 0; k < sizeof due / sizeof *due; k++) {
        int settled, count;

        do {
            count = runs_due(w, due[k], ids);
            settled = 0;
            for (int i = 0; i < count; i++) {
                if (i % PASS == 0)
                    starts_first(w);
                settled += settle_one(w, ids[i]);
            }
            entries += settled;
        } while (count == BATCH && settled > 0);
    }
    if (entries > 0)
        steward_kick(w->steward);
}

static void runs_found(void *arg, const struct found_run *runs, int count)
{
    struct worker *w = arg;

    gate_look(&w->gate, runs, count, clock_now_s());
    for (int i = 0; i < count; i++)
        capping_run(w->capping, runs[i].id, clock_now_s());
}

static void token_known(void *arg, const char *token)
{
    struct worker *w = arg;

    lobby_call(w->lobby, token);
}

/* What is new now is what the round looks at; what is heard meanwhile stays for the
 * next (schema.h). */
static void take_news(struct worker *w)
{
    if (ledger_begin(w->ledger) < 0)
        return;
    ledger_do(w->ledger, "UPDATE news SET seen = 1 WHERE NOT seen", "");
    ledger_commit_soon(w->ledger);
}

static void drop_news(struct worker *w)
{
    if (ledger_begin(w->ledger) < 0)
        return;
    ledger_do(w->ledger, "DELETE FROM news WHERE seen", "");
    ledger_do(w->ledger,
              "DELETE FROM finals WHERE run_id IN (SELECT run_id FROM finals f"
              " CROSS JOIN runs r ON r.id = f.run_id WHERE r.state <> 'running')",
              "");
    ledger_commit_soon(w->ledger);
}

/* Starts that had no room a moment ago; true if there are any. */
static bool look_at_undecided(struct worker *w)
{
    int64_t now_s = time(NULL), jobs[BATCH];
    sqlite3_stmt *stmt;
    int count = 0;

    if (ledger_begin(w->ledger) < 0)
        return false;
    stmt = ledger_query(w->ledger,
                        "SELECT job_id FROM runs WHERE state = 'running'"
                        " AND decision IS NULL AND start_s > ? LIMIT ?",
                        "ii", now_s - GATE_LATE_S, (int64_t)BATCH);
    while (stmt && count < BATCH && sqlite3_step(stmt) == SQLITE_ROW)
        jobs[count++] = sqlite3_column_int64(stmt, 0);
    ledger_done(w->ledger, stmt);
    ledger_commit_soon(w->ledger);
    for (int i = 0; i < count; i++)
        inquiry_look(&w->inquiry, (uint32_t)jobs[i], now_s);
    return count > 0;
}

static void look_at_caps(struct worker *w)
{
    struct policy *policy = policy_store_take(w->policies);

    capping_look(w->capping, policy, clock_now_s());
    policy_release(policy);
}

/* Their liens go with their time limits. */
static void look_at_changed(struct worker *w, int64_t now_s)
{
    uint32_t jobs[BATCH];
    int count = steward_changed(w->steward, jobs, BATCH);

    for (int i = 0; i < count; i++)
        inquiry_look(&w->inquiry, jobs[i], now_s);
}

static void set_pace(struct worker *w, int64_t now_s)
{
    if (now_s < w->next_pace_s || ledger_begin(w->ledger) < 0)
        return;
    live_pace(w->ledger, w->settings->save_s, w->settings->report_ms);
    ledger_commit_soon(w->ledger);
    w->next_pace_s = now_s + PACE_EVERY_S;
}

static void work_round(struct worker *w)
{
    int64_t now_s = time(NULL);
    char why[LEDGER_WHY];

    w->undecided = false;
    if (!ledger_acts(w->ledger, why)) {
        w->started_s = now_s; /* no final has come in until now */
        journal_pass(w->ledger, w->settings->spool, &w->passed);
        return;
    }
    inquiry_bind(&w->inquiry, now_s);
    w->undecided = look_at_undecided(w);
    look_at_caps(w);
    look_at_changed(w, now_s);
    gate_carry_out(&w->gate);
    take_news(w);
    gate_review(&w->gate, clock_now_s());
    gate_carry_out(&w->gate);
    journal_read(w->ledger, w->settings->spool, &w->passed, look_at, w);
    look_at_heard(w);
    inquiry_finished(&w->inquiry, now_s);
    if (now_s >= w->next_sweep_s) {
        inquiry_sweep(&w->inquiry, now_s);
        w->gate.kill_wait_s = lookup_kill_wait_s();
        w->next_sweep_s = now_s + w->settings->sweep_s;
    }
    keep_tariff(w, now_s);
    settle_runs(w);
    drop_news(w);
    set_pace(w, now_s);
    if (now_s != w->facts_s)
        node_facts_refresh(w->ledger, now_s);
    w->facts_s = now_s;
}

static void *work(void *arg)
{
    static const struct timespec least = {0, LEAST_NS};
    struct worker *w = arg;
    struct timespec until;

    pthread_setname_np(pthread_self(), "worker");
    ledger_urgent(true);
    /* Before anything is decided by it: reports can come before the first round. */
    w->gate.kill_wait_s = lookup_kill_wait_s();
    pthread_mutex_lock(&w->lock);
    while (!w->stop) {
        w->kick = false;
        pthread_mutex_unlock(&w->lock);
        work_round(w);
        w->round_s = time(NULL);
        nanosleep(&least, NULL);
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += w->undecided ? 0 : PACE_S;
        until.tv_nsec += w->undecided ? UNDECIDED_NS : 0;
        if (until.tv_nsec >= 1000000000) {
            until.tv_sec++;
            until.tv_nsec -= 1000000000;
        }
        pthread_mutex_lock(&w->lock);
        while (!w->stop && !w->kick &&
               pthread_cond_timedwait(&w->kicked, &w->lock, &until) == 0)
            ;
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

struct worker *worker_start(struct ledger *ledger, const struct settings *settings,
                            struct policy_store *policies, struct steward *steward,
                            struct lobby *lobby, const char *cluster)
{
    struct worker *w = calloc(1, sizeof *w);

    if (!w)
        return NULL;
    w->ledger = ledger;
    w->settings = settings;
    w->policies = policies;
    w->steward = steward;
    w->lobby = lobby;
    w->gate = (struct gate){.ledger = ledger,
                            .policies = policies,
                            .cluster = cluster,
                            .report_ms = settings->report_ms,
                            .kill_wait_s = LOOKUP_KILL_WAIT_S};
    w->inquiry = (struct inquiry){.ledger = ledger,
                                  .cluster = cluster,
                                  .found = runs_found,
                                  .found_arg = w,
                                  .known = token_known,
                                  .between = starts_first};
    w->started_s = time(NULL);
    w->capping = capping_new(ledger, cluster);
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->kicked, NULL);
    if (!w->capping || pthread_create(&w->thread, NULL, work, w) != 0) {
        capping_free(w->capping);
        free(w);
        return NULL;
    }
    return w;
}

int64_t worker_round_s(struct worker *w)
{
    return w->round_s;
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
    capping_free(w->capping);
    policy_release(w->priced);
    free(w);
}
