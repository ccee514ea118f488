/* metrics_test.c - what scrapers read: right in form, and equal to the books */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <time.h>

#include "config.h"
#include "policy/energy.h"
#include "policy/metrics.h"
#include "policy/person.h"
#include "policy/standing.h"
#include "tests/unit/openmetrics_reader.h"
#include "tests/unit/policy_file.h"
#include "tests/unit/quota_books.h"
#include "tests/unit/site_request.h"

#define Q0 (NOVEMBER + 19 * DAY)

static struct settings settings;
static struct activity activity;
static struct http_context context;
static struct metrics *metrics;
static struct books *books;
static char clock_file[128], token_file[128];
static int64_t power_mw, now_s;

bool access_to_run(const struct access_rights *rights, const char *user,
                   const char *account)
{
    (void)account;
    return strcmp(rights->user, user) == 0;
}

int64_t worker_round_s(struct worker *worker)
{
    (void)worker;
    return NOW - 1;
}

void running_power(struct running *running, int64_t now_ms, int64_t *mw,
                   int64_t *measured)
{
    (void)running;
    (void)now_ms;
    *mw = power_mw;
    *measured = power_mw == ENERGY_UNKNOWN ? 0 : 1;
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    fputs(text, file);
    fclose(file);
}

static void clock_at(int64_t s)
{
    char text[32];

    snprintf(text, sizeof text, "%lld\n", (long long)(s - time(NULL)));
    write_file(clock_file, text);
    now_s = s;
}

/* What was gathered before is old. */
static void later(void)
{
    clock_at(now_s + 5);
}

/* kwotad starts, again. */
static void start(void)
{
    metrics_stop(metrics);
    metrics = metrics_new(&context);
    assert_non_null(metrics);
}

static int setup(void **state)
{
    if (books_open(state) < 0)
        return -1;
    books = *state;
    snprintf(clock_file, sizeof clock_file, "%s/clock", books->temporary.dir);
    snprintf(token_file, sizeof token_file, "%s/token", books->temporary.dir);
    clock_at(NOW);
    setenv("KWOTA_TEST_CLOCK", clock_file, 1);
    power_mw = ENERGY_UNKNOWN;
    settings = (struct settings){
        .spool = books->temporary.dir, .report_ms = 60000, .metrics = {.accounts = 10}};
    memset(&activity, 0, sizeof activity);
    context = (struct http_context){.settings = &settings,
                                    .ledger = books->ledger,
                                    .cluster = "c",
                                    .activity = &activity};
    metrics = metrics_new(&context);
    return metrics ? 0 : -1;
}

static int teardown(void **state)
{
    metrics_stop(metrics);
    metrics = NULL;
    unlink(clock_file);
    unlink(token_file);
    return books_close(state);
}

static void scrape(struct reader *r)
{
    struct site_answer answer =
        ask(metrics_answer, metrics, &(struct asked){.path = "/metrics"});

    assert_int_equal(answer.status, 200);
    assert_string_equal(answer.type,
                        "application/openmetrics-text; version=1.0.0; charset=utf-8");
    assert_int_equal(strlen(answer.body), answer.size);
    /* Nobody's name, whoever reads it. */
    assert_null(strstr(answer.body, "alice"));
    assert_null(strstr(answer.body, "bob"));
    reader_read(r, answer.body);
    free(answer.body);
}

static void entry(int64_t run, const char *kind, int64_t mj, int64_t time_s)
{
    assert_int_equal(
        ledger_do(books->ledger,
                  "INSERT INTO entries (run_id, kind, mj, time_s, actor, why)"
                  " VALUES (?,?,?,?,'kwotad','test')",
                  "isii", run, kind, mj, time_s),
        0);
}

/* A run that was charged so much, as run.c leaves it. */
static void settled(int64_t id, const char *account, int64_t mj, int64_t overrun_mj,
                    int64_t time_s)
{
    books_run(books, id, "c", account, "alice", "main", "settled");
    entry(id, "charge", mj, time_s);
    if (overrun_mj)
        entry(id, "overrun", overrun_mj, time_s);
    books_rollup(books, Q0 + id * 900, "c", account, "alice", "main", mj + overrun_mj,
                 overrun_mj);
}

/* One that is not: so much is used. */
static void open_run(int64_t id, const char *account, int64_t mj)
{
    books_run(books, id, "c", account, "bob", "main", "running");
    books_quarter(books, id, Q0, "package", mj, 0);
    books_lien(books, id, 5000, NOW - 10, NOW + 10);
}

