/* steps.c - the steps of a run, as its nodes count them */
#include "policy/steps.h"

#include <string.h>

#include "policy/energy.h"
#include "policy/kind.h"

/* A step's name: a number, or one of Slurm's words. */
#define NAME_MOST 31

struct step {
    const char *name;
    json_int_t start_ms, cpu_ns;
    int64_t end_ms; /* 0: runs */
    json_t *uj;
};

static int parse(json_t *json, struct step *step)
{
    json_t *end = NULL;

    memset(step, 0, sizeof *step);
    if (json_unpack(json, "{s:s s:I s?o s:I s:o}", "step", &step->name, "start_ms",
                    &step->start_ms, "end_ms", &end, "cpu_ns", &step->cpu_ns, "uj",
                    &step->uj) < 0)
        return -1;
    step->end_ms = json_is_integer(end) ? json_integer_value(end) : 0;
    return json_is_object(step->uj) && step->name[0] && strlen(step->name) <= NAME_MOST
               ? 0
               : -1;
}

int steps_check(const json_t *steps)
{
    struct step step;
    json_t *one;
    size_t i;

    if (steps && !json_is_array(steps))
        return -1;
    json_array_foreach(steps, i, one)
    {
        if (parse(one, &step) < 0)
            return -1;
    }
    return 0;
}

static int take_count(struct ledger *ledger, const char *token, const char *step,
                      const char *kind, const json_t *value)
{
    return ledger_do(
        ledger,
        "INSERT INTO run_step_counts (token, step, kind, uj) VALUES (?,?,?,?)"
        " ON CONFLICT DO UPDATE SET"
        " uj = MAX(COALESCE(uj, excluded.uj), COALESCE(excluded.uj, uj))",
        "sssu", token, step, kind,
        json_is_integer(value) ? json_integer_value(value) : ENERGY_UNKNOWN);
}

static int take_step(struct ledger *ledger, const char *token, const struct step *step)
{
    const char *kind;
    json_t *value;

    if (ledger_do(ledger,
                  "INSERT INTO run_steps (token, step, start_ms, end_ms, cpu_ns)"
                  " VALUES (?,?,?,NULLIF(?,0),?) ON CONFLICT DO UPDATE SET"
                  " start_ms = MIN(start_ms, excluded.start_ms),"
                  " end_ms = COALESCE(excluded.end_ms, end_ms),"
                  " cpu_ns = MAX(cpu_ns, excluded.cpu_ns)",
                  "ssiii", token, step->name, (int64_t)step->start_ms, step->end_ms,
                  (int64_t)step->cpu_ns) < 0)
        return -1;
    json_object_foreach(step->uj, kind, value)
    {
        if (take_count(ledger, token, step->name, kind, value) < 0)
            return -1;
    }
    return 0;
}

int steps_take(struct ledger *ledger, const char *token, const json_t *steps)
{
    struct step step;
    json_t *one;
    size_t i;

    json_array_foreach(steps, i, one)
    {
        if (parse(one, &step) < 0 || take_step(ledger, token, &step) < 0)
            return -1;
    }
    return 0;
}

static json_t *energy(struct ledger *ledger, int64_t run_id, const char *step)
{
    struct kinds kinds;
    sqlite3_stmt *stmt =
        ledger_query(ledger,
                     "SELECT c.kind, SUM(c.uj / 1000) FROM run_step_counts c"
                     " JOIN tokens t USING (token) WHERE t.run_id = ? AND c.step = ?"
                     " AND c.uj IS NOT NULL GROUP BY c.kind",
                     "is", run_id, step);

    kinds_clear(&kinds);
    while (stmt && sqlite3_step(stmt) == SQLITE_ROW)
        kinds_add(&kinds, kind_of((const char *)sqlite3_column_text(stmt, 0)),
                  sqlite3_column_int64(stmt, 1));
    ledger_done(ledger, stmt);
    return kinds_total_json(&kinds);
}

/* The steps that Slurm makes, then srun's by their numbers. A step is over when it is
 * so on every node; a node that has given its final has no step left. */
#define STEPS                                                                          \
    "SELECT step, MIN(s.start_ms), MAX(COALESCE(s.end_ms, t.last_ms)),"                \
    " SUM(s.end_ms IS NULL AND NOT t.final), SUM(s.cpu_ns), COUNT(DISTINCT t.node)"    \
    " FROM run_steps s JOIN tokens t USING (token) WHERE t.run_id = ? GROUP BY step"   \
    " ORDER BY step GLOB '[0-9]*', step = 'other', CAST(step AS INTEGER), step"

json_t *steps_json(struct ledger *ledger, int64_t run_id)
{
    json_t *steps = json_array();
    sqlite3_stmt *stmt = ledger_query(ledger, STEPS, "i", run_id);

    while (stmt && sqlite3_step(stmt) == SQLITE_ROW) {
        const char *step = (const char *)sqlite3_column_text(stmt, 0);
        bool runs = sqlite3_column_int64(stmt, 3) > 0;

        json_array_append_new(
            steps,
            json_pack("{s:s s:I s:o s:I s:I s:o}", "step", step, "start_ms",
                      (json_int_t)sqlite3_column_int64(stmt, 1), "end_ms",
                      runs ? json_null() : json_integer(sqlite3_column_int64(stmt, 2)),
                      "cpu_ns", (json_int_t)sqlite3_column_int64(stmt, 4), "nodes",
                      (json_int_t)sqlite3_column_int64(stmt, 5), "energy",
                      energy(ledger, run_id, step)));
    }
    ledger_done(ledger, stmt);
    return steps;
}
