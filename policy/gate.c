/* gate.c - whether a job that has begun may go on: decided in the ledger, carried out
 * in Slurm */
#include "policy/gate.h"

#include <stdio.h>
#include <string.h>

#include "policy/lien.h"
#include "policy/log.h"
#include "policy/slurm_act.h"
#include "policy/steer_round.h"
#include "policy/switches.h"
#include "policy/tres.h"

/* At most so many a round: the next round has the rest. */
#define BATCH 256

/* The script of a het job is its leader's: its start is decided about when all other
 * parts may run. If one is held, so is the job, and its leader with it. */
static bool waits_for_parts(struct gate *gate, const struct lookup_run *run)
{
    char first[64], beyond[64];

    if (run->het_others <= 0)
        return false;
    /* "15+" and what comes after all texts that begin so. */
    snprintf(first, sizeof first, "%u+", run->job_id);
    snprintf(beyond, sizeof beyond, "%u,", run->job_id);
    return ledger_number(gate->ledger, 0,
                         "SELECT COUNT(*) FROM runs WHERE job_text > ? AND job_text < ?"
                         " AND cluster = ? AND restart = ? AND job_id <> ?"
                         " AND state = 'running' AND decision IN ('run', 'spared')",
                         "sssii", first, beyond, gate->cluster, run->restart,
                         (int64_t)run->job_id) < run->het_others;
}

static enum lien_moment moment_of(const struct lookup_run *run, int64_t now_s)
{
    return now_s < run->start_s + GATE_PATIENCE_S ? LIEN_EARLY
           : now_s > run->start_s + GATE_LATE_S   ? LIEN_LATE
                                                  : LIEN_NOW;
}

static void look_at(struct gate *gate, const struct policy *policy,
                    const struct found_run *found, struct lien_rooms *rooms,
                    int64_t now_s)
{
    const struct lookup_run *run = found->run;
    char why[LIEN_WHY];

    /* A row of slurmdbd's does not say what the job holds. */
    if (!run->started || run->over || !run->act[0])
        return;
    if (now_s < run->start_s + GATE_PARTS_S && waits_for_parts(gate, run))
        return;
    if (lien_open(gate->ledger, policy, gate->cluster, found->id, run,
                  moment_of(run, now_s), now_s, rooms, why) == LIEN_WAIT)
        return;
    if (lien_limit(gate->ledger, policy, gate->cluster, found->id, run, now_s) != 0)
        rooms->count = 0;
    switches_watch(gate->ledger, policy, now_s);
}

void gate_look(struct gate *gate, const struct found_run *runs, int count,
               int64_t now_s)
{
    struct policy *policy = policy_store_take(gate->policies);
    struct lien_rooms rooms = {.count = 0};

    for (int i = 0; i < count; i++)
        look_at(gate, policy, &runs[i], &rooms, now_s);
    policy_release(policy);
}

/* Those that the worker's round looks at, beyond `after`. */
static int runs_to_review(struct gate *gate, int64_t after, int64_t ids[BATCH])
{
    sqlite3_stmt *stmt = ledger_query(
        gate->ledger,
        "SELECT n.run_id FROM news n CROSS JOIN liens l ON l.run_id = n.run_id"
        " WHERE n.seen AND n.run_id > ? ORDER BY n.run_id LIMIT ?",
        "ii", after, (int64_t)BATCH);
    int count = 0;

    while (stmt && count < BATCH && sqlite3_step(stmt) == SQLITE_ROW)
        ids[count++] = sqlite3_column_int64(stmt, 0);
    ledger_done(gate->ledger, stmt);
    return count;
}

/* Whether it is to be ended. */
static bool review_run(struct gate *gate, const struct policy *policy, int64_t run_id,
                       int64_t now_s)
{
    const struct steer_round round = {gate->ledger, policy, gate->cluster,
                                      gate->report_ms, gate->kill_wait_s};
    char why[LIEN_WHY];

    return lien_review(gate->ledger, policy, gate->cluster, run_id, gate->report_ms,
                       now_s, why) > 0 ||
           steer_review(&round, run_id, now_s) > 0;
}

void gate_review(struct gate *gate, int64_t now_s)
{
    struct policy *policy;
    int64_t ids[BATCH], after = 0;
    int count = BATCH;

    while (count == BATCH) {
        if (ledger_begin(gate->ledger) < 0)
            return;
        policy = policy_store_take(gate->policies);
        count = runs_to_review(gate, after, ids);
        for (int i = 0; i < count; i++)
            if (review_run(gate, policy, ids[i], now_s))
                switches_watch(gate->ledger, policy, now_s);
        policy_release(policy);
        if (ledger_commit_soon(gate->ledger) < 0)
            return;
        after = count ? ids[count - 1] : after;
    }
}

