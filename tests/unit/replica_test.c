/* replica_test.c - the ledger in a MariaDB: the same on both sides, whatever dies */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <pthread.h>
#include <sys/socket.h>
#include <cmocka.h>

#include "policy/journal.h"
#include "policy/ledger.h"
#include "policy/mariadb_copy.h"
#include "policy/replica.h"
#include "policy/schema.h"
#include "tests/unit/private_mariadb.h"
#include "tests/unit/temporary.h"

/* What a COMMIT comes to. */
enum fate { ANSWERED, DONE_UNANSWERED, LOST_UNANSWERED, DONE_AND_KILLED };

static enum fate fate;
static struct private_mariadb server;
static int databases;

int __real_mysql_real_query(MYSQL *wire, const char *sql, unsigned long len);
int __wrap_mysql_real_query(MYSQL *wire, const char *sql, unsigned long len);

int __wrap_mysql_real_query(MYSQL *wire, const char *sql, unsigned long len)
{
    enum fate now = strcmp(sql, "COMMIT") == 0 ? fate : ANSWERED;
    int rc;

    if (now == ANSWERED)
        return __real_mysql_real_query(wire, sql, len);
    fate = ANSWERED;
    if (now != LOST_UNANSWERED) {
        rc = __real_mysql_real_query(wire, sql, len);
        assert_int_equal(rc, 0);
    }
    if (now == DONE_AND_KILLED)
        _exit(9);
    shutdown(mysql_get_socket(wire), SHUT_RDWR);
    return __real_mysql_real_query(wire, sql, len);
}

/* A database, and two kwotad's folders. */
struct place {
    struct temporary a, b;
    char database[32], text[256];
};

