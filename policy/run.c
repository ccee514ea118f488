/* run.c - runs in the ledger: made from what Slurm says, bound to what nodes report */
#include "policy/run.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "policy/energy.h"
#include "policy/history.h"
#include "policy/lien.h"
#include "policy/posting.h"
#include "policy/pricing.h"

int64_t run_find(struct ledger *ledger, const char *cluster,
                 const struct lookup_run *run)
{
    /* A ledger of version 1 may have two. */
    return ledger_number(ledger, 0,
                         "SELECT id FROM runs WHERE cluster = ? AND job_id = ? AND"
                         " submit_s = ? ORDER BY restart = ? DESC, id LIMIT 1",
                         "siii", cluster, (int64_t)run->job_id, run->submit_s,
                         run->restart);
}

static int insert(struct ledger *ledger, const char *cluster,
                  const struct lookup_run *run, int64_t now_s)
{
    return ledger_do(
        ledger,
        "INSERT INTO runs (cluster, job_id, submit_s, restart, job_text, uid, user,"
        " account, partition, name, start_s, end_s, slurm_state, node_count, state,"
        " over_seen_s) VALUES (?,?,?,?,?,?,?,?,?,?,?,NULLIF(?,0),?,?,?,NULLIF(?,0))",
        "siiisissssiisisi", cluster, (int64_t)run->job_id, run->submit_s, run->restart,
        run->text, (int64_t)run->uid, run->user, run->account, run->partition,
        run->name, run->start_s, run->end_s, run->state, run->node_count,
        run->over ? "ended" : "running", run->over ? now_s : INT64_C(0));
}

/* Who and what it is; slurmdbd's row may not have it yet. */
static int update_identity(struct ledger *ledger, int64_t run_id,
                           const struct lookup_run *run)
{
    if (run->hearsay && run->uid == 0)
        return 0;
    return ledger_do(ledger,
                     "UPDATE runs SET job_text = ?, uid = ?, user = ?, account = ?,"
                     " partition = ?, name = ? WHERE id = ?",
                     "sissssi", run->text, (int64_t)run->uid, run->user, run->account,
                     run->partition, run->name, run_id);
}

/* While a job is requeued slurmctld forgets its nodes: their number never shrinks. */
static int update_course(struct ledger *ledger, int64_t run_id,
                         const struct lookup_run *run, int64_t now_s)
{
    return ledger_do(
        ledger,
        "UPDATE runs SET start_s = ?, end_s = NULLIF(?,0), slurm_state = ?,"
        " node_count = MAX(node_count, ?), state = ?,"
        " over_seen_s = CASE WHEN ? THEN COALESCE(over_seen_s, ?) END WHERE id = ?",
        "iisisiii", run->start_s, run->end_s, run->state, run->node_count,
        run->over ? "ended" : "running", (int64_t)run->over, now_s, run_id);
}

/* Only slurmctld tells it; what it told once stays. */
static int update_shape(struct ledger *ledger, int64_t run_id,
                        const struct lookup_run *run)
{
    if (run->cpus <= 0)
        return 0;
    return ledger_do(ledger,
                     "UPDATE runs SET cpus = ?, gpus = ?, limit_s = ?, asked_nodes = ?,"
                     " asked_cpus = ?, asked_gpus = ?, qos = ?, gpu_types = ?,"
                     " user_gpu_mw = NULLIF(?,0) WHERE id = ?",
                     "iiiiiissii", run->cpus, run->gpus, run->limit_s, run->asked_nodes,
                     run->asked_cpus, run->asked_gpus, run->qos, run->gpu_types,
                     run->gpu_cap_mw, run_id);
}

/* A settled run stays as it was charged, and slurmdbd may be late to say that one is
 * over. */
static bool is_news(struct ledger *ledger, int64_t run_id, const struct lookup_run *run)
{
    bool running = ledger_number(
        ledger, 0, "SELECT state = 'running' FROM runs WHERE id = ?", "i", run_id);
    bool settled = ledger_number(
        ledger, 0, "SELECT state = 'settled' FROM runs WHERE id = ?", "i", run_id);

    return running || (!settled && (run->over || !run->hearsay));
}

int64_t run_put(struct ledger *ledger, const char *cluster,
                const struct lookup_run *run, int64_t now_s)
{
    int64_t run_id = run_find(ledger, cluster, run);

    if (run_id == 0) {
        if (insert(ledger, cluster, run, now_s) < 0)
            return -1;
        run_id = ledger_last_id(ledger);
    } else if (!is_news(ledger, run_id, run)) {
        return run_id;
    } else if (update_identity(ledger, run_id, run) < 0 ||
               update_course(ledger, run_id, run, now_s) < 0) {
        return -1;
    }
    return update_shape(ledger, run_id, run) < 0 ? -1 : run_id;
}

