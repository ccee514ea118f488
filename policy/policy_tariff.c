/* policy_tariff.c - the tariff of kwota.json, and one that the ledger keeps */
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policy/decimal.h"
#include "policy/policy_inside.h"

/* A decimal number as a text or a number. JSON's numbers are floating point: the
 * shortest text that is the same one is what was written, up to 15 digits. */
static void take_decimal(struct config_item item, int places, int64_t most,
                         const char *what, int64_t *to)
{
    char text[64], path[CONFIG_PATH], largest[DECIMAL_TEXT];
    int64_t value = 0;
    int rc = DECIMAL_NONE;

    if (!item.json)
        return;
    if (json_is_string(item.json))
        rc = decimal_parse(json_string_value(item.json), places, &value);
    else if (json_is_number(item.json)) {
        snprintf(text, sizeof text, "%.15g", json_number_value(item.json));
        rc = decimal_parse(text, places, &value);
    }
    if (rc == DECIMAL_FINE)
        config_mistake(item, CONFIG_VALUE, "%s: it may have %d decimal places at most",
                       config_path(item, path), places);
    else if (rc == DECIMAL_LARGE || value > most)
        config_mistake(item, CONFIG_VALUE, "%s: it may be %s at most",
                       config_path(item, path), decimal_text(most, places, 0, largest));
    else if (rc < 0)
        config_wrong(item, what);
    else
        *to = value;
}

/* A file beside the one that names it, read and watched. NULL: it cannot be used. */
static struct tariff_series *take_file(struct config_item item, int places, char **name)
{
    char *given = NULL, *whole = NULL, *folder, why[TARIFF_SERIES_WHY];
    char path[CONFIG_PATH];
    struct config_stamp stamp;
    struct tariff_series *series;

    if (!config_text(item, &given))
        return NULL;
    folder = strdup(item.conf ? configuration_file(item.conf, item.file, &stamp) : "");
    if (given[0] == '/' || !strchr(folder, '/'))
        whole = strdup(given);
    else if (asprintf(&whole, "%s/%s", dirname(folder), given) < 0)
        whole = NULL;
    free(folder);
    free(given);
    if (!whole)
        return NULL;
    if (item.conf)
        configuration_watch(item.conf, whole);
    series = tariff_series_read(whole, places, why);
    if (!series)
        config_mistake(item, CONFIG_VALUE, "%s: %s", config_path(item, path), why);
    *name = whole;
    return series;
}

static void take_when(struct config_item rule, struct tariff_rule *to)
{
    struct config_item between = config_member(rule, "between");
    struct config_item days = config_member(rule, "days");

    if (config_text(between, &to->between) &&
        (daytime_between(to->between, &to->when) < 0 || to->when.from_min % 15 ||
         to->when.until_min % 15))
        config_wrong(between, "a time of the day on quarter-hours, such as "
                              "\"17:00-20:15\"");
    if (config_text(days, &to->days) && daytime_days(to->days, &to->when) < 0)
        config_wrong(days, "days of the week, such as \"mon-fri\" or \"sat,sun\"");
}

#define A_PRICE "a price of a kWh, such as \"0.285\""

static void take_rule(struct config_item item, struct tariff *tariff)
{
    static const char *const keys[] = {"account", "between", "days",
                                       "price",   "file",    NULL};
    struct tariff_rule *more, rule = {NULL};
    char path[CONFIG_PATH];

    if (!json_is_object(item.json)) {
        config_wrong(item, "an object {…}");
        return;
    }
    config_known(item, keys);
    config_text(config_member(item, "account"), &rule.account);
    take_when(item, &rule);
    take_decimal(config_member(item, "price"), TARIFF_PRICE_PLACES, TARIFF_MOST_U,
                 A_PRICE, &rule.price_u);
    rule.series =
        take_file(config_member(item, "file"), TARIFF_PRICE_PLACES, &rule.file);
    if (!config_member(item, "price").json == !config_member(item, "file").json)
        config_mistake(item, CONFIG_VALUE, "%s: it must have either a price or a file",
                       config_path(item, path));
    more = realloc(tariff->rules, (size_t)(tariff->rule_count + 1) * sizeof *more);
    if (!more)
        return;
    tariff->rules = more;
    tariff->rules[tariff->rule_count++] = rule;
}

