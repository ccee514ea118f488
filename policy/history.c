/* history.c - what like runs drew and how long they took */
#include "policy/history.h"

#include <stdlib.h>
#include <string.h>

#define OF_KEY                                                                         \
    " cluster = ? AND user = ? AND account = ? AND name = ? AND partition = ?"         \
    " AND nodes = ? AND cpus = ? AND gpus = ? "

/* What is partial is no more than a lower bound, and would make the next lien too
 * small. What slurmdbd alone told has no shape. */
static int put(struct ledger *ledger, int64_t run_id, int64_t mj)
{
    return ledger_do(
        ledger,
        "INSERT OR IGNORE INTO history (cluster, user, account, name, partition, nodes,"
        " cpus, gpus, end_s, run_id, mw, elapsed_s, limit_s, timed_out, simulated)"
        " SELECT r.cluster, r.user, r.account, r.name, r.partition, r.asked_nodes,"
        "  r.asked_cpus, r.asked_gpus, r.end_s, r.id,"
        "  ?2 / (r.end_s - r.start_s) + (?2 % (r.end_s - r.start_s) > 0),"
        "  r.end_s - r.start_s, r.limit_s, r.slurm_state = 'TIMEOUT',"
        "  (SELECT MAX(simulated) FROM tokens WHERE run_id = r.id)"
        " FROM runs r WHERE r.id = ?1 AND r.slurm_state IN ('COMPLETED', 'TIMEOUT')"
        "  AND r.end_s - r.start_s >= ?3 AND r.asked_cpus > 0 AND r.reasons = ''"
        "  AND EXISTS (SELECT 1 FROM tokens t JOIN run_domains d USING (token)"
        "   WHERE t.run_id = r.id AND d.uj IS NOT NULL)"
        "  AND NOT EXISTS (SELECT 1 FROM tokens t WHERE t.run_id = r.id"
        "   AND t.reasons NOT IN ('', '[]'))",
        "iii", run_id, mj, (int64_t)HISTORY_LEAST_S);
}

/* All but the newest of the runs that are like this one. */
static int forget_old(struct ledger *ledger, int64_t run_id)
{
    return ledger_do(
        ledger,
        "DELETE FROM history WHERE (cluster, user, account, name, partition, nodes,"
        "  cpus, gpus, end_s, run_id) IN (SELECT h.cluster, h.user, h.account, h.name,"
        "  h.partition, h.nodes, h.cpus, h.gpus, h.end_s, h.run_id FROM runs r"
        "  JOIN history h ON h.cluster = r.cluster AND h.user = r.user"
        "   AND h.account = r.account AND h.name = r.name"
        "   AND h.partition = r.partition AND h.nodes = r.asked_nodes"
        "   AND h.cpus = r.asked_cpus AND h.gpus = r.asked_gpus WHERE r.id = ?"
        "  ORDER BY h.end_s DESC, h.run_id DESC LIMIT -1 OFFSET ?)",
        "ii", run_id, (int64_t)HISTORY_KEPT);
}

int history_keep(struct ledger *ledger, int64_t run_id, int64_t mj)
{
    return put(ledger, run_id, mj) < 0 || forget_old(ledger, run_id) < 0 ? -1 : 0;
}

int64_t history_quantile(const int64_t *sorted, int count, int64_t percent)
{
    int64_t rank = (percent * count + 99) / 100;

    if (rank < 1)
        rank = 1;
    return sorted[rank > count ? count - 1 : rank - 1];
}

static int by_size(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

void history_weigh(struct history_run *runs, int count,
                   const struct policy_figures *figures,
                   struct history_estimate *estimate)
{
    int64_t mw[HISTORY_KEPT], s[HISTORY_KEPT];

    *estimate = (struct history_estimate){.runs = 0};
    if (count > HISTORY_KEPT)
        count = HISTORY_KEPT;
    if (figures->history_runs < 1 || count < figures->history_runs)
        return;
    for (int i = 0; i < count; i++) {
        mw[i] = runs[i].mw;
        s[i] = runs[i].s;
    }
    qsort(mw, (size_t)count, sizeof *mw, by_size);
    qsort(s, (size_t)count, sizeof *s, by_size);
    estimate->runs = count;
    estimate->mw = history_quantile(mw, count, figures->power_quantile);
    estimate->s = history_quantile(s, count, figures->duration_quantile);
}

/* How many of them are looked at. */
static int64_t look(const struct policy_figures *figures)
{
    int64_t most =
        figures->history_runs > HISTORY_LOOK ? figures->history_runs : HISTORY_LOOK;

    return most < HISTORY_KEPT ? most : HISTORY_KEPT;
}

struct looked {
    struct history_run runs[HISTORY_KEPT];
    int count;
    bool simulated;
};

/* Adds the newest of a table's runs that are like this one, up to `most` in all. */
static int look_at(struct ledger *ledger, const char *sql,
                   const struct history_key *key, int64_t most, struct looked *looked)
{
    sqlite3_stmt *stmt = ledger_query(
        ledger, sql, "sssssiiii", key->cluster, key->user, key->account, key->name,
        key->partition, key->nodes, key->cpus, key->gpus, most - looked->count);
    int rc = SQLITE_NOMEM;

    while (stmt && (rc = sqlite3_step(stmt)) == SQLITE_ROW &&
           looked->count < HISTORY_KEPT) {
        struct history_run *run = &looked->runs[looked->count++];

        run->mw = sqlite3_column_int64(stmt, 0);
        run->s = sqlite3_column_int(stmt, 2) ? HISTORY_ENDLESS
                                             : sqlite3_column_int64(stmt, 1);
        looked->simulated = looked->simulated || sqlite3_column_int(stmt, 3);
    }
    ledger_done(ledger, stmt);
    return rc == SQLITE_DONE || rc == SQLITE_ROW ? 0 : -1;
}

int history_estimate_by(struct ledger *ledger, const struct policy_figures *figures,
                        const struct history_key *key,
                        struct history_estimate *estimate)
{
    struct looked looked = {.count = 0};
    int measured, rc;

    *estimate = (struct history_estimate){.runs = 0};
    if (figures->history_runs < 1)
        return 0;
    rc = look_at(ledger,
                 "SELECT mw, elapsed_s, timed_out, simulated FROM history WHERE" OF_KEY
                 "ORDER BY end_s DESC, run_id DESC LIMIT ?",
                 key, look(figures), &looked);
    measured = looked.count;
    /* What was measured goes before what is estimated as soon as it is enough. */
    if (rc == 0 && measured < figures->history_runs)
        rc = look_at(ledger,
                     "SELECT mw, elapsed_s, timed_out, 0 FROM history_past WHERE" OF_KEY
                     "ORDER BY end_s DESC, job_id DESC LIMIT ?",
                     key, look(figures), &looked);
    history_weigh(looked.runs, looked.count, figures, estimate);
    estimate->simulated = looked.simulated;
    if (estimate->runs > 0)
        estimate->estimated = looked.count - measured;
    return rc;
}

int history_estimate(struct ledger *ledger, const struct policy *policy,
                     const struct history_key *key, struct history_estimate *estimate)
{
    return history_estimate_by(ledger, policy_figures(policy), key, estimate);
}
