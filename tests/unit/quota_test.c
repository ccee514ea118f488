/* quota_test.c - which quotas bind a job, and where they stand, from a ledger */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/quota_books.h"

static struct balance balance(struct books *b, const struct quota *quota, int64_t now_s)
{
    struct balance balance;

    assert_int_equal(quota_balance(b->ledger, NULL, quota, now_s, 0, &balance), 0);
    return balance;
}

/* phys above astro and bio, root above phys. */
static void tree(struct books *b)
{
    books_account(b, "c", "root", "");
    books_account(b, "c", "phys", "root");
    books_account(b, "c", "astro", "phys");
    books_account(b, "c", "bio", "phys");
    books_account(b, "c", "arts", "root");
}

static void an_unused_quota(void **state)
{
    struct quota quota = books_quota(*state, "astro", "", "", 1000);
    struct balance b = balance(*state, &quota, NOW);

    assert_int_equal(b.window.from_s, NOVEMBER);
    assert_int_equal(b.window.until_s, DECEMBER);
    assert_int_equal(b.quota_mj, 1000);
    assert_int_equal(b.available_mj, 1000);
    assert_int_equal(b.used_mj + b.open_mj + b.reserved_mj + b.granted_mj, 0);
}

static void settled_use_of_the_window_alone_counts(void **state)
{
    struct quota quota = books_quota(*state, "astro", "", "", 1000);

    books_rollup(*state, NOVEMBER - 900, "c", "astro", "alice", "main", 1, 0);
    books_rollup(*state, NOVEMBER, "c", "astro", "alice", "main", 20, 0);
    books_rollup(*state, DECEMBER - 900, "c", "astro", "bob", "gpu", 400, 100);
    books_rollup(*state, DECEMBER, "c", "astro", "bob", "gpu", 8000, 0);
    books_rollup(*state, NOVEMBER, "c", "bio", "alice", "main", 50000, 0);
    assert_int_equal(balance(*state, &quota, NOW).used_mj, 20 + 300);
    assert_int_equal(balance(*state, &quota, NOW).open_mj, 0);
    assert_int_equal(balance(*state, &quota, NOW).available_mj, 680);
    assert_int_equal(balance(*state, &quota, DECEMBER).used_mj, 8000);
    assert_int_equal(balance(*state, &quota, DECEMBER).available_mj, -7000);
}

static void all_below_an_account_count(void **state)
{
    struct quota phys = books_quota(*state, "phys", "", "", 1000);
    struct quota root = books_quota(*state, "root", "", "", 1000);
    struct quota alice = books_quota(*state, "phys", "alice", "", 1000);

    tree(*state);
    books_rollup(*state, NOVEMBER, "c", "phys", "alice", "main", 1, 0);
    books_rollup(*state, NOVEMBER, "c", "astro", "alice", "main", 20, 0);
    books_rollup(*state, NOVEMBER, "c", "bio", "bob", "main", 300, 0);
    books_rollup(*state, NOVEMBER, "c", "arts", "alice", "main", 4000, 0);
    /* On another cluster astro is below nobody. */
    books_rollup(*state, NOVEMBER, "d", "astro", "alice", "main", 50000, 0);
    /* And what is below astro there is not below phys. */
    books_account(*state, "d", "astro", "");
    books_account(*state, "d", "dwarfs", "astro");
    books_rollup(*state, NOVEMBER, "d", "dwarfs", "alice", "main", 600000, 0);
    assert_int_equal(balance(*state, &phys, NOW).used_mj, 321);
    assert_int_equal(balance(*state, &root, NOW).used_mj, 4321);
    assert_int_equal(balance(*state, &alice, NOW).used_mj, 21);
}

static void a_loop_of_accounts_counts_once(void **state)
{
    struct quota quota = books_quota(*state, "a", "", "", 1000);

    books_account(*state, "c", "a", "b");
    books_account(*state, "c", "b", "a");
    books_rollup(*state, NOVEMBER, "c", "a", "alice", "main", 1, 0);
    books_rollup(*state, NOVEMBER, "c", "b", "alice", "main", 20, 0);
    assert_int_equal(balance(*state, &quota, NOW).used_mj, 21);
}

