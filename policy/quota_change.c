/* quota_change.c - what is done to quotas by hand, each with who, when and why */
#include "policy/quota_change.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/amount.h"
#include "policy/balance.h"

#define NAME_TEXT 320

int quota_refuse(struct quota_refusal *refusal, unsigned status, const char *format,
                 ...)
{
    va_list ap;

    refusal->status = status;
    va_start(ap, format);
    vsnprintf(refusal->text, sizeof refusal->text, format, ap);
    va_end(ap);
    return -1;
}

static int broken(struct quota_refusal *refusal)
{
    return quota_refuse(refusal, 500, "the ledger cannot be written now");
}

static int need_why(const struct quota_by *by, struct quota_refusal *refusal)
{
    for (const char *c = by->why ? by->why : ""; *c; c++)
        if (*c != ' ' && *c != '\t')
            return 0;
    return quota_refuse(refusal, 400,
                        "a reason is needed: --why TEXT; it is kept with the change");
}

int quota_find(struct ledger *ledger, const struct quota *key, struct quota *found)
{
    struct quota *quotas;
    int count;

    if (quota_select(ledger,
                     "q.cluster = ?1 AND q.account = ?2 AND q.user = ?3 AND q.class = "
                     "?4",
                     key->cluster, key->account, key->user, key->class, &quotas,
                     &count) < 0)
        return -1;
    if (count)
        *found = quotas[0];
    free(quotas);
    return count ? 1 : 0;
}

/* Which of several is meant. */
static int refuse_several(const struct quota *quotas, int count,
                          struct quota_refusal *refusal)
{
    char names[256] = "", name[NAME_TEXT];
    size_t len = 0;

    for (int i = 0; i < count && len < sizeof names; i++)
        len +=
            (size_t)snprintf(names + len, sizeof names - len, "%s\"%s\"", i ? ", " : "",
                             quota_name(&quotas[i], name, sizeof name));
    return quota_refuse(refusal, 409,
                        "there are several such quotas: %s; --partitions and --cluster "
                        "say which",
                        names);
}

int quota_the(struct ledger *ledger, const char *cluster, const char *account,
              const char *user, const char *class_name, struct quota *found,
              struct quota_refusal *refusal)
{
    char where[160], name[NAME_TEXT];
    struct quota *quotas, wanted = {0};
    int count, rc = 0;

    snprintf(where, sizeof where, "q.account = ?2 AND q.user = ?3 %s %s",
             cluster ? "AND q.cluster = ?1" : "", class_name ? "AND q.class = ?4" : "");
    if (quota_select(ledger, where, cluster, account, user, class_name, &quotas,
                     &count) < 0)
        return quota_refuse(refusal, 500, "the ledger cannot be read now");
    snprintf(wanted.account, sizeof wanted.account, "%s", account);
    snprintf(wanted.user, sizeof wanted.user, "%s", user);
    snprintf(wanted.class, sizeof wanted.class, "%s", class_name ? class_name : "");
    if (count == 0)
        rc = quota_refuse(refusal, 404,
                          "there is no quota of %s; kwota quota set makes one",
                          quota_name(&wanted, name, sizeof name));
    else if (count > 1)
        rc = refuse_several(quotas, count, refusal);
    else
        *found = quotas[0];
    free(quotas);
    return rc;
}

bool quota_same(const struct quota *a, const struct quota *b)
{
    return a->mj == b->mj && a->period.kind == b->period.kind &&
           a->period.days == b->period.days && a->period.from_s == b->period.from_s &&
           a->period.until_s == b->period.until_s &&
           a->carry_percent == b->carry_percent &&
           a->borrow_percent == b->borrow_percent;
}

static int post(struct ledger *ledger, const struct quota *quota, const char *kind,
                int64_t mj, int64_t run_id, const struct quota_by *by,
                struct quota_refusal *refusal)
{
    if (ledger_do(ledger,
                  "INSERT INTO postings (time_s, kind, cluster, account, user, class,"
                  " mj, run_id, actor, why) VALUES (?,?,?,?,?,?,?,NULLIF(?,0),?,?)",
                  "isssssiiss", by->now_s, kind, quota->cluster, quota->account,
                  quota->user, quota->class, mj, run_id, by->actor,
                  by->why ? by->why : "") < 0)
        return broken(refusal);
    return 0;
}

