/* policy_read.c - a policy from kwota.json, with all that is wrong in it */
#include <stdlib.h>
#include <string.h>

#include "policy/policy_inside.h"
#include "policy/settings.h"

/* Ends of a run, as the ledger writes them. */
static const char *const end_states[] = {
    "BOOT_FAIL",     "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL",
    "OUT_OF_MEMORY", "PREEMPTED", "REQUEUED",  "TIMEOUT",  NULL};

static const char *const estimate_keys[] = {"factor_percent", "round_wh", "nameplate",
                                            "history", NULL};
static const char *const limits_keys[] = {"at_limit",
                                          "kwotad_away",
                                          "map_missing",
                                          "map_stale_s",
                                          "near_percent",
                                          "confirm_percent",
                                          "thresholds_percent",
                                          "hook",
                                          "overdraft_qos",
                                          "breaker",
                                          "gather",
                                          NULL};

static const char *const keep_keys[] = {"detail_years", "nightly", NULL};

/* The members of an object must be among `keys`. */
static void take_section(struct config_item item, const char *const *keys)
{
    if (config_is_object(item))
        config_known(item, keys);
}

static void take_figure(struct config_item section, const struct figure *figure,
                        struct policy_figures *figures)
{
    struct config_item part =
        figure->part ? config_member(section, figure->part) : section;
    struct config_item item = config_member(part, figure->key);
    void *at = (char *)figures + figure->offset;
    int word;

    switch (figure->kind) {
    case FIGURE_NUMBER:
        *(int64_t *)at = figure->otherwise;
        config_number(item, figure->least, figure->most, at);
        break;
    case FIGURE_BOOL:
        *(bool *)at = figure->otherwise;
        config_bool(item, at);
        break;
    case FIGURE_WORD:
        *(bool *)at = figure->otherwise;
        if (config_word(item, figure->words, &word))
            *(bool *)at = word == 1;
        break;
    case FIGURE_TEXT:
        config_text(item, at);
        break;
    }
}

static void take_thresholds(struct config_item list, struct policy_figures *figures)
{
    const int most = (int)(sizeof figures->thresholds / sizeof *figures->thresholds);
    char path[CONFIG_PATH];
    int64_t last = 0;

    if (!config_is_list(list))
        return;
    for (size_t i = 0; i < json_array_size(list.json); i++) {
        struct config_item item = config_element(list, i);
        int64_t percent;

        if (!config_number(item, 1, 100, &percent))
            continue;
        config_path(item, path);
        if (percent <= last)
            config_mistake(item, CONFIG_VALUE,
                           "%s: each must be more than the one before it", path);
        else if (figures->threshold_count == most)
            config_mistake(item, CONFIG_VALUE, "%s: there may be no more than %d", path,
                           most);
        else
            figures->thresholds[figures->threshold_count++] = percent;
        last = percent;
    }
}

static void take_hook(struct config_item item)
{
    const char *text = json_string_value(item.json);

    if (text && text[0] && text[0] != '/')
        config_wrong(item, "the program's whole path, from / on");
}

static void take_limits(struct config_item limits, struct policy *policy)
{
    static const char *const breaker_keys[] = {"holds_per_minute", "kills_per_minute",
                                               NULL};

    take_section(limits, limits_keys);
    take_section(config_member(limits, "breaker"), breaker_keys);
    take_thresholds(config_member(limits, "thresholds_percent"), &policy->figures);
    take_hook(config_member(limits, "hook"));
    policy_take_rules(config_member(limits, "at_limit"), &rules_at_limit,
                      &policy->at_limit);
}

static void take_estimate(struct config_item estimate, struct policy *policy)
{
    static const char *const history_keys[] = {"runs", "power_quantile",
                                               "duration_quantile", NULL};

    take_section(estimate, estimate_keys);
    take_section(config_member(estimate, "history"), history_keys);
    policy_take_plates(config_member(estimate, "nameplate"), policy);
}

