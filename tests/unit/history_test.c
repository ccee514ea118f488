/* history_test.c - what becomes history, and what is expected by it */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "policy/expected.h"
#include "policy/history.h"
#include "policy/lien.h"
#include "policy/run.h"
#include "tests/unit/policy_file.h"
#include "tests/unit/quota_books.h"

#define END (NOVEMBER + 10 * DAY)

static void quantile(void **state)
{
    static const int64_t ten[] = {10, 20, 30, 40, 50, 60, 70, 80, 90, 100};
    static const struct {
        int count;
        int64_t percent, expected;
    } table[] = {
        {10, 95, 100}, {10, 91, 100}, {10, 90, 90}, {10, 50, 50},   {10, 51, 60},
        {10, 1, 10},   {10, 10, 10},  {10, 11, 20}, {10, 100, 100}, {1, 1, 10},
        {1, 100, 10},  {3, 33, 10},   {3, 34, 20},  {2, 50, 10},    {2, 51, 20},
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        int64_t found = history_quantile(ten, table[i].count, table[i].percent);

        if (found != table[i].expected)
            fail_msg("%lld %% of %d: %lld", (long long)table[i].percent, table[i].count,
                     (long long)found);
    }
}

static void weigh(void **state)
{
    static const struct {
        struct policy_figures figures;
        int count;
        int64_t runs, mw, s;
    } table[] = {
        /* of {5 W 100 s, 3 W 300 s, 4 W cut off, 1 W 200 s} */
        {{.history_runs = 4, .power_quantile = 95, .duration_quantile = 95},
         4,
         4,
         5000,
         HISTORY_ENDLESS},
        {{.history_runs = 4, .power_quantile = 50, .duration_quantile = 75},
         4,
         4,
         3000,
         300},
        {{.history_runs = 5, .power_quantile = 95, .duration_quantile = 95},
         4,
         0,
         0,
         0},
        {{.history_runs = 0, .power_quantile = 95, .duration_quantile = 95},
         4,
         0,
         0,
         0},
        {{.history_runs = 1, .power_quantile = 1, .duration_quantile = 100},
         2,
         2,
         3000,
         300},
        {{.history_runs = 1, .power_quantile = 95, .duration_quantile = 95},
         0,
         0,
         0,
         0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct history_run runs[] = {
            {5000, 100}, {3000, 300}, {4000, HISTORY_ENDLESS}, {1000, 200}};
        struct history_estimate e;

        history_weigh(runs, table[i].count, &table[i].figures, &e);
        assert_int_equal(e.runs, table[i].runs);
        assert_int_equal(e.mw, table[i].mw);
        assert_int_equal(e.s, table[i].s);
    }
}

/* A run of alice's that is about to be settled; its name is "n". */
static void put_run(struct books *b, int64_t id, int64_t start_s, int64_t end_s)
{
    books_run(b, id, "c", "astro", "alice", "gpu", "ended");
    assert_int_equal(ledger_do(b->ledger,
                               "UPDATE runs SET slurm_state = 'COMPLETED', cpus = 8,"
                               " gpus = 0, limit_s = 7200, asked_nodes = 1,"
                               " asked_cpus = 4, asked_gpus = 2, start_s = ?, end_s = ?"
                               " WHERE id = ?",
                               "iii", start_s, end_s, id),
                     0);
    assert_int_equal(ledger_do(b->ledger,
                               "INSERT INTO run_domains (token, domain, kind, uj)"
                               " VALUES ('t' || ?, 'p', 'package', 1)",
                               "i", id),
                     0);
}

static int64_t count(struct books *b)
{
    return ledger_number(b->ledger, -1, "SELECT COUNT(*) FROM history", "");
}

static void what_becomes_history(void **state)
{
    static const struct {
        const char *change; /* of run 1 */
        int64_t kept;
    } table[] = {
        {"UPDATE runs SET name = 'n'", 1},
        {"UPDATE runs SET slurm_state = 'TIMEOUT'", 1},
        {"UPDATE runs SET slurm_state = 'FAILED'", 0},
        {"UPDATE runs SET slurm_state = 'CANCELLED'", 0},
        {"UPDATE runs SET slurm_state = 'NODE_FAIL'", 0},
        {"UPDATE runs SET end_s = start_s + 60", 1},
        {"UPDATE runs SET end_s = start_s + 59", 0},
        {"UPDATE runs SET end_s = start_s", 0},
        {"UPDATE runs SET asked_cpus = NULL", 0},
        {"UPDATE runs SET reasons = '1 of 2 nodes had not given it'", 0},
        {"UPDATE tokens SET reasons = '[\"no dram\"]'", 0},
        {"UPDATE run_domains SET uj = NULL", 0},
        {"DELETE FROM run_domains", 0},
    };
    struct books *b = *state;

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        assert_int_equal(ledger_begin(b->ledger), 0);
        put_run(b, 1, END - 3600, END);
        books_do(b, table[i].change);
        assert_int_equal(history_keep(b->ledger, 1, 1000), 0);
        if (count(b) != table[i].kept)
            fail_msg("%s: %lld", table[i].change, (long long)count(b));
        ledger_rollback(b->ledger);
    }
}

