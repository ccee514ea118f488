/* ledger_test.c - the ledger's file: made, migrated, refused, and written by many */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <pthread.h>
#include <cmocka.h>

#include "policy/ledger.h"
#include "policy/schema.h"
#include "tests/unit/temporary.h"

static int setup(void **state)
{
    static struct temporary t;

    *state = &t;
    return temporary_make(&t);
}

static int teardown(void **state)
{
    temporary_remove(*state);
    return 0;
}

static void execute(const struct temporary *t, const char *sql)
{
    char path[128];
    sqlite3 *db;

    snprintf(path, sizeof path, "%s/ledger.db", t->dir);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static int64_t number(struct ledger *ledger, const char *sql)
{
    return ledger_number(ledger, -1, sql, "");
}

static void a_new_ledger_is_of_this_version(void **state)
{
    const struct temporary *t = *state;
    struct ledger *ledger = ledger_open(t->dir);

    assert_non_null(ledger);
    assert_int_equal(number(ledger, "PRAGMA user_version"), SCHEMA_VERSION);
    ledger_close(ledger);
}

static void a_ledger_of_version_1_keeps_what_it_holds(void **state)
{
    const struct temporary *t = *state;
    struct ledger *ledger;

    execute(t, schema_steps[0]);
    execute(t, "INSERT INTO runs VALUES (7,'c',12,100,0,'12',1001,'alice','astro',"
               "'main','n',101,200,'COMPLETED',1,'settled','');"
               "INSERT INTO tokens VALUES ('t',7,'n1',12,101000,200000,1,5,'[]',1,0);"
               "INSERT INTO run_domains VALUES ('t','package-0','package',5000);"
               "INSERT INTO node_domains VALUES ('n1','e','package-0','package',"
               "'powercap','ok',NULL,9000,5000,4000,0);"
               "INSERT INTO entries VALUES (1,7,'charge',5,201,'kwotad','settled');");
    ledger = ledger_open(t->dir);
    assert_non_null(ledger);
    assert_int_equal(number(ledger, "PRAGMA user_version"), SCHEMA_VERSION);
    assert_int_equal(number(ledger, "SELECT mj FROM entries WHERE run_id = 7"), 5);
    assert_int_equal(number(ledger, "SELECT uj FROM run_domains WHERE NOT apportioned"),
                     5000);
    assert_int_equal(number(ledger, "SELECT COUNT(*) FROM tokens WHERE uid IS NULL"
                                    " AND cpus IS NULL AND next_ask_s = 0"),
                     1);
    assert_int_equal(number(ledger, "SELECT total_uj FROM node_domains"
                                    " WHERE NOT integrated"),
                     9000);
    /* Nobody knows when that was counted: it is not booked now. */
    assert_int_equal(number(ledger, "SELECT booked_total_uj FROM node_domains"), 9000);
    assert_int_equal(number(ledger, "SELECT COUNT(*) FROM run_steps"), 0);
    assert_int_equal(number(ledger, "SELECT COUNT(*) FROM run_points"), 0);
    ledger_close(ledger);
    /* And once more, as any ledger. */
    ledger = ledger_open(t->dir);
    assert_non_null(ledger);
    ledger_close(ledger);
}

static void a_newer_ledger_is_left_alone(void **state)
{
    const struct temporary *t = *state;

    execute(t, "PRAGMA user_version = 99");
    assert_null(ledger_open(t->dir));
}

#define WRITERS 8
#define ROWS 25

/* One of many that write at once. */
struct writer {
    const struct temporary *place;
    struct ledger *ledger;
    int64_t id;
    bool failed;
};

/* What another process sees. */
static int64_t on_disk(const struct temporary *t, int64_t id)
{
    char path[128], sql[96];
    sqlite3_stmt *stmt;
    sqlite3 *db;
    int64_t count = -1;

    snprintf(path, sizeof path, "%s/ledger.db", t->dir);
    snprintf(sql, sizeof sql, "SELECT COUNT(*) FROM journal_place WHERE inode = %d",
             (int)id);
    if (sqlite3_open(path, &db) == SQLITE_OK &&
        sqlite3_busy_timeout(db, 10000) == SQLITE_OK &&
        sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK) {
        if (sqlite3_step(stmt) == SQLITE_ROW)
            count = sqlite3_column_int64(stmt, 0);
        sqlite3_finalize(stmt);
    }
    sqlite3_close(db);
    return count;
}

static int put(struct ledger *ledger, int64_t id)
{
    return ledger_do(ledger, "INSERT INTO journal_place (inode, offset) VALUES (?,?)",
                     "ii", id, id);
}

/* Every third transaction is undone. */
static void *write_rows(void *arg)
{
    struct writer *w = arg;
    int64_t there = 0;

    for (int i = 0; i < ROWS; i++) {
        if (ledger_begin(w->ledger) < 0 || put(w->ledger, w->id) < 0)
            w->failed = true;
        if (i % 3 == 0) {
            ledger_rollback(w->ledger);
            continue;
        }
        if (ledger_commit(w->ledger) < 0 || on_disk(w->place, w->id) != ++there)
            w->failed = true;
    }
    return NULL;
}

static void what_is_committed_by_many_is_on_disk(void **state)
{
    const struct temporary *t = *state;
    struct ledger *ledger = ledger_open(t->dir);
    struct writer writers[WRITERS];
    pthread_t threads[WRITERS];

    assert_non_null(ledger);
    assert_int_equal(ledger_gather(ledger, 2), 0);
    for (int i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){t, ledger, i, false};
        assert_int_equal(pthread_create(&threads[i], NULL, write_rows, &writers[i]), 0);
    }
    for (int i = 0; i < WRITERS; i++) {
        pthread_join(threads[i], NULL);
        assert_false(writers[i].failed);
    }
    ledger_close(ledger);
    for (int i = 0; i < WRITERS; i++)
        assert_int_equal(on_disk(t, i), ROWS - (ROWS + 2) / 3);
}

