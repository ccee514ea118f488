/* ledger_test.c - the ledger's file: made, migrated, refused */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_new_ledger_is_of_this_version, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_ledger_of_version_1_keeps_what_it_holds,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_newer_ledger_is_left_alone, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
