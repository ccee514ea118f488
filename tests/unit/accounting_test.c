/* accounting_test.c - a report's rows add up to what was used, whatever is asked for */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "policy/accounting.h"
#include "policy/accounting_inside.h"
#include "policy/person.h"
#include "policy/quarter.h"
#include "policy/span.h"
#include "tests/unit/quota_books.h"

json_t *person_error(const char *sentence)
{
    return json_pack("{s:s}", "error", sentence);
}

static const struct access_rights root = {.user = "root", .sees_all = true};

/* One settled posting: in all the sums that money is posted to. */
struct use {
    int64_t quarter_s;
    const char *account, *user, *partition, *qos, *gpu_types;
    int64_t mj, overrun_mj, credit_mj, price_u, unpriced_mj;
};

static void add_to(struct books *b, const char *key, const char *values, int64_t from_s,
                   int64_t borne_mj, int64_t credit_mj, const struct use *u)
{
    bool credits = !strstr(key, "rollups");
    char sql[768];

    snprintf(
        sql, sizeof sql,
        "INSERT INTO %s, cluster, account, cpu_mj, gpu_mj, overrun_mj, price_u,"
        " unpriced_mj, co2_unknown_mj, runs%s) VALUES (%s ?1,'c',?2,?7,?8,?9,?11,?12,"
        " ?7 + ?8 - ?9 - ?10,1%s) ON CONFLICT DO UPDATE SET"
        " cpu_mj = cpu_mj + excluded.cpu_mj, gpu_mj = gpu_mj + excluded.gpu_mj,"
        " overrun_mj = overrun_mj + excluded.overrun_mj,"
        " price_u = price_u + excluded.price_u,"
        " unpriced_mj = unpriced_mj + excluded.unpriced_mj, runs = runs + 1%s",
        key, credits ? ", credit_mj" : "", values, credits ? ",?10" : "",
        credits ? ", credit_mj = credit_mj + ?10" : "");
    assert_int_equal(ledger_do(b->ledger, sql, "isssssiiiiii", from_s, u->account,
                               u->user, u->partition, u->qos, u->gpu_types,
                               u->mj - u->mj / 3, u->mj / 3, borne_mj, credit_mj,
                               u->price_u, u->unpriced_mj),
                     0);
}

static void post(struct books *b, const struct use *u)
{
    struct window day, month;

    period_day_of(u->quarter_s, &day);
    period_month_of(u->quarter_s, &month);
    add_to(b, "rollups (user, partition, quarter_s", "?3,?4,", u->quarter_s,
           u->overrun_mj + u->credit_mj, 0, u);
    add_to(b, "rollup_days (user, partition, qos, gpu_types, day_s", "?3,?4,?5,?6,",
           day.from_s, u->overrun_mj, u->credit_mj, u);
    add_to(b, "rollup_months (user, partition, qos, gpu_types, month_s", "?3,?4,?5,?6,",
           month.from_s, u->overrun_mj, u->credit_mj, u);
    add_to(b, "account_months (month_s", "", month.from_s, u->overrun_mj, u->credit_mj,
           u);
}

static void meter(struct books *b, int64_t quarter_s, int64_t jobs_mj, int64_t node_mj)
{
    assert_int_equal(
        ledger_do(b->ledger,
                  "INSERT INTO cluster_quarters (quarter_s, cluster, kind, total_mj,"
                  " jobs_mj, node_mj) VALUES (?1,'c','package',?2 + ?3,?2,?3)"
                  " ON CONFLICT DO UPDATE SET total_mj = total_mj + excluded.total_mj,"
                  " jobs_mj = jobs_mj + excluded.jobs_mj,"
                  " node_mj = node_mj + excluded.node_mj",
                  "iii", quarter_s, jobs_mj, node_mj),
        0);
}

static json_t *ask(struct books *b, const struct access_rights *rights,
                   const struct accounting_wish *wish, unsigned expected)
{
    unsigned status = 0;
    json_t *answer = accounting_answer(b->ledger, rights, wish, &status);

    assert_non_null(answer);
    if (status != expected)
        fail_msg("status %u: %s", status, json_dumps(answer, JSON_COMPACT));
    return answer;
}

