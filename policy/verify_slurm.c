/* verify_slurm.c - whether every run that slurmdbd knows has its one charge */
#include "policy/verify_slurm.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policy/slurm_lookup.h"
#include "policy/slurm_past.h"
#include "policy/verify_inside.h"

/* slurmdbd is asked about so much time at once. */
#define DAY_S 86400

/* kwotad hears of an end within seconds, slurmdbd sometimes later, or earlier. */
#define JUST_S 600

/* Nodes are waited for as long as the policy says, and Slurm may be away: after so long
 * it is no reason any more. */
#define WAIT_S (2 * DAY_S)

#define STEP "slurmdbd's runs"

/* What is needed of one of slurmdbd's rows. */
struct row {
    uint32_t job;
    int64_t submit_s, start_s, end_s;
    char text[64], state[32];
    char *nodes;
};

struct comparison {
    struct verify v;
    const char *cluster;
    int64_t now_s, first_s; /* when the ledger's first run began */
    bool from_first;        /* nothing before that was asked for */
    int64_t from_s;         /* what began before was in another piece */
    struct row *rows;
    size_t count, room;
    bool no_memory;
    json_t *reasons;
};

/* What the ledger has of a row's run. */
struct found {
    int64_t runs, charged; /* how many; with an entry of more than nothing */
    char state[16];        /* of one of them */
};

static bool keep_row(const struct past_run *run, void *arg)
{
    struct comparison *c = arg;
    struct row *row;

    /* A resized job's parts have one charge, as its last. */
    if (run->is_part || (run->start_s < c->from_s && !c->from_first))
        return true;
    if (c->count == c->room) {
        size_t room = c->room ? 2 * c->room : 1024;
        struct row *rows = realloc(c->rows, room * sizeof *rows);

        c->no_memory = !rows;
        if (!rows)
            return false;
        c->rows = rows;
        c->room = room;
    }
    row = &c->rows[c->count++];
    *row = (struct row){run->job_id, run->submit_s, run->start_s, run->end_s,
                        .nodes = strdup(run->nodes)};
    snprintf(row->text, sizeof row->text, "%s", run->text);
    snprintf(row->state, sizeof row->state, "%s", run->state);
    return true;
}

static void drop_rows(struct comparison *c)
{
    for (size_t i = 0; i < c->count; i++)
        free(c->rows[i].nodes);
    free(c->rows);
    c->rows = NULL;
    c->count = c->room = 0;
}

static int find(struct comparison *c, const struct row *row, struct found *found)
{
    sqlite3_stmt *stmt = ledger_query(
        c->v.ledger,
        "SELECT r.state, (SELECT COUNT(*) FROM entries e WHERE e.run_id = r.id"
        "  AND e.kind = 'charge' AND e.mj <> 0) FROM runs r WHERE r.cluster = ?"
        " AND r.job_id = ? AND r.submit_s = ?",
        "sii", c->cluster, (int64_t)row->job, row->submit_s);
    int rc = SQLITE_NOMEM;

    memset(found, 0, sizeof *found);
    while (stmt && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        found->runs++;
        found->charged += sqlite3_column_int64(stmt, 1);
        snprintf(found->state, sizeof found->state, "%s",
                 (const char *)sqlite3_column_text(stmt, 0));
    }
    ledger_done(c->v.ledger, stmt);
    return rc == SQLITE_DONE ? 0 : -1;
}

/* Whether any node that ever reported was among the run's. */
static bool had_our_node(struct comparison *c, const struct row *row)
{
    struct lookup_run *run = calloc(1, sizeof *run);
    sqlite3_stmt *stmt = ledger_query(c->v.ledger, "SELECT node FROM nodes", "");
    bool had = false;

    if (run)
        snprintf(run->nodes, sizeof run->nodes, "%s", row->nodes ? row->nodes : "");
    while (run && !had && stmt && sqlite3_step(stmt) == SQLITE_ROW)
        had = lookup_has_node(run, (const char *)sqlite3_column_text(stmt, 0));
    ledger_done(c->v.ledger, stmt);
    free(run);
    return had;
}

/* Why a run has no charge; NULL: there is no good reason. */
static const char *reason_of(struct comparison *c, const struct row *row,
                             const struct found *found)
{
    if (row->end_s == 0)
        return "they still run";
    if (row->end_s > c->now_s - JUST_S)
        return "they have just ended";
    if (strcmp(found->state, "ended") == 0 && row->end_s > c->now_s - WAIT_S)
        return "their nodes' final counts are waited for";
    if (found->runs > 0)
        return NULL;
    if (row->start_s < c->first_s)
        return "they began before the ledger did";
    return had_our_node(c, row) ? NULL : "no node of theirs has kwota";
}

static void add_reason(struct comparison *c, const char *reason)
{
    int64_t count = json_integer_value(json_object_get(c->reasons, reason));

    json_object_set_new(c->reasons, reason, json_integer(count + 1));
}

