/* steer_facts.c - what the ledger knows of a running run that may be steered */
#include "policy/steer_facts.h"

#include <stdio.h>

#include "policy/energy.h"
#include "policy/history.h"
#include "policy/kind.h"
#include "policy/lien.h"

/* Power is the mean of so many reports. */
#define REPORTS 10

static void put(char *to, size_t size, sqlite3_stmt *row, int column)
{
    const char *text = (const char *)sqlite3_column_text(row, column);

    snprintf(to, size, "%s", text ? text : "");
}

static void take_run(sqlite3_stmt *row, struct steer_facts *f)
{
    put(f->cluster, sizeof f->cluster, row, 0);
    put(f->user, sizeof f->user, row, 1);
    put(f->account, sizeof f->account, row, 2);
    put(f->partition, sizeof f->partition, row, 3);
    put(f->name, sizeof f->name, row, 4);
    f->node_count = sqlite3_column_int64(row, 5);
    f->gpus = sqlite3_column_int64(row, 6);
    f->asked_nodes = sqlite3_column_int64(row, 7);
    f->asked_cpus = sqlite3_column_int64(row, 8);
    f->asked_gpus = sqlite3_column_int64(row, 9);
    f->from_s = sqlite3_column_int64(row, 10);
    f->until_s = sqlite3_column_int64(row, 11);
    f->lien_mj = sqlite3_column_int64(row, 12);
    f->most_mj = sqlite3_column_int64(row, 13);
    f->used_mj = sqlite3_column_int64(row, 14);
    put(f->text, sizeof f->text, row, 15);
    f->memory.known = sqlite3_column_int(row, 16) != 0;
}

static bool read_run(struct ledger *ledger, struct steer_facts *f)
{
    sqlite3_stmt *row = ledger_query(
        ledger,
        "SELECT r.cluster, r.user, r.account, r.partition, r.name, r.node_count,"
        " r.gpus, r.asked_nodes, r.asked_cpus, r.asked_gpus, l.from_s, l.until_s, l.mj,"
        " l.most_mj, u.mj, r.job_text,"
        " EXISTS (SELECT 1 FROM steering s WHERE s.run_id = l.run_id) FROM liens l "
        "JOIN runs r ON r.id = l.run_id"
        " JOIN used u ON u.run_id = l.run_id WHERE l.run_id = ?"
        " AND r.state = 'running' AND r.enforce = 'strict' AND r.decision = 'run'",
        "i", f->run_id);
    bool found = row && sqlite3_step(row) == SQLITE_ROW;

    if (found)
        take_run(row, f);
    ledger_done(ledger, row);
    return found;
}

static void read_reports(struct ledger *ledger, struct steer_facts *f)
{
    sqlite3_stmt *row =
        ledger_query(ledger,
                     "SELECT COUNT(DISTINCT node), MIN(last_ms), MAX(last_ms)"
                     " FROM tokens WHERE run_id = ? AND NOT final",
                     "i", f->run_id);

    if (row && sqlite3_step(row) == SQLITE_ROW) {
        f->nodes_known = sqlite3_column_int64(row, 0);
        f->first_ms = sqlite3_column_int64(row, 1);
        f->last_ms = sqlite3_column_int64(row, 2);
    }
    ledger_done(ledger, row);
}

static void read_used(struct ledger *ledger, struct steer_facts *f)
{
    sqlite3_stmt *row =
        ledger_query(ledger,
                     "SELECT d.kind, SUM(d.uj / 1000) FROM tokens t JOIN run_domains d"
                     " ON d.token = t.token WHERE t.run_id = ? AND d.uj IS NOT NULL"
                     " GROUP BY d.kind",
                     "i", f->run_id);

    while (row && sqlite3_step(row) == SQLITE_ROW) {
        enum kind kind = kind_of((const char *)sqlite3_column_text(row, 0));
        int64_t *to = kind == KIND_GPU   ? &f->used.gpu_mj
                      : kind == KIND_CPU ? &f->used.package_mj
                                         : &f->used.other_mj;

        *to += sqlite3_column_int64(row, 1);
    }
    ledger_done(ledger, row);
}

