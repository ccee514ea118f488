/* live_test.c - counts of runs that go on wait in memory, and none is lost or doubled
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "policy/live.h"
#include "policy/person.h"
#include "policy/report.h"
#include "policy/report_run.h"
#include "policy/run.h"
#include "tests/unit/alone.h"
#include "tests/unit/temporary.h"

#define T INT64_C(1700000100)
#define WAIT_S 300

struct books {
    struct temporary place;
    struct ledger *ledger;
    struct settings settings;
    int seq;
};

static int setup(void **state)
{
    static struct books books;

    memset(&books, 0, sizeof books);
    books.settings.report_ms = 60000;
    if (temporary_make(&books.place) < 0)
        return -1;
    books.ledger = ledger_open(books.place.dir);
    *state = &books;
    return books.ledger ? 0 : -1;
}

static int teardown(void **state)
{
    struct books *books = *state;

    ledger_close(books->ledger);
    temporary_remove(&books->place);
    return 0;
}

/* What a node tells of its one run `s` seconds after T. */
struct told {
    int s;
    int64_t p_uj, g_uj; /* g_uj below 0: unknown */
    bool final;
    const char *reasons; /* of its JSON list; NULL: none */
};

static void report(struct books *books, const char *node, const struct told *told)
{
    json_t *domains = json_pack(
        "[{s:s s:s s:s s:s s:n s:i s:i s:i s:i} {s:s s:s s:s s:s s:n s:i s:i s:i s:i}]",
        "name", "p", "kind", "package", "source", "x", "state", "ok", "reason",
        "total_uj", 0, "jobs_uj", 0, "node_uj", 0, "gap_ms", 0, "name", "g", "kind",
        "gpu", "source", "x", "state", "ok", "reason", "total_uj", 0, "jobs_uj", 0,
        "node_uj", 0, "gap_ms", 0);
    json_int_t ms = (T + told->s) * 1000;
    json_t *run =
        json_pack("{s:s s:i s:i s:I s:o s:b s:I s:o s:{s:I s:o}}", "token", node, "job",
                  12, "uid", 1001, "start_ms", (json_int_t)(T * 1000), "end_ms",
                  told->final ? json_integer(ms) : json_null(), "final",
                  (int)told->final, "cpu_ns", (json_int_t)told->s, "reasons",
                  told->reasons ? json_loads(told->reasons, 0, NULL) : json_array(),
                  "domains", "p", (json_int_t)told->p_uj, "g",
                  told->g_uj < 0 ? json_null() : json_integer(told->g_uj));
    json_t *json = json_pack("{s:s s:s s:i s:I s:b s:o s:[o]}", "node", node, "epoch",
                             "e", "seq", ++books->seq, "time_ms", ms, "simulated", 0,
                             "domains", domains, "runs", run);
    json_t *reply;
    const char *error;

    assert_non_null(json);
    assert_int_equal(
        report_take(books->ledger, &books->settings, NULL, json, ms, &reply, &error),
        0);
    json_decref(reply);
    json_decref(json);
}

static int64_t number(struct books *books, const char *sql)
{
    return ledger_number(books->ledger, -1, sql, "");
}

static void slurm_says(struct books *books, int64_t end_s)
{
    struct lookup_run run = {.job_id = 12,
                             .text = "12",
                             .submit_s = T - 1,
                             .start_s = T,
                             .end_s = end_s,
                             .over = end_s > 0,
                             .user = "alice",
                             .account = "astro",
                             .node_count = 2,
                             .started = true};

    assert_int_equal(ledger_begin(books->ledger), 0);
    assert_int_equal(run_put(books->ledger, "c", &run, T + 1), 1);
    assert_int_equal(ledger_do(books->ledger,
                               "UPDATE tokens SET run_id = 1 WHERE run_id IS NULL", ""),
                     0);
    assert_int_equal(ledger_commit(books->ledger), 0);
}

static void pace(struct books *books, int64_t save_s)
{
    assert_int_equal(ledger_begin(books->ledger), 0);
    assert_int_equal(live_pace(books->ledger, save_s, books->settings.report_ms), 0);
    assert_int_equal(ledger_commit(books->ledger), 0);
}

#define USED "SELECT mj FROM used WHERE run_id = 1"
#define SAVED "SELECT SUM(mj) FROM run_quarters"

/* A run that is known, and saved once more since. */
static void begin(struct books *books)
{
    report(books, "n1", &(struct told){.s = 0, .g_uj = -1});
    slurm_says(books, 0);
    report(books, "n1", &(struct told){.s = 10, .p_uj = 5000, .g_uj = 0});
    pace(books, WAIT_S);
}