static void users_clusters_and_classes_are_told_apart(void **state)
{
    struct quota user = books_quota(*state, "", "alice", "", 1000);
    struct quota both = books_quota(*state, "astro", "alice", "", 1000);
    struct quota class = books_quota(*state, "astro", "", "gpu", 1000);
    struct quota cluster = {.account = "astro", .cluster = "c", .since_s = NOVEMBER};

    books_rollup(*state, NOVEMBER, "c", "astro", "alice", "main", 1, 0);
    books_rollup(*state, NOVEMBER, "c", "astro", "alice", "gpu", 20, 0);
    books_rollup(*state, NOVEMBER, "c", "astro", "bob", "gpu", 300, 0);
    books_rollup(*state, NOVEMBER, "c", "bio", "alice", "gpu", 4000, 0);
    books_rollup(*state, NOVEMBER, "d", "astro", "bob", "main", 50000, 0);
    assert_int_equal(balance(*state, &user, NOW).used_mj, 4021);
    assert_int_equal(balance(*state, &both, NOW).used_mj, 21);
    assert_int_equal(balance(*state, &class, NOW).used_mj, 320);
    assert_int_equal(balance(*state, &cluster, NOW).used_mj, 321);
    snprintf(user.cluster, sizeof user.cluster, "d");
    assert_int_equal(balance(*state, &user, NOW).used_mj, 0);
}

static void open_runs_count_what_is_not_posted(void **state)
{
    struct quota quota = books_quota(*state, "astro", "", "", 1000);
    struct balance b;

    books_run(*state, 1, "c", "astro", "alice", "main", "running");
    books_quarter(*state, 1, NOVEMBER - 900, "package", 1, 0);
    books_quarter(*state, 1, NOVEMBER, "package", 20, 0);
    books_quarter(*state, 1, NOVEMBER, "gpu", 300, 200);
    books_run(*state, 2, "c", "astro", "bob", "main", "ended");
    books_quarter(*state, 2, NOVEMBER, "dram", 50, 0);
    books_run(*state, 3, "c", "bio", "bob", "main", "running");
    books_quarter(*state, 3, NOVEMBER, "dram", 7000, 0);
    b = balance(*state, &quota, NOW);
    assert_int_equal(b.open_mj, 20 + 100 + 50);
    assert_int_equal(b.used_mj, 170);
    assert_int_equal(b.reserved_mj, 0);
}

static void an_overrun_is_the_last_that_was_used(void **state)
{
    struct quota quota = books_quota(*state, "astro", "", "", 1000);

    books_run(*state, 1, "c", "astro", "alice", "main", "running");
    books_quarter(*state, 1, NOVEMBER - 900, "package", 100, 0);
    books_quarter(*state, 1, NOVEMBER, "package", 100, 0);
    books_do(*state, "UPDATE runs SET overrun_mj = 30");
    assert_int_equal(balance(*state, &quota, NOW).open_mj, 70);
    assert_int_equal(balance(*state, &quota, NOVEMBER - 1).open_mj, 100);
    books_do(*state, "UPDATE runs SET overrun_mj = 120");
    assert_int_equal(balance(*state, &quota, NOW).open_mj, 0);
    assert_int_equal(balance(*state, &quota, NOVEMBER - 1).open_mj, 80);
}

static void a_lien_is_reserved_beyond_what_was_used(void **state)
{
    struct quota quota = books_quota(*state, "astro", "", "", 1000);
    struct balance b;

    books_run(*state, 1, "c", "astro", "alice", "main", "running");
    books_quarter(*state, 1, NOVEMBER - 900, "package", 40, 0);
    books_quarter(*state, 1, NOVEMBER, "package", 10, 0);
    books_lien(*state, 1, 200, NOVEMBER - 900, NOVEMBER + 900);
    b = balance(*state, &quota, NOW);
    assert_int_equal(b.reserved_mj, 150);
    assert_int_equal(b.used_mj, 10);
    assert_int_equal(b.available_mj, 840);
    /* Used up, it reserves nothing. */
    books_quarter(*state, 1, NOVEMBER + 900, "package", 500, 0);
    assert_int_equal(balance(*state, &quota, NOW).reserved_mj, 0);
    assert_int_equal(balance(*state, &quota, NOW).available_mj, 490);
}

