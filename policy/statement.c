/* statement.c - the calls about statements */
#include "policy/statement.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policy/budget_json.h"
#include "policy/energy.h"
#include "policy/pricing.h"
#include "policy/quota_right.h"

#define BELOW                                                                          \
    "WITH RECURSIVE below(account) AS (SELECT ?1 UNION SELECT a.account"               \
    " FROM accounts a JOIN below b ON a.parent = b.account WHERE a.account <> ?1) "

#define COLUMNS 17

/* A page's columns, as its lines have them. */
static const char *const columns[COLUMNS] = {
    "account",  "run_id",  "job_id", "user",        "name",          "partition",
    "start_s",  "end_s",   "cpu_mj", "dram_mj",     "gpu_mj",        "other_mj",
    "borne_mj", "price_u", "co2_mg", "unpriced_mj", "co2_unknown_mj"};

static json_t *error(const char *sentence)
{
    return json_pack("{s:s}", "error", sentence);
}

static const char *text(sqlite3_stmt *stmt, int column)
{
    const char *value = (const char *)sqlite3_column_text(stmt, column);

    return value ? value : "";
}

int statement_month(const char *month, struct window *window)
{
    char day[24];
    int64_t s;

    if (strlen(month) != 7 || snprintf(day, sizeof day, "%s-01", month) != 10 ||
        period_day(day, &s) < 0)
        return -1;
    period_month_of(s, window);
    return 0;
}

char *statement_month_text(int64_t month_s, char month[STATEMENT_MONTH])
{
    time_t when = (time_t)month_s;
    struct tm tm;

    memset(&tm, 0, sizeof tm);
    localtime_r(&when, &tm);
    strftime(month, STATEMENT_MONTH, "%Y-%m", &tm);
    return month;
}

static void mark(json_t *figures, const char *key, const char *left_out)
{
    if (energy_known(json_integer_value(json_object_get(figures, key)),
                     json_integer_value(json_object_get(figures, left_out))) ==
        ENERGY_UNKNOWN)
        json_object_set_new(figures, key, json_null());
}

/* A sum of nothing is null. */
static void mark_unknown(json_t *figures)
{
    mark(figures, "price_u", "unpriced_mj");
    mark(figures, "co2_mg", "co2_unknown_mj");
}

json_t *statement_figures(sqlite3_stmt *stmt, int column)
{
    static const char *const keys[] = {"cpu_mj",         "dram_mj",    "gpu_mj",
                                       "other_mj",       "overrun_mj", "credit_mj",
                                       "price_u",        "co2_mg",     "unpriced_mj",
                                       "co2_unknown_mj", "runs"};
    json_t *figures = json_object();
    int64_t used_mj = 0, borne_mj = 0;

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        int64_t value = sqlite3_column_int64(stmt, column + (int)i);

        used_mj += i < 4 ? value : 0;
        borne_mj += i == 4 || i == 5 ? value : 0;
        json_object_set_new(figures, keys[i], json_integer(value));
    }
    json_object_set_new(figures, "used_mj", json_integer(used_mj));
    json_object_set_new(figures, "charged_mj", json_integer(used_mj - borne_mj));
    mark_unknown(figures);
    return figures;
}

/* Whether somebody sees all of an account: an operator, or one who coordinates it or
 * one above it. */
static bool sees_all_of(struct ledger *ledger, const struct access_rights *rights,
                        const char *account)
{
    char *accounts = rights->sees_all ? NULL : quota_right_accounts(rights);
    bool sees = rights->sees_all;

    if (accounts)
        sees = ledger_number(
                   ledger, 0,
                   "SELECT 1 FROM (SELECT ?1 AS account) q WHERE " QUOTA_WITHIN("?2"),
                   "ss", account, accounts) == 1;
    free(accounts);
    return sees;
}

