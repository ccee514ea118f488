/* prune.c - drops the detail of runs that were settled long ago */
#include "policy/prune.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "policy/kind.h"

/* So many runs at most in a transaction, … */
#define RUNS 8

/* … and so many decisions. */
#define DECISIONS 200

/* A transaction of many rows is ended after so long: starts wait for it. */
#define TURN_MS 20

/* What a run's entries, quarter-hours and months say must be the same, and nothing may
 * wait for its adjustment: the months are all that is left. */
#define BALANCES                                                                       \
    " (SELECT COALESCE(SUM(mj), 0) FROM entries e WHERE e.run_id = r.id"               \
    "  AND e.kind <> 'credit') ="                                                      \
    " (SELECT COALESCE(SUM(cpu_mj + dram_mj + gpu_mj + other_mj), 0)"                  \
    "  FROM run_months m WHERE m.run_id = r.id)"                                       \
    " AND (SELECT COALESCE(SUM(mj), 0) FROM entries e WHERE e.run_id = r.id"           \
    "  AND e.kind <> 'credit') ="                                                      \
    " (SELECT COALESCE(SUM(q.mj), 0) FROM tokens t JOIN run_quarters q"                \
    "  ON q.token = t.token WHERE t.run_id = r.id)"

#define OLD " r.state = 'settled' AND r.pruned_s IS NULL AND r.end_s < ?1 "

static const char *const tables[] = {"run_points",  "run_step_counts", "run_steps",
                                     "run_domains", "run_quarters",    "run_caps"};

#define TABLES (sizeof tables / sizeof *tables)

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t rows_of(struct ledger *ledger, const char *table, int64_t before_s)
{
    char sql[256];

    snprintf(sql, sizeof sql,
             "SELECT COUNT(*) FROM runs r JOIN tokens t ON t.run_id = r.id"
             " JOIN %s d ON d.token = t.token WHERE" OLD,
             table);
    return ledger_number(ledger, -1, sql, "i", before_s);
}

int prune_look(struct ledger *ledger, int64_t before_s, struct prune_count *count)
{
    *count = (struct prune_count){
        .runs = ledger_number(ledger, -1,
                              "SELECT COUNT(*) FROM runs r WHERE" OLD "AND" BALANCES,
                              "i", before_s),
        .kept = ledger_number(ledger, -1,
                              "SELECT COUNT(*) FROM runs r WHERE" OLD
                              "AND NOT (" BALANCES ")",
                              "i", before_s),
        .decisions =
            ledger_number(ledger, -1, "SELECT COUNT(*) FROM decisions WHERE time_s < ?",
                          "i", before_s)};
    if (count->runs < 0 || count->kept < 0 || count->decisions < 0)
        return -1;
    count->rows = count->decisions;
    for (size_t i = 0; i < TABLES; i++) {
        int64_t rows = rows_of(ledger, tables[i], before_s);

        if (rows < 0)
            return -1;
        count->rows += rows;
    }
    return 0;
}

/* The kinds of a run's domains for which a condition holds: ["cpu","gpu"]. */
static json_t *kinds_where(struct ledger *ledger, int64_t run_id, const char *condition)
{
    bool known[KINDS] = {false};
    json_t *names = json_array();
    sqlite3_stmt *row;
    char sql[256];

    snprintf(sql, sizeof sql,
             "SELECT DISTINCT d.kind FROM tokens t JOIN run_domains d"
             " ON d.token = t.token WHERE t.run_id = ? AND d.uj IS NOT NULL AND %s",
             condition);
    row = ledger_query(ledger, sql, "i", run_id);
    while (row && sqlite3_step(row) == SQLITE_ROW)
        known[kind_of((const char *)sqlite3_column_text(row, 0))] = true;
    ledger_done(ledger, row);
    for (int k = 0; k < KINDS; k++)
        if (known[k])
            json_array_append_new(names, json_string(kind_name((enum kind)k)));
    return names;
}

/* What the months cannot tell: zero from unknown, measured from divided. */
static char *what_is_kept(struct ledger *ledger, int64_t run_id)
{
    json_t *kept =
        json_pack("{s:o s:o s:o}", "known", kinds_where(ledger, run_id, "1 = 1"),
                  "apportioned", kinds_where(ledger, run_id, "d.apportioned <> 0"),
                  "integrated", kinds_where(ledger, run_id, "d.integrated <> 0"));
    char *text = json_dumps(kept, JSON_COMPACT);

    json_decref(kept);
    return text;
}

static int drop_rows(struct ledger *ledger, int64_t run_id, struct prune_count *count)
{
    char sql[160];

    for (size_t i = 0; i < TABLES; i++) {
        snprintf(sql, sizeof sql,
                 "DELETE FROM %s WHERE token IN (SELECT token FROM tokens"
                 " WHERE run_id = ?)",
                 tables[i]);
        if (ledger_do(ledger, sql, "i", run_id) < 0)
            return -1;
        count->rows += ledger_changed(ledger);
    }
    return 0;
}

