/* policy_rules.c - rules by account and partition, and which of them counts */
#include <stdlib.h>
#include <string.h>

#include "policy/policy_inside.h"

static const char *const enforce_words[] = {"off", "shadow", "soft", "strict", NULL};
static const char *const at_limit_words[] = {"wait", "reject", "overdraft", "warn",
                                             NULL};

const struct rules_kind rules_enforce = {"enforce", "level", enforce_words,
                                         ENFORCE_OFF};
const struct rules_kind rules_at_limit = {"limits.at_limit", "action", at_limit_words,
                                          AT_LIMIT_WAIT};

static void take_rule(struct config_item item, const struct rules_kind *kind,
                      struct policy_rules *rules)
{
    const char *const keys[] = {"account", "partition", kind->action, NULL};
    struct config_item answer = config_member(item, kind->action);
    struct policy_rule *more, rule = {NULL, NULL, kind->otherwise};
    char path[CONFIG_PATH];

    if (!json_is_object(item.json)) {
        config_wrong(item, "an object {…}");
        return;
    }
    config_known(item, keys);
    config_text(config_member(item, "account"), &rule.account);
    config_text(config_member(item, "partition"), &rule.partition);
    config_word(answer, kind->words, &rule.answer);
    config_path(item, path);
    if (!answer.json)
        config_mistake(item, CONFIG_VALUE, "%s: it does not say the %s", path,
                       kind->action);
    if (!json_object_get(item.json, "account") &&
        !json_object_get(item.json, "partition"))
        config_mistake(item, CONFIG_VALUE,
                       "%s: it names neither an account nor a partition; for all jobs "
                       "there is \"default\"",
                       path);
    more = realloc(rules->rules, (size_t)(rules->count + 1) * sizeof *more);
    if (more) {
        rules->rules = more;
        rules->rules[rules->count++] = rule;
    }
}

void policy_take_rules(struct config_item item, const struct rules_kind *kind,
                       struct policy_rules *rules)
{
    static const char *const keys[] = {"default", "rules", NULL};
    struct config_item list = config_member(item, "rules");

    rules->otherwise = kind->otherwise;
    if (!json_is_object(item.json)) {
        rules->one_word = true;
        config_word(item, kind->words, &rules->otherwise);
        return;
    }
    config_known(item, keys);
    config_word(config_member(item, "default"), kind->words, &rules->otherwise);
    if (config_is_list(list))
        for (size_t i = 0; i < json_array_size(list.json); i++)
            take_rule(config_element(list, i), kind, rules);
}

void policy_free_rules(struct policy_rules *rules)
{
    for (int i = 0; i < rules->count; i++) {
        free(rules->rules[i].account);
        free(rules->rules[i].partition);
    }
    free(rules->rules);
}

/* How well a rule fits; the least fits best, -1: not at all. A rule without an account
 * comes behind all accounts; of one account, one with a partition before one without.
 */
static long rank(const struct policy_rule *rule, const char *const *accounts,
                 const char *partition)
{
    long depth = 0;

    if (rule->partition && (!partition || strcmp(rule->partition, partition) != 0))
        return -1;
    while (accounts && accounts[depth] &&
           (!rule->account || strcmp(rule->account, accounts[depth]) != 0))
        depth++;
    if (rule->account && (!accounts || !accounts[depth]))
        return -1;
    return depth * 2 + !rule->partition;
}

int policy_find_rule(const struct policy *policy, const struct policy_rules *rules,
                     const struct rules_kind *kind, const char *const *accounts,
                     const char *partition, struct policy_source *source)
{
    const struct policy_rule *best = NULL;
    long best_rank = 0;
    char path[CONFIG_PATH];

    for (int i = 0; i < rules->count; i++) {
        long r = rank(&rules->rules[i], accounts, partition);

        if (r < 0 || (best && r > best_rank))
            continue;
        best = &rules->rules[i];
        best_rank = r;
    }
    if (best)
        snprintf(path, sizeof path, "%s.rules[%d]", kind->path,
                 (int)(best - rules->rules));
    else
        snprintf(path, sizeof path, "%s%s", kind->path,
                 rules->one_word ? "" : ".default");
    if (source)
        policy_where(policy, path, source);
    return best ? best->answer : rules->otherwise;
}

json_t *policy_show_rules(const struct policy_rules *rules,
                          const struct rules_kind *kind)
{
    json_t *list = json_array();

    for (int i = 0; i < rules->count; i++) {
        const struct policy_rule *r = &rules->rules[i];

        json_array_append_new(list, json_pack("{s:s* s:s* s:s}", "account", r->account,
                                              "partition", r->partition, kind->action,
                                              kind->words[r->answer]));
    }
    return json_pack("{s:s s:o}", "default", kind->words[rules->otherwise], "rules",
                     list);
}
