/* text.c - the few forms of text in which counters and cgroups tell numbers */
#include "plugin/meter/text.h"

#include <string.h>

/* A text being read from left to right. */
struct cursor {
    const char *at, *end;
};

static bool is_digit(const struct cursor *c)
{
    return c->at < c->end && *c->at >= '0' && *c->at <= '9';
}

static void skip_spaces(struct cursor *c)
{
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\t'))
        c->at++;
}

static bool at_line_end(const struct cursor *c)
{
    return c->at == c->end || *c->at == '\n';
}

static int fail(const char **why, const char *sentence)
{
    *why = sentence;
    return -1;
}

static int take_number(struct cursor *c, int64_t *value, const char **why)
{
    int64_t sum = 0;

    if (c->at == c->end)
        return fail(why, "it is empty");
    if (*c->at == '-')
        return fail(why, "it holds a negative number");
    if (!is_digit(c))
        return fail(why, "it holds no number");
    for (; is_digit(c); c->at++)
        if (__builtin_mul_overflow(sum, 10, &sum) ||
            __builtin_add_overflow(sum, *c->at - '0', &sum))
            return fail(why, "it holds too large a number");
    *value = sum;
    return 0;
}

static bool take_word(struct cursor *c, const char *word)
{
    size_t length = strlen(word);

    if ((size_t)(c->end - c->at) < length || memcmp(c->at, word, length) != 0)
        return false;
    c->at += length;
    return true;
}

int text_number(const char *text, size_t length, int64_t *value, const char **why)
{
    struct cursor c = {text, text + length};
    int64_t number;

    if (take_number(&c, &number, why) < 0)
        return -1;
    if (c.at < c.end && *c.at == '\n')
        c.at++;
    if (c.at != c.end)
        return fail(why, "it holds more than a whole number");
    *value = number;
    return 0;
}

int text_signed(const char *text, size_t length, int64_t *value, const char **why)
{
    bool negative = length > 0 && text[0] == '-';

    if (text_number(text + negative, length - negative, value, why) < 0)
        return -1;
    if (negative)
        *value = -*value;
    return 0;
}

int text_pm_counter(const char *text, size_t length, const char *unit, int64_t *value,
                    int64_t *stamp_us, const char **why)
{
    struct cursor c = {text, text + length};
    int64_t number, stamp = 0;

    if (take_number(&c, &number, why) < 0)
        return -1;
    skip_spaces(&c);
    if (!at_line_end(&c)) {
        if (!take_word(&c, unit))
            return fail(why, "its unit is not the expected one");
        skip_spaces(&c);
    }
    if (!at_line_end(&c)) {
        if (take_number(&c, &stamp, why) < 0)
            return -1;
        skip_spaces(&c);
        if (!take_word(&c, "us"))
            return fail(why, "its time stamp is not in microseconds");
        skip_spaces(&c);
    }
    if (c.at < c.end && *c.at == '\n')
        c.at++;
    if (c.at != c.end)
        return fail(why, "it holds more than a value, a unit and a time");
    *value = number;
    *stamp_us = stamp;
    return 0;
}

/* The cursor just behind `key` at the beginning of a line. */
static bool find_line(const char *text, size_t length, const char *key,
                      struct cursor *c)
{
    const char *line = text, *end = text + length;

    while (line < end) {
        *c = (struct cursor){line, end};
        if (take_word(c, key))
            return true;
        line = memchr(line, '\n', (size_t)(end - line));
        if (!line)
            return false;
        line++;
    }
    return false;
}

int text_cpu_stat(const char *text, size_t length, int64_t *ns, const char **why)
{
    struct cursor c;
    int64_t us;

    if (!find_line(text, length, "usage_usec ", &c))
        return fail(why, "it has no usage_usec");
    if (take_number(&c, &us, why) < 0)
        return -1;
    if (!at_line_end(&c))
        return fail(why, "usage_usec is no whole number");
    if (__builtin_mul_overflow(us, 1000, ns))
        return fail(why, "usage_usec is too large a number");
    return 0;
}

