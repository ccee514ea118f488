/* person.c - what people ask: usage and nodes */
#include "policy/person.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "policy/cap_report.h"
#include "policy/energy.h"
#include "policy/period.h"
#include "policy/pricing.h"
#include "policy/span.h"

json_t *person_error(const char *sentence)
{
    return json_pack("{s:s}", "error", sentence);
}

static const char *text(sqlite3_stmt *stmt, int column)
{
    const char *value = (const char *)sqlite3_column_text(stmt, column);

    return value ? value : "";
}

/* What is told and not saved yet counts in the quarter-hour it was told in. */
#define LIVE                                                                           \
    " UNION ALL SELECT v.to_ms / 900000 * 900, r.account, r.user, r.partition,"        \
    " r.job_text, v.mj, 0, 0, 0, 0, 0 FROM live v JOIN runs r ON r.id = v.run_id "     \
    "WHERE "                                                                           \
    "v.mj > 0"

/* Everything used: what is settled, from the roll-ups of the whole months (?5 to ?6),
 * of the whole days around them (from ?4, to ?7) and of the quarter-hours around those,
 * and what is not yet, from the runs. */
#define SETTLED(table, time, from, until)                                              \
    "SELECT " time " AS quarter_s, account, user, partition, '' AS job,"               \
    " cpu_mj + dram_mj + gpu_mj + other_mj AS mj, runs, price_u, co2_mg,"              \
    " unpriced_mj, co2_unknown_mj FROM " table " WHERE " time " >= " from " AND " time \
    " < " until " UNION ALL "

/* clang-format off */
#define USED                                                                           \
    SETTLED("rollup_months", "month_s", "?5", "?6")                                    \
    SETTLED("rollup_days", "day_s", "?4", "?5")                                        \
    SETTLED("rollup_days", "day_s", "?6", "?7")                                        \
    SETTLED("rollups", "quarter_s", "?1", "?4")                                        \
    SETTLED("rollups", "quarter_s", "?7", "?2")                                        \
    "SELECT q.quarter_s, r.account, r.user, r.partition, r.job_text,"                  \
    " q.mj - q.posted_mj, 0, 0, 0, 0, 0 FROM run_quarters q JOIN tokens t"                   \
    " ON t.token = q.token JOIN runs r ON r.id = t.run_id"                             \
    " WHERE q.mj <> q.posted_mj" LIVE
/* clang-format on */

/* Where the detail was dropped only the month is known. */
#define USED_BY_JOB                                                                    \
    "SELECT q.quarter_s, r.account, r.user, r.partition, r.job_text AS job, q.mj AS "  \
    "mj,"                                                                              \
    " 0 AS runs, 0 AS price_u, 0 AS co2_mg, 0 AS unpriced_mj, 0 AS co2_unknown_mj "    \
    "FROM run_quarters q JOIN tokens t ON "                                            \
    "t.token = q.token"                                                                \
    " JOIN runs r ON r.id = t.run_id" LIVE                                             \
    " UNION ALL SELECT m.month_s, m.account, r.user, r.partition, r.job_text,"         \
    " m.cpu_mj + m.dram_mj + m.gpu_mj + m.other_mj, 0, 0, 0, 0, 0 FROM run_months m "  \
    "JOIN "                                                                            \
    "runs r"                                                                           \
    " ON r.id = m.run_id WHERE r.pruned_s IS NOT NULL"

struct grouping {
    const char *by, *column, *sql;
};

static const struct grouping groupings[] = {
    {"account", "account", USED},
    {"user", "user", USED},
    {"partition", "partition", USED},
    {"day", "strftime('%Y-%m-%d', quarter_s, 'unixepoch', 'localtime')", USED},
    {"job", "job", USED_BY_JOB},
};

static const struct grouping *grouping_of(const char *by)
{
    for (size_t i = 0; i < sizeof groupings / sizeof *groupings; i++)
        if (strcmp(groupings[i].by, by) == 0)
            return &groupings[i];
    return NULL;
}

