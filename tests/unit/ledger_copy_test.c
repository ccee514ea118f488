/* ledger_copy_test.c - a whole ledger to a MariaDB and back is the same ledger */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "policy/ledger.h"
#include "policy/replica.h"
#include "tests/unit/private_mariadb.h"
#include "tests/unit/temporary.h"
#include "tools/command.h"
#include "tools/ledger_copy.h"

static struct private_mariadb server;

/* Two folders and a database. */
struct place {
    struct temporary a, b;
    char text[256];
};

static int setup(void **state)
{
    static struct place p;
    struct mariadb m;

    *state = &p;
    private_place(&server, "kwota", p.text);
    if (private_connect(&server, "information_schema", &m) < 0 ||
        mariadb_format(&m, "DROP DATABASE IF EXISTS kwota") < 0 ||
        mariadb_format(&m, "CREATE DATABASE kwota") < 0)
        return -1;
    mariadb_close(&m);
    return temporary_make(&p.a) < 0 ? -1 : temporary_make(&p.b);
}

static int teardown(void **state)
{
    struct place *p = *state;

    temporary_remove(&p->a);
    temporary_remove(&p->b);
    return 0;
}

static int setup_all(void **state)
{
    (void)state;
    return private_make(&server);
}

static int teardown_all(void **state)
{
    (void)state;
    private_remove(&server);
    return 0;
}

static int copy(const char *from, const char *to, bool replace)
{
    char *argv[] = {
        "kwota ledger copy",          "--from", (char *)from, "--to", (char *)to,
        replace ? "--replace" : NULL, NULL};

    return ledger_copy(replace ? 6 : 5, argv);
}

/* As many rows as one statement does not hold, and a charge, which a trigger of
 * SQLite's lets nobody take away. */
static const char *const rows[] = {
    "INSERT INTO runs (id, cluster, job_id, submit_s, restart, job_text, uid, user,"
    " account, partition, name, start_s, slurm_state, node_count, state)"
    " WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)"
    " SELECT i,'c',i,100,0,i,1001,'alice','it''s','main',CAST(x'ff27' AS "
    "TEXT),100,'',1,"
    " 'settled' FROM n",
    "INSERT INTO entries (run_id, kind, mj, time_s, actor, why)"
    " SELECT id, 'charge', id * 7, 5, 'kwotad', '' FROM runs",
};

