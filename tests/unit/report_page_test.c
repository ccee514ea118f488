/* report_page_test.c - kwota report as a page, a table's lines and CSV; charts and
 * units
 *
 * KWOTA_TEST_PAGES=DIR leaves the pages there, to be looked at.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "policy/energy.h"
#include "tools/chart.h"
#include "tools/csv.h"
#include "tools/metered.h"
#include "tools/page.h"
#include "tools/report_show.h"
#include "tools/unit.h"

#define NOVEMBER INT64_C(1793491200)
#define DAY INT64_C(86400)
#define KWH ENERGY_MJ_PER_KWH

/* What a function has written; the caller frees it. */
struct written {
    char *text;
    size_t size;
    FILE *file;
};

static FILE *begin(struct written *w)
{
    w->file = open_memstream(&w->text, &w->size);
    assert_non_null(w->file);
    return w->file;
}

static char *end(struct written *w)
{
    assert_int_equal(fclose(w->file), 0);
    return w->text;
}

static void keep(const char *name, const char *text)
{
    const char *dir = getenv("KWOTA_TEST_PAGES");
    char path[512];
    FILE *file;

    if (!dir)
        return;
    snprintf(path, sizeof path, "%s/%s.html", dir, name);
    file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void has(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("\"%s\" is not in it", part);
}

static void lacks(const char *text, const char *part)
{
    if (strstr(text, part))
        fail_msg("\"%s\" is in it", part);
}

/* Every tag that is opened is closed, in the right order: browsers forgive, people who
 * keep the page for years do not know which will. */
static void is_well_formed(const char *html)
{
    char open[64][16];
    int depth = 0;

    for (const char *at = html; (at = strchr(at, '<')); at++) {
        const char *stop = strchr(at, '>');
        char name[16];
        bool closing = at[1] == '/';

        assert_non_null(stop);
        if (at[1] == '!' || stop[-1] == '/')
            continue;
        assert_int_equal(sscanf(at + 1 + closing, "%15[a-zA-Z0-9]", name), 1);
        if (strcmp(name, "meta") == 0)
            continue;
        if (!closing) {
            assert_true(depth < 64);
            memcpy(open[depth++], name, sizeof name);
            continue;
        }
        assert_true(depth > 0);
        assert_string_equal(open[--depth], name);
    }
    assert_int_equal(depth, 0);
}

static json_t *sums(const char *name, int64_t used_mj, int64_t previous_mj)
{
    int64_t overrun = used_mj / 50;

    return json_pack(
        "{s:s s:I s:I s:I s:I s:I s:I s:I s:I s:I s:I s:I s:I s:I s:I s:I}", "name",
        name, "charged_mj", (json_int_t)(used_mj - overrun), "used_mj",
        (json_int_t)used_mj, "cpu_mj",
        (json_int_t)(used_mj - used_mj / 2 - used_mj / 9), "dram_mj",
        (json_int_t)(used_mj / 9), "gpu_mj", (json_int_t)(used_mj / 2), "other_mj",
        (json_int_t)0, "overrun_mj", (json_int_t)overrun, "credit_mj", (json_int_t)0,
        "estimated_mj", (json_int_t)(used_mj / 2), "estimated_used_mj",
        (json_int_t)(used_mj / 3), "estimated_runs", (json_int_t)(used_mj > 0),
        "price_u", (json_int_t)(used_mj / KWH * 310000), "co2_mg",
        (json_int_t)(used_mj / KWH * 380000), "runs",
        (json_int_t)(used_mj > 0 ? 12 : 0), "previous_mj", (json_int_t)previous_mj);
}

/* An account with what is below it. */
static json_t *account(const char *name, int depth, int64_t own_mj, int64_t below_mj)
{
    json_t *row = sums(name, own_mj, own_mj / 10 * 9);

    json_object_set_new(row, "depth", json_integer(depth));
    json_object_set_new(row, "below", sums("", below_mj, below_mj / 10 * 9));
    return row;
}

static json_t *reply_of(const char *by, json_t *rows, int64_t used_mj, int64_t node_mj,
                        json_t *days, json_t *notes)
{
    json_t *total = sums("", used_mj, used_mj / 10 * 9);
    bool known = node_mj != ENERGY_UNKNOWN;

    return json_pack(
        "{s:s s:{s:I s:I} s:{s:I s:I} s:s s:o s:o s:I s:{s:o s:o s:o s:I s:o s:I s:o} "
        "s:o s:b}",
        "by", by, "window", "start", (json_int_t)NOVEMBER, "end",
        (json_int_t)(NOVEMBER + 30 * DAY), "before", "start",
        (json_int_t)(NOVEMBER - 31 * DAY), "end", (json_int_t)NOVEMBER, "currency",
        "EUR", "rows", rows, "total", total, "open_mj", (json_int_t)(used_mj / 100),
        "centre", "total_mj",
        known ? json_integer(used_mj + used_mj / 100 + node_mj) : json_null(),
        "jobs_mj", known ? json_integer(used_mj + used_mj / 100) : json_null(),
        "node_mj", known ? json_integer(node_mj) : json_null(), "unattributed_mj",
        (json_int_t)0, "difference_mj", known ? json_integer(0) : json_null(), "gap_ms",
        (json_int_t)(known ? 5400000 : 0), "days", days, "notes", notes, "simulated",
        1);
}

static json_t *days_of(int64_t used_mj, int days)
{
    json_t *list = json_array();
    char name[32];

    for (int d = 0; d < days; d++) {
        if (d == 11)
            continue; /* nobody knows */
        snprintf(name, sizeof name, "2026-11-%02d", d + 1);
        json_array_append_new(
            list, json_pack("{s:s s:I s:I}", "name", name, "jobs_mj",
                            (json_int_t)(used_mj / 40 * (1 + (d * 7) % 5) / 3),
                            "node_mj", (json_int_t)(used_mj / 200)));
    }
    return list;
}

static const struct report_wish all = {.by = "account", .metered_mj = ENERGY_UNKNOWN};

static char *page_of(const char *keep_as, json_t *reply, json_t *days,
                     const struct report_wish *wish)
{
    struct written w;
    char *text;

    report_page(begin(&w), reply, days, wish, "2026-12-01 10:00");
    text = end(&w);
    keep(keep_as, text);
    is_well_formed(text);
    json_decref(reply);
    json_decref(days);
    return text;
}

static json_t *normal_rows(void)
{
    json_t *rows = json_array();

    json_array_append_new(rows, account("physics", 0, 30 * KWH, 6330 * KWH));
    json_array_append_new(rows, account("astro", 1, 4100 * KWH, 4100 * KWH));
    json_array_append_new(rows, account("particle-and-nuclear-physics-collaboration", 1,
                                        2200 * KWH, 2200 * KWH));
    json_array_append_new(rows,
                          account("<b>bio & \"chem\"</b>", 0, 1500 * KWH, 1500 * KWH));
    json_array_append_new(rows, account("tiny", 0, KWH / 100, KWH / 100));
    return rows;
}

static void a_page_has_all_figures_and_runs_nothing(void **state)
{
    struct report_wish wish = all;
    int64_t used = 7830 * KWH + KWH / 100;
    char *text;

    (void)state;
    wish.metered_mj = 9000 * KWH;
    wish.metered = "pdu.csv";
    text = page_of(
        "normal",
        reply_of("account", normal_rows(), used, 800 * KWH, json_null(), json_array()),
        reply_of("day", json_array(), used, 800 * KWH, days_of(used, 30), json_array()),
        &wish);
    has(text, "2026-11-01 to 2026-11-30, compared with 2026-10-01 to 2026-10-31");
    has(text, "&lt;b&gt;bio &amp; &quot;chem&quot;&lt;/b&gt;");
    lacks(text, "<b>bio");
    lacks(text, "<script");
    lacks(text, "http://");
    lacks(text, "https://");
    has(text, "nodes&#39; own (idle)");
    has(text, "metered elsewhere");
    has(text, "<small>1\u202f271.00 EUR, 1\u202f558.000 kg CO2</small>");
    has(text, "1 h 30 min");
    has(text, "simulated");
    has(text, ">?</text>"); /* the day that nobody knows */
    free(text);
}

static void a_page_of_nothing_says_so(void **state)
{
    char *text;

    (void)state;
    text = page_of(
        "empty",
        reply_of("account", json_array(), 0, ENERGY_UNKNOWN, json_null(), json_array()),
        reply_of("day", json_array(), 0, ENERGY_UNKNOWN, json_array(), json_array()),
        &all);
    has(text, "Nothing was used.");
    has(text, "is unknown");
    has(text, "<b>unknown</b>");
    free(text);
}

/* As much as the ledger can count: 1 TWh and more. */
static void a_page_of_five_thousand_accounts_is_one(void **state)
{
    json_t *rows = json_array();
    int64_t each = 200000000 * KWH / 1000, used = 0;
    char *text, name[64];

    (void)state;
    for (int i = 0; i < 5000; i++) {
        int64_t mj = each * (5000 - i) / 5000;

        snprintf(name, sizeof name, "account-%04d-of-a-large-centre", i);
        json_array_append_new(rows, account(name, i % 3, mj, mj));
        used += mj;
    }
    text = page_of(
        "huge", reply_of("account", rows, used, used / 12, json_null(), json_array()),
        reply_of("day", json_array(), used, used / 12, days_of(used, 30), json_array()),
        &all);
    has(text, "GWh");
    has(text, "(4980 others)");
    has(text, "account-4999-of-a-large-centre");
    free(text);
}

static void control_characters_never_reach_a_page(void **state)
{
    struct written w;
    char *text;

    (void)state;
    page_text(begin(&w), "a\033[31m\xe2\x80\xae<'\"&>");
    text = end(&w);
    assert_string_equal(text, "a?[31m?&lt;&#39;&quot;&amp;&gt;");
    free(text);
}

static void units_are_the_largest_that_fit(void **state)
{
    static const struct {
        int64_t mj;
        const char *text;
    } table[] = {
        {0, "0 Wh"},
        {KWH / 1000, "1.00 Wh"},
        {KWH - 1, "1000 Wh"},
        {KWH, "1.00 kWh"},
        {KWH * 12345 / 1000, "12.3 kWh"},
        {KWH * 123, "123 kWh"},
        {KWH * 4500, "4.50 MWh"},
        {-KWH * 4500, "-4.50 MWh"},
        {KWH * 1000000, "1.00 GWh"},
        {KWH * 2500000000, "2.50 TWh"},
        {ENERGY_UNKNOWN, "unknown"},
        {INT64_MAX, "2.56 TWh"},
    };
    char text[UNIT_TEXT];

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        assert_string_equal(unit_text(text, sizeof text, table[i].mj), table[i].text);
}

/* Widths of a chart's parts fill it and no more. */
static void a_split_is_whole(void **state)
{
    const struct chart_part parts[] = {
        {"a", 1}, {"b", 1}, {"c", 1}, {"d", ENERGY_UNKNOWN}, {"e", -5}};
    struct written w;
    char *text;

    (void)state;
    chart_split(begin(&w), parts, 5);
    text = end(&w);
    has(text, "x=\"66.666%\" width=\"33.333%\"");
    has(text, "d: unknown");
    has(text, "33.3 %");
    lacks(text, "width=\"0.000%\"");
    free(text);
}

static void charts_of_extremes_are_drawn(void **state)
{
    static const int64_t extremes[] = {0, 1, KWH, INT64_MAX};
    const char *const names[] = {"x", NULL};

    (void)state;
    for (size_t i = 0; i < sizeof extremes / sizeof *extremes; i++) {
        struct chart_column column = {"2026", {extremes[i], 0}};
        struct chart_bar bar = {"b", extremes[i], ENERGY_UNKNOWN, "1.00 EUR"};
        struct written w;
        char *text;

        chart_columns(begin(&w), &column, 1, names);
        text = end(&w);
        is_well_formed(text);
        lacks(text, "width=\"-");
        lacks(text, "height=\"-");
        lacks(text, "y=\"-");
        free(text);
        chart_bars(begin(&w), &bar, 1);
        is_well_formed(end(&w));
        free(w.text);
    }
}

static void others_are_one_line_and_nothing_is_lost(void **state)
{
    struct report_wish wish = {.by = "account", .top = 2, .metered_mj = ENERGY_UNKNOWN};
    int64_t used = 7830 * KWH + KWH / 100, charged = 0, centre = 0;
    json_t *reply =
        reply_of("account", normal_rows(), used, 800 * KWH, json_null(), json_array());
    struct report_line *lines;
    size_t count;

    (void)state;
    lines = report_lines(reply, &wish, &count);
    assert_string_equal(report_name(&lines[0]), "physics");
    assert_string_equal(report_name(&lines[1]), "astro");
    assert_string_equal(report_name(&lines[2]), "(3 others)");
    for (size_t i = 0; i < count; i++) {
        if (lines[i].part < LINE_TOTAL)
            charged += lines[i].charged_mj;
        if (lines[i].part == LINE_TOTAL || lines[i].part == LINE_CENTRE)
            centre += lines[i].charged_mj;
        if (lines[i].part == LINE_TOTAL)
            assert_in_range(charged, lines[i].charged_mj - 5, lines[i].charged_mj + 5);
        if (lines[i].part == LINE_METERS)
            assert_int_equal(centre, lines[i].charged_mj);
    }
    free(lines);
    json_decref(reply);
}

static void changes_and_estimates_are_in_percent(void **state)
{
    static const struct {
        int64_t now, before;
        const char *text;
    } table[] = {
        {110, 100, "+10.0 %"},   {90, 100, "-10.0 %"},
        {100, 100, "+0.0 %"},    {5, 0, "new"},
        {0, 5, "gone"},          {0, 0, ""},
        {1, ENERGY_UNKNOWN, ""}, {1000000, 10, "x 100000"},
    };
    json_t *half =
        json_pack("{s:i s:i}", "estimated_mj", 200, "estimated_used_mj", 208);
    char text[REPORT_CELL];

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        assert_string_equal(report_change(text, table[i].now, table[i].before),
                            table[i].text);
    assert_string_equal(report_estimate(text, half), "104 %");
    assert_string_equal(report_estimate(text, NULL), "");
    json_decref(half);
}

static void csv_is_quoted_and_no_formula(void **state)
{
    const char *const texts[] = {"a,b", "say \"x\"", "=1+1", "-5", "-x", "", NULL};
    struct written w;

    (void)state;
    csv_line(begin(&w), texts);
    assert_string_equal(end(&w), "\"a,b\",\"say \"\"x\"\"\",\"'=1+1\",-5,\"'-x\",\r\n");
    free(w.text);
}

static void csv_has_a_line_for_each(void **state)
{
    json_t *reply = reply_of("account", normal_rows(), 7830 * KWH, ENERGY_UNKNOWN,
                             json_null(), json_array());
    struct written w;

    (void)state;
    report_csv(begin(&w), reply, &all);
    end(&w);
    has(w.text, "part,name,depth,kwh,charged_mj,with_below_mj,previous_mj,used_mj");
    has(w.text, "row,astro,1,4018.000000,");
    has(w.text, "centre,nodes' own (idle),0,,,"); /* unknown, not zero */
    free(w.text);
    json_decref(reply);
}

/* Unknown is never zero: in a table, in a page, as CSV. */
static void prices_known_in_part_are_told_so(void **state)
{
    json_t *rows = normal_rows(), *part = json_array_get(rows, 1),
           *none = json_array_get(rows, 4), *reply;
    char text[REPORT_CELL];
    struct written w;

    (void)state;
    json_object_set_new(part, "unpriced_mj", json_integer(KWH));
    json_object_set_new(part, "co2_unknown_mj", json_integer(-KWH));
    json_object_set_new(none, "unpriced_mj", json_integer(KWH / 100));
    json_object_set_new(none, "price_u", json_null());
    json_object_set_new(none, "co2_mg", json_null());
    assert_string_equal(report_price(text, part, "EUR"), ">=1271.00 EUR");
    assert_string_equal(report_co2(text, part), "<=1558.000 kg");
    assert_string_equal(report_price(text, none, "EUR"), "-");
    assert_string_equal(report_co2(text, none), "-");
    reply = reply_of("account", rows, 7830 * KWH, ENERGY_UNKNOWN, json_null(),
                     json_array());
    report_csv(begin(&w), reply, &all);
    end(&w);
    has(w.text, ",price_u,co2_mg,unpriced_mj,co2_unknown_mj,runs,currency");
    has(w.text, ",1271000000,1558000000,3600000000,-3600000000,12,EUR");
    has(w.text, ",,,36000000,,12,EUR");
    free(w.text);
    w.text = page_of(
        "partial", reply,
        reply_of("day", json_array(), 0, ENERGY_UNKNOWN, json_array(), json_array()),
        &all);
    has(w.text, "&gt;=1\u202f271.00");
    free(w.text);
}

static char *file_of(const char *text)
{
    static char path[] = "/tmp/kwota-unit-XXXXXX";
    int fd;

    strcpy(path + sizeof path - 7, "XXXXXX");
    fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
    return path;
}

static void other_meters_are_added_up(void **state)
{
    static const struct {
        const char *text;
        int64_t mj, lines;
        const char *why;
    } table[] = {
        {"time,kWh\n2026-11-01T00:00,10\n2026-11-02T00:00,2.5\n2026-12-01T00:00,99\n",
         KWH * 25 / 2, 2, ""},
        {"# PDU 7\n2026-11-01 00:00:00\t1\n\n1793494800;2\r\n\"2026-11-03\",\"3\"\n",
         6 * KWH, 3, ""},
        {"2026-11-01,1\nmonday,2\n", 0, 0, ":2: \"monday\" is no time"},
        {"2026-11-01,1x\n", 0, 0, ":1: "},
        {"2025-11-01,1\n", 0, 0, "no line of the report's time"},
    };
    char why[METERED_WHY];

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char *path = file_of(table[i].text);
        int64_t mj, lines;
        int rc = metered_read(path, NOVEMBER, NOVEMBER + 30 * DAY, &mj, &lines, why);

        unlink(path);
        if (rc < 0)
            has(why, table[i].why);
        assert_int_equal(rc, table[i].why[0] ? -1 : 0);
        if (rc == 0) {
            assert_int_equal(mj, table[i].mj);
            assert_int_equal(lines, table[i].lines);
        }
    }
    assert_int_equal(
        metered_read("/nowhere/x", 0, 1, &(int64_t){0}, &(int64_t){0}, why), -1);
    has(why, "/nowhere/x: No such file");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_has_all_figures_and_runs_nothing),
        cmocka_unit_test(a_page_of_nothing_says_so),
        cmocka_unit_test(a_page_of_five_thousand_accounts_is_one),
        cmocka_unit_test(control_characters_never_reach_a_page),
        cmocka_unit_test(units_are_the_largest_that_fit),
        cmocka_unit_test(a_split_is_whole),
        cmocka_unit_test(charts_of_extremes_are_drawn),
        cmocka_unit_test(others_are_one_line_and_nothing_is_lost),
        cmocka_unit_test(changes_and_estimates_are_in_percent),
        cmocka_unit_test(csv_is_quoted_and_no_formula),
        cmocka_unit_test(csv_has_a_line_for_each),
        cmocka_unit_test(prices_known_in_part_are_told_so),
        cmocka_unit_test(other_meters_are_added_up),
    };

    setenv("TZ", "UTC", 1);
    tzset();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
