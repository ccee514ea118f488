/* policy.c - what kwotad may do to jobs, and how it estimates them: the answers */
#include "policy/policy.h"

#include <stdlib.h>
#include <string.h>

#include "policy/policy_inside.h"

struct policy *policy_hold(struct policy *policy)
{
    atomic_fetch_add(&policy->references, 1);
    return policy;
}

void policy_release(struct policy *policy)
{
    if (!policy || atomic_fetch_sub(&policy->references, 1) > 1)
        return;
    policy_free_rules(&policy->enforce);
    policy_free_rules(&policy->at_limit);
    for (int i = 0; i < policy->plate_count; i++)
        free(policy->plates[i].partition);
    free(policy->plates);
    free((char *)(uintptr_t)policy->figures.hook);
    free((char *)(uintptr_t)policy->figures.overdraft_qos);
    free((char *)(uintptr_t)policy->figures.steer_warn_signal);
    json_decref(policy->steered);
    json_decref(policy->classes);
    json_decref(policy->credits);
    policy_free_caps(&policy->caps);
    tariff_free(policy->tariff);
    json_decref(policy->sources);
    free(policy);
}

enum policy_enforce policy_enforce(const struct policy *policy,
                                   const char *const *accounts, const char *partition,
                                   struct policy_source *source)
{
    return (enum policy_enforce)policy_find_rule(
        policy, &policy->enforce, &rules_enforce, accounts, partition, source);
}

enum policy_at_limit policy_at_limit(const struct policy *policy,
                                     const char *const *accounts, const char *partition,
                                     struct policy_source *source)
{
    return (enum policy_at_limit)policy_find_rule(
        policy, &policy->at_limit, &rules_at_limit, accounts, partition, source);
}

const char *policy_enforce_text(enum policy_enforce enforce)
{
    return rules_enforce.words[enforce];
}

const char *policy_at_limit_text(enum policy_at_limit at_limit)
{
    return rules_at_limit.words[at_limit];
}

bool policy_class_has(const struct policy *policy, const char *class_name,
                      const char *partition)
{
    json_t *list = json_object_get(policy->classes, class_name);

    if (!class_name[0])
        return true;
    if (!list)
        return strcmp(class_name, partition) == 0;
    for (size_t i = 0; i < json_array_size(list); i++)
        if (strcmp(json_string_value(json_array_get(list, i)), partition) == 0)
            return true;
    return false;
}

const struct policy_figures *policy_figures(const struct policy *policy)
{
    return &policy->figures;
}

int64_t policy_credit_percent(const struct policy *policy, const char *slurm_state)
{
    return json_integer_value(json_object_get(policy->credits, slurm_state));
}

bool policy_where(const struct policy *policy, const char *path,
                  struct policy_source *source)
{
    const char *where = json_string_value(json_object_get(policy->sources, path));

    snprintf(source->text, sizeof source->text, "%s", where ? where : "default");
    return where != NULL;
}

/* The object that a figure stands in, made if need be. */
static json_t *section_of(json_t *all, const struct figure *figure)
{
    json_t *section = json_object_get(all, figure->section), *part;

    if (!figure->part)
        return section;
    part = json_object_get(section, figure->part);
    if (!part) {
        part = json_object();
        json_object_set_new(section, figure->part, part);
    }
    return part;
}

static json_t *show_figure(const struct policy_figures *figures,
                           const struct figure *figure)
{
    const void *at = (const char *)figures + figure->offset;
    const char *text;

    switch (figure->kind) {
    case FIGURE_NUMBER:
        return json_integer(*(const int64_t *)at);
    case FIGURE_BOOL:
        return json_boolean(*(const bool *)at);
    case FIGURE_WORD:
        return json_string(figure->words[*(const bool *)at]);
    case FIGURE_TEXT:
        break;
    }
    text = *(const char *const *)at;
    return text ? json_string(text) : json_null();
}

static json_t *show_thresholds(const struct policy_figures *figures)
{
    json_t *list = json_array();

    for (int i = 0; i < figures->threshold_count; i++)
        json_array_append_new(list, json_integer(figures->thresholds[i]));
    return list;
}

/* What comes out is a valid policy itself. */
json_t *policy_show(const struct policy *policy)
{
    json_t *all = json_pack(
        "{s:o s:{} s:{s:o} s:o s:o s:o s:o s:{s:o} s:{}}", "enforce",
        policy_show_rules(&policy->enforce, &rules_enforce), "estimate", "limits",
        "at_limit", policy_show_rules(&policy->at_limit, &rules_at_limit), "classes",
        json_deep_copy(policy->classes), "credits", json_deep_copy(policy->credits),
        "caps", policy_show_caps(&policy->caps), "tariff", tariff_show(policy->tariff),
        "steer", "partitions", json_deep_copy(policy->steered), "keep");

    for (int f = 0; f < policy_figure_count; f++) {
        const struct figure *figure = &policy_figure_table[f];

        json_object_set_new(section_of(all, figure), figure->key,
                            show_figure(&policy->figures, figure));
    }
    json_object_set_new(json_object_get(all, "limits"), "thresholds_percent",
                        show_thresholds(&policy->figures));
    json_object_set_new(json_object_get(all, "estimate"), "nameplate",
                        policy_show_plates(policy));
    return all;
}

static bool is_among(const char *const *accounts, const char *account)
{
    for (; accounts && *accounts; accounts++)
        if (strcmp(*accounts, account) == 0)
            return true;
    return !accounts || !account[0];
}

bool policy_gates(const struct policy *policy, const char *const *accounts)
{
    if (policy->enforce.otherwise >= ENFORCE_SOFT)
        return true;
    for (int r = 0; r < policy->enforce.count; r++)
        if (policy->enforce.rules[r].answer >= ENFORCE_SOFT &&
            is_among(accounts, policy->enforce.rules[r].account))
            return true;
    return false;
}