static bool is_known(struct ledger *ledger, const char *account)
{
    return ledger_number(ledger, 0,
                         "SELECT EXISTS (SELECT 1 FROM accounts WHERE account = ?1)"
                         " OR EXISTS (SELECT 1 FROM rollups WHERE account = ?1)"
                         " OR EXISTS (SELECT 1 FROM quotas WHERE account = ?1)"
                         " OR EXISTS (SELECT 1 FROM runs WHERE state <> 'settled' AND"
                         "  account = ?1)",
                         "s", account) == 1;
}

/* Whose runs are shown: *own "": everybody's. NULL, or what is to be answered. */
static json_t *check(const struct statement_call *call, struct window *window,
                     const char **own, unsigned *status)
{
    char sentence[256];

    *own = "";
    *status = 400;
    if (!call->account[0])
        return error("a statement is of an account: -A ACCOUNT");
    if (statement_month(call->month, window) < 0) {
        snprintf(sentence, sizeof sentence,
                 "\"%.40s\" is no month: 2026-11 is meant, say", call->month);
        return error(sentence);
    }
    *status = 404;
    if (!is_known(call->ledger, call->account)) {
        snprintf(sentence, sizeof sentence, "there is no account \"%.64s\"",
                 call->account);
        return error(sentence);
    }
    if (sees_all_of(call->ledger, call->rights, call->account))
        return NULL;
    *status = 403;
    if (!quota_may_ask(call->ledger, call->rights, call->account))
        return error("only its members, coordinators and operators see an account's "
                     "statement");
    *own = call->rights->user;
    return NULL;
}

static int64_t number_of(struct ledger *ledger, const struct window *month,
                         const char *account)
{
    return ledger_number(
        ledger, 0, "SELECT number FROM statements WHERE month_s = ? AND account = ?",
        "is", month->from_s, account);
}

static json_t *number_or_null(int64_t number)
{
    return number > 0 ? json_integer(number) : json_null();
}

/* Its parts: what each account below it used itself. */
static json_t *accounts_json(const struct statement_call *call,
                             const struct window *month, const char *own)
{
    json_t *list = json_array();
    sqlite3_stmt *stmt = ledger_query(
        call->ledger,
        BELOW "SELECT m.account," STATEMENT_SUMS
              " FROM rollup_months m WHERE month_s = ?2"
              " AND m.account IN (SELECT account FROM below)"
              " AND (?3 = '' OR m.user = ?3) GROUP BY m.account ORDER BY m.account",
        "sis", call->account, month->from_s, own);

    while (stmt && sqlite3_step(stmt) == SQLITE_ROW) {
        json_t *part = statement_figures(stmt, 1);

        json_object_set_new(part, "account", json_string(text(stmt, 0)));
        json_object_set_new(
            part, "number",
            number_or_null(number_of(call->ledger, month, text(stmt, 0))));
        json_array_append_new(list, part);
    }
    ledger_done(call->ledger, stmt);
    return list;
}

static json_t *totals_json(const json_t *accounts)
{
    json_t *totals = json_object(), *part, *value;
    const char *key;
    size_t i;

    json_array_foreach((json_t *)(uintptr_t)accounts, i, part)
        json_object_foreach(part, key, value)
    {
        if (strcmp(key, "account") != 0 && strcmp(key, "number") != 0)
            json_object_set_new(
                totals, key,
                json_integer(json_integer_value(json_object_get(totals, key)) +
                             json_integer_value(value)));
    }
    mark_unknown(totals);
    return totals;
}

/* Where the account's own quotas stood at the month's end, or stand. */
static json_t *budgets_json(const struct statement_call *call,
                            const struct window *month)
{
    json_t *list = json_array();
    struct quota *quotas = NULL;
    int count = 0;
    int64_t at_s = call->now_s < month->until_s ? call->now_s : month->until_s - 1;

    if (quota_select(call->ledger, "q.account = ?1 AND q.user = ''", call->account, "",
                     "", "", &quotas, &count) == 0)
        for (int i = 0; i < count; i++) {
            json_t *budget = NULL;

            if (quotas[i].since_s < month->until_s)
                budget = budget_json(call->ledger, call->policy, &quotas[i], at_s);
            if (budget)
                json_array_append_new(list, budget);
        }
    free(quotas);
    return list;
}

