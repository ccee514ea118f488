/* period_close.c - months that are closed: numbered statements, and nothing posted to
 * them afterwards */
#include "policy/period_close.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/energy.h"
#include "policy/pricing.h"
#include "policy/quota.h"
#include "policy/statement.h"

/* So many runs that are in the way are named. */
#define NAMED 10

/* A month that is to be closed. */
struct closing {
    const struct period_call *call;
    struct window month;
    char text[STATEMENT_MONTH], why[512], currency[TARIFF_CURRENCY];
    bool dry_run, leave_unsettled;
    json_t *unsettled; /* jobs, the first of them */
    int64_t unsettled_count;
    json_t *statements;
    int64_t next_number;
};

static json_t *error(const char *sentence)
{
    return json_pack("{s:s}", "error", sentence);
}

static const char *text(sqlite3_stmt *stmt, int column)
{
    const char *value = (const char *)sqlite3_column_text(stmt, column);

    return value ? value : "";
}

static json_t *refuse(unsigned *status, unsigned code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static json_t *refuse(unsigned *status, unsigned code, const char *format, ...)
{
    char sentence[512];
    va_list ap;

    va_start(ap, format);
    vsnprintf(sentence, sizeof sentence, format, ap);
    va_end(ap);
    *status = code;
    return error(sentence);
}

/* NULL, or why it cannot be closed now. */
static json_t *check_time(struct closing *c, unsigned *status)
{
    struct ledger *ledger = c->call->ledger;
    char last[STATEMENT_MONTH], day[PERIOD_DAY];
    int64_t before_s;

    if (c->call->now_s < c->month.until_s)
        return refuse(status, 409, "%s is not over: it can be closed from %s on",
                      c->text, period_day_text(c->month.until_s, day, sizeof day));
    if (ledger_number(ledger, 0, "SELECT 1 FROM periods WHERE month_s = ?", "i",
                      c->month.from_s))
        return refuse(status, 409, "%s is closed already; kwota period list shows it",
                      c->text);
    if (posting_open_s(ledger) >= c->month.until_s)
        return refuse(status, 409,
                      "%s lies before a month that is closed: what it had late is "
                      "there",
                      c->text);
    before_s = ledger_number(ledger, 0,
                             "SELECT MIN(month_s) FROM rollup_months WHERE month_s < ?"
                             " AND month_s >= ?",
                             "ii", c->month.from_s, posting_open_s(ledger));
    if (before_s)
        return refuse(status, 409,
                      "%s has use and is not closed: months are closed in their order",
                      statement_month_text(before_s, last));
    return NULL;
}

/* Runs that began in it, or before, and have no charge yet. */
static void find_unsettled(struct closing *c)
{
    sqlite3_stmt *stmt =
        ledger_query(c->call->ledger,
                     "SELECT job_text, state, COUNT(*) OVER () FROM runs WHERE"
                     " state <> 'settled' AND start_s < ? ORDER BY id LIMIT ?",
                     "ii", c->month.until_s, (int64_t)NAMED);

    c->unsettled = json_array();
    while (stmt && sqlite3_step(stmt) == SQLITE_ROW) {
        c->unsettled_count = sqlite3_column_int64(stmt, 2);
        json_array_append_new(
            c->unsettled,
            json_pack("{s:s s:s}", "job_id", text(stmt, 0), "state", text(stmt, 1)));
    }
    ledger_done(c->call->ledger, stmt);
}

static json_t *refuse_unsettled(const struct closing *c, unsigned *status)
{
    char jobs[256] = "";
    size_t len = 0, i;
    json_t *job;

    json_array_foreach(c->unsettled, i, job) len +=
        (size_t)snprintf(jobs + len, sizeof jobs - len, "%s%.20s", i ? ", " : "",
                         json_string_value(json_object_get(job, "job_id")));
    return refuse(
        status, 409,
        "%lld runs of %s or before are not settled yet: %s%s; wait for them, or "
        "--leave-unsettled charges them in the next month",
        (long long)c->unsettled_count, c->text, jobs,
        c->unsettled_count > NAMED ? ", ..." : "");
}

/* What the account's quota for all partitions allowed it; null: it had none. */
static json_t *quota_of(const struct closing *c, const char *account)
{
    struct quota *quotas = NULL;
    struct balance balance;
    int count = 0;
    json_t *mj = NULL;

    if (quota_select(c->call->ledger, "q.account = ?1 AND q.user = '' AND q.class = ''",
                     account, "", "", "", &quotas, &count) == 0 &&
        count > 0 && quotas[0].since_s < c->month.until_s &&
        quota_balance(c->call->ledger, c->call->policy, &quotas[0],
                      c->month.until_s - 1, 0, &balance) == 0)
        mj = json_integer(balance.quota_mj);
    free(quotas);
    return mj ? mj : json_null();
}

static int64_t figure(const json_t *figures, const char *key)
{
    return json_integer_value(json_object_get(figures, key));
}

static int keep_statement(const struct closing *c, const json_t *s)
{
    const json_t *quota = json_object_get(s, "quota_mj");

    return ledger_do(
        c->call->ledger,
        "INSERT INTO statements (number, month_s, account, cpu_mj, dram_mj, gpu_mj,"
        " other_mj, overrun_mj, credit_mj, price_u, co2_mg,"
        " unpriced_mj, co2_unknown_mj, runs, currency, quota_mj,"
        " digest) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,NULLIF(?,''),?,?)",
        "iisiiiiiiiiiiisus", figure(s, "number"), c->month.from_s,
        json_string_value(json_object_get(s, "account")), figure(s, "cpu_mj"),
        figure(s, "dram_mj"), figure(s, "gpu_mj"), figure(s, "other_mj"),
        figure(s, "overrun_mj"), figure(s, "credit_mj"), figure(s, "price_u"),
        figure(s, "co2_mg"), figure(s, "unpriced_mj"), figure(s, "co2_unknown_mj"),
        figure(s, "runs"), c->currency,
        json_is_integer(quota) ? json_integer_value(quota) : ENERGY_UNKNOWN,
        json_string_value(json_object_get(s, "digest")));
}

/* One account's. */
static int make_statement(struct closing *c, sqlite3_stmt *stmt)
{
    const char *account = text(stmt, 0);
    json_t *s = statement_figures(stmt, 1);
    char digest[PERIOD_DIGEST];

    json_array_append_new(c->statements, s);
    if (period_digest(c->call->ledger, c->month.from_s, account, digest) < 0)
        return -1;
    json_object_set_new(s, "number", json_integer(c->next_number++));
    json_object_set_new(s, "account", json_string(account));
    json_object_set_new(s, "quota_mj", quota_of(c, account));
    json_object_set_new(s, "digest", json_string(digest));
    return c->dry_run ? 0 : keep_statement(c, s);
}

static int make_statements(struct closing *c)
{
    struct ledger *ledger = c->call->ledger;
    sqlite3_stmt *stmt;
    int rc = SQLITE_NOMEM;

    c->statements = json_array();
    c->next_number =
        ledger_number(ledger, 0, "SELECT MAX(number) FROM statements", "") + 1;
    pricing_currency(ledger, c->currency);
    stmt = ledger_query(
        ledger,
        "SELECT account," STATEMENT_SUMS " FROM ("
        "SELECT account, cpu_mj, dram_mj, gpu_mj, other_mj, overrun_mj, credit_mj,"
        " price_u, co2_mg, unpriced_mj, co2_unknown_mj, runs FROM rollup_months WHERE "
        "month_s = ?1 UNION ALL"
        " SELECT DISTINCT account, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 FROM quotas"
        " WHERE account <> '' AND user = '' AND since_s < ?2)"
        " GROUP BY account ORDER BY account",
        "ii", c->month.from_s, c->month.until_s);
    while (stmt && (rc = sqlite3_step(stmt)) == SQLITE_ROW)
        if (make_statement(c, stmt) < 0)
            break;
    ledger_done(ledger, stmt);
    return rc == SQLITE_DONE ? 0 : -1;
}

static int close_month(struct closing *c)
{
    if (!c->dry_run &&
        ledger_do(c->call->ledger,
                  "INSERT INTO periods (month_s, until_s, closed_s, actor, why)"
                  " VALUES (?,?,?,?,?)",
                  "iiiss", c->month.from_s, c->month.until_s, c->call->now_s,
                  c->call->rights->user, c->why) < 0)
        return -1;
    return make_statements(c);
}

/* NULL, or what is to be answered. */
static json_t *read_wish(struct closing *c, unsigned *status)
{
    const json_t *body = c->call->body;
    const char *month = json_string_value(json_object_get(body, "month"));
    const char *why = json_string_value(json_object_get(body, "why"));

    if (!c->call->rights->sees_all)
        return refuse(status, 403,
                      "only operators, administrators and root close months");
    if (!month || statement_month(month, &c->month) < 0)
        return refuse(status, 400, "\"%.40s\" is no month: 2026-11 is meant, say",
                      month ? month : "");
    c->dry_run = json_is_true(json_object_get(body, "dry_run"));
    c->leave_unsettled = json_is_true(json_object_get(body, "leave_unsettled"));
    if (!c->dry_run && (!why || !why[0]))
        return refuse(status, 400, "say why: --why \"...\" stands in the ledger");
    snprintf(c->text, sizeof c->text, "%s", month);
    snprintf(c->why, sizeof c->why, "%s", why ? why : "");
    return NULL;
}

/* With the ledger's lock held. NULL: it is done. */
static json_t *work(struct closing *c, unsigned *status)
{
    json_t *answer = check_time(c, status);

    if (answer)
        return answer;
    find_unsettled(c);
    if (c->unsettled_count > 0 && !c->leave_unsettled && !c->dry_run)
        return refuse_unsettled(c, status);
    if (close_month(c) < 0)
        return refuse(status, 503,
                      "the ledger cannot be written now; nothing is closed");
    return NULL;
}

json_t *period_close(const struct period_call *call, unsigned *status)
{
    struct closing c = {.call = call};
    json_t *answer = read_wish(&c, status);

    if (answer)
        return answer;
    if (ledger_begin(call->ledger) < 0)
        return refuse(status, 503, "the ledger cannot be written now");
    answer = work(&c, status);
    if (answer)
        ledger_rollback(call->ledger);
    else if (ledger_commit(call->ledger) < 0)
        answer =
            refuse(status, 503, "the ledger cannot be written now; nothing is closed");
    if (!answer) {
        *status = 200;
        answer = json_pack("{s:s s:b s:o s:O s:I s:O}", "month", c.text, "dry_run",
                           (int)c.dry_run, "currency",
                           c.currency[0] ? json_string(c.currency) : json_null(),
                           "unsettled", c.unsettled, "unsettled_count",
                           (json_int_t)c.unsettled_count, "statements", c.statements);
    }
    json_decref(c.unsettled);
    json_decref(c.statements);
    return answer;
}

#define STORED_SUMS                                                                    \
    " COALESCE(SUM(s.cpu_mj), 0), COALESCE(SUM(s.dram_mj), 0),"                        \
    " COALESCE(SUM(s.gpu_mj), 0), COALESCE(SUM(s.other_mj), 0),"                       \
    " COALESCE(SUM(s.overrun_mj), 0), COALESCE(SUM(s.credit_mj), 0),"                  \
    " COALESCE(SUM(s.price_u), 0), COALESCE(SUM(s.co2_mg), 0),"                        \
    " COALESCE(SUM(s.unpriced_mj), 0), COALESCE(SUM(s.co2_unknown_mj), 0),"            \
    " COALESCE(SUM(s.runs), 0)"

json_t *period_list(const struct period_call *call, unsigned *status)
{
    char month[STATEMENT_MONTH], currency[TARIFF_CURRENCY];
    json_t *periods = json_array();
    sqlite3_stmt *stmt;
    int rc = SQLITE_NOMEM;

    if (!call->rights->sees_all || ledger_begin(call->ledger) < 0) {
        json_decref(periods);
        return call->rights->sees_all
                   ? refuse(status, 503, "the ledger cannot be read now")
                   : refuse(status, 403,
                            "only operators, administrators and root see all months");
    }
    pricing_currency(call->ledger, currency);
    stmt =
        ledger_query(call->ledger,
                     "SELECT p.month_s, p.closed_s, p.actor, p.why, COUNT(s.number),"
                     " MIN(s.number), MAX(s.number)," STORED_SUMS
                     " FROM periods p LEFT JOIN statements s ON s.month_s = p.month_s"
                     " GROUP BY p.month_s ORDER BY p.month_s",
                     "");
    while (stmt && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        json_t *period = statement_figures(stmt, 7);
        json_t *more = json_pack(
            "{s:s s:I s:s s:s s:I s:I s:I}", "month",
            statement_month_text(sqlite3_column_int64(stmt, 0), month), "closed_s",
            (json_int_t)sqlite3_column_int64(stmt, 1), "actor", text(stmt, 2), "why",
            text(stmt, 3), "statements", (json_int_t)sqlite3_column_int64(stmt, 4),
            "first", (json_int_t)sqlite3_column_int64(stmt, 5), "last",
            (json_int_t)sqlite3_column_int64(stmt, 6));

        json_object_update(period, more);
        json_decref(more);
        json_array_append_new(periods, period);
    }
    ledger_done(call->ledger, stmt);
    ledger_commit_soon(call->ledger);
    *status = rc == SQLITE_DONE ? 200 : 503;
    return json_pack("{s:o s:o}", "periods", periods, "currency",
                     currency[0] ? json_string(currency) : json_null());
}

static json_t *stored(sqlite3_stmt *stmt)
{
    json_t *s = statement_figures(stmt, 5);
    json_t *more = json_pack(
        "{s:I s:s s:o s:o s:s}", "number", (json_int_t)sqlite3_column_int64(stmt, 0),
        "account", text(stmt, 1), "currency",
        sqlite3_column_type(stmt, 2) == SQLITE_NULL ? json_null()
                                                    : json_string(text(stmt, 2)),
        "quota_mj",
        sqlite3_column_type(stmt, 3) == SQLITE_NULL
            ? json_null()
            : json_integer(sqlite3_column_int64(stmt, 3)),
        "digest", text(stmt, 4));

    json_object_update(s, more);
    json_decref(more);
    return s;
}

json_t *period_statements(const struct period_call *call, unsigned *status)
{
    struct window month;
    json_t *list;
    sqlite3_stmt *stmt;
    int64_t closed_s;
    int rc = SQLITE_NOMEM;

    if (!call->rights->sees_all)
        return refuse(status, 403,
                      "only operators, administrators and root see all statements");
    if (statement_month(call->month, &month) < 0)
        return refuse(status, 400, "\"%.40s\" is no month: 2026-11 is meant, say",
                      call->month);
    if (ledger_begin(call->ledger) < 0)
        return refuse(status, 503, "the ledger cannot be read now");
    closed_s =
        ledger_number(call->ledger, 0, "SELECT closed_s FROM periods WHERE month_s = ?",
                      "i", month.from_s);
    list = json_array();
    stmt = ledger_query(
        call->ledger,
        "SELECT number, account, currency, quota_mj, digest, cpu_mj, dram_mj, gpu_mj,"
        " other_mj, overrun_mj, credit_mj, price_u, co2_mg, unpriced_mj, "
        "co2_unknown_mj, runs FROM statements"
        " WHERE month_s = ? ORDER BY number",
        "i", month.from_s);
    while (stmt && (rc = sqlite3_step(stmt)) == SQLITE_ROW)
        json_array_append_new(list, stored(stmt));
    ledger_done(call->ledger, stmt);
    ledger_commit_soon(call->ledger);
    *status = rc == SQLITE_DONE ? 200 : 503;
    if (rc == SQLITE_DONE && closed_s)
        return json_pack("{s:s s:I s:o}", "month", call->month, "closed_s",
                         (json_int_t)closed_s, "statements", list);
    json_decref(list);
    return rc != SQLITE_DONE
               ? error("the ledger cannot be read now")
               : refuse(status, 404,
                        "%s is not closed: only closed months have numbered statements",
                        call->month);
}