/* A sum of prices or CO2, and beside it the energy that it leaves out. */
static void put_cost(json_t *row, const char *key, int64_t sum, const char *left_out,
                     int64_t left_out_mj)
{
    int64_t known = energy_known(sum, left_out_mj);

    json_object_set_new(row, key,
                        known == ENERGY_UNKNOWN ? json_null() : json_integer(known));
    json_object_set_new(row, left_out, json_integer(left_out_mj));
}

/* What is settled has its price; a job's stands with the job. */
static json_t *usage_row(const struct grouping *g, bool priced, sqlite3_stmt *stmt)
{
    json_t *row;
    char kwh[ENERGY_TEXT];
    int64_t mj = sqlite3_column_int64(stmt, 1), jobs = sqlite3_column_int64(stmt, 2);

    energy_kwh(kwh, sizeof kwh, mj, 6);
    if (strcmp(g->by, "job") == 0)
        jobs = 1;
    row = json_pack("{s:s s:I s:I s:s}", g->by, text(stmt, 0), "jobs", (json_int_t)jobs,
                    "mj", (json_int_t)mj, "kwh", kwh);
    if (priced) {
        put_cost(row, "price_u", sqlite3_column_int64(stmt, 3), "unpriced_mj",
                 sqlite3_column_int64(stmt, 5));
        put_cost(row, "co2_mg", sqlite3_column_int64(stmt, 4), "co2_unknown_mj",
                 sqlite3_column_int64(stmt, 6));
    }
    return row;
}

/* ", 'a', 'b'" of the accounts somebody coordinates, quoted for SQL. */
static void account_list(const struct access_rights *rights, char *sql, size_t size)
{
    size_t len = 0;

    sql[0] = '\0';
    for (int i = 0; i < rights->account_count && len + 160 < size; i++) {
        char *quoted = sqlite3_mprintf("%s%Q", i ? "," : "", rights->accounts[i]);

        len += (size_t)snprintf(sql + len, size - len, "%s", quoted);
        sqlite3_free(quoted);
    }
}

/* Nothing was used later than now: this month is whole. Days are told from days. */
static void cut(const struct grouping *g, int64_t start_s, int64_t end_s,
                struct window *days, struct window *months)
{
    struct window window = {start_s, end_s}, month;
    int64_t now_s = (int64_t)time(NULL);

    if (end_s > now_s) {
        period_month_of(now_s, &month);
        window.until_s = month.until_s;
    }
    span_cut(&window, days, months);
    if (strcmp(g->by, "day") == 0)
        months->from_s = months->until_s = days->until_s;
}

json_t *person_usage(struct ledger *ledger, const struct access_rights *rights,
                     const char *by, int64_t start_s, int64_t end_s, unsigned *status)
{
    const struct grouping *g = grouping_of(by);
    char sql[16384], accounts[8192];
    char currency[TARIFF_CURRENCY];
    struct window days, months;
    json_t *rows;
    sqlite3_stmt *stmt;
    int64_t total = 0;
    bool priced;
    int simulated;

    *status = 400;
    if (!g) {
        snprintf(
            sql, sizeof sql,
            "usage cannot be shown by \"%.40s\": account, user, partition, job or day",
            by);
        return person_error(sql);
    }
    *status = 500;
    if (ledger_look(ledger) < 0)
        return person_error("the ledger cannot be read now");
    account_list(rights, accounts, sizeof accounts);
    pricing_currency(ledger, currency);
    priced = currency[0] && strcmp(by, "job") != 0;
    snprintf(sql, sizeof sql,
             "SELECT %s AS row, SUM(mj), SUM(runs), SUM(price_u), SUM(co2_mg), "
             "SUM(unpriced_mj), SUM(co2_unknown_mj) FROM "
             "(%s) WHERE quarter_s >= ?1 AND"
             " quarter_s < ?2 AND (?3 OR user = ?8 OR account IN (%s)) GROUP BY row"
             " ORDER BY row",
             g->column, g->sql, accounts);
    cut(g, start_s > 0 ? start_s : 0, end_s, &days, &months);
    stmt = ledger_query(ledger, sql, "iiiiiiis", start_s, end_s,
                        (int64_t)rights->sees_all, days.from_s, months.from_s,
                        months.until_s, days.until_s, rights->user);
    rows = json_array();
    while (stmt && sqlite3_step(stmt) == SQLITE_ROW) {
        total += sqlite3_column_int64(stmt, 1);
        json_array_append_new(rows, usage_row(g, priced, stmt));
    }
    sqlite3_finalize(stmt);
    simulated = (int)ledger_number(ledger, 0, "SELECT MAX(simulated) FROM nodes", "");
    ledger_commit(ledger);
    *status = 200;
    return json_pack("{s:s s:I s:I s:o s:I s:b s:o}", "by", by, "start",
                     (json_int_t)start_s, "end", (json_int_t)end_s, "rows", rows,
                     "total_mj", (json_int_t)total, "simulated", simulated, "currency",
                     priced ? json_string(currency) : json_null());
}

