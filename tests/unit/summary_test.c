/* summary_test.c - what slurmdbd is told of settled runs, and which are to be told */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "policy/energy.h"
#include "policy/summary.h"
#include "tests/unit/quota_books.h"

#define UNKNOWN ENERGY_UNKNOWN
#define MOST 100

static const struct {
    struct summary summary;
    const char *text;
} texts[] = {
    {{.used = {{15018, 2002, UNKNOWN, UNKNOWN}},
      .charge_mj = 17020,
      .quality = SUMMARY_APPORTIONED,
      .simulated = true},
     "{\"kwota\":1,\"total_mj\":17020,\"cpu_mj\":15018,\"dram_mj\":2002,"
     "\"charge_mj\":17020,\"overrun_mj\":0,\"credit_mj\":0,"
     "\"quality\":\"apportioned\",\"simulated\":true}"},
    {{.used = {{100, 0, 300, 4}},
      .charge_mj = 150,
      .overrun_mj = 204,
      .credit_mj = 50,
      .quality = SUMMARY_MEASURED,
      .priced = true,
      .co2_told = true,
      .price_u = -3,
      .co2_mg = 0},
     "{\"kwota\":1,\"total_mj\":404,\"cpu_mj\":100,\"dram_mj\":0,\"gpu_mj\":300,"
     "\"other_mj\":4,\"charge_mj\":150,\"overrun_mj\":204,\"credit_mj\":50,"
     "\"quality\":\"measured\",\"simulated\":false,\"price_u\":-3,\"co2_mg\":0}"},
    /* Unknown is never zero. */
    {{.used = {{100, UNKNOWN, UNKNOWN, UNKNOWN}},
      .charge_mj = 100,
      .quality = SUMMARY_MEASURED,
      .priced = true,
      .price_u = 7,
      .unpriced_mj = 60},
     "{\"kwota\":1,\"total_mj\":100,\"cpu_mj\":100,\"charge_mj\":100,"
     "\"overrun_mj\":0,\"credit_mj\":0,\"quality\":\"measured\","
     "\"simulated\":false,\"price_u\":7,\"unpriced_mj\":60}"},
    {{.used = {{UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN}}, .quality = SUMMARY_PARTIAL},
     "{\"kwota\":1,\"charge_mj\":0,\"overrun_mj\":0,\"credit_mj\":0,"
     "\"quality\":\"partial\",\"simulated\":false}"},
};

static void there_and_back(void **state)
{
    char text[SUMMARY_TEXT], again[SUMMARY_TEXT];
    struct summary summary;

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_string_equal(summary_text(&texts[i].summary, text), texts[i].text);
        assert_true(summary_is_ours(text));
        assert_int_equal(summary_read(text, &summary), 0);
        assert_string_equal(summary_text(&summary, again), texts[i].text);
    }
}

/* The longest that there can be fits, and slurmdbd's SQL takes it as it is. */
static void the_longest_fits(void **state)
{
    static const struct summary longest = {
        .used = {{INT64_MAX / 4, INT64_MAX / 4, INT64_MAX / 4, INT64_MAX / 4}},
        .charge_mj = INT64_MIN,
        .overrun_mj = INT64_MIN,
        .credit_mj = INT64_MIN,
        .quality = SUMMARY_APPORTIONED,
        .priced = true,
        .co2_told = true,
        .price_u = INT64_MIN,
        .co2_mg = INT64_MIN,
        .unpriced_mj = INT64_MIN,
        .co2_unknown_mj = INT64_MIN};
    char text[SUMMARY_TEXT];

    (void)state;
    summary_text(&longest, text);
    assert_true(strlen(text) < SUMMARY_TEXT - 1);
    assert_int_equal(text[strlen(text) - 1], '}');
    assert_null(strpbrk(text, "'\\"));
}

