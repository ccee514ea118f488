/* period.c - the time a quota is for */
#include "policy/period.h"

#include <string.h>
#include <time.h>

#include "policy/quarter.h"

#define DAY_S 86400

/* The year 9999's end; a later moment is nobody's. */
#define LATEST_S INT64_C(253402300799)

/* No clock was ever turned further. */
#define MOST_TURNED (26 * 3600 / QUARTER_S)

static const char *const names[] = {
    [PERIOD_MONTH] = "month",     [PERIOD_QUARTER] = "quarter", [PERIOD_YEAR] = "year",
    [PERIOD_ROLLING] = "rolling", [PERIOD_FIXED] = "fixed",
};

int period_parse(const char *text, enum period_kind *kind)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(names[i], text) == 0) {
            *kind = (enum period_kind)i;
            return 0;
        }
    }
    return -1;
}

const char *period_text(enum period_kind kind)
{
    return names[kind];
}

static int64_t floor_quarter(int64_t s)
{
    int64_t past = s % QUARTER_S;

    return s - (past < 0 ? past + QUARTER_S : past);
}

/* Days as numbers that compare as the calendar does. */
static int64_t date_number(const struct tm *tm)
{
    return ((int64_t)tm->tm_year * 12 + tm->tm_mon) * 32 + tm->tm_mday;
}

static int64_t date_of(int64_t s)
{
    time_t when = (time_t)s;
    struct tm tm;

    memset(&tm, 0, sizeof tm);
    localtime_r(&when, &tm);
    return date_number(&tm);
}

/* The first quarter-hour of a day. mktime() alone won't do: some clocks are turned at
 * midnight, so that a day begins at 01:00 or has two midnights. */
static int64_t day_start(int year, int month, int day)
{
    struct tm tm = {.tm_year = year,
                    .tm_mon = month,
                    .tm_mday = day,
                    .tm_hour = 12,
                    .tm_isdst = -1};
    int64_t noon, wanted, s;

    noon = (int64_t)mktime(&tm);
    wanted = date_number(&tm);
    s = floor_quarter(noon - DAY_S / 2);
    for (int i = 0; i < MOST_TURNED && date_of(s) < wanted; i++)
        s += QUARTER_S;
    for (int i = 0; i < MOST_TURNED && date_of(s - QUARTER_S) >= wanted; i++)
        s -= QUARTER_S;
    return s;
}

static int months_of(enum period_kind kind)
{
    return kind == PERIOD_YEAR ? 12 : kind == PERIOD_QUARTER ? 3 : 1;
}

/* Calendar windows of a kind are numbered, from the one that began 1900 began in. */
static int number_of(enum period_kind kind, int64_t at_s)
{
    time_t when = (time_t)at_s;
    struct tm tm;

    memset(&tm, 0, sizeof tm);
    localtime_r(&when, &tm);
    return (tm.tm_year * 12 + tm.tm_mon) / months_of(kind);
}

static int64_t start_of(enum period_kind kind, int number)
{
    int month = number * months_of(kind);

    return day_start(month / 12, month % 12, 1);
}

static void calendar_window(enum period_kind kind, int number, struct window *window)
{
    window->from_s = start_of(kind, number);
    window->until_s = start_of(kind, number + 1);
}

void period_window(const struct period *period, int64_t at_s, struct window *window)
{
    int number;

    if (at_s < 0)
        at_s = 0;
    if (at_s > LATEST_S)
        at_s = LATEST_S;
    tzset();
    switch (period->kind) {
    case PERIOD_FIXED:
        window->from_s = floor_quarter(period->from_s);
        window->until_s = floor_quarter(period->until_s);
        return;
    case PERIOD_ROLLING:
        window->until_s = floor_quarter(at_s) + QUARTER_S;
        window->from_s = window->until_s - period->days * DAY_S;
        return;
    default:
        number = number_of(period->kind, at_s);
        calendar_window(period->kind, number, window);
        /* Where an offset is no multiple of a quarter-hour, a day's first minutes are
         * of the day before. */
        if (at_s < window->from_s)
            calendar_window(period->kind, number - 1, window);
    }
}

void period_month_of(int64_t quarter_s, struct window *window)
{
    const struct period month = {.kind = PERIOD_MONTH};

    period_window(&month, quarter_s, window);
}

void period_day_of(int64_t quarter_s, struct window *window)
{
    time_t when = (time_t)quarter_s;
    struct tm tm;
    int back = 0;

    tzset();
    memset(&tm, 0, sizeof tm);
    localtime_r(&when, &tm);
    do {
        window->from_s = day_start(tm.tm_year, tm.tm_mon, tm.tm_mday - back);
        window->until_s = day_start(tm.tm_year, tm.tm_mon, tm.tm_mday - back + 1);
        /* As above: a day's first minutes may be of the day before. */
    } while (quarter_s < window->from_s && back++ == 0);
}

int period_step(const struct period *period, const struct window *window, int steps,
                struct window *other)
{
    if (period->kind == PERIOD_ROLLING || period->kind == PERIOD_FIXED)
        return -1;
    tzset();
    calendar_window(period->kind, number_of(period->kind, window->from_s) + steps,
                    other);
    return 0;
}

int period_day(const char *text, int64_t *s)
{
    static const char *const forms[] = {"%Y-%m-%dT%H:%M", "%Y-%m-%d"};

    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct tm tm, wanted;
        const char *end;

        memset(&tm, 0, sizeof tm);
        end = strptime(text, forms[i], &tm);
        if (!end || *end != '\0' || tm.tm_year < 70 || tm.tm_year > 8099)
            continue;
        wanted = tm;
        tm.tm_isdst = -1;
        *s = (int64_t)mktime(&tm);
        /* mktime() makes March of the 30th of February. */
        if (tm.tm_mday != wanted.tm_mday || tm.tm_mon != wanted.tm_mon)
            return -1;
        if (i == 1)
            *s = day_start(tm.tm_year, tm.tm_mon, tm.tm_mday);
        return *s == floor_quarter(*s) ? 0 : -1;
    }
    return -1;
}

char *period_day_text(int64_t s, char *text, int size)
{
    time_t when = (time_t)s;
    struct tm tm;

    memset(&tm, 0, sizeof tm);
    tzset();
    localtime_r(&when, &tm);
    if (date_of(s - QUARTER_S) < date_number(&tm))
        strftime(text, (size_t)size, "%Y-%m-%d", &tm);
    else
        strftime(text, (size_t)size, "%Y-%m-%dT%H:%M", &tm);
    return text;
}
