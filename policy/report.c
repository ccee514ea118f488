/* report.c - what a node's meter reports, into the ledger */
#include "policy/report.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/allowance.h"
#include "policy/booking.h"
#include "policy/cap.h"
#include "policy/cap_report.h"
#include "policy/log.h"
#include "policy/node_facts.h"
#include "policy/report_run.h"
#include "policy/switches.h"

static int parse_report(json_t *json, struct report *r, const char **error)
{
    json_t *summary_for = NULL;

    r->limits = NULL;
    *error = "a report needs node, epoch, seq, time_ms, simulated, domains and runs";
    if (json_unpack(json, "{s:s s:s s:I s:I s:b s:o s:o s?o s?o}", "node", &r->node,
                    "epoch", &r->epoch, "seq", &r->seq, "time_ms", &r->time_ms,
                    "simulated", &r->simulated, "domains", &r->domains, "runs",
                    &r->runs, "summary_for", &summary_for, "limits", &r->limits) < 0)
        return -1;
    r->summary_for = json_string_value(summary_for);
    return json_is_array(r->domains) && json_is_array(r->runs) && r->node[0] ? 0 : -1;
}

static int take_domain(struct ledger *ledger, const struct report *r, json_t *json)
{
    const char *name, *kind, *source, *state;
    json_int_t total, jobs, node, gap;
    json_t *reason = NULL;
    int64_t integrated = json_is_true(json_object_get(json, "integrated"));
    const char *text;

    if (json_unpack(json, "{s:s s:s s:s s:s s?o s:I s:I s:I s:I}", "name", &name,
                    "kind", &kind, "source", &source, "state", &state, "reason",
                    &reason, "total_uj", &total, "jobs_uj", &jobs, "node_uj", &node,
                    "gap_ms", &gap) < 0)
        return -1;
    text = json_string_value(reason);
    if (jobs + node != total)
        log_line("node %s: %s: jobs %lld + node %lld is not the total %lld", r->node,
                 name, (long long)jobs, (long long)node, (long long)total);
    if (ledger_do(ledger,
                  "UPDATE node_domains SET kind = ?4, source = ?5, state = ?6,"
                  " reason = ?7, total_uj = ?8, jobs_uj = ?9, node_uj = ?10,"
                  " gap_ms = ?11, integrated = ?12"
                  " WHERE node = ?1 AND epoch = ?2 AND domain = ?3",
                  "sssssssiiiii", r->node, r->epoch, name, kind, source, state, text,
                  (int64_t)total, (int64_t)jobs, (int64_t)node, (int64_t)gap,
                  integrated) < 0)
        return -1;
    if (ledger_changed(ledger) > 0)
        return 0;
    return ledger_do(
        ledger,
        "INSERT INTO node_domains (node, epoch, domain, kind, source, state,"
        " reason, total_uj, jobs_uj, node_uj, gap_ms, integrated) VALUES "
        "(?,?,?,?,?,?,?,?,?,?,?,?)",
        "sssssssiiiii", r->node, r->epoch, name, kind, source, state, text,
        (int64_t)total, (int64_t)jobs, (int64_t)node, (int64_t)gap, integrated);
}

/* A node that waits for a decision reports ten times a second. What merely goes on is
 * taken once in so long: the next report has it too. */
#define AGAIN_MS 1000

static bool has_ended(const json_t *json)
{
    return json_is_integer(json_object_get(json, "end_ms"));
}

/* Whether a run begins with this report, or it or a step of it ends: a step's end is
 * told once. */
static bool is_turn(struct ledger *ledger, const json_t *run)
{
    const char *token = json_string_value(json_object_get(run, "token"));
    size_t i;
    json_t *step;

    if (has_ended(run) || json_is_true(json_object_get(run, "final")))
        return true;
    json_array_foreach(json_object_get(run, "steps"), i, step)
    {
        if (has_ended(step))
            return true;
    }
    return !ledger_number(ledger, 0, "SELECT 1 FROM tokens WHERE token = ?", "s",
                          token ? token : "");
}

static bool has_turn(struct ledger *ledger, const struct report *r)
{
    size_t i;
    json_t *one;

    json_array_foreach(r->runs, i, one)
    {
        if (is_turn(ledger, one))
            return true;
    }
    return false;
}

