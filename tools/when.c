/* when.c - times as people write them */
#include "tools/when.h"

#include <stdlib.h>
#include <string.h>

static int64_t local(struct tm *tm)
{
    tm->tm_isdst = -1;
    return (int64_t)mktime(tm);
}

static int relative(const char *text, time_t now, int64_t *s)
{
    static const struct {
        const char *name;
        int64_t s;
    } units[] = {{"second", 1},
                 {"minute", 60},
                 {"hour", 3600},
                 {"day", 86400},
                 {"week", 604800}};
    char *end;
    long n;

    *s = now;
    if (*text == '\0')
        return 0;
    if (*text != '-' && *text != '+')
        return -1;
    n = strtol(text, &end, 10);
    if (end == text + 1 || labs(n) > 100000)
        return -1;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        size_t len = strlen(units[i].name);

        if (strncmp(end, units[i].name, len) == 0 &&
            (end[len] == '\0' || strcmp(end + len, "s") == 0)) {
            *s += n * units[i].s;
            return 0;
        }
    }
    return -1;
}

int when_parse(const char *text, time_t now, int64_t *s)
{
    static const char *const forms[] = {"%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M",
                                        "%Y-%m-%d"};
    struct tm tm;

    if (strncmp(text, "now", 3) == 0)
        return relative(text + 3, now, s);
    if (strcmp(text, "today") == 0) {
        localtime_r(&now, &tm);
        tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
        *s = local(&tm);
        return 0;
    }
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        const char *end;

        memset(&tm, 0, sizeof tm);
        end = strptime(text, forms[i], &tm);
        if (end && *end == '\0') {
            int day = tm.tm_mday, month = tm.tm_mon;

            *s = local(&tm);
            /* mktime() makes March of the 30th of February. */
            return tm.tm_mday == day && tm.tm_mon == month ? 0 : -1;
        }
    }
    return -1;
}

int when_parse_end(const char *text, time_t now, int64_t *s)
{
    struct tm tm, clock = {.tm_hour = 0};
    const char *end = strlen(text) == 5 ? strptime(text, "%H:%M", &clock) : NULL;

    if (!end || *end)
        return when_parse(text, now, s);
    localtime_r(&now, &tm);
    for (int day = 0; day < 2; day++) {
        struct tm at = tm;

        at.tm_mday += day;
        at.tm_hour = clock.tm_hour;
        at.tm_min = clock.tm_min;
        at.tm_sec = 0;
        *s = local(&at);
        if (*s > (int64_t)now)
            break;
    }
    return 0;
}

int64_t when_month(time_t now)
{
    struct tm tm;

    localtime_r(&now, &tm);
    tm.tm_mday = 1;
    tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
    return local(&tm);
}

void when_option(struct argp_state *state, const char *option, const char *arg,
                 int64_t *s)
{
    if (when_parse(arg, time(NULL), s) < 0)
        argp_error(state,
                   "%s: \"%s\" is no time: 2026-11-01, 2026-11-01T12:00, today, now, "
                   "now-7days",
                   option, arg);
}