static void a_lien_without_any_use_is_reserved(void **state)
{
    struct quota quota = books_quota(*state, "astro", "", "", 1000);
    struct balance b;

    books_run(*state, 1, "c", "astro", "alice", "main", "running");
    books_do(*state, "DELETE FROM tokens");
    books_lien(*state, 1, 200, NOW, NOW + 900);
    assert_int_equal(balance(*state, &quota, NOW).reserved_mj, 200);
    assert_int_equal(
        quota_balance(((struct books *)*state)->ledger, NULL, &quota, NOW, 1, &b), 0);
    assert_int_equal(b.reserved_mj, 0);
    assert_int_equal(b.available_mj, 1000);
}

static void a_lien_counts_in_every_window_it_can_touch(void **state)
{
    struct quota quota = books_quota(*state, "astro", "", "", 1000);

    books_run(*state, 1, "c", "astro", "alice", "main", "ended");
    books_lien(*state, 1, 200, DECEMBER - 900, DECEMBER + 900);
    assert_int_equal(balance(*state, &quota, NOVEMBER - 1).reserved_mj, 0);
    assert_int_equal(balance(*state, &quota, NOW).reserved_mj, 200);
    assert_int_equal(balance(*state, &quota, DECEMBER).reserved_mj, 200);
    assert_int_equal(balance(*state, &quota, DECEMBER + 40 * DAY).reserved_mj, 0);
    /* One that runs past its time limit can still use something. */
    books_do(*state, "UPDATE runs SET state = 'running'");
    assert_int_equal(balance(*state, &quota, DECEMBER + 40 * DAY).reserved_mj, 200);
    /* A settled one cannot. */
    books_do(*state, "UPDATE runs SET state = 'settled'");
    assert_int_equal(balance(*state, &quota, NOW).reserved_mj, 0);
}

static void grants_count_in_their_window(void **state)
{
    struct quota quota = books_quota(*state, "astro", "", "", 1000);
    struct quota other = books_quota(*state, "astro", "", "gpu", 1000);
    struct balance b;

    books_posting(*state, NOVEMBER - 1, "grant", &quota, 1);
    books_posting(*state, NOVEMBER, "grant", &quota, 20);
    books_posting(*state, NOW, "adjust", &quota, -5);
    books_posting(*state, NOW, "refund", &quota, 300);
    books_posting(*state, NOW, "transfer", &quota, -10);
    books_posting(*state, NOW, "credit", &quota, 4000);
    books_posting(*state, NOW, "set", &quota, 60000);
    books_posting(*state, NOW, "remove", &quota, 60000);
    books_posting(*state, DECEMBER, "grant", &quota, 700000);
    books_posting(*state, NOW, "grant", &other, 70);
    b = balance(*state, &quota, NOW);
    assert_int_equal(b.granted_mj, 20 - 5 + 300 - 10 + 4000);
    assert_int_equal(b.quota_mj, 1000 + 4305);
}

static void what_is_left_is_carried_one_window_on(void **state)
{
    struct quota quota = books_quota(*state, "astro", "", "", 100);

    quota.carry_percent = 20;
    quota.since_s = OCTOBER;
    books_rollup(*state, OCTOBER, "c", "astro", "alice", "main", 90, 0);
    books_rollup(*state, OCTOBER - 900, "c", "astro", "alice", "main", 7, 0);
    assert_int_equal(balance(*state, &quota, NOW).carried_mj, 10);
    assert_int_equal(balance(*state, &quota, NOW).quota_mj, 110);
    assert_int_equal(balance(*state, &quota, DECEMBER).carried_mj, 20);
    /* The window in which it was made counts, those before do not. */
    assert_int_equal(balance(*state, &quota, OCTOBER).carried_mj, 0);
    quota.since_s = NOVEMBER;
    assert_int_equal(balance(*state, &quota, NOW).carried_mj, 0);
}

