/* period_test.c - windows of months, quarters, years, days, through turned clocks */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policy/period.h"

#define DAY 86400

static void in_zone(const char *zone)
{
    setenv("TZ", zone, 1);
    tzset();
}

/* A moment in the zone, independent of period.c; dst: 1, 0, -1: as the zone has it. */
static int64_t at(int year, int month, int day, int hour, int minute)
{
    struct tm tm = {.tm_year = year - 1900,
                    .tm_mon = month - 1,
                    .tm_mday = day,
                    .tm_hour = hour,
                    .tm_min = minute,
                    .tm_isdst = -1};

    return (int64_t)mktime(&tm);
}

static struct window window_at(enum period_kind kind, int64_t s)
{
    const struct period period = {.kind = kind};
    struct window window;

    period_window(&period, s, &window);
    return window;
}

static void calendar_windows(void **state)
{
    static const struct {
        const char *zone;
        enum period_kind kind;
        int when[5], from[2], until[2]; /* year, month */
    } table[] = {
        {"UTC", PERIOD_MONTH, {2026, 11, 21, 8, 22}, {2026, 11}, {2026, 12}},
        {"UTC", PERIOD_MONTH, {2026, 12, 31, 23, 59}, {2026, 12}, {2027, 1}},
        {"UTC", PERIOD_MONTH, {2027, 1, 1, 0, 0}, {2027, 1}, {2027, 2}},
        {"UTC", PERIOD_MONTH, {2028, 2, 29, 12, 0}, {2028, 2}, {2028, 3}},
        {"Europe/Berlin", PERIOD_MONTH, {2026, 3, 29, 3, 0}, {2026, 3}, {2026, 4}},
        {"Europe/Berlin", PERIOD_MONTH, {2026, 10, 25, 2, 30}, {2026, 10}, {2026, 11}},
        {"Europe/Berlin", PERIOD_MONTH, {2026, 10, 31, 23, 59}, {2026, 10}, {2026, 11}},
        {"Europe/Berlin", PERIOD_QUARTER, {2026, 2, 28, 1, 0}, {2026, 1}, {2026, 4}},
        {"Europe/Berlin",
         PERIOD_QUARTER,
         {2026, 12, 31, 23, 59},
         {2026, 10},
         {2027, 1}},
        {"Europe/Berlin", PERIOD_QUARTER, {2026, 7, 1, 0, 0}, {2026, 7}, {2026, 10}},
        {"Europe/Berlin", PERIOD_YEAR, {2028, 2, 29, 0, 0}, {2028, 1}, {2029, 1}},
        {"America/New_York", PERIOD_MONTH, {2026, 3, 8, 1, 59}, {2026, 3}, {2026, 4}},
        {"Asia/Kathmandu", PERIOD_MONTH, {2026, 5, 1, 0, 0}, {2026, 5}, {2026, 6}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const int *w = table[i].when, *f = table[i].from, *u = table[i].until;
        struct window got;

        in_zone(table[i].zone);
        got = window_at(table[i].kind, at(w[0], w[1], w[2], w[3], w[4]));
        assert_int_equal(got.from_s, at(f[0], f[1], 1, 0, 0));
        assert_int_equal(got.until_s, at(u[0], u[1], 1, 0, 0));
        assert_int_equal(got.from_s % 900, 0);
        assert_int_equal(got.until_s % 900, 0);
    }
}

static void lengths_of_months(void **state)
{
    (void)state;
    in_zone("Europe/Berlin");
    struct window march = window_at(PERIOD_MONTH, at(2026, 3, 10, 0, 0));
    struct window october = window_at(PERIOD_MONTH, at(2026, 10, 10, 0, 0));
    struct window leap = window_at(PERIOD_MONTH, at(2028, 2, 10, 0, 0));
    struct window common = window_at(PERIOD_MONTH, at(2027, 2, 10, 0, 0));

    assert_int_equal(march.until_s - march.from_s, 31 * DAY - 3600);
    assert_int_equal(october.until_s - october.from_s, 31 * DAY + 3600);
    assert_int_equal(leap.until_s - leap.from_s, 29 * DAY);
    assert_int_equal(common.until_s - common.from_s, 28 * DAY);
}

/* 1775001600 is 2026-04-01 00:00 UTC: known from outside mktime(). */
static void a_zone_moves_the_month(void **state)
{
    (void)state;
    in_zone("UTC");
    assert_int_equal(window_at(PERIOD_MONTH, 1775001600).from_s, 1775001600);
    assert_int_equal(window_at(PERIOD_MONTH, 1775001599).until_s, 1775001600);
    in_zone("Europe/Berlin");
    assert_int_equal(window_at(PERIOD_MONTH, 1775001600).from_s, 1775001600 - 7200);
}

/* In Asuncion 2017-10-01 began at 01:00: clocks were turned at midnight. */
static void a_day_without_midnight(void **state)
{
    struct window window;
    char day[PERIOD_DAY];
    int64_t s;

    (void)state;
    in_zone("America/Asuncion");
    window = window_at(PERIOD_MONTH, at(2017, 10, 15, 0, 0));
    assert_int_equal(window.from_s, at(2017, 10, 1, 1, 0));
    assert_int_equal(window.from_s % 900, 0);
    assert_int_equal(window_at(PERIOD_MONTH, window.from_s - 1).until_s, window.from_s);
    assert_int_equal(period_day("2017-10-01", &s), 0);
    assert_int_equal(s, window.from_s);
    assert_string_equal(period_day_text(s, day, sizeof day), "2017-10-01");
}

/* Every moment lies in its window, and windows follow one another without a gap. */
static void windows_tile_time(void **state)
{
    static const char *const zones[] = {"UTC", "Europe/Berlin", "America/Asuncion",
                                        "Australia/Lord_Howe", "Africa/Monrovia"};

    (void)state;
    for (size_t z = 0; z < sizeof zones / sizeof *zones; z++) {
        in_zone(zones[z]);
        for (int64_t s = 1000; s < INT64_C(2000000000); s += 1234567) {
            const struct period period = {.kind = (enum period_kind)(s % 3)};
            struct window here, next, back;

            period_window(&period, s, &here);
            assert_true(here.from_s <= s && s < here.until_s);
            assert_int_equal(here.from_s % 900, 0);
            assert_int_equal(period_step(&period, &here, 1, &next), 0);
            assert_int_equal(next.from_s, here.until_s);
            assert_int_equal(period_step(&period, &next, -1, &back), 0);
            assert_memory_equal(&back, &here, sizeof back);
            period_window(&period, here.until_s, &back);
            assert_memory_equal(&back, &next, sizeof back);
        }
    }
}

static void steps(void **state)
{
    const struct period quarter = {.kind = PERIOD_QUARTER};
    const struct period rolling = {.kind = PERIOD_ROLLING, .days = 3};
    const struct period fixed = {.kind = PERIOD_FIXED, .from_s = 0, .until_s = 900};
    struct window window, other;

    (void)state;
    in_zone("Europe/Berlin");
    period_window(&quarter, at(2026, 1, 1, 0, 0), &window);
    assert_int_equal(period_step(&quarter, &window, -1, &other), 0);
    assert_int_equal(other.from_s, at(2025, 10, 1, 0, 0));
    assert_int_equal(period_step(&quarter, &window, -4, &other), 0);
    assert_int_equal(other.from_s, at(2025, 1, 1, 0, 0));
    assert_int_equal(period_step(&quarter, &window, 5, &other), 0);
    assert_int_equal(other.from_s, at(2027, 4, 1, 0, 0));
    assert_int_equal(period_step(&rolling, &window, -1, &other), -1);
    assert_int_equal(period_step(&fixed, &window, 1, &other), -1);
}

static void rolling_and_fixed(void **state)
{
    const struct period rolling = {.kind = PERIOD_ROLLING, .days = 90};
    const struct period fixed = {
        .kind = PERIOD_FIXED, .from_s = 9000, .until_s = 18000};
    struct window window;

    (void)state;
    in_zone("Europe/Berlin");
    period_window(&rolling, 1775001600 + 17, &window);
    assert_int_equal(window.until_s, 1775001600 + 900);
    assert_int_equal(window.until_s - window.from_s, 90 * DAY);
    period_window(&rolling, 1775001600 + 900, &window);
    assert_int_equal(window.until_s, 1775001600 + 1800);
    for (int64_t s = 0; s < 30000; s += 7000) {
        period_window(&fixed, s, &window);
        assert_int_equal(window.from_s, 9000);
        assert_int_equal(window.until_s, 18000);
    }
}

static void hostile_moments(void **state)
{
    static const int64_t moments[] = {INT64_MIN, -1, INT64_MAX};

    (void)state;
    in_zone("UTC");
    for (size_t i = 0; i < sizeof moments / sizeof *moments; i++) {
        struct window window = window_at(PERIOD_YEAR, moments[i]);

        assert_true(window.from_s < window.until_s);
    }
}

static void names(void **state)
{
    enum period_kind kind;

    (void)state;
    for (int i = PERIOD_MONTH; i <= PERIOD_FIXED; i++) {
        assert_int_equal(period_parse(period_text((enum period_kind)i), &kind), 0);
        assert_int_equal(kind, i);
    }
    assert_int_equal(period_parse("Month", &kind), -1);
    assert_int_equal(period_parse("", &kind), -1);
}

static void days(void **state)
{
    static const struct {
        const char *text;
        int rc, year, month, day, hour, minute;
    } table[] = {
        {"2026-01-01", 0, 2026, 1, 1, 0, 0},
        {"2026-03-29T12:15", 0, 2026, 3, 29, 12, 15},
        {"2028-02-29", 0, 2028, 2, 29, 0, 0},
        {"2027-02-29", -1, 0, 0, 0, 0, 0},
        {"2026-13-01", -1, 0, 0, 0, 0, 0},
        {"2026-01-01T12:10", -1, 0, 0, 0, 0, 0},
        {"2026-01-01 ", -1, 0, 0, 0, 0, 0},
        {"01.01.2026", -1, 0, 0, 0, 0, 0},
        {"", -1, 0, 0, 0, 0, 0},
    };

    (void)state;
    in_zone("Europe/Berlin");
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char text[PERIOD_DAY];
        int64_t s;

        assert_int_equal(period_day(table[i].text, &s), table[i].rc);
        if (table[i].rc < 0)
            continue;
        assert_int_equal(s, at(table[i].year, table[i].month, table[i].day,
                               table[i].hour, table[i].minute));
        assert_string_equal(period_day_text(s, text, sizeof text), table[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calendar_windows),
        cmocka_unit_test(lengths_of_months),
        cmocka_unit_test(a_zone_moves_the_month),
        cmocka_unit_test(a_day_without_midnight),
        cmocka_unit_test(windows_tile_time),
        cmocka_unit_test(steps),
        cmocka_unit_test(rolling_and_fixed),
        cmocka_unit_test(hostile_moments),
        cmocka_unit_test(names),
        cmocka_unit_test(days),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
