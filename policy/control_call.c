/* control_call.c - calls about what kwotad decides */
#include "policy/control_call.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "policy/cap.h"
#include "policy/clock.h"
#include "policy/person.h"
#include "policy/switches.h"

static json_t *answer(unsigned *status, unsigned code, json_t *json)
{
    *status = code;
    return json;
}

static json_t *busy(unsigned *status)
{
    return answer(status, 503, person_error("the ledger cannot be read now"));
}

/* Where caps are set a prolog waits for its run's: one that begins without would draw
 * what it likes. False: it is not known yet what the token's run is. */
static bool add_decision(const struct control_call *call, const char *token,
                         json_t *decisions, json_t *caps)
{
    sqlite3_stmt *stmt = ledger_query(
        call->ledger,
        "SELECT CASE WHEN t.refused THEN 'run' ELSE r.decision END,"
        " t.refused OR c.run_id IS NOT NULL, c.gpu_mw, c.package_mw, c.cpu_percent,"
        " c.why, t.refused OR t.run_id IS NOT NULL"
        " FROM tokens t LEFT JOIN runs r ON r.id = t.run_id"
        " LEFT JOIN caps c ON c.run_id = t.run_id WHERE t.token = ?",
        "s", token);
    const char *decision = NULL;
    bool runs = false, capped = false, known = false;

    if (stmt && sqlite3_step(stmt) == SQLITE_ROW) {
        decision = (const char *)sqlite3_column_text(stmt, 0);
        runs = decision && strcmp(decision, "run") == 0;
        capped = sqlite3_column_int(stmt, 1) != 0;
        known = sqlite3_column_int(stmt, 6) != 0;
    }
    /* What is still to be carried out is not decided as far as a prolog goes. */
    if (decision && strcmp(decision, "holding") != 0 &&
        (!runs || capped || !call->capping))
        json_object_set_new(decisions, token, json_string(decision));
    if (runs && capped)
        json_object_set_new(caps, token,
                            cap_json((const int64_t[]){sqlite3_column_int64(stmt, 2),
                                                       sqlite3_column_int64(stmt, 3),
                                                       sqlite3_column_int64(stmt, 4)},
                                     (const char *)sqlite3_column_text(stmt, 5)));
    ledger_done(call->ledger, stmt);
    return known;
}

/* Nothing is known of any of them: true if the call waits until it is. With the
 * ledger's lock held: who learns what they are must take it first. */
static bool waits(const struct control_call *call, const char *unknown,
                  const json_t *decisions)
{
    return unknown && call->wait_for && json_object_size(decisions) == 0 &&
           call->wait_for(call->waits, unknown);
}

json_t *control_decisions(const struct control_call *call, unsigned *status)
{
    const char *unknown = NULL;
    json_t *decisions, *caps, *token;
    bool put_off;
    size_t i;

    if (!call->rights->is_node)
        return answer(status, 403,
                      person_error("only root and SlurmUser may ask this"));
    if (!json_is_array(json_object_get(call->body, "tokens")))
        return answer(status, 400, person_error("\"tokens\" is a list of run tokens"));
    if (ledger_look(call->ledger) < 0)
        return busy(status);
    decisions = json_object();
    caps = json_object();
    json_array_foreach(json_object_get(call->body, "tokens"), i, token)
    {
        if (json_is_string(token) &&
            !add_decision(call, json_string_value(token), decisions, caps))
            unknown = json_string_value(token);
    }
    put_off = waits(call, unknown, decisions);
    if (put_off) {
        ledger_commit_soon(call->ledger);
        json_decref(decisions);
        json_decref(caps);
        return answer(status, 0, NULL);
    }
    ledger_commit(call->ledger);
    return answer(status, 200,
                  json_pack("{s:o s:o}", "decisions", decisions, "caps", caps));
}

static const char *text(sqlite3_stmt *row, int column)
{
    const char *value = (const char *)sqlite3_column_text(row, column);

    return value ? value : "";
}

static void say(json_t *sentences, int64_t time_s, const char *words)
{
    char when[32], sentence[512];
    time_t t = (time_t)time_s;
    struct tm tm;

    localtime_r(&t, &tm);
    strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S", &tm);
    snprintf(sentence, sizeof sentence, "%s %s", when, words);
    json_array_append_new(sentences, json_string(sentence));
}

/* What was ever decided about it. */
static int past(const struct control_call *call, json_t *sentences)
{
    sqlite3_stmt *row =
        ledger_query(call->ledger,
                     "SELECT time_s, action, why, rule, user, account FROM decisions"
                     " WHERE job_text = ? ORDER BY id",
                     "s", call->id);
    int found = 0;

    while (row && sqlite3_step(row) == SQLITE_ROW) {
        char words[448];

        if (!access_to_run(call->rights, text(row, 4), text(row, 5)))
            continue;
        snprintf(words, sizeof words, "%s: %.300s (rule: %.80s)", text(row, 1),
                 text(row, 2), text(row, 3));
        say(sentences, sqlite3_column_int64(row, 0), words);
        found++;
    }
    sqlite3_finalize(row);
    return found;
}