/* Whole days and months are read from their own roll-ups, and are the same. */
static void any_window_is_the_sum_of_its_quarter_hours(void **state)
{
    static const char *const accounts[] = {"phys", "astro", "arts"};
    static const char *const users[] = {"", "alice", "bob"};
    struct books *b = *state;

    tree(b);
    srandom(7);
    for (int n = 0; n < 300; n++)
        books_rollup(b, OCTOBER + n * 900 * (1 + random() % 20), "c",
                     accounts[random() % 3], users[1 + random() % 2], "main",
                     1 + random() % 100000, random() % 2);
    for (int n = 0; n < 200; n++) {
        struct quota quota = books_quota(b, n % 4 ? accounts[n % 3] : "",
                                         n % 4 ? users[n % 2] : "bob", "", 1);
        struct window w = {OCTOBER + random() % 4000 * 900, 0};
        int64_t used_mj;

        w.until_s = n % 5 ? w.from_s + random() % 6000 * 900 : DECEMBER;
        assert_int_equal(quota_used(b->ledger, NULL, &quota, &w, &used_mj), 0);
        assert_int_equal(
            used_mj, ledger_number(
                         b->ledger, 0,
                         "SELECT SUM(cpu_mj + dram_mj + gpu_mj + other_mj - overrun_mj)"
                         " FROM rollups WHERE quarter_s >= ?1 AND quarter_s < ?2 AND"
                         " (?3 = '' OR account = ?3 OR (?3 = 'phys' AND account ="
                         "  'astro')) AND (?4 = '' OR user = ?4)",
                         "iiss", w.from_s, w.until_s, quota.account, quota.user));
        books_do(b, "DELETE FROM quotas");
    }
}

/* What the month before brought depends on the month before that. */
static void what_was_brought_is_used_first(void **state)
{
    struct quota quota = books_quota(*state, "astro", "", "", 100);

    quota.carry_percent = 20;
    quota.since_s = OCTOBER;
    books_rollup(*state, OCTOBER, "c", "astro", "alice", "main", 50, 0);
    books_rollup(*state, NOVEMBER, "c", "astro", "alice", "main", 110, 0);
    assert_int_equal(balance(*state, &quota, NOW).carried_mj, 20);
    assert_int_equal(balance(*state, &quota, DECEMBER).carried_mj, 10);
}

static void what_was_borrowed_is_owed(void **state)
{
    struct quota quota = books_quota(*state, "astro", "", "", 100);
    struct balance b;

    quota.borrow_percent = 10;
    quota.since_s = OCTOBER;
    books_rollup(*state, OCTOBER, "c", "astro", "alice", "main", 104, 0);
    b = balance(*state, &quota, OCTOBER);
    assert_int_equal(b.quota_mj, 110);
    assert_int_equal(b.available_mj, 6);
    b = balance(*state, &quota, NOW);
    assert_int_equal(b.owed_mj, 4);
    assert_int_equal(b.borrowed_mj, 10);
    assert_int_equal(b.quota_mj, 106);
    assert_int_equal(balance(*state, &quota, DECEMBER).owed_mj, 0);
}

static void a_raised_quota_raises_no_window_that_is_over(void **state)
{
    struct quota quota = books_quota(*state, "astro", "", "", 1000);

    quota.carry_percent = 50;
    quota.borrow_percent = 50;
    quota.since_s = OCTOBER;
    books_posting(*state, OCTOBER, "set", &quota, 100);
    books_posting(*state, NOVEMBER + 1, "set", &quota, 1000);
    books_rollup(*state, OCTOBER, "c", "astro", "alice", "main", 90, 0);
    assert_int_equal(balance(*state, &quota, NOW).carried_mj, 10);
    quota.mj = 10;
    books_posting(*state, NOVEMBER + 2, "set", &quota, 10);
    assert_int_equal(balance(*state, &quota, NOW).owed_mj, 0);
    assert_int_equal(balance(*state, &quota, NOW).carried_mj, 5);
}

