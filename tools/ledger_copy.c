/* ledger_copy.c - kwota ledger copy: a whole ledger from SQLite to a MariaDB, or back
 *
 * On files and databases that no kwotad uses: both sides are locked as kwotad locks
 * them. All is one transaction on the side that is written to, and what was written is
 * read again and compared before it counts.
 */
#include "tools/ledger_copy.h"

#include "config.h"

#include <argp.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/ledger.h"
#include "policy/mariadb_copy.h"
#include "policy/schema.h"
#include "tools/command.h"

/* A statement of a copy may take long, and so may SQLite in between. */
#define PATIENCE_S 3600

struct copy {
    const char *from, *to;
    bool replace, up; /* up: to MariaDB */
    struct mariadb_place place;
    char place_name[MARIADB_PLACE_TEXT], folder[512];
    struct mariadb m;
    struct mariadb_tables tables;
};

enum { OPT_FROM = 256, OPT_TO, OPT_REPLACE };

static const struct argp_option options[] = {
    {"from", OPT_FROM, "LEDGER", 0, "what is copied", 0},
    {"to", OPT_TO, "LEDGER", 0, "where it is copied to", 0},
    {"replace", OPT_REPLACE, 0, 0, "over a ledger that is there, which is lost", 0},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct copy *c = state->input;

    switch (key) {
    case OPT_FROM:
        c->from = arg;
        return 0;
    case OPT_TO:
        c->to = arg;
        return 0;
    case OPT_REPLACE:
        c->replace = true;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "\"%s\" is too much: --from LEDGER --to LEDGER", arg);
        return 0;
    case ARGP_KEY_END:
        if (!c->from || !c->to)
            argp_error(state, "--from and --to are needed");
        else if (mariadb_place_is(c->from) == mariadb_place_is(c->to))
            argp_error(state, "one of the two must be mariadb://…, the other kwotad's "
                              "spool folder; kwota ledger backup copies a file");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static int refuse(const char *what, const char *why)
{
    fprintf(stderr, "kwota: %s%s%s\n", what, why[0] ? ": " : "", why);
    return -1;
}

/* Both places, checked. */
static int read_places(struct copy *c)
{
    const char *folder = c->up ? c->from : c->to;
    char why[MARIADB_PLACE_TEXT], file[640];
    size_t len = strlen(folder);

    if (mariadb_place_read(c->up ? c->to : c->from, &c->place, why) < 0)
        return refuse(c->up ? c->to : c->from, why);
    mariadb_place_name(&c->place, c->place_name);
    if (len > 10 && strcmp(folder + len - 10, "/ledger.db") == 0)
        len -= 10;
    snprintf(c->folder, sizeof c->folder, "%.*s", (int)len, folder);
    snprintf(file, sizeof file, "%s/ledger.db", c->folder);
    if (c->up && access(file, R_OK) < 0)
        return refuse(file, "there is no such ledger, or it cannot be read");
    return 0;
}

static int tell_lock(struct copy *c)
{
    MYSQL_RES *rows = mariadb_rows(&c->m, "SELECT actor FROM kwota_ledger");
    MYSQL_ROW row = rows ? mysql_fetch_row(rows) : NULL;

    fprintf(stderr, "kwota: the kwotad on %s uses %s: stop it first\n",
            row ? row[0] : "another host", c->place_name);
    if (rows)
        mysql_free_result(rows);
    return -1;
}

/* Connected, and nobody else acts there until this is over. */
static int open_mariadb(struct copy *c)
{
    int64_t got = 0;

    if (mariadb_open(&c->m, &c->place, PATIENCE_S) < 0 ||
        mariadb_format(&c->m,
                       "SET SESSION wait_timeout = %d, net_read_timeout = %d,"
                       " net_write_timeout = %d",
                       PATIENCE_S, PATIENCE_S, PATIENCE_S) < 0 ||
        mariadb_number(&c->m, "SELECT GET_LOCK(CONCAT('kwota:', SHA1(DATABASE())), 0)",
                       &got) < 0)
        return refuse(c->place_name, c->m.error);
    return got == 1 ? 0 : tell_lock(c);
}

/* A ledger of another version is not read by guessing. */
static int check_version(struct copy *c)
{
    int64_t there = 0, version = 0;

    if (mariadb_number(&c->m,
                       "SELECT COUNT(*) FROM information_schema.tables WHERE"
                       " table_schema = DATABASE() AND table_name = 'kwota_ledger'",
                       &there) < 0)
        return refuse(c->place_name, c->m.error);
    if (!there)
        return c->up ? 0 : refuse(c->place_name, "it holds no ledger");
    if (mariadb_number(&c->m, "SELECT version FROM kwota_ledger", &version) < 0)
        return refuse(c->place_name, c->m.error);
    if (version <= SCHEMA_VERSION && (c->up || version == SCHEMA_VERSION))
        return 0;
    fprintf(stderr, "kwota: %s is of version %" PRId64 ", this kwota knows %d: %s\n",
            c->place_name, version, SCHEMA_VERSION,
            version > SCHEMA_VERSION ? "install the newer kwota"
                                     : "let a kwotad of this version run on it once");
    return -1;
}

/* 1: it has rows. */
static int mariadb_holds(struct copy *c)
{
    char sql[160];

    for (int t = 0; t < c->tables.count; t++) {
        int64_t one;
        int rc;

        snprintf(sql, sizeof sql, "SELECT 1 FROM `%s` LIMIT 1", c->tables.list[t].name);
        rc = mariadb_number(&c->m, sql, &one);
        if (rc < 0)
            return refuse(c->place_name, c->m.error);
        if (rc == 0)
            return 1;
    }
    return 0;
}

static int check_target(struct copy *c, sqlite3 *db)
{
    int holds;

    if (c->up && mariadb_tables_make(&c->m, &c->tables) < 0)
        return refuse(c->place_name, c->m.error);
    holds = c->up ? mariadb_holds(c) : mariadb_sqlite_holds(db, &c->tables);
    if (holds <= 0 || c->replace)
        return holds < 0 ? -1 : 0;
    return refuse(c->to,
                  "it holds a ledger already; --replace copies over it, and what "
                  "it holds is lost");
}

/* Every table on both sides: how many rows, the sum of all numbers, a sum of all rows.
 */
static int verify(struct copy *c, sqlite3 *db)
{
    struct mariadb_sum here, there;
    int64_t rows = 0;

    for (int t = 0; t < c->tables.count; t++) {
        const struct mariadb_table *table = &c->tables.list[t];

        if (mariadb_sum_sqlite(db, table, &here) < 0 ||
            mariadb_sum_mariadb(&c->m, table, &there) < 0)
            return refuse(table->name, c->m.error);
        if (memcmp(&here, &there, sizeof here) != 0)
            return refuse(table->name, "it is not the same on both sides; nothing was "
                                       "copied");
        if (here.rows > 0)
            printf("%-16s %10" PRId64 " rows   checksum %016" PRIx64 "\n", table->name,
                   here.rows, here.hash);
        rows += here.rows;
    }
    printf("%" PRId64 " rows in %d tables, the same on both sides\n", rows,
           c->tables.count);
    return 0;
}

static int execute(sqlite3 *db, const char *sql)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK
               ? 0
               : refuse("SQLite", sqlite3_errmsg(db));
}

