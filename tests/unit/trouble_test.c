/* trouble_test.c - a ledger that cannot be written, or not be opened: nothing is half
 * there, what can be read is, and all is charged once when there is room again */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <cmocka.h>

#include "policy/ledger.h"
#include "policy/person.h"
#include "policy/report.h"
#include "policy/run.h"
#include "policy/schema.h"
#include "tests/unit/alone.h"
#include "tests/unit/temporary.h"

#define T INT64_C(1700000100)
#define NODES 150

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
    if (temporary_make(&books.place) < 0)
        return -1;
    books.ledger = ledger_open(books.place.dir);
    *state = &books;
    return books.ledger && ledger_gather(books.ledger, 2) == 0 ? 0 : -1;
}

static int teardown(void **state)
{
    struct books *books = *state;

    ledger_close(books->ledger);
    temporary_remove(&books->place);
    return 0;
}

/* The final of a node's part of its own job: what report_take() says, and whether it
 * is acknowledged. */
static int report(struct books *b, int node, bool *acked)
{
    json_t *json, *reply = NULL;
    const char *error;
    char token[64];
    int rc;

    snprintf(token, sizeof token, "token-of-node-%d", node);
    json = json_pack("{s:s+ s:s s:i s:I s:b s:[{s:s s:s s:s s:s s:n s:i s:i s:i s:i}] "
                     "s:[{s:s s:i s:i"
                     " s:I s:I s:b s:i s:[] s:{s:i}}]}",
                     "node", "n", token + 14, "epoch", "e", "seq", ++b->seq, "time_ms",
                     (json_int_t)(T + 60) * 1000, "simulated", 0, "domains", "name",
                     "p", "kind", "package", "source", "x", "state", "ok", "reason",
                     "total_uj", 9000, "jobs_uj", 9000, "node_uj", 0, "gap_ms", 0,
                     "runs", "token", token, "job", 100 + node, "uid", 1001, "start_ms",
                     (json_int_t)T * 1000, "end_ms", (json_int_t)(T + 50) * 1000,
                     "final", 1, "cpu_ns", 0, "reasons", "domains", "p", 9000);
    assert_non_null(json);
    rc = report_take(b->ledger, &b->settings, NULL, json, (T + 60) * 1000, &reply,
                     &error);
    *acked = json_array_size(json_object_get(reply, "acked")) == 1;
    json_decref(reply);
    json_decref(json);
    return rc;
}

static int64_t number(struct books *b, const char *sql)
{
    int64_t value;

    assert_int_equal(ledger_begin(b->ledger), 0);
    value = ledger_number(b->ledger, -1, sql, "");
    ledger_rollback(b->ledger);
    return value;
}

/* A person reads of a job that is in the ledger. */
static void can_be_read(struct books *b)
{
    static const struct access_rights rights;
    struct person_wish wish = {0};
    unsigned status;
    json_t *reply = person_job(b->ledger, &rights, "99", &wish, &status);

    assert_int_equal(status, 200);
    assert_int_equal(json_array_size(json_object_get(reply, "runs")), 1);
    json_decref(reply);
}

static void put_run(struct books *b, int64_t job, int64_t end_s)
{
    struct lookup_run run = {.job_id = (uint32_t)job,
                             .submit_s = T - 1,
                             .start_s = T,
                             .end_s = end_s,
                             .over = true,
                             .user = "alice",
                             .node_count = 1,
                             .started = true};

    snprintf(run.text, sizeof run.text, "%d", (int)job);
    assert_int_equal(ledger_begin(b->ledger), 0);
    assert_true(run_put(b->ledger, "c", &run, T + 1) > 0);
    assert_int_equal(ledger_commit(b->ledger), 0);
}

