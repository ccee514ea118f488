/* cap_report.c - what nodes report of caps and limits, into the ledger */
#include "policy/cap_report.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "policy/energy.h"

/* A null, or what is no number, is unknown. */
static int64_t number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    return json_is_integer(value) ? json_integer_value(value) : ENERGY_UNKNOWN;
}

static const char *text(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));

    return value ? value : "";
}

static bool is_state(const char *state)
{
    static const char *const states[] = {"set", "shared", "foreign", "failed"};

    for (size_t i = 0; i < sizeof states / sizeof *states; i++)
        if (strcmp(states[i], state) == 0)
            return true;
    return false;
}

/* What is not in force is in force by nobody's word. */
static bool is_held(const char *state)
{
    return strcmp(state, "set") == 0 || strcmp(state, "shared") == 0;
}

/* One row, unless the last of its device says the same. */
static int note(struct ledger *ledger, const char *token, const char *what,
                int64_t time_ms, int64_t value, const char *state, const char *why)
{
    return ledger_do(
        ledger,
        "INSERT INTO run_caps (token, what, time_ms, value, state, why)"
        " SELECT ?1, ?2, ?3, ?4, ?5, ?6 WHERE NOT EXISTS (SELECT 1 FROM run_caps"
        "  WHERE token = ?1 AND what = ?2 AND time_ms = (SELECT MAX(time_ms)"
        "   FROM run_caps WHERE token = ?1 AND what = ?2)"
        "  AND value IS ?4 AND state = ?5 AND why = ?6)"
        " ON CONFLICT DO UPDATE SET value = excluded.value, state = excluded.state,"
        "  why = excluded.why",
        "ssiuss", token, what, time_ms, value, state, why);
}

/* By whose word the run is held now; "": by nobody's. A node says which word it goes
 * by, which may be gone here already. */
static json_t *word_of(struct ledger *ledger, const char *token, const json_t *caps)
{
    sqlite3_stmt *row =
        ledger_query(ledger,
                     "SELECT why FROM caps c JOIN tokens t ON t.run_id = c.run_id"
                     " WHERE t.token = ?",
                     "s", token);
    const char *why = text(caps, "why");
    json_t *word;

    if (!why[0] && row && sqlite3_step(row) == SQLITE_ROW)
        why = (const char *)sqlite3_column_text(row, 0);
    word = json_string(why ? why : "");
    ledger_done(ledger, row);
    return word;
}

/* What is not among `devices` any more has been restored. */
static int note_restored(struct ledger *ledger, const char *token, const json_t *told,
                         int64_t time_ms)
{
    sqlite3_stmt *row = ledger_query(
        ledger, "SELECT DISTINCT what FROM run_caps WHERE token = ?", "s", token);
    json_t *gone = json_array(), *one;
    size_t i;
    int rc = 0;

    while (row && sqlite3_step(row) == SQLITE_ROW) {
        const char *what = (const char *)sqlite3_column_text(row, 0);

        if (!json_object_get(told, what))
            json_array_append_new(gone, json_string(what));
    }
    ledger_done(ledger, row);
    json_array_foreach(gone, i, one)
    {
        if (rc == 0)
            rc = note(ledger, token, json_string_value(one), time_ms, ENERGY_UNKNOWN,
                      "restored", "");
    }
    json_decref(gone);
    return rc;
}

/* A run that was over before any report could tell of its caps: to what it was held at
 * the least, and for how long, is all that is known. */
static int note_brief(struct ledger *ledger, const char *token, const json_t *caps,
                      int64_t time_ms)
{
    static const struct {
        const char *key, *what;
    } parts[] = {{"gpu_mw", "gpu"}, {"package_mw", "package"}, {"cpu_percent", "cpu"}};
    const json_t *lowest = json_object_get(caps, "lowest");
    int64_t capped_ms = number(caps, "capped_ms");

    if (!lowest || capped_ms <= 0 ||
        ledger_number(ledger, 0, "SELECT COUNT(*) FROM run_caps WHERE token = ?", "s",
                      token) > 0)
        return 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        int64_t value = number(lowest, parts[i].key);

        if (value != ENERGY_UNKNOWN &&
            note(ledger, token, parts[i].what, time_ms - capped_ms, value, "set",
                 text(caps, "why")) < 0)
            return -1;
    }
    return 0;
}