/* The name of a currency stands behind every price. */
static void take_currency(struct config_item item, struct tariff *tariff)
{
    char *text = NULL;

    if (!config_text(item, &text))
        return;
    if (strlen(text) >= TARIFF_CURRENCY || strpbrk(text, ",;\"<>&\n"))
        config_wrong(item, "a currency, such as \"EUR\"");
    else
        snprintf(tariff->currency, sizeof tariff->currency, "%s", text);
    free(text);
}

/* A day's first quarter-hour, local time. */
static void take_since(struct config_item item, struct tariff *tariff)
{
    struct tm tm = {.tm_isdst = -1};
    const char *end;

    if (!config_text(item, &tariff->since))
        return;
    end = strptime(tariff->since, "%Y-%m-%d", &tm);
    if (!end || *end || tm.tm_year < 70)
        config_wrong(item, "a day, such as \"2027-01-01\"");
    else
        tariff->since_s = (int64_t)mktime(&tm) / 900 * 900;
}

static void take_needed(struct config_item item)
{
    char path[CONFIG_PATH];

    if (!config_member(item, "currency").json)
        config_mistake(item, CONFIG_VALUE, "%s: it needs a currency, such as \"EUR\"",
                       config_path(item, path));
    if (!config_member(item, "price").json)
        config_mistake(item, CONFIG_VALUE,
                       "%s: it needs a price: what a kWh costs where no rule says else",
                       config_path(item, path));
}

struct tariff *policy_take_tariff(struct config_item item)
{
    static const char *const keys[] = {"currency", "since", "pue",      "price",
                                       "rules",    "co2_g", "co2_file", NULL};
    struct config_item rules = config_member(item, "rules");
    struct tariff *tariff;

    if (!config_is_object(item) || json_object_size(item.json) == 0)
        return NULL;
    tariff = calloc(1, sizeof *tariff);
    if (!tariff)
        return NULL;
    tariff->pue = TARIFF_ONE;
    tariff->co2_mg = -1;
    config_known(item, keys);
    take_needed(item);
    take_currency(config_member(item, "currency"), tariff);
    take_since(config_member(item, "since"), tariff);
    take_decimal(config_member(item, "pue"), TARIFF_PRICE_PLACES, TARIFF_MOST_PUE,
                 "a PUE from 1 on, such as \"1.35\"", &tariff->pue);
    if (tariff->pue < TARIFF_ONE)
        config_wrong(config_member(item, "pue"), "a PUE from 1 on, such as \"1.35\"");
    take_decimal(config_member(item, "price"), TARIFF_PRICE_PLACES, TARIFF_MOST_U,
                 A_PRICE, &tariff->price_u);
    if (config_is_list(rules))
        for (size_t i = 0; i < json_array_size(rules.json); i++)
            take_rule(config_element(rules, i), tariff);
    take_decimal(config_member(item, "co2_g"), TARIFF_CO2_PLACES, TARIFF_MOST_CO2_MG,
                 "grams of CO2 per kWh, such as 380", &tariff->co2_mg);
    tariff->co2_series = take_file(config_member(item, "co2_file"), TARIFF_CO2_PLACES,
                                   &tariff->co2_file);
    return tariff;
}

struct tariff *policy_tariff_again(const char *text)
{
    json_t *json = json_loads(text, 0, NULL);
    struct config_item item = {.json = json};
    struct tariff *tariff = policy_take_tariff(item);

    json_decref(json);
    return tariff;
}

const struct tariff *policy_tariff(const struct policy *policy)
{
    return policy->tariff;
}
