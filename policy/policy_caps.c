/* policy_caps.c - power caps: which of kwota.json's rules hold a job to what */
#include <stdlib.h>
#include <string.h>

#include "policy/policy_inside.h"
#include "policy/watts.h"

static const char *const part_keys[CAP_PARTS] = {"gpu", "package", "cpu_percent"};

/* Digits, and no unit that they could be milliwatts of. */
static void take_watts(struct config_item item, int64_t *to)
{
    const char *text = json_string_value(item.json);
    char path[CONFIG_PATH];
    int64_t mw;

    if (!item.json)
        return;
    if (!text || watts_parse(text, &mw) < 0)
        config_wrong(item, "a power with its unit, such as \"300W\"");
    else if (mw < WATTS_LEAST_MW || mw > WATTS_MOST_MW)
        config_mistake(item, CONFIG_VALUE,
                       "%s: \"%s\" is too %s for one device: a cap is from 10W to 10kW",
                       config_path(item, path), text,
                       mw < WATTS_LEAST_MW ? "little" : "much");
    else
        *to = mw;
}

static void take_when(struct config_item rule, struct policy_cap_rule *to)
{
    struct config_item between = config_member(rule, "between");
    struct config_item days = config_member(rule, "days");

    if (config_text(between, &to->between) &&
        daytime_between(to->between, &to->when) < 0)
        config_wrong(between, "a time of the day, such as \"17:00-20:00\"");
    if (config_text(days, &to->days) && daytime_days(to->days, &to->when) < 0)
        config_wrong(days, "days of the week, such as \"mon-fri\" or \"sat,sun\"");
}

static void take_parts(struct config_item rule, struct policy_cap_rule *to)
{
    char path[CONFIG_PATH];
    bool any = false;

    for (int part = 0; part < CAP_PARTS; part++)
        any |= json_object_get(rule.json, part_keys[part]) != NULL;
    if (!any)
        config_mistake(rule, CONFIG_VALUE,
                       "%s: it caps nothing; say gpu, package or cpu_percent",
                       config_path(rule, path));
    take_watts(config_member(rule, "gpu"), &to->most[CAP_GPU]);
    take_watts(config_member(rule, "package"), &to->most[CAP_PACKAGE]);
    config_number(config_member(rule, "cpu_percent"), 1, 99, &to->most[CAP_CPU]);
}

static void take_rule(struct config_item item, struct policy_caps *caps)
{
    static const char *const keys[] = {
        "partition", "account", "qos", "user",    "gpu_type",    "used_percent",
        "between",   "days",    "gpu", "package", "cpu_percent", NULL};
    struct policy_cap_rule *more, rule = {NULL};

    if (!json_is_object(item.json)) {
        config_wrong(item, "an object {…}");
        return;
    }
    config_known(item, keys);
    config_text(config_member(item, "partition"), &rule.partition);
    config_text(config_member(item, "account"), &rule.account);
    config_text(config_member(item, "qos"), &rule.qos);
    config_text(config_member(item, "user"), &rule.user);
    config_text(config_member(item, "gpu_type"), &rule.gpu_type);
    config_number(config_member(item, "used_percent"), 1, 100, &rule.used_percent);
    take_when(item, &rule);
    take_parts(item, &rule);
    more = realloc(caps->rules, (size_t)(caps->count + 1) * sizeof *more);
    if (more) {
        caps->rules = more;
        caps->rules[caps->count++] = rule;
    }
}

void policy_take_caps(struct config_item item, struct policy_caps *caps)
{
    static const char *const keys[] = {"enabled", "rules", NULL};
    struct config_item list = config_member(item, "rules");

    if (!config_is_object(item))
        return;
    config_known(item, keys);
    config_bool(config_member(item, "enabled"), &caps->enabled);
    if (config_is_list(list))
        for (size_t i = 0; i < json_array_size(list.json); i++)
            take_rule(config_element(list, i), caps);
}

void policy_free_caps(struct policy_caps *caps)
{
    for (int i = 0; i < caps->count; i++) {
        struct policy_cap_rule *rule = &caps->rules[i];

        free(rule->partition);
        free(rule->account);
        free(rule->qos);
        free(rule->user);
        free(rule->gpu_type);
        free(rule->between);
        free(rule->days);
    }
    free(caps->rules);
}

static json_t *show_watts(int64_t mw)
{
    char text[WATTS_TEXT + 2];

    if (mw == 0)
        return NULL;
    watts_text(mw, text);
    return json_string(strcat(text, "W"));
}

static json_t *show_number(int64_t number)
{
    return number ? json_integer(number) : NULL;
}

json_t *policy_show_caps(const struct policy_caps *caps)
{
    json_t *list = json_array();

    for (int i = 0; i < caps->count; i++) {
        const struct policy_cap_rule *r = &caps->rules[i];

        json_array_append_new(
            list,
            json_pack("{s:s* s:s* s:s* s:s* s:s* s:o* s:s* s:s* s:o* s:o* s:o*}",
                      "partition", r->partition, "account", r->account, "qos", r->qos,
                      "user", r->user, "gpu_type", r->gpu_type, "used_percent",
                      show_number(r->used_percent), "between", r->between, "days",
                      r->days, "gpu", show_watts(r->most[CAP_GPU]), "package",
                      show_watts(r->most[CAP_PACKAGE]), "cpu_percent",
                      show_number(r->most[CAP_CPU])));
    }
    return json_pack("{s:b s:o}", "enabled", (int)caps->enabled, "rules", list);
}

