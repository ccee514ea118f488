/* ledger.c - the SQLite database that holds runs, charges and counts */
#include "policy/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "policy/energy.h"
#include "policy/log.h"
#include "policy/schema.h"
#include "policy/statements.h"

/* SQLite's own cache of pages, in KiB: what 10 000 nodes with four jobs touch in a
 * minute. */
#define CACHE_KB "32768"

/* The log is copied into the ledger when it has so many pages: what is written often is
 * copied once. */
#define LOG_PAGES "32768"

/* Another process may hold the file for a moment when kwotad starts; … */
#define OPEN_MS 10000

/* … later so long is waited for it once, and then, until it lets go, no more than that:
 * all who want the ledger wait meanwhile. */
#define BUSY_MS 2000
#define BUSY_STILL_MS 20

/* The same trouble is told again after so long. */
#define TELL_AGAIN_S 60

/* What nobody waits for is written so much later at most. */
#define PATIENCE_S 1

/* Transactions that reach the disk together, or not at all. */
struct group {
    int waiting; /* how many threads want to know; grows while the group is open */
    pthread_mutex_t lock;
    pthread_cond_t written;
    bool over; /* guarded by its lock, as rc and, when it is over, `waiting` */
    int rc;
};

struct ledger {
    sqlite3 *db;
    int lock_fd;                  /* DIR/ledger.lock */
    struct ledger_origin origin;  /* all NULL: SQLite's file is the ledger itself */
    struct statements statements; /* of whose turn it is, as all up to is_open */
    int64_t before;               /* rows changed when the transaction began */
    struct group *group;          /* open, and something was changed in it; or NULL */
    bool is_open;                 /* SQLite's transaction, the group's */
    bool reads;                   /* it is a reader, set once */
    bool held;                    /* another process did not let go of the file */
    int trouble, untold; /* SQLite's last error that people must mend; 0: none */
    time_t trouble_s;    /* … told then, and so often not told since */

    pthread_mutex_t lock; /* guards all below */
    bool taken;           /* it is somebody's turn */
    int urgent;           /* how many wait in the first line */
    pthread_cond_t first_line, line;
    /* of ledger_gather(): */
    int gather_ms;       /* 0: each transaction by itself; set before there are two */
    bool pending, hurry; /* there is a group to be written; somebody waits for it */
    bool stop;
    pthread_t writer;
    pthread_cond_t changed; /* pending, hurry or stop */
};

/* Whether this thread waits in the first line. */
static _Thread_local bool urgent_here;

void ledger_urgent(bool urgent)
{
    urgent_here = urgent;
}

/* Not a mutex: where many want it that is whoever runs just then, and those who bind
 * and write would wait for all nodes. */
static void take_turn(struct ledger *ledger)
{
    pthread_mutex_lock(&ledger->lock);
    if (urgent_here) {
        ledger->urgent++;
        while (ledger->taken)
            pthread_cond_wait(&ledger->first_line, &ledger->lock);
        ledger->urgent--;
    } else {
        while (ledger->taken || ledger->urgent > 0)
            pthread_cond_wait(&ledger->line, &ledger->lock);
    }
    ledger->taken = true;
    pthread_mutex_unlock(&ledger->lock);
}

static void end_turn(struct ledger *ledger)
{
    pthread_mutex_lock(&ledger->lock);
    ledger->taken = false;
    pthread_cond_signal(ledger->urgent > 0 ? &ledger->first_line : &ledger->line);
    pthread_mutex_unlock(&ledger->lock);
}

/* What is to be done; NULL: it is no trouble with the file. */
static const char *remedy_of(int code)
{
    switch (code) {
    case SQLITE_FULL:
    case SQLITE_IOERR:
        return "make room on the file system of kwotad's spool; nodes keep what is not "
               "taken, and bring it again";
    case SQLITE_BUSY:
        return "another process writes to ledger.db and does not end; nodes keep what "
               "is not taken, and bring it again";
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
        return "ledger.db and its folder must be kwotad's user's, who must be able to "
               "write them";
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return "ledger.db is damaged, or no ledger: stop kwotad and put a backup in "
               "its "
               "place, made by kwota ledger backup";
    default:
        return NULL;
    }
}

/* Whether it is told: what goes on would fill the log, and that the disk. */
static bool is_news(struct ledger *ledger, int code)
{
    time_t now = time(NULL);

    if (code == ledger->trouble && now < ledger->trouble_s + TELL_AGAIN_S) {
        ledger->untold++;
        return false;
    }
    ledger->trouble = code;
    ledger->trouble_s = now;
    return true;
}