int run_shares(struct ledger *ledger, int64_t run_id, const struct lookup_run *run)
{
    for (size_t i = 0; i < run->share_count; i++) {
        const struct lookup_share *share = &run->shares[i];

        if (ledger_do(ledger,
                      "UPDATE tokens SET cpus = NULLIF(?,0), memory_mb = NULLIF(?,0),"
                      " gpus = NULLIF(?,'') WHERE run_id = ? AND node = ?",
                      "iisis", share->cpus, share->memory_mb, share->gpus, run_id,
                      share->node) < 0)
            return -1;
    }
    return 0;
}

/* What a run used whose detail was dropped is not known any more but as what was
 * charged: nothing can be added to it. */
static bool is_pruned(struct ledger *ledger, int64_t run_id)
{
    return ledger_number(ledger, 0,
                         "SELECT pruned_s IS NOT NULL FROM runs WHERE id = ?", "i",
                         run_id) != 0;
}

int run_bind(struct ledger *ledger, const char *token, int64_t run_id)
{
    if (is_pruned(ledger, run_id))
        return run_refuse(ledger, token);
    return ledger_do(ledger, "UPDATE tokens SET run_id = ? WHERE token = ?", "is",
                     run_id, token);
}

int run_refuse(struct ledger *ledger, const char *token)
{
    return ledger_do(ledger, "UPDATE tokens SET refused = 1 WHERE token = ?", "s",
                     token);
}

static int enter(struct ledger *ledger, int64_t run_id, const char *kind, int64_t mj,
                 const struct price *price, int64_t now_s, const char *why)
{
    return ledger_do(ledger,
                     "INSERT INTO entries (run_id, kind, mj, time_s, actor, why,"
                     " price_u, co2_mg, unpriced_mj, co2_unknown_mj)"
                     " VALUES (?,?,?,?,'kwotad',?,?,?,?,?)",
                     "isiisuuii", run_id, kind, mj, now_s, why, price->price_u,
                     price->co2_mg, price->unpriced_mj, price->co2_unknown_mj);
}

/* What nodes did not tell in time. */
static int note_missing(struct ledger *ledger, int64_t run_id, int64_t nodes,
                        int64_t finals)
{
    char reason[128];

    if (finals >= nodes)
        return 0;
    snprintf(reason, sizeof reason,
             "%lld of %lld nodes had not given their final count when it was settled",
             (long long)(nodes - finals), (long long)nodes);
    return ledger_do(ledger, "UPDATE runs SET reasons = ? WHERE id = ?", "si", reason,
                     run_id);
}

static int64_t entered(struct ledger *ledger, int64_t run_id, const char *kinds)
{
    char sql[160];

    snprintf(sql, sizeof sql,
             "SELECT SUM(mj) FROM entries WHERE run_id = ? AND kind IN (%s)", kinds);
    return ledger_number(ledger, 0, sql, "i", run_id);
}

/* Enters what is billed and what is the centre's of `mj`. */
static int enter_parts(struct ledger *ledger, const struct policy *policy,
                       struct posting *posting, bool first, int64_t mj, int64_t now_s)
{
    int64_t run_id = posting->run_id;
    int64_t billable_mj = lien_settle(ledger, policy, run_id, mj) < 0
                              ? -1
                              : lien_billable(ledger, run_id, mj);
    int64_t charged_mj = entered(ledger, run_id, "'charge','adjustment'");
    int64_t overrun_mj = mj - billable_mj - entered(ledger, run_id, "'overrun'");

    struct price price, none = {.price_u = ENERGY_UNKNOWN, .co2_mg = ENERGY_UNKNOWN};

    if (billable_mj < 0 || pricing_use(ledger, policy, posting, overrun_mj, &price) < 0)
        return -1;
    if ((first || billable_mj != charged_mj) &&
        enter(ledger, run_id, first ? "charge" : "adjustment", billable_mj - charged_mj,
              &price, now_s,
              first ? "settled" : "counts that came after the charge") < 0)
        return -1;
    if (overrun_mj != 0) {
        posting_add(posting, FIGURE_OVERRUN_MJ, overrun_mj);
        if (enter(ledger, run_id, "overrun", overrun_mj, &none, now_s,
                  "used beyond the lien, which could not be raised: the centre's") < 0)
            return -1;
    }
    /* What stood there while it ran may have been covered since. */
    return ledger_do(ledger, "UPDATE runs SET overrun_mj = ? WHERE id = ?", "ii",
                     mj - billable_mj, run_id);
}