static bool is(const char *wanted, const char *name)
{
    return !wanted || (name && strcmp(wanted, name) == 0);
}

/* Whether a comma list has it. */
static bool has(const char *wanted, const char *list)
{
    size_t length = wanted ? strlen(wanted) : 0;

    if (!wanted)
        return true;
    while (list && *list) {
        size_t item = strcspn(list, ",");

        if (item == length && strncmp(list, wanted, length) == 0)
            return true;
        list += item + (list[item] == ',');
    }
    return false;
}

static bool is_now(const struct policy_cap_rule *rule, const struct policy_job *job)
{
    return rule->used_percent <= job->used_percent &&
           daytime_holds(&rule->when, job->now_s);
}

/* How far above the job's account the rule's is; one without an account comes behind
 * all. -1: the rule is not about such a job. */
static int depth_of(const struct policy_cap_rule *rule, const struct policy_job *job)
{
    int depth = 0;

    if (!is(rule->partition, job->partition) || !is(rule->qos, job->qos) ||
        !is(rule->user, job->user) || !has(rule->gpu_type, job->gpu_types))
        return -1;
    if (!rule->account)
        return INT32_MAX;
    while (job->accounts && job->accounts[depth] &&
           strcmp(job->accounts[depth], rule->account) != 0)
        depth++;
    return job->accounts && job->accounts[depth] ? depth : -1;
}

/* The nearest account for which any rule says now what the part is at most. */
static int nearest(const struct policy_caps *caps, const struct policy_job *job,
                   int part)
{
    int found = INT32_MAX;

    for (int i = 0; i < caps->count; i++) {
        int depth = depth_of(&caps->rules[i], job);

        if (caps->rules[i].most[part] && depth >= 0 && depth < found &&
            is_now(&caps->rules[i], job))
            found = depth;
    }
    return found;
}

bool policy_capping(const struct policy *policy)
{
    return policy->caps.enabled;
}

static void source_of(const struct policy *policy, int rule,
                      struct policy_source *source)
{
    char path[CONFIG_PATH];

    snprintf(path, sizeof path, "caps.rules[%d]", rule);
    policy_where(policy, path, source);
}

void policy_cap(const struct policy *policy, const struct policy_job *job,
                struct cap *cap)
{
    const struct policy_caps *caps = &policy->caps;
    struct policy_source source;

    *cap = (struct cap){.most = {0}};
    for (int part = 0; part < CAP_PARTS; part++) {
        int near = nearest(caps, job, part);

        for (int i = 0; i < caps->count; i++) {
            int depth = depth_of(&caps->rules[i], job);
            int64_t most[CAP_PARTS] = {0};

            if (depth < 0 || (depth != near && depth != INT32_MAX) ||
                !is_now(&caps->rules[i], job))
                continue;
            most[part] = caps->rules[i].most[part];
            source_of(policy, i, &source);
            cap_lower(cap, most, source.text);
        }
    }
}

int64_t policy_cap_certain_mw(const struct policy *policy, const char *partition)
{
    int64_t least = 0;

    for (int i = 0; policy_capping(policy) && i < policy->caps.count; i++) {
        const struct policy_cap_rule *rule = &policy->caps.rules[i];
        int64_t mw = rule->most[CAP_GPU];

        if (mw > 0 && is(rule->partition, partition) && !rule->account && !rule->qos &&
            !rule->user && !rule->gpu_type && !rule->used_percent && !rule->between &&
            !rule->days && (!least || mw < least))
            least = mw;
    }
    return least;
}

/* "GPUs at most 250 W, 17:00-20:00 mon-fri, from 80 % of a quota used on" */
static void tell_rule(const struct policy_cap_rule *rule, char *text, size_t size)
{
    char most[CAP_TEXT], used[48] = "";

    if (rule->used_percent)
        snprintf(used, sizeof used, ", from %lld %% of a quota used on",
                 (long long)rule->used_percent);
    snprintf(text, size, "%s%s%s%s%s%s", cap_text(rule->most, most),
             rule->between || rule->days ? ", " : "",
             rule->between ? rule->between : "", rule->between && rule->days ? " " : "",
             rule->days ? rule->days : "", used);
}

json_t *policy_cap_rules(const struct policy *policy, const struct policy_job *job)
{
    json_t *list = json_array();

    for (int i = 0; i < policy->caps.count; i++) {
        const struct policy_cap_rule *rule = &policy->caps.rules[i];
        struct policy_source source;
        char text[CAP_TEXT + 160];

        if (depth_of(rule, job) < 0)
            continue;
        source_of(policy, i, &source);
        tell_rule(rule, text, sizeof text);
        json_array_append_new(
            list, json_pack("{s:s s:s}", "value", text, "source", source.text));
    }
    return list;
}

uint64_t policy_cap_clock(const struct policy *policy, int64_t now_s)
{
    uint64_t digest = 14695981039346656037U; /* FNV-1a's */

    for (int i = 0; i < policy->caps.count; i++)
        digest = (digest ^ daytime_holds(&policy->caps.rules[i].when, now_s)) *
                 1099511628211U;
    return digest;
}

int policy_cap_step(const struct policy *policy, int64_t percent)
{
    int step = 0;

    for (int i = 0; i < policy->caps.count; i++)
        step += policy->caps.rules[i].used_percent > 0 &&
                policy->caps.rules[i].used_percent <= percent;
    return step;
}