static void what_is_ours(void **state)
{
    static const struct {
        const char *comment;
        bool ours;
        int read;
    } table[] = {
        {NULL, false, -1},
        {"", false, -1},
        {"burst buffer failed", false, -1},
        {"kwota", false, -1},
        {"{\"kwota\":", false, -1},
        {"{\"quota\":1}", false, -1},
        {"{\"kwota\":\"1\"}", false, -1},
        {"[{\"kwota\":1}]", false, -1},
        {"{\"kwota\":2,\"quality\":\"measured\"}", true, -1},
        {"{\"kwota\":1}", true, -1},
        {"{\"kwota\":1,\"quality\":\"sure\"}", true, -1},
        {"{\"kwota\":1,\"quality\":\"measured\",\"new\":[]}", true, 0},
    };
    struct summary summary;

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const char *comment = table[i].comment;

        if (summary_is_ours(comment) != table[i].ours ||
            summary_read(comment, &summary) != table[i].read)
            fail_msg("%s", comment ? comment : "NULL");
    }
}

static void delays(void **state)
{
    static const struct {
        int64_t tries, delay_s;
    } table[] = {{0, 5}, {1, 10}, {3, 40}, {9, 2560}, {10, 3600}, {179, 3600}};

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        assert_int_equal(summary_delay_s(table[i].tries), table[i].delay_s);
}

static void entry(struct books *b, int64_t run, const char *kind, int64_t mj)
{
    assert_int_equal(ledger_do(b->ledger,
                               "INSERT INTO entries (run_id, kind, mj, time_s, actor,"
                               " why) VALUES (?,?,?,1,'kwotad','')",
                               "isi", run, kind, mj),
                     0);
}

static void used(struct books *b, int64_t run, const char *kind, int64_t uj)
{
    assert_int_equal(ledger_do(b->ledger,
                               "INSERT INTO run_domains (token, domain, kind, uj)"
                               " VALUES ('t' || ?, ?2, ?2, ?)",
                               "isi", run, kind, uj),
                     0);
}

static int due(struct books *b, int64_t now_s, struct summary_due found[MOST])
{
    assert_true(summary_collect(b->ledger, "c", 1000) >= 0);
    return summary_next(b->ledger, "c", now_s, found, MOST);
}

static void only_what_is_new_is_told(void **state)
{
    struct books *b = *state;
    struct summary_due found[MOST];

    for (int64_t id = 1; id <= 4; id++)
        books_run(b, id, id == 4 ? "other" : "c", "astro", "alice", "gpu", "settled");
    entry(b, 1, "charge", 5);
    /* What was settled before the first time is history. */
    assert_int_equal(due(b, 0, found), 0);
    assert_int_equal(due(b, 0, found), 0);
    entry(b, 2, "charge", 5);
    entry(b, 2, "overrun", 5);
    entry(b, 4, "charge", 5);
    assert_int_equal(due(b, 0, found), 1);
    assert_int_equal(found[0].run_id, 2);
    assert_int_equal(found[0].job_id, 2);
    assert_int_equal(found[0].submit_s, 100);
    assert_int_equal(due(b, 0, found), 1);
    assert_int_equal(summary_told(b->ledger, &found[0]), 0);
    assert_int_equal(due(b, 0, found), 0);
    /* A later adjustment, and one that comes while it is told. */
    entry(b, 2, "adjustment", 1);
    assert_int_equal(due(b, 0, found), 1);
    entry(b, 2, "adjustment", 1);
    assert_int_equal(summary_collect(b->ledger, "c", 1000), 1);
    assert_int_equal(summary_told(b->ledger, &found[0]), 0);
    assert_int_equal(due(b, 0, found), 1);
    assert_int_equal(found[0].summary.charge_mj, 7);
}