int quota_put(struct ledger *ledger, const struct quota *before, struct quota *quota,
              const struct quota_by *by, struct quota_refusal *refusal)
{
    const struct period *p = &quota->period;
    bool as_before =
        before && before->period.kind == p->kind && before->period.days == p->days;

    if (before && need_why(by, refusal) < 0)
        return -1;
    quota->since_s = as_before ? before->since_s : by->now_s;
    if (ledger_do(ledger,
                  "INSERT INTO quotas (cluster, account, user, class, mj, period, days,"
                  " from_s, until_s, carry_percent, borrow_percent, since_s) VALUES"
                  " (?,?,?,?,?,?,NULLIF(?,0),NULLIF(?,0),NULLIF(?,0),?,?,?)"
                  " ON CONFLICT (cluster, account, user, class) DO UPDATE SET"
                  " mj = excluded.mj, period = excluded.period, days = excluded.days,"
                  " from_s = excluded.from_s, until_s = excluded.until_s,"
                  " carry_percent = excluded.carry_percent,"
                  " borrow_percent = excluded.borrow_percent,"
                  " since_s = excluded.since_s",
                  "ssssisiiiiii", quota->cluster, quota->account, quota->user,
                  quota->class, quota->mj, period_text(p->kind), p->days, p->from_s,
                  p->until_s, quota->carry_percent, quota->borrow_percent,
                  quota->since_s) < 0)
        return broken(refusal);
    return post(ledger, quota, "set", quota->mj, 0, by, refusal);
}

int quota_drop(struct ledger *ledger, const struct quota *quota,
               const struct quota_by *by, struct quota_refusal *refusal)
{
    if (need_why(by, refusal) < 0)
        return -1;
    if (ledger_do(ledger, "DELETE FROM quotas WHERE id = ?", "i", quota->id) < 0)
        return broken(refusal);
    return post(ledger, quota, "remove", quota->mj, 0, by, refusal);
}

/* What is given outside a fixed quota's time would count nowhere. */
static bool is_in_time(const struct quota *quota, int64_t now_s)
{
    struct window window;

    period_window(&quota->period, now_s, &window);
    return now_s >= window.from_s && now_s < window.until_s;
}

int quota_give(struct ledger *ledger, const struct quota *quota, const char *kind,
               int64_t mj, const struct quota_by *by, struct quota_refusal *refusal)
{
    char name[NAME_TEXT];

    if (need_why(by, refusal) < 0)
        return -1;
    if (mj == 0)
        return quota_refuse(refusal, 400, "nothing at all cannot be given");
    if (!is_in_time(quota, by->now_s))
        return quota_refuse(refusal, 409,
                            "the quota of %s is for another time than now; kwota quota "
                            "set changes its days",
                            quota_name(quota, name, sizeof name));
    return post(ledger, quota, kind, mj, 0, by, refusal);
}

int quota_transfer(struct ledger *ledger, const struct policy *policy,
                   const struct quota *from, const struct quota *to, int64_t mj,
                   const struct quota_by *by, struct quota_refusal *refusal)
{
    char name[NAME_TEXT], left[AMOUNT_TEXT], wanted[AMOUNT_TEXT];
    struct balance balance;

    if (from->id == to->id)
        return quota_refuse(refusal, 400, "from and to are the same quota");
    if (quota_balance(ledger, policy, from, by->now_s, 0, &balance) < 0)
        return quota_refuse(refusal, 500, "the ledger cannot be read now");
    if (balance.available_mj < mj)
        return quota_refuse(
            refusal, 409, "%s has %s left, not %s", quota_name(from, name, sizeof name),
            amount_text(balance.available_mj > 0 ? balance.available_mj : 0, left,
                        sizeof left),
            amount_text(mj, wanted, sizeof wanted));
    return quota_give(ledger, from, "transfer", -mj, by, refusal) < 0 ||
                   quota_give(ledger, to, "transfer", mj, by, refusal) < 0
               ? -1
               : 0;
}

