/* ledger_open.c - the ledger's file: opened, made, migrated, read, closed */
#include "policy/ledger_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "policy/log.h"
#include "policy/schema.h"

/* SQLite's own cache of pages, in KiB: what 10 000 nodes with four jobs touch in a
 * minute. */
#define CACHE_KB "32768"

/* The log is copied into the ledger when it has so many pages: what is written often is
 * copied once. */
#define LOG_PAGES "32768"

/* A new ledger has nothing to fill its tables from. */
static int fill(struct ledger *ledger, int64_t from, int64_t to)
{
    if (from == 0 || schema_fill(ledger->db, (int)to) == SQLITE_OK)
        return 0;
    log_line("the ledger cannot be brought to version %lld: %s", (long long)to,
             sqlite3_errmsg(ledger->db));
    return -1;
}

/* A step of the schema is there as a whole or not at all. */
static int take_step(struct ledger *ledger, int64_t from, int64_t version)
{
    if (ledger_execute_once(ledger, "BEGIN IMMEDIATE") < 0)
        return -1;
    if (ledger_execute_once(ledger, schema_steps[version]) < 0 ||
        fill(ledger, from, version + 1) < 0) {
        ledger_execute_once(ledger, "ROLLBACK");
        return -1;
    }
    return ledger_execute_once(ledger, "COMMIT");
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
    for (int64_t from = version; version < SCHEMA_VERSION; version++)
        if (take_step(ledger, from, version) < 0)
            return -1;
    return 0;
}

static int set_up(struct ledger *ledger, const char *path)
{
    static const char *const pragmas[] = {
        "PRAGMA journal_mode=WAL",      "PRAGMA synchronous=FULL",
        "PRAGMA foreign_keys=ON",       "PRAGMA temp_store=MEMORY",
        "PRAGMA cache_size=-" CACHE_KB, "PRAGMA wal_autocheckpoint=" LOG_PAGES};

    for (size_t i = 0; i < sizeof pragmas / sizeof *pragmas; i++)
        if (ledger_execute_once(ledger, pragmas[i]) < 0)
            return -1;
    return migrate(ledger, path) < 0 ||
                   ledger_execute_once(ledger, schema_in_memory) < 0
               ? -1
               : 0;
}

/* A ledger that is changed beside the MariaDB that it is a copy of would be two. */
static int check_copy(struct ledger *ledger, const char *path)
{
    if (ledger_number(ledger, 0,
                      "SELECT COUNT(*) FROM sqlite_schema WHERE name = 'copy_of'",
                      "") == 0 ||
        ledger_number(ledger, 0, "SELECT COUNT(*) FROM copy_of", "") == 0)
        return 0;
    log_line("%s is the copy of a ledger in MariaDB: name that in kwota.json (ledger), "
             "or make it a ledger of its own (kwota ledger copy)",
             path);
    return -1;
}

static int lock_folder(struct ledger *ledger, const char *dir)
{
    char path[512];

    snprintf(path, sizeof path, "%s/ledger.lock", dir);
    ledger->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (ledger->lock_fd >= 0 && flock(ledger->lock_fd, LOCK_EX | LOCK_NB) == 0)
        return 0;
    if (ledger->lock_fd >= 0 && errno == EWOULDBLOCK)
        log_line("%s/ledger.db is in use by another kwotad, or kwota ledger copy", dir);
    else
        log_line("%s cannot be locked: %s: %s", path, strerror(errno),
                 ledger_remedy(SQLITE_CANTOPEN));
    return -1;
}

static struct ledger *new_ledger(void)
{
    struct ledger *ledger = calloc(1, sizeof *ledger);

    if (!ledger)
        return NULL;
    ledger->lock_fd = -1;
    pthread_mutex_init(&ledger->lock, NULL);
    pthread_cond_init(&ledger->changed, NULL);
    pthread_cond_init(&ledger->first_line, NULL);
    pthread_cond_init(&ledger->line, NULL);
    return ledger;
}

static struct ledger *open_ledger(const char *dir, bool copy)
{
    struct ledger *ledger = new_ledger();
    char path[512];

    if (!ledger)
        return NULL;
    snprintf(path, sizeof path, "%s/ledger.db", dir);
    if (lock_folder(ledger, dir) < 0) {
        ledger_close(ledger);
        return NULL;
    }
    if (sqlite3_open(path, &ledger->db) != SQLITE_OK) {
        ledger_fail(ledger, path);
        ledger_close(ledger);
        return NULL;
    }
    sqlite3_busy_timeout(ledger->db, LEDGER_OPEN_MS);
    if (set_up(ledger, path) < 0 || (!copy && check_copy(ledger, path) < 0)) {
        log_line("%s cannot be used", path);
        ledger_close(ledger);
        return NULL;
    }
    sqlite3_busy_timeout(ledger->db, LEDGER_BUSY_MS);
    return ledger;
}