/* What its end state gives back, of late counts too: borne by the centre, as an overrun
 * is. */
static int enter_credit(struct ledger *ledger, const struct policy *policy,
                        struct posting *posting, int64_t now_s)
{
    char state[32] = "", why[96];
    int64_t run_id = posting->run_id, percent, charged_mj, all_mj, mj;
    struct price price;
    sqlite3_stmt *stmt =
        ledger_query(ledger, "SELECT slurm_state FROM runs WHERE id = ?", "i", run_id);

    if (stmt && sqlite3_step(stmt) == SQLITE_ROW)
        snprintf(state, sizeof state, "%s", (const char *)sqlite3_column_text(stmt, 0));
    ledger_done(ledger, stmt);
    percent = policy ? policy_credit_percent(policy, state) : 0;
    charged_mj = entered(ledger, run_id, "'charge','adjustment'");
    all_mj = (int64_t)((__int128)charged_mj * percent / 100);
    mj = all_mj + entered(ledger, run_id, "'credit'");
    if (mj <= 0)
        return 0;
    snprintf(why, sizeof why, "it ended as %s: credits.%s is %lld %%", state, state,
             (long long)percent);
    pricing_credit(ledger, run_id, charged_mj, all_mj, &price);
    posting_add(posting, FIGURE_CREDIT_MJ, mj);
    if (price.price_u != ENERGY_UNKNOWN)
        posting_add(posting, FIGURE_PRICE_U, price.price_u);
    if (price.co2_mg != ENERGY_UNKNOWN)
        posting_add(posting, FIGURE_CO2_MG, price.co2_mg);
    posting_add(posting, FIGURE_UNPRICED_MJ, price.unpriced_mj);
    posting_add(posting, FIGURE_CO2_UNKNOWN_MJ, price.co2_unknown_mj);
    return enter(ledger, run_id, "credit", -mj, &price, now_s, why);
}

static int close_run(struct ledger *ledger, int64_t run_id, int64_t mj)
{
    if (lien_close(ledger, run_id) < 0 ||
        ledger_do(ledger, "UPDATE runs SET state = 'settled' WHERE id = ?", "i",
                  run_id) < 0)
        return -1;
    return history_keep(ledger, run_id, mj);
}

/* Enters and posts what the run has used and was not charged yet. */
static int charge(struct ledger *ledger, const struct policy *policy, int64_t run_id,
                  bool first, int64_t mj, int64_t now_s)
{
    struct posting posting;
    int rc = posting_read(ledger, run_id, first, &posting);

    if (rc == 0)
        rc = enter_parts(ledger, policy, &posting, first, mj, now_s);
    if (rc == 0 && first)
        rc = close_run(ledger, run_id, mj);
    if (rc == 0)
        rc = enter_credit(ledger, policy, &posting, now_s);
    if (rc == 0)
        rc = posting_make(ledger, &posting);
    posting_free(&posting);
    return rc;
}

int run_settle(struct ledger *ledger, const struct policy *policy, int64_t run_id,
               int64_t now_s, int64_t settle_timeout_s, int64_t started_s)
{
    int64_t mj, finals, nodes, since_s, settled;

    mj =
        ledger_number(ledger, 0,
                      "SELECT SUM(q.mj) FROM run_quarters q JOIN tokens t USING (token)"
                      " WHERE t.run_id = ?",
                      "i", run_id);
    settled = ledger_number(
        ledger, 0, "SELECT state = 'settled' FROM runs WHERE id = ?", "i", run_id);
    if (settled) {
        if (is_pruned(ledger, run_id) ||
            mj == entered(ledger, run_id, "'charge','adjustment','overrun'"))
            return 0;
        return charge(ledger, policy, run_id, false, mj, now_s) < 0 ? -1 : 1;
    }
    since_s = ledger_number(ledger, 0,
                            "SELECT MAX(end_s, COALESCE(over_seen_s, 0), ?) FROM runs"
                            " WHERE id = ? AND state = 'ended'",
                            "ii", started_s, run_id);
    nodes = ledger_number(ledger, 0, "SELECT node_count FROM runs WHERE id = ?", "i",
                          run_id);
    finals = ledger_number(
        ledger, 0, "SELECT COUNT(DISTINCT node) FROM tokens WHERE run_id = ? AND final",
        "i", run_id);
    if (!since_s || (finals < nodes && now_s < since_s + settle_timeout_s))
        return 0;
    if (note_missing(ledger, run_id, nodes, finals) < 0 ||
        charge(ledger, policy, run_id, true, mj, now_s) < 0)
        return -1;
    return 1;
}
