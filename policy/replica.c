/* replica.c - the ledger of record is in a MariaDB, and SQLite's file a copy of it */
#include "policy/replica.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policy/log.h"
#include "policy/mariadb_copy.h"
#include "policy/mariadb_rows.h"
#include "policy/replica_inside.h"

/* How often MariaDB is looked at; and, while it is away, at first, then after twice as
 * long each time, and in the end. */
#define PACE_MS 1000
#define AGAIN_MS 300
#define AGAIN_MOST_MS 4000

/* So long a kwotad without a copy waits for MariaDB when it starts. */
#define START_S 15

/* So long whoever waits is kept waiting when MariaDB went while it committed. */
#define FATE_S 5

/* Changes are kept for so long, and no more than so many bytes of them: who was away
 * for longer copies all. */
#define KEEP_S 3600
#define KEEP_BYTES (INT64_C(1) << 30)

/* No server takes everything in one statement (max_allowed_packet: 16 MiB and more). */
#define PART_BYTES ((size_t)4 << 20)

#define PRUNE_S 10

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

enum replica_state replica_state(struct replica *r)
{
    enum replica_state state;

    pthread_mutex_lock(&r->lock);
    state = r->state;
    pthread_mutex_unlock(&r->lock);
    return state;
}

static void tell(const struct replica *r, enum replica_state state, const char *why)
{
    switch (state) {
    case REPLICA_AWAY:
        log_line("ledger: nothing is written to %s for now: %s", r->place_name, why);
        break;
    case REPLICA_REFUSED:
        log_line("ledger: %s", why);
        break;
    case REPLICA_STANDS_BY:
        break; /* that it acts comes next, or who does */
    case REPLICA_ACTS:
        log_line("ledger: this kwotad acts on %s", r->place_name);
    }
}

void replica_become(struct replica *r, enum replica_state state, const char *why)
{
    bool news;

    pthread_mutex_lock(&r->lock);
    news = r->state != state || (state == REPLICA_REFUSED && strcmp(r->why, why) != 0);
    r->state = state;
    snprintf(r->why, sizeof r->why, "%s", why);
    pthread_mutex_unlock(&r->lock);
    if (news)
        tell(r, state, why);
}

void replica_hang_up(struct replica *r, const char *why)
{
    mariadb_close(&r->m);
    r->locked = false;
    replica_become(r, REPLICA_AWAY, why);
}

static int is_ours(void *arg, const char *table)
{
    (void)arg;
    return strcmp(table, MARIADB_MARK) != 0;
}

static int begin(void *of)
{
    struct replica *r = of;

    r->committed = false;
    if (sqlite3session_create(r->db, "main", &r->session) != SQLITE_OK)
        return -1;
    sqlite3session_table_filter(r->session, is_ours, NULL);
    if (sqlite3session_attach(r->session, NULL) == SQLITE_OK)
        return 0;
    sqlite3session_delete(r->session);
    r->session = NULL;
    return -1;
}

/* What SQLite would refuse anyway must not be in MariaDB. */
static bool breaks_a_reference(sqlite3 *db)
{
    int now = 0, most;

    return sqlite3_db_status(db, SQLITE_DBSTATUS_DEFERRED_FKS, &now, &most, 0) !=
               SQLITE_OK ||
           now > 0;
}

/* The transaction's number is taken first: whoever lost the lock stops here, and of
 * two the second waits for the first to be over. */
static int take_number(struct replica *r, int64_t seq)
{
    if (mariadb_do(&r->m, "START TRANSACTION", 17) < 0 ||
        mariadb_format(&r->m,
                       "UPDATE kwota_ledger SET seq = %lld WHERE id = 1 AND seq = %lld"
                       " AND fence = %lld",
                       (long long)seq, (long long)seq - 1, (long long)r->fence) < 0)
        return -1;
    if (mariadb_changed(&r->m) == 1)
        return 0;
    snprintf(r->m.error, sizeof r->m.error, "another kwotad has taken over");
    r->m.is_lost = true; /* its lock is, or the other could not have */
    return -1;
}