struct ledger *ledger_open(const char *dir)
{
    return open_ledger(dir, false);
}

struct ledger *ledger_open_copy(const char *dir)
{
    return open_ledger(dir, true);
}

void ledger_set_origin(struct ledger *ledger, const struct ledger_origin *origin)
{
    ledger->origin = *origin;
}

bool ledger_acts(struct ledger *ledger, char why[LEDGER_WHY])
{
    return !ledger->origin.acts ||
           ledger->origin.acts(ledger->origin.of, why, LEDGER_WHY);
}

int ledger_pass_ended(struct ledger *ledger, const uint32_t *jobs, int count)
{
    if (!ledger->origin.pass)
        return -1;
    return ledger->origin.pass(ledger->origin.of, jobs, count);
}

int ledger_heard(struct ledger *ledger, struct ledger_heard *heard)
{
    heard->count = 0;
    return ledger->origin.heard ? ledger->origin.heard(ledger->origin.of, heard) : 0;
}

int ledger_forget_heard(struct ledger *ledger, int64_t up_to)
{
    return ledger->origin.forget ? ledger->origin.forget(ledger->origin.of, up_to) : 0;
}

/* Why a file is no ledger that can be read here; false: it is one. */
static bool is_strange(struct ledger *ledger, const char *path,
                       char why[LEDGER_READ_WHY])
{
    sqlite3_stmt *stmt = NULL;
    int version = -1;

    if (sqlite3_prepare_v2(ledger->db, "PRAGMA user_version", -1, &stmt, NULL) ==
            SQLITE_OK &&
        sqlite3_step(stmt) == SQLITE_ROW)
        version = sqlite3_column_int(stmt, 0);
    sqlite3_finalize(stmt);
    if (version == SCHEMA_VERSION)
        return false;
    if (version < 0)
        snprintf(why, LEDGER_READ_WHY, "%s cannot be read: %s", path,
                 sqlite3_errmsg(ledger->db));
    else if (version == 0)
        snprintf(why, LEDGER_READ_WHY, "%s is no ledger of kwota's", path);
    else if (version > SCHEMA_VERSION)
        snprintf(why, LEDGER_READ_WHY,
                 "%s is of version %d, this kwota knows %d: install the newer kwota",
                 path, version, SCHEMA_VERSION);
    else
        snprintf(why, LEDGER_READ_WHY,
                 "%s is of version %d, not %d: kwotad brings it up to date when it "
                 "starts",
                 path, version, SCHEMA_VERSION);
    return true;
}

struct ledger *ledger_read(const char *path, char why[LEDGER_READ_WHY])
{
    struct ledger *ledger = new_ledger();

    if (!ledger) {
        snprintf(why, LEDGER_READ_WHY, "no memory");
        return NULL;
    }
    ledger->reads = true;
    if (sqlite3_open_v2(path, &ledger->db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK) {
        snprintf(why, LEDGER_READ_WHY, "%s cannot be opened: %s", path,
                 sqlite3_errmsg(ledger->db));
        ledger_close(ledger);
        return NULL;
    }
    sqlite3_busy_timeout(ledger->db, LEDGER_BUSY_MS);
    if (is_strange(ledger, path, why)) {
        ledger_close(ledger);
        return NULL;
    }
    return ledger;
}

struct ledger *ledger_reader(struct ledger *ledger, char why[LEDGER_READ_WHY])
{
    return ledger_read(sqlite3_db_filename(ledger->db, "main"), why);
}

static void stop_writer(struct ledger *ledger)
{
    if (!ledger->gather_ms)
        return;
    pthread_mutex_lock(&ledger->lock);
    ledger->stop = true;
    pthread_cond_signal(&ledger->changed);
    pthread_mutex_unlock(&ledger->lock);
    pthread_join(ledger->writer, NULL);
}

void ledger_close(struct ledger *ledger)
{
    if (!ledger)
        return;
    stop_writer(ledger);
    if (ledger->origin.stop)
        ledger->origin.stop(ledger->origin.of);
    statements_free(&ledger->statements);
    sqlite3_close(ledger->db);
    if (ledger->lock_fd >= 0)
        close(ledger->lock_fd);
    pthread_cond_destroy(&ledger->changed);
    pthread_cond_destroy(&ledger->first_line);
    pthread_cond_destroy(&ledger->line);
    pthread_mutex_destroy(&ledger->lock);
    free(ledger);
}