static void mean_power_is_rounded_up(void **state)
{
    static const struct {
        int64_t mj, mw;
    } table[] = {{0, 0}, {1, 1}, {3600, 1}, {3601, 2}, {7200, 2}};
    struct books *b = *state;

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        int64_t id = (int64_t)i + 1;

        put_run(b, id, END - 3600, END);
        assert_int_equal(history_keep(b->ledger, id, table[i].mj), 0);
        assert_int_equal(ledger_number(b->ledger, -1,
                                       "SELECT mw FROM history WHERE run_id = ?", "i",
                                       id),
                         table[i].mw);
    }
}

static void only_the_newest_are_kept(void **state)
{
    struct books *b = *state;

    assert_int_equal(ledger_begin(b->ledger), 0);
    put_run(b, 1000, END - 9000, END);
    books_do(b, "UPDATE runs SET name = 'other'");
    history_keep(b->ledger, 1000, 5);
    for (int64_t id = 1; id <= HISTORY_KEPT + 3; id++) {
        put_run(b, id, END - 3600, END + id);
        assert_int_equal(history_keep(b->ledger, id, 1000), 0);
    }
    assert_int_equal(count(b), HISTORY_KEPT + 1);
    assert_int_equal(ledger_number(b->ledger, 0, "SELECT MIN(run_id) FROM history", ""),
                     4);
    assert_int_equal(ledger_commit(b->ledger), 0);
}

struct world {
    struct policy_files files;
    struct policy *policy;
};

static void read_world(struct world *w, const char *text)
{
    char *complaints;

    policy_files_make(&w->files);
    w->policy = policy_files_read(&w->files, policy_files_write(&w->files, "k", text),
                                  &complaints);
    if (!w->policy)
        fail_msg("%s", complaints);
    free(complaints);
}

static void close_world(struct world *w)
{
    policy_release(w->policy);
    policy_files_remove(&w->files);
}

#define PLATE "\"nameplate\": {\"gpu\": {\"node_w\": 100, \"cpu_w\": 10, \"gpu_w\": 0}}"

static const struct expected_job like = {.cluster = "c",
                                         .user = "alice",
                                         .account = "astro",
                                         .name = "n",
                                         .partition = "gpu",
                                         .asked_nodes = 1,
                                         .asked_cpus = 4,
                                         .asked_gpus = 2,
                                         .shape = {1, 8, 2, 7200}};

/* So many like runs, the k-th of which drew k W and took k minutes, k from `from` on;
 * the later ended later. */
static void put_like(struct books *b, int64_t from, int64_t until)
{
    for (int64_t k = from; k <= until; k++) {
        put_run(b, k, END + k * 100 - k * 60, END + k * 100);
        assert_int_equal(history_keep(b->ledger, k, k * 60 * k * 1000), 0);
    }
}

static void nameplate_until_there_is_history(void **state)
{
    struct books *b = *state;
    struct world w;
    struct expected e;

    read_world(&w, "{\"estimate\": {" PLATE "}}");
    put_like(b, 1, 4);
    assert_int_equal(expected_mj(b->ledger, w.policy, NULL, &like, &e),
                     180 * 7200 * 1000);
    assert_int_equal(e.runs, 0);
    assert_int_equal(e.mw, 180000);
    assert_string_equal(e.source, "nameplate of partition gpu");
    put_like(b, 5, 5);
    assert_int_equal(expected_mj(b->ledger, w.policy, NULL, &like, &e), 5000 * 300);
    assert_int_equal(e.runs, 5);
    assert_int_equal(e.s, 300);
    assert_true(e.simulated);
    assert_string_equal(e.source,
                        "history: 5 runs, 95 % drew at most 5 W, 95 % took at "
                        "most 5 min [simulated]");
    close_world(&w);
}

