/* steward.c - the thread that keeps Slurm's side of the budgets */
#include "policy/steward.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policy/accounts.h"
#include "policy/admission_map.h"
#include "policy/clock.h"
#include "policy/gather.h"
#include "policy/hook.h"
#include "policy/impact.h"
#include "policy/limits.h"
#include "policy/log.h"
#include "policy/queue_change.h"
#include "policy/threshold.h"
#include "policy/waiting.h"

/* A round at least this often, and not more often than the other. */
#define PACE_S 2
#define LEAST_NS 300000000

/* After a round that took long, so many times as long passes before the next: with very
 * many jobs the limits lag rather than take a core. */
#define REST 24

/* How often slurmdbd is asked for its accounts, and slurmctld for its partitions. */
#define TREE_S 60

/* A limit that is far from being reached is written this seldom. */
#define COARSE_S 30

/* Running jobs with a new time limit that nobody has asked for yet, at most; a sweep
 * finds the others. */
#define CHANGED_MOST 256

/* How often thresholds are looked at. */
#define NOTICE_S 5

/* What was last written to an association. */
struct written {
    char account[TREE_NAME], user[TREE_NAME];
    int64_t wh, time_s;
};

struct steward {
    struct ledger *ledger;
    const struct settings *settings;
    struct policy_store *policies;
    const char *cluster;
    pthread_t thread;
    pthread_mutex_t lock; /* guards what is between here and the tree; who makes
                             `partitions` reads them without it */
    pthread_cond_t kicked;
    bool stop, kick;
    json_t *queue;
    struct queue_partition *partitions;
    int partition_count;
    struct impact_queue seen; /* Slurm's jobs and partitions, as of the last round */
    uint32_t changed[CHANGED_MOST]; /* jobs that run, with another time limit */
    int changed_count;
    bool dbd_away; /* only the thread changes it */
    /* of the thread alone: */
    struct tree tree;
    bool has_tree;
    int64_t next_tree_s;
    struct waiting waiting;
    struct standings standings;
    struct hook *hook;
    int64_t next_notice_s;
};

static void note_dbd(struct steward *s, bool away)
{
    if (away && !s->dbd_away)
        log_line("slurmdbd does not answer: the last limits hold%s",
                 s->has_tree ? "" : ", and accounts are flat");
    if (!away && s->dbd_away)
        log_line("slurmdbd answers again");
    pthread_mutex_lock(&s->lock);
    s->dbd_away = away;
    pthread_mutex_unlock(&s->lock);
}

bool steward_slurmdbd_away(struct steward *s)
{
    bool away;

    pthread_mutex_lock(&s->lock);
    away = s->dbd_away;
    pthread_mutex_unlock(&s->lock);
    return away;
}

static void refresh(struct steward *s, int64_t now_s)
{
    struct queue_partition *partitions;
    char why[LEDGER_WHY];
    struct tree tree;
    int count;

    if (now_s < s->next_tree_s && now_s >= s->next_tree_s - TREE_S)
        return;
    s->next_tree_s = now_s + TREE_S;
    if (queue_partitions(&partitions, &count) == 0) {
        pthread_mutex_lock(&s->lock);
        free(s->partitions);
        s->partitions = partitions;
        s->partition_count = count;
        pthread_mutex_unlock(&s->lock);
    } else {
        s->next_tree_s = now_s + PACE_S;
    }
    if (tree_load(s->cluster, &tree) < 0) {
        note_dbd(s, true);
        s->next_tree_s = now_s + 3 * PACE_S;
        return;
    }
    note_dbd(s, false);
    tree_done(&s->tree);
    s->tree = tree;
    s->has_tree = true;
    if (!ledger_acts(s->ledger, why) || ledger_begin(s->ledger) < 0)
        return;
    if (accounts_replace(s->ledger, s->cluster, &s->tree) < 0)
        ledger_rollback(s->ledger);
    else
        ledger_commit_soon(s->ledger);
}

/* Near its end a limit is exact; far from it, each write would walk slurmctld's jobs
 * for nothing. What frees nothing but takes is written when it is a two-hundredth. */
static bool is_due(const struct steward *s, const struct tree_place *place,
                   const struct limits_place *wanted, int64_t near_percent,
                   int64_t now_s)
{
    int64_t quota_wh = wanted->quota_mj / ESTIMATE_MJ_PER_WH;
    int64_t change = llabs(wanted->wh - place->limit_wh);

    if (wanted->wh == place->limit_wh)
        return false;
    if (wanted->wh < 0 || place->limit_wh < 0 || wanted->wh == 0 ||
        place->limit_wh == 0)
        return true;
    if (wanted->wh < quota_wh / 100 * near_percent || json_array_size(s->queue) > 0)
        return true;
    return change * 200 > quota_wh || now_s % COARSE_S < PACE_S;
}