/* A node's counts over all epochs; state and reason of the present one. */
static json_t *domains_json(struct ledger *ledger, const char *node, const char *epoch)
{
    json_t *domains = json_array();
    sqlite3_stmt *stmt = ledger_query(
        ledger,
        "SELECT domain, kind, source, SUM(total_uj), SUM(jobs_uj), SUM(node_uj), "
        "SUM(gap_ms),"
        " MAX(CASE WHEN epoch = ? THEN state END), MAX(CASE WHEN epoch = ? THEN reason "
        "END), MAX(integrated)"
        " FROM node_domains WHERE node = ? GROUP BY domain ORDER BY kind DESC, domain",
        "sss", epoch, epoch, node);

    while (stmt && sqlite3_step(stmt) == SQLITE_ROW)
        json_array_append_new(
            domains,
            json_pack("{s:s s:s s:s s:I s:I s:I s:I s:s s:o s:b}", "name",
                      text(stmt, 0), "kind", text(stmt, 1), "source", text(stmt, 2),
                      "total_uj", (json_int_t)sqlite3_column_int64(stmt, 3), "jobs_uj",
                      (json_int_t)sqlite3_column_int64(stmt, 4), "node_uj",
                      (json_int_t)sqlite3_column_int64(stmt, 5), "gap_ms",
                      (json_int_t)sqlite3_column_int64(stmt, 6), "state",
                      text(stmt, 7)[0] ? text(stmt, 7) : "unknown", "reason",
                      text(stmt, 8)[0] ? json_string(text(stmt, 8)) : json_null(),
                      "integrated", sqlite3_column_int(stmt, 9)));
    sqlite3_finalize(stmt);
    return domains;
}

json_t *person_nodes(struct ledger *ledger, const struct access_rights *rights,
                     unsigned *status)
{
    json_t *nodes;
    sqlite3_stmt *stmt;

    *status = 403;
    if (!rights->sees_all)
        return person_error(
            "only operators, administrators and root see the nodes' energy");
    *status = 500;
    if (ledger_look(ledger) < 0)
        return person_error("the ledger cannot be read now");
    nodes = json_array();
    stmt = ledger_query(
        ledger,
        "SELECT node, epoch, last_report_ms, simulated FROM nodes ORDER BY node", "");
    while (stmt && sqlite3_step(stmt) == SQLITE_ROW)
        json_array_append_new(
            nodes,
            json_pack("{s:s s:I s:b s:o s:o}", "node", text(stmt, 0), "last_report_ms",
                      (json_int_t)sqlite3_column_int64(stmt, 2), "simulated",
                      sqlite3_column_int(stmt, 3), "domains",
                      domains_json(ledger, text(stmt, 0), text(stmt, 1)), "limits",
                      cap_report_limits_json(ledger, text(stmt, 0))));
    sqlite3_finalize(stmt);
    ledger_commit(ledger);
    *status = 200;
    return json_pack("{s:o}", "nodes", nodes);
}
