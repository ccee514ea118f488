/* history_past.c - history that kwota has not measured: Slurm's past jobs */
#include "policy/history_past.h"

#include <stdio.h>
#include <string.h>

#include "policy/history.h"
#include "policy/tres.h"

/* A megawatt's year: more is a mistake, whatever the run. */
#define JOULES_MOST INT64_C(31600000000000)

/* 0: Slurm has no energy that can be the run's own. */
static int64_t slurm_mw(const struct past_run *run, bool whole, int64_t plate_mw)
{
    int64_t mw;

    if (!whole || run->energy_j <= 0 || run->energy_j > JOULES_MOST)
        return 0;
    mw = (run->energy_j * 1000 + run->elapsed_s - 1) / run->elapsed_s;
    return plate_mw > 0 && mw / HISTORY_PAST_TIMES > plate_mw ? 0 : mw;
}

static void put_key(const struct past_run *run, struct history_past_run *kept)
{
    *kept = (struct history_past_run){.job_id = run->job_id,
                                      .nodes = tres_count(run->asked, "node"),
                                      .cpus = tres_count(run->asked, "cpu"),
                                      .gpus = tres_count(run->asked, "gres/gpu"),
                                      .submit_s = run->submit_s,
                                      .end_s = run->end_s,
                                      .elapsed_s = run->elapsed_s,
                                      .limit_s = run->limit_s,
                                      .timed_out = strcmp(run->state, "TIMEOUT") == 0};
    snprintf(kept->user, sizeof kept->user, "%s", run->user);
    snprintf(kept->account, sizeof kept->account, "%s", run->account);
    snprintf(kept->name, sizeof kept->name, "%s", run->name);
    snprintf(kept->partition, sizeof kept->partition, "%s", run->partition);
}

enum history_past history_past_weigh(const struct past_run *run, bool whole,
                                     int64_t plate_mw, struct history_past_run *kept)
{
    put_key(run, kept);
    if (strcmp(run->state, "COMPLETED") != 0 && !kept->timed_out)
        return PAST_STATE;
    if (run->elapsed_s < HISTORY_LEAST_S)
        return PAST_SHORT;
    if (kept->cpus <= 0)
        return PAST_SHAPE;
    kept->mw = slurm_mw(run, whole, plate_mw);
    if (kept->mw > 0)
        return PAST_BY_SLURM;
    kept->mw = plate_mw;
    kept->by_nameplate = true;
    return plate_mw > 0 ? PAST_BY_NAMEPLATE : PAST_POWER;
}

bool history_past_known(struct ledger *ledger, const char *cluster,
                        const struct history_past_run *run)
{
    return ledger_number(ledger, 0,
                         "SELECT 1 FROM runs WHERE cluster = ? AND job_id = ?"
                         " AND submit_s = ? LIMIT 1",
                         "sii", cluster, (int64_t)run->job_id, run->submit_s) != 0;
}

#define OF_KEY                                                                         \
    " cluster = ? AND user = ? AND account = ? AND name = ? AND partition = ?"         \
    " AND nodes = ? AND cpus = ? AND gpus = ? "

static int insert(struct ledger *ledger, const char *cluster,
                  const struct history_past_run *run)
{
    if (ledger_do(
            ledger,
            "INSERT INTO history_past (cluster, user, account, name, partition,"
            " nodes, cpus, gpus, end_s, job_id, mw, elapsed_s, limit_s, timed_out,"
            " source) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
            " ON CONFLICT (cluster, user, account, name, partition, nodes, cpus,"
            "  gpus, end_s, job_id) DO UPDATE SET mw = excluded.mw,"
            "  source = excluded.source WHERE history_past.mw <> excluded.mw",
            "sssssiiiiiiiiis", cluster, run->user, run->account, run->name,
            run->partition, run->nodes, run->cpus, run->gpus, run->end_s,
            (int64_t)run->job_id, run->mw, run->elapsed_s, run->limit_s,
            (int64_t)run->timed_out, run->by_nameplate ? "nameplate" : "slurm") < 0)
        return -1;
    return ledger_changed(ledger) > 0;
}

/* When the oldest of the HISTORY_KEPT newest of the runs like this one ended; 0: there
 * are fewer. */
static int64_t oldest_kept_s(struct ledger *ledger, const char *cluster,
                             const struct history_past_run *run)
{
    return ledger_number(ledger, 0,
                         "SELECT end_s FROM history_past WHERE" OF_KEY
                         "ORDER BY end_s DESC LIMIT 1 OFFSET ?",
                         "sssssiiii", cluster, run->user, run->account, run->name,
                         run->partition, run->nodes, run->cpus, run->gpus,
                         (int64_t)HISTORY_KEPT - 1);
}

int history_past_put(struct ledger *ledger, const char *cluster,
                     const struct history_past_run *run)
{
    int64_t oldest_s = oldest_kept_s(ledger, cluster, run);
    int rc;

    if (oldest_s > run->end_s)
        return 0;
    rc = insert(ledger, cluster, run);
    if (rc <= 0 || oldest_s == 0)
        return rc;
    return ledger_do(ledger, "DELETE FROM history_past WHERE" OF_KEY "AND end_s < ?",
                     "sssssiiii", cluster, run->user, run->account, run->name,
                     run->partition, run->nodes, run->cpus, run->gpus,
                     oldest_kept_s(ledger, cluster, run)) < 0
               ? -1
               : 1;
}
