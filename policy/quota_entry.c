/* quota_entry.c - a quota as JSON: an entry of the file that `kwota quota apply` takes
 */
#include "policy/quota_entry.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "policy/amount.h"

#define MOST_DAYS 3660

static const char *const keys[] = {
    "cluster", "account", "user",  "partitions",    "limit",         "period",
    "days",    "from",    "until", "carry_percent", "borrow_percent"};

int quota_entry_mistake(json_t *mistakes, const char *where, const char *key,
                        const char *format, ...)
{
    char sentence[512];
    va_list ap;

    va_start(ap, format);
    vsnprintf(sentence, sizeof sentence, format, ap);
    va_end(ap);
    json_array_append_new(
        mistakes, json_sprintf("%s%s%s%s%s", where, key && where[0] ? "." : "",
                               key ? key : "", where[0] || key ? ": " : "", sentence));
    return -1;
}

/* A name: Slurm's have no control characters. */
static int take_name(const json_t *entry, const char *where, const char *key,
                     char name[QUOTA_NAME], json_t *mistakes)
{
    const json_t *value = json_object_get(entry, key);
    const char *text = json_string_value(value);

    name[0] = '\0';
    if (!value)
        return 0;
    if (!text)
        return quota_entry_mistake(mistakes, where, key, "a name in quotes is meant");
    if (strlen(text) >= QUOTA_NAME)
        return quota_entry_mistake(mistakes, where, key,
                                   "a name has at most %d letters", QUOTA_NAME - 1);
    for (const char *c = text; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            return quota_entry_mistake(mistakes, where, key,
                                       "a name has no control characters");
    snprintf(name, QUOTA_NAME, "%s", text);
    return 0;
}

static int check_keys(const json_t *entry, const char *where, json_t *mistakes)
{
    const char *key;
    json_t *value;
    int rc = 0;

    json_object_foreach((json_t *)entry, key, value)
    {
        size_t i = 0, n = sizeof keys / sizeof *keys;

        while (i < n && strcmp(keys[i], key) != 0)
            i++;
        if (i == n)
            rc = quota_entry_mistake(
                mistakes, where, key,
                "there is no such key; there are cluster, account, user, partitions, "
                "limit, period, days, from, until, carry_percent and borrow_percent");
    }
    return rc;
}

int quota_entry_key(const json_t *entry, const char *where, struct quota *quota,
                    json_t *mistakes)
{
    int rc;

    memset(quota, 0, sizeof *quota);
    if (!json_is_object(entry))
        return quota_entry_mistake(mistakes, where, NULL, "a quota is an object");
    rc = check_keys(entry, where, mistakes);
    rc |= take_name(entry, where, "cluster", quota->cluster, mistakes);
    rc |= take_name(entry, where, "account", quota->account, mistakes);
    rc |= take_name(entry, where, "user", quota->user, mistakes);
    rc |= take_name(entry, where, "partitions", quota->class, mistakes);
    if (rc == 0 && !quota->account[0] && !quota->user[0])
        rc = quota_entry_mistake(mistakes, where, "account",
                                 "a quota is for an account, a user or both");
    return rc;
}

static int take_limit(const json_t *entry, const char *where, bool is_new,
                      struct quota *quota, json_t *mistakes)
{
    const json_t *value = json_object_get(entry, "limit");
    char why[AMOUNT_WHY];

    if (!value && !is_new)
        return 0;
    if (!json_is_string(value))
        return quota_entry_mistake(mistakes, where, "limit",
                                   "an amount in quotes is meant, such as \"1000kWh\"");
    if (amount_parse(json_string_value(value), false, &quota->mj, why) < 0)
        return quota_entry_mistake(mistakes, where, "limit", "%s", why);
    return 0;
}

static int take_number(const json_t *entry, const char *where, const char *key,
                       int64_t least, int64_t most, int64_t *number, json_t *mistakes)
{
    const json_t *value = json_object_get(entry, key);

    if (!value)
        return 0;
    if (!json_is_integer(value) || json_integer_value(value) < least ||
        json_integer_value(value) > most)
        return quota_entry_mistake(mistakes, where, key,
                                   "a whole number from %lld to %lld is meant",
                                   (long long)least, (long long)most);
    *number = json_integer_value(value);
    return 0;
}

static int take_day(const json_t *entry, const char *where, const char *key, int64_t *s,
                    json_t *mistakes)
{
    const char *text = json_string_value(json_object_get(entry, key));

    if (!json_object_get(entry, key)) {
        if (*s)
            return 0;
        return quota_entry_mistake(mistakes, where, key,
                                   "a fixed quota has a day from which and one until "
                                   "which it is, such as \"2026-01-01\"");
    }
    if (!text || period_day(text, s) < 0)
        return quota_entry_mistake(
            mistakes, where, key,
            "a day is meant, \"2026-01-01\", or a quarter-hour, \"2026-01-01T12:15\"");
    return 0;
}

/* The keys that go with one kind of period only. */
static int check_period_keys(const json_t *entry, const char *where,
                             enum period_kind kind, json_t *mistakes)
{
    static const struct {
        const char *key;
        enum period_kind kind;
        const char *text;
    } belongs[] = {{"days", PERIOD_ROLLING, "rolling"},
                   {"from", PERIOD_FIXED, "fixed"},
                   {"until", PERIOD_FIXED, "fixed"}};
    int rc = 0;

    for (size_t i = 0; i < sizeof belongs / sizeof *belongs; i++)
        if (kind != belongs[i].kind && json_object_get(entry, belongs[i].key))
            rc = quota_entry_mistake(mistakes, where, belongs[i].key,
                                     "this goes with \"period\":\"%s\" only",
                                     belongs[i].text);
    return rc;
}

static int take_kind(const json_t *entry, const char *where, bool is_new,
                     struct quota *quota, json_t *mistakes)
{
    const json_t *value = json_object_get(entry, "period");
    const char *text = json_string_value(value);
    enum period_kind kind;

    if (!value && !is_new)
        return 0;
    if (!text || period_parse(text, &kind) < 0)
        return quota_entry_mistake(mistakes, where, "period",
                                   "month, quarter, year, rolling or fixed is meant");
    if (is_new || kind != quota->period.kind) {
        memset(&quota->period, 0, sizeof quota->period);
        quota->period.kind = kind;
        if (kind == PERIOD_ROLLING || kind == PERIOD_FIXED)
            quota->carry_percent = quota->borrow_percent = 0;
    }
    return 0;
}

static int take_period(const json_t *entry, const char *where, struct quota *quota,
                       json_t *mistakes)
{
    struct period *period = &quota->period;
    int rc = check_period_keys(entry, where, period->kind, mistakes);

    if (period->kind == PERIOD_ROLLING) {
        rc |= take_number(entry, where, "days", 1, MOST_DAYS, &period->days, mistakes);
        if (rc == 0 && period->days == 0)
            rc = quota_entry_mistake(mistakes, where, "days",
                                     "a rolling quota is for so many days");
    }
    if (period->kind == PERIOD_FIXED) {
        rc |= take_day(entry, where, "from", &period->from_s, mistakes);
        rc |= take_day(entry, where, "until", &period->until_s, mistakes);
        if (rc == 0 && period->until_s <= period->from_s)
            rc = quota_entry_mistake(mistakes, where, "until",
                                     "it must be later than from");
    }
    return rc;
}

static int take_percents(const json_t *entry, const char *where, struct quota *quota,
                         json_t *mistakes)
{
    bool turns =
        quota->period.kind != PERIOD_ROLLING && quota->period.kind != PERIOD_FIXED;
    int rc = take_number(entry, where, "carry_percent", 0, 100, &quota->carry_percent,
                         mistakes);

    rc |= take_number(entry, where, "borrow_percent", 0, 100, &quota->borrow_percent,
                      mistakes);
    if (rc == 0 && !turns && (quota->carry_percent || quota->borrow_percent))
        rc = quota_entry_mistake(
            mistakes, where, quota->carry_percent ? "carry_percent" : "borrow_percent",
            "a %s quota has no period before or after it",
            period_text(quota->period.kind));
    return rc;
}

int quota_entry_terms(const json_t *entry, const char *where, bool is_new,
                      struct quota *quota, json_t *mistakes)
{
    int rc = take_limit(entry, where, is_new, quota, mistakes);

    if (take_kind(entry, where, is_new, quota, mistakes) < 0)
        return -1;
    rc |= take_period(entry, where, quota, mistakes);
    rc |= take_percents(entry, where, quota, mistakes);
    return rc;
}

static void set_name(json_t *entry, const char *key, const char *name)
{
    if (name[0])
        json_object_set_new(entry, key, json_string(name));
}

static void set_day(json_t *entry, const char *key, int64_t s)
{
    char day[PERIOD_DAY];

    json_object_set_new(entry, key, json_string(period_day_text(s, day, sizeof day)));
}

json_t *quota_entry(const struct quota *quota)
{
    json_t *entry = json_object();
    char limit[AMOUNT_TEXT];

    set_name(entry, "cluster", quota->cluster);
    set_name(entry, "account", quota->account);
    set_name(entry, "user", quota->user);
    set_name(entry, "partitions", quota->class);
    json_object_set_new(entry, "limit",
                        json_string(amount_text(quota->mj, limit, sizeof limit)));
    json_object_set_new(entry, "period", json_string(period_text(quota->period.kind)));
    if (quota->period.kind == PERIOD_ROLLING)
        json_object_set_new(entry, "days", json_integer(quota->period.days));
    if (quota->period.kind == PERIOD_FIXED) {
        set_day(entry, "from", quota->period.from_s);
        set_day(entry, "until", quota->period.until_s);
    }
    if (quota->carry_percent)
        json_object_set_new(entry, "carry_percent", json_integer(quota->carry_percent));
    if (quota->borrow_percent)
        json_object_set_new(entry, "borrow_percent",
                            json_integer(quota->borrow_percent));
    return entry;
}
