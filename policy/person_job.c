/* person_job.c - what people ask about one job */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/cap_history.h"
#include "policy/energy.h"
#include "policy/kind.h"
#include "policy/person.h"
#include "policy/points.h"
#include "policy/pricing.h"
#include "policy/report_run.h"
#include "policy/steps.h"

/* Of an array's tasks or a het job's parts so many are named. */
#define PARTS_SHOWN 5
#define PARTS_TEXT 160

static const char *text(sqlite3_stmt *stmt, int column)
{
    const char *value = (const char *)sqlite3_column_text(stmt, column);

    return value ? value : "";
}

static bool is_null(sqlite3_stmt *stmt, int column)
{
    return sqlite3_column_type(stmt, column) == SQLITE_NULL;
}

static json_t *number_or_null(sqlite3_stmt *stmt, int column)
{
    return is_null(stmt, column) ? json_null()
                                 : json_integer(sqlite3_column_int64(stmt, column));
}

static json_t *energy_json(struct ledger *ledger, int64_t run_id)
{
    struct kinds kinds;
    sqlite3_stmt *stmt = ledger_query(
        ledger,
        "SELECT d.kind, SUM(d.uj / 1000) FROM run_domains d JOIN tokens t USING (token)"
        " WHERE t.run_id = ? AND d.uj IS NOT NULL GROUP BY d.kind",
        "i", run_id);

    kinds_clear(&kinds);
    while (stmt && sqlite3_step(stmt) == SQLITE_ROW)
        kinds_add(&kinds, kind_of(text(stmt, 0)), sqlite3_column_int64(stmt, 1));
    sqlite3_finalize(stmt);
    return kinds_total_json(&kinds);
}

/* The kinds of those of the run's measured domains for which `flag` is set. */
static json_t *flagged_json(struct ledger *ledger, int64_t run_id, const char *flag)
{
    bool flagged[KINDS] = {false};
    json_t *names = json_array();
    sqlite3_stmt *stmt;
    char sql[256];

    snprintf(sql, sizeof sql,
             "SELECT DISTINCT d.kind FROM run_domains d JOIN tokens t USING (token)"
             " WHERE t.run_id = ? AND d.uj IS NOT NULL AND d.%s",
             flag);
    stmt = ledger_query(ledger, sql, "i", run_id);
    while (stmt && sqlite3_step(stmt) == SQLITE_ROW)
        flagged[kind_of(text(stmt, 0))] = true;
    sqlite3_finalize(stmt);
    for (int k = 0; k < KINDS; k++)
        if (flagged[k])
            json_array_append_new(names, json_string(kind_name((enum kind)k)));
    return names;
}

/* Of a run whose detail was dropped (prune.h): what was posted of it, of the kinds that
 * were measured. */
static json_t *posted_json(struct ledger *ledger, int64_t run_id, const json_t *kept)
{
    sqlite3_stmt *stmt = ledger_query(
        ledger,
        "SELECT COALESCE(SUM(cpu_mj), 0), COALESCE(SUM(dram_mj), 0),"
        " COALESCE(SUM(gpu_mj), 0), COALESCE(SUM(other_mj), 0) FROM run_months"
        " WHERE run_id = ?",
        "i", run_id);
    struct kinds kinds;
    json_t *name;
    size_t i;

    kinds_clear(&kinds);
    if (stmt && sqlite3_step(stmt) == SQLITE_ROW)
        json_array_foreach(json_object_get(kept, "known"), i, name)
        {
            for (int k = 0; k < KINDS; k++)
                if (strcmp(json_string_value(name), kind_name((enum kind)k)) == 0)
                    kinds.mj[k] = sqlite3_column_int64(stmt, k);
        }
    ledger_done(ledger, stmt);
    return kinds_total_json(&kinds);
}

/* What it was, from what is kept of it. */
static json_t *kept_json(const json_t *kept, const char *key)
{
    json_t *list = json_object_get(kept, key);

    return list ? json_deep_copy(list) : json_array();
}

static json_t *nodes_json(struct ledger *ledger, int64_t run_id)
{
    json_t *nodes = json_array();
    sqlite3_stmt *stmt =
        ledger_query(ledger,
                     "SELECT t.node, SUM(d.uj / 1000), MIN(t.final) FROM tokens t"
                     " LEFT JOIN run_domains d ON d.token = t.token WHERE t.run_id = ?"
                     " GROUP BY t.node ORDER BY t.node",
                     "i", run_id);

    while (stmt && sqlite3_step(stmt) == SQLITE_ROW)
        json_array_append_new(nodes, json_pack("{s:s s:o s:b}", "node", text(stmt, 0),
                                               "total_mj", number_or_null(stmt, 1),
                                               "final", sqlite3_column_int(stmt, 2)));
    sqlite3_finalize(stmt);
    return nodes;
}

