/* replica_join.c - a connection to the MariaDB that the ledger is in, and who acts */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/log.h"
#include "policy/mariadb_copy.h"
#include "policy/replica_inside.h"
#include "policy/schema.h"

/* Each ledger's own lock, whatever the database is called. */
#define LOCK_NAME "CONCAT('kwota:', SHA1(DATABASE()))"

/* What a copy of all may take. */
#define COPY_S 3600

/* What kwota_ledger says. */
struct record {
    int64_t version, seq;
    char ledger[41], actor[REPLICA_NAME];
};

static int give_up(struct replica *r)
{
    replica_hang_up(r, r->m.error);
    return -1;
}

static int refuse(struct replica *r, const char *why)
{
    mariadb_close(&r->m);
    r->locked = false;
    replica_become(r, REPLICA_REFUSED, why);
    return -1;
}

static int read_record(struct replica *r, struct record *record)
{
    MYSQL_RES *rows = mariadb_rows(
        &r->m, "SELECT version, ledger, seq, actor FROM kwota_ledger WHERE id = 1");
    MYSQL_ROW row = rows ? mysql_fetch_row(rows) : NULL;

    if (row) {
        record->version = strtoll(row[0], NULL, 10);
        snprintf(record->ledger, sizeof record->ledger, "%s", row[1]);
        record->seq = strtoll(row[2], NULL, 10);
        snprintf(record->actor, sizeof record->actor, "%s", row[3]);
    } else if (rows) {
        snprintf(r->m.error, sizeof r->m.error, "kwota_ledger is empty");
    }
    if (rows)
        mysql_free_result(rows);
    return row ? 0 : -1;
}

static int ask_for_lock(struct replica *r)
{
    int64_t got = 0;

    if (!r->locked &&
        mariadb_number(&r->m, "SELECT GET_LOCK(" LOCK_NAME ", 0)", &got) < 0)
        return -1;
    r->locked |= got == 1;
    return 0;
}

/* A database that has no ledger yet. Only who holds the lock makes one. */
static int make(struct replica *r)
{
    if (ask_for_lock(r) < 0)
        return give_up(r);
    if (!r->locked) {
        snprintf(r->m.error, sizeof r->m.error, "another kwotad sets it up just now");
        return give_up(r);
    }
    log_line("ledger: its tables are made in %s", r->place_name);
    if (mariadb_tables_make(&r->m, &r->tables) < 0 ||
        mariadb_format(
            &r->m, "INSERT IGNORE INTO kwota_ledger VALUES (1, %d, UUID(), 0, 0, '')",
            SCHEMA_VERSION) < 0)
        return give_up(r);
    return 0;
}

/* What a step fills new tables with is worked out in SQLite (schema_fill.c): all of it
 * is copied. Others' copies are behind then by a change that nobody kept. */
static int push(struct replica *r, int64_t seq)
{
    struct mariadb m = {NULL, false, ""};
    int rc = -1;

    if (mariadb_format(&r->m, "SET SESSION wait_timeout = %d", COPY_S) == 0 &&
        mariadb_open(&m, &r->place, COPY_S) == 0 &&
        mariadb_format(&m, "START TRANSACTION") == 0 &&
        mariadb_format(&m, "DELETE FROM kwota_changes") == 0 &&
        mariadb_format(&m, "UPDATE kwota_ledger SET version = %d, seq = %lld",
                       SCHEMA_VERSION, (long long)seq) == 0 &&
        mariadb_copy_up(&m, &r->tables, r->db) == 0 &&
        mariadb_format(&m, "COMMIT") == 0)
        rc = replica_mark(r, seq);
    if (rc < 0)
        snprintf(r->m.error, sizeof r->m.error, "%s", m.error);
    else
        r->seq = seq;
    mariadb_close(&m);
    return rc;
}

static int migrate(struct replica *r, struct record *record)
{
    char why[REPLICA_WHY];

    if (!r->starting || r->seq != record->seq) {
        snprintf(why, sizeof why,
                 "%s is of version %lld, this kwotad makes it version %d of its copy, "
                 "which is not up to date: let one that has been acting begin",
                 r->place_name, (long long)record->version, SCHEMA_VERSION);
        return refuse(r, why);
    }
    if (ask_for_lock(r) < 0)
        return give_up(r);
    if (!r->locked) {
        snprintf(
            why, sizeof why,
            "%s is of version %lld, and %s keeps it so, this kwotad makes it version "
            "%d: end that one first",
            r->place_name, (long long)record->version, record->actor, SCHEMA_VERSION);
        return refuse(r, why);
    }
    log_line("ledger: %s is made version %d of version %lld", r->place_name,
             SCHEMA_VERSION, (long long)record->version);
    if (mariadb_tables_make(&r->m, &r->tables) < 0 || push(r, ++record->seq) < 0)
        return give_up(r);
    return 0;
}