static void fill(const struct temporary *t)
{
    struct ledger *ledger = ledger_open(t->dir);

    assert_non_null(ledger);
    assert_int_equal(ledger_begin(ledger), 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(ledger_do(ledger, rows[i], ""), 0);
    assert_int_equal(ledger_commit(ledger), 0);
    ledger_close(ledger);
}

static int64_t number(struct ledger *ledger, const char *sql)
{
    return ledger_number(ledger, -1, sql, "");
}

static void there_and_back_it_is_the_same(void **state)
{
    const struct place *p = *state;
    struct ledger *ledger;

    fill(&p->a);
    assert_int_equal(copy(p->a.dir, p->text, false), 0);
    assert_int_equal(copy(p->text, p->b.dir, false), 0);
    ledger = ledger_open(p->b.dir);
    assert_non_null(ledger);
    assert_int_equal(number(ledger, "SELECT SUM(mj) FROM entries"),
                     7 * 5000 * 5001 / 2);
    assert_int_equal(number(ledger, "SELECT COUNT(*) FROM runs WHERE name ="
                                    " CAST(x'ff27' AS TEXT) AND account = 'it''s'"),
                     5000);
    ledger_close(ledger);
}

static void what_holds_a_ledger_is_written_over_only_when_told(void **state)
{
    const struct place *p = *state;

    fill(&p->a);
    fill(&p->b);
    assert_int_equal(copy(p->a.dir, p->text, false), 0);
    assert_int_equal(copy(p->a.dir, p->text, false), EXIT_REFUSED);
    assert_int_equal(copy(p->a.dir, p->text, true), 0);
    assert_int_equal(copy(p->text, p->b.dir, false), EXIT_REFUSED);
    assert_int_equal(copy(p->text, p->b.dir, true), 0);
}

/* A kwotad's copy becomes a ledger of its own, and other copies are made anew. */
static void copies_and_kwotads_know_of_it(void **state)
{
    const struct place *p = *state;
    struct mariadb_place place;
    struct ledger *ledger = ledger_open_copy(p->b.dir);
    char why[MARIADB_PLACE_TEXT];

    assert_int_equal(mariadb_place_read(p->text, &place, why), 0);
    assert_int_equal(replica_start(ledger, &place, "ctl1:6828"), 0);
    fill(&p->a);
    /* It runs: neither side is touched. */
    assert_int_equal(copy(p->a.dir, p->text, true), EXIT_REFUSED);
    assert_int_equal(copy(p->text, p->b.dir, true), EXIT_REFUSED);
    ledger_close(ledger);
    /* The copy of that very ledger, which may lack its last change. */
    assert_int_equal(copy(p->b.dir, p->text, true), EXIT_REFUSED);
    assert_int_equal(copy(p->a.dir, p->text, true), 0);
    ledger = ledger_open_copy(p->b.dir);
    assert_int_equal(replica_start(ledger, &place, "ctl1:6828"), 0);
    assert_int_equal(number(ledger, "SELECT COUNT(*) FROM entries"), 5000);
    ledger_close(ledger);
    assert_null(ledger_open(p->b.dir));
    assert_int_equal(copy(p->text, p->b.dir, true), 0);
    ledger = ledger_open(p->b.dir);
    assert_non_null(ledger);
    assert_int_equal(number(ledger, "SELECT COUNT(*) FROM entries"), 5000);
    ledger_close(ledger);
}

/* Of a MariaDB that is lost the copy is left. */
static void a_copy_becomes_a_ledger_in_another_mariadb(void **state)
{
    const struct place *p = *state;
    struct mariadb_place place;
    struct ledger *ledger;
    char why[MARIADB_PLACE_TEXT];
    struct mariadb m;

    fill(&p->a);
    assert_int_equal(copy(p->a.dir, p->text, false), 0);
    assert_int_equal(mariadb_place_read(p->text, &place, why), 0);
    ledger = ledger_open_copy(p->b.dir);
    assert_int_equal(replica_start(ledger, &place, "ctl1:6828"), 0);
    ledger_close(ledger);
    assert_int_equal(private_connect(&server, "information_schema", &m), 0);
    assert_int_equal(mariadb_format(&m, "DROP DATABASE kwota"), 0);
    assert_int_equal(mariadb_format(&m, "CREATE DATABASE kwota"), 0);
    mariadb_close(&m);
    assert_int_equal(copy(p->b.dir, p->text, false), 0);
    temporary_remove(&p->a);
    assert_int_equal(temporary_make((struct temporary *)&p->a), 0);
    assert_int_equal(copy(p->text, p->a.dir, false), 0);
    ledger = ledger_open(p->a.dir);
    assert_int_equal(number(ledger, "SELECT COUNT(*) FROM entries"), 5000);
    ledger_close(ledger);
}

static void what_is_not_there_is_said(void **state)
{
    const struct place *p = *state;

    assert_int_equal(copy(p->a.dir, p->text, false), EXIT_REFUSED);
    assert_int_equal(copy(p->text, p->b.dir, false), EXIT_REFUSED);
    assert_int_equal(copy("mariadb://root@nowhere", p->b.dir, false), EXIT_REFUSED);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(there_and_back_it_is_the_same),
        T(what_holds_a_ledger_is_written_over_only_when_told),
        T(copies_and_kwotads_know_of_it),
        T(a_copy_becomes_a_ledger_in_another_mariadb),
        T(what_is_not_there_is_said),
    };

    return cmocka_run_group_tests(tests, setup_all, teardown_all);
}
