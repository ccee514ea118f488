/* running.c - the running runs with their power now, for kwota top */
#include "policy/running.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "policy/cap.h"
#include "policy/energy.h"
#include "policy/person.h"

/* How long an answer is as good as new. */
#define FRESH_MS 1000

/* The ledger is let go of after so many runs: there may be 40 000. */
#define PIECE 1000

/* Of a shorter time a mean power says little. */
#define SHORT_MS 500

struct run {
    int64_t id, start_s, until_s, used_mj, lien_mj; /* lien ENERGY_UNKNOWN: none */
    int64_t mw;                                     /* ENERGY_UNKNOWN: of no node */
    int nodes, nodes_known;                         /* … of so many it is known */
    int64_t cap[CAP_PARTS];                         /* 0: not held */
    char cap_why[128];
    bool simulated;
    char job[64], user[64], account[64], partition[64], name[64];
};

struct running {
    struct ledger *ledger;
    int64_t report_ms;
    pthread_mutex_t lock; /* guards all below */
    int64_t made_ms;      /* 0: never */
    struct run *runs;     /* those that draw most first */
    int count;
};

struct running *running_new(struct ledger *ledger, int64_t report_ms)
{
    struct running *running = calloc(1, sizeof *running);

    if (!running)
        return NULL;
    running->ledger = ledger;
    running->report_ms = report_ms;
    pthread_mutex_init(&running->lock, NULL);
    return running;
}

void running_free(struct running *running)
{
    if (!running)
        return;
    pthread_mutex_destroy(&running->lock);
    free(running->runs);
    free(running);
}

static void take_text(sqlite3_stmt *row, int column, char *text, size_t size)
{
    const char *value = (const char *)sqlite3_column_text(row, column);

    snprintf(text, size, "%s", value ? value : "");
}

static void take_run(sqlite3_stmt *row, struct run *run)
{
    char *const texts[] = {run->job, run->user, run->account, run->partition,
                           run->name};

    *run = (struct run){.id = sqlite3_column_int64(row, 0),
                        .start_s = sqlite3_column_int64(row, 6),
                        .nodes = sqlite3_column_int(row, 7),
                        .used_mj = sqlite3_column_type(row, 8) == SQLITE_NULL
                                       ? ENERGY_UNKNOWN
                                       : sqlite3_column_int64(row, 8),
                        .lien_mj = sqlite3_column_type(row, 9) == SQLITE_NULL
                                       ? ENERGY_UNKNOWN
                                       : sqlite3_column_int64(row, 9),
                        .until_s = sqlite3_column_int64(row, 10),
                        .mw = ENERGY_UNKNOWN};
    for (int i = 0; i < CAP_PARTS; i++)
        run->cap[i] = sqlite3_column_int64(row, 11 + i);
    take_text(row, 11 + CAP_PARTS, run->cap_why, sizeof run->cap_why);
    for (int i = 0; i < 5; i++)
        take_text(row, i + 1, texts[i], 64);
}

/* So many more, from the one behind `after` on; the last one's id, 0: there is none. */
static int64_t read_piece(struct running *running, int64_t after, int64_t room)
{
    int64_t last = 0;
    sqlite3_stmt *row = ledger_query(
        running->ledger,
        "SELECT r.id, r.job_text, r.user, r.account, r.partition, r.name, r.start_s,"
        " r.node_count, CASE WHEN u.last_ms IS NOT NULL THEN u.mj END, l.mj, l.until_s,"
        " c.gpu_mw, c.package_mw, c.cpu_percent, c.why"
        " FROM used u CROSS JOIN runs r ON r.id = u.run_id"
        " LEFT JOIN liens l ON l.run_id = r.id LEFT JOIN caps c ON c.run_id = r.id"
        " WHERE u.run_id > ? AND r.state = 'running' ORDER BY u.run_id LIMIT ?",
        "ii", after, (int64_t)PIECE);

    if (!row)
        return -1;
    while (running->count < room && sqlite3_step(row) == SQLITE_ROW) {
        take_run(row, &running->runs[running->count]);
        last = running->runs[running->count++].id;
    }
    ledger_done(running->ledger, row);
    return last;
}