static int setup(void **state)
{
    static struct place p;
    struct mariadb m;

    *state = &p;
    fate = ANSWERED;
    snprintf(p.database, sizeof p.database, "kwota_%d", databases++);
    private_place(&server, p.database, p.text);
    if (private_connect(&server, "information_schema", &m) < 0 ||
        mariadb_format(&m, "CREATE DATABASE %s", p.database) < 0)
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

static struct ledger *try_open(const struct place *p, const struct temporary *t,
                               const char *name)
{
    struct ledger *ledger = ledger_open_copy(t->dir);
    struct mariadb_place place;
    char why[MARIADB_PLACE_TEXT];

    assert_non_null(ledger);
    assert_int_equal(mariadb_place_read(p->text, &place, why), 0);
    if (replica_start(ledger, &place, name) == 0) {
        assert_int_equal(ledger_gather(ledger, 2), 0);
        return ledger;
    }
    ledger_close(ledger);
    return NULL;
}

static struct ledger *open_one(const struct place *p, const struct temporary *t,
                               const char *name)
{
    struct ledger *ledger = try_open(p, t, name);

    assert_non_null(ledger);
    return ledger;
}

static void tell_mariadb(const struct place *p, const char *sql)
{
    struct mariadb m;

    assert_int_equal(private_connect(&server, p->database, &m), 0);
    if (mariadb_do(&m, sql, strlen(sql)) < 0)
        fail_msg("%s", m.error);
    mariadb_close(&m);
}

static int64_t ask_mariadb(const struct place *p, const char *sql)
{
    struct mariadb m;
    int64_t number = -1;

    assert_int_equal(private_connect(&server, p->database, &m), 0);
    assert_true(mariadb_number(&m, sql, &number) >= 0);
    mariadb_close(&m);
    return number;
}

static int do_all(struct ledger *ledger, const char *const sql[])
{
    assert_int_equal(ledger_begin(ledger), 0);
    for (int i = 0; sql[i]; i++)
        assert_int_equal(ledger_do(ledger, sql[i], ""), 0);
    return ledger_commit(ledger);
}

static int write_run(struct ledger *ledger, int64_t id)
{
    assert_int_equal(ledger_begin(ledger), 0);
    assert_int_equal(
        ledger_do(ledger,
                  "INSERT INTO runs (id, cluster, job_id, submit_s, restart, job_text,"
                  " uid, user, account, partition, name, start_s, slurm_state,"
                  " node_count, state) VALUES"
                  " (?1,'c',?1,100,0,?1,1001,'alice','astro','main','n',100,'',1,"
                  " 'running')",
                  "i", id),
        0);
    return ledger_commit(ledger);
}

static int64_t runs(struct ledger *ledger)
{
    int64_t count;

    assert_int_equal(ledger_begin(ledger), 0);
    count = ledger_number(ledger, -1, "SELECT COUNT(*) FROM runs", "");
    ledger_commit(ledger);
    return count;
}

/* Waits until something is so; false after so many seconds. */
static bool waited(int seconds, bool (*is)(struct ledger *, int64_t), struct ledger *l,
                   int64_t arg)
{
    static const struct timespec pause = {0, 20000000};

    for (int i = 0; i < seconds * 50 && !is(l, arg); i++)
        nanosleep(&pause, NULL);
    return is(l, arg);
}

static bool acts(struct ledger *ledger, int64_t unused)
{
    char why[LEDGER_WHY];

    (void)unused;
    return ledger_acts(ledger, why);
}

static bool has_runs(struct ledger *ledger, int64_t count)
{
    return runs(ledger) == count;
}

static int compare(void *of, sqlite3 *db)
{
    const struct place *p = of;
    struct mariadb_tables tables;
    struct mariadb_sum here, there;
    struct mariadb m;
    int64_t rows = 0;

    assert_int_equal(mariadb_tables_read(db, &tables), 0);
    assert_int_equal(private_connect(&server, p->database, &m), 0);
    for (int t = 0; t < tables.count; t++) {
        assert_int_equal(mariadb_sum_sqlite(db, &tables.list[t], &here), 0);
        assert_int_equal(mariadb_sum_mariadb(&m, &tables.list[t], &there), 0);
        if (memcmp(&here, &there, sizeof here) != 0)
            fail_msg("%s is not the same: %lld and %lld rows", tables.list[t].name,
                     (long long)here.rows, (long long)there.rows);
        rows += here.rows;
    }
    mariadb_close(&m);
    mariadb_tables_free(&tables);
    assert_true(rows > 0);
    return 0;
}

static void assert_same(const struct place *p, struct ledger *ledger)
{
    ledger_between(ledger, compare, (void *)p);
}

/* Rows of many kinds, with all that Slurm lets into names. */
static const char *const rows[] = {
    "INSERT INTO accounts VALUES ('c','it''s \\ `one`',''),('c','astro','physics'),"
    "('c','Astro','physics'),('c','astro ','physics'),"
    "('c', CAST(x'ff80c3' AS TEXT), 'x'), ('c', CAST(x'f48fbf80' AS TEXT), 'x'),"
    "('c', 'ü€𝄞', CAST(x'eda080' AS TEXT)),"
    "('c', printf('%.*c', 1024, 'n') || '1', ''),"
    "('c', printf('%.*c', 1024, 'n') || '2', '')",
    "INSERT INTO tokens (token, run_id, node, job_id, start_ms, last_ms, final, cpu_ns,"
    " reasons, simulated) VALUES ('t1', 1, 'n1', 1, 0, 0, 0, 0, '[]', 1),"
    " ('t2', NULL, 'n2', 1, 0, 0, 0, -9223372036854775808, '[\"a\nb\"]', 0)",
    "INSERT INTO run_quarters VALUES ('t1',900,'package',12,0),('t1',1800,'dram',5,5)",
    "INSERT INTO entries (run_id, kind, mj, time_s, actor, why) VALUES"
    " (1,'charge',9223372036854775807,5,'kwotad','')",
    NULL};

static const char *const much[] = {
    "INSERT INTO accounts WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM "
    "n"
    " WHERE i < 5000) SELECT 'c', printf('%.*c', 1000, 'n') || i, '' FROM n",
    NULL};

static const char *const later[] = {
    "UPDATE tokens SET final = 1, run_id = 1 WHERE token = 't2'",
    "UPDATE run_quarters SET mj = 30 WHERE quarter_s = 900",
    "DELETE FROM run_quarters WHERE quarter_s = 1800",
    "UPDATE accounts SET parent = 'y' WHERE parent = 'x'",
    "DELETE FROM accounts WHERE account = 'Astro'",
    "INSERT INTO steering SELECT 1,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,''",
    "UPDATE runs SET state = 'settled' WHERE id = 1", /* a trigger ends the steering */
    NULL};

static void what_is_committed_is_on_both_sides(void **state)
{
    const struct place *p = *state;
    struct ledger *ledger = open_one(p, &p->a, "ctl1:6828");

    assert_true(acts(ledger, 0));
    assert_int_equal(write_run(ledger, 1), 0);
    assert_int_equal(do_all(ledger, rows), 0);
    assert_same(p, ledger);
    assert_int_equal(ask_mariadb(p, "SELECT COUNT(*) FROM accounts"), 9);
    assert_int_equal(do_all(ledger, later), 0);
    assert_same(p, ledger);
    assert_int_equal(ask_mariadb(p, "SELECT COUNT(*) FROM accounts"), 8);
    assert_int_equal(ask_mariadb(p,
                                 "SELECT SUM(e.mj = 9223372036854775807) FROM entries"
                                 " e JOIN runs r ON r.id = e.run_id"
                                 " WHERE r.`partition` = 'main'"),
                     1);
    /* What is written for the copy's own sake is not counted. */
    assert_int_equal(ledger_do(ledger, "DELETE FROM accounts WHERE account > 'b'", ""),
                     0);
    assert_int_equal(ledger_changed(ledger),
                     8 - ask_mariadb(p, "SELECT COUNT(*) FROM accounts"));
    assert_true(ledger_changed(ledger) > 1);
    /* What was undone was never there. */
    assert_int_equal(ledger_begin(ledger), 0);
    ledger_do(ledger, "DELETE FROM accounts", "");
    ledger_rollback(ledger);
    assert_int_equal(write_run(ledger, 2), 0);
    assert_same(p, ledger);
    ledger_close(ledger);
}

static void a_copy_is_made_anew_from_mariadb_alone(void **state)
{
    const struct place *p = *state;
    struct ledger *ledger = open_one(p, &p->a, "ctl1:6828");

    assert_int_equal(write_run(ledger, 1), 0);
    assert_int_equal(do_all(ledger, rows), 0);
    ledger_close(ledger);
    ledger = open_one(p, &p->b, "ctl2:6828");
    assert_true(acts(ledger, 0));
    assert_same(p, ledger);
    assert_int_equal(runs(ledger), 1);
    assert_int_equal(do_all(ledger, much), 0); /* more than one statement may hold */
    assert_int_equal(write_run(ledger, 2), 0);
    assert_true(ask_mariadb(p, "SELECT COUNT(*) FROM kwota_changes WHERE part > 0") >
                0);
    ledger_close(ledger);
    /* The first is behind now: by changes that are kept, */
    ledger = open_one(p, &p->a, "ctl1:6828");
    assert_int_equal(runs(ledger), 2);
    ledger_close(ledger);
    /* and by some that are not. */
    ledger = open_one(p, &p->b, "ctl2:6828");
    assert_int_equal(write_run(ledger, 3), 0);
    assert_int_equal(write_run(ledger, 4), 0);
    ledger_close(ledger);
    tell_mariadb(p, "DELETE FROM kwota_changes ORDER BY seq DESC LIMIT 1");
    ledger = open_one(p, &p->a, "ctl1:6828");
    assert_int_equal(runs(ledger), 4);
    assert_same(p, ledger);
    ledger_close(ledger);
}

static void nothing_is_written_while_mariadb_is_away(void **state)
{
    const struct place *p = *state;
    struct ledger *ledger = open_one(p, &p->a, "ctl1:6828");
    char why[LEDGER_WHY];

    assert_int_equal(write_run(ledger, 1), 0);
    private_kill(&server);
    assert_int_equal(write_run(ledger, 2), -1);
    assert_int_equal(runs(ledger), 1);
    assert_false(ledger_acts(ledger, why));
    assert_non_null(strstr(why, "is away"));
    assert_int_equal(write_run(ledger, 3), -1);
    assert_int_equal(private_start(&server), 0);
    assert_true(waited(15, acts, ledger, 0));
    assert_int_equal(write_run(ledger, 2), 0);
    assert_same(p, ledger);
    ledger_close(ledger);
}

static void a_copy_is_read_while_mariadb_is_away(void **state)
{
    const struct place *p = *state;
    struct ledger *ledger = open_one(p, &p->a, "ctl1:6828");

    assert_int_equal(write_run(ledger, 1), 0);
    ledger_close(ledger);
    private_kill(&server);
    ledger = open_one(p, &p->a, "ctl1:6828");
    assert_int_equal(runs(ledger), 1);
    assert_int_equal(write_run(ledger, 2), -1);
    assert_int_equal(private_start(&server), 0);
    assert_true(waited(15, acts, ledger, 0));
    assert_int_equal(write_run(ledger, 2), 0);
    assert_same(p, ledger);
    ledger_close(ledger);
}

static void a_commit_without_an_answer_is_looked_for(void **state)
{
    const struct place *p = *state;
    struct ledger *ledger = open_one(p, &p->a, "ctl1:6828");

    assert_int_equal(write_run(ledger, 1), 0);
    fate = DONE_UNANSWERED;
    assert_int_equal(write_run(ledger, 2), 0);
    assert_int_equal(runs(ledger), 2);
    assert_true(waited(15, acts, ledger, 0));
    fate = LOST_UNANSWERED;
    assert_int_equal(write_run(ledger, 3), -1);
    assert_int_equal(runs(ledger), 2);
    assert_true(waited(15, acts, ledger, 0));
    assert_int_equal(write_run(ledger, 3), 0);
    assert_same(p, ledger);
    ledger_close(ledger);
}

static void what_mariadb_has_and_a_killed_kwotad_not_is_fetched(void **state)
{
    const struct place *p = *state;
    struct ledger *ledger;
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        ledger = open_one(p, &p->a, "ctl1:6828");
        write_run(ledger, 1);
        fate = DONE_AND_KILLED;
        write_run(ledger, 2);
        _exit(0);
    }
    waitpid(pid, &status, 0);
    assert_int_equal(WEXITSTATUS(status), 9);
    ledger = open_one(p, &p->a, "ctl1:6828");
    assert_true(waited(10, acts, ledger, 0));
    assert_int_equal(runs(ledger), 2);
    assert_same(p, ledger);
    ledger_close(ledger);
}