static int64_t usage(void)
{
    struct access_rights olga = {.user = "olga", .sees_all = true};
    unsigned status;
    json_t *reply =
        person_usage(books->ledger, &olga, "account", 0, INT64_MAX, &status);
    int64_t mj = json_integer_value(json_object_get(reply, "total_mj"));

    json_decref(reply);
    return mj;
}

static void fill(void)
{
    settled(1, "astro", 1000001, 0, Q0);
    settled(2, "bio", 500, 77, Q0 + 5);
    settled(3, "astro", 30, 0, Q0 + 6);
    entry(3, "adjustment", 4, Q0 + 7);
    books_rollup(books, Q0 + 9000, "c", "astro", "bob", "main", 4, 0);
    entry(2, "credit", -250, Q0 + 8);
    entry(1, "adjustment", -1, Q0 + 9);
    entry(1, "overrun", 1, Q0 + 9);
    open_run(4, "astro", 12345);
    open_run(5, "plasma", 7);
    /* Another cluster's, which shares the ledger. */
    books_run(books, 9, "elsewhere", "astro", "alice", "main", "settled");
    entry(9, "charge", 999999999, Q0);
}

static void the_sum_over_accounts_is_the_usage(void **state)
{
    struct reader r;

    (void)state;
    fill();
    scrape(&r);
    assert_int_equal(usage(), 1000001 + 577 + 30 + 4 + 12345 + 7);
    assert_int_equal(reader_value(&r, "kwota_charged_joules_total", 3) +
                         reader_value(&r, "kwota_overrun_joules_total", 3) -
                         reader_value(&r, "kwota_corrected_joules_total", 3) +
                         reader_value(&r, "kwota_unsettled_joules", 3),
                     usage());
    assert_int_equal(reader_sum(&r, "kwota_account_charged_joules_total", 3) +
                         reader_sum(&r, "kwota_account_overrun_joules_total", 3) -
                         reader_sum(&r, "kwota_account_corrected_joules_total", 3) +
                         reader_sum(&r, "kwota_account_unsettled_joules", 3),
                     usage());
    assert_int_equal(reader_value(&r, "kwota_credited_joules_total", 3), 250);
    assert_int_equal(reader_value(&r, "kwota_settlements_total", 0), 3);
    assert_int_equal(
        reader_value(&r, "kwota_account_charged_joules_total{account=\"astro\"}", 3),
        1000035);
    assert_int_equal(
        reader_value(&r, "kwota_account_unsettled_joules{account=\"plasma\"}", 3), 7);
    assert_int_equal(reader_value(&r, "kwota_runs{state=\"running\"}", 0), 2);
    assert_int_equal(reader_value(&r, "kwota_liens", 0), 2);
    assert_int_equal(reader_value(&r, "kwota_lien_joules", 3), 10000);
    reader_done(&r);
}

/* Settled energy whose price is not known is told beside what is. */
static void usage_tells_what_has_no_price(void **state)
{
    const struct access_rights olga = {.user = "olga", .sees_all = true};
    unsigned status;
    json_t *reply, *row;

    (void)state;
    fill();
    books_do(books, "INSERT INTO tariffs VALUES (1,0,'EUR','{}',0)");
    books_do(books, "UPDATE rollup_months SET unpriced_mj = 9, price_u = 5,"
                    " co2_unknown_mj = 4");
    books_do(books, "UPDATE rollup_months SET price_u = 0 WHERE account = 'bio'");
    reply = person_usage(books->ledger, &olga, "account", 0, INT64_MAX, &status);
    row = json_array_get(json_object_get(reply, "rows"), 0);
    assert_string_equal(json_string_value(json_object_get(row, "account")), "astro");
    assert_int_equal(json_integer_value(json_object_get(row, "price_u")), 10);
    assert_int_equal(json_integer_value(json_object_get(row, "unpriced_mj")), 18);
    row = json_array_get(json_object_get(reply, "rows"), 1);
    assert_string_equal(json_string_value(json_object_get(row, "account")), "bio");
    assert_true(json_is_null(json_object_get(row, "price_u")));
    assert_true(json_is_null(json_object_get(row, "co2_mg")));
    assert_int_equal(json_integer_value(json_object_get(row, "co2_unknown_mj")), 4);
    json_decref(reply);
}

static void a_restart_changes_no_counter(void **state)
{
    struct reader before, after;
    const char *key;
    json_t *value;

    (void)state;
    fill();
    scrape(&before);
    start();
    scrape(&after);
    json_object_foreach(before.samples, key, value)
    {
        if (strncmp(key, "process_", 8) != 0)
            assert_string_equal(json_string_value(value),
                                json_string_value(json_object_get(after.samples, key)));
    }
    reader_done(&before);
    reader_done(&after);
}

