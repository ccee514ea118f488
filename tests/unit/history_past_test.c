/* history_past_test.c - which of Slurm's past runs become history, and when it counts
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "policy/history.h"
#include "policy/history_past.h"
#include "tests/unit/quota_books.h"

#define PLATE_MW 200000

static const struct past_run usual = {.job_id = 12,
                                      .submit_s = NOVEMBER,
                                      .start_s = NOVEMBER + 60,
                                      .end_s = NOVEMBER + 160,
                                      .elapsed_s = 100,
                                      .user = "alice",
                                      .account = "astro",
                                      .partition = "gpu",
                                      .name = "n",
                                      .state = "COMPLETED",
                                      .node_count = 1,
                                      .nodes = "n1",
                                      .limit_s = 3600,
                                      .allocated = "cpu=8,mem=1,node=1,gres/gpu=2",
                                      .asked = "cpu=4,mem=1,node=1,gres/gpu=2",
                                      .energy_j = 25000};

static void what_is_kept(void **state)
{
    static const struct {
        const char *state, *asked;
        int64_t elapsed_s, energy_j;
        bool whole;
        int64_t plate_mw;
        enum history_past kind;
        int64_t mw;
    } table[] = {
        {"COMPLETED", "cpu=4", 100, 25000, true, PLATE_MW, PAST_BY_SLURM, 250000},
        {"COMPLETED", "cpu=4", 100, 25001, true, PLATE_MW, PAST_BY_SLURM, 250010},
        {"TIMEOUT", "cpu=4", 3600, 1, true, PLATE_MW, PAST_BY_SLURM, 1},
        {"COMPLETED", "cpu=4", 100, 25000, true, 0, PAST_BY_SLURM, 250000},
        /* On a shared node it is the node's energy, not the job's. */
        {"COMPLETED", "cpu=4", 100, 25000, false, PLATE_MW, PAST_BY_NAMEPLATE,
         PLATE_MW},
        {"COMPLETED", "cpu=4", 100, 25000, false, 0, PAST_POWER, 0},
        {"COMPLETED", "cpu=4", 100, -1, true, PLATE_MW, PAST_BY_NAMEPLATE, PLATE_MW},
        {"COMPLETED", "cpu=4", 100, 0, true, PLATE_MW, PAST_BY_NAMEPLATE, PLATE_MW},
        {"COMPLETED", "cpu=4", 100, -1, true, 0, PAST_POWER, 0},
        /* Twice the nameplate may be; more, and Slurm's counter went astray. */
        {"COMPLETED", "cpu=4", 100, 40000, true, PLATE_MW, PAST_BY_SLURM, 400000},
        {"COMPLETED", "cpu=4", 100, 41000, true, PLATE_MW, PAST_BY_NAMEPLATE, PLATE_MW},
        {"COMPLETED", "cpu=4", 100, INT64_MAX - 1, true, 0, PAST_POWER, 0},
        {"CANCELLED", "cpu=4", 100, 25000, true, PLATE_MW, PAST_STATE, 0},
        {"FAILED", "cpu=4", 100, 25000, true, PLATE_MW, PAST_STATE, 0},
        {"REQUEUED", "cpu=4", 100, 25000, true, PLATE_MW, PAST_STATE, 0},
        {"COMPLETED", "cpu=4", 59, 25000, true, PLATE_MW, PAST_SHORT, 0},
        {"COMPLETED", "cpu=4", 60, 12000, true, PLATE_MW, PAST_BY_SLURM, 200000},
        {"COMPLETED", "", 100, 25000, true, PLATE_MW, PAST_SHAPE, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct past_run run = usual;
        struct history_past_run kept;
        enum history_past kind;

        snprintf(run.state, sizeof run.state, "%s", table[i].state);
        snprintf(run.asked, sizeof run.asked, "%s", table[i].asked);
        run.elapsed_s = table[i].elapsed_s;
        run.energy_j = table[i].energy_j;
        kind = history_past_weigh(&run, table[i].whole, table[i].plate_mw, &kept);
        if (kind != table[i].kind || (table[i].mw && kept.mw != table[i].mw))
            fail_msg("row %zu: kind %d, %lld mW", i, (int)kind, (long long)kept.mw);
    }
}

static void what_it_asked_for_is_its_key(void **state)
{
    struct history_past_run kept;

    (void)state;
    history_past_weigh(&usual, true, PLATE_MW, &kept);
    assert_int_equal(kept.nodes, 1);
    assert_int_equal(kept.cpus, 4);
    assert_int_equal(kept.gpus, 2);
    assert_int_equal(kept.limit_s, 3600);
    assert_false(kept.timed_out);
    assert_false(kept.by_nameplate);
    assert_string_equal(kept.name, "n");
}