static void who_lost_the_lock_cannot_commit(void **state)
{
    const struct place *p = *state;
    struct ledger *ledger = open_one(p, &p->a, "ctl1:6828");

    assert_int_equal(write_run(ledger, 1), 0);
    tell_mariadb(p, "UPDATE kwota_ledger SET fence = fence + 1");
    assert_int_equal(write_run(ledger, 2), -1);
    assert_int_equal(ask_mariadb(p, "SELECT COUNT(*) FROM runs"), 1);
    assert_true(waited(15, acts, ledger, 0));
    assert_int_equal(write_run(ledger, 2), 0);
    assert_same(p, ledger);
    ledger_close(ledger);
}

static void a_broken_reference_is_in_neither(void **state)
{
    const struct place *p = *state;
    struct ledger *ledger = open_one(p, &p->a, "ctl1:6828");

    assert_int_equal(write_run(ledger, 1), 0);
    assert_int_equal(ledger_begin(ledger), 0);
    ledger_do(ledger, "PRAGMA defer_foreign_keys = ON", "");
    assert_int_equal(
        ledger_do(ledger, "INSERT INTO run_quarters VALUES ('none',0,'dram',1,0)", ""),
        0);
    assert_int_equal(ledger_commit(ledger), -1);
    assert_int_equal(write_run(ledger, 2), 0);
    assert_same(p, ledger);
    ledger_close(ledger);
}