static void write_limits(struct steward *s, const struct policy *policy, int64_t now_s)
{
    struct limits_place *wanted;
    int rc;

    if (!s->has_tree || ledger_begin(s->ledger) < 0)
        return;
    rc = limits_wanted(s->ledger, policy, s->cluster, &s->tree, &s->standings,
                       s->settings->report_ms, now_s, &wanted);
    ledger_commit_soon(s->ledger);
    for (int i = 0; rc == 0 && i < s->tree.count; i++) {
        struct tree_place *place = &s->tree.places[i];

        if (is_due(s, place, &wanted[i], policy_figures(policy)->near_percent, now_s) &&
            tree_limit(s->cluster, place->account, place->user, wanted[i].wh) == 0)
            place->limit_wh = wanted[i].wh;
    }
    if (rc == 0)
        free(wanted);
}

static void forget_seen(struct impact_queue *seen)
{
    free(seen->jobs);
    free(seen->partitions);
    *seen = (struct impact_queue){NULL, 0, NULL, 0};
}

/* With the lock held, and before the jobs that were seen last are forgotten. */
static void note_changes(struct steward *s)
{
    s->changed_count += queue_change_limits(
        s->seen.jobs, s->seen.count, s->waiting.jobs, s->waiting.job_count,
        s->changed + s->changed_count, CHANGED_MOST - s->changed_count);
}

/* With the lock held. */
static void keep_seen(struct steward *s)
{
    size_t size = (size_t)s->partition_count * sizeof *s->partitions;

    forget_seen(&s->seen);
    s->seen.jobs = s->waiting.jobs;
    s->seen.count = s->waiting.job_count;
    s->waiting.jobs = NULL;
    s->waiting.job_count = 0;
    s->seen.partitions = malloc(size ? size : 1);
    if (!s->seen.partitions || size == 0)
        return;
    memcpy(s->seen.partitions, s->partitions, size);
    s->seen.partition_count = s->partition_count;
}

/* A copy, so that nobody waits for who counts. */
static void copy_seen(struct steward *s, struct impact_queue *copy)
{
    size_t jobs, partitions;

    pthread_mutex_lock(&s->lock);
    *copy = s->seen;
    jobs = (size_t)copy->count * sizeof *copy->jobs;
    partitions = (size_t)copy->partition_count * sizeof *copy->partitions;
    copy->jobs = malloc(jobs ? jobs : 1);
    copy->partitions = malloc(partitions ? partitions : 1);
    if (copy->jobs && jobs > 0)
        memcpy(copy->jobs, s->seen.jobs, jobs);
    if (copy->partitions && partitions > 0)
        memcpy(copy->partitions, s->seen.partitions, partitions);
    pthread_mutex_unlock(&s->lock);
    if (!copy->jobs || !copy->partitions)
        forget_seen(copy);
}

bool steward_guard(void *steward, const struct policy *now, const struct policy *next,
                   char why[POLICY_STORE_WHY])
{
    struct steward *s = steward;
    struct impact_queue queue;
    struct impact impact = {0, 0, 0};

    copy_seen(s, &queue);
    if (ledger_begin(s->ledger) == 0) {
        impact_count(s->ledger, s->cluster, &queue, now, next, clock_now_s(), &impact);
        ledger_commit(s->ledger);
    }
    forget_seen(&queue);
    impact_text(&impact, why);
    return impact_is_much(&impact, policy_figures(now)->confirm_percent);
}

static void look_at_queue(struct steward *s, const struct policy *policy, int64_t now_s)
{
    s->waiting.partitions = s->partitions;
    s->waiting.partition_count = s->partition_count;
    s->waiting.standings = &s->standings;
    if (waiting_pass(&s->waiting, policy, now_s) < 0)
        return;
    gather_mark(&s->standings, s->ledger, policy, s->cluster, s->waiting.list, now_s);
    pthread_mutex_lock(&s->lock);
    json_decref(s->queue);
    s->queue = json_incref(s->waiting.list);
    note_changes(s);
    keep_seen(s);
    pthread_mutex_unlock(&s->lock);
}

/* What has come to pass since the last time goes to the site's hook. */
static void tell_hook(struct steward *s, const struct policy *policy, int64_t now_s)
{
    json_t *events, *state, *event;
    size_t i;
    int rc;

    if (now_s < s->next_notice_s && now_s >= s->next_notice_s - NOTICE_S)
        return;
    s->next_notice_s = now_s + NOTICE_S;
    state = policy_store_state(s->policies);
    events = json_array();
    rc = ledger_begin(s->ledger);
    if (rc == 0 &&
        (threshold_look(s->ledger, policy, &s->standings, s->cluster, now_s, events) <
             0 ||
         threshold_decisions(s->ledger, s->cluster, now_s, events) < 0 ||
         threshold_policy(s->ledger, s->cluster, state, now_s, events) < 0)) {
        ledger_rollback(s->ledger);
        rc = -1;
    } else if (rc == 0) {
        rc = ledger_commit(s->ledger);
    }
    for (i = 0; rc == 0 && (event = json_array_get(events, i)); i++)
        hook_tell(s->hook, policy_figures(policy)->hook, event);
    json_decref(events);
    json_decref(state);
}

