/* openmetrics_reader.h - reads OpenMetrics text, and fails a test where it is not right
 *
 * Stricter than the format: each family has TYPE, UNIT (where its name ends in one) and
 * HELP in this order, and at least its own samples right behind them.
 */
#ifndef KWOTA_OPENMETRICS_READER_H
#define KWOTA_OPENMETRICS_READER_H

#include <ctype.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct reader {
    json_t *families; /* {"kwota_runs":"gauge"} */
    json_t *samples;  /* {"kwota_runs{state=\"running\"}":"5"} */
    char family[128], type[32];
};

/* The name's end after `family`, with which a type's samples are named. */
static inline const char *reader_suffix(const char *type)
{
    return strcmp(type, "counter") == 0 ? "_total"
           : strcmp(type, "info") == 0  ? "_info"
                                        : "";
}

static inline void reader_comment(struct reader *r, const char *line)
{
    static const char *const units[] = {"joules", "watts", "seconds", "bytes"};
    char word[8], name[128], rest[256];

    assert_int_equal(sscanf(line, "# %7s %127s %255[^\n]", word, name, rest), 3);
    if (strcmp(word, "TYPE") == 0) {
        /* A family's samples stand together. */
        assert_null(json_object_get(r->families, name));
        assert_true(strcmp(rest, "gauge") == 0 || strcmp(rest, "counter") == 0 ||
                    strcmp(rest, "info") == 0);
        snprintf(r->family, sizeof r->family, "%s", name);
        snprintf(r->type, sizeof r->type, "%s", rest);
        json_object_set_new(r->families, name, json_string(rest));
        return;
    }
    assert_string_equal(name, r->family);
    if (strcmp(word, "UNIT") != 0) {
        assert_string_equal(word, "HELP");
        return;
    }
    assert_string_equal(name + strlen(name) - strlen(rest), rest);
    assert_int_equal(name[strlen(name) - strlen(rest) - 1], '_');
    for (size_t u = 0; u < sizeof units / sizeof *units; u++)
        if (strcmp(units[u], rest) == 0)
            return;
    fail_msg("unit %s is none of OpenMetrics'", rest);
}

/* Past '{a="b",c="d"}'. */
static inline const char *reader_labels(const char *at)
{
    do {
        at++;
        assert_true(isalpha((unsigned char)*at));
        while (isalnum((unsigned char)*at) || *at == '_')
            at++;
        assert_int_equal(*at++, '=');
        assert_int_equal(*at++, '"');
        while (*at != '"') {
            assert_true(*at);
            if (*at == '\\')
                assert_non_null(strchr("n\"\\", *++at));
            at++;
        }
        at++;
    } while (*at == ',');
    assert_int_equal(*at++, '}');
    return at;
}

static inline void reader_sample(struct reader *r, const char *line)
{
    size_t name = strcspn(line, "{ ");
    const char *at = line + name, *value;
    char wanted[160], key[512];

    snprintf(wanted, sizeof wanted, "%s%s", r->family, reader_suffix(r->type));
    assert_int_equal(name, strlen(wanted));
    assert_memory_equal(line, wanted, name);
    if (*at == '{')
        at = reader_labels(at);
    snprintf(key, sizeof key, "%.*s", (int)(at - line), line);
    assert_int_equal(*at++, ' ');
    value = at;
    if (*at == '-') {
        assert_string_not_equal(r->type, "counter");
        at++;
    }
    assert_true(isdigit((unsigned char)*at));
    at += strspn(at, "0123456789");
    if (*at == '.')
        at += 1 + strspn(at + 1, "0123456789");
    assert_int_equal(*at, '\0');
    /* No sample twice. */
    assert_null(json_object_get(r->samples, key));
    json_object_set_new(r->samples, key, json_string(value));
}

static inline void reader_read(struct reader *r, const char *text)
{
    char *copy = strdup(text), *rest = copy, *line;
    bool over = false;

    *r = (struct reader){.families = json_object(), .samples = json_object()};
    assert_int_equal(text[strlen(text) - 1], '\n');
    while ((line = strsep(&rest, "\n")) && *line) {
        assert_false(over);
        over = strcmp(line, "# EOF") == 0;
        if (line[0] == '#' && !over)
            reader_comment(r, line);
        else if (!over)
            reader_sample(r, line);
    }
    assert_true(over);
    free(copy);
}

static inline void reader_done(struct reader *r)
{
    json_decref(r->families);
    json_decref(r->samples);
}

/* A sample in units of 10^-places; INT64_MIN: there is none. */
static inline int64_t reader_value(const struct reader *r, const char *sample,
                                   int places)
{
    const char *text = json_string_value(json_object_get(r->samples, sample));
    int64_t value = 0;
    bool point = false;

    if (!text)
        return INT64_MIN;
    for (const char *at = text + (*text == '-'); *at; at++) {
        if (*at == '.') {
            point = true;
            continue;
        }
        value = value * 10 + (*at - '0');
        places -= point;
    }
    assert_true(places >= 0);
    while (places-- > 0)
        value *= 10;
    return *text == '-' ? -value : value;
}

/* The sum over a family's samples. */
static inline int64_t reader_sum(const struct reader *r, const char *name, int places)
{
    const char *key;
    json_t *value;
    int64_t sum = 0;

    json_object_foreach(r->samples, key, value)
    {
        if (strncmp(key, name, strlen(name)) == 0 &&
            (key[strlen(name)] == '{' || key[strlen(name)] == '\0'))
            sum += reader_value(r, key, places);
    }
    return sum;
}

#endif