/* What a report is to the ledger. */
enum weight {
    OLD,  /* not newer than the last of its epoch: acknowledged, and changes nothing */
    SAME, /* right after the last, and nothing but higher counts: the next has them too
           */
    LIVE, /* taken; the next would make good for it */
    TURN, /* has what is told once: taken, and on disk before it is acknowledged */
};

/* The last report of the same node; epoch "": there was none. */
struct before {
    char epoch[128];
    int64_t seq, last_ms, time_ms;
};

static void read_before(struct ledger *ledger, const struct report *r,
                        struct before *before)
{
    sqlite3_stmt *stmt = ledger_query(
        ledger, "SELECT epoch, seq, last_report_ms, time_ms FROM nodes WHERE node = ?",
        "s", r->node);

    *before = (struct before){.epoch = ""};
    if (stmt && sqlite3_step(stmt) == SQLITE_ROW) {
        snprintf(before->epoch, sizeof before->epoch, "%s",
                 (const char *)sqlite3_column_text(stmt, 0));
        before->seq = sqlite3_column_int64(stmt, 1);
        before->last_ms = sqlite3_column_int64(stmt, 2);
        before->time_ms = sqlite3_column_int64(stmt, 3);
    }
    ledger_done(ledger, stmt);
}

static enum weight weigh(struct ledger *ledger, const struct settings *settings,
                         const struct report *r, const struct before *before,
                         int64_t now_ms)
{
    int64_t again_ms =
        settings->report_ms / 2 < AGAIN_MS ? settings->report_ms / 2 : AGAIN_MS;
    bool known = strcmp(before->epoch, r->epoch) == 0;

    if (known && r->seq <= before->seq)
        return OLD;
    if (!known || has_turn(ledger, r))
        return TURN;
    return r->summary_for || now_ms >= before->last_ms + again_ms ||
                   now_ms < before->last_ms
               ? LIVE
               : SAME;
}

/* Books what the counters grew by if a quarter-hour, or the epoch, is over. */
static int book(struct ledger *ledger, const struct settings *settings,
                const struct report *r, const struct before *before)
{
    struct booking booking = {.ledger = ledger,
                              .cluster = settings->cluster ? settings->cluster : "",
                              .node = r->node,
                              .epoch = before->epoch,
                              .from_ms = before->time_ms,
                              .to_ms = r->time_ms,
                              .domains = r->described};

    if (!before->epoch[0])
        return 0;
    if (strcmp(before->epoch, r->epoch) != 0) {
        booking.to_ms = booking.from_ms;
        booking.domains = NULL;
        return booking_take(&booking);
    }
    return booking_is_due(&booking) ? booking_take(&booking) : 0;
}

static json_t *by_name(const json_t *domains)
{
    json_t *described = json_object(), *one;
    size_t i;

    json_array_foreach(domains, i, one)
    {
        const char *name = json_string_value(json_object_get(one, "name"));

        if (name)
            json_object_set_nocheck(described, name, one);
    }
    return described;
}

static int take_all(struct ledger *ledger, const struct report *r, int64_t now_ms)
{
    size_t i;
    json_t *one;

    if (ledger_do(ledger,
                  "INSERT OR REPLACE INTO nodes (node, epoch, seq, last_report_ms,"
                  " simulated, time_ms) VALUES (?,?,?,?,?,?)",
                  "ssiiii", r->node, r->epoch, (int64_t)r->seq, now_ms,
                  (int64_t)r->simulated, (int64_t)r->time_ms) < 0)
        return -1;
    json_array_foreach(r->domains, i, one)
    {
        if (take_domain(ledger, r, one) < 0)
            return -1;
    }
    json_array_foreach(r->runs, i, one)
    {
        if (report_run_take(ledger, r, one) < 0)
            return -1;
    }
    return cap_report_limits(ledger, r->node, r->limits);
}

/* Finals of this report that are in the ledger. */
static json_t *acknowledged(struct ledger *ledger, const struct report *r)
{
    json_t *list = json_array(), *one;
    size_t i;

    json_array_foreach(r->runs, i, one)
    {
        const char *token = json_string_value(json_object_get(one, "token"));

        if (token && json_is_true(json_object_get(one, "final")) &&
            ledger_number(ledger, 0, "SELECT final FROM tokens WHERE token = ?", "s",
                          token))
            json_array_append_new(list, json_string(token));
    }
    return list;
}

static json_t *known_number(int64_t value)
{
    return value > 0 ? json_integer(value) : json_null();
}