static int keep_part(struct replica *r, int64_t seq, int part, const void *changes,
                     size_t size)
{
    struct mariadb_text sql = {NULL, 0, 0, false};
    int rc;

    mariadb_text_add(&sql, "INSERT INTO kwota_changes VALUES (");
    mariadb_text_number(&sql, seq);
    mariadb_text_add(&sql, ",");
    mariadb_text_number(&sql, part);
    mariadb_text_add(&sql, ",");
    mariadb_text_number(&sql, r->fence);
    mariadb_text_add(&sql, ",UNIX_TIMESTAMP(),");
    mariadb_text_number(&sql, r->bytes);
    mariadb_text_add(&sql, ",");
    mariadb_text_bytes(&sql, changes, size);
    mariadb_text_add(&sql, ")");
    rc = sql.failed ? -1 : mariadb_do(&r->m, sql.text, sql.len);
    mariadb_text_free(&sql);
    return rc;
}

static int keep_change(struct replica *r, int64_t seq, const char *changes, size_t size)
{
    int part = 0, rc = 0;

    for (size_t n; size > 0 && rc == 0; changes += n, size -= n) {
        n = size < PART_BYTES ? size : PART_BYTES;
        rc = keep_part(r, seq, part++, changes, n);
    }
    return rc;
}

/* Whether a transaction is in MariaDB whose COMMIT had no answer. 1, 0; -1: nobody
 * answers. The row that every transaction changes first is asked for as if to change
 * it: whoever still holds it is waited for. */
static int ask_fate(struct replica *r, int64_t seq)
{
    struct mariadb m = {NULL, false, ""};
    int64_t found = 0, last;
    char sql[128];
    int rc = -1;

    snprintf(sql, sizeof sql,
             "SELECT COUNT(*) FROM kwota_changes WHERE seq = %lld AND fence = %lld",
             (long long)seq, (long long)r->fence);
    if (mariadb_open(&m, &r->place, REPLICA_TIMEOUT_S) == 0 &&
        mariadb_number(&m, "SELECT seq FROM kwota_ledger WHERE id = 1 FOR UPDATE",
                       &last) == 0 &&
        mariadb_number(&m, sql, &found) == 0)
        rc = found > 0;
    mariadb_close(&m);
    return rc;
}

static int find_fate(struct replica *r, int64_t seq)
{
    static const struct timespec pause = {0, AGAIN_MS * 1000000L};
    int64_t until_ms = now_ms() + FATE_S * 1000;
    int rc;

    replica_hang_up(r, r->m.error);
    while ((rc = ask_fate(r, seq)) < 0 && now_ms() < until_ms)
        nanosleep(&pause, NULL);
    if (rc < 0)
        log_line("ledger: %s went while change %lld was committed: whether it was is "
                 "seen when it is back, and until then it counts as not done",
                 r->place_name, (long long)seq);
    else
        log_line("ledger: %s went while change %lld was committed: it %s",
                 r->place_name, (long long)seq, rc ? "has it" : "does not have it");
    return rc > 0 ? 1 : -1;
}

/* 1: MariaDB has it. -1: it has not, or nobody knows. */
static int write_change(struct replica *r, void *changes, int size)
{
    int64_t seq = r->seq + 1;
    int rc = 1;

    if (take_number(r, seq) < 0 ||
        mariadb_rows_apply(&r->m, &r->tables, r->db, changes, size) < 0 ||
        keep_change(r, seq, changes, (size_t)size) < 0 || replica_mark(r, seq) < 0) {
        log_line("ledger: %s does not take a change, it is undone: %s", r->place_name,
                 r->m.error);
        if (r->m.is_lost || mariadb_do(&r->m, "ROLLBACK", 8) < 0)
            replica_hang_up(r, r->m.error);
        return -1;
    }
    if (mariadb_do(&r->m, "COMMIT", 6) < 0) {
        rc = r->m.is_lost ? find_fate(r, seq) : -1;
        if (!r->m.is_lost)
            replica_hang_up(r, r->m.error);
    }
    if (rc == 1) {
        r->seq = seq;
        r->bytes += size;
    }
    return rc;
}