int text_proc_stat(const char *text, size_t length, int64_t *ticks, int64_t *cpus,
                   const char **why)
{
    /* user nice system idle iowait irq softirq: proc(5). Guest time lies in user, time
     * stolen by a hypervisor heats other nodes. */
    static const bool busy[] = {true, true, true, false, false, true, true};
    struct cursor c;
    int64_t sum = 0, count = 0;

    if (!find_line(text, length, "cpu ", &c))
        return fail(why, "it has no line for all CPUs");
    for (size_t i = 0; i < sizeof busy; i++) {
        int64_t value;

        skip_spaces(&c);
        if (take_number(&c, &value, why) < 0)
            return -1;
        if (busy[i] && __builtin_add_overflow(sum, value, &sum))
            return fail(why, "it holds too large a number");
    }
    for (const char *at = text; at;) {
        at = memchr(at, '\n', (size_t)(text + length - at));
        if (at && text + length - ++at >= 4 && memcmp(at, "cpu", 3) == 0 &&
            at[3] >= '0' && at[3] <= '9')
            count++;
        else if (at && (text + length - at < 3 || memcmp(at, "cpu", 3) != 0))
            break;
    }
    *ticks = sum;
    *cpus = count;
    return 0;
}

/* "Key   : 164 Watts" or "Key:   164 Watts", after blanks at the line's start. */
static bool find_field(const char *text, size_t length, const char *key,
                       struct cursor *c)
{
    const char *line = text, *end = text + length;

    while (line && line < end) {
        *c = (struct cursor){line, end};
        skip_spaces(c);
        if (take_word(c, key)) {
            skip_spaces(c);
            if (take_word(c, ":")) {
                skip_spaces(c);
                return true;
            }
        }
        line = memchr(line, '\n', (size_t)(end - line));
        line = line ? line + 1 : NULL;
    }
    return false;
}

static bool find_either(const char *text, size_t length, const char *key,
                        const char *other, struct cursor *c)
{
    return find_field(text, length, key, c) || find_field(text, length, other, c);
}

static int take_watts(struct cursor *c, int64_t *mw, const char **why)
{
    int64_t watts;

    if (take_number(c, &watts, why) < 0)
        return -1;
    skip_spaces(c);
    if (!take_word(c, "Watts") && !take_word(c, "watts"))
        return fail(why, "the power is not in watts");
    /* No node draws more; a BMC that says so is wrong. */
    if (watts > 1000000)
        return fail(why, "it says more than a megawatt");
    *mw = watts * 1000;
    return 0;
}

static bool is_off(const struct cursor *state)
{
    struct cursor c = *state;

    return !take_word(&c, "activated") && !take_word(&c, "Active") &&
           !take_word(&c, "active");
}

int text_dcmi(const char *text, size_t length, int64_t *mw, int64_t *period_ms,
              const char **why)
{
    struct cursor c;
    int64_t now_mw, period = 0;

    if (find_either(text, length, "Power Measurement", "Power reading state is", &c) &&
        is_off(&c))
        return fail(why, "the BMC's power measurement is not active");
    if (!find_either(text, length, "Current Power", "Instantaneous power reading", &c))
        return fail(why, "the tool's output has no current power");
    if (take_watts(&c, &now_mw, why) < 0)
        return -1;
    if (now_mw == 0)
        return fail(why, "the BMC says 0 W, which no running node draws");
    if (find_either(text, length, "Statistics reporting time period", "Sampling period",
                    &c)) {
        const char *ignored;

        if (take_number(&c, &period, &ignored) < 0 || period > 86400000)
            period = 0;
        skip_spaces(&c);
        if (take_word(&c, "Seconds") || take_word(&c, "seconds"))
            period *= 1000;
    }
    *mw = now_mw;
    *period_ms = period;
    return 0;
}

uint32_t text_cgroup_job(const char *text, size_t length)
{
    static const char key[] = "/job_";
    const char *end = text + length;

    for (const char *at = text; end - at >= (long)sizeof key; at++) {
        struct cursor c = {at, end};
        const char *ignored;
        int64_t job;

        if (take_word(&c, key) && take_number(&c, &job, &ignored) == 0 && job > 0 &&
            job < UINT32_MAX && (at_line_end(&c) || *c.at == '/'))
            return (uint32_t)job;
    }
    return 0;
}

int text_index_list(const char *text, uint64_t *bits)
{
    struct cursor c = {text, text + strlen(text)};
    const char *ignored;

    *bits = 0;
    while (c.at < c.end) {
        int64_t first, last;

        if (take_number(&c, &first, &ignored) < 0)
            return -1;
        last = first;
        if (take_word(&c, "-") && take_number(&c, &last, &ignored) < 0)
            return -1;
        if (first > last || last > 63)
            return -1;
        for (int64_t i = first; i <= last; i++)
            *bits |= UINT64_C(1) << i;
        if (c.at < c.end && (!take_word(&c, ",") || c.at == c.end))
            return -1;
    }
    return 0;
}
