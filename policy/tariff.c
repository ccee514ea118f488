/* tariff.c - what a kilowatt-hour costs, and what it causes, by account and time */
#include "policy/tariff.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "policy/decimal.h"

void tariff_free(struct tariff *tariff)
{
    if (!tariff)
        return;
    for (int r = 0; r < tariff->rule_count; r++) {
        struct tariff_rule *rule = &tariff->rules[r];

        free(rule->account);
        free(rule->between);
        free(rule->days);
        free(rule->file);
        tariff_series_free(rule->series);
    }
    free(tariff->rules);
    free(tariff->since);
    free(tariff->co2_file);
    tariff_series_free(tariff->co2_series);
    free(tariff);
}

/* How far above the job the rule's account is; INT_MAX: it names none; -1: it is not
 * about the job. */
static int distance(const struct tariff_rule *rule, const char *const *accounts)
{
    if (!rule->account)
        return INT_MAX;
    for (int i = 0; accounts && accounts[i]; i++)
        if (strcmp(accounts[i], rule->account) == 0)
            return i;
    return -1;
}

int64_t tariff_price_u(const struct tariff *tariff, const char *const *accounts,
                       int64_t quarter_s)
{
    int64_t price_u = tariff->price_u, of_file;
    int nearest = INT_MAX;

    for (int r = 0; r < tariff->rule_count; r++) {
        const struct tariff_rule *rule = &tariff->rules[r];
        int far = distance(rule, accounts);

        if (far < 0 || far > nearest || !daytime_holds(&rule->when, quarter_s))
            continue;
        /* One kept in the ledger may have a file that is there no more. */
        if (rule->file &&
            (!rule->series || !tariff_series_at(rule->series, quarter_s, &of_file)))
            continue;
        price_u = rule->series ? of_file : rule->price_u;
        nearest = far;
    }
    return price_u;
}

int64_t tariff_co2_mg(const struct tariff *tariff, int64_t quarter_s)
{
    int64_t mg;

    if (tariff->co2_series && tariff_series_at(tariff->co2_series, quarter_s, &mg))
        return mg;
    return tariff->co2_mg;
}

static json_t *amount(int64_t value, int places)
{
    char text[DECIMAL_TEXT];

    return json_string(decimal_text(value, places, 0, text));
}

static void set(json_t *object, const char *key, const char *text)
{
    if (text)
        json_object_set_new(object, key, json_string(text));
}

static json_t *show_rule(const struct tariff_rule *rule)
{
    json_t *json = json_object();

    set(json, "account", rule->account);
    set(json, "between", rule->between);
    set(json, "days", rule->days);
    set(json, "file", rule->file);
    if (!rule->file)
        json_object_set_new(json, "price", amount(rule->price_u, TARIFF_PRICE_PLACES));
    return json;
}

json_t *tariff_show(const struct tariff *tariff)
{
    json_t *json = json_object(), *rules;

    if (!tariff)
        return json;
    json_object_set_new(json, "currency", json_string(tariff->currency));
    set(json, "since", tariff->since);
    json_object_set_new(json, "pue", amount(tariff->pue, TARIFF_PRICE_PLACES));
    json_object_set_new(json, "price", amount(tariff->price_u, TARIFF_PRICE_PLACES));
    rules = json_array();
    for (int r = 0; r < tariff->rule_count; r++)
        json_array_append_new(rules, show_rule(&tariff->rules[r]));
    json_object_set_new(json, "rules", rules);
    if (tariff->co2_mg >= 0)
        json_object_set_new(json, "co2_g", amount(tariff->co2_mg, TARIFF_CO2_PLACES));
    set(json, "co2_file", tariff->co2_file);
    return json;
}