static void a_rolling_quota_looks_back(void **state)
{
    struct quota quota = books_quota(*state, "astro", "", "", 1000);

    quota.period = (struct period){.kind = PERIOD_ROLLING, .days = 10};
    quota.carry_percent = quota.borrow_percent = 50;
    books_rollup(*state, NOVEMBER, "c", "astro", "alice", "main", 90, 0);
    assert_int_equal(balance(*state, &quota, NOVEMBER).used_mj, 90);
    assert_int_equal(balance(*state, &quota, NOVEMBER + 10 * DAY - 900).used_mj, 90);
    assert_int_equal(balance(*state, &quota, NOVEMBER + 10 * DAY).used_mj, 0);
    assert_int_equal(balance(*state, &quota, NOVEMBER).carried_mj, 0);
}

static void a_fixed_quota_has_nothing_outside_its_time(void **state)
{
    struct quota quota = books_quota(*state, "astro", "", "", 1000);

    quota.period =
        (struct period){.kind = PERIOD_FIXED, .from_s = OCTOBER, .until_s = NOVEMBER};
    books_rollup(*state, NOVEMBER - 900, "c", "astro", "alice", "main", 90, 0);
    assert_int_equal(balance(*state, &quota, OCTOBER).available_mj, 910);
    assert_int_equal(balance(*state, &quota, NOVEMBER - 1).available_mj, 910);
    assert_int_equal(balance(*state, &quota, NOVEMBER).available_mj, 0);
    assert_int_equal(balance(*state, &quota, OCTOBER - 1).available_mj, 0);
    assert_int_equal(balance(*state, &quota, NOW).used_mj, 90);
}

/* The names of the quotas that bind, in any order, as one text. */
static void binds(struct books *b, const char *cluster, const char *account,
                  const char *user, const char *partition, int expected,
                  const char *const *names)
{
    struct quota quotas[16];
    int count =
        quota_binding(b->ledger, NULL, cluster, account, user, partition, quotas, 16);

    assert_int_equal(count, expected);
    for (int i = 0; i < expected; i++) {
        bool found = false;
        char name[256];

        for (int j = 0; j < count; j++)
            found |= !strcmp(quota_name(&quotas[j], name, sizeof name), names[i]);
        if (!found)
            fail_msg("%s does not bind", names[i]);
    }
}

static void what_binds_a_job(void **state)
{
    struct books *b = *state;

    tree(b);
    books_quota(b, "root", "", "", 1);
    books_quota(b, "phys", "", "gpu", 1);
    books_quota(b, "phys", "alice", "", 1);
    books_quota(b, "astro", "", "", 1);
    books_quota(b, "astro", "bob", "", 1);
    books_quota(b, "", "alice", "", 1);
    books_quota(b, "", "bob", "main", 1);
    books_quota(b, "bio", "", "", 1);
    binds(b, "c", "astro", "alice", "main", 4,
          (const char *const[]){"account root", "user alice in account phys",
                                "account astro", "user alice"});
    binds(b, "c", "astro", "bob", "gpu", 4,
          (const char *const[]){"account root", "account phys, class gpu",
                                "account astro", "user bob in account astro"});
    binds(b, "c", "arts", "bob", "main", 2,
          (const char *const[]){"account root", "user bob, class main"});
    /* Flat where the tree is not known. */
    binds(b, "d", "astro", "carol", "main", 1, (const char *const[]){"account astro"});
    binds(b, "d", "", "carol", "main", 0, NULL);
    binds(b, "d", "", "", "main", 0, NULL);
    books_do(b, "UPDATE quotas SET cluster = 'd' WHERE account = 'astro'");
    binds(b, "c", "astro", "carol", "main", 1, (const char *const[]){"account root"});
    assert_int_equal(
        quota_binding(b->ledger, NULL, "c", "astro", "alice", "main", NULL, 0), 0);
}