static json_t *november(struct books *b, const char *by)
{
    struct accounting_wish wish = {
        .by = by, .start_s = NOVEMBER, .end_s = DECEMBER, .now_s = DECEMBER + 5 * DAY};

    return ask(b, &root, &wish, 200);
}

static int64_t figure(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    if (!json_is_integer(value))
        fail_msg("%s is no number", key);
    return json_integer_value(value);
}

static const json_t *row(const json_t *answer, const char *name)
{
    size_t i;
    json_t *one;

    json_array_foreach(json_object_get(answer, "rows"), i, one)
    {
        if (strcmp(json_string_value(json_object_get(one, "name")), name) == 0)
            return one;
    }
    return NULL;
}

static const char *name_at(const json_t *answer, size_t i)
{
    return json_string_value(
        json_object_get(json_array_get(json_object_get(answer, "rows"), i), "name"));
}

static void error_has(json_t *answer, const char *part)
{
    const char *error = json_string_value(json_object_get(answer, "error"));

    assert_non_null(error);
    if (!strstr(error, part))
        fail_msg("\"%s\" lacks \"%s\"", error, part);
    json_decref(answer);
}

/* physics has astro and bio; chem stands alone. */
static void fill_tree(struct books *b)
{
    static const struct use uses[] = {
        {NOVEMBER, "astro", "alice", "cpu", "normal", "", 1000, 0, 0, 10, 0},
        {NOVEMBER + DAY, "bio", "bob", "gpu", "high", "a100", 5000, 500, 100, 50, 0},
        {NOVEMBER + DAY, "chem", "carol", "cpu", "normal", "", 3000, 0, 0, 0, 0},
        {NOVEMBER + 2 * DAY, "physics", "alice", "cpu", "normal", "", 10, 0, 0, 0, 0},
        {OCTOBER, "astro", "alice", "cpu", "normal", "", 400, 0, 0, 0, 0},
    };

    books_account(b, "c", "physics", "root");
    books_account(b, "c", "astro", "physics");
    books_account(b, "c", "bio", "physics");
    books_account(b, "c", "chem", "root");
    books_account(b, "c", "idle", "root");
    books_member(b, "astro", "alice");
    for (size_t i = 0; i < sizeof uses / sizeof *uses; i++)
        post(b, &uses[i]);
}

static void accounts_are_a_tree_with_sums_of_what_is_below(void **state)
{
    struct books *b = *state;
    json_t *answer;
    const json_t *physics;

    fill_tree(b);
    books_do(b, "INSERT INTO tariffs VALUES (1,0,'EUR','{}',0)");
    answer = november(b, "account");
    physics = row(answer, "physics");
    assert_int_equal(figure(physics, "charged_mj"), 10);
    assert_int_equal(figure(json_object_get(physics, "below"), "charged_mj"),
                     10 + 1000 + 4400);
    assert_int_equal(figure(physics, "depth"), 0);
    assert_null(json_object_get(row(answer, "bio"), "below")); /* it is its own */
    assert_int_equal(figure(row(answer, "bio"), "depth"), 1);
    assert_string_equal(name_at(answer, 0), "physics");
    assert_string_equal(name_at(answer, 1), "bio");
    assert_string_equal(name_at(answer, 2), "astro");
    assert_string_equal(name_at(answer, 3), "chem");
    assert_int_equal(json_array_size(json_object_get(answer, "rows")), 4);
    assert_int_equal(figure(row(answer, "astro"), "previous_mj"), 400);
    assert_int_equal(figure(json_object_get(answer, "total"), "previous_mj"), 400);
    assert_int_equal(figure(json_object_get(answer, "total"), "used_mj"), 9010);
    assert_int_equal(figure(json_object_get(answer, "total"), "overrun_mj"), 500);
    assert_int_equal(figure(json_object_get(answer, "total"), "price_u"), 60);
    assert_string_equal(json_string_value(json_object_get(answer, "currency")), "EUR");
    json_decref(answer);
}

