/* ledger.c - statements on the SQLite database that holds runs, charges and counts */
#include "policy/ledger_inside.h"

#include <stdarg.h>
#include <string.h>

#include "policy/energy.h"
#include "policy/log.h"

/* The same trouble is told again after so long. */
#define TELL_AGAIN_S 60

/* What is to be done; NULL: it is no trouble with the file. */
const char *ledger_remedy(int code)
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

int ledger_fail(struct ledger *ledger, const char *what)
{
    int code = sqlite3_errcode(ledger->db) & 0xff;
    const char *remedy = ledger_remedy(code);

    if (!remedy || is_news(ledger, code))
        log_line("ledger: %.160s: %s%s%s", what, sqlite3_errmsg(ledger->db),
                 remedy ? ": " : "", remedy ? remedy : "");
    return -1;
}

const char *ledger_trouble(const struct ledger *ledger)
{
    return ledger->trouble ? ledger_remedy(ledger->trouble) : NULL;
}

/* Something has been written. */
void ledger_well(struct ledger *ledger)
{
    if (!ledger->trouble)
        return;
    log_line("the ledger can be written again; %d errors like the last were not told",
             ledger->untold);
    ledger->trouble = ledger->untold = 0;
}

int ledger_execute(struct ledger *ledger, const char *sql)
{
    sqlite3_stmt *stmt = statements_take(&ledger->statements, ledger->db, sql);
    int rc = stmt ? sqlite3_step(stmt) : SQLITE_ERROR;

    rc = rc == SQLITE_DONE || rc == SQLITE_ROW ? 0 : ledger_fail(ledger, sql);
    statements_put(&ledger->statements, stmt);
    return rc;
}

/* Several statements, or one that is needed once. */
int ledger_execute_once(struct ledger *ledger, const char *sql)
{
    return sqlite3_exec(ledger->db, sql, NULL, NULL, NULL) == SQLITE_OK
               ? 0
               : ledger_fail(ledger, sql);
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
        ledger_fail(ledger, sql);
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
        return ledger_end_all(ledger);
    ledger_execute(ledger, "ROLLBACK");
    ledger_note_end(ledger, false);
    return rc;
}

int ledger_do(struct ledger *ledger, const char *sql, const char *types, ...)
{
    bool alone = ledger->origin.begin && !ledger->is_open;
    sqlite3_stmt *stmt;
    va_list ap;
    int rc = -1;

    if (alone && ledger_begin_all(ledger, true) < 0)
        return -1;
    ledger->is_open |= alone;
    va_start(ap, types);
    stmt = prepare(ledger, sql, types, SQLITE_STATIC, ap);
    va_end(ap);
    if (stmt)
        rc = sqlite3_step(stmt) == SQLITE_DONE ? 0 : ledger_fail(ledger, sql);
    /* Before the origin's own writing at the transaction's end. */
    ledger->rows = rc == 0 ? sqlite3_changes(ledger->db) : 0;
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
    return ledger->rows;
}