static void counts_wait_and_are_seen(void **state)
{
    struct books *books = *state;
    static const struct access_rights rights = {.sees_all = true};
    unsigned status;
    json_t *reply, *run;

    begin(books);
    report(books, "n1", &(struct told){.s = 70, .p_uj = 65999, .g_uj = 7000});
    assert_int_equal(number(books, USED), 72);
    assert_int_equal(number(books, SAVED), 5);
    assert_int_equal(number(books, "SELECT last_ms FROM used"), (T + 70) * 1000);
    assert_int_equal(number(books, "SELECT last_mj FROM live"), 67);
    reply = person_usage(books->ledger, &rights, "user", T - 1000, T + 10000, &status);
    assert_int_equal(json_integer_value(json_object_get(reply, "total_mj")), 72);
    json_decref(reply);
    report(books, "n1", &(struct told){.s = 130, .p_uj = 80000, .g_uj = 7000});
    assert_int_equal(number(books, USED), 87);
    assert_int_equal(number(books, "SELECT last_mj FROM live"), 15);
    /* Who asks for the job has it saved, in the time it was used in. */
    reply = person_job(books->ledger, &rights, "12", &(struct person_wish){0}, &status);
    run = json_array_get(json_object_get(reply, "runs"), 0);
    assert_int_equal(
        json_integer_value(json_object_get(json_object_get(run, "energy"), "total_mj")),
        87);
    json_decref(reply);
    assert_int_equal(number(books, SAVED), 87);
    assert_int_equal(number(books, USED), 87);
    assert_int_equal(number(books, "SELECT cpu_ns FROM tokens"), 130);
    assert_int_equal(number(books, "SELECT cpu_mj FROM run_points WHERE to_ms ="
                                   " (SELECT MAX(to_ms) FROM run_points)"),
                     75);
}

static void what_waited_long_is_saved(void **state)
{
    struct books *books = *state;

    begin(books);
    report(books, "n1", &(struct told){.s = 10 + WAIT_S - 1, .p_uj = 9000, .g_uj = 0});
    assert_int_equal(number(books, SAVED), 5);
    report(books, "n1", &(struct told){.s = 10 + WAIT_S, .p_uj = 11000, .g_uj = 0});
    assert_int_equal(number(books, SAVED), 11);
    assert_int_equal(number(books, USED), 11);
    /* From then on it waits anew. */
    report(books, "n1", &(struct told){.s = 11 + WAIT_S, .p_uj = 12000, .g_uj = 0});
    assert_int_equal(number(books, SAVED), 11);
    assert_int_equal(number(books, USED), 12);
}

/* What is more than counts does not wait; nor does a run that is looked at closely. */
static void news_does_not_wait(void **state)
{
    static const struct told table[] = {
        {.s = 20, .p_uj = 9000, .g_uj = 0, .reasons = "[\"a gap\"]"},
        {.s = 20, .p_uj = 9000, .g_uj = -1},
        {.s = 20, .p_uj = 9000, .g_uj = 0, .final = true},
        {.s = 5, .p_uj = 9000, .g_uj = 0},
        {.s = 20, .p_uj = 9000, .g_uj = 0},
    };
    struct books *books = *state;
    size_t last = sizeof table / sizeof *table - 1;

    for (size_t i = 0; i <= last; i++) {
        begin(books);
        assert_int_equal(ledger_begin(books->ledger), 0);
        assert_int_equal(live_watch(books->ledger, 1, i == last), 0);
        assert_int_equal(ledger_commit(books->ledger), 0);
        report(books, "n1", &table[i]);
        assert_int_equal(number(books, SAVED), 9);
        assert_int_equal(number(books, USED), 9);
        assert_int_equal(teardown(state), 0);
        assert_int_equal(setup(state), 0);
    }
}

static void what_is_undone_was_never_noted(void **state)
{
    struct books *books = *state;
    struct live_counts counts = {
        .token = "n1", .mj = 50, .shape = 200000000000, .to_ms = (T + 20) * 1000};

    begin(books);
    counts.domains = json_pack("{s:i}", "p", 50000);
    assert_int_equal(ledger_begin(books->ledger), 0);
    assert_true(live_note(books->ledger, &counts));
    assert_int_equal(number(books, USED), 50);
    ledger_rollback(books->ledger);
    assert_int_equal(number(books, USED), 5);
    json_decref(counts.domains);
}

/* The node's clock at its last report, as another process reads it from the disk. */
static int64_t on_disk(struct books *books)
{
    char path[128];
    sqlite3 *db;
    sqlite3_stmt *row;
    int64_t ms;

    snprintf(path, sizeof path, "%s/ledger.db", books->place.dir);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_prepare_v2(db, "SELECT time_ms FROM nodes", -1, &row, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(row), SQLITE_ROW);
    ms = sqlite3_column_int64(row, 0);
    sqlite3_finalize(row);
    sqlite3_close(db);
    return ms;
}