static void work_round(struct steward *s)
{
    int64_t now_s = clock_now_s();
    struct policy *policy = policy_store_take(s->policies);
    char why[LEDGER_WHY];

    refresh(s, now_s);
    standing_refresh(&s->standings, s->ledger, policy, now_s);
    /* The map first: slurmdbd may take its time for the limits. */
    admission_map_write(s->ledger, policy, s->cluster, s->settings->spool,
                        s->partitions, s->partition_count, &s->tree, &s->standings);
    /* Its own slurmctld reads the map, whoever acts. */
    if (ledger_acts(s->ledger, why)) {
        write_limits(s, policy, now_s);
        look_at_queue(s, policy, now_s);
        tell_hook(s, policy, now_s);
    }
    policy_release(policy);
}

/* How long the thread has worked. */
static int64_t worked_ns(void)
{
    struct timespec cpu;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu);
    return (int64_t)cpu.tv_sec * 1000000000 + cpu.tv_nsec;
}

/* Until the next round may begin, or somebody wants the thread to end. Wants the lock.
 */
static void rest(struct steward *s, int64_t round_ns)
{
    int64_t ns = round_ns * REST > LEAST_NS ? round_ns * REST : LEAST_NS;
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    ns += until.tv_nsec;
    until.tv_sec += ns / 1000000000;
    until.tv_nsec = ns % 1000000000;
    while (!s->stop && pthread_cond_timedwait(&s->kicked, &s->lock, &until) == 0)
        ;
}

static void *work(void *arg)
{
    struct steward *s = arg;
    struct timespec until;
    int64_t before_ns;

    pthread_setname_np(pthread_self(), "steward");
    pthread_mutex_lock(&s->lock);
    while (!s->stop) {
        s->kick = false;
        pthread_mutex_unlock(&s->lock);
        before_ns = worked_ns();
        work_round(s);
        pthread_mutex_lock(&s->lock);
        rest(s, worked_ns() - before_ns);
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += PACE_S;
        while (!s->stop && !s->kick &&
               pthread_cond_timedwait(&s->kicked, &s->lock, &until) == 0)
            ;
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

struct steward *steward_start(struct ledger *ledger, const struct settings *settings,
                              struct policy_store *policies, const char *cluster)
{
    struct steward *s = calloc(1, sizeof *s);

    if (!s)
        return NULL;
    s->ledger = ledger;
    s->settings = settings;
    s->policies = policies;
    s->cluster = cluster;
    s->queue = json_array();
    s->waiting = (struct waiting){.ledger = ledger, .cluster = cluster};
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->kicked, NULL);
    s->hook = hook_start(HOOK_LIMIT_MS);
    if (!s->hook || pthread_create(&s->thread, NULL, work, s) != 0) {
        hook_stop(s->hook);
        json_decref(s->queue);
        free(s);
        return NULL;
    }
    return s;
}

void steward_kick(struct steward *s)
{
    pthread_mutex_lock(&s->lock);
    s->kick = true;
    pthread_cond_signal(&s->kicked);
    pthread_mutex_unlock(&s->lock);
}

int steward_changed(struct steward *s, uint32_t *jobs, int most)
{
    int count;

    pthread_mutex_lock(&s->lock);
    count = s->changed_count < most ? s->changed_count : most;
    s->changed_count -= count;
    for (int i = 0; i < count; i++)
        jobs[i] = s->changed[s->changed_count + i];
    pthread_mutex_unlock(&s->lock);
    return count;
}

json_t *steward_queue(struct steward *s, const struct access_rights *rights)
{
    json_t *jobs = json_array(), *job;
    size_t i;

    pthread_mutex_lock(&s->lock);
    json_array_foreach(s->queue, i, job)
    {
        if (access_to_run(rights, json_string_value(json_object_get(job, "user")),
                          json_string_value(json_object_get(job, "account"))))
            json_array_append(jobs, job);
    }
    pthread_mutex_unlock(&s->lock);
    return json_pack("{s:o}", "jobs", jobs);
}

int steward_partition(struct steward *s, const char *name,
                      struct queue_partition *found)
{
    int rc;

    pthread_mutex_lock(&s->lock);
    rc = s->partition_count > 0 ? 0 : -1;
    for (int i = 0; i < s->partition_count && rc <= 0; i++) {
        const struct queue_partition *one = &s->partitions[i];

        if (name[0] ? strcmp(one->name, name) == 0 : one->is_default) {
            *found = *one;
            rc = 1;
        }
    }
    pthread_mutex_unlock(&s->lock);
    return rc;
}

void steward_stop(struct steward *s)
{
    pthread_mutex_lock(&s->lock);
    s->stop = true;
    pthread_cond_signal(&s->kicked);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->thread, NULL);
    hook_stop(s->hook);
    tree_done(&s->tree);
    standing_done(&s->standings);
    free(s->partitions);
    json_decref(s->waiting.list);
    free(s->waiting.jobs);
    forget_seen(&s->seen);
    json_decref(s->queue);
    free(s);
}