/* … piece by piece, and every one once. */
static void large_books_are_read_whole(void **state)
{
    struct reader r;

    (void)state;
    books_run(books, 1, "c", "astro", "alice", "main", "settled");
    books_do(books, "INSERT INTO entries (run_id, kind, mj, time_s, actor, why)"
                    " WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
                    " WHERE i < 2500) SELECT 1, 'adjustment', i, 1795132800, 'k', 't'"
                    " FROM n");
    for (int64_t id = 2; id < 2002; id++)
        books_run(books, id, "c", "astro", "bob", "main", "running");
    scrape(&r);
    assert_int_equal(reader_value(&r, "kwota_charged_joules_total", 3),
                     2500 * 2501 / 2);
    assert_int_equal(
        reader_value(&r, "kwota_account_charged_joules_total{account=\"astro\"}", 3),
        2500 * 2501 / 2);
    assert_int_equal(reader_value(&r, "kwota_runs{state=\"running\"}", 0), 2000);
    assert_int_equal(reader_value(&r, "kwota_account_runs{account=\"astro\"}", 0),
                     2000);
    reader_done(&r);
}

/* Whoever scrapes meanwhile: each entry counts once. */
static void what_comes_later_is_added(void **state)
{
    struct reader r;
    int64_t charged = 0;

    (void)state;
    for (int i = 1; i <= 4; i++) {
        settled(i, "astro", i * 1000, 0, Q0 + i);
        charged += i * 1000;
        later();
        scrape(&r);
        assert_int_equal(reader_value(&r, "kwota_charged_joules_total", 3), charged);
        assert_int_equal(reader_sum(&r, "kwota_account_charged_joules_total", 3),
                         charged);
        reader_done(&r);
    }
}

static void figures_are_kept_for_seconds(void **state)
{
    struct reader r;

    (void)state;
    scrape(&r);
    reader_done(&r);
    settled(1, "astro", 1000, 0, Q0);
    scrape(&r);
    assert_int_equal(reader_value(&r, "kwota_charged_joules_total", 3), 0);
    reader_done(&r);
    later();
    scrape(&r);
    assert_int_equal(reader_value(&r, "kwota_charged_joules_total", 3), 1000);
    reader_done(&r);
}

static void what_is_too_much_is_other(void **state)
{
    struct reader r;
    char account[16];

    (void)state;
    settings.metrics.accounts = 2;
    for (int i = 0; i < 5; i++) {
        snprintf(account, sizeof account, "z%d", 5 - i);
        settled(i + 1, account, 1 << i, 0, Q0 + i);
    }
    open_run(10, "idle", 64);
    for (int again = 0; again < 2; again++) {
        scrape(&r);
        assert_int_equal(
            reader_value(&r, "kwota_account_charged_joules_total{account=\"z5\"}", 3),
            1);
        assert_int_equal(
            reader_value(&r, "kwota_account_charged_joules_total{account=\"z4\"}", 3),
            2);
        assert_int_equal(
            reader_value(&r, "kwota_account_charged_joules_total{account=\"other\"}",
                         3),
            4 + 8 + 16);
        assert_int_equal(
            reader_value(&r, "kwota_account_unsettled_joules{account=\"other\"}", 3),
            64);
        assert_int_equal(
            reader_value(&r, "kwota_account_charged_joules_total{account=\"z3\"}", 3),
            INT64_MIN);
        reader_done(&r);
        start();
    }
}

static void an_account_called_other_is_among_the_others(void **state)
{
    struct reader r;

    (void)state;
    settled(1, "other", 5, 0, Q0);
    settled(2, "astro", 6, 0, Q0);
    scrape(&r);
    assert_int_equal(
        reader_value(&r, "kwota_account_charged_joules_total{account=\"other\"}", 3),
        5);
    reader_done(&r);
}

/* An account's counters begin with the month; the cluster's never do. */
static void months_turn(void **state)
{
    struct reader r;

    (void)state;
    settled(1, "astro", 100, 0, OCTOBER + 5);
    settled(2, "bio", 20, 0, NOVEMBER);
    scrape(&r);
    assert_int_equal(reader_value(&r, "kwota_charged_joules_total", 3), 120);
    assert_int_equal(reader_sum(&r, "kwota_account_charged_joules_total", 3), 20);
    reader_done(&r);
    clock_at(DECEMBER + 60);
    settled(3, "astro", 3, 0, DECEMBER + 1);
    scrape(&r);
    assert_int_equal(reader_value(&r, "kwota_charged_joules_total", 3), 123);
    assert_int_equal(reader_sum(&r, "kwota_account_charged_joules_total", 3), 3);
    reader_done(&r);
}