/* A rule that holds every job of the partition, and the user's own word. */
static void nameplate_under_a_cap(void **state)
{
    struct books *b = *state;
    struct expected_job lower = like;
    struct world w;
    struct expected e;

    read_world(&w, "{\"estimate\": {\"nameplate\": {\"gpu\": {\"node_w\": 100,"
                   " \"cpu_w\": 10, \"gpu_w\": 400}}}, \"caps\": {\"enabled\": true,"
                   " \"rules\": [{\"partition\": \"gpu\", \"gpu\": \"300W\"},"
                   " {\"user\": \"alice\", \"gpu\": \"100W\"}]}}");
    expected_mj(b->ledger, w.policy, NULL, &like, &e);
    assert_int_equal(e.mw, (100 + 8 * 10 + 2 * 300) * 1000);
    lower.gpu_cap_mw = 250000;
    expected_mj(b->ledger, w.policy, NULL, &lower, &e);
    assert_int_equal(e.mw, (100 + 8 * 10 + 2 * 250) * 1000);
    lower.gpu_cap_mw = 350000;
    expected_mj(b->ledger, w.policy, NULL, &lower, &e);
    assert_int_equal(e.mw, (100 + 8 * 10 + 2 * 300) * 1000);
    close_world(&w);
}

static void only_like_runs_count(void **state)
{
    static const struct {
        const char *change; /* of the runs that were */
        int runs;
    } table[] = {
        {"UPDATE history SET simulated = 0", 5},
        {"UPDATE history SET cluster = 'd'", 0},
        {"UPDATE history SET user = 'bob'", 0},
        {"UPDATE history SET account = 'phys'", 0},
        {"UPDATE history SET name = 'm'", 0},
        {"UPDATE history SET partition = 'main'", 0},
        {"UPDATE history SET nodes = 2", 0},
        {"UPDATE history SET cpus = 8", 0},
        {"UPDATE history SET gpus = 0", 0},
    };
    struct books *b = *state;
    struct world w;

    read_world(&w, "{\"estimate\": {" PLATE "}}");
    put_like(b, 1, 5);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct expected e;

        assert_int_equal(ledger_begin(b->ledger), 0);
        books_do(b, table[i].change);
        expected_mj(b->ledger, w.policy, NULL, &like, &e);
        if (e.runs != table[i].runs)
            fail_msg("%s: %d", table[i].change, e.runs);
        ledger_rollback(b->ledger);
    }
    close_world(&w);
}

/* History may have more than the nameplate; its newest runs count, and a run that was
 * cut off says that the whole limit is needed. */
static void what_history_says(void **state)
{
    struct books *b = *state;
    struct expected_job unlimited = like;
    struct world w;
    struct expected e;

    read_world(&w, "{\"estimate\": {" PLATE ", \"factor_percent\": 150, \"history\":"
                   " {\"power_quantile\": 100, \"duration_quantile\": 100}}}");
    put_like(b, 1, 60);
    books_do(b, "UPDATE history SET mw = 500000 WHERE run_id = 11");
    books_do(b, "UPDATE history SET mw = 900000 WHERE run_id = 10");
    assert_int_equal(expected_mj(b->ledger, w.policy, NULL, &like, &e),
                     INT64_C(500000) * 3600 * 3 / 2);
    assert_int_equal(e.runs, 50);
    unlimited.shape.limit_s = 0;
    assert_int_equal(expected_mj(b->ledger, w.policy, NULL, &unlimited, &e),
                     INT64_C(500000) * 3600 * 3 / 2);
    books_do(b, "UPDATE history SET timed_out = 1 WHERE run_id = 30");
    expected_mj(b->ledger, w.policy, NULL, &like, &e);
    assert_int_equal(e.s, 7200);
    assert_string_equal(e.source,
                        "history: 50 runs, 100 % drew at most 500 W [simulated]");
    close_world(&w);
}

static void without_nameplate_or_history_nobody_can_tell(void **state)
{
    struct books *b = *state;
    struct world w;
    struct expected e;

    read_world(&w, "{\"estimate\": {\"history\": {\"runs\": 0}}}");
    put_like(b, 1, 9);
    assert_int_equal(expected_mj(b->ledger, w.policy, NULL, &like, &e), -1);
    assert_int_equal(e.mw, 0);
    assert_string_equal(e.source, "");
    close_world(&w);
}