/* What has no price is never counted as costing nothing. */
static void what_has_no_price_is_told(void **state)
{
    static const struct {
        const char *by, *name;
        int64_t start_s, end_s;
        bool known; /* of the price, and then how much */
        int64_t price_u, unpriced_mj;
        const char *note;
    } table[] = {
        {"account", "all", NOVEMBER, DECEMBER, true, 10, 0, "the price of "},
        {"account", "all", NOVEMBER, NOVEMBER + DAY, true, 10, 0, NULL},
        {"account", "chem", NOVEMBER, DECEMBER, false, 0, 3000, "the price of "},
        {"user", "half", NOVEMBER, DECEMBER, true, 50, 5000, "the price of "},
        {"day", "2026-11-02", NOVEMBER, DECEMBER, true, 50, 8000, "the price of "},
        {"month", "2026-11", NOVEMBER, DECEMBER, true, 60, 8000, "the price of "},
        /* by quarter-hour */
        {"account", "half", NOVEMBER + 900, DECEMBER, true, 50, 5000, "the price of "},
    };
    struct books *b = *state;

    books_do(b, "INSERT INTO tariffs VALUES (1,0,'EUR','{}',0)");
    post(b, &(struct use){NOVEMBER, "all", "all", "p", "", "", 1000, 0, 0, 10, 0});
    post(b, &(struct use){NOVEMBER + DAY, "half", "half", "p", "", "", 9000, 0, 0, 50,
                          5000});
    post(b, &(struct use){NOVEMBER + DAY, "chem", "chem", "p", "", "", 3000, 0, 0, 0,
                          3000});
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct accounting_wish wish = {.by = table[i].by,
                                       .start_s = table[i].start_s,
                                       .end_s = table[i].end_s,
                                       .now_s = DECEMBER + DAY};
        json_t *answer = ask(b, &root, &wish, 200);
        const json_t *one = row(answer, table[i].name);
        char *notes = json_dumps(json_object_get(answer, "notes"), 0);

        if (table[i].known)
            assert_int_equal(figure(one, "price_u"), table[i].price_u);
        else
            assert_true(json_is_null(json_object_get(one, "price_u")));
        assert_true(json_is_null(json_object_get(one, "co2_mg")));
        assert_int_equal(figure(one, "unpriced_mj"), table[i].unpriced_mj);
        assert_int_equal(!strstr(notes, "the price of "), !table[i].note);
        free(notes);
        json_decref(answer);
    }
}

static void a_tree_that_bites_its_tail_ends(void **state)
{
    struct books *b = *state;
    json_t *answer;

    post(b, &(struct use){NOVEMBER, "x", "u", "p", "", "", 7, 0, 0, 0, 0});
    books_account(b, "c", "x", "y");
    books_account(b, "c", "y", "x");
    answer = november(b, "account");
    assert_int_equal(figure(json_object_get(answer, "total"), "used_mj"), 7);
    assert_int_equal(json_array_size(json_object_get(answer, "rows")), 2);
    json_decref(answer);
}

static void every_row_is_ordered_and_named_by_what_was_asked(void **state)
{
    static const struct {
        const char *by, *first;
        size_t rows;
        int64_t first_mj;
    } table[] = {
        {"user", "bob", 3, 4400},       {"partition", "gpu", 2, 4400},
        {"qos", "high", 2, 4400},       {"gpu-type", "a100", 2, 4400},
        {"day", "2026-11-01", 3, 1000}, {"month", "2026-11", 1, 8410},
    };
    struct books *b = *state;

    fill_tree(b);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        json_t *answer = november(b, table[i].by);

        assert_string_equal(name_at(answer, 0), table[i].first);
        assert_int_equal(json_array_size(json_object_get(answer, "rows")),
                         table[i].rows);
        assert_int_equal(figure(row(answer, table[i].first), "charged_mj"),
                         table[i].first_mj);
        json_decref(answer);
    }
}

static void mistakes_are_told_with_what_was_meant(void **state)
{
    struct books *b = *state;
    struct accounting_wish wish = {.by = "acount",
                                   .start_s = NOVEMBER,
                                   .end_s = DECEMBER,
                                   .now_s = DECEMBER + DAY};

    fill_tree(b);
    error_has(ask(b, &root, &wish, 400), "account is meant?");
    wish.by = "qos";
    wish.start_s = NOVEMBER + 3600;
    error_has(ask(b, &root, &wish, 400), "whole days only");
    wish.start_s = NOVEMBER;
    wish.end_s = wish.now_s = NOW; /* in the middle of a day: of this one */
    json_decref(ask(b, &root, &wish, 200));
    wish.by = "user";
    wish.end_s = wish.start_s;
    error_has(ask(b, &root, &wish, 400), "later than its start");
    wish.end_s = DECEMBER;
    wish.account = "physisc";
    error_has(ask(b, &root, &wish, 404), "\"physisc\"; physics is meant?");
    wish.account = NULL;
    wish.user = "alcie";
    error_has(ask(b, &root, &wish, 404), "alice is meant?");
}

