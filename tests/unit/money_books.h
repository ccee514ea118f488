/* money_books.h - a ledger of one test with runs that are over, to be settled */
#ifndef KWOTA_MONEY_BOOKS_H
#define KWOTA_MONEY_BOOKS_H

#include <stdio.h>
#include <string.h>

#include "policy/quarter.h"
#include "policy/run.h"
#include "tests/unit/policy_file.h"
#include "tests/unit/quota_books.h"

/* A run of the job with its id, over at end_s, by one node's token "t" and its id. */
static inline void money_run(struct books *b, int64_t id, const char *account,
                             const char *user, const char *slurm_state, int64_t end_s)
{
    books_run(b, id, "c", account, user, "main", "ended");
    assert_int_equal(ledger_do(b->ledger,
                               "UPDATE runs SET start_s = ?1 - 600, end_s = ?1,"
                               " over_seen_s = ?1, slurm_state = ?2 WHERE id = ?3",
                               "isi", end_s, slurm_state, id),
                     0);
    assert_int_equal(
        ledger_do(b->ledger, "UPDATE tokens SET final = 1 WHERE run_id = ?", "i", id),
        0);
}

/* The node says more of it. */
static inline void money_use(struct books *b, int64_t id, int64_t at_s,
                             const char *kind, int64_t mj)
{
    assert_int_equal(ledger_do(b->ledger,
                               "INSERT INTO run_quarters VALUES ('t' || ?,?,?,?,0)"
                               " ON CONFLICT DO UPDATE SET mj = mj + excluded.mj",
                               "iisi", id, at_s / QUARTER_S * QUARTER_S, kind, mj),
                     0);
}

static inline void money_settle(struct books *b, const struct policy *policy,
                                int64_t id, int64_t now_s)
{
    assert_int_equal(ledger_begin(b->ledger), 0);
    assert_true(run_settle(b->ledger, policy, id, now_s, 600, 0) >= 0);
    assert_int_equal(ledger_commit(b->ledger), 0);
}

static inline int64_t money_number(struct books *b, const char *sql)
{
    return ledger_number(b->ledger, INT64_MIN, sql, "");
}

/* A policy of this text; the test ends if it is none. */
static inline struct policy *money_policy(const char *text)
{
    struct policy_files files;
    struct policy *policy;
    char *complaints;

    policy_files_make(&files);
    policy =
        policy_files_read(&files, policy_files_write(&files, "k", text), &complaints);
    policy_files_remove(&files);
    assert_string_equal(complaints, "");
    free(complaints);
    assert_non_null(policy);
    return policy;
}

static inline uint32_t money_random(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*seed >> 33);
}

/* Entries, quarter-hours, days, months and lines of statements agree. */
static inline void money_agrees(struct books *b)
{
    static const char *const sums[] = {"rollups", "rollup_days", "rollup_months",
                                       "account_months", "run_months"};
    static const char *const costs[] = {"price_u", "co2_mg", "unpriced_mj",
                                        "co2_unknown_mj"};
    int64_t used = money_number(b, "SELECT COALESCE(SUM(mj), 0) FROM entries"
                                   " WHERE kind <> 'credit'");
    int64_t borne = money_number(
        b, "SELECT COALESCE(SUM(CASE kind WHEN 'overrun' THEN mj WHEN 'credit' THEN -mj"
           " ELSE 0 END), 0) FROM entries");
    char sql[256];

    for (size_t i = 0; i < sizeof sums / sizeof *sums; i++) {
        snprintf(
            sql, sizeof sql,
            "SELECT COALESCE(SUM(cpu_mj + dram_mj + gpu_mj + other_mj), 0) FROM %s",
            sums[i]);
        assert_int_equal(money_number(b, sql), used);
        snprintf(sql, sizeof sql, "SELECT COALESCE(SUM(overrun_mj%s), 0) FROM %s",
                 i ? " + credit_mj" : "", sums[i]);
        assert_int_equal(money_number(b, sql), borne);
        for (size_t c = 0; c < sizeof costs / sizeof *costs; c++) {
            snprintf(sql, sizeof sql,
                     "SELECT COALESCE(SUM(%s), 0) - COALESCE((SELECT SUM(%s)"
                     " FROM entries), 0) FROM %s",
                     costs[c], costs[c], sums[i]);
            assert_int_equal(money_number(b, sql), 0);
        }
    }
    /* each run for itself */
    assert_int_equal(
        money_number(
            b,
            "SELECT COUNT(*) FROM (SELECT run_id, SUM(mj) AS mj, SUM(price_u) AS u,"
            " SUM(co2_mg) AS mg FROM entries GROUP BY run_id) e LEFT JOIN (SELECT"
            " run_id, SUM(cpu_mj + dram_mj + gpu_mj + other_mj - credit_mj) AS mj,"
            " SUM(price_u) AS u, SUM(co2_mg) AS mg FROM run_months GROUP BY run_id) m"
            " USING (run_id) WHERE e.mj <> COALESCE(m.mj, 0)"
            " OR COALESCE(e.u, 0) <> COALESCE(m.u, 0)"
            " OR COALESCE(e.mg, 0) <> COALESCE(m.mg, 0)"),
        0);
}

#endif