static void add_reason(json_t *reasons, const char *sentence)
{
    size_t i;
    json_t *one;

    json_array_foreach(reasons, i, one)
    {
        if (strcmp(json_string_value(one), sentence) == 0)
            return;
    }
    json_array_append_new(reasons, json_string(sentence));
}

/* Why the run's energy is less than certain: what its nodes said, and what is missing.
 */
static json_t *reasons_json(struct ledger *ledger, int64_t run_id, const char *own,
                            bool measured)
{
    json_t *reasons = json_array(), *list, *one;
    size_t i;
    sqlite3_stmt *stmt = ledger_query(
        ledger, "SELECT reasons FROM tokens WHERE run_id = ?", "i", run_id);

    while (stmt && sqlite3_step(stmt) == SQLITE_ROW) {
        list = json_loads(text(stmt, 0), 0, NULL);
        json_array_foreach(list, i, one)
        {
            if (json_is_string(one))
                add_reason(reasons, json_string_value(one));
        }
        json_decref(list);
    }
    sqlite3_finalize(stmt);
    if (own[0])
        add_reason(reasons, own);
    if (!measured)
        add_reason(reasons, "no counter gave a value for this run");
    return reasons;
}

/* The run's own time, and whatever its nodes counted before or after it: a node's clock
 * may differ. Slurm's times are whole seconds: what they exceed the counts by no more
 * than a bin or two would only make the power at the ends look low. */
static void fit_window(struct points_window *window, int64_t from_ms, int64_t to_ms)
{
    int64_t little_ms;

    if (from_ms < window->start_ms)
        window->start_ms = from_ms;
    if (to_ms > window->end_ms)
        window->end_ms = to_ms;
    little_ms = 2 * (window->end_ms - window->start_ms) / window->count;
    if (from_ms - window->start_ms <= little_ms)
        window->start_ms = from_ms;
    if (window->end_ms - to_ms <= little_ms)
        window->end_ms = to_ms;
}

static void find_window(struct ledger *ledger, int64_t run_id,
                        struct points_window *window)
{
    sqlite3_stmt *stmt = ledger_query(
        ledger,
        "SELECT r.start_s * 1000, COALESCE(r.end_s, 0) * 1000, MIN(p.from_ms),"
        " MAX(p.to_ms) FROM runs r LEFT JOIN tokens t ON t.run_id = r.id"
        " LEFT JOIN run_points p ON p.token = t.token WHERE r.id = ?",
        "i", run_id);

    if (stmt && sqlite3_step(stmt) == SQLITE_ROW) {
        window->start_ms = sqlite3_column_int64(stmt, 0);
        window->end_ms = sqlite3_column_int64(stmt, 1);
        if (!is_null(stmt, 2))
            fit_window(window, sqlite3_column_int64(stmt, 2),
                       sqlite3_column_int64(stmt, 3));
    }
    sqlite3_finalize(stmt);
    if (window->end_ms <= window->start_ms)
        window->end_ms = window->start_ms + 1;
}

static void fill_bins(struct ledger *ledger, int64_t run_id,
                      const struct points_window *window, struct kinds *bins)
{
    sqlite3_stmt *stmt = ledger_query(
        ledger,
        "SELECT from_ms, to_ms, cpu_mj, dram_mj, gpu_mj, other_mj FROM run_points"
        " JOIN tokens t USING (token) WHERE t.run_id = ?",
        "i", run_id);

    while (stmt && sqlite3_step(stmt) == SQLITE_ROW) {
        struct point point = {.from_ms = sqlite3_column_int64(stmt, 0),
                              .to_ms = sqlite3_column_int64(stmt, 1)};

        for (int k = 0; k < KINDS; k++)
            point.used.mj[k] = is_null(stmt, 2 + k) ? ENERGY_UNKNOWN
                                                    : sqlite3_column_int64(stmt, 2 + k);
        points_spread(window, bins, &point);
    }
    sqlite3_finalize(stmt);
}

static json_t *plot_json(struct ledger *ledger, int64_t run_id, int count)
{
    struct points_window window = {.count = count};
    struct kinds bins[PERSON_BINS_MOST];
    json_t *list = json_array();

    find_window(ledger, run_id, &window);
    for (int i = 0; i < count; i++)
        kinds_clear(&bins[i]);
    fill_bins(ledger, run_id, &window, bins);
    for (int i = 0; i < count; i++)
        json_array_append_new(list, kinds_json(&bins[i]));
    return json_pack("{s:I s:I s:o}", "start_ms", (json_int_t)window.start_ms, "end_ms",
                     (json_int_t)window.end_ms, "bins", list);
}

