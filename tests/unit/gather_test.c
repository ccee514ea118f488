/* gather_test.c - energy kept together for a job that would starve */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "policy/gather.h"
#include "policy/limits.h"
#include "tests/unit/policy_file.h"
#include "tests/unit/quota_books.h"

#define WH ESTIMATE_MJ_PER_WH

struct scene {
    struct books *books;
    struct policy_files files;
    struct policy *on, *off;
    struct standings standings;
};

static struct policy *policy_with(struct policy_files *files, const char *name,
                                  const char *gather)
{
    char text[256], *complaints;
    struct policy *policy;

    snprintf(text, sizeof text,
             "{\"version\":1,\"enforce\":\"soft\",\"limits\":{\"gather\":%s},"
             "\"classes\":{\"fast\":[\"gpu\"]}}",
             gather);
    policy =
        policy_files_read(files, policy_files_write(files, name, text), &complaints);
    assert_string_equal(complaints, "");
    free(complaints);
    return policy;
}

/* Physics with 100 Wh, astro below it with 50, alice with 70 wherever, and 30 for fast
 * partitions. What runs has set aside 40 of each. */
static int setup(void **state)
{
    static const struct {
        const char *account, *user, *class;
        int64_t wh;
    } quotas[] = {
        {"physics", "", "", 100},
        {"astro", "", "", 50},
        {"", "alice", "", 70},
        {"physics", "", "fast", 30},
    };
    static struct scene scene;
    void *books;

    memset(&scene, 0, sizeof scene);
    if (books_open(&books) < 0)
        return -1;
    scene.books = books;
    policy_files_make(&scene.files);
    scene.on = policy_with(&scene.files, "on", "true");
    scene.off = policy_with(&scene.files, "off", "false");
    scene.standings.list = calloc(4, sizeof *scene.standings.list);
    scene.standings.count = 4;
    for (int i = 0; i < 4; i++) {
        struct standing *s = &scene.standings.list[i];

        s->quota.id = i + 1;
        snprintf(s->quota.account, QUOTA_NAME, "%s", quotas[i].account);
        snprintf(s->quota.user, QUOTA_NAME, "%s", quotas[i].user);
        snprintf(s->quota.class, QUOTA_NAME, "%s", quotas[i].class);
        s->at_s = NOW;
        s->balance.available_mj = quotas[i].wh * WH;
        s->balance.reserved_mj = 40 * WH;
    }
    assert_int_equal(ledger_begin(scene.books->ledger), 0);
    books_account(scene.books, "c", "physics", "root");
    books_account(scene.books, "c", "astro", "physics");
    books_account(scene.books, "c", "bio", "root");
    assert_int_equal(ledger_commit(scene.books->ledger), 0);
    *state = &scene;
    return 0;
}

static int teardown(void **state)
{
    struct scene *scene = *state;
    void *books = scene->books;

    policy_release(scene->on);
    policy_release(scene->off);
    policy_files_remove(&scene->files);
    standing_done(&scene->standings);
    return books_close(&books);
}

static void add_job(json_t *list, const char *id, const char *account, const char *user,
                    const char *partition, int64_t waits_s, int64_t wh)
{
    json_array_append_new(list,
                          json_pack("{s:s s:s s:s s:s s:I s:I}", "job_id", id,
                                    "account", account, "user", user, "partition",
                                    partition, "submit", (json_int_t)(NOW - waits_s),
                                    "needed_mj", (json_int_t)(wh * WH)));
}

static void mark(struct scene *s, const struct policy *policy, json_t *list)
{
    gather_mark(&s->standings, s->books->ledger, policy, "c", list, NOW);
    json_decref(list);
}

/* Which job each budget keeps its energy for; "-": none. */
static void is_kept(struct scene *s, const char *physics, const char *astro,
                    const char *alice, const char *fast)
{
    const char *expected[] = {physics, astro, alice, fast};

    for (int i = 0; i < 4; i++) {
        const struct standing *standing = &s->standings.list[i];

        assert_string_equal(standing->gather_mj ? standing->gather_job : "-",
                            expected[i]);
    }
}

static void who_has_waited_long_is_kept_for(void **state)
{
    static const struct {
        const char *what, *account, *user, *partition;
        int64_t waits_s, wh;
        const char *physics, *astro, *alice, *fast;
    } table[] = {
        {"too short a wait", "astro", "bob", "main", 599, 80, "-", "-", "-", "-"},
        {"more than its account has", "astro", "bob", "main", 600, 80, "-", "7", "-",
         "-"},
        {"and than its user has", "astro", "alice", "main", 600, 80, "-", "7", "7",
         "-"},
        {"enough is there", "astro", "alice", "main", 600, 50, "-", "-", "-", "-"},
        {"what runs would not make it enough", "astro", "bob", "main", 600, 91, "-",
         "-", "-", "-"},
        {"of another account", "bio", "bob", "main", 600, 80, "-", "-", "-", "-"},
        {"in a fast partition", "physics", "bob", "gpu,main", 600, 60, "-", "-", "-",
         "7"},
        {"the parent's too", "physics", "bob", "main", 600, 120, "7", "-", "-", "-"},
    };
    struct scene *s = *state;

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        json_t *list = json_array();

        print_message("%s\n", table[i].what);
        add_job(list, "7", table[i].account, table[i].user, table[i].partition,
                table[i].waits_s, table[i].wh);
        mark(s, s->on, list);
        is_kept(s, table[i].physics, table[i].astro, table[i].alice, table[i].fast);
    }
}