/* The columns in the order of the table. */
static int64_t *fields(struct steer_memory *m, int i)
{
    int64_t *const all[] = {&m->state.gpu_mw,
                            &m->state.package_mw,
                            &m->state.cpu_percent,
                            &m->state.changed_s,
                            &m->state.gpu_full_mw,
                            &m->state.package_full_mw,
                            &m->done_ms,
                            &m->free.gpu_mj,
                            &m->free.package_mj,
                            &m->free_ms,
                            &m->gpu_peak_mw,
                            &m->package_peak_mw,
                            &m->other_peak_mw,
                            &m->used.gpu_mj,
                            &m->used.package_mj,
                            &m->used.other_mj,
                            &m->seen_ms};

    return i < (int)(sizeof all / sizeof *all) ? all[i] : NULL;
}

/* A run that nothing is remembered of has been free since it began. */
static void read_memory(struct ledger *ledger, struct steer_facts *f)
{
    struct steer_memory *m = &f->memory;
    sqlite3_stmt *row = ledger_query(
        ledger,
        "SELECT gpu_mw, package_mw, cpu_percent, changed_s, gpu_full_mw,"
        " package_full_mw, done_ms, free_gpu_mj, free_package_mj, free_ms, gpu_peak_mw,"
        " package_peak_mw, other_peak_mw, gpu_mj, package_mj, other_mj, seen_ms, warned"
        " FROM steering WHERE run_id = ?",
        "i", f->run_id);

    *m = (struct steer_memory){.seen_ms = f->from_s * 1000};
    if (row && sqlite3_step(row) == SQLITE_ROW) {
        int i = 0;

        m->known = true;
        for (int64_t *field; (field = fields(m, i)); i++)
            *field = sqlite3_column_int64(row, i);
        m->state.warned = sqlite3_column_int(row, i) != 0;
    }
    ledger_done(ledger, row);
}

/* A cap that is lower than what steering ordered is another's. */
static void read_cap(struct ledger *ledger, struct steer_facts *f)
{
    sqlite3_stmt *row = ledger_query(
        ledger,
        "SELECT COALESCE(c.gpu_mw < COALESCE(r.steer_gpu_mw, c.gpu_mw + 1),"
        "  0) * c.gpu_mw,"
        " COALESCE(c.package_mw < COALESCE(r.steer_package_mw,"
        "  c.package_mw + 1), 0) * c.package_mw"
        " FROM caps c JOIN runs r ON r.id = c.run_id WHERE c.run_id = ?",
        "i", f->run_id);

    if (row && sqlite3_step(row) == SQLITE_ROW)
        for (int i = 0; i < 2; i++)
            f->cap_mw[i] = sqlite3_column_int64(row, i);
    ledger_done(ledger, row);
}

bool steer_facts_read(struct ledger *ledger, int64_t run_id, struct steer_facts *facts)
{
    *facts = (struct steer_facts){.run_id = run_id};
    return read_run(ledger, facts);
}

void steer_facts_more(struct ledger *ledger, struct steer_facts *facts)
{
    read_reports(ledger, facts);
    read_used(ledger, facts);
    read_memory(ledger, facts);
    read_cap(ledger, facts);
}

/* Mean powers of one token's reports; -1 where a kind was not measured. */
struct powers {
    int64_t mw[KINDS];
};

static bool take_powers(sqlite3_stmt *row, struct powers *sum)
{
    int64_t ms = sqlite3_column_int64(row, KINDS);
    bool any = false;

    for (int k = 0; k < KINDS; k++) {
        if (sqlite3_column_type(row, k) == SQLITE_NULL)
            continue;
        sum->mw[k] = (sum->mw[k] < 0 ? 0 : sum->mw[k]) +
                     energy_mean_mw(sqlite3_column_int64(row, k), ms > 0 ? ms : 1);
        any = true;
    }
    return any;
}