/* Measured whole, or divided among jobs, or not all of it known. */
static const char *quality(const json_t *reasons, const json_t *apportioned)
{
    if (json_array_size(reasons) > 0)
        return "partial";
    return json_array_size(apportioned) > 0 ? "apportioned" : "measured";
}

static json_t *job_json(struct ledger *ledger, sqlite3_stmt *row)
{
    int64_t id = sqlite3_column_int64(row, 0);
    json_t *kept = is_null(row, 14) ? NULL : json_loads(text(row, 15), 0, NULL);
    json_t *energy = kept ? posted_json(ledger, id, kept) : energy_json(ledger, id);
    bool measured = !json_is_null(json_object_get(energy, "total_mj"));
    bool settled = strcmp(text(row, 11), "settled") == 0;
    json_t *reasons = reasons_json(ledger, id, text(row, 13),
                                   measured || strcmp(text(row, 11), "running") == 0);
    json_t *apportioned =
        kept ? kept_json(kept, "apportioned") : flagged_json(ledger, id, "apportioned");
    json_t *integrated =
        kept ? kept_json(kept, "integrated") : flagged_json(ledger, id, "integrated");
    int64_t charge = ledger_number(
        ledger, 0, "SELECT SUM(mj) FROM entries WHERE run_id = ? AND kind <> 'overrun'",
        "i", id);

    json_decref(kept);
    return json_pack(
        "{s:s s:I s:I s:I s:o s:s s:s s:s s:s s:I s:s s:s s:s s:o s:o s:o s:b s:o s:o"
        " s:I s:o s:o}",
        "job_id", text(row, 1), "restart", (json_int_t)sqlite3_column_int64(row, 2),
        "submit", (json_int_t)sqlite3_column_int64(row, 3), "start",
        (json_int_t)sqlite3_column_int64(row, 4), "end", number_or_null(row, 5), "user",
        text(row, 6), "account", text(row, 7), "partition", text(row, 8), "name",
        text(row, 9), "node_count", (json_int_t)sqlite3_column_int64(row, 10), "state",
        text(row, 11), "slurm_state", text(row, 12), "quality",
        quality(reasons, apportioned), "reasons", reasons, "apportioned", apportioned,
        "integrated", integrated, "simulated",
        (int)ledger_number(
            ledger, 0, "SELECT MAX(simulated) FROM tokens WHERE run_id = ?", "i", id),
        "energy", energy, "charge_mj", settled ? json_integer(charge) : json_null(),
        "cpu_ns",
        (json_int_t)ledger_number(
            ledger, 0, "SELECT SUM(cpu_ns) FROM tokens WHERE run_id = ?", "i", id),
        "nodes", nodes_json(ledger, id), "pruned_s", number_or_null(row, 14));
}

static void put_left_out(struct ledger *ledger, int64_t run_id, const char *key,
                         const char *sql, json_t *run)
{
    json_object_set_new(run, key,
                        json_integer(ledger_number(ledger, 0, sql, "i", run_id)));
}

/* What its entries cost and caused; null where none says so. Beside it the energy that
 * this leaves out. */
static void add_price(struct ledger *ledger, int64_t run_id, json_t *run)
{
    char currency[TARIFF_CURRENCY];
    int64_t price_u =
        ledger_number(ledger, ENERGY_UNKNOWN,
                      "SELECT SUM(price_u) FROM entries WHERE run_id = ?", "i", run_id);
    int64_t co2_mg =
        ledger_number(ledger, ENERGY_UNKNOWN,
                      "SELECT SUM(co2_mg) FROM entries WHERE run_id = ?", "i", run_id);

    pricing_currency(ledger, currency);
    put_left_out(ledger, run_id, "unpriced_mj",
                 "SELECT SUM(unpriced_mj) FROM entries WHERE run_id = ?", run);
    put_left_out(ledger, run_id, "co2_unknown_mj",
                 "SELECT SUM(co2_unknown_mj) FROM entries WHERE run_id = ?", run);
    json_object_set_new(run, "price_u",
                        price_u == ENERGY_UNKNOWN ? json_null()
                                                  : json_integer(price_u));
    json_object_set_new(run, "currency",
                        price_u == ENERGY_UNKNOWN ? json_null()
                                                  : json_string(currency));
    json_object_set_new(run, "co2_mg",
                        co2_mg == ENERGY_UNKNOWN ? json_null() : json_integer(co2_mg));
}

