/* report_run.c - one run of a node's report, into the ledger */
#include "policy/report_run.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "policy/cap_report.h"
#include "policy/energy.h"
#include "policy/kind.h"
#include "policy/live.h"
#include "policy/log.h"
#include "policy/quarter.h"
#include "policy/steps.h"

struct run {
    const char *token;
    json_int_t job, uid, start_ms, cpu_ns;
    json_int_t end_ms; /* 0: runs */
    int final;
    json_t *domains, *reasons;
    json_t *apportioned, *steps; /* NULL: none */
    json_t *caps;                /* NULL: it never was capped */
};

static int parse(json_t *json, struct run *run)
{
    json_t *end = NULL;

    memset(run, 0, sizeof *run);
    run->uid = -1;
    if (json_unpack(json, "{s:s s:I s?I s:I s?o s:b s:I s:o s:o s?o s?o s?o}", "token",
                    &run->token, "job", &run->job, "uid", &run->uid, "start_ms",
                    &run->start_ms, "end_ms", &end, "final", &run->final, "cpu_ns",
                    &run->cpu_ns, "reasons", &run->reasons, "domains", &run->domains,
                    "apportioned", &run->apportioned, "steps", &run->steps, "caps",
                    &run->caps) < 0)
        return -1;
    run->end_ms = json_is_integer(end) ? json_integer_value(end) : 0;
    return json_is_object(run->domains) && json_is_array(run->reasons) && run->job > 0
               ? 0
               : -1;
}

int report_run_check(json_t *json, const char **error)
{
    struct run run;

    *error = "a run needs token, job, start_ms, final, cpu_ns, reasons and domains";
    if (parse(json, &run) < 0)
        return -1;
    *error = "apportioned is a list of the run's domains";
    if (run.apportioned && !json_is_array(run.apportioned))
        return -1;
    *error = "steps is a list, and a step needs step, start_ms, cpu_ns and uj";
    return steps_check(run.steps);
}

static bool is_listed(const json_t *list, const char *text)
{
    size_t i;
    json_t *one;

    json_array_foreach(list, i, one)
    {
        if (json_is_string(one) && strcmp(json_string_value(one), text) == 0)
            return true;
    }
    return false;
}

/* What a kind's counts grew by. */
struct delta {
    const char *kind;
    int64_t mj;
};

/* The kinds that counters have; a fifth would be told apart from the last no more. */
#define DELTAS 8

/* What a run's counts grew by, from its last report to this one. */
struct growth {
    int64_t from_ms, to_ms;
    struct kinds mj;
    struct delta deltas[DELTAS];
    int count;
    json_t *before; /* what the ledger has: uj by domain */
};

/* Where a delta's parts go. */
struct posting {
    struct ledger *ledger;
    const char *token, *kind;
    int64_t grown_mj; /* what quarter-hours that are there already grew by */
    int failed;
};

static int add_quarter(struct posting *p, int64_t quarter_s, int64_t mj)
{
    if (ledger_do(p->ledger,
                  "UPDATE run_quarters SET mj = mj + ? WHERE token = ?"
                  " AND quarter_s = ? AND kind = ?",
                  "isis", mj, p->token, quarter_s, p->kind) < 0)
        return -1;
    if (ledger_changed(p->ledger) > 0) {
        p->grown_mj += mj;
        return 0;
    }
    return ledger_do(p->ledger,
                     "INSERT INTO run_quarters (token, quarter_s, kind, mj)"
                     " VALUES (?,?,?,?)",
                     "sisi", p->token, quarter_s, p->kind, mj);
}

static void post_quarter(int64_t quarter_s, int64_t mj, void *arg)
{
    struct posting *p = arg;

    if (mj != 0 && add_quarter(p, quarter_s, mj) < 0)
        p->failed = 1;
}