static void an_account_is_asked_for_with_all_below_it(void **state)
{
    struct books *b = *state;
    struct accounting_wish wish = {.by = "user",
                                   .account = "physics",
                                   .start_s = NOVEMBER,
                                   .end_s = DECEMBER,
                                   .now_s = DECEMBER + DAY};
    json_t *answer;

    fill_tree(b);
    answer = ask(b, &root, &wish, 200);
    assert_int_equal(figure(json_object_get(answer, "total"), "used_mj"), 6010);
    assert_true(json_is_null(json_object_get(answer, "centre")));
    json_decref(answer);
    wish.user = "alice";
    answer = ask(b, &root, &wish, 200);
    assert_int_equal(figure(json_object_get(answer, "total"), "used_mj"), 1010);
    json_decref(answer);
}

static void others_see_their_own_and_what_they_coordinate(void **state)
{
    struct access_rights alice = {.user = "alice"},
                         head = {.user = "dave", .account_count = 1};
    struct books *b = *state;
    struct accounting_wish wish = {.by = "account",
                                   .start_s = NOVEMBER,
                                   .end_s = DECEMBER,
                                   .now_s = DECEMBER + DAY};
    json_t *answer;

    fill_tree(b);
    answer = ask(b, &alice, &wish, 200);
    assert_int_equal(figure(json_object_get(answer, "total"), "used_mj"), 1010);
    assert_true(json_is_null(json_object_get(answer, "centre")));
    json_decref(answer);
    snprintf(head.accounts[0], sizeof head.accounts[0], "bio");
    answer = ask(b, &head, &wish, 200);
    assert_int_equal(figure(json_object_get(answer, "total"), "used_mj"), 5000);
    json_decref(answer);
}

static void what_no_counter_told_is_unknown(void **state)
{
    struct books *b = *state;
    json_t *answer, *centre;

    fill_tree(b);
    answer = november(b, "account");
    centre = json_object_get(answer, "centre");
    assert_true(json_is_null(json_object_get(centre, "total_mj")));
    assert_true(json_is_null(json_object_get(centre, "node_mj")));
    assert_true(json_is_null(json_object_get(centre, "difference_mj")));
    json_decref(answer);
}

/* A run that goes on from before the month into it, and a token nobody knows. */
static void what_is_open_and_what_is_nobodys_stands_beside_the_rows(void **state)
{
    struct books *b = *state;
    json_t *answer, *centre;

    fill_tree(b);
    books_run(b, 1, "c", "astro", "alice", "cpu", "running");
    books_quarter(b, 1, NOVEMBER - QUARTER_S, "package", 11, 0);
    books_quarter(b, 1, NOVEMBER, "package", 22, 0);
    /* … and what it has told and is not saved yet. */
    books_do(b, "INSERT INTO live (token, run_id, saved_mj, saved_ms, shape, from_ms,"
                " to_ms) VALUES ('t1',1,33,0,0,0,1793491300000)");
    books_do(b, "UPDATE live SET mj = 5");
    books_run(b, 2, "c", "bio", "bob", "cpu", "running");
    books_quarter(b, 2, NOVEMBER, "gpu", 300, 0);
    books_do(b, "INSERT INTO tokens (token, node, job_id, start_ms, last_ms, final,"
                " cpu_ns, reasons, simulated, refused)"
                " VALUES ('lost','n1',9,0,0,0,0,'[]',1,1)");
    books_do(b, "INSERT INTO run_quarters VALUES ('lost',1793491200,'package',4000,0)");
    meter(b, NOVEMBER, 1000 + 22 + 5 + 300 + 4000, 50);
    meter(b, NOVEMBER + DAY, 8000, 0);
    meter(b, NOVEMBER + 2 * DAY, 10 + 1, 7);
    answer = november(b, "account");
    centre = json_object_get(answer, "centre");
    assert_int_equal(figure(answer, "open_mj"), 327);
    assert_int_equal(figure(centre, "unattributed_mj"), 4000);
    assert_int_equal(figure(centre, "node_mj"), 57);
    assert_int_equal(figure(centre, "difference_mj"), 1);
    assert_int_equal(figure(centre, "total_mj"), 5327 + 50 + 8000 + 18);
    json_decref(answer);
}