static json_t *postings_json(const struct statement_call *call,
                             const struct window *month)
{
    json_t *list = json_array();
    sqlite3_stmt *stmt = ledger_query(
        call->ledger,
        "SELECT time_s, mj, kind, class, actor, why FROM postings WHERE account = ?"
        " AND user = '' AND time_s >= ? AND time_s < ? ORDER BY id",
        "sii", call->account, month->from_s, month->until_s);

    while (stmt && sqlite3_step(stmt) == SQLITE_ROW)
        json_array_append_new(list,
                              json_pack("{s:I s:I s:s s:s s:s s:s}", "time_s",
                                        (json_int_t)sqlite3_column_int64(stmt, 0), "mj",
                                        (json_int_t)sqlite3_column_int64(stmt, 1),
                                        "kind", text(stmt, 2), "class", text(stmt, 3),
                                        "actor", text(stmt, 4), "why", text(stmt, 5)));
    ledger_done(call->ledger, stmt);
    return list;
}

/* Of the lines that a page may have to look at; a person's own are fewer. */
static int64_t count_lines(const struct statement_call *call,
                           const struct window *month)
{
    return ledger_number(call->ledger, 0,
                         BELOW
                         "SELECT SUM((SELECT COUNT(*) FROM run_months m WHERE"
                         " m.month_s = ?2 AND m.account = b.account)) FROM below b",
                         "si", call->account, month->from_s);
}

static json_t *head_json(const struct statement_call *call, const struct window *month,
                         const char *own)
{
    char currency[TARIFF_CURRENCY];
    json_t *accounts = accounts_json(call, month, own);
    int64_t closed_s =
        ledger_number(call->ledger, 0, "SELECT closed_s FROM periods WHERE month_s = ?",
                      "i", month->from_s);

    pricing_currency(call->ledger, currency);
    return json_pack(
        "{s:s s:s s:I s:I s:I s:o s:o s:o s:o s:I s:o s:o s:o s:o s:b}", "account",
        call->account, "month", call->month, "from_s", (json_int_t)month->from_s,
        "until_s", (json_int_t)month->until_s, "now_s", (json_int_t)call->now_s,
        "currency", currency[0] ? json_string(currency) : json_null(), "own",
        own[0] ? json_string(own) : json_null(), "closed_s",
        closed_s ? json_integer(closed_s) : json_null(), "number",
        number_or_null(own[0] ? 0 : number_of(call->ledger, month, call->account)),
        "lines", (json_int_t)count_lines(call, month), "totals", totals_json(accounts),
        "accounts", accounts, "budgets", budgets_json(call, month), "postings",
        postings_json(call, month), "simulated",
        (int)ledger_number(call->ledger, 0, "SELECT MAX(simulated) FROM nodes", ""));
}

json_t *statement_head(const struct statement_call *call, unsigned *status)
{
    struct window month;
    const char *own;
    json_t *answer;

    *status = 503;
    if (ledger_begin(call->ledger) < 0)
        return error("the ledger cannot be read now");
    answer = check(call, &month, &own, status);
    if (!answer) {
        answer = head_json(call, &month, own);
        *status = 200;
    }
    ledger_commit_soon(call->ledger);
    return answer;
}

static json_t *line_json(sqlite3_stmt *stmt)
{
    json_t *line = json_array();

    for (int i = 0; i < COLUMNS; i++)
        json_array_append_new(line, sqlite3_column_type(stmt, i) == SQLITE_NULL
                                        ? json_null()
                                    : sqlite3_column_type(stmt, i) == SQLITE_TEXT
                                        ? json_string(text(stmt, i))
                                        : json_integer(sqlite3_column_int64(stmt, i)));
    return line;
}