/* Puts what each kind grew by into the quarters of the time it grew in. */
static int post(struct ledger *ledger, const struct run *run,
                const struct growth *growth)
{
    struct posting posting = {.ledger = ledger, .token = run->token};

    for (int i = 0; i < growth->count; i++) {
        posting.kind = growth->deltas[i].kind;
        quarter_split(growth->deltas[i].mj, growth->from_ms, growth->to_ms,
                      post_quarter, &posting);
    }
    if (posting.failed || posting.grown_mj == 0)
        return posting.failed ? -1 : 0;
    return ledger_do(ledger,
                     "UPDATE used SET mj = mj + ?1, open_mj = open_mj + ?1"
                     " WHERE run_id = (SELECT run_id FROM tokens WHERE token = ?2)",
                     "is", posting.grown_mj, run->token);
}

/* -1: there are more kinds than anybody knows. */
static int grow(struct growth *growth, const char *kind, int64_t mj)
{
    int i = 0;

    kinds_add(&growth->mj, kind_of(kind), mj);
    while (i < growth->count && strcmp(growth->deltas[i].kind, kind) != 0)
        i++;
    if (i == DELTAS)
        return -1;
    if (i == growth->count)
        growth->deltas[growth->count++] = (struct delta){kind, 0};
    growth->deltas[i].mj += mj;
    return 0;
}

/* All of a run's counts at once. */
static json_t *read_counts(struct ledger *ledger, const struct run *run)
{
    sqlite3_stmt *stmt =
        ledger_query(ledger,
                     "SELECT domain, uj FROM run_domains WHERE token = ?"
                     " AND uj IS NOT NULL",
                     "s", run->token);
    json_t *counts = json_object();

    while (stmt && sqlite3_step(stmt) == SQLITE_ROW)
        json_object_set_new_nocheck(counts, (const char *)sqlite3_column_text(stmt, 0),
                                    json_integer(sqlite3_column_int64(stmt, 1)));
    ledger_done(ledger, stmt);
    return counts;
}

/* uj in the ledger after this report; the higher count stands. */
static int64_t count_of(const struct report *r, const struct run *run,
                        const char *domain, int64_t told, int64_t before)
{
    if (told >= before)
        return told;
    log_line("node %s: job %lld: %s went back from %lld to %lld uJ; the higher count "
             "stands",
             r->node, (long long)run->job, domain, (long long)before, (long long)told);
    return before;
}

/* What was divided among jobs, or made of power over time, once, stays so marked. */
static int keep_count(struct ledger *ledger, const struct run *run, const char *domain,
                      const json_t *described, int64_t uj)
{
    int64_t apportioned = is_listed(run->apportioned, domain);
    int64_t integrated = json_is_true(json_object_get(described, "integrated"));

    /* It is nearly always there: an upsert would look for it twice. */
    if (ledger_do(ledger,
                  "UPDATE run_domains SET uj = COALESCE(?1, uj),"
                  " apportioned = MAX(apportioned, ?2),"
                  " integrated = MAX(integrated, ?3) WHERE token = ?4 AND domain = ?5",
                  "uiiss", uj, apportioned, integrated, run->token, domain) < 0)
        return -1;
    if (ledger_changed(ledger) > 0)
        return 0;
    return ledger_do(
        ledger,
        "INSERT INTO run_domains (token, domain, kind, uj, apportioned, integrated)"
        " VALUES (?,?,?,?,?,?)",
        "sssuii", run->token, domain,
        json_string_value(json_object_get(described, "kind")), uj, apportioned,
        integrated);
}

/* A count of a run, and what it grew by. */
static int take_count(struct ledger *ledger, const struct report *r,
                      const struct run *run, const char *domain, const json_t *value,
                      struct growth *growth)
{
    /* NULL: the report does not say what it is */
    const json_t *described = json_object_get(r->described, domain);
    const char *kind = json_string_value(json_object_get(described, "kind"));
    int64_t before, now;

    if (!kind)
        return 0;
    if (!json_is_integer(value))
        return keep_count(ledger, run, domain, described, ENERGY_UNKNOWN);
    before = json_integer_value(json_object_get(growth->before, domain));
    now = count_of(r, run, domain, json_integer_value(value), before);
    return grow(growth, kind, now / 1000 - before / 1000) < 0
               ? -1
               : keep_count(ledger, run, domain, described, now);
}