static struct history_past_run like(int64_t mw, uint32_t job, int64_t end_s)
{
    struct history_past_run run;

    history_past_weigh(&usual, true, PLATE_MW, &run);
    run.mw = mw;
    run.job_id = job;
    run.end_s = end_s;
    return run;
}

static int put(struct books *b, int64_t mw, uint32_t job, int64_t end_s)
{
    struct history_past_run run = like(mw, job, end_s);

    return history_past_put(b->ledger, "c", &run);
}

static int64_t count(struct books *b)
{
    return ledger_number(b->ledger, -1, "SELECT COUNT(*) FROM history_past", "");
}

static void again_changes_nothing(void **state)
{
    struct books *b = *state;

    assert_int_equal(put(b, 1000, 1, NOVEMBER), 1);
    assert_int_equal(put(b, 1000, 1, NOVEMBER), 0);
    assert_int_equal(put(b, 1000, 2, NOVEMBER), 1);
    /* Another nameplate. */
    assert_int_equal(put(b, 1500, 1, NOVEMBER), 1);
    assert_int_equal(count(b), 2);
}

static void in_whatever_order_the_newest_stay(void **state)
{
    struct books *b = *state;

    assert_int_equal(ledger_begin(b->ledger), 0);
    for (uint32_t k = 1; k <= HISTORY_KEPT; k++)
        assert_int_equal(put(b, 1000, k, NOVEMBER + k), 1);
    assert_int_equal(put(b, 1000, 900, NOVEMBER), 0);
    assert_int_equal(count(b), HISTORY_KEPT);
    assert_int_equal(put(b, 1000, 901, DECEMBER), 1);
    assert_int_equal(count(b), HISTORY_KEPT);
    assert_int_equal(
        ledger_number(b->ledger, 0, "SELECT MIN(job_id) FROM history_past", ""), 2);
    assert_int_equal(put(b, 1000, 1, NOVEMBER + 1), 0);
    assert_int_equal(ledger_commit(b->ledger), 0);
}

static void what_kwota_has_is_known(void **state)
{
    struct books *b = *state;
    struct history_past_run run = like(1000, 7, NOVEMBER);

    books_run(b, 7, "c", "astro", "alice", "gpu", "settled");
    run.submit_s = 100;
    assert_true(history_past_known(b->ledger, "c", &run));
    assert_false(history_past_known(b->ledger, "d", &run));
    run.submit_s = 101;
    assert_false(history_past_known(b->ledger, "c", &run));
}

static void measured(struct books *b, int64_t id, int64_t mw)
{
    books_run(b, id, "c", "astro", "alice", "gpu", "settled");
    assert_int_equal(ledger_do(b->ledger,
                               "INSERT INTO history VALUES ('c','alice','astro','n',"
                               " 'gpu',1,4,2,?1,?1,?2,100,3600,0,0)",
                               "ii", id, mw),
                     0);
}

static void what_was_measured_goes_first(void **state)
{
    static const struct policy_figures figures = {
        .history_runs = 3, .power_quantile = 100, .duration_quantile = 100};
    static const struct history_key key = {"c", "alice", "astro", "n", "gpu", 1, 4, 2};
    struct books *b = *state;
    struct history_estimate e;

    put(b, 9000, 1, NOVEMBER);
    put(b, 8000, 2, NOVEMBER);
    assert_int_equal(history_estimate_by(b->ledger, &figures, &key, &e), 0);
    assert_int_equal(e.runs, 0);
    assert_int_equal(e.estimated, 0);
    measured(b, 100, 1000);
    assert_int_equal(history_estimate_by(b->ledger, &figures, &key, &e), 0);
    assert_int_equal(e.runs, 3);
    assert_int_equal(e.estimated, 2);
    assert_int_equal(e.mw, 9000);
    measured(b, 101, 2000);
    measured(b, 102, 3000);
    assert_int_equal(history_estimate_by(b->ledger, &figures, &key, &e), 0);
    assert_int_equal(e.runs, 3);
    assert_int_equal(e.estimated, 0);
    assert_int_equal(e.mw, 3000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_kept),
        cmocka_unit_test(what_it_asked_for_is_its_key),
        cmocka_unit_test_setup_teardown(again_changes_nothing, books_open, books_close),
        cmocka_unit_test_setup_teardown(in_whatever_order_the_newest_stay, books_open,
                                        books_close),
        cmocka_unit_test_setup_teardown(what_kwota_has_is_known, books_open,
                                        books_close),
        cmocka_unit_test_setup_teardown(what_was_measured_goes_first, books_open,
                                        books_close),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