/* What nodes have counted since the last quarter-hour is not booked, and counts. */
static void what_is_not_booked_yet_counts_where_it_was_reported(void **state)
{
    struct books *b = *state;
    struct accounting_wish wish = {
        .by = "day", .start_s = NOVEMBER, .end_s = NOW, .now_s = NOW};
    json_t *answer, *centre;

    books_do(b, "INSERT INTO nodes (node, epoch, seq, last_report_ms, simulated,"
                " time_ms) VALUES ('n1','e',1,0,1,1795219217000)");
    books_do(b, "INSERT INTO node_domains (node, epoch, domain, kind, source, state,"
                " total_uj, jobs_uj, node_uj, gap_ms, booked_total_uj, booked_jobs_uj)"
                " VALUES ('n1','e','package-0','package','x','ok',9000999,5000500,"
                " 4000499,120,1000500,500)");
    answer = ask(b, &root, &wish, 200);
    centre = json_object_get(answer, "centre");
    assert_int_equal(figure(centre, "total_mj"), 8000);
    assert_int_equal(figure(centre, "jobs_mj"), 5000);
    assert_int_equal(figure(centre, "gap_ms"), 120);
    assert_int_equal(
        figure(json_array_get(json_object_get(centre, "days"), 0), "total_mj"), 8000);
    assert_true(json_is_true(json_object_get(answer, "simulated")));
    json_decref(answer);
    wish.end_s = NOVEMBER + DAY;
    answer = ask(b, &root, &wish, 200);
    assert_true(
        json_is_null(json_object_get(json_object_get(answer, "centre"), "total_mj")));
    json_decref(answer);
}

static void periods_before_are_of_the_same_length(void **state)
{
    static const struct {
        struct window window, before;
    } table[] = {
        {{NOVEMBER, DECEMBER}, {OCTOBER, NOVEMBER}},
        {{OCTOBER, DECEMBER}, {OCTOBER - (31 + 30) * DAY, OCTOBER}},
        {{NOVEMBER, NOVEMBER + 3 * DAY}, {OCTOBER, OCTOBER + 3 * DAY}},
        {{NOVEMBER + DAY, NOVEMBER + 3 * DAY}, {NOVEMBER - DAY, NOVEMBER + DAY}},
        /* no longer than February is */
        {{NOVEMBER + 120 * DAY, NOVEMBER + 150 * DAY},
         {NOVEMBER + 92 * DAY, NOVEMBER + 120 * DAY}},
    };

    (void)state;
    setenv("TZ", "UTC", 1);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct window before;

        span_before(&table[i].window, &before);
        assert_int_equal(before.from_s, table[i].before.from_s);
        assert_int_equal(before.until_s, table[i].before.until_s);
    }
}

static void pieces_cover_a_time_once_where_clocks_are_turned_too(void **state)
{
    static const char *const zones[] = {"UTC", "Europe/Berlin", "America/Havana",
                                        "Asia/Kathmandu"};

    (void)state;
    srandom(5);
    for (int n = 0; n < 400; n++) {
        struct window w = {NOVEMBER + random() % 20000 * QUARTER_S, 0};
        struct span_piece *pieces;
        size_t count;
        int64_t at_s = w.from_s;

        setenv("TZ", zones[n % 4], 1);
        tzset();
        w.until_s = w.from_s + random() % 20000 * QUARTER_S;
        pieces = span_pieces(&w, (enum span_unit)(n % 3), &count);
        assert_non_null(pieces);
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(pieces[i].from_s, at_s);
            assert_true(pieces[i].until_s > at_s);
            assert_true(pieces[i].unit <= (enum span_unit)(n % 3));
            at_s = pieces[i].until_s;
        }
        assert_int_equal(at_s, w.until_s);
        free(pieces);
    }
    setenv("TZ", "UTC", 1);
    tzset();
}