static int take_counts(struct ledger *ledger, const struct report *r,
                       const struct run *run, struct growth *growth)
{
    const char *domain;
    json_t *value;
    int rc = 0;

    growth->before = read_counts(ledger, run);
    json_object_foreach(run->domains, domain, value)
    {
        if (rc == 0)
            rc = take_count(ledger, r, run, domain, value, growth);
    }
    json_decref(growth->before);
    return rc < 0 ? -1 : post(ledger, run, growth);
}

/* A report that came without time having passed belongs to the point before it. */
static int take_point(struct ledger *ledger, const struct run *run,
                      const struct growth *g)
{
    const int64_t *mj = g->mj.mj;

    if (g->to_ms > g->from_ms)
        return ledger_do(ledger, "INSERT INTO run_points VALUES (?,?,?,?,?,?,?)",
                         "siiuuuu", run->token, g->from_ms, g->to_ms, mj[KIND_CPU],
                         mj[KIND_DRAM], mj[KIND_GPU], mj[KIND_OTHER]);
    return ledger_do(ledger,
                     "UPDATE run_points SET cpu_mj = COALESCE(cpu_mj + ?1, cpu_mj, ?1),"
                     " dram_mj = COALESCE(dram_mj + ?2, dram_mj, ?2),"
                     " gpu_mj = COALESCE(gpu_mj + ?3, gpu_mj, ?3),"
                     " other_mj = COALESCE(other_mj + ?4, other_mj, ?4)"
                     " WHERE token = ?5 AND to_ms ="
                     "  (SELECT MAX(to_ms) FROM run_points WHERE token = ?5)",
                     "uuuus", mj[KIND_CPU], mj[KIND_DRAM], mj[KIND_GPU], mj[KIND_OTHER],
                     run->token);
}

static int take_token(struct ledger *ledger, const struct report *r,
                      const struct run *run, int64_t until_ms)
{
    char *reasons = json_dumps(run->reasons, JSON_COMPACT);
    int rc = ledger_do(
        ledger,
        "INSERT INTO tokens (token, node, job_id, start_ms, last_ms, final, cpu_ns,"
        " reasons, simulated, uid) VALUES (?,?,?,?,?,?,?,?,?,NULLIF(?,-1))"
        " ON CONFLICT DO UPDATE SET last_ms = MAX(last_ms, excluded.last_ms),"
        " final = MAX(final, excluded.final), cpu_ns = MAX(cpu_ns, excluded.cpu_ns),"
        " reasons = excluded.reasons, simulated = excluded.simulated",
        "ssiiiiisii", run->token, r->node, (int64_t)run->job, (int64_t)run->start_ms,
        until_ms, (int64_t)run->final, (int64_t)run->cpu_ns, reasons,
        (int64_t)r->simulated, (int64_t)run->uid);

    free(reasons);
    return rc;
}

/* What was counted of it is not known any more, so nothing can be added to that: it is
 * acknowledged, and charged no further. */
static int tell_pruned(struct ledger *ledger, const struct report *r,
                       const struct run *run)
{
    log_line(
        "node %s: job %lld's detail was dropped long ago; counts that come now are "
        "not taken",
        r->node, (long long)run->job);
    return ledger_do(ledger, "UPDATE tokens SET final = MAX(final, ?) WHERE token = ?",
                     "is", (int64_t)run->final, run->token);
}

/* What is told of it, but for what live_note() may leave out. Counts of a domain that
 * the report does not describe are not taken. */
static struct live_counts counts_of(const struct report *r, const struct run *run,
                                    int64_t to_ms)
{
    struct live_counts counts = {.token = run->token,
                                 .to_ms = to_ms,
                                 .cpu_ns = run->cpu_ns,
                                 .domains = run->domains};
    const char *domain;
    json_t *value;

    json_object_foreach(run->domains, domain, value)
    {
        if (!json_is_integer(value) || !json_object_get(r->described, domain))
            continue;
        counts.mj += json_integer_value(value) / 1000;
        counts.shape++;
    }
    counts.shape = counts.shape * 1000 + (int64_t)json_array_size(run->apportioned);
    counts.shape = counts.shape * 1000 + (int64_t)json_array_size(run->reasons);
    counts.shape = counts.shape * 100000 + (int64_t)json_array_size(run->steps);
    return counts;
}