/* A run as it is refunded. */
struct charged_run {
    int64_t id, left_mj;
    char cluster[QUOTA_NAME], account[QUOTA_NAME], user[QUOTA_NAME];
    char partition[QUOTA_NAME];
};

/* What a run was charged, less what the centre bore and what was given back. */
static int64_t left_of_charge(struct ledger *ledger, int64_t run_id)
{
    return ledger_number(
        ledger, 0,
        "SELECT (SELECT COALESCE(SUM(mj), 0) FROM entries WHERE run_id = ?1)"
        " - (SELECT overrun_mj FROM runs WHERE id = ?1)"
        " - COALESCE((SELECT MAX(mj) FROM (SELECT SUM(mj) AS mj FROM postings"
        "    WHERE run_id = ?1 AND kind IN ('refund','credit')"
        "    GROUP BY cluster, account, user, class)), 0)",
        "i", run_id);
}

static void take_text(sqlite3_stmt *stmt, int column, char name[QUOTA_NAME])
{
    snprintf(name, QUOTA_NAME, "%s", (const char *)sqlite3_column_text(stmt, column));
}

static int find_run(struct ledger *ledger, const char *cluster, const char *job,
                    struct charged_run *run, struct quota_refusal *refusal)
{
    sqlite3_stmt *stmt =
        ledger_query(ledger,
                     "SELECT id, account, user, partition, cluster FROM runs"
                     " WHERE job_text = ? AND cluster = ? AND state = 'settled'"
                     " ORDER BY submit_s DESC, restart DESC, id DESC LIMIT 1",
                     "ss", job, cluster);
    int rc = -1;

    memset(run, 0, sizeof *run);
    if (stmt && sqlite3_step(stmt) == SQLITE_ROW) {
        run->id = sqlite3_column_int64(stmt, 0);
        take_text(stmt, 1, run->account);
        take_text(stmt, 2, run->user);
        take_text(stmt, 3, run->partition);
        take_text(stmt, 4, run->cluster);
        rc = 0;
    }
    sqlite3_finalize(stmt);
    if (rc < 0)
        return quota_refuse(refusal, 404,
                            "there is no settled job %.40s; one that runs or has just "
                            "ended is charged first",
                            job);
    run->left_mj = left_of_charge(ledger, run->id);
    return 0;
}

static int check_refund(const struct charged_run *run, const char *job, int64_t *mj,
                        struct quota_refusal *refusal)
{
    char left[AMOUNT_TEXT], wanted[AMOUNT_TEXT];

    if (run->left_mj <= 0)
        return quota_refuse(refusal, 409,
                            "nothing is left of job %.40s's charge to be given back",
                            job);
    if (*mj > run->left_mj)
        return quota_refuse(refusal, 409,
                            "%s is left of job %.40s's charge to be given back, not %s",
                            amount_text(run->left_mj, left, sizeof left), job,
                            amount_text(*mj, wanted, sizeof wanted));
    if (*mj == 0)
        *mj = run->left_mj;
    return 0;
}

int quota_refund(struct ledger *ledger, const struct policy *policy,
                 const char *cluster, const char *job, int64_t *mj,
                 const struct quota_by *by, struct quota *quotas, int max,
                 struct quota_refusal *refusal)
{
    struct charged_run run;
    int count, given = 0;

    if (need_why(by, refusal) < 0 ||
        find_run(ledger, cluster, job, &run, refusal) < 0 ||
        check_refund(&run, job, mj, refusal) < 0)
        return -1;
    count = quota_binding(ledger, policy, run.cluster, run.account, run.user,
                          run.partition, quotas, max);
    if (count < 0)
        return quota_refuse(refusal, 500, "the ledger cannot be read now");
    for (int i = 0; i < count; i++) {
        if (!is_in_time(&quotas[i], by->now_s))
            continue;
        if (post(ledger, &quotas[i], "refund", *mj, run.id, by, refusal) < 0)
            return -1;
        quotas[given++] = quotas[i];
    }
    if (given == 0)
        return quota_refuse(refusal, 409,
                            "no quota binds job %.40s now, so there is nothing to give "
                            "its energy back to",
                            job);
    return given;
}