/* All are bound and settled, as the worker does it. */
static void settle_all(struct books *b)
{
    for (int i = 0; i < NODES; i++)
        put_run(b, 100 + i, T + 50);
    assert_int_equal(ledger_begin(b->ledger), 0);
    assert_int_equal(ledger_do(b->ledger,
                               "UPDATE tokens SET run_id = (SELECT id FROM runs r"
                               " WHERE r.job_id = tokens.job_id)",
                               ""),
                     0);
    assert_int_equal(ledger_commit(b->ledger), 0);
    for (int64_t id = 2; id <= NODES + 1; id++) {
        assert_int_equal(ledger_begin(b->ledger), 0);
        assert_int_equal(run_settle(b->ledger, NULL, id, T + 100, 600, 0), 1);
        assert_int_equal(ledger_commit(b->ledger), 0);
    }
}

/* SQLite finds no room while it works, … */
static void no_pages(struct books *b, bool full)
{
    char sql[64];

    snprintf(sql, sizeof sql, "PRAGMA max_page_count = %d",
             full ? (int)number(b, "PRAGMA page_count") : 1000000);
    assert_int_equal(ledger_begin(b->ledger), 0);
    ledger_number(b->ledger, 0, sql, "");
    ledger_rollback(b->ledger);
}

/* … or the system when it writes to the disk. */
static void no_file_room(struct books *b, bool full)
{
    struct rlimit limit;
    struct stat st;
    char path[128];

    snprintf(path, sizeof path, "%s/ledger.db-wal", b->place.dir);
    assert_int_equal(stat(path, &st), 0);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = full ? (rlim_t)st.st_size + 20000 : limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* What kwotad says of itself; "": the ledger is well. */
static const char *trouble(struct books *b)
{
    const char *why;

    assert_int_equal(ledger_look(b->ledger), 0);
    why = ledger_trouble(b->ledger);
    ledger_rollback(b->ledger);
    return why ? why : "";
}

/* Of a ledger in a MariaDB: it lacks what that has and the file had no room for, until
 * there is room and it has caught up. */
static bool is_copy(void)
{
    return getenv("KWOTA_TEST_SOCKET") != NULL;
}

/* It looks for changes that it lacks now and then, at most every few seconds. */
static void await_copy(struct books *b)
{
    static const struct timespec pause = {0, 50000000};
    char why[LEDGER_WHY];
    int tries = 0;

    while (!ledger_acts(b->ledger, why) && tries++ < 400)
        nanosleep(&pause, NULL);
    assert_true(tries < 400);
}

static void a_full_disk(struct books *b, void (*fill)(struct books *b, bool full))
{
    bool acked[NODES];
    int64_t there = 0, refused = 0;

    put_run(b, 99, T + 50);
    assert_string_equal(trouble(b), "");
    fill(b, true);
    for (int i = 0; i < NODES; i++) {
        int rc = report(b, i, &acked[i]);

        assert_true(rc == 0 || rc == -2);
        /* What it was told is safe is, and what is not was refused. */
        assert_true((rc == 0) == acked[i]);
        there += acked[i];
        refused += !acked[i];
        can_be_read(b);
    }
    assert_true(refused > 0);
    assert_true(trouble(b)[0] != '\0');
    if (!is_copy()) {
        assert_int_equal(number(b, "SELECT COUNT(*) FROM tokens"), there);
        assert_int_equal(number(b, "SELECT COALESCE(SUM(mj), 0) FROM run_quarters"),
                         9 * there);
    }
    fill(b, false);
    await_copy(b);
    for (int i = 0; i < NODES; i++) {
        if (!acked[i])
            assert_int_equal(report(b, i, &acked[i]), 0);
        assert_true(acked[i]);
    }
    assert_string_equal(trouble(b), "");
    settle_all(b);
    assert_int_equal(number(b, "SELECT COUNT(*) FROM entries"), NODES);
    assert_int_equal(number(b, "SELECT SUM(mj) FROM entries"), 9 * NODES);
    assert_int_equal(number(b, "SELECT SUM(cpu_mj) FROM rollups"), 9 * NODES);
}

static void no_room_while_it_works(void **state)
{
    a_full_disk(*state, no_pages);
}

static void no_room_on_the_disk(void **state)
{
    a_full_disk(*state, no_file_room);
}

/* Another process's. */
static sqlite3 *write_lock(struct books *b)
{
    char path[128];
    sqlite3 *other;

    snprintf(path, sizeof path, "%s/ledger.db", b->place.dir);
    assert_int_equal(sqlite3_open(path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_busy_timeout(other, 5000), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL),
                     SQLITE_OK);
    return other;
}

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void a_lock_of_others(void **state)
{
    struct books *b = *state;
    bool acked[NODES];
    sqlite3 *other;
    int64_t start_ms;

    put_run(b, 99, T + 50);
    other = write_lock(b);
    can_be_read(b);
    assert_int_equal(report(b, 0, &acked[0]), -2);
    /* It is waited for once: all others are told at once. */
    start_ms = now_ms();
    for (int i = 0; i < 20; i++) {
        assert_int_equal(report(b, i, &acked[i]), -2);
        can_be_read(b);
    }
    assert_true(now_ms() - start_ms < 30000); /* of 40 s */
    assert_int_equal(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(other);
    for (int i = 0; i < NODES; i++) {
        assert_int_equal(report(b, i, &acked[i]), 0);
        assert_true(acked[i]);
    }
    settle_all(b);
    assert_int_equal(number(b, "SELECT SUM(mj) FROM entries"), 9 * NODES);
}

/* What ledger_open() says of a folder with such a ledger; "" if it opens it. */
static void refusal(const char *dir, char text[4096])
{
    FILE *to = fmemopen(text, 4096, "w"), *before = stderr;
    struct ledger *ledger;

    text[0] = '\0';
    stderr = to;
    ledger = ledger_open(dir);
    stderr = before;
    fclose(to);
    if (ledger)
        text[0] = '\0';
    ledger_close(ledger);
}

static void says(const char *dir, const char *what, const char *remedy)
{
    char text[4096];

    refusal(dir, text);
    if (!strstr(text, what) || !strstr(text, remedy))
        fail_msg("\"%s\" and \"%s\" are not in:\n%s", what, remedy, text);
}

static void write_file(const char *dir, const char *name, const char *text)
{
    char path[128];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", dir, name);
    file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void a_ledger_of_a_newer_kwotad(void **state)
{
    struct books *b = *state;
    char version[64];

    ledger_number(b->ledger, 0, "PRAGMA user_version = 99", "");
    ledger_close(b->ledger);
    b->ledger = NULL;
    snprintf(version, sizeof version, "version 99, this kwotad knows %d",
             SCHEMA_VERSION);
    says(b->place.dir, version, "install the newer kwotad");
}

static void a_file_that_is_no_ledger(void **state)
{
    struct books *b = *state;
    char text[4096];

    ledger_close(b->ledger);
    b->ledger = NULL;
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    temporary_remove(&b->place);
    mkdir(b->place.dir, 0700);
    write_file(b->place.dir, "ledger.db", text);
    says(b->place.dir, "not a database", "backup");
}

static void a_folder_that_cannot_be_written(void **state)
{
    struct books *b = *state;
    bool root = geteuid() == 0;

    ledger_close(b->ledger);
    b->ledger = NULL;
    chmod(b->place.dir, 0555);
    if (root)
        assert_int_equal(seteuid(65534), 0);
    says(b->place.dir, b->place.dir, "kwotad's user");
    if (root)
        assert_int_equal(seteuid(0), 0);
    chmod(b->place.dir, 0700);
    says("/nonexistent/folder", "/nonexistent/folder", "kwotad's user");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(no_room_while_it_works, setup, teardown),
        cmocka_unit_test_setup_teardown(no_room_on_the_disk, setup, teardown),
        cmocka_unit_test_setup_teardown(a_lock_of_others, setup, teardown),
        cmocka_unit_test_setup_teardown(a_ledger_of_a_newer_kwotad, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_that_is_no_ledger, setup, teardown),
        cmocka_unit_test_setup_teardown(a_folder_that_cannot_be_written, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
