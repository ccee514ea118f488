/* quota_text.c - a quota, as an entry of JSON, in words */
#include "tools/quota_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *word(const json_t *entry, const char *key)
{
    const char *text = json_string_value(json_object_get(entry, key));

    return text ? text : "";
}

char *quota_text_name(const json_t *entry, char *text, size_t size)
{
    const char *account = word(entry, "account"), *user = word(entry, "user");
    const char *class = word(entry, "partitions"), *cluster = word(entry, "cluster");

    snprintf(text, size, "%s%s%s%s%s%s%s%s%s", user[0] ? "user " : "", user,
             user[0] && account[0] ? " in " : "", account[0] ? "account " : "", account,
             class[0] ? ", class " : "", class, cluster[0] ? ", cluster " : "",
             cluster);
    return text;
}

char *quota_text_terms(const json_t *entry, char *text, size_t size)
{
    long long carry = json_integer_value(json_object_get(entry, "carry_percent"));
    long long borrow = json_integer_value(json_object_get(entry, "borrow_percent"));
    const char *period = word(entry, "period");
    size_t len;

    if (strcmp(period, "rolling") == 0)
        len = (size_t)snprintf(
            text, size, "%s in any %lld days", word(entry, "limit"),
            (long long)json_integer_value(json_object_get(entry, "days")));
    else if (strcmp(period, "fixed") == 0)
        len = (size_t)snprintf(text, size, "%s from %s until %s", word(entry, "limit"),
                               word(entry, "from"), word(entry, "until"));
    else
        len = (size_t)snprintf(text, size, "%s a %s", word(entry, "limit"), period);
    if (carry && len < size)
        len += (size_t)snprintf(text + len, size - len, ", up to %lld%% carried on",
                                carry);
    if (borrow && len < size)
        snprintf(text + len, size - len, ", up to %lld%% borrowed", borrow);
    return text;
}

static int take_days(const char *text, json_t *entry)
{
    char *end;
    long days = strtol(text, &end, 10);

    if (end == text || days < 1 ||
        (strcmp(end, "days") != 0 && strcmp(end, "day") != 0 && strcmp(end, "d") != 0))
        return -1;
    json_object_set_new(entry, "period", json_string("rolling"));
    json_object_set_new(entry, "days", json_integer(days));
    return 0;
}

int quota_text_period(const char *text, json_t *entry)
{
    static const char *const known[] = {"month", "quarter", "year"};
    const char *dots = strstr(text, "..");

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i], text) == 0)
            return json_object_set_new(entry, "period", json_string(text));
    if (!dots)
        return take_days(text, entry);
    if (dots == text || dots[2] == '\0')
        return -1;
    json_object_set_new(entry, "period", json_string("fixed"));
    json_object_set_new(entry, "from", json_stringn(text, (size_t)(dots - text)));
    json_object_set_new(entry, "until", json_string(dots + 2));
    return 0;
}