static int fail(struct ledger *ledger, const char *what)
{
    int code = sqlite3_errcode(ledger->db) & 0xff;
    const char *remedy = remedy_of(code);

    if (!remedy || is_news(ledger, code))
        log_line("ledger: %.160s: %s%s%s", what, sqlite3_errmsg(ledger->db),
                 remedy ? ": " : "", remedy ? remedy : "");
    return -1;
}

/* Something has been written. */
static void note_well(struct ledger *ledger)
{
    if (!ledger->trouble)
        return;
    log_line("the ledger can be written again; %d errors like the last were not told",
             ledger->untold);
    ledger->trouble = ledger->untold = 0;
}

static int execute(struct ledger *ledger, const char *sql)
{
    sqlite3_stmt *stmt = statements_take(&ledger->statements, ledger->db, sql);
    int rc = stmt ? sqlite3_step(stmt) : SQLITE_ERROR;

    rc = rc == SQLITE_DONE || rc == SQLITE_ROW ? 0 : fail(ledger, sql);
    statements_put(&ledger->statements, stmt);
    return rc;
}

/* Several statements, or one that is needed once. */
static int execute_once(struct ledger *ledger, const char *sql)
{
    return sqlite3_exec(ledger->db, sql, NULL, NULL, NULL) == SQLITE_OK
               ? 0
               : fail(ledger, sql);
}

/* A step of the schema is there as a whole or not at all. */
/* A new ledger has nothing to fill its tables from. */
static int fill(struct ledger *ledger, int64_t from, int64_t to)
{
    if (from == 0 || schema_fill(ledger->db, (int)to) == SQLITE_OK)
        return 0;
    log_line("the ledger cannot be brought to version %lld: %s", (long long)to,
             sqlite3_errmsg(ledger->db));
    return -1;
}

static int take_step(struct ledger *ledger, int64_t from, int64_t version)
{
    if (execute_once(ledger, "BEGIN IMMEDIATE") < 0)
        return -1;
    if (execute_once(ledger, schema_steps[version]) < 0 ||
        fill(ledger, from, version + 1) < 0) {
        execute_once(ledger, "ROLLBACK");
        return -1;
    }
    return execute_once(ledger, "COMMIT");
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
        if (execute_once(ledger, pragmas[i]) < 0)
            return -1;
    return migrate(ledger, path) < 0 || execute_once(ledger, schema_in_memory) < 0 ? -1
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
                 remedy_of(SQLITE_CANTOPEN));
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
        fail(ledger, path);
        ledger_close(ledger);
        return NULL;
    }
    sqlite3_busy_timeout(ledger->db, OPEN_MS);
    if (set_up(ledger, path) < 0 || (!copy && check_copy(ledger, path) < 0)) {
        log_line("%s cannot be used", path);
        ledger_close(ledger);
        return NULL;
    }
    sqlite3_busy_timeout(ledger->db, BUSY_MS);
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
    sqlite3_busy_timeout(ledger->db, BUSY_MS);
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

static void note_end(struct ledger *ledger, bool committed)
{
    ledger->is_open = false;
    if (ledger->origin.over)
        ledger->origin.over(ledger->origin.of, committed);
}

/* Ends SQLite's transaction, with all that is in it. What the ledger of record has is
 * done, whatever becomes of the copy. */
static int end_all(struct ledger *ledger)
{
    struct ledger_origin *origin = &ledger->origin;
    int there = origin->commit ? origin->commit(origin->of) : 0;
    int rc = there < 0 ? -1 : execute(ledger, "COMMIT");

    if (rc < 0)
        sqlite3_exec(ledger->db, "ROLLBACK", NULL, NULL, NULL);
    note_end(ledger, rc == 0);
    return there > 0 ? 0 : rc;
}

static void free_group(struct group *group)
{
    pthread_cond_destroy(&group->written);
    pthread_mutex_destroy(&group->lock);
    free(group);
}

/* In a turn. */
static void end_group(struct ledger *ledger)
{
    struct group *group = ledger->group;
    bool waited_for;

    ledger->group = NULL;
    pthread_mutex_lock(&ledger->lock);
    ledger->pending = ledger->hurry = false;
    pthread_mutex_unlock(&ledger->lock);
    pthread_mutex_lock(&group->lock);
    group->rc = end_all(ledger);
    if (group->rc == 0)
        note_well(ledger);
    group->over = true;
    waited_for = group->waiting > 0;
    pthread_cond_broadcast(&group->written);
    pthread_mutex_unlock(&group->lock);
    if (!waited_for)
        free_group(group);
}

