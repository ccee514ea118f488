/* tariff_series.c - a file of values by time */
#include "policy/tariff_series.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policy/decimal.h"

/* A value holds so long at most: an hour's price, not last year's. */
#define HOLDS_S 3600

/* Thirty years of quarter-hours; more is another file. */
#define LARGEST (1 << 20)

struct value {
    int64_t from_s, value;
};

struct tariff_series {
    struct value *values;
    size_t count;
};

/* "Z", "+01:00", "" (local time). -1: it is none of them. */
static int zone_of(const char *text, struct tm *tm, int64_t *s)
{
    int hours, minutes, end = 0;

    if (!*text) {
        tm->tm_isdst = -1;
        *s = (int64_t)mktime(tm);
        return 0;
    }
    *s = (int64_t)timegm(tm);
    if (strcmp(text, "Z") == 0)
        return 0;
    if (strlen(text) != 6 || (*text != '+' && *text != '-') ||
        sscanf(text + 1, "%2d:%2d%n", &hours, &minutes, &end) != 2 || end != 5)
        return -1;
    *s -= (*text == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
    return 0;
}

static int time_of(const char *text, int64_t *s)
{
    struct tm tm = {0};
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M", &tm);
    char *end;

    if (!rest)
        rest = strptime(text, "%Y-%m-%d %H:%M", &tm);
    if (rest && strncmp(rest, ":00", 3) == 0)
        rest += 3;
    if (rest)
        return zone_of(rest, &tm, s);
    errno = 0;
    *s = strtoll(text, &end, 10);
    return end == text || *end || errno || *s < 0 ? -1 : 0;
}

static int add(struct tariff_series *series, int64_t from_s, int64_t value)
{
    struct value *values = series->values;

    if ((series->count & (series->count - 1)) == 0) {
        size_t room = series->count ? 2 * series->count : 1;

        values = realloc(values, room * sizeof *values);
        if (!values)
            return -1;
        series->values = values;
    }
    values[series->count++] = (struct value){from_s, value};
    return 0;
}

/* What is wrong with a line; NULL: nothing. */
static const char *take_line(struct tariff_series *series, char *line, int places,
                             int number)
{
    char *comma = strchr(line, ','), *value;
    int64_t from_s, amount;

    if (!line[0] || line[0] == '#')
        return NULL;
    if (!comma)
        return "there is no comma; a line is TIME,VALUE";
    *comma = '\0';
    value = comma + 1 + strspn(comma + 1, " ");
    if (time_of(line, &from_s) < 0)
        return number == 1 ? NULL
                           : "this is no time; write 2026-11-01T00:15 (local), "
                             "2026-11-01T00:15Z or 2026-11-01T00:15+01:00";
    if (decimal_parse(value, places, &amount) < 0)
        return places == 6 ? "its value is no decimal number with at most 6 places"
                           : "its value is no decimal number with at most 3 places";
    if (series->count > 0 && series->values[series->count - 1].from_s >= from_s)
        return "it is not later than the line before it";
    if (series->count == LARGEST)
        return "there are too many lines";
    return add(series, from_s, amount) < 0 ? "there is no memory for it" : NULL;
}

struct tariff_series *tariff_series_read(const char *file, int places,
                                         char why[TARIFF_SERIES_WHY])
{
    struct tariff_series *series = calloc(1, sizeof *series);
    FILE *in = fopen(file, "re");
    const char *wrong = NULL;
    char line[256];
    int number = 0;

    if (!in)
        snprintf(why, TARIFF_SERIES_WHY, "%.200s cannot be read: %s", file,
                 strerror(errno));
    while (in && series && !wrong && fgets(line, sizeof line, in)) {
        line[strcspn(line, "\r\n")] = '\0';
        wrong = take_line(series, line, places, ++number);
    }
    if (in && series && !wrong && series->count == 0)
        wrong = "there is no value in it";
    if (wrong)
        snprintf(why, TARIFF_SERIES_WHY, "%.140s:%d: %s", file, number, wrong);
    if (in)
        fclose(in);
    if (in && series && !wrong)
        return series;
    tariff_series_free(series);
    return NULL;
}

void tariff_series_free(struct tariff_series *series)
{
    if (!series)
        return;
    free(series->values);
    free(series);
}

bool tariff_series_at(const struct tariff_series *series, int64_t at_s, int64_t *value)
{
    size_t from = 0, until = series->count;

    while (from < until) {
        size_t middle = from + (until - from) / 2;

        if (series->values[middle].from_s <= at_s)
            from = middle + 1;
        else
            until = middle;
    }
    if (from == 0 || at_s >= series->values[from - 1].from_s + HOLDS_S)
        return false;
    *value = series->values[from - 1].value;
    return true;
}