static int make_room(struct running *running, int64_t *room)
{
    struct run *runs;

    if (ledger_look(running->ledger) < 0)
        return -1;
    *room = ledger_number(running->ledger, 0, "SELECT COUNT(*) FROM used", "");
    ledger_commit_soon(running->ledger);
    runs = calloc((size_t)*room + 1, sizeof *runs);
    if (!runs)
        return -1;
    free(running->runs);
    running->runs = runs;
    running->count = 0;
    return 0;
}

/* By id. */
static int read_runs(struct running *running)
{
    int64_t last = 0, room;

    if (make_room(running, &room) < 0)
        return -1;
    do {
        if (ledger_look(running->ledger) < 0)
            return -1;
        last = read_piece(running, last, room);
        ledger_commit_soon(running->ledger);
    } while (last > 0);
    return last < 0 ? -1 : 0;
}

static int by_id(const void *a, const void *b)
{
    const struct run *x = a, *y = b;

    return x->id < y->id ? -1 : x->id > y->id;
}

static struct run *run_of(struct running *running, int64_t id)
{
    struct run wanted = {.id = id};

    return running->count ? bsearch(&wanted, running->runs, (size_t)running->count,
                                    sizeof wanted, by_id)
                          : NULL;
}

/* What one node's last report says of its part's power. */
static void take_power(sqlite3_stmt *row, struct run *run)
{
    int64_t ms = sqlite3_column_int64(row, 3) - sqlite3_column_int64(row, 2);
    int64_t mj = ENERGY_UNKNOWN;

    run->simulated = run->simulated || sqlite3_column_int(row, 1) != 0;
    for (int column = 4; column < 8; column++)
        if (sqlite3_column_type(row, column) != SQLITE_NULL)
            mj = energy_add(mj, sqlite3_column_int64(row, column));
    if (mj == ENERGY_UNKNOWN || ms < SHORT_MS)
        return;
    run->mw = energy_add(run->mw, energy_mean_mw(mj, ms));
    run->nodes_known++;
}

/* … of the runs from one id to another. */
static int read_some_powers(struct running *running, int64_t now_ms, int64_t first,
                            int64_t last)
{
    sqlite3_stmt *row = ledger_query(
        running->ledger,
        "SELECT r.id, t.simulated, COALESCE(v.from_ms, p.from_ms),"
        " COALESCE(v.to_ms, p.to_ms), COALESCE(v.last_mj, p.cpu_mj),"
        " CASE WHEN v.last_mj IS NULL THEN p.dram_mj END,"
        " CASE WHEN v.last_mj IS NULL THEN p.gpu_mj END,"
        " CASE WHEN v.last_mj IS NULL THEN p.other_mj END"
        " FROM used u CROSS JOIN runs r ON r.id = u.run_id"
        " CROSS JOIN tokens t ON t.run_id = r.id CROSS JOIN run_points p"
        " ON p.token = t.token AND p.to_ms ="
        "  (SELECT MAX(to_ms) FROM run_points WHERE token = t.token)"
        " LEFT JOIN live v ON v.token = t.token AND v.last_mj IS NOT NULL"
        " WHERE u.run_id >= ? AND u.run_id <= ? AND r.state = 'running' AND NOT t.final"
        " AND COALESCE(v.to_ms, p.to_ms) >= ?",
        "iii", first, last, now_ms - 3 * running->report_ms);

    if (!row)
        return -1;
    while (sqlite3_step(row) == SQLITE_ROW) {
        struct run *run = run_of(running, sqlite3_column_int64(row, 0));

        if (run)
            take_power(row, run);
    }
    ledger_done(running->ledger, row);
    return 0;
}

static int read_powers(struct running *running, int64_t now_ms)
{
    for (int i = 0; i < running->count; i += PIECE) {
        int last = i + PIECE < running->count ? i + PIECE - 1 : running->count - 1;
        int rc;

        if (ledger_look(running->ledger) < 0)
            return -1;
        rc = read_some_powers(running, now_ms, running->runs[i].id,
                              running->runs[last].id);
        ledger_commit_soon(running->ledger);
        if (rc < 0)
            return -1;
    }
    return 0;
}