/* What the memory's table of use says, and what it would say if it were made anew. */
#define USED_DIFFERS                                                                   \
    "SELECT COUNT(*) FROM used u WHERE (mj, open_mj) IS NOT (SELECT SUM(q.mj),"        \
    " SUM(q.mj - q.posted_mj) FROM tokens t JOIN run_quarters q ON q.token = t.token"  \
    " WHERE t.run_id = u.run_id)"

static void the_other_follows_and_takes_over(void **state)
{
    static const char *const use[] = {
        "INSERT INTO tokens (token, run_id, node, job_id, start_ms, last_ms, final,"
        " cpu_ns, reasons, simulated) VALUES ('t1', 1, 'n1', 1, 0, 0, 0, 0, '[]', 1)",
        "INSERT INTO run_quarters VALUES ('t1',900,'package',12,0)", NULL};
    static const char *const more[] = {"UPDATE run_quarters SET mj = 99, posted_mj = 7",
                                       NULL};
    const struct place *p = *state;
    struct ledger *a = open_one(p, &p->a, "ctl1:6828"), *b;
    char why[LEDGER_WHY];

    assert_int_equal(write_run(a, 1), 0);
    b = open_one(p, &p->b, "ctl2:6828");
    assert_false(ledger_acts(b, why));
    assert_string_equal(why, "this kwotad stands by: ctl1:6828 acts");
    assert_int_equal(write_run(b, 2), -1);
    assert_int_equal(do_all(a, use), 0);
    assert_int_equal(do_all(a, more), 0);
    assert_int_equal(write_run(a, 2), 0);
    assert_true(waited(10, has_runs, b, 2));
    assert_int_equal(ledger_begin(b), 0);
    assert_int_equal(ledger_number(b, -1, "SELECT mj FROM used WHERE run_id = 1", ""),
                     99);
    assert_int_equal(
        ledger_number(b, -1, "SELECT open_mj FROM used WHERE run_id = 1", ""), 92);
    assert_int_equal(ledger_commit(b), 0);
    assert_same(p, b);
    ledger_close(a);
    assert_true(waited(10, acts, b, 0));
    assert_int_equal(write_run(b, 3), 0);
    a = open_one(p, &p->a, "ctl1:6828");
    assert_false(acts(a, 0));
    assert_true(waited(10, has_runs, a, 3));
    assert_int_equal(ledger_begin(b), 0);
    assert_int_equal(ledger_number(b, -1, USED_DIFFERS " AND run_id = 1", ""), 0);
    assert_int_equal(ledger_commit(b), 0);
    ledger_close(b);
    ledger_close(a);
}