static void node(const char *name, int64_t last_report_ms, int domains)
{
    assert_int_equal(ledger_do(books->ledger,
                               "INSERT INTO nodes (node, epoch, seq,"
                               " last_report_ms, simulated) VALUES (?,'e',1,?,1)",
                               "si", name, last_report_ms),
                     0);
    for (int d = 0; d < domains; d++)
        assert_int_equal(
            ledger_do(books->ledger,
                      "INSERT INTO node_domains (node, epoch, domain, kind, source,"
                      " state, total_uj, jobs_uj, node_uj, gap_ms)"
                      " VALUES (?,'e',?,?,'s','ok',1000003,1000001,2,0)",
                      "sss", name, d ? "package-1" : "package-0", "package"),
            0);
}

static void nodes_are_summed_and_some_named(void **state)
{
    struct reader r;
    char name[16];

    (void)state;
    settings.metrics.nodes = 2;
    for (int i = 0; i < 250; i++) {
        snprintf(name, sizeof name, "n%03d", i);
        node(name, (NOW - (i < 3 ? 181 : 5)) * 1000, i == 120 ? 0 : 2);
    }
    scrape(&r);
    assert_int_equal(reader_value(&r, "kwota_nodes", 0), 250);
    assert_int_equal(reader_value(&r, "kwota_nodes_silent", 0), 3);
    assert_int_equal(
        reader_value(&r, "kwota_energy_joules_total{kind=\"cpu\",part=\"jobs\"}", 6),
        INT64_C(1000001) * 2 * 249);
    assert_int_equal(
        reader_value(&r, "kwota_energy_joules_total{kind=\"cpu\",part=\"node\"}", 6),
        2 * 2 * 249);
    assert_int_equal(reader_sum(&r, "kwota_node_energy_joules_total", 6),
                     INT64_C(1000003) * 2 * 2);
    assert_int_equal(
        reader_value(&r, "kwota_node_last_report_timestamp_seconds{node=\"n001\"}", 3),
        (NOW - 181) * 1000);
    assert_int_equal(reader_value(&r,
                                  "kwota_info{version=\"" PACKAGE_VERSION
                                  "\",cluster=\"c\",counters=\"simulated\"}",
                                  0),
                     1);
    reader_done(&r);
}

static void budgets_of_accounts_are_there(void **state)
{
    struct standings standings = {0};
    struct policy_files files;
    struct policy *policy;
    char *complaints;
    struct reader r;

    (void)state;
    books_quota(books, "astro", "", "", 50000);
    books_quota(books, "astro", "", "gpu", 70000);
    books_quota(books, "astro", "alice", "", 60000);
    books_quota(books, "", "bob", "", 60000);
    settled(1, "astro", 1000, 0, Q0);
    open_run(2, "astro", 200);
    policy_files_make(&files);
    policy = policy_files_read(&files, policy_files_write(&files, "kwota.json", "{}"),
                               &complaints);
    assert_int_equal(standing_refresh(&standings, books->ledger, policy, NOW), 0);
    policy_release(policy);
    policy_files_remove(&files);
    free(complaints);
    standing_done(&standings);
    scrape(&r);
    assert_int_equal(reader_value(&r, "kwota_quota_joules{account=\"astro\"}", 3),
                     50000);
    assert_int_equal(reader_value(&r, "kwota_quota_used_joules{account=\"astro\"}", 3),
                     1200);
    assert_int_equal(
        reader_value(&r, "kwota_quota_reserved_joules{account=\"astro\"}", 3), 4800);
    assert_int_equal(reader_value(&r, "kwota_quota_left_joules{account=\"astro\"}", 3),
                     44000);
    assert_int_equal(
        reader_value(&r, "kwota_quota_joules{account=\"astro\",class=\"gpu\"}", 3),
        70000);
    reader_done(&r);
}

static void power_is_unknown_or_known(void **state)
{
    struct reader r;

    (void)state;
    scrape(&r);
    assert_int_equal(reader_value(&r, "kwota_running_watts", 3), 0);
    reader_done(&r);
    open_run(1, "astro", 5);
    later();
    scrape(&r);
    assert_int_equal(reader_value(&r, "kwota_running_watts", 3), INT64_MIN);
    reader_done(&r);
    power_mw = 123456;
    later();
    scrape(&r);
    assert_int_equal(reader_value(&r, "kwota_running_watts", 3), 123456);
    reader_done(&r);
}