/* A run that is to be held or ended. */
struct convict {
    int64_t id;
    uint32_t job_id;
    char act[64], why[LIEN_WHY];
    char said[96]; /* what its user said, as in an admin_comment; "": nothing */
    bool batch, requeues, hold;
};

static int convicts(struct gate *gate, struct convict *list, int most)
{
    sqlite3_stmt *stmt;
    int count = 0;

    if (ledger_begin(gate->ledger) < 0)
        return 0;
    stmt = ledger_query(gate->ledger,
                        "SELECT id, job_id, act_text, decision_why, batch, requeues,"
                        " decision = 'holding', COALESCE((SELECT most_mj FROM liens l"
                        " WHERE l.run_id = r.id), 0), COALESCE(user_gpu_mw, 0)"
                        " FROM sentences s"
                        " CROSS JOIN runs r ON r.id = s.run_id"
                        " WHERE decision IN ('holding', 'ending') LIMIT ?",
                        "i", (int64_t)most);
    while (stmt && count < most && sqlite3_step(stmt) == SQLITE_ROW) {
        struct convict *c = &list[count++];

        c->id = sqlite3_column_int64(stmt, 0);
        c->job_id = (uint32_t)sqlite3_column_int64(stmt, 1);
        snprintf(c->act, sizeof c->act, "%s",
                 (const char *)sqlite3_column_text(stmt, 2));
        snprintf(c->why, sizeof c->why, "%s",
                 (const char *)sqlite3_column_text(stmt, 3));
        c->batch = sqlite3_column_int(stmt, 4) != 0;
        c->requeues = sqlite3_column_int(stmt, 5) != 0;
        c->hold = sqlite3_column_int(stmt, 6) != 0;
        tres_user_words(c->said, sizeof c->said,
                        sqlite3_column_int64(stmt, 7) / ESTIMATE_MJ_PER_WH,
                        sqlite3_column_int64(stmt, 8));
    }
    ledger_done(gate->ledger, stmt);
    /* Nothing is done that a kwotad which is killed now would not know of. */
    if (count == 0)
        ledger_commit_soon(gate->ledger);
    else if (ledger_commit(gate->ledger) < 0)
        return 0;
    return count;
}

/* Interactive jobs cannot wait again: their user is told, and they end. */
static int carry_out(const struct convict *c, char why[ACT_WHY])
{
    char sentence[LIEN_WHY + 128];

    if (c->hold && c->batch) {
        snprintf(sentence, sizeof sentence, "kwota: held: %s%s", c->why, c->said);
        return act_requeue_hold(c->act, c->requeues, sentence, why);
    }
    snprintf(sentence, sizeof sentence, "kwota: job %s is ended: %s", c->act, c->why);
    return act_end(c->act, c->job_id, sentence, why);
}

/* What was decided before an operator froze everything is not done any more. */
static void spare_all(struct gate *gate)
{
    struct switches switches;

    if (ledger_begin(gate->ledger) < 0)
        return;
    switches_read(gate->ledger, &switches);
    if (switches.frozen || switches.tripped)
        ledger_do(gate->ledger,
                  "UPDATE runs SET decision = 'spared' WHERE id IN"
                  " (SELECT run_id FROM sentences)",
                  "");
    ledger_commit_soon(gate->ledger);
}

void gate_carry_out(struct gate *gate)
{
    static struct convict list[64];
    int count;

    spare_all(gate);
    steer_warn(gate->ledger, gate->policies);
    count = convicts(gate, list, 64);

    for (int i = 0; i < count; i++) {
        char why[ACT_WHY];
        int rc = carry_out(&list[i], why);

        /* A job that is over, or that Slurm does not let go of, is not asked for ever:
         * its lien holds what it may be charged. */
        if (rc < 0)
            log_line("job %s could not be %s: %s", list[i].act,
                     list[i].hold ? "held" : "ended", why);
        if (ledger_begin(gate->ledger) < 0)
            return;
        ledger_do(gate->ledger, "UPDATE runs SET decision = ? WHERE id = ?", "si",
                  rc < 0         ? "spared"
                  : list[i].hold ? "held"
                                 : "ended",
                  list[i].id);
        ledger_commit_soon(gate->ledger);
    }
}