static void a_newer_ledger_is_left_alone(void **state)
{
    const struct place *p = *state;

    ledger_close(open_one(p, &p->a, "ctl1:6828"));
    tell_mariadb(p, "UPDATE kwota_ledger SET version = 99");
    assert_null(try_open(p, &p->a, "ctl1:6828"));
    assert_null(try_open(p, &p->b, "ctl1:6828"));
    assert_int_equal(ask_mariadb(p, "SELECT version FROM kwota_ledger"), 99);
}

static void an_older_ledger_is_made_this_version(void **state)
{
    const struct place *p = *state;
    struct ledger *ledger = open_one(p, &p->a, "ctl1:6828");

    assert_int_equal(write_run(ledger, 1), 0);
    assert_int_equal(do_all(ledger, rows), 0);
    ledger_close(ledger);
    tell_mariadb(p, "ALTER TABLE entries DROP COLUMN price_u");
    tell_mariadb(p, "DROP TABLE rollup_days");
    tell_mariadb(p, "DELETE FROM accounts"); /* as if a step had filled it */
    tell_mariadb(p, "UPDATE kwota_ledger SET version = 3");
    /* Who has no copy has nothing to fill new tables from. */
    assert_null(try_open(p, &p->b, "ctl2:6828"));
    ledger = open_one(p, &p->a, "ctl1:6828");
    assert_int_equal(ask_mariadb(p, "SELECT version FROM kwota_ledger"),
                     SCHEMA_VERSION);
    assert_int_equal(write_run(ledger, 2), 0);
    assert_same(p, ledger);
    ledger_close(ledger);
}