static void a_pass_asks_once_a_key(void **state)
{
    struct expected_cache *cache = expected_cache_new();
    struct expected_job other = like;
    struct books *b = *state;
    struct world w;
    struct expected e;

    read_world(&w, "{\"estimate\": {" PLATE "}}");
    put_like(b, 1, 5);
    other.name = "m";
    assert_int_equal(expected_mj(b->ledger, w.policy, cache, &like, &e), 1500000);
    books_do(b, "DELETE FROM history");
    assert_int_equal(expected_mj(b->ledger, w.policy, cache, &like, &e), 1500000);
    expected_mj(b->ledger, w.policy, cache, &other, &e);
    assert_int_equal(e.runs, 0);
    expected_mj(b->ledger, w.policy, NULL, &like, &e);
    assert_int_equal(e.runs, 0);
    expected_cache_free(cache);
    close_world(&w);
}

/* From what Slurm says of a run to the lien of the next one like it. */
static void a_settled_run_makes_the_next_lien(void **state)
{
    struct lookup_run run = {.job_id = 7,
                             .text = "7",
                             .submit_s = END - 4000,
                             .start_s = END - 3600,
                             .end_s = END,
                             .uid = 1001,
                             .user = "alice",
                             .account = "astro",
                             .partition = "gpu",
                             .name = "train",
                             .state = "COMPLETED",
                             .node_count = 1,
                             .over = true,
                             .started = true,
                             .cpus = 8,
                             .asked_nodes = 1,
                             .asked_cpus = 7,
                             .limit_s = 7200};
    struct books *b = *state;
    char why[LIEN_WHY];
    struct world w;
    int64_t id;

    read_world(&w, "{\"estimate\": {" PLATE ", \"history\": {\"runs\": 1}},"
                   " \"enforce\": \"soft\"}");
    id = run_put(b->ledger, "c", &run, END);
    assert_true(id > 0);
    /* slurmdbd's row tells nothing of its shape. */
    run.hearsay = true;
    run.cpus = run.asked_nodes = run.asked_cpus = run.limit_s = 0;
    assert_int_equal(run_put(b->ledger, "c", &run, END), id);
    assert_int_equal(
        ledger_do(b->ledger,
                  "INSERT INTO tokens (token, run_id, node, job_id, start_ms, last_ms,"
                  " final, cpu_ns, reasons, simulated)"
                  " VALUES ('t', ?, 'n1', 7, 0, 0, 1, 0, '[]', 0)",
                  "i", id),
        0);
    books_do(b, "INSERT INTO run_domains (token, domain, kind, uj)"
                " VALUES ('t', 'p', 'package', 72000000000)");
    books_do(b, "INSERT INTO run_quarters VALUES ('t', 1793491200, 'package',"
                " 72000000, 0)");
    assert_int_equal(run_settle(b->ledger, w.policy, id, END + 1, 600, 0), 1);
    assert_int_equal(ledger_number(b->ledger, -1, "SELECT mw FROM history", ""), 20000);

    run = (struct lookup_run){.job_id = 8,
                              .text = "8",
                              .act = "8",
                              .submit_s = END,
                              .start_s = END + 10,
                              .until_s = END + 7210,
                              .uid = 1001,
                              .user = "alice",
                              .account = "astro",
                              .partition = "gpu",
                              .name = "train",
                              .state = "RUNNING",
                              .node_count = 1,
                              .started = true,
                              .cpus = 8,
                              .asked_nodes = 1,
                              .asked_cpus = 7,
                              .limit_s = 7200};
    id = run_put(b->ledger, "c", &run, END + 10);
    assert_int_equal(
        lien_open(b->ledger, w.policy, "c", id, &run, LIEN_NOW, END + 10, NULL, why),
        LIEN_RUN);
    assert_int_equal(
        ledger_number(b->ledger, -1, "SELECT mj FROM liens WHERE run_id = ?", "i", id),
        INT64_C(20000) * 3600);
    close_world(&w);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, books_open, books_close)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantile),
        cmocka_unit_test(weigh),
        TEST(what_becomes_history),
        TEST(mean_power_is_rounded_up),
        TEST(only_the_newest_are_kept),
        TEST(nameplate_until_there_is_history),
        TEST(nameplate_under_a_cap),
        TEST(only_like_runs_count),
        TEST(what_history_says),
        TEST(without_nameplate_or_history_nobody_can_tell),
        TEST(a_pass_asks_once_a_key),
        TEST(a_settled_run_makes_the_next_lien),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