int ledger_between(struct ledger *ledger, int (*work)(void *of, sqlite3 *db), void *of)
{
    int rc;

    take_turn(ledger);
    if (ledger->group)
        end_group(ledger);
    rc = work(of, ledger->db);
    end_turn(ledger);
    return rc;
}

static void write_group(struct ledger *ledger)
{
    take_turn(ledger);
    if (ledger->group)
        end_group(ledger);
    end_turn(ledger);
}

/* Until the group is to be written: soon when somebody waits for it. Wants the lock. */
static void gather(struct ledger *ledger)
{
    struct timespec pause = {ledger->gather_ms / 1000,
                             ledger->gather_ms % 1000 * 1000000L};
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_S;
    while (!ledger->stop && !ledger->hurry &&
           pthread_cond_timedwait(&ledger->changed, &ledger->lock, &until) == 0)
        ;
    pthread_mutex_unlock(&ledger->lock);
    nanosleep(&pause, NULL);
}

static void *write_groups(void *arg)
{
    struct ledger *ledger = arg;

    pthread_setname_np(pthread_self(), "ledger");
    ledger_urgent(true);
    pthread_mutex_lock(&ledger->lock);
    while (!ledger->stop || ledger->pending) {
        if (!ledger->pending) {
            pthread_cond_wait(&ledger->changed, &ledger->lock);
            continue;
        }
        gather(ledger);
        write_group(ledger);
        pthread_mutex_lock(&ledger->lock);
    }
    pthread_mutex_unlock(&ledger->lock);
    return NULL;
}

int ledger_gather(struct ledger *ledger, int ms)
{
    ledger->gather_ms = ms;
    if (pthread_create(&ledger->writer, NULL, write_groups, ledger) == 0)
        return 0;
    log_line("ledger: the thread that writes cannot be started");
    ledger->gather_ms = 0;
    return -1;
}

/* Who holds the file now may hold it long: nobody waits for that again and again. */
static void note_held(struct ledger *ledger, bool held)
{
    if (held != ledger->held)
        sqlite3_busy_timeout(ledger->db, held ? BUSY_STILL_MS : BUSY_MS);
    ledger->held = held;
}

static int begin_all(struct ledger *ledger, bool writes)
{
    struct ledger_origin *origin = &ledger->origin;
    int rc = execute(ledger, writes ? "BEGIN IMMEDIATE" : "BEGIN");

    if (writes)
        note_held(ledger, rc < 0 && ledger->trouble == SQLITE_BUSY);
    if (rc < 0 || !origin->begin || origin->begin(origin->of) == 0)
        return rc;
    execute(ledger, "ROLLBACK");
    return -1;
}

static int begin(struct ledger *ledger, bool writes)
{
    take_turn(ledger);
    if (!ledger->is_open && begin_all(ledger, writes) < 0) {
        end_turn(ledger);
        return -1;
    }
    ledger->is_open = true;
    ledger->before = sqlite3_total_changes64(ledger->db);
    if (!ledger->gather_ms || execute(ledger, "SAVEPOINT one") == 0)
        return 0;
    if (!ledger->group)
        end_all(ledger);
    end_turn(ledger);
    return -1;
}

int ledger_begin(struct ledger *ledger)
{
    return begin(ledger, !ledger->reads);
}

int ledger_look(struct ledger *ledger)
{
    return begin(ledger, false);
}

static struct group *new_group(struct ledger *ledger)
{
    struct group *group = calloc(1, sizeof *group);

    if (!group)
        return NULL;
    pthread_mutex_init(&group->lock, NULL);
    pthread_cond_init(&group->written, NULL);
    pthread_mutex_lock(&ledger->lock);
    ledger->pending = true;
    pthread_cond_signal(&ledger->changed);
    pthread_mutex_unlock(&ledger->lock);
    return group;
}

/* The transaction is one of the open group's; a group that nobody changed anything in
 * needs no disk. */
static int join_group(struct ledger *ledger)
{
    if (execute(ledger, "RELEASE one") < 0) {
        execute(ledger, "ROLLBACK TO one");
        execute(ledger, "RELEASE one");
        if (!ledger->group)
            end_all(ledger);
        return -1;
    }
    if (ledger->group)
        return 0;
    if (sqlite3_total_changes64(ledger->db) == ledger->before)
        return end_all(ledger);
    ledger->group = new_group(ledger);
    return ledger->group ? 0 : end_all(ledger);
}