static int compare(struct replica *r, const struct record *record)
{
    char why[REPLICA_WHY];

    if (record->version > SCHEMA_VERSION)
        snprintf(
            why, sizeof why,
            "%s is of version %lld, this kwotad knows %d: install the newer kwotad",
            r->place_name, (long long)record->version, SCHEMA_VERSION);
    else if (!r->mark[0] && r->holds)
        snprintf(why, sizeof why,
                 "ledger.db in kwotad's spool holds a ledger of its own: copy it to %s "
                 "(kwota ledger copy), or move it away",
                 r->place_name);
    else if (r->mark[0] && strcmp(r->mark, record->ledger) != 0)
        snprintf(
            why, sizeof why,
            "ledger.db in kwotad's spool is a copy of another ledger than %s: name "
            "that one in kwota.json, or move ledger.db away",
            r->place_name);
    else if (r->seq > record->seq)
        snprintf(
            why, sizeof why,
            "%s ends with change %lld, its copy in kwotad's spool has %lld: was it "
            "restored from an older backup? Restore it up to there, or move "
            "ledger.db away and lose what is only in it",
            r->place_name, (long long)record->seq, (long long)r->seq);
    else
        return 0;
    return refuse(r, why);
}

/* A server that tells of a commit what it may still lose. */
static void warn_of_risk(struct replica *r)
{
    int64_t flush = 1;

    if (r->starting &&
        mariadb_number(&r->m, "SELECT @@innodb_flush_log_at_trx_commit", &flush) == 0 &&
        flush != 1)
        log_line("ledger: %s may lose its last second of charges in a power cut: set "
                 "innodb_flush_log_at_trx_commit=1 in the server's configuration",
                 r->place_name);
}

int replica_join(struct replica *r)
{
    struct record record;
    int64_t there = 0;

    r->locked = false;
    if (mariadb_open(&r->m, &r->place, REPLICA_TIMEOUT_S) < 0 ||
        mariadb_number(&r->m,
                       "SELECT COUNT(*) FROM information_schema.tables WHERE"
                       " table_schema = DATABASE() AND table_name = 'kwota_ledger'",
                       &there) < 0)
        return give_up(r);
    if (!there && (r->mark[0] || r->holds)) {
        record = (struct record){SCHEMA_VERSION, -1, "", ""};
        return compare(r, &record);
    }
    if (!there && make(r) < 0)
        return -1;
    if (read_record(r, &record) < 0)
        return give_up(r);
    if (compare(r, &record) < 0)
        return -1;
    if (record.version < SCHEMA_VERSION && migrate(r, &record) < 0)
        return -1;
    snprintf(r->mark, sizeof r->mark, "%s", record.ledger);
    warn_of_risk(r);
    replica_become(r, REPLICA_STANDS_BY, record.actor);
    return 0;
}

static int raise_fence(struct replica *r)
{
    struct mariadb_text sql = {NULL, 0, 0, false};
    int rc = -1;

    mariadb_text_add(&sql, "UPDATE kwota_ledger SET fence = fence + 1, actor = ");
    mariadb_text_quote(&sql, r->name, strlen(r->name));
    mariadb_text_add(&sql, " WHERE id = 1");
    if (!sql.failed && mariadb_do(&r->m, sql.text, sql.len) == 0)
        rc = mariadb_number(&r->m, "SELECT fence FROM kwota_ledger WHERE id = 1",
                            &r->fence);
    if (rc == 0 && mariadb_number(&r->m, "SELECT MAX(up_to_bytes) FROM kwota_changes",
                                  &r->bytes) < 0)
        rc = -1;
    if (rc == 0)
        rc = replica_ended_make(r);
    mariadb_text_free(&sql);
    return rc;
}

int replica_lock(struct replica *r)
{
    struct record record;

    if (ask_for_lock(r) < 0)
        return give_up(r);
    if (r->locked)
        return raise_fence(r) < 0 ? give_up(r) : 1;
    if (read_record(r, &record) < 0)
        return give_up(r);
    if (record.version != SCHEMA_VERSION)
        return compare(r, &record) < 0 ? -1 : give_up(r);
    pthread_mutex_lock(&r->lock);
    snprintf(r->actor, sizeof r->actor, "%s", record.actor);
    pthread_mutex_unlock(&r->lock);
    return 0;
}
