/* booking_test.c - what counters grew by is booked in its quarter-hours, all of it */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "policy/quarter.h"
#include "policy/report.h"
#include "policy/slurm_lookup.h"
#include "tests/unit/quota_books.h"

int lookup_node(const char *node, struct lookup_node *found)
{
    (void)node;
    (void)found;
    return -1;
}

static char cluster[] = "c";
static const struct settings settings = {.report_ms = 60000, .cluster = cluster};

/* A counter as a report has it. */
struct count {
    int64_t total_uj, jobs_uj, gap_ms;
};

struct told {
    const char *node, *epoch;
    int64_t seq, time_ms;
    struct count package, gpu; /* package-0, and gpu-0 where it has counted */
};

static json_t *domain(const char *name, const char *kind, const struct count *c)
{
    return json_pack("{s:s s:s s:s s:s s:n s:I s:I s:I s:I}", "name", name, "kind",
                     kind, "source", "x", "state", "ok", "reason", "total_uj",
                     (json_int_t)c->total_uj, "jobs_uj", (json_int_t)c->jobs_uj,
                     "node_uj", (json_int_t)(c->total_uj - c->jobs_uj), "gap_ms",
                     (json_int_t)c->gap_ms);
}

static void report(struct books *b, const struct told *t)
{
    json_t *domains = json_array(), *json, *reply;
    const char *error;

    json_array_append_new(domains, domain("package-0", "package", &t->package));
    if (t->gpu.total_uj)
        json_array_append_new(domains, domain("gpu-0", "gpu", &t->gpu));
    json =
        json_pack("{s:s s:s s:I s:I s:b s:o s:[]}", "node", t->node, "epoch", t->epoch,
                  "seq", (json_int_t)t->seq, "time_ms", (json_int_t)t->time_ms,
                  "simulated", 1, "domains", domains, "runs");
    assert_non_null(json);
    assert_int_equal(
        report_take(b->ledger, &settings, NULL, json, t->time_ms, &reply, &error), 0);
    json_decref(reply);
    json_decref(json);
}

static int64_t number(struct books *b, const char *sql)
{
    return ledger_number(b->ledger, -1, sql, "");
}

static int64_t quarter(struct books *b, int64_t quarter_s, const char *kind,
                       const char *column)
{
    char sql[160];

    snprintf(sql, sizeof sql,
             "SELECT %s FROM cluster_quarters WHERE quarter_s = ? AND kind = ?",
             column);
    return ledger_number(b->ledger, -1, sql, "is", quarter_s, kind);
}

/* package-0 of n1 so many seconds after NOVEMBER. */
static void count(struct books *b, int64_t s, int64_t total_uj, int64_t jobs_uj,
                  int64_t gap_ms)
{
    struct told t = {.node = "n1",
                     .epoch = "e",
                     .seq = s + 1,
                     .time_ms = (NOVEMBER + s) * 1000,
                     .package = {total_uj, jobs_uj, gap_ms}};

    report(b, &t);
}

static void nothing_is_booked_before_the_quarter_hour_is_over(void **state)
{
    struct books *b = *state;

    for (int64_t s = 0; s < QUARTER_S; s += 60)
        count(b, s, s * 1000000, s * 400000, 0);
    assert_int_equal(number(b, "SELECT COUNT(*) FROM cluster_quarters"), 0);
    assert_int_equal(number(b, "SELECT COUNT(*) FROM node_days"), 0);
    assert_int_equal(number(b, "SELECT booked_total_uj FROM node_domains"), 0);
}