/* Copies of what was there are behind by a change that nobody kept: they are copied
 * anew. */
static int copy_up(struct copy *c, sqlite3 *db)
{
    if (mariadb_do(&c->m, "START TRANSACTION", 17) < 0 ||
        mariadb_format(&c->m, "INSERT IGNORE INTO kwota_ledger VALUES"
                              " (1, 0, UUID(), 0, 0, '')") < 0 ||
        mariadb_format(&c->m,
                       "UPDATE kwota_ledger SET version = %d, seq = seq + 1,"
                       " fence = fence + 1",
                       SCHEMA_VERSION) < 0 ||
        mariadb_format(&c->m, "DELETE FROM kwota_changes") < 0 ||
        mariadb_copy_up(&c->m, &c->tables, db) < 0)
        return refuse(c->place_name, c->m.error);
    if (verify(c, db) < 0)
        return -1;
    return mariadb_do(&c->m, "COMMIT", 6) == 0 ? 0 : refuse(c->place_name, c->m.error);
}

static int copy_down(struct copy *c, sqlite3 *db)
{
    if (mariadb_format(&c->m, "START TRANSACTION WITH CONSISTENT SNAPSHOT") < 0 ||
        mariadb_copy_down(&c->m, &c->tables, db) < 0)
        return refuse(c->place_name, c->m.error);
    if (execute(db, "DROP TABLE IF EXISTS " MARIADB_MARK) < 0)
        return -1;
    return verify(c, db);
}

