/* counter.c - what a source of energy counters offers the meter */
#include "plugin/meter/counter.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "plugin/meter/source/powercap.h"

const char *counter_kind_name(enum counter_kind kind)
{
    static const char *const names[COUNTER_KINDS] = {"package", "dram", "gpu",
                                                     "platform", "core"};

    return kind < COUNTER_KINDS ? names[kind] : "unknown";
}

static int no_value(struct counter *counter, const char *why)
{
    snprintf(counter->reason, sizeof counter->reason, "%s", why);
    return -1;
}

/* Decimal digits, then the end of the line: nothing else is a reading. */
static int parse(struct counter *counter, const char *text, int64_t *uj)
{
    int64_t value = 0;
    const char *at = text;

    if (!isdigit((unsigned char)*at))
        return no_value(counter, *at ? "the counter file holds no number"
                                     : "the counter file is empty");
    for (; isdigit((unsigned char)*at); at++)
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, *at - '0', &value))
            return no_value(counter, "the counter file holds too large a number");
    if (*at != '\n' && *at != '\0')
        return no_value(counter, "the counter file holds no whole number");
    if (counter->range_uj > 0 && value > counter->range_uj)
        return no_value(counter, "the counter is beyond its own range");
    *uj = value;
    return 0;
}

int counter_read(struct counter *counter, int64_t *uj)
{
    char text[64];
    ssize_t len;

    if (counter->fd < 0)
        return -1;
    len = pread(counter->fd, text, sizeof text - 1, 0);
    if (len < 0)
        return no_value(counter, strerror(errno));
    text[len] = '\0';
    if (parse(counter, text, uj) < 0)
        return -1;
    if (counter->charged)
        counter->reason[0] = '\0';
    return 0;
}

void counter_close(struct counter *counter)
{
    if (counter->fd >= 0)
        close(counter->fd);
    counter->fd = -1;
}

int counter_find(const char *root, struct counter counters[COUNTER_MAX])
{
    return powercap_find(root, counters, COUNTER_MAX);
}
