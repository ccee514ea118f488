/* replica_inside.h - what replica.c, replica_join.c and replica_follow.c share
 *
 * Two locks: whoever has both took the ledger's turn before the wire.
 */
#ifndef KWOTA_REPLICA_INSIDE_H
#define KWOTA_REPLICA_INSIDE_H

#include <pthread.h>
#include <stdatomic.h>

#include "policy/mariadb.h"
#include "policy/mariadb_tables.h"
#include "policy/replica.h"

enum replica_state {
    REPLICA_AWAY,    /* MariaDB does not answer */
    REPLICA_REFUSED, /* it answers, and that is no ledger of ours: see why */
    REPLICA_STANDS_BY,
    REPLICA_ACTS,
};

#define REPLICA_NAME 300
#define REPLICA_WHY 1024

/* How many seconds whoever waits for MariaDB waits at most, but for a copy of all. */
#define REPLICA_TIMEOUT_S 4

struct replica {
    struct ledger *ledger;
    struct mariadb_place place;
    char place_name[MARIADB_PLACE_TEXT], name[REPLICA_NAME];
    struct mariadb_tables tables;

    /* of whose turn it is: */
    sqlite3 *db;
    sqlite3_session
        *session;      /* what SQLite's transaction changed; NULL: there is none */
    bool committed;    /* MariaDB has it, SQLite not yet */
    bool stale_memory; /* schema_in_memory is to be made anew */
    bool starting;     /* nobody else uses the ledger yet */

    pthread_mutex_t wire; /* guards all up to the next lock */
    struct mariadb m;
    int64_t seq;   /* the copy's last change; -1: it is no copy yet. Changed by
                      whose turn it is, with the wire */
    char mark[41]; /* the ledger that it is a copy of; "": none yet */
    bool holds;    /* it was no copy when it was opened, and has rows */
    bool locked;   /* this connection holds the server's lock */
    int64_t fence; /* ours, while locked */
    int64_t bytes; /* of all changes up to the last */
    int64_t next_prune_s;

    pthread_mutex_t lock; /* guards all below */
    enum replica_state state;
    char actor[REPLICA_NAME]; /* who acts, as it calls itself */
    char why[REPLICA_WHY];    /* that it is refused, or away */
    bool stop;
    pthread_t thread;
    pthread_cond_t stopped;

    atomic_bool heard; /* others have told of jobs that ended */
};

/* Says so in the log if it is news. */
void replica_become(struct replica *r, enum replica_state state, const char *why);
enum replica_state replica_state(struct replica *r);

/* Gives the connection up: the server's lock goes with it. Wants the wire. */
void replica_hang_up(struct replica *r, const char *why);

/* Connects, and looks whether that is the ledger of this copy. Wants the wire. -1: it
 * has become away or refused. */
int replica_join(struct replica *r);

/* Asks for the server's lock. 1: it is ours, and the fence raised; 0: another's; -1:
 * the connection was given up. Wants the wire. */
int replica_lock(struct replica *r);

/* replica_ended.c. These two want the wire: makes the table, -1 if the connection is
 * lost; is there something in it? */
int replica_ended_make(struct replica *r);
void replica_listen(struct replica *r);

/* … and for the ledger (ledger.h) */
int replica_pass_ended(void *replica, const uint32_t *jobs, int count);
int replica_heard(void *replica, struct ledger_heard *heard);
int replica_forget_heard(void *replica, int64_t up_to);

/* For ledger_between(): makes the copy what MariaDB has; once the lock is ours, acts.
 */
int replica_follow(void *replica, sqlite3 *db);

/* Keeps in the copy up to which change it is one. In SQLite's transaction. */
int replica_mark(struct replica *r, int64_t seq);

/* The same, read: as it was when SQLite last committed. */
int replica_read_mark(struct replica *r);

#endif