static void a_ledger_of_its_own_is_not_overwritten(void **state)
{
    const struct place *p = *state;
    struct ledger *ledger = ledger_open(p->b.dir);

    assert_int_equal(write_run(ledger, 1), 0);
    ledger_close(ledger);
    assert_null(try_open(p, &p->b, "ctl1:6828"));
    ledger_close(open_one(p, &p->a, "ctl1:6828"));
    assert_null(try_open(p, &p->b, "ctl1:6828"));
    ledger = ledger_open(p->b.dir);
    assert_int_equal(runs(ledger), 1);
    ledger_close(ledger);
    /* Nor is a copy a ledger of its own. */
    assert_null(ledger_open(p->a.dir));
}

static void a_copy_that_is_ahead_is_refused(void **state)
{
    const struct place *p = *state;
    struct ledger *ledger = open_one(p, &p->a, "ctl1:6828");

    assert_int_equal(write_run(ledger, 1), 0);
    ledger_close(ledger);
    tell_mariadb(p, "UPDATE kwota_ledger SET seq = seq - 1");
    assert_null(try_open(p, &p->a, "ctl1:6828"));
    tell_mariadb(p, "UPDATE kwota_ledger SET seq = seq + 1, ledger = 'another'");
    assert_null(try_open(p, &p->a, "ctl1:6828"));
}

static void a_place_is_read_or_said_to_be_wrong(void **state)
{
    static const char *const wrong[] = {"mariadb://",
                                        "mariadb://kwota@db1",
                                        "mariadb://kwota@db1/",
                                        "mariadb://kwota@/kwota",
                                        "mariadb://kwota@db1:x/kwota",
                                        "mariadb://kwota@db1:99999/kwota",
                                        "mariadb://kwota@db1/kw`ota",
                                        "mariadb://kwota@db1/kwota?pasword_file=/x",
                                        "/var/spool/kwota"};
    struct mariadb_place place;
    char why[MARIADB_PLACE_TEXT], password[64];

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(mariadb_place_read(wrong[i], &place, why), -1);
    assert_int_equal(mariadb_place_read("mariadb://kwota@db1:3307/book?ca=/c&"
                                        "password_file=/dev/null",
                                        &place, why),
                     0);
    assert_string_equal(place.host, "db1");
    assert_string_equal(place.database, "book");
    assert_int_equal(place.port, 3307);
    assert_string_equal(place.ca, "/c");
    assert_int_equal(mariadb_place_password(&place, password, sizeof password, why),
                     -1);
}

static int take_down(uint32_t job, void *arg)
{
    *(int64_t *)arg = *(int64_t *)arg * 1000 + job;
    return 0;
}