static int take_changes(struct ledger *ledger, const char *token, const json_t *caps,
                        int64_t time_ms)
{
    json_t *told = json_object(), *word = word_of(ledger, token, caps), *device;
    int64_t percent = number(caps, "cpu_percent");
    size_t i;
    int rc = note_brief(ledger, token, caps, time_ms);

    json_array_foreach(json_object_get(caps, "devices"), i, device)
    {
        const char *name = text(device, "name"), *state = text(device, "state");
        const char *why = text(device, "why");

        if (rc < 0 || !name[0] || !is_state(state))
            continue;
        rc = note(ledger, token, name, time_ms, number(device, "mw"), state,
                  why[0] || !is_held(state) ? why : json_string_value(word));
        json_object_set_new_nocheck(told, name, json_true());
    }
    if (rc == 0 && percent != ENERGY_UNKNOWN && !json_object_get(told, "cpu")) {
        rc = note(ledger, token, "cpu", time_ms, percent, "set",
                  json_string_value(word));
        json_object_set_new(told, "cpu", json_true());
    }
    if (rc == 0)
        rc = note_restored(ledger, token, told, time_ms);
    json_decref(told);
    json_decref(word);
    return rc;
}

int cap_report_run(struct ledger *ledger, const char *token, const json_t *caps,
                   int64_t time_ms)
{
    json_t *steady;
    char *now;
    int rc;

    if (!json_is_object(caps))
        return 0;
    steady = json_copy((json_t *)(uintptr_t)caps);
    json_object_del(steady, "capped_ms");
    now = json_dumps(steady, JSON_COMPACT | JSON_SORT_KEYS);
    rc = ledger_do(ledger,
                   "UPDATE tokens SET caps_told = ?1 WHERE token = ?2"
                   " AND caps_told IS NOT ?1",
                   "ss", now, token);
    if (rc == 0 && ledger_changed(ledger) > 0)
        rc = take_changes(ledger, token, caps, time_ms);
    if (rc == 0 && number(caps, "capped_ms") > 0)
        rc = ledger_do(
            ledger, "UPDATE tokens SET capped_ms = MAX(capped_ms, ?) WHERE token = ?",
            "is", number(caps, "capped_ms"), token);
    free(now);
    json_decref(steady);
    return rc;
}

static int take_limit(struct ledger *ledger, const char *node, const json_t *limit)
{
    const char *why = json_string_value(json_object_get(limit, "why"));

    if (!text(limit, "name")[0])
        return 0;
    return ledger_do(
        ledger,
        "INSERT INTO node_limits VALUES (?,?,?,?,?,?,?,?,?,?) ON CONFLICT DO UPDATE SET"
        " kind = excluded.kind, min_mw = excluded.min_mw, max_mw = excluded.max_mw,"
        " default_mw = excluded.default_mw, found_mw = excluded.found_mw,"
        " now_mw = excluded.now_mw, step_mw = excluded.step_mw, why = excluded.why"
        " WHERE now_mw IS NOT excluded.now_mw OR found_mw IS NOT excluded.found_mw"
        "  OR why IS NOT excluded.why OR min_mw IS NOT excluded.min_mw"
        "  OR max_mw IS NOT excluded.max_mw OR default_mw IS NOT excluded.default_mw"
        "  OR step_mw IS NOT excluded.step_mw OR kind <> excluded.kind",
        "sssuuuuuus", node, text(limit, "name"), text(limit, "kind"),
        number(limit, "min_mw"), number(limit, "max_mw"), number(limit, "default_mw"),
        number(limit, "found_mw"), number(limit, "now_mw"), number(limit, "step_mw"),
        why);
}

int cap_report_limits(struct ledger *ledger, const char *node, const json_t *limits)
{
    json_t *limit;
    size_t i;

    if (!json_is_array(limits))
        return 0;
    json_array_foreach(limits, i, limit)
    {
        if (take_limit(ledger, node, limit) < 0)
            return -1;
    }
    if (ledger_number(ledger, 0, "SELECT COUNT(*) FROM node_limits WHERE node = ?", "s",
                      node) <= (int64_t)json_array_size(limits))
        return 0;
    /* A device is gone. */
    if (ledger_do(ledger, "DELETE FROM node_limits WHERE node = ?", "s", node) < 0)
        return -1;
    json_array_foreach(limits, i, limit)
    {
        if (take_limit(ledger, node, limit) < 0)
            return -1;
    }
    return 0;
}

json_t *cap_report_limits_json(struct ledger *ledger, const char *node)
{
    static const char *const keys[] = {"name",   "kind",       "min_mw",
                                       "max_mw", "default_mw", "found_mw",
                                       "now_mw", "step_mw",    "why"};
    sqlite3_stmt *row = ledger_query(
        ledger,
        "SELECT device, kind, min_mw, max_mw, default_mw, found_mw, now_mw, step_mw,"
        " why FROM node_limits WHERE node = ? ORDER BY device",
        "s", node);
    json_t *list = json_array();

    while (row && sqlite3_step(row) == SQLITE_ROW) {
        json_t *limit = json_object();

        for (int k = 0; k < 9; k++) {
            const char *value = (const char *)sqlite3_column_text(row, k);

            json_object_set_new(limit, keys[k],
                                !value ? json_null()
                                : k >= 2 && k < 8
                                    ? json_integer(sqlite3_column_int64(row, k))
                                    : json_string(value));
        }
        json_array_append_new(list, limit);
    }
    ledger_done(ledger, row);
    return list;
}
