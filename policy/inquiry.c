/* inquiry.c - what kwotad asks Slurm about jobs, and what it makes of the answers */
#include "policy/inquiry.h"

#include <stdio.h>
#include <stdlib.h>

#include "policy/log.h"
#include "policy/run.h"
#include "policy/slurm_lookup.h"

/* At most so many of each kind a round: the next round has the rest. */
#define BATCH 256

/* Asking about one takes a few milliseconds, and the first is not to wait long for the
 * last. */
#define AT_ONCE 32

/* A token whose job Slurm does not know this long after it was last heard of is given
 * up: slurmdbd itself may be that late after an outage. */
#define GIVE_UP_S (7 * 86400)

/* A row that slurmdbd got in pieces, as after a slurmctld that crashed, can lack user
 * and nodes for some time. Only after a day is it taken to mean what it says. */
#define HEARSAY_S 86400

/* Tries of one token are a second apart at first, and at most this far. */
#define RETRY_MOST_S 300

struct token {
    char token[40], node[256];
    uint32_t job;
    int64_t uid; /* -1: the node did not say */
    int64_t start_s, last_s;
};

/* Only changes are logged. */
static void note_slurm(struct inquiry *q, bool away)
{
    if (away && !q->away)
        log_line("Slurm does not answer about jobs; runs are settled when it does");
    if (!away && q->away)
        log_line("Slurm answers again");
    q->away = away;
}

static int end_transaction(struct ledger *ledger, int rc)
{
    if (rc >= 0)
        return ledger_commit_soon(ledger);
    ledger_rollback(ledger);
    return -1;
}

/* Those that have waited longest first, so that tokens nobody knows hold up no other.
 */
static int due_tokens(struct inquiry *q, int64_t now_s, struct token *tokens)
{
    sqlite3_stmt *stmt;
    int count = 0;

    if (ledger_begin(q->ledger) < 0)
        return 0;
    stmt = ledger_query(
        q->ledger,
        "SELECT token, node, job_id, COALESCE(uid, -1), start_ms / 1000, last_ms / 1000"
        " FROM tokens WHERE run_id IS NULL AND NOT refused AND next_ask_s <= ?"
        " ORDER BY next_ask_s, start_ms LIMIT ?",
        "ii", now_s, (int64_t)BATCH);
    while (stmt && count < BATCH && sqlite3_step(stmt) == SQLITE_ROW) {
        struct token *t = &tokens[count++];

        snprintf(t->token, sizeof t->token, "%s",
                 (const char *)sqlite3_column_text(stmt, 0));
        snprintf(t->node, sizeof t->node, "%s",
                 (const char *)sqlite3_column_text(stmt, 1));
        t->job = (uint32_t)sqlite3_column_int64(stmt, 2);
        t->uid = sqlite3_column_int64(stmt, 3);
        t->start_s = sqlite3_column_int64(stmt, 4);
        t->last_s = sqlite3_column_int64(stmt, 5);
    }
    ledger_done(q->ledger, stmt);
    ledger_commit_soon(q->ledger);
    return count;
}

static int ask_later(struct inquiry *q, const struct token *t, int64_t now_s)
{
    int64_t wait_s = (now_s - t->start_s) / 8;

    wait_s = wait_s < 1 ? 1 : wait_s > RETRY_MOST_S ? RETRY_MOST_S : wait_s;
    return ledger_do(q->ledger, "UPDATE tokens SET next_ask_s = ? WHERE token = ?",
                     "is", now_s + wait_s, t->token);
}

static int refuse(struct inquiry *q, const struct token *t, const char *why)
{
    log_line("node %s reports for job %u, %s: not counted", t->node, t->job, why);
    return run_refuse(q->ledger, t->token);
}

/* What Slurm says of a run, and what it holds on its nodes. The run's id, or -1. */
static int64_t keep_run(struct inquiry *q, const struct lookup_run *run, int64_t now_s)
{
    int64_t run_id = run_put(q->ledger, q->cluster, run, now_s);

    if (run_id >= 0 && q->found)
        q->found(q->found_arg, &(struct found_run){run_id, run}, 1);
    return run_id >= 0 && run_shares(q->ledger, run_id, run) < 0 ? -1 : run_id;
}