/* As energy_known() has it. */
#define KNOWN(sum, left_out)                                                           \
    " CASE WHEN " sum " <> 0 OR " left_out " = 0 THEN " sum " END"

/* The page's place: lines that were looked at, and the last of them. */
struct place {
    char account[64];
    int64_t run;
    int count;
};

/* Lines of one account, from place->run on. */
static int add_lines(const struct statement_call *call, const struct window *month,
                     const char *own, struct place *place, json_t *lines)
{
    sqlite3_stmt *stmt = ledger_query(
        call->ledger,
        "SELECT m.account, m.run_id, r.job_text, r.user, r.name, r.partition, "
        "r.start_s,"
        " r.end_s, m.cpu_mj, m.dram_mj, m.gpu_mj, m.other_mj,"
        " m.overrun_mj + m.credit_mj," KNOWN("m.price_u", "m.unpriced_mj") "," KNOWN(
            "m.co2_mg", "m.co2_unknown_mj") ", m.unpriced_mj, m.co2_unknown_mj"
                                            " FROM run_months m JOIN runs r ON r.id = "
                                            "m.run_id WHERE m.month_s = ? AND"
                                            " m.account = ? AND m.run_id > ? ORDER BY "
                                            "m.run_id LIMIT ?",
        "isii", month->from_s, place->account, place->run,
        (int64_t)(STATEMENT_PAGE - place->count));
    int rc = SQLITE_NOMEM;

    while (stmt && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        place->count++;
        place->run = sqlite3_column_int64(stmt, 1);
        if (!own[0] || strcmp(own, text(stmt, 3)) == 0)
            json_array_append_new(lines, line_json(stmt));
    }
    ledger_done(call->ledger, stmt);
    return rc == SQLITE_DONE ? 0 : -1;
}

/* From account to account, until the page is full. */
static int fill_page(const struct statement_call *call, const struct window *month,
                     const char *own, struct place *place, json_t *lines)
{
    sqlite3_stmt *stmt =
        ledger_query(call->ledger,
                     BELOW "SELECT account FROM below WHERE account >= ?2"
                           " ORDER BY account",
                     "ss", call->account, call->after_account);
    int rc = SQLITE_DONE;

    if (!stmt)
        return -1;
    while (place->count < STATEMENT_PAGE && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        bool same = strcmp(text(stmt, 0), call->after_account) == 0;

        snprintf(place->account, sizeof place->account, "%s", text(stmt, 0));
        place->run = same ? call->after_run : 0;
        if (add_lines(call, month, own, place, lines) < 0) {
            rc = SQLITE_ERROR;
            break;
        }
    }
    ledger_done(call->ledger, stmt);
    return rc == SQLITE_DONE || rc == SQLITE_ROW ? 0 : -1;
}

static json_t *page_json(const struct statement_call *call, const struct window *month,
                         const char *own)
{
    struct place place = {.count = 0};
    json_t *lines = json_array(), *names = json_array(), *next = json_null();

    if (fill_page(call, month, own, &place, lines) < 0) {
        json_decref(lines);
        json_decref(names);
        return NULL;
    }
    for (int i = 0; i < COLUMNS; i++)
        json_array_append_new(names, json_string(columns[i]));
    if (place.count == STATEMENT_PAGE)
        next = json_pack("{s:s s:I}", "account", place.account, "run_id",
                         (json_int_t)place.run);
    return json_pack("{s:o s:o s:I s:o}", "columns", names, "lines", lines, "looked_at",
                     (json_int_t)place.count, "next", next);
}

json_t *statement_page(const struct statement_call *call, unsigned *status)
{
    struct window month;
    const char *own;
    json_t *answer;

    *status = 503;
    if (ledger_begin(call->ledger) < 0)
        return error("the ledger cannot be read now");
    answer = check(call, &month, &own, status);
    if (!answer) {
        answer = page_json(call, &month, own);
        *status = answer ? 200 : 503;
    }
    ledger_commit_soon(call->ledger);
    return answer ? answer : error("the ledger cannot be read now");
}