static void add_lines(const struct temporary *t, const char *text)
{
    char path[256];
    FILE *file;

    snprintf(path, sizeof path, "%s/ended.journal", t->dir);
    file = fopen(path, "a");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static bool hears(struct ledger *ledger, int64_t count)
{
    struct ledger_heard heard;

    return ledger_heard(ledger, &heard) == count;
}

static void keep_far_place(struct ledger *ledger, const struct temporary *t)
{
    char path[256], host[256] = "";
    struct stat st;

    snprintf(path, sizeof path, "%s/ended.journal", t->dir);
    assert_int_equal(stat(path, &st), 0);
    gethostname(host, sizeof host - 1);
    assert_int_equal(ledger_begin(ledger), 0);
    assert_int_equal(ledger_do(ledger,
                               "INSERT INTO journal_place (host, inode, offset)"
                               " VALUES (?,?,1000000)",
                               "si", host, (int64_t)st.st_ino),
                     0);
    assert_int_equal(ledger_commit(ledger), 0);
}

static bool has_far_place(struct ledger *ledger, int64_t unused)
{
    int64_t count;

    (void)unused;
    assert_int_equal(ledger_look(ledger), 0);
    count = ledger_number(ledger, 0, "SELECT COUNT(*) FROM journal_place", "");
    ledger_commit_soon(ledger);
    return count == 1;
}

/* The journal beside a kwotad that stands by reaches the one that acts: each job at
 * least once, and none anew when the first acts itself. */
static void a_journal_elsewhere_is_heard_of(void **state)
{
    const struct place *p = *state;
    struct ledger *first = open_one(p, &p->a, "ctl1:6828");
    struct ledger *second = open_one(p, &p->b, "ctl2:6828");
    struct journal_passed passed = {0, 0};
    struct ledger_heard heard;
    int64_t jobs = 0;
    char line[64];

    assert_int_equal(journal_pass(second, p->b.dir, &passed), 0);
    for (int i = 1; i <= LEDGER_HEARD; i++) {
        snprintf(line, sizeof line, "{\"job\":%d,\"time\":7}\n", i);
        add_lines(&p->b, line);
    }
    add_lines(&p->b, "no record\n{\"job\":301}\n{\"job\":302}\n{\"jo");
    /* The ledger has a place in a file before, of the same inode and longer. */
    keep_far_place(first, &p->b);
    assert_true(waited(10, has_far_place, second, 0));
    assert_int_equal(journal_pass(second, p->b.dir, &passed), LEDGER_HEARD);
    assert_int_equal(journal_pass(second, p->b.dir, &passed), 2);
    assert_int_equal(journal_pass(second, p->b.dir, &passed), 0);
    assert_true(waited(10, hears, first, LEDGER_HEARD));
    /* They come again until they are forgotten. */
    assert_int_equal(ledger_heard(first, &heard), LEDGER_HEARD);
    assert_int_equal(heard.jobs[0], 1);
    assert_int_equal(heard.jobs[LEDGER_HEARD - 1], LEDGER_HEARD);
    assert_int_equal(ledger_forget_heard(first, heard.ids[LEDGER_HEARD - 1]), 0);
    assert_int_equal(ledger_heard(first, &heard), 2);
    assert_int_equal(heard.jobs[1], 302);
    assert_int_equal(ledger_forget_heard(first, heard.ids[0]), 0);
    assert_int_equal(ledger_heard(first, &heard), 1);
    /* Who does not act takes nothing; who acts passes nothing on. */
    assert_int_equal(ledger_heard(second, &heard), 0);
    assert_int_equal(ledger_forget_heard(second, INT64_MAX), -1);
    assert_int_equal(ledger_pass_ended(first, heard.jobs, 1), -1);
    ledger_close(first);
    assert_true(waited(10, acts, second, 0));
    assert_true(waited(10, hears, second, 1));
    add_lines(&p->b, "b\":303}\n");
    assert_int_equal(journal_read(second, p->b.dir, &passed, take_down, &jobs), 1);
    assert_int_equal(jobs, 303);
    ledger_close(second);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(what_is_committed_is_on_both_sides),
        T(a_copy_is_made_anew_from_mariadb_alone),
        T(nothing_is_written_while_mariadb_is_away),
        T(a_copy_is_read_while_mariadb_is_away),
        T(a_commit_without_an_answer_is_looked_for),
        T(what_mariadb_has_and_a_killed_kwotad_not_is_fetched),
        T(who_lost_the_lock_cannot_commit),
        T(a_broken_reference_is_in_neither),
        T(the_other_follows_and_takes_over),
        T(a_newer_ledger_is_left_alone),
        T(an_older_ledger_is_made_this_version),
        T(a_ledger_of_its_own_is_not_overwritten),
        T(a_copy_that_is_ahead_is_refused),
        T(a_journal_elsewhere_is_heard_of),
        cmocka_unit_test(a_place_is_read_or_said_to_be_wrong),
    };

    return cmocka_run_group_tests(tests, setup_all, teardown_all);
}