/* The reports at 870 and 930 seconds stand for half of what is between them each. */
static void it_is_booked_as_of_its_end_between_two_reports(void **state)
{
    struct books *b = *state;

    count(b, 0, 0, 0, 0);
    count(b, 870, 870000000, 100000000, 3000);
    count(b, 930, 890000000, 120000000, 4000);
    assert_int_equal(quarter(b, NOVEMBER, "package", "total_mj"), 880000);
    assert_int_equal(quarter(b, NOVEMBER, "package", "jobs_mj"), 110000);
    assert_int_equal(quarter(b, NOVEMBER, "package", "node_mj"), 770000);
    assert_int_equal(quarter(b, NOVEMBER, "package", "gap_ms"), 3500);
    assert_int_equal(number(b, "SELECT booked_total_uj FROM node_domains"), 880000000);
    count(b, 990, 950000000, 120000000, 4000);
    assert_int_equal(number(b, "SELECT COUNT(*) FROM cluster_quarters"), 1);
}

static void what_a_node_counted_while_it_was_away_is_spread(void **state)
{
    struct books *b = *state;

    count(b, 0, 0, 0, 0);
    count(b, 4 * QUARTER_S, 4000000000, 0, 0);
    for (int q = 0; q < 4; q++)
        assert_int_equal(
            quarter(b, NOVEMBER + q * (int64_t)QUARTER_S, "package", "total_mj"),
            1000000);
    assert_int_equal(number(b, "SELECT COUNT(*) FROM cluster_quarters"), 4);
    assert_int_equal(number(b, "SELECT total_mj FROM node_days"), 4000000);
    assert_int_equal(number(b, "SELECT day_s FROM node_days"), NOVEMBER);
}

static void a_clock_that_was_years_off_makes_no_millions_of_rows(void **state)
{
    struct books *b = *state;

    count(b, 0, 1000000, 0, 0);
    count(b, 400 * DAY, 5000000, 0, 0);
    assert_in_range(number(b, "SELECT COUNT(*) FROM cluster_quarters"), 1, 35 * 96 + 1);
    assert_int_equal(number(b, "SELECT SUM(total_mj) FROM cluster_quarters"), 5000);
    /* … and set right again. */
    count(b, 401 * DAY, 6000000, 0, 0);
    assert_int_equal(ledger_do(b->ledger, "UPDATE nodes SET seq = 0", ""), 0);
    count(b, 900, 7000000, 0, 0);
    count(b, 1800, 8000000, 0, 0);
    assert_int_equal(number(b, "SELECT SUM(total_mj) FROM cluster_quarters"), 8000);
}

static void an_epoch_that_is_over_is_booked_to_its_last_report(void **state)
{
    struct books *b = *state;
    struct told t = {.node = "n1",
                     .epoch = "other",
                     .seq = 1,
                     .time_ms = (NOVEMBER + DAY) * 1000,
                     .package = {7000000, 0, 0}};

    count(b, 60, 3000000, 1000000, 0);
    report(b, &t);
    assert_int_equal(quarter(b, NOVEMBER, "package", "total_mj"), 3000);
    assert_int_equal(quarter(b, NOVEMBER, "package", "jobs_mj"), 1000);
    assert_int_equal(number(b, "SELECT SUM(total_mj) FROM cluster_quarters"), 3000);
}

static void a_count_that_goes_back_takes_nothing_back(void **state)
{
    struct books *b = *state;

    count(b, 0, 0, 0, 0);
    count(b, 900, 9000000, 0, 0);
    count(b, 1800, 4000000, 0, 0);
    count(b, 2700, 9500000, 0, 0);
    assert_int_equal(number(b, "SELECT SUM(total_mj) FROM cluster_quarters"), 9500);
    assert_int_equal(number(b, "SELECT MIN(total_mj) FROM cluster_quarters"), 0);
}

static void days_are_local_ones(void **state)
{
    struct books *b = *state;

    setenv("TZ", "Europe/Berlin", 1);
    tzset();
    /* 2026-11-01 00:00 there is 23:00 UTC the day before. */
    count(b, -2 * 3600, 0, 0, 0);
    count(b, 0, 7200000000, 0, 0);
    setenv("TZ", "UTC", 1);
    tzset();
    assert_int_equal(ledger_number(b->ledger, -1,
                                   "SELECT total_mj FROM node_days WHERE day_s = ?",
                                   "i", NOVEMBER - 3600),
                     3600000);
    assert_int_equal(number(b, "SELECT SUM(total_mj) FROM node_days"), 7200000);
}

