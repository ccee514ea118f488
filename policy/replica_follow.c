/* replica_follow.c - the copy in SQLite is made what MariaDB has */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/log.h"
#include "policy/mariadb_copy.h"
#include "policy/replica_inside.h"
#include "policy/schema.h"

/* While another acts, what report_run.c does for `used` where the report comes in. */
static const char followers_trigger[] =
    "CREATE TEMP TRIGGER IF NOT EXISTS used_elsewhere AFTER UPDATE OF mj ON "
    "run_quarters BEGIN"
    " UPDATE used SET mj = mj + NEW.mj - OLD.mj, open_mj = open_mj + NEW.mj - OLD.mj,"
    "  from_s = MIN(COALESCE(from_s, NEW.quarter_s), NEW.quarter_s),"
    "  until_s = MAX(COALESCE(until_s, NEW.quarter_s), NEW.quarter_s)"
    "  WHERE run_id = (SELECT run_id FROM tokens WHERE token = NEW.token); END;";

/* What only the worker takes away again. */
static const char forget_news[] = "DELETE FROM temp.news; DELETE FROM temp.finals;"
                                  "DELETE FROM temp.fresh_liens;";

static int execute(sqlite3 *db, const char *sql)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK)
        return 0;
    log_line("ledger: %.200s: %s", sql, sqlite3_errmsg(db));
    return -1;
}

/* Without a rowid it leaves ledger_last_id() alone. */
int replica_mark(struct replica *r, int64_t seq)
{
    char sql[160];

    snprintf(sql, sizeof sql,
             "INSERT OR REPLACE INTO " MARIADB_MARK " VALUES (1, '%s', %lld)", r->mark,
             (long long)seq);
    return execute(r->db, sql);
}

int replica_read_mark(struct replica *r)
{
    sqlite3_stmt *row;

    if (execute(r->db, "CREATE TABLE IF NOT EXISTS " MARIADB_MARK
                       " (id INTEGER PRIMARY KEY CHECK (id = 1),"
                       " ledger TEXT NOT NULL, seq INTEGER NOT NULL) WITHOUT "
                       "ROWID") < 0 ||
        sqlite3_prepare_v2(r->db, "SELECT ledger, seq FROM " MARIADB_MARK, -1, &row,
                           NULL) != SQLITE_OK)
        return -1;
    if (sqlite3_step(row) == SQLITE_ROW) {
        snprintf(r->mark, sizeof r->mark, "%s",
                 (const char *)sqlite3_column_text(row, 0));
        r->seq = sqlite3_column_int64(row, 1);
    } else {
        r->mark[0] = '\0';
        r->seq = -1;
    }
    sqlite3_finalize(row);
    return 0;
}

static int remake_memory(struct replica *r)
{
    if (schema_memory_drop(r->db) < 0 || execute(r->db, schema_in_memory) < 0)
        return -1;
    r->stale_memory = false;
    return 0;
}

/* A copy is what the changes were made in: a row that is not as it was then is a
 * mistake, and nothing is guessed. */
static int on_conflict(void *arg, int conflict, sqlite3_changeset_iter *change)
{
    const char *table = "?";
    int count, op;

    (void)arg;
    if (conflict != SQLITE_CHANGESET_FOREIGN_KEY)
        sqlite3changeset_op(change, &table, &count, &op, NULL);
    log_line(
        "ledger: a change of table %s does not fit the copy (%d): it is copied anew",
        table, conflict);
    return SQLITE_CHANGESET_ABORT;
}