static void what_nobody_waits_for_is_on_disk_soon(void **state)
{
    const struct temporary *t = *state;
    struct ledger *ledger = ledger_open(t->dir);

    assert_non_null(ledger);
    assert_int_equal(ledger_gather(ledger, 2), 0);
    assert_int_equal(ledger_begin(ledger), 0);
    assert_int_equal(put(ledger, 7), 0);
    assert_int_equal(ledger_commit_soon(ledger), 0);
    /* Who reads it to tell somebody waits for it. */
    assert_int_equal(ledger_begin(ledger), 0);
    assert_int_equal(number(ledger, "SELECT COUNT(*) FROM journal_place"), 1);
    assert_int_equal(ledger_commit(ledger), 0);
    assert_int_equal(on_disk(t, 7), 1);
    assert_int_equal(ledger_begin(ledger), 0);
    assert_int_equal(put(ledger, 8), 0);
    assert_int_equal(ledger_commit_soon(ledger), 0);
    ledger_close(ledger);
    assert_int_equal(on_disk(t, 8), 1);
}

/* A group that does not reach the disk was nothing, for all who were in it. */
static void a_group_that_fails_is_undone_and_said_to_be(void **state)
{
    const struct temporary *t = *state;
    struct ledger *ledger = ledger_open(t->dir);

    assert_non_null(ledger);
    assert_int_equal(ledger_gather(ledger, 2), 0);
    assert_int_equal(ledger_begin(ledger), 0);
    assert_int_equal(put(ledger, 1), 0);
    assert_int_equal(ledger_commit_soon(ledger), 0);
    assert_int_equal(ledger_begin(ledger), 0);
    assert_int_equal(ledger_do(ledger, "PRAGMA defer_foreign_keys = ON", ""), 0);
    assert_int_equal(ledger_do(ledger,
                               "INSERT INTO run_quarters VALUES"
                               " ('no token',0,'dram',1,0)",
                               ""),
                     0);
    assert_int_equal(ledger_commit(ledger), -1);
    assert_int_equal(on_disk(t, 1), 0);
    assert_int_equal(ledger_begin(ledger), 0);
    assert_int_equal(number(ledger, "SELECT COUNT(*) FROM journal_place"), 0);
    assert_int_equal(put(ledger, 2), 0);
    assert_int_equal(ledger_commit(ledger), 0);
    assert_int_equal(on_disk(t, 2), 1);
    ledger_close(ledger);
}

static void a_kept_statement_remembers_nothing(void **state)
{
    static const char sql[] = "SELECT ?1 UNION ALL SELECT 5 ORDER BY 1";
    const struct temporary *t = *state;
    struct ledger *ledger = ledger_open(t->dir);
    sqlite3_stmt *one, *two;

    assert_non_null(ledger);
    one = ledger_query(ledger, sql, "i", INT64_C(1));
    two = ledger_query(ledger, sql, "i", INT64_C(2)); /* while the first is in use */
    assert_ptr_not_equal(one, two);
    assert_int_equal(sqlite3_step(one), SQLITE_ROW);
    assert_int_equal(sqlite3_step(two), SQLITE_ROW);
    assert_int_equal(sqlite3_column_int64(one, 0), 1);
    assert_int_equal(sqlite3_column_int64(two, 0), 2);
    ledger_done(ledger, one);
    ledger_done(ledger, two);
    one = ledger_query(ledger, sql, "");
    assert_int_equal(sqlite3_step(one), SQLITE_ROW);
    assert_int_equal(sqlite3_column_type(one, 0), SQLITE_NULL);
    sqlite3_finalize(one);
    assert_int_equal(ledger_number(ledger, 0, sql, "i", INT64_C(3)), 3);
    ledger_close(ledger);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_new_ledger_is_of_this_version, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_ledger_of_version_1_keeps_what_it_holds,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_newer_ledger_is_left_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_committed_by_many_is_on_disk, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_nobody_waits_for_is_on_disk_soon, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_group_that_fails_is_undone_and_said_to_be,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_kept_statement_remembers_nothing, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
