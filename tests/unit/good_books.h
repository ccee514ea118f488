/* good_books.h - a ledger of one test in which everything balances: runs of all sorts,
 * settled as the worker does it */
#ifndef KWOTA_GOOD_BOOKS_H
#define KWOTA_GOOD_BOOKS_H

#include <stdio.h>
#include <string.h>

#include "policy/quarter.h"
#include "policy/run.h"
#include "tests/unit/policy_file.h"
#include "tests/unit/quota_books.h"

/* What a node counted of a run, for two quarter-hours. */
static inline void good_use(struct books *b, int64_t run, int64_t at_s,
                            const char *kind, int64_t mj)
{
    int64_t quarter_s = at_s / QUARTER_S * QUARTER_S;

    books_quarter(b, run, quarter_s - QUARTER_S, kind, mj / 3, 0);
    books_quarter(b, run, quarter_s, kind, mj - mj / 3, 0);
    assert_int_equal(ledger_do(b->ledger,
                               "INSERT INTO run_domains (token, domain, kind, uj,"
                               " apportioned) VALUES ('t' || ?1, ?2 || '-0', ?2,"
                               " ?3 * 1000 + 7, ?2 = 'package')",
                               "isi", run, kind, mj),
                     0);
}

/* A run that ended then, and what it used; not settled yet. */
static inline void good_run(struct books *b, int64_t id, const char *account,
                            const char *slurm_state, int64_t end_s, int64_t mj)
{
    books_run(b, id, "c", account, "u", "main", "ended");
    assert_int_equal(
        ledger_do(b->ledger,
                  "UPDATE runs SET start_s = ?1 - 600, end_s = ?1, over_seen_s = ?1,"
                  " slurm_state = ?2, asked_nodes = 1, asked_cpus = 1, asked_gpus = 0,"
                  " limit_s = 600 WHERE id = ?3",
                  "isi", end_s, slurm_state, id),
        0);
    assert_int_equal(ledger_do(b->ledger,
                               "UPDATE tokens SET final = 1, node = 'n' || ?1"
                               " WHERE run_id = ?1",
                               "i", id),
                     0);
    good_use(b, id, end_s, "package", mj);
    good_use(b, id, end_s, "dram", mj / 5);
    if (id % 2)
        good_use(b, id, end_s, "gpu", mj * 2);
}

static inline void good_settle(struct books *b, const struct policy *policy, int64_t id,
                               int64_t now_s)
{
    assert_int_equal(ledger_begin(b->ledger), 0);
    assert_int_equal(run_settle(b->ledger, policy, id, now_s, 600, 0), 1);
    assert_int_equal(ledger_commit(b->ledger), 0);
}

/* All that is known of its course. */
static inline void good_detail(struct books *b, int64_t id)
{
    static const char *const rows[] = {
        "INSERT INTO run_points VALUES ('t' || ?1, 0, 1000, 1, 1, NULL, NULL)",
        "INSERT INTO run_steps VALUES ('t' || ?1, '0', 0, 1000, 5)",
        "INSERT INTO run_step_counts VALUES ('t' || ?1, '0', 'package', 1000)",
        "INSERT INTO run_caps VALUES ('t' || ?1, 'gpu-0', 5, 250000, 'set', 'test')"};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(ledger_do(b->ledger, rows[i], "i", id), 0);
}

static inline struct policy *good_policy(void)
{
    struct policy_files files;
    struct policy *policy;
    char *complaints;

    policy_files_make(&files);
    policy = policy_files_read(
        &files, policy_files_write(&files, "k", "{\"credits\": {\"NODE_FAIL\": 50}}"),
        &complaints);
    policy_files_remove(&files);
    assert_string_equal(complaints, "");
    free(complaints);
    assert_non_null(policy);
    return policy;
}

/* Runs 1 to 4 are settled: as any; with a credit; beyond its lien; with late counts.
 * 5 runs and has a lien; 6 has ended. A node's part of job 7 is no run's. */
static inline void good_fill(struct books *b)
{
    struct policy *policy = good_policy();
    struct quota quota = books_quota(b, "astro", "", "", 5000000);

    books_posting(b, NOVEMBER, "set", &quota, 5000000);
    books_posting(b, NOVEMBER + 5, "grant", &quota, 1000);
    good_run(b, 1, "astro", "COMPLETED", NOVEMBER + 3 * DAY, 100001);
    good_run(b, 2, "astro", "NODE_FAIL", NOVEMBER + 3 * DAY, 200003);
    good_run(b, 3, "bio", "COMPLETED", NOVEMBER, 300007);
    good_run(b, 4, "bio", "COMPLETED", OCTOBER + 9 * DAY, 400009);
    books_do(b, "UPDATE runs SET decision = 'held' WHERE id = 3");
    books_lien(b, 3, 250000, NOVEMBER - 600, NOVEMBER);
    for (int64_t id = 1; id <= 4; id++) {
        good_detail(b, id);
        good_settle(b, policy, id, NOW);
    }
    books_do(b, "UPDATE run_quarters SET mj = mj + 50 WHERE token = 't4'"
                " AND kind = 'dram' AND quarter_s = (SELECT MAX(quarter_s)"
                " FROM run_quarters WHERE token = 't4')");
    books_do(b, "UPDATE run_domains SET uj = uj + 50000 WHERE token = 't4'"
                " AND kind = 'dram'");
    good_settle(b, policy, 4, NOW);
    books_run(b, 5, "c", "astro", "u", "main", "running");
    books_do(b, "UPDATE runs SET start_s = 1793491200 WHERE id = 5"); /* NOVEMBER */
    good_use(b, 5, NOVEMBER + 3 * DAY, "package", 777);
    books_lien(b, 5, 1000, NOVEMBER, DECEMBER);
    good_run(b, 6, "astro", "COMPLETED", NOVEMBER + 4 * DAY, 5555);
    books_run(b, 7, "c", "astro", "u", "main", "running");
    good_use(b, 7, NOVEMBER, "package", 999);
    books_do(b, "UPDATE tokens SET run_id = NULL, refused = 1 WHERE token = 't7'");
    books_do(b, "DELETE FROM runs WHERE id = 7");
    books_do(b, "INSERT INTO node_domains (node, epoch, domain, kind, source, state,"
                " total_uj, jobs_uj, node_uj, gap_ms) VALUES ('n1','e','package-0',"
                "'package','x','ok',9000000000,8000000000,1000000000,0)");
    policy_release(policy);
}

#endif
