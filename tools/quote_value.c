/* quote_value.c - what stands after sbatch's options */
#include "tools/quote_value.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "plugin/gpus.h"

/* More than any cluster has of anything; kwotad takes no larger number. */
#define MOST INT64_C(1000000000)

/* Slurm's MaxArraySize is at most one more. */
#define MOST_INDEX 4000000

/* Reads digits; false: there are none, or the number is too large. */
static bool digits(const char **text, int64_t *value)
{
    const char *from = *text;

    *value = 0;
    for (; isdigit((unsigned char)**text); (*text)++)
        if ((*value = *value * 10 + (**text - '0')) > MOST)
            return false;
    return *text > from;
}

/* "H:M:S" and the like: up to three numbers with colons; how many, or -1. */
static int clock_parts(const char *text, int64_t parts[3])
{
    for (int n = 0; n < 3; n++) {
        if (!digits(&text, &parts[n]))
            return -1;
        if (*text == '\0')
            return n + 1;
        if (*text++ != ':')
            return -1;
    }
    return -1;
}

static int clock_s(const char *text, bool after_days, int64_t *s)
{
    int64_t p[3] = {0, 0, 0};
    int n = clock_parts(text, p);

    if (n < 0)
        return -1;
    if (after_days || n == 3)
        *s = p[0] * 3600 + p[1] * 60 + p[2];
    else
        *s = p[0] * 60 + p[1];
    return 0;
}

int quote_time(const char *text, int64_t *s)
{
    int64_t days = 0;
    const char *at = text;

    *s = 0;
    if (strcasecmp(text, "UNLIMITED") == 0 || strcasecmp(text, "INFINITE") == 0 ||
        strcmp(text, "-1") == 0)
        return 0;
    if (strchr(text, '-')) {
        if (!digits(&at, &days) || *at++ != '-')
            return -1;
        if (days > MOST / 86400)
            return -1;
    }
    if (clock_s(at, at > text, s) < 0)
        return -1;
    *s = (*s + days * 86400 + 59) / 60 * 60;
    return *s > MOST ? -1 : 0;
}

/* One item of an array's list: "3", "5-7", "0-15:4". Marks its tasks. */
static int mark_tasks(const char **text, unsigned char *marked)
{
    int64_t from, until, step = 1;

    if (!digits(text, &from))
        return -1;
    until = from;
    if (**text == '-') {
        (*text)++;
        if (!digits(text, &until))
            return -1;
        if (**text == ':') {
            (*text)++;
            if (!digits(text, &step))
                return -1;
        }
    }
    if (until < from || until > MOST_INDEX || step < 1)
        return -1;
    for (; from <= until; from += step)
        marked[from] = 1;
    return 0;
}

/* "%4" at a list's end: so many at once, which changes nothing of what they use. */
static bool ends(const char *text)
{
    int64_t limit;

    if (*text == '\0')
        return true;
    return *text++ == '%' && digits(&text, &limit) && limit > 0 && *text == '\0';
}

int quote_array(const char *text, int64_t *count)
{
    unsigned char *marked = calloc(MOST_INDEX + 1, 1);
    int rc = marked ? mark_tasks(&text, marked) : -1;

    while (rc == 0 && *text == ',') {
        text++;
        rc = mark_tasks(&text, marked);
    }
    if (rc == 0 && !ends(text))
        rc = -1;
    *count = 0;
    for (int i = 0; rc == 0 && i <= MOST_INDEX; i++)
        *count += marked[i];
    free(marked);
    return rc;
}

/* A number with Slurm's k or m: of 1024s. */
static bool scaled(const char **text, int64_t *value)
{
    if (!digits(text, value))
        return false;
    if (**text == 'k' || **text == 'K') {
        *value *= 1024;
        (*text)++;
    } else if (**text == 'm' || **text == 'M') {
        *value *= 1024 * 1024;
        (*text)++;
    }
    return *value >= 1 && *value <= MOST;
}

int quote_count(const char *text, int64_t *count)
{
    return scaled(&text, count) && *text == '\0' ? 0 : -1;
}

int quote_nodes(const char *text, int64_t *least)
{
    int64_t before, next;

    if (!scaled(&text, least))
        return -1;
    before = *least;
    while (*text == '-' || *text == ',' || *text == ':') {
        char separator = *text++;

        if (!scaled(&text, &next) || (separator == '-' && next < before))
            return -1;
        before = next;
    }
    return *text == '\0' ? 0 : -1;
}

/* "a100:2" or "2": an amount, perhaps of a type. */
static bool is_amount(const char *text, size_t length)
{
    const char *colon = memrchr(text, ':', length);
    const char *number = colon ? colon + 1 : text, *end = text + length;

    if (colon == text || number == end)
        return false;
    for (; number < end; number++)
        if (!isdigit((unsigned char)*number))
            return false;
    return true;
}

int quote_gpus(const char *text, int64_t *count)
{
    *count = 0;
    for (;;) {
        size_t length = strcspn(text, ",");
        char item[128];
        int64_t gpus;

        if (length > 100 || !is_amount(text, length))
            return -1;
        snprintf(item, sizeof item, "gpu:%.*s", (int)length, text);
        gpus = gpus_requested(item);
        if (gpus == GPUS_UNKNOWN)
            return -1;
        *count += gpus;
        if (!text[length])
            return *count > MOST ? -1 : 0;
        text += length + 1;
    }
}

int quote_gres(const char *text, int64_t *count)
{
    *count = gpus_requested(text);
    return *count == GPUS_UNKNOWN || *count > MOST ? -1 : 0;
}