/* Unknown is the lowest number, so it comes last. */
static int by_power(const void *a, const void *b)
{
    const struct run *x = a, *y = b;

    if (x->mw != y->mw)
        return x->mw > y->mw ? -1 : 1;
    return by_id(a, b);
}

static int refresh(struct running *running, int64_t now_ms)
{
    if (running->made_ms && now_ms >= running->made_ms &&
        now_ms < running->made_ms + FRESH_MS)
        return 0;
    if (read_runs(running) < 0 || read_powers(running, now_ms) < 0)
        return -1;
    if (running->count > 1)
        qsort(running->runs, (size_t)running->count, sizeof *running->runs, by_power);
    running->made_ms = now_ms;
    return 0;
}

static json_t *known(int64_t value)
{
    return value == ENERGY_UNKNOWN ? json_null() : json_integer(value);
}

static json_t *run_json(const struct run *run)
{
    return json_pack(
        "{s:s s:s s:s s:s s:s s:I s:i s:i s:o s:o s:o s:o s:o s:b}", "job_id", run->job,
        "user", run->user, "account", run->account, "partition", run->partition, "name",
        run->name, "start", (json_int_t)run->start_s, "node_count", run->nodes,
        "nodes_known", run->nodes_known, "mw", known(run->mw), "used_mj",
        known(run->used_mj), "lien_mj", known(run->lien_mj), "until",
        run->until_s ? json_integer(run->until_s) : json_null(), "cap",
        cap_json(run->cap, run->cap_why), "simulated", (int)run->simulated);
}

static bool is_named(const char *wanted, const char *name)
{
    return !wanted || strcmp(wanted, name) == 0;
}

static bool is_wanted(const struct run *run, const struct access_rights *rights,
                      const struct running_filter *filter)
{
    return is_named(filter->user, run->user) &&
           is_named(filter->account, run->account) &&
           is_named(filter->partition, run->partition) &&
           (rights->sees_all || access_to_run(rights, run->user, run->account));
}

json_t *running_answer(struct running *running, const struct access_rights *rights,
                       const struct running_filter *filter, int64_t now_ms,
                       unsigned *status)
{
    int64_t most =
        filter->most > 0 && filter->most < RUNNING_MOST ? filter->most : RUNNING_MOST;
    int64_t count = 0, measured = 0, mw = ENERGY_UNKNOWN, made_ms;
    bool simulated = false;
    json_t *list;

    pthread_mutex_lock(&running->lock);
    if (refresh(running, now_ms) < 0) {
        pthread_mutex_unlock(&running->lock);
        *status = 500;
        return person_error("the ledger cannot be read now");
    }
    list = json_array();
    for (int i = 0; i < running->count; i++) {
        const struct run *run = &running->runs[i];

        if (!is_wanted(run, rights, filter))
            continue;
        if (count++ < most)
            json_array_append_new(list, run_json(run));
        mw = energy_add(mw, run->mw);
        simulated = simulated || run->simulated;
        measured += run->mw != ENERGY_UNKNOWN;
    }
    made_ms = running->made_ms;
    pthread_mutex_unlock(&running->lock);
    *status = 200;
    return json_pack("{s:I s:o s:I s:I s:b s:o}", "time_ms", (json_int_t)made_ms, "mw",
                     known(mw), "count", (json_int_t)count, "measured",
                     (json_int_t)measured, "simulated", (int)simulated, "runs", list);
}

void running_power(struct running *running, int64_t now_ms, int64_t *mw,
                   int64_t *measured)
{
    pthread_mutex_lock(&running->lock);
    if (refresh(running, now_ms) == 0) {
        *mw = ENERGY_UNKNOWN;
        *measured = 0;
        for (int i = 0; i < running->count; i++) {
            *mw = energy_add(*mw, running->runs[i].mw);
            *measured += running->runs[i].mw != ENERGY_UNKNOWN;
        }
    }
    pthread_mutex_unlock(&running->lock);
}