static void be_quick(struct ledger *ledger)
{
    pthread_mutex_lock(&ledger->lock);
    ledger->hurry = true;
    pthread_cond_signal(&ledger->changed);
    pthread_mutex_unlock(&ledger->lock);
}

/* Ends the turn, and waits until the group that was open in it is on disk. */
static int await(struct ledger *ledger)
{
    struct group *group = ledger->group;
    bool last;
    int rc;

    if (group && group->waiting++ == 0)
        be_quick(ledger);
    end_turn(ledger);
    if (!group)
        return 0;
    pthread_mutex_lock(&group->lock);
    while (!group->over)
        pthread_cond_wait(&group->written, &group->lock);
    rc = group->rc;
    last = --group->waiting == 0;
    pthread_mutex_unlock(&group->lock);
    if (last)
        free_group(group);
    return rc;
}

int ledger_commit(struct ledger *ledger)
{
    int rc = ledger->gather_ms ? join_group(ledger) : end_all(ledger);

    if (ledger->gather_ms && rc == 0)
        return await(ledger);
    end_turn(ledger);
    return rc;
}

int ledger_commit_soon(struct ledger *ledger)
{
    int rc = ledger->gather_ms ? join_group(ledger) : end_all(ledger);

    end_turn(ledger);
    return rc;
}

void ledger_rollback(struct ledger *ledger)
{
    if (!ledger->gather_ms) {
        execute(ledger, "ROLLBACK");
        note_end(ledger, false);
    } else {
        execute(ledger, "ROLLBACK TO one");
        execute(ledger, "RELEASE one");
        if (!ledger->group)
            end_all(ledger);
    }
    end_turn(ledger);
}

/* What is not bound is null. */
static void bind_number(sqlite3_stmt *stmt, int place, char type, int64_t number)
{
    if (type != 'u' || number != ENERGY_UNKNOWN)
        sqlite3_bind_int64(stmt, place, number);
}

/* `keeps`: whether texts stay where they are until the statement is done. */
static sqlite3_stmt *prepare(struct ledger *ledger, const char *sql, const char *types,
                             sqlite3_destructor_type keeps, va_list ap)
{
    sqlite3_stmt *stmt = statements_take(&ledger->statements, ledger->db, sql);

    if (!stmt) {
        fail(ledger, sql);
        return NULL;
    }
    for (int i = 0; types[i]; i++) {
        if (types[i] == 's')
            sqlite3_bind_text(stmt, i + 1, va_arg(ap, const char *), -1, keeps);
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
    stmt = prepare(ledger, sql, types, SQLITE_TRANSIENT, ap);
    va_end(ap);
    return stmt;
}

void ledger_done(struct ledger *ledger, sqlite3_stmt *stmt)
{
    statements_put(&ledger->statements, stmt);
}

/* Outside of a transaction it is one of its own, which the origin must see, too. */
static int end_alone(struct ledger *ledger, int rc)
{
    if (rc == 0)
        return end_all(ledger);
    execute(ledger, "ROLLBACK");
    note_end(ledger, false);
    return rc;
}

int ledger_do(struct ledger *ledger, const char *sql, const char *types, ...)
{
    bool alone = ledger->origin.begin && !ledger->is_open;
    sqlite3_stmt *stmt;
    va_list ap;
    int rc = -1;

    if (alone && begin_all(ledger, true) < 0)
        return -1;
    ledger->is_open |= alone;
    va_start(ap, types);
    stmt = prepare(ledger, sql, types, SQLITE_STATIC, ap);
    va_end(ap);
    if (stmt)
        rc = sqlite3_step(stmt) == SQLITE_DONE ? 0 : fail(ledger, sql);
    ledger_done(ledger, stmt);
    return alone ? end_alone(ledger, rc) : rc;
}

int64_t ledger_number(struct ledger *ledger, int64_t otherwise, const char *sql,
                      const char *types, ...)
{
    sqlite3_stmt *stmt;
    va_list ap;

    va_start(ap, types);
    stmt = prepare(ledger, sql, types, SQLITE_STATIC, ap);
    va_end(ap);
    if (stmt && sqlite3_step(stmt) == SQLITE_ROW &&
        sqlite3_column_type(stmt, 0) != SQLITE_NULL)
        otherwise = sqlite3_column_int64(stmt, 0);
    ledger_done(ledger, stmt);
    return otherwise;
}

int64_t ledger_last_id(struct ledger *ledger)
{
    return sqlite3_last_insert_rowid(ledger->db);
}

int ledger_changed(struct ledger *ledger)
{
    return sqlite3_changes(ledger->db);
}
