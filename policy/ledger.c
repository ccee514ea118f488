/* ledger.c - the SQLite database that holds runs, charges and counts */
#include "policy/ledger.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/energy.h"
#include "policy/log.h"
#include "policy/schema.h"

struct ledger {
    sqlite3 *db;
    pthread_mutex_t lock;
};

static int fail(struct ledger *ledger, const char *what)
{
    log_line("ledger: %s: %s", what, sqlite3_errmsg(ledger->db));
    return -1;
}

static int execute(struct ledger *ledger, const char *sql)
{
    return sqlite3_exec(ledger->db, sql, NULL, NULL, NULL) == SQLITE_OK
               ? 0
               : fail(ledger, sql);
}

/* A step of the schema is there as a whole or not at all. */
static int take_step(struct ledger *ledger, const char *sql)
{
    if (execute(ledger, "BEGIN IMMEDIATE") < 0)
        return -1;
    if (execute(ledger, sql) < 0) {
        execute(ledger, "ROLLBACK");
        return -1;
    }
    return execute(ledger, "COMMIT");
}

/* A ledger of a newer kwotad is left alone: what it holds may mean something else. */
static int migrate(struct ledger *ledger, const char *path)
{
    int64_t version = ledger_number(ledger, -1, "PRAGMA user_version", "");

    if (version < 0 || version > SCHEMA_VERSION) {
        log_line(
            "%s is of version %lld, this kwotad knows %d: install the newer kwotad",
            path, (long long)version, SCHEMA_VERSION);
        return -1;
    }
    for (; version < SCHEMA_VERSION; version++)
        if (take_step(ledger, schema_steps[version]) < 0)
            return -1;
    return 0;
}

struct ledger *ledger_open(const char *dir)
{
    struct ledger *ledger = calloc(1, sizeof *ledger);
    char path[512];

    if (!ledger)
        return NULL;
    snprintf(path, sizeof path, "%s/ledger.db", dir);
    pthread_mutex_init(&ledger->lock, NULL);
    if (sqlite3_open(path, &ledger->db) != SQLITE_OK) {
        log_line("%s cannot be opened: %s", path, sqlite3_errmsg(ledger->db));
        ledger_close(ledger);
        return NULL;
    }
    /* A backup or a reader may hold the file for a moment. */
    sqlite3_busy_timeout(ledger->db, 10000);
    if (execute(ledger, "PRAGMA journal_mode=WAL") < 0 ||
        execute(ledger, "PRAGMA synchronous=FULL") < 0 ||
        execute(ledger, "PRAGMA foreign_keys=ON") < 0 || migrate(ledger, path) < 0) {
        log_line("%s cannot be used", path);
        ledger_close(ledger);
        return NULL;
    }
    return ledger;
}

void ledger_close(struct ledger *ledger)
{
    if (!ledger)
        return;
    sqlite3_close(ledger->db);
    free(ledger);
}

int ledger_begin(struct ledger *ledger)
{
    pthread_mutex_lock(&ledger->lock);
    if (execute(ledger, "BEGIN IMMEDIATE") == 0)
        return 0;
    pthread_mutex_unlock(&ledger->lock);
    return -1;
}

int ledger_commit(struct ledger *ledger)
{
    int rc = execute(ledger, "COMMIT");

    if (rc < 0)
        sqlite3_exec(ledger->db, "ROLLBACK", NULL, NULL, NULL);
    pthread_mutex_unlock(&ledger->lock);
    return rc;
}

void ledger_rollback(struct ledger *ledger)
{
    execute(ledger, "ROLLBACK");
    pthread_mutex_unlock(&ledger->lock);
}

/* What is not bound is null. */
static void bind_number(sqlite3_stmt *stmt, int place, char type, int64_t number)
{
    if (type != 'u' || number != ENERGY_UNKNOWN)
        sqlite3_bind_int64(stmt, place, number);
}

static sqlite3_stmt *prepare(struct ledger *ledger, const char *sql, const char *types,
                             va_list ap)
{
    sqlite3_stmt *stmt;

    if (sqlite3_prepare_v2(ledger->db, sql, -1, &stmt, NULL) != SQLITE_OK) {
        fail(ledger, sql);
        return NULL;
    }
    for (int i = 0; types[i]; i++) {
        if (types[i] == 's')
            sqlite3_bind_text(stmt, i + 1, va_arg(ap, const char *), -1,
                              SQLITE_TRANSIENT);
        else
            bind_number(stmt, i + 1, types[i], va_arg(ap, int64_t));
    }
    return stmt;
}

sqlite3_stmt *ledger_query(struct ledger *ledger, const char *sql, const char *types,
                           ...)
{
    sqlite3_stmt *stmt;
    va_list ap;

    va_start(ap, types);
    stmt = prepare(ledger, sql, types, ap);
    va_end(ap);
    return stmt;
}

int ledger_do(struct ledger *ledger, const char *sql, const char *types, ...)
{
    sqlite3_stmt *stmt;
    va_list ap;
    int rc = -1;

    va_start(ap, types);
    stmt = prepare(ledger, sql, types, ap);
    va_end(ap);
    if (stmt)
        rc = sqlite3_step(stmt) == SQLITE_DONE ? 0 : fail(ledger, sql);
    sqlite3_finalize(stmt);
    return rc;
}

int64_t ledger_number(struct ledger *ledger, int64_t otherwise, const char *sql,
                      const char *types, ...)
{
    sqlite3_stmt *stmt;
    va_list ap;

    va_start(ap, types);
    stmt = prepare(ledger, sql, types, ap);
    va_end(ap);
    if (stmt && sqlite3_step(stmt) == SQLITE_ROW &&
        sqlite3_column_type(stmt, 0) != SQLITE_NULL)
        otherwise = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return otherwise;
}

int64_t ledger_last_id(struct ledger *ledger)
{
    return sqlite3_last_insert_rowid(ledger->db);
}
