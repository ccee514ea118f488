/* standing.c - where all budgets stand, worked out anew piece by piece */
#include "policy/standing.h"

#include <stdlib.h>
#include <string.h>

/* So few are worked out in each round. */
#define FEW 200

/* A budget far from its end may be so old. */
#define OLD_S 30

bool standing_is_due(const struct standing *standing, int64_t near_percent, bool few,
                     int64_t now_s)
{
    const struct balance *balance = &standing->balance;

    return few || standing->at_s == 0 || standing->gather_mj > 0 ||
           now_s < balance->window.from_s || now_s >= balance->window.until_s ||
           now_s < standing->at_s || now_s >= standing->at_s + OLD_S ||
           balance->available_mj / 100 < balance->quota_mj / 10000 * near_percent;
}

static int by_id(const void *a, const void *b)
{
    const struct quota *x = &((const struct standing *)a)->quota;
    const struct quota *y = &((const struct standing *)b)->quota;

    return (x->id > y->id) - (x->id < y->id);
}

static bool is_same(const struct quota *a, const struct quota *b)
{
    return a->mj == b->mj && a->since_s == b->since_s &&
           a->period.kind == b->period.kind && a->period.days == b->period.days &&
           a->period.from_s == b->period.from_s &&
           a->period.until_s == b->period.until_s &&
           a->carry_percent == b->carry_percent &&
           a->borrow_percent == b->borrow_percent && strcmp(a->class, b->class) == 0 &&
           strcmp(a->account, b->account) == 0 && strcmp(a->user, b->user) == 0 &&
           strcmp(a->cluster, b->cluster) == 0;
}

/* Those that are as they were keep their balance. */
static int follow_quotas(struct standings *s, struct ledger *ledger)
{
    struct standing *list, *before;
    struct quota *quotas = NULL;
    int count = 0;

    if (quota_all(ledger, &quotas, &count) < 0)
        return -1;
    list = calloc((size_t)count + 1, sizeof *list);
    for (int i = 0; list && i < count; i++) {
        struct standing wanted = {.quota = quotas[i]};

        before = s->count > 0
                     ? bsearch(&wanted, s->list, (size_t)s->count, sizeof wanted, by_id)
                     : NULL;
        list[i] = before && is_same(&before->quota, &quotas[i]) ? *before : wanted;
    }
    free(quotas);
    if (!list)
        return -1;
    if (count > 1)
        qsort(list, (size_t)count, sizeof *list, by_id);
    free(s->list);
    s->list = list;
    s->count = count;
    return 0;
}

static bool is_of(const struct quota *quota, const char *account, const char *user)
{
    return strcmp(quota->account, account) == 0 && strcmp(quota->user, user) == 0;
}

/* What was given or taken by hand since the last time is looked at soon. */
static void follow_postings(struct standings *s, struct ledger *ledger)
{
    sqlite3_stmt *row = ledger_query(
        ledger, "SELECT id, account, user FROM postings WHERE id > ? ORDER BY id", "i",
        s->last_posting);

    while (row && sqlite3_step(row) == SQLITE_ROW) {
        const char *account = (const char *)sqlite3_column_text(row, 1);
        const char *user = (const char *)sqlite3_column_text(row, 2);

        s->last_posting = sqlite3_column_int64(row, 0);
        for (int i = 0; i < s->count; i++)
            if (is_of(&s->list[i].quota, account, user))
                s->list[i].at_s = 0;
    }
    ledger_done(ledger, row);
}

int64_t standing_percent(const struct balance *balance)
{
    __int128 percent;

    if (balance->used_mj <= 0)
        return 0;
    if (balance->quota_mj <= 0)
        return 100;
    percent = (__int128)balance->used_mj * 100 / balance->quota_mj;
    return percent > 1000 ? 1000 : (int64_t)percent;
}

static int keep(struct ledger *ledger, int64_t quota_id, const struct balance *balance)
{
    return ledger_do(
        ledger,
        "INSERT INTO quota_percents VALUES (?,?,?,?,?,?,?) ON CONFLICT DO UPDATE SET"
        " percent = excluded.percent, quota_mj = excluded.quota_mj,"
        " granted_mj = excluded.granted_mj, used_mj = excluded.used_mj,"
        " reserved_mj = excluded.reserved_mj, available_mj = excluded.available_mj"
        " WHERE quota_mj <> excluded.quota_mj OR used_mj <> excluded.used_mj"
        " OR available_mj <> excluded.available_mj",
        "iiiiiii", quota_id, standing_percent(balance), balance->quota_mj,
        balance->granted_mj, balance->used_mj, balance->reserved_mj,
        balance->available_mj);
}

static int work_out(struct standing *standing, struct ledger *ledger,
                    const struct policy *policy, int64_t now_s)
{
    struct balance balance;
    int rc;

    if (ledger_begin(ledger) < 0)
        return -1;
    rc = quota_balance(ledger, policy, &standing->quota, now_s, 0, &balance);
    if (rc == 0)
        rc = keep(ledger, standing->quota.id, &balance);
    /* Thousands follow each other: who goes by them waits once. */
    if (ledger_commit_soon(ledger) < 0 || rc < 0)
        return -1;
    standing->balance = balance;
    standing->at_s = now_s;
    return 0;
}

int standing_refresh(struct standings *s, struct ledger *ledger,
                     const struct policy *policy, int64_t now_s)
{
    int64_t near_percent = policy_figures(policy)->near_percent;
    int rc;

    if (ledger_begin(ledger) < 0)
        return -1;
    rc = follow_quotas(s, ledger);
    /* From now on: what is worked out below may not have seen it. */
    if (rc == 0)
        rc = ledger_do(ledger, "DELETE FROM fresh_liens", "");
    if (rc == 0)
        follow_postings(s, ledger);
    if (ledger_commit(ledger) < 0 || rc < 0)
        return -1;
    for (int i = 0; i < s->count; i++)
        if (standing_is_due(&s->list[i], near_percent, s->count <= FEW, now_s) &&
            work_out(&s->list[i], ledger, policy, now_s) < 0)
            return -1;
    /* What they were worked out from is on disk before anyone hears of it. */
    return ledger_begin(ledger) < 0 ? -1 : ledger_commit(ledger);
}

void standing_done(struct standings *s)
{
    free(s->list);
    *s = (struct standings){NULL, 0, 0};
}