static int forget_history(struct ledger *ledger, int64_t run_id)
{
    return ledger_do(
        ledger,
        "DELETE FROM history WHERE (cluster, user, account, name, partition, nodes,"
        "  cpus, gpus, end_s, run_id) IN (SELECT cluster, user, account, name,"
        "  partition, asked_nodes, asked_cpus, asked_gpus, end_s, id FROM runs"
        "  WHERE id = ?)",
        "i", run_id);
}

static int prune_run(struct ledger *ledger, int64_t run_id, int64_t now_s,
                     struct prune_count *count)
{
    char *kept = what_is_kept(ledger, run_id);
    int rc = kept ? drop_rows(ledger, run_id, count) : -1;

    if (rc == 0)
        rc = forget_history(ledger, run_id);
    if (rc == 0)
        rc = ledger_do(ledger, "UPDATE tokens SET pruned = 1 WHERE run_id = ?", "i",
                       run_id);
    if (rc == 0)
        rc = ledger_do(ledger, "UPDATE runs SET pruned_s = ?, kept = ? WHERE id = ?",
                       "isi", now_s, kept, run_id);
    free(kept);
    count->runs++;
    return rc;
}

static bool balances(struct ledger *ledger, int64_t run_id)
{
    return ledger_number(ledger, 0, "SELECT 1 FROM runs r WHERE r.id = ? AND" BALANCES,
                         "i", run_id) == 1;
}

/* The next run that is old enough; 1: `place` is it; 0: there is none. */
static int next_run(struct ledger *ledger, int64_t before_s, struct prune_place *place)
{
    sqlite3_stmt *row =
        ledger_query(ledger,
                     "SELECT r.end_s, r.id FROM runs r WHERE" OLD "AND r.end_s >= ?2"
                     " AND (r.end_s > ?2 OR r.id > ?3) ORDER BY r.end_s, r.id LIMIT 1",
                     "iii", before_s, place->end_s, place->run_id);
    int rc = row ? sqlite3_step(row) : SQLITE_NOMEM;

    if (rc == SQLITE_ROW)
        *place = (struct prune_place){sqlite3_column_int64(row, 0),
                                      sqlite3_column_int64(row, 1)};
    ledger_done(ledger, row);
    return rc == SQLITE_ROW ? 1 : rc == SQLITE_DONE ? 0 : -1;
}

/* Runs for one transaction. As prune_some(). */
static int prune_runs(struct ledger *ledger, int64_t before_s, int64_t now_s,
                      struct prune_place *place, struct prune_count *count)
{
    int64_t until_ms = now_ms() + TURN_MS;
    int rc = 1;

    for (int i = 0; i < RUNS && rc > 0 && (i == 0 || now_ms() < until_ms); i++) {
        rc = next_run(ledger, before_s, place);
        if (rc <= 0)
            break;
        if (!balances(ledger, place->run_id))
            count->kept++;
        else if (prune_run(ledger, place->run_id, now_s, count) < 0)
            rc = -1;
    }
    return rc;
}

static int drop_decisions(struct ledger *ledger, int64_t before_s,
                          struct prune_count *count)
{
    int64_t dropped;

    if (ledger_do(ledger,
                  "DELETE FROM decisions WHERE id IN (SELECT id FROM decisions"
                  " WHERE time_s < ? ORDER BY time_s LIMIT ?)",
                  "ii", before_s, (int64_t)DECISIONS) < 0)
        return -1;
    dropped = ledger_changed(ledger);
    count->rows += dropped;
    count->decisions += dropped;
    return dropped == DECISIONS;
}

/* Runs first, then decisions, in a transaction of their own each. */
static int prune_piece(struct ledger *ledger, int64_t before_s, int64_t now_s,
                       struct prune_place *place, struct prune_count *count)
{
    struct prune_place there = *place;
    struct prune_count more = {0};
    int rc;

    if (ledger_begin(ledger) < 0)
        return -1;
    rc = prune_runs(ledger, before_s, now_s, &there, &more);
    if (rc == 0)
        rc = drop_decisions(ledger, before_s, &more);
    if (rc < 0)
        ledger_rollback(ledger);
    else if (ledger_commit(ledger) < 0)
        rc = -1;
    if (rc < 0)
        return -1;
    *place = there;
    count->runs += more.runs;
    count->rows += more.rows;
    count->decisions += more.decisions;
    count->kept += more.kept;
    return rc;
}

int prune_some(struct ledger *ledger, int64_t before_s, int64_t now_s, int ms,
               struct prune_place *place, struct prune_count *count)
{
    int64_t until_ms = now_ms() + ms;
    int rc;

    do
        rc = prune_piece(ledger, before_s, now_s, place, count);
    while (rc > 0 && now_ms() < until_ms);
    return rc;
}

int64_t prune_before_s(int64_t now_s, int64_t years)
{
    time_t when = (time_t)now_s;
    struct tm tm;

    localtime_r(&when, &tm);
    tm.tm_year -= (int)years;
    tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
    tm.tm_isdst = -1;
    return (int64_t)mktime(&tm);
}