/* In a transaction of its own. */
static int keep(struct inquiry *q, const struct lookup_run *run, int64_t now_s)
{
    if (ledger_begin(q->ledger) < 0)
        return -1;
    return end_transaction(q->ledger, keep_run(q, run, now_s) < 0 ? -1 : 0);
}

/* The runs that a transaction has bound. */
struct bound {
    struct found_run runs[AT_ONCE];
    int count;
};

static int bind_to(struct inquiry *q, const struct token *t,
                   const struct lookup_run *run, int64_t now_s, struct bound *bound)
{
    int64_t run_id = run_put(q->ledger, q->cluster, run, now_s);

    if (run_id < 0 || run_bind(q->ledger, t->token, run_id) < 0 ||
        run_shares(q->ledger, run_id, run) < 0)
        return -1;
    bound->runs[bound->count++] = (struct found_run){run_id, run};
    return 0;
}

/* Why a token's counts cannot be this run's; false if they can. */
static bool objection(const struct token *t, const struct lookup_run *run, char *why,
                      size_t size)
{
    if (t->uid >= 0 && t->uid != (int64_t)run->uid)
        snprintf(why, size, "which is not uid %lld's but uid %u's", (long long)t->uid,
                 run->uid);
    else if (!lookup_has_node(run, t->node))
        snprintf(why, size, "which runs on %.200s", run->nodes);
    else
        return false;
    return true;
}

static int bind_found(struct inquiry *q, const struct token *t,
                      const struct lookup_run *run, int64_t now_s, struct bound *bound)
{
    char why[320];

    if (!objection(t, run, why, sizeof why))
        return bind_to(q, t, run, now_s, bound);
    if (run->hearsay && now_s < t->start_s + HEARSAY_S)
        return ask_later(q, t, now_s);
    return refuse(q, t, why);
}

/* What Slurm says of a token's job. */
struct answer {
    int found; /* as lookup_job() */
    struct lookup_run run;
};

static int bind_one(struct inquiry *q, const struct token *t,
                    const struct answer *answer, int64_t now_s, struct bound *bound)
{
    if (answer->found == 1)
        return bind_found(q, t, &answer->run, now_s, bound);
    if (answer->found == 0 && now_s > t->last_s + GIVE_UP_S)
        return refuse(q, t, "of which Slurm knows no such run");
    /* Of one that failed: another token's turn to be the first. */
    return ask_later(q, t, now_s);
}

/* In one transaction. */
static int bind_all(struct inquiry *q, const struct token *tokens,
                    const struct answer *answers, int count, int64_t now_s)
{
    struct bound bound = {.count = 0};
    int rc = 0;

    if (ledger_begin(q->ledger) < 0)
        return -1;
    for (int i = 0; i < count && rc == 0; i++)
        rc = bind_one(q, &tokens[i], &answers[i], now_s, &bound);
    if (rc == 0 && q->found)
        q->found(q->found_arg, bound.runs, bound.count);
    return end_transaction(q->ledger, rc);
}

/* Those that wait for these tokens look again; not all may have been bound. */
static void tell_known(struct inquiry *q, const struct token *tokens, int count)
{
    for (int i = 0; i < count && q->known; i++)
        q->known(q->found_arg, tokens[i].token);
}

/* How many have been asked about; the last may have failed. */
static int ask_about_tokens(struct inquiry *q, const struct token *tokens, int count,
                            struct answer *answers)
{
    for (int i = 0; i < count; i++) {
        answers[i].found =
            lookup_job(tokens[i].job, tokens[i].start_s, &answers[i].run);
        note_slurm(q, answers[i].found < 0);
        if (answers[i].found < 0)
            return i + 1;
    }
    return count;
}

/* The ledger is taken once for several: nodes wait for it too. One that it does not
 * take must not keep the others from it. -1: Slurm cannot be asked. */
static int bind_some(struct inquiry *q, const struct token *tokens, int count,
                     struct answer *answers, int64_t now_s)
{
    int asked = ask_about_tokens(q, tokens, count, answers);
    int rc = answers[asked - 1].found < 0 ? -1 : 0;

    if (bind_all(q, tokens, answers, asked, now_s) < 0 && asked > 1)
        for (int i = 0; i < asked; i++)
            bind_all(q, &tokens[i], &answers[i], 1, now_s);
    tell_known(q, tokens, asked);
    for (int i = 0; i < asked; i++)
        if (answers[i].found == 1)
            lookup_done(&answers[i].run);
    return rc;
}