static void names_cannot_break_the_text(void **state)
{
    struct reader r;

    (void)state;
    settled(1, "a\"} 5\nkwota_evil 1\n\\", 5, 0, Q0);
    settled(2, "caf\xe9", 6, 0, Q0);
    scrape(&r);
    assert_int_equal(reader_value(&r,
                                  "kwota_account_charged_joules_total{account=\"a\\\"} "
                                  "5\\nkwota_evil 1\\n\\\\\"}",
                                  3),
                     5);
    assert_int_equal(
        reader_value(&r, "kwota_account_charged_joules_total{account=\"caf?\"}", 3), 6);
    reader_done(&r);
}

static void a_token_is_asked_for(void **state)
{
    static const struct {
        const char *token, *given;
        unsigned status;
    } table[] = {
        {"secret\n", NULL, 401},
        {"secret\n", "secret", 401},
        {"secret\n", "Bearer wrong!", 401},
        {"secret\n", "Bearer secre", 401},
        {"secret\n", "Bearer secret", 200},
        {"changed", "Bearer secret", 401},
        {"changed", "Bearer changed", 200},
        {"", "Bearer ", 503},
        {"\n", "Bearer ", 503},
    };

    (void)state;
    settings.metrics.token_file = token_file;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct site_answer answer;

        write_file(token_file, table[i].token);
        answer =
            ask(metrics_answer, metrics,
                &(struct asked){.path = "/metrics", .authorization = table[i].given});
        assert_int_equal(answer.status, table[i].status);
        assert_int_equal(answer.challenge != NULL, answer.status == 401);
        free(answer.body);
    }
    unlink(token_file);
    assert_int_equal(
        ask(metrics_answer, metrics,
            &(struct asked){.path = "/metrics", .authorization = "Bearer changed"})
            .status,
        503);
}

static void there_is_nothing_else(void **state)
{
    (void)state;
    assert_int_equal(
        ask(metrics_answer, metrics, &(struct asked){.path = "/v1/job"}).status, 404);
}

/* Whether a family, or what its samples are called, is in the text. */
static bool has_metric(const struct reader *r, const char *name)
{
    const char *family;
    json_t *type;

    json_object_foreach(r->families, family, type)
    {
        char sample[160];

        snprintf(sample, sizeof sample, "%s%s", family,
                 reader_suffix(json_string_value(type)));
        if (strcmp(sample, name) == 0)
            return true;
    }
    return false;
}

static int check_names(const struct reader *r, const char *text)
{
    int count = 0;

    for (const char *at = text; (at = strpbrk(at, "kp"));) {
        size_t size = strspn(at, "abcdefghijklmnopqrstuvwxyz_");
        char name[128];

        snprintf(name, sizeof name, "%.*s", (int)size, at);
        if (strncmp(name, "kwota_", 6) == 0 || strncmp(name, "process_", 8) == 0) {
            if (!has_metric(r, name))
                fail_msg("the dashboard names %s, which there is not", name);
            count++;
        }
        at += size;
    }
    return count;
}

/* Every query of the panels. */
static void the_grafana_dashboard_names_what_there_is(void **state)
{
    json_t *dashboard = json_load_file(GRAFANA_JSON, 0, NULL), *panel, *target;
    struct reader r;
    size_t p, t;
    int count = 0;

    (void)state;
    fill();
    node("n1", NOW * 1000, 1);
    settings.metrics.nodes = 1;
    power_mw = 5;
    scrape(&r);
    json_array_foreach(json_object_get(dashboard, "panels"), p, panel)
    {
        json_array_foreach(json_object_get(panel, "targets"), t, target)
        {
            int named =
                check_names(&r, json_string_value(json_object_get(target, "expr")));

            assert_true(named > 0);
            count += named;
        }
    }
    assert_true(count > 10);
    reader_done(&r);
    json_decref(dashboard);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(the_sum_over_accounts_is_the_usage),
        TEST(usage_tells_what_has_no_price),
        TEST(a_restart_changes_no_counter),
        TEST(large_books_are_read_whole),
        TEST(what_comes_later_is_added),
        TEST(figures_are_kept_for_seconds),
        TEST(what_is_too_much_is_other),
        TEST(an_account_called_other_is_among_the_others),
        TEST(months_turn),
        TEST(nodes_are_summed_and_some_named),
        TEST(budgets_of_accounts_are_there),
        TEST(power_is_unknown_or_known),
        TEST(names_cannot_break_the_text),
        TEST(a_token_is_asked_for),
        TEST(there_is_nothing_else),
        TEST(the_grafana_dashboard_names_what_there_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
