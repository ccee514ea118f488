/* ledger_turn.c - whose turn it is, and transactions that reach the disk together */
#include "policy/ledger_inside.h"

#include <stdlib.h>

#include "policy/log.h"

/* What nobody waits for is written so much later at most. */
#define PATIENCE_S 1

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

void ledger_note_end(struct ledger *ledger, bool committed)
{
    ledger->is_open = false;
    if (ledger->origin.over)
        ledger->origin.over(ledger->origin.of, committed);
}

/* Ends SQLite's transaction, with all that is in it. What the ledger of record has is
 * done, whatever becomes of the copy (`here`). */
static int end_all(struct ledger *ledger, bool *here)
{
    struct ledger_origin *origin = &ledger->origin;
    int there = origin->commit ? origin->commit(origin->of) : 0;
    int rc = there < 0 ? -1 : ledger_execute(ledger, "COMMIT");

    if (rc < 0)
        sqlite3_exec(ledger->db, "ROLLBACK", NULL, NULL, NULL);
    ledger_note_end(ledger, rc == 0);
    *here = rc == 0;
    return there > 0 ? 0 : rc;
}

int ledger_end_all(struct ledger *ledger)
{
    bool here;

    return end_all(ledger, &here);
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
    bool waited_for, here;

    ledger->group = NULL;
    pthread_mutex_lock(&ledger->lock);
    ledger->pending = ledger->hurry = false;
    pthread_mutex_unlock(&ledger->lock);
    pthread_mutex_lock(&group->lock);
    group->rc = end_all(ledger, &here);
    if (here)
        ledger_well(ledger);
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
        sqlite3_busy_timeout(ledger->db, held ? LEDGER_BUSY_STILL_MS : LEDGER_BUSY_MS);
    ledger->held = held;
}

int ledger_begin_all(struct ledger *ledger, bool writes)
{
    struct ledger_origin *origin = &ledger->origin;
    int rc = ledger_execute(ledger, writes ? "BEGIN IMMEDIATE" : "BEGIN");

    if (writes)
        note_held(ledger, rc < 0 && ledger->trouble == SQLITE_BUSY);
    if (rc < 0 || !origin->begin || origin->begin(origin->of) == 0)
        return rc;
    ledger_execute(ledger, "ROLLBACK");
    return -1;
}

static int begin(struct ledger *ledger, bool writes)
{
    take_turn(ledger);
    if (!ledger->is_open && ledger_begin_all(ledger, writes) < 0) {
        end_turn(ledger);
        return -1;
    }
    ledger->is_open = true;
    ledger->before = sqlite3_total_changes64(ledger->db);
    if (!ledger->gather_ms || ledger_execute(ledger, "SAVEPOINT one") == 0)
        return 0;
    if (!ledger->group)
        ledger_end_all(ledger);
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
    if (ledger_execute(ledger, "RELEASE one") < 0) {
        ledger_execute(ledger, "ROLLBACK TO one");
        ledger_execute(ledger, "RELEASE one");
        if (!ledger->group)
            ledger_end_all(ledger);
        return -1;
    }
    if (ledger->group)
        return 0;
    if (sqlite3_total_changes64(ledger->db) == ledger->before)
        return ledger_end_all(ledger);
    ledger->group = new_group(ledger);
    return ledger->group ? 0 : ledger_end_all(ledger);
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
    int rc = ledger->gather_ms ? join_group(ledger) : ledger_end_all(ledger);

    if (ledger->gather_ms && rc == 0)
        return await(ledger);
    end_turn(ledger);
    return rc;
}

int ledger_commit_soon(struct ledger *ledger)
{
    int rc = ledger->gather_ms ? join_group(ledger) : ledger_end_all(ledger);

    end_turn(ledger);
    return rc;
}

void ledger_rollback(struct ledger *ledger)
{
    if (!ledger->gather_ms) {
        ledger_execute(ledger, "ROLLBACK");
        ledger_note_end(ledger, false);
    } else {
        ledger_execute(ledger, "ROLLBACK TO one");
        ledger_execute(ledger, "RELEASE one");
        if (!ledger->group)
            ledger_end_all(ledger);
    }
    end_turn(ledger);
}