static void many_are_looked_at_in_parts(void **state)
{
    struct books *b = *state;
    struct summary_due found[MOST];

    assert_int_equal(summary_collect(b->ledger, "c", 3), 0);
    assert_int_equal(due(b, 0, found), 0);
    for (int64_t id = 1; id <= 8; id++) {
        books_run(b, id, "c", "astro", "alice", "gpu", "settled");
        entry(b, id, "charge", 5);
    }
    assert_int_equal(summary_collect(b->ledger, "c", 3), 3);
    assert_int_equal(summary_collect(b->ledger, "c", 3), 3);
    assert_int_equal(summary_collect(b->ledger, "c", 3), 2);
    assert_int_equal(summary_collect(b->ledger, "c", 3), 0);
    assert_int_equal(summary_next(b->ledger, "c", 0, found, 5), 5);
    assert_int_equal(due(b, 0, found), 8);
}

static void later_and_at_last_never(void **state)
{
    struct books *b = *state;
    struct summary_due found[MOST];
    int64_t now_s = 1000;
    int tries = 0, rc;

    assert_int_equal(due(b, now_s, found), 0);
    books_run(b, 1, "c", "astro", "alice", "gpu", "settled");
    entry(b, 1, "charge", 5);
    assert_int_equal(due(b, now_s, found), 1);
    do {
        rc = summary_later(b->ledger, &found[0], now_s);
        tries++;
        assert_int_equal(due(b, now_s, found), 0);
        now_s += summary_delay_s(tries - 1);
    } while (rc == 0 && due(b, now_s, found) == 1);
    assert_int_equal(rc, 1);
    assert_int_equal(tries, SUMMARY_TRIES);
    assert_int_equal(due(b, INT64_MAX, found), 0);
}

static void what_is_told(void **state)
{
    static const struct {
        const char *change;
        enum summary_quality quality;
    } table[] = {
        {"UPDATE runs SET name = 'n'", SUMMARY_MEASURED},
        {"UPDATE run_domains SET apportioned = 1 WHERE kind = 'dram'",
         SUMMARY_APPORTIONED},
        {"UPDATE runs SET reasons = '1 of 2 nodes'", SUMMARY_PARTIAL},
        {"UPDATE tokens SET reasons = '[\"no dram\"]'", SUMMARY_PARTIAL},
        {"UPDATE run_domains SET uj = NULL", SUMMARY_PARTIAL},
    };
    struct books *b = *state;
    struct summary_due found[MOST];
    char text[SUMMARY_TEXT];

    assert_int_equal(due(b, 0, found), 0);
    books_run(b, 1, "c", "astro", "alice", "gpu", "settled");
    used(b, 1, "package", 70999);
    used(b, 1, "dram", 20000);
    entry(b, 1, "charge", 60);
    entry(b, 1, "overrun", 30);
    entry(b, 1, "credit", -15);
    assert_int_equal(due(b, 0, found), 1);
    assert_string_equal(summary_text(&found[0].summary, text),
                        "{\"kwota\":1,\"total_mj\":90,\"cpu_mj\":70,\"dram_mj\":20,"
                        "\"charge_mj\":45,\"overrun_mj\":30,\"credit_mj\":15,"
                        "\"quality\":\"measured\",\"simulated\":true}");
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        assert_int_equal(ledger_begin(b->ledger), 0);
        books_do(b, table[i].change);
        assert_int_equal(due(b, 0, found), 1);
        if (found[0].summary.quality != table[i].quality)
            fail_msg("%s: %d", table[i].change, (int)found[0].summary.quality);
        ledger_rollback(b->ledger);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(the_longest_fits),
        cmocka_unit_test(what_is_ours),
        cmocka_unit_test(delays),
        cmocka_unit_test_setup_teardown(only_what_is_new_is_told, books_open,
                                        books_close),
        cmocka_unit_test_setup_teardown(many_are_looked_at_in_parts, books_open,
                                        books_close),
        cmocka_unit_test_setup_teardown(later_and_at_last_never, books_open,
                                        books_close),
        cmocka_unit_test_setup_teardown(what_is_told, books_open, books_close),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
