/* metered.c - what others measured in the same time: PDUs, the building's meters */
#include "tools/metered.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policy/amount.h"
#include "policy/energy.h"
#include "tools/when.h"

/* Between the columns; a date and its time may be apart by a space. */
#define APART ",; \t"

static bool is_left_out(const char *line, int number)
{
    line += strspn(line, " \t\"");
    return *line == '\0' || *line == '#' ||
           (number == 1 && isalpha((unsigned char)*line));
}

static int read_time(char *text, int64_t *s)
{
    char *end;

    *s = strtoll(text, &end, 10);
    if (end != text && *end == '\0' && end - text > 6)
        return 0;
    if (strlen(text) > 10 && text[10] == ' ')
        text[10] = 'T';
    return when_parse(text, time(NULL), s);
}

/* "TIME,KWH" in place. */
static int read_line(char *line, int64_t *s, int64_t *mj, char why[METERED_WHY])
{
    char amount[64], because[AMOUNT_WHY], *kwh;
    size_t length;

    for (char *quote = line; (quote = strchr(quote, '"'));)
        memmove(quote, quote + 1, strlen(quote));
    length = strlen(line);
    while (length > 0 && strchr(APART "\r\n", line[length - 1]))
        line[--length] = '\0';
    kwh = line + length;
    while (kwh > line && !strchr(APART, kwh[-1]))
        kwh--;
    length = (size_t)(kwh - line);
    while (length > 0 && strchr(APART, line[length - 1]))
        line[--length] = '\0';
    if (length == 0 || read_time(line, s) < 0) {
        snprintf(why, METERED_WHY, "\"%.40s\" is no time: 2026-11-01T12:00 is one",
                 line);
        return -1;
    }
    snprintf(amount, sizeof amount, "%.40skWh", kwh);
    if (amount_parse(amount, false, mj, because) == 0)
        return 0;
    snprintf(why, METERED_WHY, "%.150s", because);
    return -1;
}

static int read_all(FILE *file, const char *path, int64_t start_s, int64_t end_s,
                    int64_t *mj, int64_t *lines, char why[METERED_WHY])
{
    char line[256], because[METERED_WHY];

    for (int number = 1; fgets(line, sizeof line, file); number++) {
        int64_t s, more;

        line[strcspn(line, "\r\n")] = '\0';
        if (is_left_out(line, number))
            continue;
        if (read_line(line, &s, &more, because) < 0) {
            snprintf(why, METERED_WHY, "%.80s:%d: %.160s", path, number, because);
            return -1;
        }
        if (s < start_s || s >= end_s)
            continue;
        *mj = energy_add(*mj, more);
        ++*lines;
    }
    if (!ferror(file))
        return 0;
    snprintf(why, METERED_WHY, "%.120s: %s", path, strerror(errno));
    return -1;
}

int metered_read(const char *path, int64_t start_s, int64_t end_s, int64_t *mj,
                 int64_t *lines, char why[METERED_WHY])
{
    FILE *file = fopen(path, "r");
    int rc;

    *mj = *lines = 0;
    if (!file) {
        snprintf(why, METERED_WHY, "%.120s: %s", path, strerror(errno));
        return -1;
    }
    rc = read_all(file, path, start_s, end_s, mj, lines, why);
    fclose(file);
    if (rc == 0 && *lines == 0) {
        snprintf(why, METERED_WHY,
                 "%.120s has no line of the report's time: its times are when what was "
                 "used began",
                 path);
        rc = -1;
    }
    return rc;
}
