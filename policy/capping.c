/* capping.c - what each running run is held to, worked out anew only when something it
 * depends on has changed */
#include "policy/capping.h"

#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/accounts.h"
#include "policy/cap_order.h"
#include "policy/quota.h"
#include "policy/switches.h"

/* So many runs under one lock. */
#define BATCH 256

/* What the rules say of like runs is kept so long: the account tree may change. */
#define KEPT_S 60

/* How far quotas are used is looked at so often: each look reads all of them. */
#define PERCENTS_S 10

/* After kwotad's start nobody knows yet how far quotas are used. Caps that depend on it
 * wait so long for that: they would be lifted and set again. */
#define PATIENCE_S 20

/* The most quotas that can bind one job. */
#define MOST_QUOTAS 128

#define KEY 512

struct percent {
    int64_t quota_id, percent;
};

/* All that the caps of all runs depend on. */
struct world {
    const struct policy *policy;
    bool off;
    uint64_t clock; /* policy_cap_clock() */
    uint64_t steps; /* which thresholds which quotas have reached */
    struct cap_order *orders;
    int order_count;
};

/* What rules say of like runs, and their accounts. */
struct kept {
    char key[KEY];
    struct cap cap;
    struct accounts_chain chain;
};

struct capping {
    struct ledger *ledger;
    const char *cluster;
    struct policy *policy; /* the one that `world` is of */
    struct world world;
    int64_t since_s, percents_s, kept_s;
    struct percent *percents; /* by quota */
    int percent_count;
    void *kept; /* of struct kept, by tsearch() */
};

/* A run that caps are for. */
struct subject {
    int64_t run_id, user_gpu_mw;
    struct cap steer;
    char text[64], user[64], account[64], partition[64], qos[64], gpu_types[128];
};

struct capping *capping_new(struct ledger *ledger, const char *cluster)
{
    struct capping *c = calloc(1, sizeof *c);

    if (c) {
        c->ledger = ledger;
        c->cluster = cluster;
    }
    return c;
}

static void forget_kept(struct capping *c)
{
    if (c->kept)
        tdestroy(c->kept, free);
    c->kept = NULL;
}

void capping_free(struct capping *c)
{
    if (!c)
        return;
    forget_kept(c);
    free(c->percents);
    free(c->world.orders);
    policy_release(c->policy);
    free(c);
}

static void read_percents(struct capping *c)
{
    sqlite3_stmt *row = ledger_query(
        c->ledger, "SELECT quota_id, percent FROM quota_percents ORDER BY quota_id",
        "");
    int room = 0;

    free(c->percents);
    c->percents = NULL;
    c->percent_count = 0;
    while (row && sqlite3_step(row) == SQLITE_ROW) {
        struct percent *more = c->percents;

        if (c->percent_count == room) {
            room = room ? 2 * room : 64;
            more = realloc(c->percents, (size_t)room * sizeof *more);
            if (!more)
                break;
            c->percents = more;
        }
        more[c->percent_count++] = (struct percent){sqlite3_column_int64(row, 0),
                                                    sqlite3_column_int64(row, 1)};
    }
    ledger_done(c->ledger, row);
}

static uint64_t steps_of(const struct capping *c, const struct policy *policy)
{
    uint64_t digest = 14695981039346656037U; /* FNV-1a's */

    for (int i = 0; i < c->percent_count; i++) {
        digest = (digest ^ (uint64_t)c->percents[i].quota_id) * 1099511628211U;
        digest = (digest ^ (uint64_t)policy_cap_step(policy, c->percents[i].percent)) *
                 1099511628211U;
    }
    return digest;
}

static bool has_thresholds(const struct policy *policy)
{
    return policy_cap_step(policy, 100) > 0;
}

/* Whether the caps would be worked out by uses that are not known yet. */
static bool is_too_soon(const struct capping *c, const struct policy *policy,
                        int64_t now_s)
{
    return policy_capping(policy) && has_thresholds(policy) && c->percent_count == 0 &&
           now_s < c->since_s + PATIENCE_S &&
           ledger_number(c->ledger, 0, "SELECT COUNT(*) FROM quotas", "") > 0;
}

static int read_world(struct capping *c, const struct policy *policy, int64_t now_s,
                      struct world *world)
{
    struct switches switches;