/* A copy that kwotad had of a MariaDB that is lost is all there is; over that MariaDB
 * itself it would undo what it does not have yet. */
static int check_source(struct copy *c, sqlite3 *db)
{
    sqlite3_stmt *row = NULL;
    char sql[160];
    int64_t same = 0;

    if (sqlite3_prepare_v2(db, "SELECT ledger, seq FROM " MARIADB_MARK, -1, &row,
                           NULL) != SQLITE_OK)
        return 0; /* it is none */
    if (sqlite3_step(row) == SQLITE_ROW) {
        fprintf(stderr,
                "kwota: %s is the copy of a ledger in MariaDB, up to change "
                "%lld\n",
                c->from, (long long)sqlite3_column_int64(row, 1));
        snprintf(sql, sizeof sql,
                 "SELECT COUNT(*) FROM kwota_ledger WHERE ledger = '%s'",
                 (const char *)sqlite3_column_text(row, 0));
        if (mariadb_number(&c->m, sql, &same) < 0 && c->m.is_lost)
            same = -1;
    }
    sqlite3_finalize(row);
    return same == 0 ? 0
                     : refuse(c->to, same > 0 ? "it is that very ledger" : c->m.error);
}

/* For ledger_between(). */
static int copy(void *of, sqlite3 *db)
{
    struct copy *c = of;
    int rc;

    if (mariadb_tables_read(db, &c->tables) < 0 || schema_memory_drop(db) < 0 ||
        (c->up && check_source(c, db) < 0) || check_target(c, db) < 0)
        return -1;
    if (execute(db, "BEGIN IMMEDIATE") < 0)
        return -1;
    rc = c->up ? copy_up(c, db) : copy_down(c, db);
    if (rc == 0)
        return execute(db, "COMMIT");
    execute(db, "ROLLBACK");
    return -1;
}

/* What root makes in the folder is its owner's: kwotad is not root. */
static void hand_over(const char *folder)
{
    static const char *const names[] = {"ledger.db", "ledger.db-wal", "ledger.db-shm",
                                        "ledger.lock"};
    char path[640];
    struct stat st;

    if (stat(folder, &st) < 0)
        return;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        if (access(path, F_OK) == 0 && lchown(path, st.st_uid, st.st_gid) < 0)
            perror(path);
    }
}

int ledger_copy(int argc, char **argv)
{
    static const struct argp argp = {
        options,
        parse,
        "--from LEDGER --to LEDGER",
        "Copies a whole ledger from kwotad's spool folder (SQLite) to a MariaDB, or "
        "back, and compares both before it counts. LEDGER is a folder, or "
        "mariadb://USER@HOST:PORT/DATABASE?password_file=FILE as in kwota.json. kwotad "
        "must be stopped.",
        NULL,
        NULL,
        NULL};
    struct copy c = {.m = {NULL, false, ""}};
    struct ledger *ledger;
    int rc = -1;

    argp_parse(&argp, argc, argv, 0, NULL, &c);
    c.up = mariadb_place_is(c.to);
    umask(0077);
    if (read_places(&c) < 0)
        return EXIT_REFUSED;
    ledger = ledger_open_copy(c.folder);
    if (ledger && open_mariadb(&c) == 0 && check_version(&c) == 0)
        rc = ledger_between(ledger, copy, &c);
    mariadb_close(&c.m);
    mariadb_tables_free(&c.tables);
    ledger_close(ledger);
    hand_over(c.folder);
    return rc == 0 ? 0 : EXIT_REFUSED;
}