/* How many of its nodes' reports there are of that time. */
static int64_t read_powers(struct ledger *ledger, int64_t run_id, int64_t from_ms,
                           int64_t least_ms, struct powers *sum)
{
    sqlite3_stmt *row = ledger_query(
        ledger,
        "SELECT SUM(p.cpu_mj), SUM(p.dram_mj), SUM(p.gpu_mj), SUM(p.other_mj),"
        " SUM(p.to_ms - p.from_ms) FROM tokens t JOIN run_points p ON p.token = t.token"
        " WHERE t.run_id = ? AND NOT t.final AND p.to_ms > ? AND p.from_ms >= ?"
        " GROUP BY t.token HAVING SUM(p.to_ms - p.from_ms) > 0",
        "iii", run_id, from_ms, least_ms);
    int64_t count = 0;

    *sum = (struct powers){{-1, -1, -1, -1}};
    while (row && sqlite3_step(row) == SQLITE_ROW)
        count += take_powers(row, sum);
    ledger_done(ledger, row);
    return count;
}

static int64_t known_mw(int64_t mw)
{
    return mw < 0 ? 0 : mw;
}

bool steer_facts_power(struct ledger *ledger, const struct steer_facts *f,
                       int64_t report_ms, int64_t since_ms, struct steer_run *run)
{
    struct powers p;

    /* Reports are not on the dot: half of one more or less. */
    if (read_powers(ledger, f->run_id,
                    f->first_ms - REPORTS * report_ms + report_ms / 2, since_ms,
                    &p) < f->nodes_known &&
        read_powers(ledger, f->run_id, f->first_ms - report_ms / 2, 0, &p) <
            f->nodes_known)
        return false;
    if (f->gpus > 0 && p.mw[KIND_GPU] < 0)
        return false;
    run->gpu.mw = known_mw(p.mw[KIND_GPU]);
    run->package.mw = known_mw(p.mw[KIND_CPU]);
    run->other_mw = known_mw(p.mw[KIND_DRAM]) + known_mw(p.mw[KIND_OTHER]);
    return true;
}

/* Those that every one of the run's nodes has; more than steps and ranges nobody asks
 * a device. */
static void read_devices(struct ledger *ledger, const struct steer_facts *f,
                         const char *names, struct steer_devices *devices)
{
    sqlite3_stmt *row = ledger_query(
        ledger,
        "SELECT COUNT(DISTINCT node), COUNT(*), MAX(COALESCE(min_mw, 0)), MIN(max_mw),"
        " MAX(COALESCE(step_mw, 0)) FROM node_limits WHERE device GLOB ? AND max_mw > 0"
        " AND node IN (SELECT node FROM tokens WHERE run_id = ?)",
        "si", names, f->run_id);

    if (row && sqlite3_step(row) == SQLITE_ROW &&
        sqlite3_column_int64(row, 0) >= f->node_count) {
        devices->count = sqlite3_column_int64(row, 1);
        devices->min_mw = sqlite3_column_int64(row, 2);
        devices->max_mw = sqlite3_column_int64(row, 3);
        devices->step_mw = sqlite3_column_int64(row, 4);
    }
    ledger_done(ledger, row);
    devices->idle_mw = STEER_UNKNOWN;
}

/* By its CPUs: one that has all of a node's has its packages. */
static bool is_alone(struct ledger *ledger, const struct steer_facts *f)
{
    return ledger_number(ledger, 1,
                         "SELECT COUNT(*) FROM tokens t LEFT JOIN node_facts n"
                         " ON n.node = t.node WHERE t.run_id = ? AND NOT t.final"
                         " AND (n.cpus IS NULL OR t.cpus IS NULL OR t.cpus < n.cpus)",
                         "i", f->run_id) == 0;
}

static void lower_most(struct steer_devices *devices, int64_t cap_mw)
{
    if (cap_mw > 0 && cap_mw < devices->max_mw)
        devices->max_mw = cap_mw;
    if (devices->max_mw <= devices->min_mw)
        devices->max_mw = 0;
}

void steer_facts_devices(struct ledger *ledger, const struct steer_facts *f,
                         struct steer_run *run)
{
    read_devices(ledger, f, "gpu*", &run->gpu);
    /* Which of a node's cards are the run's does not matter: they are alike. */
    if (run->gpu.count > 0)
        run->gpu.count = f->gpus;
    lower_most(&run->gpu, f->cap_mw[0]);
    read_devices(ledger, f, "package*", &run->package);
    lower_most(&run->package, f->cap_mw[1]);
    if (!is_alone(ledger, f))
        run->package.max_mw = 0;
}