    *world = (struct world){.policy = policy};
    if (has_thresholds(policy) &&
        (c->percent_count == 0 || now_s >= c->percents_s + PERCENTS_S ||
         now_s < c->percents_s)) {
        read_percents(c);
        c->percents_s = now_s;
    }
    switches_read(c->ledger, &switches);
    world->off = !policy_capping(policy) || switches.frozen || switches.tripped;
    world->clock = policy_cap_clock(policy, now_s);
    world->steps = has_thresholds(policy) ? steps_of(c, policy) : 0;
    return cap_order_active(c->ledger, c->cluster, now_s, &world->orders,
                            &world->order_count);
}

static bool is_same(const struct world *a, const struct world *b)
{
    if (a->policy != b->policy || a->off != b->off || a->clock != b->clock ||
        a->steps != b->steps || a->order_count != b->order_count)
        return false;
    for (int i = 0; i < a->order_count; i++)
        if (a->orders[i].id != b->orders[i].id)
            return false;
    return true;
}

/* Takes the world as it is now; all runs are due if it is another one. */
static int follow_world(struct capping *c, struct policy *policy, int64_t now_s)
{
    struct world now;
    bool same;

    if (read_world(c, policy, now_s, &now) < 0)
        return -1;
    same = c->policy && is_same(&c->world, &now);
    free(c->world.orders);
    c->world = now;
    if (!same || now_s >= c->kept_s + KEPT_S || now_s < c->kept_s) {
        forget_kept(c);
        c->kept_s = now_s;
    }
    if (same)
        return 0;
    policy_release(c->policy);
    c->policy = policy_hold(policy);
    return ledger_do(c->ledger,
                     "INSERT INTO caps_due SELECT id FROM runs"
                     " WHERE state <> 'settled' AND state = 'running'"
                     " ON CONFLICT DO NOTHING",
                     "");
}

static int by_quota(const void *a, const void *b)
{
    const struct percent *x = a, *y = b;

    return (x->quota_id > y->quota_id) - (x->quota_id < y->quota_id);
}

/* Of the quotas that bind it, the one that is used most. */
static int64_t used_percent(struct capping *c, const struct subject *s)
{
    struct quota *quotas;
    int64_t most = 0;
    int count;

    if (c->percent_count == 0)
        return 0;
    quotas = calloc(MOST_QUOTAS, sizeof *quotas);
    count = quotas ? quota_binding(c->ledger, c->policy, c->cluster, s->account,
                                   s->user, s->partition, quotas, MOST_QUOTAS)
                   : 0;
    for (int i = 0; i < count; i++) {
        const struct percent wanted = {.quota_id = quotas[i].id};
        const struct percent *found = bsearch(
            &wanted, c->percents, (size_t)c->percent_count, sizeof wanted, by_quota);

        if (found && found->percent > most)
            most = found->percent;
    }
    free(quotas);
    return most;
}

static int by_key(const void *a, const void *b)
{
    const struct kept *x = a, *y = b;

    return strcmp(x->key, y->key);
}

/* In shadow the policy touches nothing: only people's own words count there. */
static void ask_policy(struct capping *c, const struct subject *s, int64_t now_s,
                       struct kept *kept)
{
    struct policy_job job = {.partition = s->partition,
                             .qos = s->qos,
                             .user = s->user,
                             .gpu_types = s->gpu_types,
                             .now_s = now_s};

    accounts_chain(c->ledger, c->cluster, s->account, &kept->chain);
    job.accounts = kept->chain.list;
    if (policy_enforce(c->policy, job.accounts, s->partition, NULL) == ENFORCE_SHADOW)
        return;
    job.used_percent = used_percent(c, s);
    policy_cap(c->policy, &job, &kept->cap);
}

/* NULL: memory is out. */
static const struct kept *find_kept(struct capping *c, const struct subject *s,
                                    int64_t now_s)
{
    struct kept *made = calloc(1, sizeof *made), **found;

    if (!made)
        return NULL;
    snprintf(made->key, KEY, "%s\n%s\n%s\n%s\n%s", s->account, s->user, s->partition,
             s->qos, s->gpu_types);
    found = tsearch(made, &c->kept, by_key);
    if (!found || *found != made) {
        free(made);
        return found ? *found : NULL;
    }
    ask_policy(c, s, now_s, made);
    return made;
}

static int write_cap(struct ledger *ledger, int64_t run_id, const struct cap *cap)
{
    char why[CAP_TEXT];

    return ledger_do(
        ledger,
        "INSERT INTO caps VALUES (?,NULLIF(?,0),NULLIF(?,0),NULLIF(?,0),?)"
        " ON CONFLICT DO UPDATE SET gpu_mw = excluded.gpu_mw,"
        "  package_mw = excluded.package_mw, cpu_percent = excluded.cpu_percent,"
        "  why = excluded.why WHERE gpu_mw IS NOT excluded.gpu_mw"
        "  OR package_mw IS NOT excluded.package_mw"
        "  OR cpu_percent IS NOT excluded.cpu_percent OR why <> excluded.why",
        "iiiis", run_id, cap->most[CAP_GPU], cap->most[CAP_PACKAGE], cap->most[CAP_CPU],
        cap_why(cap, why));
}