/* Overdrafts need a QOS to run in. */
static void check_overdraft(struct config_item at_limit, const struct policy *policy)
{
    bool used = policy->at_limit.otherwise == AT_LIMIT_OVERDRAFT;
    char path[CONFIG_PATH];

    for (int i = 0; i < policy->at_limit.count; i++)
        used |= policy->at_limit.rules[i].answer == AT_LIMIT_OVERDRAFT;
    if (used && !policy->figures.overdraft_qos)
        config_mistake(at_limit, CONFIG_VALUE,
                       "%s: \"overdraft\" needs \"overdraft_qos\" beside it: the QOS "
                       "that such jobs run in",
                       config_path(at_limit, path));
}

/* One class: the names of its partitions. */
static void check_class(struct config_item list)
{
    char path[CONFIG_PATH];
    char *name = NULL;

    if (!config_is_list(list))
        return;
    if (json_array_size(list.json) == 0)
        config_mistake(list, CONFIG_VALUE, "%s: it names no partition",
                       config_path(list, path));
    for (size_t i = 0; i < json_array_size(list.json); i++)
        config_text(config_element(list, i), &name);
    free(name);
}

static void check_classes(struct config_item classes)
{
    const char *name;
    json_t *value;

    if (!config_is_object(classes))
        return;
    json_object_foreach(classes.json, name, value)
    {
        struct config_item list = config_member(classes, name);

        if (!name[0])
            config_mistake(list, CONFIG_KEY, "classes: a class must have a name");
        check_class(list);
    }
}

static void check_credits(struct config_item credits)
{
    const char *const *state = end_states;
    int64_t percent;

    if (!config_is_object(credits))
        return;
    config_known(credits, end_states);
    for (; *state; state++)
        config_number(config_member(credits, *state), 0, 100, &percent);
}

/* A section as it was given, without what is null; {}: it was not. */
static json_t *kept(struct config_item item)
{
    json_t *object = json_is_object(item.json) ? json_copy(item.json) : json_object();
    const char *key;
    json_t *value;
    void *next;

    json_object_foreach_safe(object, next, key, value)
    {
        if (json_is_null(value))
            json_object_del(object, key);
    }
    return object;
}

static void take_all(struct configuration *conf, struct policy *policy)
{
    struct config_item limits = configuration_top(conf, "limits");
    struct config_item estimate = configuration_top(conf, "estimate");
    struct config_item classes = configuration_top(conf, "classes");
    struct config_item credits = configuration_top(conf, "credits");

    policy_take_rules(configuration_top(conf, "enforce"), &rules_enforce,
                      &policy->enforce);
    take_estimate(estimate, policy);
    take_limits(limits, policy);
    for (int f = 0; f < policy_figure_count; f++)
        take_figure(configuration_top(conf, policy_figure_table[f].section),
                    &policy_figure_table[f], &policy->figures);
    take_section(configuration_top(conf, "keep"), keep_keys);
    policy_take_steer(configuration_top(conf, "steer"), policy);
    check_overdraft(config_member(limits, "at_limit"), policy);
    check_classes(classes);
    check_credits(credits);
    policy_take_caps(configuration_top(conf, "caps"), &policy->caps);
    policy->classes = kept(classes);
    policy->credits = kept(credits);
    policy->tariff = policy_take_tariff(configuration_top(conf, "tariff"));
}

struct policy *policy_of(struct configuration *conf)
{
    struct policy *policy = calloc(1, sizeof *policy);

    if (!policy)
        return NULL;
    atomic_init(&policy->references, 1);
    take_all(conf, policy);
    policy->sources = configuration_sources(conf);
    if (configuration_mistakes(conf) == 0)
        return policy;
    policy_release(policy);
    return NULL;
}

struct policy *policy_check(struct configuration *conf)
{
    settings_check(conf);
    return policy_of(conf);
}

struct policy *policy_read(const char *file, FILE *complaints)
{
    struct configuration *conf = configuration_read(file);
    struct policy *policy = conf ? policy_of(conf) : NULL;

    if (conf)
        configuration_tell(conf, complaints);
    configuration_free(conf);
    return policy;
}
