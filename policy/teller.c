/* teller.c - the thread that tells slurmdbd what settled runs came to */
#include "policy/teller.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "policy/energy.h"
#include "policy/log.h"
#include "policy/slurm_comment.h"
#include "policy/summary.h"

/* So many runs are told with one commit of slurmdbd's. */
#define BATCH 128

/* So many entries are looked at with the ledger's lock held. */
#define NEWS 1000

/* Joules that something replaces again and again are written this often at most, over
 * some twenty minutes: slurmdbd keeps each change for ever. */
#define AGAIN_TRIES 8

/* Between two rounds: with nothing to tell; with slurmdbd away; and while there is
 * more, a part of what the last one took, so that a busy slurmdbd has time for others.
 */
#define IDLE_MS 2000
#define AWAY_MS 10000
#define MORE_PART 4
#define LEAST_MS 20

struct teller {
    struct ledger *ledger;
    const char *cluster;
    bool energy; /* joules go into the job's TRES, too */
    bool away;
    pthread_t thread;
    pthread_mutex_t lock; /* guards stop */
    pthread_cond_t stopped;
    bool stop;
};

static int64_t steady_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void note_away(struct teller *t, bool away)
{
    if (away && !t->away)
        log_line("slurmdbd does not answer: it is told later what runs came to");
    if (!away && t->away)
        log_line("slurmdbd answers again, and is told what runs came to");
    t->away = away;
}

/* How many runs are due, and into `due`. */
static int take(struct teller *t, struct summary_due due[BATCH])
{
    char why[LEDGER_WHY];
    int count = -1;

    /* Of several kwotad one tells. */
    if (!ledger_acts(t->ledger, why) || ledger_begin(t->ledger) < 0)
        return -1;
    if (summary_collect(t->ledger, t->cluster, NEWS) >= 0)
        count = summary_next(t->ledger, t->cluster, time(NULL), due, BATCH);
    if (count < 0)
        ledger_rollback(t->ledger);
    else
        ledger_commit_soon(t->ledger);
    return count;
}

/* What was measured whole is told in joules; part of it would only replace what Slurm
 * may have. */
static int64_t joules(const struct teller *t, const struct summary *summary)
{
    int64_t mj = summary_total_mj(summary);

    if (!t->energy || summary->quality == SUMMARY_PARTIAL || mj == ENERGY_UNKNOWN)
        return -1;
    return (mj + 500) / 1000;
}

static int write_batch(struct teller *t, const struct summary_due *due, int count,
                       struct comment_run *runs)
{
    char(*texts)[SUMMARY_TEXT] = malloc((size_t)count * sizeof *texts);
    int rc;

    if (!texts)
        return -1;
    for (int i = 0; i < count; i++)
        runs[i] = (struct comment_run){.job_id = due[i].job_id,
                                       .submit_s = due[i].submit_s,
                                       .text = summary_text(&due[i].summary, texts[i]),
                                       .energy_j = joules(t, &due[i].summary)};
    rc = comment_write(t->cluster, runs, count);
    free(texts);
    return rc;
}

static int note_one(struct teller *t, const struct summary_due *due,
                    enum comment_state state)
{
    int rc;

    if (state == COMMENT_FOREIGN)
        log_line("job %u has a system_comment in slurmdbd that is not kwota's: it is "
                 "left as it is",
                 due->job_id);
    if (state == COMMENT_AGAIN && due->tries >= AGAIN_TRIES) {
        log_line("slurmdbd does not keep the joules of job %u: they are not written "
                 "again",
                 due->job_id);
        state = COMMENT_WRITTEN;
    }
    if (state == COMMENT_WRITTEN || state == COMMENT_FOREIGN)
        return summary_told(t->ledger, due);
    rc = summary_later(t->ledger, due, time(NULL));
    if (rc > 0 && state == COMMENT_LATER)
        log_line("slurmdbd has no ended run of job %u: it is not told what it came to",
                 due->job_id);
    return rc < 0 ? -1 : 0;
}

/* What is undone here is told again: it is the same. */
static void note(struct teller *t, const struct summary_due *due,
                 const struct comment_run *runs, int count)
{
    int rc = 0;

    if (ledger_begin(t->ledger) < 0)
        return;
    for (int i = 0; rc == 0 && i < count; i++)
        rc = note_one(t, &due[i], runs[i].state);
    if (rc < 0)
        ledger_rollback(t->ledger);
    else
        ledger_commit_soon(t->ledger);
}

/* How many milliseconds until the next round. */
static int64_t work_round(struct teller *t)
{
    struct summary_due due[BATCH];
    struct comment_run runs[BATCH];
    int64_t began_ms = steady_ms(), took_ms;
    int count = take(t, due);

    if (count <= 0)
        return IDLE_MS;
    if (write_batch(t, due, count, runs) < 0) {
        note_away(t, true);
        return AWAY_MS;
    }
    note_away(t, false);
    note(t, due, runs, count);
    took_ms = steady_ms() - began_ms;
    if (count < BATCH)
        return IDLE_MS;
    return took_ms / MORE_PART > LEAST_MS ? took_ms / MORE_PART : LEAST_MS;
}

static void *work(void *arg)
{
    struct teller *t = arg;
    struct timespec until;
    int64_t rest_ms;

    pthread_setname_np(pthread_self(), "teller");
    pthread_mutex_lock(&t->lock);
    while (!t->stop) {
        pthread_mutex_unlock(&t->lock);
        rest_ms = work_round(t);
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += rest_ms / 1000;
        until.tv_nsec += rest_ms % 1000 * 1000000;
        if (until.tv_nsec >= 1000000000) {
            until.tv_sec++;
            until.tv_nsec -= 1000000000;
        }
        pthread_mutex_lock(&t->lock);
        while (!t->stop && pthread_cond_timedwait(&t->stopped, &t->lock, &until) == 0)
            ;
    }
    pthread_mutex_unlock(&t->lock);
    return NULL;
}

struct teller *teller_start(struct ledger *ledger, const struct settings *settings,
                            const char *cluster)
{
    struct teller *t = calloc(1, sizeof *t);

    if (!t)
        return NULL;
    t->ledger = ledger;
    t->cluster = cluster;
    t->energy = settings->slurmdbd_energy;
    if (t->energy && !comment_takes_energy())
        log_line("slurmdbd.energy has no effect: Slurm takes a job's joules from 25.11 "
                 "on");
    pthread_mutex_init(&t->lock, NULL);
    pthread_cond_init(&t->stopped, NULL);
    if (pthread_create(&t->thread, NULL, work, t) != 0) {
        free(t);
        return NULL;
    }
    return t;
}

void teller_stop(struct teller *t)
{
    if (!t)
        return;
    pthread_mutex_lock(&t->lock);
    t->stop = true;
    pthread_cond_signal(&t->stopped);
    pthread_mutex_unlock(&t->lock);
    pthread_join(t->thread, NULL);
    pthread_mutex_destroy(&t->lock);
    pthread_cond_destroy(&t->stopped);
    free(t);
}