#define NODES 5
#define REPORTS 4000

static int64_t any(int64_t most)
{
    return (int64_t)random() % most;
}

static void grow(struct count *c)
{
    int64_t uj = any(4000000), jobs = uj ? any(uj) : 0;

    c->total_uj += uj;
    c->jobs_uj += jobs;
    c->gap_ms += any(20) == 0 ? any(5000) : 0;
}

/* What is booked and what is not yet add up to the counts, floored once. */
static void all_adds_up(struct books *b)
{
    static const char *const columns[] = {"total", "jobs"};
    char sql[512];

    for (size_t i = 0; i < 2; i++) {
        snprintf(sql, sizeof sql,
                 "SELECT (SELECT SUM(%s_mj) FROM cluster_quarters) -"
                 " SUM(booked_%s_uj / 1000) FROM node_domains",
                 columns[i], columns[i]);
        assert_int_equal(number(b, sql), 0);
        snprintf(sql, sizeof sql,
                 "SELECT (SELECT SUM(%s_mj) FROM node_days) -"
                 " (SELECT SUM(%s_mj) FROM cluster_quarters)",
                 columns[i], columns[i]);
        assert_int_equal(number(b, sql), 0);
    }
    assert_int_equal(number(b, "SELECT COUNT(*) FROM cluster_quarters WHERE total_mj"
                               " <> jobs_mj + node_mj OR total_mj < 0 OR jobs_mj < 0"),
                     0);
    assert_int_equal(number(b, "SELECT COUNT(*) FROM node_domains"
                               " WHERE booked_total_uj > total_uj"),
                     0);
    assert_int_equal(number(b, "SELECT (SELECT SUM(gap_ms) FROM node_days) -"
                               " SUM(booked_gap_ms) FROM node_domains"),
                     0);
}

static void whatever_nodes_report_all_of_it_is_booked_once(void **state)
{
    static const char *const names[NODES] = {"n1", "n2", "n3", "n4", "n5"};
    struct books *b = *state;
    struct told nodes[NODES];
    char epochs[NODES][16];

    srandom(6);
    for (int n = 0; n < NODES; n++) {
        snprintf(epochs[n], sizeof epochs[n], "e%d", n);
        nodes[n] = (struct told){
            .node = names[n], .epoch = epochs[n], .time_ms = NOVEMBER * 1000};
    }
    for (int i = 0; i < REPORTS; i++) {
        struct told *t = &nodes[any(NODES)];

        t->seq++;
        t->time_ms += any(10) == 0 ? any(5000000) : any(90000);
        grow(&t->package);
        if (any(3))
            grow(&t->gpu);
        if (any(500) == 0) { /* another meter */
            snprintf(epochs[t - nodes], sizeof epochs[0], "f%d", i);
            memset(&t->package, 0, sizeof t->package);
            memset(&t->gpu, 0, sizeof t->gpu);
        }
        report(b, t);
    }
    all_adds_up(b);
    /* All but the last quarter-hour of each is booked. */
    assert_true(number(b, "SELECT SUM(booked_total_uj) * 100 / SUM(total_uj)"
                          " FROM node_domains") > 95);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, books_open, books_close)
        TEST(nothing_is_booked_before_the_quarter_hour_is_over),
        TEST(it_is_booked_as_of_its_end_between_two_reports),
        TEST(what_a_node_counted_while_it_was_away_is_spread),
        TEST(a_clock_that_was_years_off_makes_no_millions_of_rows),
        TEST(an_epoch_that_is_over_is_booked_to_its_last_report),
        TEST(a_count_that_goes_back_takes_nothing_back),
        TEST(days_are_local_ones),
        TEST(whatever_nodes_report_all_of_it_is_booked_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