static json_t *configuration(struct ledger *ledger, const struct settings *s,
                             const struct policy *policy, const char *node)
{
    bool gated = policy && policy_gates(policy, NULL);
    bool hold_if_away = gated && policy_figures(policy)->hold_when_away;
    int64_t cpus, memory_mb;

    node_facts_of(ledger, node, &cpus, &memory_mb);
    return json_pack(
        "{s:b s:b s:b s:I s:I s:o s:o s:s s:{s:o s:o s:o}}", "capping",
        (int)(policy && policy_capping(policy)), "gated", (int)gated, "hold_if_away",
        (int)hold_if_away, "tick_ms", (json_int_t)s->tick_ms, "report_ms",
        (json_int_t)s->report_ms, "cpus", known_number(cpus), "memory_mb",
        known_number(memory_mb), "share", s->share_by_cpus ? "cpus" : "largest",
        "idle_mw", "package", known_number(s->idle_package_mw), "dram",
        known_number(s->idle_dram_mw), "gpu", known_number(s->idle_gpu_mw));
}

/* What the node may use of the run's lien while kwotad is away; NULL: there is none to
 * go by. */
static json_t *allowance_json(struct ledger *ledger, const char *token, int64_t run_id,
                              bool spare)
{
    sqlite3_stmt *stmt =
        ledger_query(ledger,
                     "SELECT l.mj, u.mj, r.node_count, r.enforce = 'strict',"
                     " COALESCE((SELECT mj FROM live WHERE token = ?1), 0) +"
                     " (SELECT SUM(mj) FROM run_quarters WHERE token = ?1),"
                     " EXISTS (SELECT 1 FROM steering WHERE run_id = ?2)"
                     " FROM liens l JOIN used u ON u.run_id = l.run_id"
                     " JOIN runs r ON r.id = l.run_id WHERE l.run_id = ?2"
                     " AND r.decision = 'run' AND r.enforce IN ('soft', 'strict')",
                     "si", token, run_id);
    json_t *json = NULL;

    if (stmt && sqlite3_step(stmt) == SQLITE_ROW) {
        struct allowance a = {.lien_mj = sqlite3_column_int64(stmt, 0),
                              .used_mj = sqlite3_column_int64(stmt, 1),
                              .node_mj = sqlite3_column_int64(stmt, 4),
                              .nodes = sqlite3_column_int64(stmt, 2)};
        bool strict = sqlite3_column_int(stmt, 3) != 0;
        bool steered = sqlite3_column_int(stmt, 5) != 0;

        json = json_pack("{s:I s:s}", "mj", (json_int_t)allowance_mj(&a), "then",
                         !strict || spare ? "run"
                         : steered        ? "floor"
                                          : "end");
    }
    ledger_done(ledger, stmt);
    return json;
}

/* What a running run holds on the node that reports it, and what it is held to; NULL
 * while it is not bound. */
static json_t *share_json(struct ledger *ledger, const char *token, bool spare)
{
    sqlite3_stmt *stmt = ledger_query(
        ledger,
        "SELECT t.cpus, t.memory_mb, t.run_id, c.run_id, c.gpu_mw, c.package_mw,"
        " c.cpu_percent, c.why, r.state <> 'running', t.gpus FROM tokens t"
        " JOIN runs r ON r.id = t.run_id LEFT JOIN caps c ON c.run_id = t.run_id"
        " WHERE t.token = ?",
        "s", token);
    json_t *share = NULL, *allowance = NULL;

    if (stmt && sqlite3_step(stmt) == SQLITE_ROW) {
        share =
            json_pack("{s:o s:o}", "cpus", known_number(sqlite3_column_int64(stmt, 0)),
                      "memory_mb", known_number(sqlite3_column_int64(stmt, 1)));
        if (sqlite3_column_type(stmt, 9) != SQLITE_NULL)
            json_object_set_new(
                share, "gpus", json_string((const char *)sqlite3_column_text(stmt, 9)));
        if (sqlite3_column_int(stmt, 8))
            json_object_set_new(share, "over", json_true());
        if (sqlite3_column_type(stmt, 3) != SQLITE_NULL)
            json_object_set_new(
                share, "cap",
                cap_json((const int64_t[]){sqlite3_column_int64(stmt, 4),
                                           sqlite3_column_int64(stmt, 5),
                                           sqlite3_column_int64(stmt, 6)},
                         (const char *)sqlite3_column_text(stmt, 7)));
        allowance = allowance_json(ledger, token, sqlite3_column_int64(stmt, 2), spare);
    }
    ledger_done(ledger, stmt);
    if (allowance)
        json_object_set_new(share, "allowance", allowance);
    return share;
}