static int commit(void *of)
{
    struct replica *r = of;
    void *changes = NULL;
    int size = 0, rc = -1;

    if (!r->session)
        return -1;
    if (sqlite3session_isempty(r->session) || breaks_a_reference(r->db))
        return 0;
    if (sqlite3session_changeset(r->session, &size, &changes) != SQLITE_OK) {
        log_line("ledger: what was changed cannot be told: %s", sqlite3_errmsg(r->db));
        return -1;
    }
    if (size == 0) {
        rc = 0;
    } else if (replica_state(r) == REPLICA_ACTS) {
        pthread_mutex_lock(&r->wire);
        if (r->m.wire && r->locked)
            rc = write_change(r, changes, size);
        pthread_mutex_unlock(&r->wire);
    }
    sqlite3_free(changes);
    r->committed = rc == 1;
    return rc;
}

/* What MariaDB has and SQLite could not write (a full disk) is fetched from it again;
 * nothing more is written before it is here. */
static void over(void *of, bool committed)
{
    struct replica *r = of;

    sqlite3session_delete(r->session);
    r->session = NULL;
    if (!r->committed || committed)
        return;
    log_line("ledger: %s has change %lld, the copy in kwotad's spool could not be "
             "written",
             r->place_name, (long long)r->seq);
    pthread_mutex_lock(&r->wire);
    replica_read_mark(r);
    pthread_mutex_unlock(&r->wire);
    replica_follow(r, r->db);
}

static bool acts(void *of, char *why, size_t size)
{
    struct replica *r = of;
    enum replica_state state;

    pthread_mutex_lock(&r->lock);
    state = r->state;
    if (state == REPLICA_STANDS_BY)
        snprintf(why, size, "this kwotad stands by: %s acts",
                 r->actor[0] ? r->actor : "nobody yet");
    else if (state == REPLICA_AWAY)
        snprintf(why, size, "the ledger cannot be written: %s is away", r->place_name);
    else if (state == REPLICA_REFUSED)
        snprintf(why, size, "the ledger cannot be written: %s", r->why);
    pthread_mutex_unlock(&r->lock);
    return state == REPLICA_ACTS;
}

/* Whether it is still us. Wants the wire. */
static void look_at_fence(struct replica *r)
{
    int64_t fence = -1;

    if (mariadb_number(&r->m, "SELECT fence FROM kwota_ledger WHERE id = 1", &fence) <
        0)
        replica_hang_up(r, r->m.error);
    else if (fence != r->fence)
        replica_hang_up(r, "another kwotad has taken over");
}

static void prune(struct replica *r)
{
    int64_t now_s = now_ms() / 1000;

    if (now_s < r->next_prune_s)
        return;
    r->next_prune_s = now_s + PRUNE_S;
    if (mariadb_format(&r->m,
                       "DELETE FROM kwota_changes WHERE time_s < UNIX_TIMESTAMP() - %d"
                       " OR up_to_bytes < %lld ORDER BY seq LIMIT 1000",
                       KEEP_S, (long long)(r->bytes - KEEP_BYTES)) < 0)
        replica_hang_up(r, r->m.error);
}

/* One look at MariaDB; returns after how many ms the next is due. */
static int look(struct replica *r, int before_ms)
{
    bool follow = false;

    pthread_mutex_lock(&r->wire);
    if (r->m.wire && replica_state(r) == REPLICA_ACTS) {
        look_at_fence(r);
        if (r->m.wire)
            prune(r);
        if (r->m.wire)
            replica_listen(r);
    }
    /* Whoever lost it asks for it again at once. */
    if (replica_state(r) != REPLICA_ACTS)
        follow = (r->m.wire || replica_join(r) == 0) && replica_lock(r) >= 0;
    pthread_mutex_unlock(&r->wire);
    if (follow)
        ledger_between(r->ledger, replica_follow, r);
    if (replica_state(r) >= REPLICA_STANDS_BY)
        return PACE_MS;
    if (before_ms == PACE_MS)
        return AGAIN_MS;
    return before_ms < AGAIN_MOST_MS / 2 ? before_ms * 2 : AGAIN_MOST_MS;
}