int64_t steer_facts_expected_s(struct ledger *ledger, const struct policy *policy,
                               const struct steer_facts *f)
{
    const struct history_key key = {f->cluster,    f->user,      f->account,
                                    f->name,       f->partition, f->asked_nodes,
                                    f->asked_cpus, f->asked_gpus};
    struct policy_figures figures = *policy_figures(policy);
    struct history_estimate estimate;

    figures.duration_quantile = figures.steer_duration_quantile;
    if (history_estimate_by(ledger, &figures, &key, &estimate) < 0 ||
        estimate.runs == 0 || estimate.s == HISTORY_ENDLESS)
        return STEER_UNKNOWN;
    return estimate.s;
}

/* The highest limit that any such device of the run really has; 0: one has none of
 * ours; -1: all are as ordered. */
static int64_t really_mw(struct ledger *ledger, int64_t run_id, const char *names)
{
    return ledger_number(
        ledger, -1,
        "SELECT CASE WHEN SUM(c.state IN ('failed', 'foreign', 'shared')) = 0 THEN -1"
        " WHEN SUM(c.value IS NULL OR c.state = 'failed') > 0 THEN 0 ELSE MAX(c.value) "
        "END FROM tokens t"
        " JOIN run_caps c ON c.token = t.token WHERE t.run_id = ? AND c.what GLOB ?"
        " AND c.time_ms = (SELECT MAX(time_ms) FROM run_caps o WHERE o.token = c.token"
        "  AND o.what = c.what) HAVING COUNT(*) > 0",
        "is", run_id, names);
}

static int64_t in_force(int64_t ordered_mw, int64_t really)
{
    return ordered_mw == 0 || really < 0 ? ordered_mw : really;
}

struct steer_state steer_facts_in_force(struct ledger *ledger,
                                        const struct steer_facts *f)
{
    struct steer_state state = f->memory.state;

    if (state.gpu_mw)
        state.gpu_mw = in_force(state.gpu_mw, really_mw(ledger, f->run_id, "gpu*"));
    if (state.package_mw)
        state.package_mw =
            in_force(state.package_mw, really_mw(ledger, f->run_id, "package*"));
    if (state.cpu_percent && really_mw(ledger, f->run_id, "cpu") == 0)
        state.cpu_percent = 0;
    return state;
}

int steer_facts_keep(struct ledger *ledger, int64_t run_id,
                     const struct steer_memory *m)
{
    return ledger_do(
        ledger,
        "INSERT INTO steering (run_id, gpu_mw, package_mw, cpu_percent, changed_s,"
        " gpu_full_mw, package_full_mw, warned, done_ms, free_gpu_mj, free_package_mj,"
        " free_ms, gpu_peak_mw, package_peak_mw, other_peak_mw, gpu_mj, package_mj,"
        " other_mj, seen_ms) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
        " ON CONFLICT DO UPDATE SET gpu_mw = excluded.gpu_mw,"
        " package_mw = excluded.package_mw, cpu_percent = excluded.cpu_percent,"
        " changed_s = excluded.changed_s, gpu_full_mw = excluded.gpu_full_mw,"
        " package_full_mw = excluded.package_full_mw, warned = excluded.warned,"
        " done_ms = excluded.done_ms, free_gpu_mj = excluded.free_gpu_mj,"
        " free_package_mj = excluded.free_package_mj, free_ms = excluded.free_ms,"
        " gpu_peak_mw = excluded.gpu_peak_mw,"
        " package_peak_mw = excluded.package_peak_mw,"
        " other_peak_mw = excluded.other_peak_mw, gpu_mj = excluded.gpu_mj,"
        " package_mj = excluded.package_mj, other_mj = excluded.other_mj,"
        " seen_ms = excluded.seen_ms",
        "iiiiiiiiiiiiiiiiiii", run_id, m->state.gpu_mw, m->state.package_mw,
        m->state.cpu_percent, m->state.changed_s, m->state.gpu_full_mw,
        m->state.package_full_mw, (int64_t)m->state.warned, m->done_ms, m->free.gpu_mj,
        m->free.package_mj, m->free_ms, m->gpu_peak_mw, m->package_peak_mw,
        m->other_peak_mw, m->used.gpu_mj, m->used.package_mj, m->used.other_mj,
        m->seen_ms);
}