static void tell(struct comparison *c, const struct row *row, const struct found *found)
{
    char day[VERIFY_DAY];

    verify_day(row->end_s, day);
    if (found->charged > 1)
        verify_breach(&c->v, "slurmdbd", NULL, VERIFY_REMEDY,
                      "job %s, submitted at %" PRId64 ", is %" PRId64
                      " runs in the ledger, and %" PRId64 " of them were charged",
                      row->text, row->submit_s, found->runs, found->charged);
    else if (found->runs == 0)
        verify_breach(&c->v, "slurmdbd", NULL,
                      "kwota adjust charges what it used by hand, if it is to be",
                      "job %s, submitted at %" PRId64 " and %s on %s on %.160s, is in "
                      "slurmdbd and not in the ledger",
                      row->text, row->submit_s, row->state, day, row->nodes);
    else
        verify_breach(&c->v, "slurmdbd", NULL,
                      "kwotad's log says whether Slurm and the nodes answer it",
                      "job %s, submitted at %" PRId64
                      ", was over on %s (%s) and is not "
                      "settled: it is %s",
                      row->text, row->submit_s, day, row->state, found->state);
}

static int check_row(struct comparison *c, const struct row *row)
{
    struct found found;
    const char *reason;

    if (find(c, row, &found) < 0)
        return -1;
    c->v.found->checked++;
    if (found.runs > 0 && found.charged <= 1 && strcmp(found.state, "settled") == 0)
        return 0;
    reason = found.charged > 1 ? NULL : reason_of(c, row, &found);
    if (reason)
        add_reason(c, reason);
    else
        tell(c, row, &found);
    return 0;
}

static int check_rows(struct comparison *c)
{
    int rc = ledger_begin(c->v.ledger);

    if (rc < 0)
        return -1;
    for (size_t i = 0; i < c->count && rc == 0; i++)
        rc = check_row(c, &c->rows[i]);
    ledger_rollback(c->v.ledger);
    return rc;
}

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* 1: done up to *at_s; 0: slurmdbd is away; -1: the ledger cannot be read. */
static int compare_days(struct comparison *c, int64_t *at_s, int64_t until_s, int ms)
{
    int64_t until_ms = now_ms() + ms;
    int rc = 1;

    if (*at_s >= until_s)
        return 1;
    do {
        int64_t end_s = until_s - *at_s > DAY_S ? *at_s + DAY_S : until_s;

        c->from_s = *at_s;
        rc = slurm_past_runs(c->cluster, *at_s, end_s, keep_row, c) < 0 ? 0 : 1;
        /* What was told is right, but not all. */
        if (rc > 0 && (c->no_memory || check_rows(c) < 0))
            rc = -1;
        drop_rows(c);
        c->from_first = false;
        *at_s = end_s;
    } while (rc > 0 && *at_s < until_s && now_ms() < until_ms);
    return rc;
}

static json_t *answer_of(struct comparison *c, int rc, int64_t first_s, int64_t at_s,
                         int64_t until_s)
{
    struct verify_found *found = c->v.found;
    json_t *answer = json_pack(
        "{s:s s:i s:{s:I} s:i s:O s:O}", "step", STEP, "percent",
        until_s > first_s ? (int)((at_s - first_s) * 100 / (until_s - first_s)) : 100,
        "checked", STEP, (json_int_t)found->checked, "waiting", 0, "breaches",
        found->breaches, "reasons", c->reasons);

    if (rc == 0)
        json_object_set_new(answer, "slurmdbd_away",
                            json_string("slurmdbd cannot be asked"));
    json_object_set_new(answer, "next",
                        rc == 0 || at_s >= until_s
                            ? json_null()
                            : json_pack("{s:i s:I}", "step", VERIFY_SLURM_STEP, "after",
                                        (json_int_t)at_s));
    return answer;
}

json_t *verify_slurm(struct ledger *ledger, const char *cluster,
                     const struct verify_range *range, int64_t after, int64_t now_s,
                     int ms)
{
    struct verify_found found = {.breaches = json_array()};
    struct comparison c = {.v = {ledger, range, &found},
                           .cluster = cluster,
                           .now_s = now_s,
                           .reasons = json_object()};
    int64_t until_s = range->end_s < now_s ? range->end_s : now_s, begin_s, at_s;
    json_t *answer;
    int rc;

    c.first_s = ledger_number(ledger, now_s, "SELECT MIN(start_s) FROM runs", "");
    begin_s = range->start_s > c.first_s ? range->start_s : c.first_s;
    at_s = after > begin_s ? after : begin_s;
    c.from_first = at_s == begin_s;
    rc = compare_days(&c, &at_s, until_s, ms);
    answer = rc < 0 ? NULL : answer_of(&c, rc, begin_s, at_s, until_s);
    verify_done(&found);
    json_decref(c.reasons);
    return answer;
}