static void add_run(struct ledger *ledger, sqlite3_stmt *row,
                    const struct person_wish *wish, json_t *runs)
{
    int64_t id = sqlite3_column_int64(row, 0);
    json_t *run = job_json(ledger, row);

    add_price(ledger, id, run);
    json_object_set_new(run, "caps", cap_history_json(ledger, id));
    json_object_set_new(run, "capped_ms",
                        json_integer(cap_history_capped_ms(ledger, id)));
    if (wish->steps)
        json_object_set_new(run, "steps", steps_json(ledger, id));
    if (wish->bins > 0)
        json_object_set_new(run, "plot", plot_json(ledger, id, wish->bins));
    json_array_append_new(runs, run);
}

/* "15+0, 15+1": an array's tasks, a het job's parts, as far as the caller may see them;
 * "" if there are none. */
static void parts_of(struct ledger *ledger, const struct access_rights *rights,
                     const char *id, char text_of[PARTS_TEXT])
{
    sqlite3_stmt *row =
        ledger_query(ledger,
                     "SELECT DISTINCT job_text, user, account FROM runs"
                     " WHERE (job_text > ?1 || '+' AND job_text < ?1 || ',')"
                     " OR (job_text > ?1 || '_' AND job_text < ?1 || '`')"
                     " ORDER BY LENGTH(job_text), job_text",
                     "s", id);
    int count = 0;
    size_t len = 0;

    text_of[0] = '\0';
    while (row && count <= PARTS_SHOWN && sqlite3_step(row) == SQLITE_ROW) {
        if (!access_to_run(rights, text(row, 1), text(row, 2)))
            continue;
        if (count++ < PARTS_SHOWN)
            len += (size_t)snprintf(text_of + len, PARTS_TEXT - len, "%s%.20s",
                                    len ? ", " : "", text(row, 0));
        else
            snprintf(text_of + len, PARTS_TEXT - len, ", ...");
    }
    sqlite3_finalize(row);
}

static json_t *none(const struct access_rights *rights, const char *id,
                    const char *parts, unsigned *status)
{
    char sentence[320];

    *status = 404;
    if (parts[0]) {
        snprintf(sentence, sizeof sentence, "job %.80s has parts of its own: %s", id,
                 parts);
        return person_error(sentence);
    }
    snprintf(sentence, sizeof sentence,
             "there is no run of job %.80s that %.60s may see (a job that has not "
             "started has none)",
             id, rights->user);
    return person_error(sentence);
}

/* A run of the job of which counts wait in memory; 0: none. */
static int64_t waiting_run(struct ledger *ledger, const char *id)
{
    int64_t run_id;

    if (ledger_look(ledger) < 0)
        return 0;
    run_id =
        ledger_number(ledger, 0,
                      "SELECT id FROM runs r WHERE job_text = ? AND EXISTS (SELECT 1"
                      " FROM live v WHERE v.run_id = r.id AND counts IS NOT NULL)"
                      " LIMIT 1",
                      "s", id);
    ledger_commit_soon(ledger);
    return run_id;
}

/* What waits is shown, too. If it cannot be saved now what is saved is shown. */
static void save_what_waits(struct ledger *ledger, const char *id)
{
    int64_t run_id;

    while ((run_id = waiting_run(ledger, id)) > 0) {
        if (ledger_begin(ledger) < 0)
            return;
        if (report_run_save(ledger, run_id) < 0) {
            ledger_rollback(ledger);
            return;
        }
        ledger_commit_soon(ledger);
    }
}

json_t *person_job(struct ledger *ledger, const struct access_rights *rights,
                   const char *id, const struct person_wish *wish, unsigned *status)
{
    char parts[PARTS_TEXT] = "";
    json_t *runs;
    sqlite3_stmt *row;

    *status = 400;
    if (wish->bins < 0 || wish->bins > PERSON_BINS_MOST)
        return person_error("plot is the number of bins: 1 to 1000");
    *status = 500;
    save_what_waits(ledger, id);
    if (ledger_look(ledger) < 0)
        return person_error("the ledger cannot be read now");
    runs = json_array();
    row = ledger_query(
        ledger,
        "SELECT id, job_text, restart, submit_s, start_s, end_s, user, account,"
        " partition, name, node_count, state, slurm_state, reasons, pruned_s, kept"
        " FROM runs"
        " WHERE job_text = ? ORDER BY submit_s, restart",
        "s", id);
    while (row && sqlite3_step(row) == SQLITE_ROW)
        if (access_to_run(rights, text(row, 6), text(row, 7)))
            add_run(ledger, row, wish, runs);
    sqlite3_finalize(row);
    if (json_array_size(runs) == 0)
        parts_of(ledger, rights, id, parts);
    ledger_commit(ledger);
    if (json_array_size(runs) == 0) {
        json_decref(runs);
        return none(rights, id, parts, status);
    }
    *status = 200;
    return json_pack("{s:o}", "runs", runs);
}
