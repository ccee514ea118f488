/* ledger.h - the SQLite database that holds runs, charges and counts
 *
 * One connection, one lock: a caller holds it (ledger_begin() to ledger_commit() or
 * ledger_rollback()) for as long as it works, never across anything that can wait for
 * another machine. SQLite in WAL mode with synchronous=FULL: what is committed survives
 * kill -9 and power loss. Errors are logged here, with the statement.
 *
 * One write to the disk can make many transactions last (ledger_gather()). Each is then
 * a savepoint that can be undone by itself, and everyone sees what the others of its
 * group did before it is on disk: what goes out of the house waits for ledger_commit().
 */
#ifndef KWOTA_LEDGER_H
#define KWOTA_LEDGER_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ledger;

/* Opens DIR/ledger.db, made or migrated if need be; NULL with the reason on stderr. One
 * process at a time has it open: DIR/ledger.lock says so. A copy of a ledger in MariaDB
 * (replica.h) is refused. */
struct ledger *ledger_open(const char *dir);

/* The same for what is such a copy, or is to become one. */
struct ledger *ledger_open_copy(const char *dir);

void ledger_close(struct ledger *ledger);

/* Jobs whose end another process heard of, the oldest first. */
#define LEDGER_HEARD 256
struct ledger_heard {
    int count;
    uint32_t jobs[LEDGER_HEARD];
    int64_t ids[LEDGER_HEARD]; /* for ledger_forget_heard(); rising */
};

/* Where the ledger of record is when it is not SQLite's file. */
struct ledger_origin {
    void *of;
    /* In a turn: SQLite's transaction has begun. */
    int (*begin)(void *of);
    /* … it is to be committed. 1: the origin has what it changed, and so it counts; 0:
     * nothing of the origin's was changed; -1: it is undone. */
    int (*commit)(void *of);
    /* … it is over. */
    void (*over)(void *of, bool committed);
    /* Anytime: whether this process may write now; if not, why. */
    bool (*acts)(void *of, char *why, size_t size);
    /* Not in a turn: see ledger_pass_ended() and the two after it. */
    int (*pass)(void *of, const uint32_t *jobs, int count);
    int (*heard)(void *of, struct ledger_heard *heard);
    int (*forget)(void *of, int64_t up_to);
    /* Nothing of the above comes any more. */
    void (*stop)(void *of);
};

/* Before anybody else uses the ledger. */
void ledger_set_origin(struct ledger *ledger, const struct ledger_origin *origin);

/* Whether this process acts: only one that does decides and writes. If not, why. */
#define LEDGER_WHY 1280
bool ledger_acts(struct ledger *ledger, char why[LEDGER_WHY]);

/* A process that does not act tells the one that does of jobs that have ended; at most
 * LEDGER_HEARD. -1: not now. */
int ledger_pass_ended(struct ledger *ledger, const uint32_t *jobs, int count);

/* What others told this one, which acts. Returns how many these are; -1: not now. They
 * come again until they are forgotten, up to that id. */
int ledger_heard(struct ledger *ledger, struct ledger_heard *heard);
int ledger_forget_heard(struct ledger *ledger, int64_t up_to);

/* What keeps the ledger from being written, and the remedy; NULL: the last change was
 * written. Within a transaction. Static. */
const char *ledger_trouble(const struct ledger *ledger);

/* Has something done with SQLite's file in a turn of its own, outside of any
 * transaction; returns what that returns. */
int ledger_between(struct ledger *ledger, int (*work)(void *of, sqlite3 *db), void *of);

/* Opens a ledger's file, or a backup of one, only to be read, while kwotad may go on
 * writing: what a transaction sees stays as it was when it began. No lock of kwotad's
 * is held. NULL with the reason. */
#define LEDGER_READ_WHY 512
struct ledger *ledger_read(const char *path, char why[LEDGER_READ_WHY]);

/* The same of the ledger that is open here. */
struct ledger *ledger_reader(struct ledger *ledger, char why[LEDGER_READ_WHY]);

/* From now on a transaction waits so long for others to be written with; one that
 * nobody waits for, a second. */
int ledger_gather(struct ledger *ledger, int ms);

/* From now on this thread waits for the lock before all that did not say so, or no
 * more. For what prologs wait for, and what is little. */
void ledger_urgent(bool urgent);

/* Takes the lock and begins a transaction. */
int ledger_begin(struct ledger *ledger);

/* The same for what only reads: it works, too, while nothing can be written. */
int ledger_look(struct ledger *ledger);

/* 0: all that was done until now, by anyone, is on disk; -1: this is undone. */
int ledger_commit(struct ledger *ledger);

/* The same without waiting: it is on disk soon, or undone as if it had never been. For
 * what is done anew if it is, and tells nobody. */
int ledger_commit_soon(struct ledger *ledger);

void ledger_rollback(struct ledger *ledger);

/* Prepares a statement and binds its parameters: `types` has a letter for each
 * argument, i: int64_t, u: int64_t (ENERGY_UNKNOWN: null), s: const char * (NULL:
 * null). NULL on failure. The caller steps it and calls ledger_done(), which keeps it
 * for the next who asks the same (sqlite3_finalize() is as right, and slower). */
sqlite3_stmt *ledger_query(struct ledger *ledger, const char *sql, const char *types,
                           ...);
void ledger_done(struct ledger *ledger, sqlite3_stmt *stmt); /* NULL: nothing */

/* The same for a statement that gives no rows. -1 on failure. */
int ledger_do(struct ledger *ledger, const char *sql, const char *types, ...);

/* The first column of the first row, or `otherwise`. */
int64_t ledger_number(struct ledger *ledger, int64_t otherwise, const char *sql,
                      const char *types, ...);

int64_t ledger_last_id(struct ledger *ledger);

/* How many rows the last ledger_do() changed. */
int ledger_changed(struct ledger *ledger);

#endif
