/* daytime.c - times of the day and days of the week that a rule is for */
#include "policy/daytime.h"

#include <string.h>
#include <strings.h>
#include <time.h>

#define DAY_MIN (24 * 60)

/* "17:00", up to "24:00". -1: it is none. */
static int clock_min(const char **text)
{
    const char *t = *text;
    int minute;

    for (int i = 0; i < 5; i++)
        if (i == 2 ? t[i] != ':' : t[i] < '0' || t[i] > '9')
            return -1;
    if (t[3] > '5')
        return -1;
    minute = ((t[0] - '0') * 10 + t[1] - '0') * 60 + (t[3] - '0') * 10 + t[4] - '0';
    *text += 5;
    return minute <= DAY_MIN ? minute : -1;
}

int daytime_between(const char *text, struct daytime *daytime)
{
    int from = clock_min(&text), until;

    if (from < 0 || from == DAY_MIN || *text++ != '-')
        return -1;
    until = clock_min(&text);
    if (until < 0 || *text || until == from)
        return -1;
    daytime->from_min = from;
    daytime->until_min = until;
    return 0;
}

/* 0: Sunday; -1: it is none. */
static int day_of(const char **text)
{
    static const char *const names[] = {"sun", "mon", "tue", "wed",
                                        "thu", "fri", "sat"};

    for (int day = 0; day < 7; day++)
        if (strncasecmp(*text, names[day], 3) == 0) {
            *text += 3;
            return day;
        }
    return -1;
}

int daytime_days(const char *text, struct daytime *daytime)
{
    unsigned days = 0;

    do {
        int from = day_of(&text), until = from;

        if (from >= 0 && *text == '-') {
            text++;
            until = day_of(&text);
        }
        if (from < 0 || until < 0)
            return -1;
        for (; from != until; from = (from + 1) % 7)
            days |= 1U << from;
        days |= 1U << until;
    } while (*text++ == ',');
    if (text[-1])
        return -1;
    daytime->days = days;
    return 0;
}

bool daytime_has(const struct daytime *d, int day, int minute)
{
    unsigned days = d->days ? d->days : 0x7f;
    bool today = days >> day & 1, yesterday = days >> (day + 6) % 7 & 1;

    if (d->from_min == d->until_min)
        return today;
    if (d->from_min < d->until_min)
        return today && minute >= d->from_min && minute < d->until_min;
    return (today && minute >= d->from_min) || (yesterday && minute < d->until_min);
}

bool daytime_holds(const struct daytime *daytime, int64_t now_s)
{
    time_t now = (time_t)now_s;
    struct tm tm;

    localtime_r(&now, &tm);
    return daytime_has(daytime, tm.tm_wday, tm.tm_hour * 60 + tm.tm_min);
}
