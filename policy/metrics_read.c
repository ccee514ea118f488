/* metrics_read.c - the figures that metrics show, gathered from the ledger
 *
 * A large cluster has 40 000 open runs and 140 000 counters: they are read piece by
 * piece, and the ledger is let go of in between. What counts up does so for each node
 * by itself, so it never goes back for that.
 */
#include "policy/metrics_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PIECE 1000

/* A node that has missed so many reports is silent. */
#define SILENT_REPORTS 3

static void copy(char *to, size_t size, sqlite3_stmt *row, int column)
{
    const char *text = (const char *)sqlite3_column_text(row, column);

    snprintf(to, size, "%s", text ? text : "");
}

/* Ends a piece; -1: it could not be read to its end. */
static int end_piece(struct ledger *ledger, sqlite3_stmt *row, int rc)
{
    ledger_done(ledger, row);
    ledger_commit_soon(ledger);
    return row && rc == SQLITE_DONE ? 0 : -1;
}

static void take_run(struct metrics_figures *f, sqlite3_stmt *row)
{
    bool running = sqlite3_column_int(row, 2) != 0;
    int64_t unsettled_mj = sqlite3_column_int64(row, 3);
    int place = account_figures_of(&f->charges.accounts,
                                   (const char *)sqlite3_column_text(row, 1));

    f->runs += running;
    f->ended += !running;
    f->unsettled_mj += unsettled_mj;
    if (sqlite3_column_type(row, 4) != SQLITE_NULL) {
        f->liens++;
        f->lien_mj += sqlite3_column_int64(row, 4);
    }
    if (place < 0)
        return;
    f->charges.accounts.list[place].runs += running;
    f->charges.accounts.list[place].unsettled_mj += unsettled_mj;
}

static int read_runs(struct metrics_figures *f)
{
    struct ledger *ledger = f->charges.ledger;
    int64_t last = 0, count;

    f->runs = f->ended = f->unsettled_mj = f->liens = f->lien_mj = 0;
    account_figures_begin_runs(&f->charges.accounts);
    do {
        sqlite3_stmt *row;
        int rc = SQLITE_ERROR;

        if (ledger_begin(ledger) < 0)
            return -1;
        row = ledger_query(
            ledger,
            "SELECT u.run_id, r.account, r.state = 'running', u.open_mj, l.mj"
            " FROM used u CROSS JOIN runs r ON r.id = u.run_id"
            " LEFT JOIN liens l ON l.run_id = r.id"
            " WHERE u.run_id > ? AND r.cluster = ? ORDER BY u.run_id LIMIT ?",
            "isi", last, f->charges.cluster, (int64_t)PIECE);
        for (count = 0; row && (rc = sqlite3_step(row)) == SQLITE_ROW; count++) {
            last = sqlite3_column_int64(row, 0);
            take_run(f, row);
        }
        if (end_piece(ledger, row, rc) < 0)
            return -1;
    } while (count == PIECE);
    return 0;
}

static void add_energy(struct metrics_energy *energy, enum kind kind, int64_t jobs_uj,
                       int64_t node_uj)
{
    energy->jobs_uj[kind] += jobs_uj;
    energy->node_uj[kind] += node_uj;
    energy->has[kind] = true;
}

/* A row is one kind of a node's counters; the node's rows come one after the other. */
static void take_counter(struct metrics_figures *f, int64_t most, sqlite3_stmt *row)
{
    enum kind kind = kind_of((const char *)sqlite3_column_text(row, 1));
    int64_t jobs_uj = sqlite3_column_int64(row, 2);
    int64_t node_uj = sqlite3_column_int64(row, 3);
    char name[64];

    add_energy(&f->energy, kind, jobs_uj, node_uj);
    copy(name, sizeof name, row, 0);
    if (f->listed == 0 || strcmp(f->list[f->listed - 1].name, name) != 0) {
        if (f->listed >= most)
            return;
        f->list[f->listed] = (struct metrics_node){.last_report_ms = -1};
        memcpy(f->list[f->listed++].name, name, sizeof name);
    }
    add_energy(&f->list[f->listed - 1].energy, kind, jobs_uj, node_uj);
}

/* So many nodes at a time, which have some fourteen counters each. */
#define NODES_PIECE 100

/* The last one of a piece that begins after `after`; 0: there is none left. */
static int last_of_piece(struct ledger *ledger, const char *after, char last[64])
{
    sqlite3_stmt *row = ledger_query(ledger,
                                     "SELECT MAX(node) FROM (SELECT node FROM nodes"
                                     " WHERE node > ? ORDER BY node LIMIT ?)",
                                     "si", after, (int64_t)NODES_PIECE);
    int found = row && sqlite3_step(row) == SQLITE_ROW &&
                sqlite3_column_type(row, 0) != SQLITE_NULL;

    if (found)
        copy(last, 64, row, 0);
    ledger_done(ledger, row);
    return found;
}