static void all_of_them(void **state)
{
    struct books *b = *state;
    struct quota *quotas;
    int count;

    assert_int_equal(quota_all(b->ledger, &quotas, &count), 0);
    assert_int_equal(count, 0);
    for (int i = 0; i < 40; i++) {
        char name[24];

        snprintf(name, sizeof name, "a%02d", i);
        books_quota(b, name, "", "", i);
    }
    assert_int_equal(quota_all(b->ledger, &quotas, &count), 0);
    assert_int_equal(count, 40);
    assert_string_equal(quotas[39].account, "a39");
    assert_int_equal(quotas[39].mj, 39);
    assert_int_equal(quotas[39].period.kind, PERIOD_MONTH);
    assert_int_equal(quotas[39].since_s, NOVEMBER);
    free(quotas);
}

/* With ten thousand accounts nothing may read a whole table. */
static void questions_go_by_index(void **state)
{
    static const struct {
        const char *sql, *by;
    } questions[] = {
        {"SELECT SUM(cpu_mj) FROM rollups r WHERE r.account = 'a' AND r.quarter_s >= 1",
         "rollups_account"},
        {"SELECT SUM(cpu_mj) FROM rollup_days r WHERE r.account = 'a' AND r.day_s >= 1"
         " AND r.day_s < 9",
         "rollup_days_account"},
        {"SELECT SUM(cpu_mj) FROM rollup_months r WHERE r.account = 'a' AND"
         " r.month_s >= 1 AND r.month_s < 9",
         "rollup_months_account"},
        {"SELECT SUM(cpu_mj) FROM rollup_months r WHERE r.user = 'a' AND r.month_s >= "
         "1",
         "rollup_months_user"},
        {"SELECT SUM(cpu_mj) FROM rollups r WHERE r.user = 'a' AND r.quarter_s >= 1",
         "rollups_user"},
        {"SELECT id FROM runs r WHERE r.account = 'a' AND r.state <> 'settled'",
         "runs_open_account"},
        {"SELECT id FROM runs r WHERE r.user = 'a' AND r.state <> 'settled'",
         "runs_open_user"},
        {"SELECT account FROM accounts a WHERE a.parent = 'a'", "accounts_parent"},
    };
    struct books *b = *state;

    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++) {
        char sql[256];
        sqlite3_stmt *stmt;

        snprintf(sql, sizeof sql, "EXPLAIN QUERY PLAN %s", questions[i].sql);
        stmt = ledger_query(b->ledger, sql, "");
        assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
        assert_non_null(
            strstr((const char *)sqlite3_column_text(stmt, 3), questions[i].by));
        sqlite3_finalize(stmt);
    }
}

#define IN_BOOKS(test) cmocka_unit_test_setup_teardown(test, books_open, books_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_BOOKS(an_unused_quota),
        IN_BOOKS(settled_use_of_the_window_alone_counts),
        IN_BOOKS(all_below_an_account_count),
        IN_BOOKS(a_loop_of_accounts_counts_once),
        IN_BOOKS(users_clusters_and_classes_are_told_apart),
        IN_BOOKS(open_runs_count_what_is_not_posted),
        IN_BOOKS(an_overrun_is_the_last_that_was_used),
        IN_BOOKS(a_lien_is_reserved_beyond_what_was_used),
        IN_BOOKS(a_lien_without_any_use_is_reserved),
        IN_BOOKS(a_lien_counts_in_every_window_it_can_touch),
        IN_BOOKS(grants_count_in_their_window),
        IN_BOOKS(what_is_left_is_carried_one_window_on),
        IN_BOOKS(any_window_is_the_sum_of_its_quarter_hours),
        IN_BOOKS(what_was_brought_is_used_first),
        IN_BOOKS(what_was_borrowed_is_owed),
        IN_BOOKS(a_raised_quota_raises_no_window_that_is_over),
        IN_BOOKS(a_rolling_quota_looks_back),
        IN_BOOKS(a_fixed_quota_has_nothing_outside_its_time),
        IN_BOOKS(what_binds_a_job),
        IN_BOOKS(all_of_them),
        IN_BOOKS(questions_go_by_index),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