void inquiry_bind(struct inquiry *q, int64_t now_s)
{
    struct token *tokens = calloc(BATCH, sizeof *tokens);
    struct answer *answers = calloc(AT_ONCE, sizeof *answers);
    int count = tokens && answers ? due_tokens(q, now_s, tokens) : 0, rc = 0;

    for (int i = 0; i < count && rc == 0; i += AT_ONCE)
        rc = bind_some(q, &tokens[i], count - i < AT_ONCE ? count - i : AT_ONCE,
                       answers, now_s);
    free(answers);
    free(tokens);
}

/* slurmdbd's row with uid 0 may be root's or not be whole yet: it makes no new run. A
 * token of root's makes it by itself. */
static bool makes_no_run(struct inquiry *q, const struct lookup_run *run)
{
    bool known;

    if (!run->hearsay || run->uid != 0)
        return false;
    if (ledger_begin(q->ledger) < 0)
        return true;
    known = run_find(q->ledger, q->cluster, run) > 0;
    ledger_commit_soon(q->ledger);
    return !known;
}

int inquiry_look(struct inquiry *q, uint32_t job, int64_t now_s)
{
    struct lookup_run *run = malloc(sizeof *run);
    int found = run ? lookup_job(job, 0, run) : -1, rc = found < 0 ? -1 : 0;

    note_slurm(q, found < 0);
    if (found == 1) {
        if (!makes_no_run(q, run))
            rc = keep(q, run, now_s);
        lookup_done(run);
    }
    free(run);
    return rc;
}

struct open_run {
    int64_t submit_s;
    uint32_t job;
};

static int open_runs(struct inquiry *q, const char *sql, struct open_run *runs,
                     int64_t after_id, int64_t *last_id)
{
    sqlite3_stmt *stmt;
    int count = 0;

    if (ledger_begin(q->ledger) < 0)
        return 0;
    stmt = ledger_query(q->ledger, sql, "ii", after_id, (int64_t)BATCH);
    while (stmt && count < BATCH && sqlite3_step(stmt) == SQLITE_ROW) {
        *last_id = sqlite3_column_int64(stmt, 0);
        runs[count++] =
            (struct open_run){.submit_s = sqlite3_column_int64(stmt, 1),
                              .job = (uint32_t)sqlite3_column_int64(stmt, 2)};
    }
    ledger_done(q->ledger, stmt);
    ledger_commit_soon(q->ledger);
    return count;
}

/* -1: Slurm cannot be asked now. */
static int ask_about_batch(struct inquiry *q, const struct open_run *runs, int count,
                           int64_t now_s)
{
    struct lookup_run *run = malloc(sizeof *run);
    int found = run ? 0 : -1;

    for (int i = 0; i < count && found >= 0; i++) {
        if (i % AT_ONCE == 0 && q->between)
            q->between(q->found_arg);
        found = lookup_submitted(runs[i].job, runs[i].submit_s, run);
        note_slurm(q, found < 0);
        if (found == 1) {
            keep(q, run, now_s);
            lookup_done(run);
        }
    }
    free(run);
    return found < 0 ? -1 : 0;
}

static void ask_about(struct inquiry *q, const char *sql, int64_t now_s)
{
    struct open_run *runs = calloc(BATCH, sizeof *runs);
    int64_t after_id = 0;
    int count = runs ? open_runs(q, sql, runs, 0, &after_id) : 0;

    while (count > 0 && ask_about_batch(q, runs, count, now_s) == 0)
        count = open_runs(q, sql, runs, after_id, &after_id);
    free(runs);
}

void inquiry_finished(struct inquiry *q, int64_t now_s)
{
    ask_about(q,
              "SELECT r.id, r.submit_s, r.job_id FROM finals f CROSS JOIN runs r"
              " ON r.id = f.run_id WHERE r.state = 'running'"
              " AND r.node_count <= (SELECT COUNT(DISTINCT node) FROM tokens t"
              "  WHERE t.run_id = r.id AND t.final) AND f.run_id > ?"
              " ORDER BY f.run_id LIMIT ?",
              now_s);
}

void inquiry_sweep(struct inquiry *q, int64_t now_s)
{
    ask_about(q,
              "SELECT id, submit_s, job_id FROM runs WHERE state <> 'settled' AND "
              "state = 'running' AND id > ?"
              " ORDER BY id LIMIT ?",
              now_s);
}