/* What a node is told of steering is on disk before it is told; mere counts are soon.
 */
static void steering_is_on_disk_before_it_is_told(void **state)
{
    struct books *books = *state;

    begin(books);
    assert_int_equal(ledger_gather(books->ledger, 1), 0);
    report(books, "n1", &(struct told){.s = 20, .p_uj = 6000, .g_uj = 0});
    assert_int_equal(on_disk(books), (T + 10) * 1000);
    assert_int_equal(ledger_do(books->ledger,
                               "INSERT INTO caps (run_id, gpu_mw, why)"
                               " VALUES (1, 250000, 'steering: it runs short')",
                               ""),
                     0);
    report(books, "n1", &(struct told){.s = 30, .p_uj = 7000, .g_uj = 0});
    assert_int_equal(on_disk(books), (T + 30) * 1000);
}

/* By their number: up to 8 000 runs nothing waits. */
static void many_runs_wait_longer(void **state)
{
    static const struct {
        int64_t runs, save_s, wait_ms;
    } table[] = {{100, -1, 0},        {8000, -1, 0},    {13000, -1, 100000},
                 {39000, -1, 300000}, {100, 20, 20000}, {39000, 0, 0}};
    struct books *books = *state;

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        assert_int_equal(
            ledger_do(books->ledger,
                      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
                      " WHERE i < ?) INSERT INTO used (run_id) SELECT i FROM n",
                      "i", table[i].runs),
            0);
        pace(books, table[i].save_s);
        assert_int_equal(number(books, "SELECT wait_ms FROM live_pace"),
                         table[i].wait_ms);
        assert_int_equal(ledger_do(books->ledger, "DELETE FROM used", ""), 0);
    }
}

static int64_t next(uint64_t *seed, int64_t below)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (int64_t)((*seed >> 33) % (uint64_t)below);
}

/* Two nodes tell at random; one gives no final. After each report what is used is what
 * was told, and what is charged in the end, too. */
static void nothing_is_lost_or_doubled(void **state)
{
    for (uint64_t seed = 1; seed <= 30; seed++) {
        static const char *const nodes[] = {"n1", "n2"};
        struct books *books = *state;
        struct told told[2] = {{.g_uj = -1}, {.g_uj = -1}};
        uint64_t at = seed;
        int64_t sum = 0;

        for (int n = 0; n < 2; n++)
            report(books, nodes[n], &told[n]);
        slurm_says(books, 0);
        pace(books, 1 + next(&at, 600));
        for (int s = 1; s < 40; s++) {
            int n = (int)next(&at, 2);

            told[n].s = s * 60;
            told[n].p_uj += next(&at, 70000000);
            if (next(&at, 3) == 0)
                told[n].g_uj = (told[n].g_uj < 0 ? 0 : told[n].g_uj) + next(&at, 9999);
            if (next(&at, 20) == 0)
                told[n].reasons = "[\"a gap\"]";
            report(books, nodes[n], &told[n]);
            sum = 0;
            for (int i = 0; i < 2; i++)
                sum +=
                    told[i].p_uj / 1000 + (told[i].g_uj < 0 ? 0 : told[i].g_uj / 1000);
            assert_int_equal(number(books, USED), sum);
        }
        told[0].final = true;
        told[0].s = 2400;
        report(books, "n1", &told[0]);
        slurm_says(books, T + 2400);
        assert_int_equal(ledger_begin(books->ledger), 0);
        assert_int_equal(report_run_save(books->ledger, 1), 0);
        assert_int_equal(run_settle(books->ledger, NULL, 1, T + 9999, 600, T), 1);
        assert_int_equal(ledger_commit(books->ledger), 0);
        assert_int_equal(number(books, "SELECT SUM(mj) FROM entries"), sum);
        assert_int_equal(number(books, SAVED), sum);
        assert_int_equal(number(books, "SELECT COUNT(*) FROM live"), 0);
        assert_int_equal(teardown(state), 0);
        assert_int_equal(setup(state), 0);
    }
}

#define WITH_BOOKS(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_BOOKS(counts_wait_and_are_seen),
        WITH_BOOKS(what_waited_long_is_saved),
        WITH_BOOKS(news_does_not_wait),
        WITH_BOOKS(what_is_undone_was_never_noted),
        WITH_BOOKS(steering_is_on_disk_before_it_is_told),
        WITH_BOOKS(many_runs_wait_longer),
        WITH_BOOKS(nothing_is_lost_or_doubled),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