/* Why it waits now. */
static int present(const struct control_call *call, json_t *sentences)
{
    json_t *queue = steward_queue(call->steward, call->rights), *job;
    size_t i;
    int found = 0;

    json_array_foreach(json_object_get(queue, "jobs"), i, job)
    {
        const char *id = json_string_value(json_object_get(job, "job_id"));
        char words[448];

        if (!id || strcmp(id, call->id) != 0)
            continue;
        snprintf(words, sizeof words, "%s: %.360s",
                 json_is_true(json_object_get(job, "held")) ? "is held by kwota"
                                                            : "waits for energy",
                 json_string_value(json_object_get(job, "why")));
        say(sentences, time(NULL), words);
        found++;
    }
    json_decref(queue);
    return found;
}

static int runs_of(const struct control_call *call, json_t *sentences)
{
    sqlite3_stmt *row = ledger_query(
        call->ledger,
        "SELECT start_s, state, decision, user, account FROM runs WHERE job_text = ?"
        " ORDER BY id",
        "s", call->id);
    int found = 0;

    while (row && sqlite3_step(row) == SQLITE_ROW) {
        char words[160];

        if (!access_to_run(call->rights, text(row, 3), text(row, 4)))
            continue;
        snprintf(words, sizeof words, "began%s",
                 strcmp(text(row, 1), "running") == 0
                     ? " and runs: kwota holds nothing against it"
                     : "; that run is over");
        if (strcmp(text(row, 2), "run") == 0 || !text(row, 2)[0])
            say(sentences, sqlite3_column_int64(row, 0), words);
        found++;
    }
    sqlite3_finalize(row);
    return found;
}

json_t *control_why(const struct control_call *call, unsigned *status)
{
    json_t *sentences = json_array();
    int found;

    if (!call->id)
        return answer(status, 400, person_error("which job? ?id=12"));
    if (ledger_look(call->ledger) < 0) {
        json_decref(sentences);
        return busy(status);
    }
    found = past(call, sentences) + runs_of(call, sentences);
    ledger_commit(call->ledger);
    found += present(call, sentences);
    if (found == 0) {
        json_decref(sentences);
        return answer(
            status, 404,
            person_error("kwota knows nothing of such a job that you may see: "
                         "it waits for something else than energy, or its "
                         "account is not limited"));
    }
    return answer(status, 200,
                  json_pack("{s:s s:o}", "job_id", call->id, "sentences", sentences));
}

json_t *control_shadow(const struct control_call *call, unsigned *status)
{
    json_t *rows = json_array();
    sqlite3_stmt *row;

    if (ledger_look(call->ledger) < 0) {
        json_decref(rows);
        return busy(status);
    }
    row = ledger_query(
        call->ledger,
        "SELECT account, COUNT(DISTINCT job_text),"
        " SUM(action IN ('shadow-hold', 'shadow-wait')), SUM(action = 'shadow-kill'),"
        " SUM(mj) FROM decisions WHERE action LIKE 'shadow-%' AND time_s >= ?"
        " AND time_s < ? GROUP BY account ORDER BY account",
        "ii", call->start_s, call->end_s);
    while (row && sqlite3_step(row) == SQLITE_ROW)
        if (access_to_run(call->rights, "", text(row, 0)))
            json_array_append_new(
                rows, json_pack("{s:s s:I s:I s:I s:I}", "account", text(row, 0),
                                "jobs", (json_int_t)sqlite3_column_int64(row, 1),
                                "holds", (json_int_t)sqlite3_column_int64(row, 2),
                                "kills", (json_int_t)sqlite3_column_int64(row, 3), "mj",
                                (json_int_t)sqlite3_column_int64(row, 4)));
    sqlite3_finalize(row);
    ledger_commit(call->ledger);
    return answer(status, 200, json_pack("{s:o}", "rows", rows));
}

static json_t *frozen_json(const struct control_call *call)
{
    struct switches switches;

    switches_read(call->ledger, &switches);
    return json_pack("{s:b s:b s:s}", "frozen", switches.frozen, "tripped",
                     switches.tripped, "why", switches.why);
}

json_t *control_frozen(const struct control_call *call, unsigned *status)
{
    json_t *json;

    if (ledger_look(call->ledger) < 0)
        return busy(status);
    json = frozen_json(call);
    ledger_commit(call->ledger);
    return answer(status, 200, json);
}

json_t *control_freeze(const struct control_call *call, unsigned *status)
{
    const char *why = json_string_value(json_object_get(call->body, "why"));
    const json_t *on = json_object_get(call->body, "on");
    const json_t *breaker = json_object_get(call->body, "breaker");
    json_t *json;
    int rc = 0;

    if (!call->rights->sees_all)
        return answer(status, 403,
                      person_error("only operators may freeze and unfreeze kwota"));
    if (!why || !why[0] || (!json_is_boolean(on) && !json_is_false(breaker)))
        return answer(status, 400,
                      person_error("say \"on\" (true or false), or \"breaker\": false, "
                                   "and \"why\""));
    if (ledger_begin(call->ledger) < 0)
        return busy(status);
    if (json_is_boolean(on))
        rc = switches_set(call->ledger, "freeze", json_is_true(on), clock_now_s(),
                          call->rights->user, why);
    if (rc == 0 && json_is_false(breaker))
        rc = switches_set(call->ledger, "breaker", false, clock_now_s(),
                          call->rights->user, why);
    json = frozen_json(call);
    if (rc < 0 || ledger_commit(call->ledger) < 0) {
        json_decref(json);
        if (rc < 0)
            ledger_rollback(call->ledger);
        return busy(status);
    }
    steward_kick(call->steward);
    return answer(status, 200, json);
}