/* 0; 1: it does not fit; -1. */
static int apply(struct replica *r, int64_t seq, struct mariadb_text *changes)
{
    int rc;

    if (execute(r->db, "BEGIN IMMEDIATE") < 0)
        return -1;
    sqlite3_db_config(r->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    rc = sqlite3changeset_apply(r->db, (int)changes->len, changes->text, NULL,
                                on_conflict, NULL);
    sqlite3_db_config(r->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 1, NULL);
    if (rc == SQLITE_OK && replica_mark(r, seq) == 0 && execute(r->db, "COMMIT") == 0) {
        r->seq = seq;
        r->stale_memory = true;
        return 0;
    }
    execute(r->db, "ROLLBACK");
    return rc == SQLITE_ABORT ? 1 : -1;
}

/* The copy's next change. 0; 1: it is no longer kept, or does not fit; -1. */
static int apply_next(struct replica *r)
{
    struct mariadb_text changes = {NULL, 0, 0, false};
    MYSQL_RES *rows;
    MYSQL_ROW row;
    char sql[128];
    int rc = -1;

    snprintf(sql, sizeof sql,
             "SELECT changes FROM kwota_changes WHERE seq = %lld ORDER BY part",
             (long long)r->seq + 1);
    rows = mariadb_rows(&r->m, sql);
    if (!rows)
        return -1;
    while ((row = mysql_fetch_row(rows)))
        mariadb_text_append(&changes, row[0], mysql_fetch_lengths(rows)[0]);
    mysql_free_result(rows);
    if (!changes.failed)
        rc = changes.len > 0 ? apply(r, r->seq + 1, &changes) : 1;
    mariadb_text_free(&changes);
    return rc;
}

/* All of it, by a look that sees one moment. The memory's triggers would do all of it
 * again row by row. */
static int copy_all(struct replica *r)
{
    static const char look[] = "START TRANSACTION WITH CONSISTENT SNAPSHOT";
    int64_t seq;

    log_line("ledger: all of %s is copied to kwotad's spool", r->place_name);
    if (mariadb_do(&r->m, look, strlen(look)) < 0 ||
        mariadb_number(&r->m, "SELECT seq FROM kwota_ledger WHERE id = 1", &seq) != 0 ||
        schema_memory_drop(r->db) < 0 || execute(r->db, "BEGIN IMMEDIATE") < 0)
        return -1;
    if (mariadb_copy_down(&r->m, &r->tables, r->db) < 0 || replica_mark(r, seq) < 0 ||
        execute(r->db, "COMMIT") < 0) {
        execute(r->db, "ROLLBACK");
        remake_memory(r);
        return -1;
    }
    r->seq = seq;
    mariadb_do(&r->m, "COMMIT", 6);
    return remake_memory(r);
}

static int catch_up(struct replica *r)
{
    int64_t seq, bound = 0;
    int rc;

    for (;;) {
        if (mariadb_number(&r->m, "SELECT seq FROM kwota_ledger WHERE id = 1", &seq) !=
            0)
            return -1;
        if (seq < r->seq) {
            snprintf(r->m.error, sizeof r->m.error,
                     "it ends with change %lld, the copy has %lld", (long long)seq,
                     (long long)r->seq);
            return -1;
        }
        if (r->seq == seq)
            return 0;
        if (r->seq < 0 || bound < 0) {
            if (copy_all(r) < 0)
                return -1;
            continue;
        }
        rc = apply_next(r);
        if (rc < 0)
            return -1;
        bound = rc ? -1 : 0;
    }
}

/* As long as another acts. */
static int stand_by(struct replica *r)
{
    int64_t before = r->seq;

    if (execute(r->db, followers_trigger) < 0 || catch_up(r) < 0)
        return -1;
    return before == r->seq ? 0 : execute(r->db, forget_news);
}

static int act(struct replica *r)
{
    if (catch_up(r) < 0 || (r->stale_memory && remake_memory(r) < 0))
        return -1;
    replica_become(r, REPLICA_ACTS, "");
    return 0;
}

int replica_follow(void *replica, sqlite3 *db)
{
    struct replica *r = replica;
    int rc = -1;

    (void)db;
    pthread_mutex_lock(&r->wire);
    if (r->m.wire)
        rc = r->locked ? act(r) : stand_by(r);
    if (r->m.wire && rc < 0)
        replica_hang_up(r, r->m.error);
    pthread_mutex_unlock(&r->wire);
    return rc;
}
