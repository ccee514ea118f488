/* ledger_inside.h - what the ledger's own files share; for them only */
#ifndef KWOTA_LEDGER_INSIDE_H
#define KWOTA_LEDGER_INSIDE_H

#include <pthread.h>
#include <stdbool.h>
#include <time.h>

#include "policy/ledger.h"
#include "policy/statements.h"

/* Another process may hold the file for a moment when kwotad starts; … */
#define LEDGER_OPEN_MS 10000

/* … later so long is waited for it once, and then, until it lets go, no more than that:
 * all who want the ledger wait meanwhile. */
#define LEDGER_BUSY_MS 2000
#define LEDGER_BUSY_STILL_MS 20

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
    int rows;                     /* … by the last ledger_do() */
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

/* Logs SQLite's last error with what was done, and what is to be done about it, once a
 * minute; -1. */
int ledger_fail(struct ledger *ledger, const char *what);

/* What is to be done about an error of SQLite's; NULL: it is no trouble with the file.
 */
const char *ledger_remedy(int code);

/* Something has been written. */
void ledger_well(struct ledger *ledger);

/* A statement that gives nothing and is kept prepared; 0 or -1. */
int ledger_execute(struct ledger *ledger, const char *sql);

/* Several statements, or one that is needed once. */
int ledger_execute_once(struct ledger *ledger, const char *sql);

/* SQLite's transaction, of all that are gathered in it; with `writes` nobody else can
 * write from its beginning on. */
int ledger_begin_all(struct ledger *ledger, bool writes);
int ledger_end_all(struct ledger *ledger);

/* It has ended: whoever has the ledger in another place hears of it. */
void ledger_note_end(struct ledger *ledger, bool committed);

#endif