static int read_counters(struct metrics_figures *f, int64_t most)
{
    struct ledger *ledger = f->charges.ledger;
    char after[64] = "", last[64];

    f->energy = (struct metrics_energy){0};
    f->listed = 0;
    for (;;) {
        sqlite3_stmt *row;
        int rc = SQLITE_ERROR;

        if (ledger_begin(ledger) < 0)
            return -1;
        if (!last_of_piece(ledger, after, last)) {
            ledger_commit_soon(ledger);
            return 0;
        }
        row = ledger_query(
            ledger,
            "SELECT node, kind, SUM(jobs_uj), SUM(node_uj) FROM node_domains"
            " WHERE node > ? AND node <= ? GROUP BY node, kind ORDER BY node",
            "ss", after, last);
        while (row && (rc = sqlite3_step(row)) == SQLITE_ROW)
            take_counter(f, most, row);
        if (end_piece(ledger, row, rc) < 0)
            return -1;
        memcpy(after, last, sizeof after);
    }
}

/* Nodes by name, as take_counter() has listed them. */
static void take_node(struct metrics_figures *f, int64_t silent_ms, sqlite3_stmt *row,
                      int *place)
{
    const char *name = (const char *)sqlite3_column_text(row, 0);
    int64_t last_ms = sqlite3_column_int64(row, 1);

    f->nodes++;
    f->silent += last_ms < silent_ms;
    f->simulated = f->simulated || sqlite3_column_int(row, 2) != 0;
    if (*place < f->listed && strcmp(f->list[*place].name, name) == 0)
        f->list[(*place)++].last_report_ms = last_ms;
}

static int read_nodes(struct metrics_figures *f, const struct settings *settings,
                      int64_t now_s)
{
    struct ledger *ledger = f->charges.ledger;
    int64_t silent_ms = now_s * 1000 - SILENT_REPORTS * settings->report_ms;
    sqlite3_stmt *row;
    int rc = SQLITE_ERROR, place = 0;

    f->nodes = f->silent = 0;
    f->simulated = false;
    if (ledger_begin(ledger) < 0)
        return -1;
    row = ledger_query(
        ledger, "SELECT node, last_report_ms, simulated FROM nodes ORDER BY node", "");
    while (row && (rc = sqlite3_step(row)) == SQLITE_ROW)
        take_node(f, silent_ms, row, &place);
    return end_piece(ledger, row, rc);
}

static void take_quota(sqlite3_stmt *row, struct metrics_quota *quota)
{
    int64_t *const amounts[] = {&quota->quota_mj, &quota->granted_mj, &quota->used_mj,
                                &quota->reserved_mj, &quota->available_mj};

    copy(quota->account, sizeof quota->account, row, 0);
    copy(quota->class, sizeof quota->class, row, 1);
    copy(quota->cluster, sizeof quota->cluster, row, 2);
    for (int i = 0; i < 5; i++)
        *amounts[i] = sqlite3_column_int64(row, 3 + i);
}

/* Whole accounts' only: a user's name is not for everyone who can read metrics. */
static int read_quotas(struct metrics_figures *f, int64_t most)
{
    struct ledger *ledger = f->charges.ledger;
    sqlite3_stmt *row;
    int rc = SQLITE_ERROR;

    f->quota_count = 0;
    if (ledger_begin(ledger) < 0)
        return -1;
    row = ledger_query(
        ledger,
        "SELECT q.account, q.class, q.cluster, p.quota_mj, p.granted_mj, p.used_mj,"
        " p.reserved_mj, p.available_mj FROM quotas q"
        " JOIN quota_percents p ON p.quota_id = q.id"
        " WHERE q.user = '' AND q.cluster IN ('', ?) ORDER BY q.id LIMIT ?",
        "si", f->charges.cluster, most);
    while (row && (rc = sqlite3_step(row)) == SQLITE_ROW)
        take_quota(row, &f->quotas[f->quota_count++]);
    return end_piece(ledger, row, rc);
}

static int make_room(struct metrics_figures *f, const struct settings_metrics *settings)
{
    if (!f->list)
        f->list = calloc((size_t)settings->nodes + 1, sizeof *f->list);
    if (!f->quotas)
        f->quotas = calloc((size_t)settings->accounts + 1, sizeof *f->quotas);
    return f->list && f->quotas ? 0 : -1;
}

int metrics_read(struct metrics_figures *f, const struct settings *settings,
                 int64_t now_s)
{
    int rc;

    if (make_room(f, &settings->metrics) < 0)
        return -1;
    rc = charges_read(&f->charges, now_s);
    if (rc < 0)
        return -1;
    f->is_charged = rc == 1;
    if (read_runs(f) < 0 || read_counters(f, settings->metrics.nodes) < 0 ||
        read_nodes(f, settings, now_s) < 0 ||
        read_quotas(f, settings->metrics.accounts) < 0)
        return -1;
    account_figures_choose(&f->charges.accounts, settings->metrics.accounts);
    return 0;
}

void metrics_figures_done(struct metrics_figures *figures)
{
    charges_done(&figures->charges);
    free(figures->list);
    free(figures->quotas);
}