static void *watch(void *arg)
{
    struct replica *r = arg;
    struct timespec until;
    int ms = PACE_MS;

    pthread_setname_np(pthread_self(), "replica");
    ledger_urgent(true);
    pthread_mutex_lock(&r->lock);
    for (;;) {
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += ms / 1000;
        until.tv_nsec += ms % 1000 * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        while (!r->stop &&
               pthread_cond_timedwait(&r->stopped, &r->lock, &until) != ETIMEDOUT)
            ;
        if (r->stop)
            break;
        pthread_mutex_unlock(&r->lock);
        ms = look(r, ms);
        pthread_mutex_lock(&r->lock);
    }
    pthread_mutex_unlock(&r->lock);
    return NULL;
}

static void free_replica(struct replica *r)
{
    mariadb_close(&r->m);
    mariadb_tables_free(&r->tables);
    pthread_cond_destroy(&r->stopped);
    pthread_mutex_destroy(&r->lock);
    pthread_mutex_destroy(&r->wire);
    free(r);
}

static void stop(void *of)
{
    struct replica *r = of;

    pthread_mutex_lock(&r->lock);
    r->stop = true;
    pthread_cond_signal(&r->stopped);
    pthread_mutex_unlock(&r->lock);
    pthread_join(r->thread, NULL);
    free_replica(r);
}

/* For ledger_between(): what the file is. */
static int know_copy(void *of, sqlite3 *db)
{
    struct replica *r = of;
    int holds;

    r->db = db;
    if (mariadb_tables_read(db, &r->tables) < 0 || replica_read_mark(r) < 0)
        return -1;
    holds = mariadb_sqlite_holds(db, &r->tables);
    r->holds = holds > 0 && !r->mark[0];
    return holds < 0 ? -1 : 0;
}

/* Who has no copy needs MariaDB, and has time. */
static int first_look(struct replica *r)
{
    static const struct timespec pause = {0, AGAIN_MS * 1000000L};
    int64_t until_ms = now_ms() + START_S * 1000;

    do {
        look(r, PACE_MS);
        if (replica_state(r) == REPLICA_REFUSED)
            return -1;
        if (replica_state(r) != REPLICA_AWAY || r->seq >= 0)
            return 0;
        nanosleep(&pause, NULL);
    } while (now_ms() < until_ms);
    log_line("ledger: there is no copy of %s that could be read meanwhile",
             r->place_name);
    return -1;
}

int replica_start(struct ledger *ledger, const struct mariadb_place *place,
                  const char *name)
{
    struct replica *r = calloc(1, sizeof *r);

    if (!r)
        return -1;
    mysql_library_init(0, NULL, NULL);
    r->ledger = ledger;
    r->place = *place;
    r->state = REPLICA_STANDS_BY;
    r->starting = true;
    mariadb_place_name(place, r->place_name);
    snprintf(r->name, sizeof r->name, "%s", name);
    pthread_mutex_init(&r->wire, NULL);
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->stopped, NULL);
    if (ledger_between(ledger, know_copy, r) < 0 || first_look(r) < 0) {
        free_replica(r);
        return -1;
    }
    r->starting = false;
    if (pthread_create(&r->thread, NULL, watch, r) != 0) {
        free_replica(r);
        return -1;
    }
    if (replica_state(r) == REPLICA_STANDS_BY)
        log_line("ledger: this kwotad stands by: %s acts on %s", r->actor,
                 r->place_name);
    ledger_set_origin(ledger, &(struct ledger_origin){.of = r,
                                                      .begin = begin,
                                                      .commit = commit,
                                                      .over = over,
                                                      .acts = acts,
                                                      .pass = replica_pass_ended,
                                                      .heard = replica_heard,
                                                      .forget = replica_forget_heard,
                                                      .stop = stop});
    return 0;
}