/* Whether a run is told a word of steering's. What steering knows of it must be on disk
 * first: kwotad begun anew would take the run for one that was never held, and its work
 * for more than was done. */
static bool has_steering(const json_t *shares)
{
    const char *token;
    json_t *share;

    json_object_foreach((json_t *)shares, token, share)
    {
        const char *why =
            json_string_value(json_object_get(json_object_get(share, "cap"), "why"));

        if (why && strstr(why, "steering: "))
            return true;
    }
    return false;
}

static json_t *shares(struct ledger *ledger, const struct report *r)
{
    json_t *all = json_object(), *one;
    struct switches switches;
    size_t i;

    switches_read(ledger, &switches);
    json_array_foreach(r->runs, i, one)
    {
        const char *token = json_string_value(json_object_get(one, "token"));
        json_t *share = NULL;

        if (token && !json_is_true(json_object_get(one, "final")))
            share = share_json(ledger, token, switches.frozen || switches.tripped);
        if (share)
            json_object_set_new(all, token, share);
    }
    return all;
}

/* What the other nodes of this token's run have reported. */
static json_t *summary(struct ledger *ledger, const char *token)
{
    int64_t run_id = ledger_number(
        ledger, 0, "SELECT run_id FROM tokens WHERE token = ?", "s", token);
    int64_t nodes;
    json_t *domains = json_array();
    sqlite3_stmt *stmt;

    report_run_save(ledger, run_id);
    nodes = ledger_number(
        ledger, 0,
        "SELECT COUNT(DISTINCT node) FROM tokens WHERE run_id = ? AND token <> ?", "is",
        run_id, token);
    stmt = ledger_query(
        ledger,
        "SELECT d.kind, SUM(d.uj / 1000) FROM run_domains d JOIN tokens t"
        " USING (token) WHERE t.run_id = ? AND t.token <> ? AND d.uj IS NOT NULL"
        " GROUP BY d.kind",
        "is", run_id, token);
    while (stmt && sqlite3_step(stmt) == SQLITE_ROW)
        json_array_append_new(
            domains,
            json_pack("{s:s s:I}", "kind", (const char *)sqlite3_column_text(stmt, 0),
                      "mj", (json_int_t)sqlite3_column_int64(stmt, 1)));
    ledger_done(ledger, stmt);
    return json_pack("{s:I s:o}", "nodes_known", (json_int_t)nodes, "domains", domains);
}

int report_take(struct ledger *ledger, const struct settings *settings,
                const struct policy *policy, json_t *report, int64_t now_ms,
                json_t **reply, const char **error)
{
    struct report r;
    size_t i;
    json_t *one;
    struct before before;
    enum weight weight;
    int rc = 0;

    *reply = NULL;
    if (parse_report(report, &r, error) < 0)
        return -1;
    json_array_foreach(r.runs, i, one)
    {
        if (report_run_check(one, error) < 0)
            return -1;
    }
    *error = "the ledger cannot take the report now; it says why in kwotad's log";
    if (ledger_begin(ledger) < 0)
        return -2;
    read_before(ledger, &r, &before);
    weight = weigh(ledger, settings, &r, &before, now_ms);
    if (weight >= LIVE) {
        r.described = by_name(r.domains);
        rc =
            book(ledger, settings, &r, &before) < 0 ? -1 : take_all(ledger, &r, now_ms);
        json_decref(r.described);
    }
    if (rc < 0) {
        ledger_rollback(ledger);
        return -2;
    }
    *reply = json_pack("{s:o s:o s:o s:o}", "acked", acknowledged(ledger, &r), "config",
                       configuration(ledger, settings, policy, r.node), "runs",
                       shares(ledger, &r), "summary",
                       r.summary_for ? summary(ledger, r.summary_for) : json_null());
    /* An old report may be one whose first answer was lost: what it acknowledges must
     * be on disk too. */
    rc =
        weight == OLD || weight == TURN || has_steering(json_object_get(*reply, "runs"))
            ? ledger_commit(ledger)
            : ledger_commit_soon(ledger);
    if (rc < 0) {
        json_decref(*reply);
        *reply = NULL;
        return -2;
    }
    return 0;
}
