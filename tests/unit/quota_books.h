/* quota_books.h - a ledger of one test, filled by hand: accounts, runs, use, liens */
#ifndef KWOTA_QUOTA_BOOKS_H
#define KWOTA_QUOTA_BOOKS_H

#include <string.h>
#include <time.h>

#include "policy/ledger.h"
#include "policy/period.h"
#include "policy/quota.h"
#include "tests/unit/temporary.h"

/* 2026-11-01 00:00 UTC, and a moment in that month. */
#define NOVEMBER INT64_C(1793491200)
#define DECEMBER (NOVEMBER + 30 * DAY)
#define OCTOBER (NOVEMBER - 31 * DAY)
#define DAY INT64_C(86400)
#define NOW (NOVEMBER + 20 * DAY + 17)

struct books {
    struct temporary temporary;
    struct ledger *ledger;
};

static inline int books_open(void **state)
{
    static struct books books;

    setenv("TZ", "UTC", 1);
    tzset();
    *state = &books;
    if (temporary_make(&books.temporary) < 0)
        return -1;
    books.ledger = ledger_open(books.temporary.dir);
    return books.ledger ? 0 : -1;
}

static inline int books_close(void **state)
{
    struct books *books = *state;

    ledger_close(books->ledger);
    temporary_remove(&books->temporary);
    return 0;
}

static inline void books_do(struct books *b, const char *sql)
{
    assert_int_equal(ledger_do(b->ledger, sql, ""), 0);
}

static inline void books_account(struct books *b, const char *cluster,
                                 const char *account, const char *parent)
{
    assert_int_equal(ledger_do(b->ledger, "INSERT INTO accounts VALUES (?,?,?)", "sss",
                               cluster, account, parent),
                     0);
}

static inline void books_member(struct books *b, const char *account, const char *user)
{
    assert_int_equal(ledger_do(b->ledger, "INSERT INTO members VALUES ('c',?,?,1)",
                               "ss", account, user),
                     0);
}

static inline void books_sum(struct books *b, const char *into, int64_t from_s,
                             const char *cluster, const char *account, const char *user,
                             const char *partition, int64_t mj, int64_t overrun_mj)
{
    char sql[512];

    snprintf(
        sql, sizeof sql,
        "INSERT INTO %s cluster, account, user, partition, cpu_mj, dram_mj, gpu_mj,"
        " other_mj, overrun_mj) VALUES (%s ?1,?2,?3,?4,?5, ?6 - ?6 / 2 - ?6 / 4,"
        " ?6 / 4, ?6 / 2, 0, ?7) ON CONFLICT DO UPDATE SET"
        " cpu_mj = cpu_mj + excluded.cpu_mj, dram_mj = dram_mj + excluded.dram_mj,"
        " gpu_mj = gpu_mj + excluded.gpu_mj,"
        " overrun_mj = overrun_mj + excluded.overrun_mj",
        into, strstr(into, "qos") ? "'', ''," : "");
    assert_int_equal(ledger_do(b->ledger, sql, "issssii", from_s, cluster, account,
                               user, partition, mj, overrun_mj),
                     0);
}

/* Settled use. */
static inline void books_rollup(struct books *b, int64_t quarter_s, const char *cluster,
                                const char *account, const char *user,
                                const char *partition, int64_t mj, int64_t overrun_mj)
{
    struct window day, month;

    period_day_of(quarter_s, &day);
    period_month_of(quarter_s, &month);
    books_sum(b, "rollups (quarter_s,", quarter_s, cluster, account, user, partition,
              mj, overrun_mj);
    books_sum(b, "rollup_days (qos, gpu_types, day_s,", day.from_s, cluster, account,
              user, partition, mj, overrun_mj);
    books_sum(b, "rollup_months (qos, gpu_types, month_s,", month.from_s, cluster,
              account, user, partition, mj, overrun_mj);
}

static inline void books_run(struct books *b, int64_t id, const char *cluster,
                             const char *account, const char *user,
                             const char *partition, const char *run_state)
{
    assert_int_equal(
        ledger_do(b->ledger,
                  "INSERT INTO runs (id, cluster, job_id, submit_s, restart, job_text,"
                  " uid, user, account, partition, name, start_s, slurm_state,"
                  " node_count, state) VALUES"
                  " (?1,?2,?1,100,0,?1,1001,?4,?3,?5,'n',100,'',1,?6)",
                  "isssss", id, cluster, account, user, partition, run_state),
        0);
    assert_int_equal(
        ledger_do(b->ledger,
                  "INSERT INTO tokens (token, run_id, node, job_id, start_ms, last_ms,"
                  " final, cpu_ns, reasons, simulated)"
                  " VALUES ('t' || ?1, ?1, 'n1', ?1, 0, 0, 0, 0, '[]', 1)",
                  "i", id),
        0);
}

/* What a run used in a quarter-hour, of which so much is posted. */
static inline void books_quarter(struct books *b, int64_t run, int64_t quarter_s,
                                 const char *kind, int64_t mj, int64_t posted_mj)
{
    assert_int_equal(ledger_do(b->ledger,
                               "INSERT INTO run_quarters VALUES ('t' || ?,?,?,?,?)",
                               "iisii", run, quarter_s, kind, mj, posted_mj),
                     0);
}

static inline void books_lien(struct books *b, int64_t run, int64_t mj, int64_t from_s,
                              int64_t until_s)
{
    assert_int_equal(ledger_do(b->ledger, "INSERT INTO liens VALUES (?,?,0,?,?,NULL)",
                               "iiii", run, mj, from_s, until_s),
                     0);
}

static inline struct quota books_quota(struct books *b, const char *account,
                                       const char *user, const char *class_name,
                                       int64_t mj)
{
    struct quota quota = {.mj = mj, .since_s = NOVEMBER};

    snprintf(quota.account, sizeof quota.account, "%s", account);
    snprintf(quota.user, sizeof quota.user, "%s", user);
    snprintf(quota.class, sizeof quota.class, "%s", class_name);
    assert_int_equal(ledger_do(b->ledger,
                               "INSERT INTO quotas (account, user, class, mj, period,"
                               " since_s) VALUES (?,?,?,?,'month',?)",
                               "sssii", account, user, class_name, mj, NOVEMBER),
                     0);
    quota.id = ledger_last_id(b->ledger);
    return quota;
}

static inline void books_posting(struct books *b, int64_t time_s, const char *kind,
                                 const struct quota *quota, int64_t mj)
{
    assert_int_equal(
        ledger_do(b->ledger,
                  "INSERT INTO postings (time_s, kind, cluster, account, user, class,"
                  " mj, actor, why) VALUES (?,?,?,?,?,?,?,'root','test')",
                  "isssssi", time_s, kind, quota->cluster, quota->account, quota->user,
                  quota->class, mj),
        0);
}

#endif