/* Whether it merely goes on: nothing is told that is told once. */
static bool goes_on(const struct run *run)
{
    size_t i;
    json_t *step;

    if (run->final || run->end_ms || run->caps)
        return false;
    json_array_foreach(run->steps, i, step)
    {
        if (json_is_integer(json_object_get(step, "end_ms")))
            return false;
    }
    return true;
}

/* Its counts, and the point of their growth. */
static int save(struct ledger *ledger, const struct report *report,
                const struct run *run, struct growth *growth)
{
    kinds_clear(&growth->mj);
    return take_counts(ledger, report, run, growth) < 0 ||
                   take_point(ledger, run, growth) < 0
               ? -1
               : 0;
}

static int64_t last_ms(struct ledger *ledger, const char *token, int64_t otherwise)
{
    return ledger_number(ledger, otherwise,
                         "SELECT CASE WHEN pruned THEN -1 ELSE last_ms END"
                         " FROM tokens WHERE token = ?",
                         "s", token);
}

int report_run_take(struct ledger *ledger, const struct report *report, json_t *json)
{
    struct growth growth = {.count = 0};
    struct live_counts counts;
    struct run run;

    if (parse(json, &run) < 0)
        return -1;
    growth.to_ms = run.end_ms ? run.end_ms : report->time_ms;
    counts = counts_of(report, &run, growth.to_ms);
    if (goes_on(&run) && live_note(ledger, &counts))
        return 0;
    growth.from_ms = last_ms(ledger, run.token, run.start_ms);
    if (growth.from_ms < 0)
        return tell_pruned(ledger, report, &run);
    if (take_token(ledger, report, &run, growth.to_ms) < 0)
        return -1;
    if (save(ledger, report, &run, &growth) < 0 ||
        cap_report_run(ledger, run.token, run.caps, growth.to_ms) < 0 ||
        live_saved(ledger, &counts) < 0)
        return -1;
    return steps_take(ledger, run.token, run.steps);
}

/* The domains that the ledger knows of a token, as a report describes them. */
static json_t *described(struct ledger *ledger, const char *token)
{
    sqlite3_stmt *row = ledger_query(
        ledger, "SELECT domain, kind, integrated FROM run_domains WHERE token = ?", "s",
        token);
    json_t *all = json_object();

    while (row && sqlite3_step(row) == SQLITE_ROW)
        json_object_set_new(all, (const char *)sqlite3_column_text(row, 0),
                            json_pack("{s:s s:b}", "kind",
                                      (const char *)sqlite3_column_text(row, 1),
                                      "integrated", sqlite3_column_int(row, 2)));
    ledger_done(ledger, row);
    return all;
}

static int save_waiting(struct ledger *ledger, const struct live_counts *counts)
{
    struct report report = {.node = "", .described = described(ledger, counts->token)};
    struct run run = {.token = counts->token, .domains = counts->domains};
    struct growth growth = {.to_ms = counts->to_ms};
    int rc;

    growth.from_ms = last_ms(ledger, counts->token, counts->to_ms);
    rc = growth.from_ms < 0 ? 0 : save(ledger, &report, &run, &growth);
    json_decref(report.described);
    if (rc < 0 || ledger_do(ledger,
                            "UPDATE tokens SET last_ms = MAX(last_ms, ?1),"
                            " cpu_ns = MAX(cpu_ns, ?2) WHERE token = ?3",
                            "iis", counts->to_ms, counts->cpu_ns, counts->token) < 0)
        return -1;
    return live_saved(ledger, counts);
}

int report_run_save(struct ledger *ledger, int64_t run_id)
{
    struct live_counts counts;
    char token[64];
    int rc = 0;

    while (rc == 0 && live_waiting(ledger, run_id, token, &counts)) {
        rc = save_waiting(ledger, &counts);
        json_decref(counts.domains);
    }
    return rc;
}