static void the_oldest_comes_first(void **state)
{
    struct scene *s = *state;
    json_t *list = json_array();

    add_job(list, "8", "astro", "bob", "main", 700, 60);
    add_job(list, "7", "astro", "bob", "main", 900, 80);
    add_job(list, "9", "physics", "bob", "main", 800, 120);
    mark(s, s->on, list);
    is_kept(s, "9", "7", "-", "-");
    /* A job that waits no more is forgotten. */
    mark(s, s->on, json_array());
    is_kept(s, "-", "-", "-", "-");
}

static void a_policy_without_it_keeps_nothing(void **state)
{
    struct scene *s = *state;
    json_t *list = json_array();

    add_job(list, "7", "astro", "bob", "main", 900, 80);
    mark(s, s->off, list);
    is_kept(s, "-", "-", "-", "-");
}

static void nothing_is_available_to_others_until_it_is_enough(void **state)
{
    static const struct {
        int64_t gather_wh, available_wh, expected_wh;
    } table[] = {{0, 50, 50}, {80, 50, 0}, {80, 79, 0}, {80, 80, 80}, {80, -5, -5}};

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct standing standing = {.gather_mj = table[i].gather_wh * WH};

        standing.balance.available_mj = table[i].available_wh * WH;
        assert_int_equal(gather_available(&standing), table[i].expected_wh * WH);
    }
}

static void others_wait_for_it(void **state)
{
    static const struct {
        struct gather_claim claim;
        const char *waits_for; /* NULL: nobody */
    } table[] = {
        {{"7", "astro", "bob", "main"}, NULL},
        {{"8", "astro", "carol", "main"}, "7"},
        {{"8", "physics", "carol", "main"}, NULL},
        {{"8", "bio", "bob", "main"}, NULL},
    };
    struct scene *s = *state;
    json_t *list = json_array();

    add_job(list, "7", "astro", "bob", "main", 900, 80);
    mark(s, s->on, list);
    assert_int_equal(ledger_begin(s->books->ledger), 0);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const char *job =
            gather_for(&s->standings, s->books->ledger, s->on, "c", &table[i].claim);

        if (table[i].waits_for)
            assert_string_equal(job, table[i].waits_for);
        else
            assert_null(job);
    }
    /* Once there is enough, nobody does. */
    s->standings.list[1].balance.available_mj = 80 * WH;
    assert_null(
        gather_for(&s->standings, s->books->ledger, s->on, "c", &table[1].claim));
    assert_int_equal(ledger_commit(s->books->ledger), 0);
}

/* What Slurm is told: no more licences than are out. */
static void no_other_gets_a_licence(void **state)
{
    static struct tree_place places[] = {{.account = "physics", .parent = "root"},
                                         {.account = "astro", .parent = "physics"}};
    struct tree tree = {.places = places, .count = 2};
    struct scene *s = *state;
    struct limits_place *wanted;
    json_t *list = json_array();

    add_job(list, "7", "astro", "bob", "main", 900, 80);
    mark(s, s->on, list);
    assert_int_equal(ledger_begin(s->books->ledger), 0);
    assert_int_equal(limits_wanted(s->books->ledger, s->on, "c", &tree, &s->standings,
                                   1000, NOW, &wanted),
                     0);
    assert_int_equal(wanted[0].wh, 100);
    assert_int_equal(wanted[1].wh, 0);
    free(wanted);
    s->standings.list[1].balance.available_mj = 85 * WH;
    assert_int_equal(limits_wanted(s->books->ledger, s->on, "c", &tree, &s->standings,
                                   1000, NOW, &wanted),
                     0);
    assert_int_equal(wanted[1].wh, 85);
    free(wanted);
    assert_int_equal(ledger_commit(s->books->ledger), 0);
}

/* A lien that was opened since the budgets were worked out is not off them yet. */
static void a_fresh_lien_is_taken_off(void **state)
{
    static struct tree_place places[] = {{.account = "physics", .parent = "root"},
                                         {.account = "astro", .parent = "physics"}};
    struct tree tree = {.places = places, .count = 2};
    struct scene *s = *state;
    struct limits_place *wanted;

    assert_int_equal(ledger_begin(s->books->ledger), 0);
    books_run(s->books, 1, "c", "astro", "alice", "main", "running");
    books_do(s->books, "UPDATE runs SET decision = 'run'");
    books_lien(s->books, 1, 40 * WH, NOW, NOW + 864000);
    for (int fresh = 1; fresh >= 0; fresh--) {
        assert_int_equal(limits_wanted(s->books->ledger, s->on, "c", &tree,
                                       &s->standings, 1000, NOW, &wanted),
                         0);
        assert_int_equal(wanted[1].wh, fresh ? 9 : 49);
        free(wanted);
        books_do(s->books, "DELETE FROM fresh_liens");
    }
    assert_int_equal(ledger_commit(s->books->ledger), 0);
}

/* It is looked at in every round, however far from its end it is. */
static void what_is_kept_together_is_always_due(void **state)
{
    struct standing standing = {.at_s = NOW};

    (void)state;
    standing.balance.window.until_s = INT64_MAX;
    standing.balance.available_mj = standing.balance.quota_mj = 1000 * WH;
    assert_false(standing_is_due(&standing, 10, false, NOW));
    standing.gather_mj = WH;
    assert_true(standing_is_due(&standing, 10, false, NOW));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(who_has_waited_long_is_kept_for, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(the_oldest_comes_first, setup, teardown),
        cmocka_unit_test_setup_teardown(a_policy_without_it_keeps_nothing, setup,
                                        teardown),
        cmocka_unit_test(nothing_is_available_to_others_until_it_is_enough),
        cmocka_unit_test_setup_teardown(others_wait_for_it, setup, teardown),
        cmocka_unit_test_setup_teardown(no_other_gets_a_licence, setup, teardown),
        cmocka_unit_test_setup_teardown(a_fresh_lien_is_taken_off, setup, teardown),
        cmocka_unit_test(what_is_kept_together_is_always_due),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
