/* budget_call.c - the HTTP calls about budgets: where they stand, and their changes */
#include "policy/budget_call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/budget_json.h"
#include "policy/clock.h"
#include "policy/quota_file.h"
#include "policy/quota_right.h"

#define MOST_POSTINGS 1000

static json_t *error(const char *sentence)
{
    return json_pack("{s:s}", "error", sentence);
}

static const char *given(const char *text)
{
    return text ? text : "";
}

/* Who may ask whom about. */
static bool may_ask(const struct budget_call *call, unsigned *status, json_t **answer)
{
    const struct access_rights *rights = call->rights;

    *status = 403;
    if (rights->sees_all)
        return true;
    if (given(call->user)[0] && strcmp(call->user, rights->user) != 0 &&
        rights->account_count == 0) {
        *answer = error("only operators and coordinators see other people's budgets");
        return false;
    }
    if (given(call->account)[0] &&
        !quota_may_ask(call->ledger, rights, call->account)) {
        *answer = error("only its members, coordinators and operators see an account's "
                        "budgets");
        return false;
    }
    return true;
}

/* The ledger is let go of between any two: there may be ten thousand. */
static json_t *budgets_of(const struct budget_call *call, const struct quota *quotas,
                          int count)
{
    json_t *budgets = json_array();
    int64_t now_s = clock_now_s();

    for (int i = 0; i < count; i++) {
        json_t *budget = NULL;

        if (ledger_look(call->ledger) == 0) {
            budget = budget_json(call->ledger, call->policy, &quotas[i], now_s);
            ledger_commit_soon(call->ledger);
        }
        if (!budget) {
            json_decref(budgets);
            return NULL;
        }
        json_array_append_new(budgets, budget);
    }
    return budgets;
}

/* Puts those that are used most, as far as that has been worked out, before the others.
 * Wants the ledger's lock held. */
static void most_used_first(struct ledger *ledger, struct quota *quotas, int count,
                            int64_t most)
{
    sqlite3_stmt *row = ledger_query(
        ledger,
        "SELECT quota_id FROM quota_percents ORDER BY percent DESC, quota_id LIMIT ?",
        "i", most);
    int first = 0;

    while (row && sqlite3_step(row) == SQLITE_ROW) {
        int64_t id = sqlite3_column_int64(row, 0);

        for (int i = first; i < count; i++) {
            struct quota other = quotas[first];

            if (quotas[i].id != id)
                continue;
            quotas[first++] = quotas[i];
            quotas[i] = other;
            break;
        }
    }
    ledger_done(ledger, row);
}

static json_t *show(const struct budget_call *call, unsigned *status)
{
    struct quota *quotas = NULL;
    json_t *answer = NULL, *budgets;
    int count = 0, shown, rc = -1, simulated;

    *status = 500;
    if (ledger_look(call->ledger) < 0)
        return error("the ledger cannot be read now");
    if (may_ask(call, status, &answer))
        rc = quota_seen(call->ledger, call->rights, given(call->account),
                        given(call->user), call->all, &quotas, &count);
    shown = call->most > 0 && call->most < count ? (int)call->most : count;
    if (rc == 0 && shown < count)
        most_used_first(call->ledger, quotas, count, call->most);
    simulated =
        (int)ledger_number(call->ledger, 0, "SELECT MAX(simulated) FROM nodes", "");
    ledger_commit(call->ledger);
    if (answer)
        return answer;
    budgets = rc == 0 ? budgets_of(call, quotas, shown) : NULL;
    free(quotas);
    *status = budgets ? 200 : 500;
    return budgets ? json_pack("{s:o s:i s:b}", "budgets", budgets, "count", count,
                               "simulated", simulated)
                   : error("the ledger cannot be read now");
}

static json_t *posting_json(sqlite3_stmt *stmt)
{
    static const char *const keys[] = {"kind",  "cluster", "account", "user",
                                       "class", "job",     "actor",   "why"};
    json_t *posting =
        json_pack("{s:I s:I s:I}", "id", (json_int_t)sqlite3_column_int64(stmt, 0),
                  "time_s", (json_int_t)sqlite3_column_int64(stmt, 1), "mj",
                  (json_int_t)sqlite3_column_int64(stmt, 2));

    for (int i = 0; i < (int)(sizeof keys / sizeof *keys); i++) {
        const char *text = (const char *)sqlite3_column_text(stmt, i + 3);

        json_object_set_new(posting, keys[i], text ? json_string(text) : json_null());
    }
    return posting;
}

static json_t *postings(const struct budget_call *call, unsigned *status)
{
    char *accounts = quota_right_accounts(call->rights);
    json_t *list = json_array();
    sqlite3_stmt *stmt = NULL;
    int rc = SQLITE_NOMEM;

    *status = 500;
    if (ledger_look(call->ledger) == 0) {
        stmt = ledger_query(
            call->ledger,
            "SELECT q.id, q.time_s, q.mj, q.kind, q.cluster, q.account, q.user, "
            "q.class,"
            " (SELECT job_text FROM runs WHERE id = q.run_id), q.actor, q.why"
            " FROM postings q WHERE (?1 OR " QUOTA_BINDS("?2") " OR " QUOTA_WITHIN(
                "?3") ") AND (?4 = '' OR q.account = ?4) AND (?5 = '' OR q.user = ?5)"
                      " ORDER BY q.id DESC LIMIT ?6",
            "issssi", (int64_t)call->rights->sees_all, call->rights->user, accounts,
            given(call->account), given(call->user), (int64_t)MOST_POSTINGS);
        while (stmt && (rc = sqlite3_step(stmt)) == SQLITE_ROW)
            json_array_append_new(list, posting_json(stmt));
        sqlite3_finalize(stmt);
        ledger_commit(call->ledger);
    }
    free(accounts);
    if (rc == SQLITE_DONE) {
        *status = 200;
        return json_pack("{s:o}", "postings", list);
    }
    json_decref(list);
    return error("the ledger cannot be read now");
}

static json_t *export(const struct budget_call *call, unsigned *status)
{
    json_t *file = NULL;

    *status = 403;
    if (!call->rights->sees_all)
        return error("only operators, administrators and root export all quotas");
    if (ledger_look(call->ledger) == 0) {
        file = quota_file_export(call->ledger);
        ledger_commit(call->ledger);
    }
    *status = file ? 200 : 500;
    return file ? file : error("the ledger cannot be read now");
}

bool budget_call_is(const char *path)
{
    return strcmp(path, "/v1/budgets") == 0 || strcmp(path, "/v1/postings") == 0 ||
           strncmp(path, "/v1/quota/", 10) == 0;
}

json_t *budget_call(const struct budget_call *call, unsigned *status)
{
    const char *name =
        strncmp(call->path, "/v1/quota/", 10) == 0 ? call->path + 10 : "";
    json_t *answer;

    if (budget_change(call, name, status, &answer))
        return answer;
    *status = 405;
    if (strcmp(call->method, "GET") != 0)
        return error("this is a GET");
    if (strcmp(call->path, "/v1/budgets") == 0)
        return show(call, status);
    if (strcmp(call->path, "/v1/postings") == 0)
        return postings(call, status);
    if (strcmp(name, "export") == 0)
        return export(call, status);
    *status = 404;
    return error("there is no such call: /v1/quota/set, remove, grant, adjust, refund, "
                 "transfer, apply, export");
}