static int work_out(struct capping *c, const struct subject *s, int64_t now_s)
{
    struct cap_words words = {
        .off = c->world.off, .user_gpu_mw = s->user_gpu_mw, .steer = &s->steer};
    struct cap orders, cap;
    const struct kept *kept = words.off ? NULL : find_kept(c, s, now_s);

    if (kept) {
        const struct cap_ordered job = {kept->chain.list, s->partition, s->user,
                                        s->text};

        cap_order_cap(c->world.orders, c->world.order_count, &job, &orders);
        words.policy = &kept->cap;
        words.orders = &orders;
    }
    cap_work_out(&words, &cap);
    return write_cap(c->ledger, s->run_id, &cap);
}

static void put(char *to, size_t size, sqlite3_stmt *row, int column)
{
    const char *text = (const char *)sqlite3_column_text(row, column);

    snprintf(to, size, "%s", text ? text : "");
}

static void take(sqlite3_stmt *row, struct subject *s)
{
    s->run_id = sqlite3_column_int64(row, 0);
    put(s->text, sizeof s->text, row, 1);
    put(s->user, sizeof s->user, row, 2);
    put(s->account, sizeof s->account, row, 3);
    put(s->partition, sizeof s->partition, row, 4);
    put(s->qos, sizeof s->qos, row, 5);
    put(s->gpu_types, sizeof s->gpu_types, row, 6);
    s->user_gpu_mw = sqlite3_column_int64(row, 7);
    for (int part = 0; part < CAP_PARTS; part++) {
        s->steer.most[part] = sqlite3_column_int64(row, 8 + part);
        put(s->steer.why[part], CAP_WHY, row, 8 + CAP_PARTS);
    }
}

/* Those that are due, or the one that is, into `subjects`; how many. */
static int due(struct capping *c, int64_t run_id, struct subject *subjects)
{
    sqlite3_stmt *row = ledger_query(
        c->ledger,
        "SELECT r.id, job_text, user, account, partition, qos, gpu_types, user_gpu_mw,"
        " steer_gpu_mw, steer_package_mw, steer_cpu_percent, steer_why FROM caps_due d"
        " CROSS JOIN runs r ON r.id = d.run_id WHERE d.run_id BETWEEN ? AND ?"
        " ORDER BY d.run_id LIMIT ?",
        "iii", run_id, run_id ? run_id : INT64_MAX, (int64_t)BATCH);
    int count = 0;

    while (row && count < (run_id ? 1 : BATCH) && sqlite3_step(row) == SQLITE_ROW)
        take(row, &subjects[count++]);
    ledger_done(c->ledger, row);
    return count;
}

/* How many were worked out; -1 on failure. With the lock held. */
static int work_out_due(struct capping *c, int64_t run_id, struct subject *subjects,
                        int64_t now_s)
{
    int count = due(c, run_id, subjects);

    for (int i = 0; i < count; i++)
        if (work_out(c, &subjects[i], now_s) < 0 ||
            ledger_do(c->ledger, "DELETE FROM caps_due WHERE run_id = ?", "i",
                      subjects[i].run_id) < 0)
            return -1;
    return count;
}

void capping_look(struct capping *c, struct policy *policy, int64_t now_s)
{
    struct subject *subjects = calloc(BATCH, sizeof *subjects);
    int count = BATCH;

    if (c->since_s == 0)
        c->since_s = now_s;
    for (bool first = true; subjects && count == BATCH; first = false) {
        if (ledger_begin(c->ledger) < 0)
            break;
        if (first && follow_world(c, policy, now_s) < 0)
            count = -1;
        else
            count =
                is_too_soon(c, policy, now_s) ? 0 : work_out_due(c, 0, subjects, now_s);
        if (count < 0) {
            ledger_rollback(c->ledger);
            break;
        }
        ledger_commit_soon(c->ledger);
    }
    free(subjects);
}

void capping_run(struct capping *c, int64_t run_id, int64_t now_s)
{
    struct subject subject = {.run_id = 0};

    if (c->policy && !is_too_soon(c, c->policy, now_s))
        work_out_due(c, run_id, &subject, now_s);
}