#define USES 1500
#define WINDOWS 60

/* What was used in a window, by going through all of it. */
static int64_t used_in(const struct use *uses, int64_t from_s, int64_t until_s)
{
    int64_t mj = 0;

    for (int i = 0; i < USES; i++)
        if (uses[i].quarter_s >= from_s && uses[i].quarter_s < until_s)
            mj += uses[i].mj;
    return mj;
}

static void make_uses(struct books *b, struct use *uses)
{
    static const char *const accounts[] = {"astro", "bio", "chem", "physics", ""},
                             *const users[] = {"alice", "bob", "carol"},
                             *const partitions[] = {"cpu", "gpu"},
                             *const qos[] = {"normal", "high"},
                             *const types[] = {"", "a100", "v100"};

    for (int i = 0; i < USES; i++) {
        int64_t mj = random() % 1000000;

        uses[i] = (struct use){NOVEMBER + random() % 9000 * QUARTER_S,
                               accounts[random() % 5],
                               users[random() % 3],
                               partitions[random() % 2],
                               qos[random() % 2],
                               types[random() % 3],
                               mj,
                               random() % 10 ? 0 : mj / 5,
                               random() % 20 ? 0 : mj / 2,
                               mj * 3,
                               0};
        post(b, &uses[i]);
        meter(b, uses[i].quarter_s, mj, random() % 1000);
    }
}

/* All that the rows and the centre's part have is what the counters grew by. */
static void adds_up(const json_t *answer, int64_t used_mj)
{
    const json_t *centre = json_object_get(answer, "centre");
    int64_t charged = 0, borne = 0;
    size_t i;
    json_t *one;

    json_array_foreach(json_object_get(answer, "rows"), i, one)
    {
        charged += figure(one, "charged_mj");
        borne += figure(one, "overrun_mj") + figure(one, "credit_mj");
    }
    assert_int_equal(charged + borne, used_mj);
    if (json_is_null(json_object_get(centre, "total_mj"))) {
        assert_int_equal(used_mj, 0);
        return;
    }
    assert_int_equal(figure(centre, "difference_mj"), 0);
    assert_int_equal(charged + borne + figure(answer, "open_mj") +
                         figure(centre, "unattributed_mj") + figure(centre, "node_mj") +
                         figure(centre, "difference_mj"),
                     figure(centre, "total_mj"));
}

static void whatever_is_asked_for_the_rows_add_up_to_the_counters(void **state)
{
    static const char *const bys[] = {"account", "user", "partition", "day",
                                      "month",   "qos",  "gpu-type"};
    static struct use uses[USES];
    struct books *b = *state;

    srandom(7);
    make_uses(b, uses);
    for (int n = 0; n < WINDOWS; n++) {
        const char *by = bys[n % 7];
        int64_t unit = n % 7 >= 5 ? DAY : QUARTER_S, most = 9000 * QUARTER_S / unit;
        struct accounting_wish wish = {.by = by, .now_s = NOVEMBER + 200 * DAY};
        json_t *answer;

        wish.start_s = NOVEMBER + random() % most * unit;
        wish.end_s = wish.start_s + (1 + random() % most) * unit;
        answer = ask(b, &root, &wish, 200);
        adds_up(answer, used_in(uses, wish.start_s, wish.end_s));
        json_decref(answer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, books_open, books_close)
        TEST(what_has_no_price_is_told),
        TEST(accounts_are_a_tree_with_sums_of_what_is_below),
        TEST(a_tree_that_bites_its_tail_ends),
        TEST(every_row_is_ordered_and_named_by_what_was_asked),
        TEST(mistakes_are_told_with_what_was_meant),
        TEST(an_account_is_asked_for_with_all_below_it),
        TEST(others_see_their_own_and_what_they_coordinate),
        TEST(what_no_counter_told_is_unknown),
        TEST(what_is_open_and_what_is_nobodys_stands_beside_the_rows),
        TEST(what_is_not_booked_yet_counts_where_it_was_reported),
        cmocka_unit_test(periods_before_are_of_the_same_length),
        cmocka_unit_test(pieces_cover_a_time_once_where_clocks_are_turned_too),
        TEST(whatever_is_asked_for_the_rows_add_up_to_the_counters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
