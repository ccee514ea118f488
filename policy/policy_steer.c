/* policy_steer.c - which jobs the policy has steered, and how they are warned */
#include <stdlib.h>
#include <string.h>

#include "policy/policy_inside.h"

static const char *const keys[] = {"partitions",
                                   "energy_budget",
                                   "package",
                                   "cpu",
                                   "part_percent",
                                   "floor_percent",
                                   "cpu_floor_percent",
                                   "warn_s",
                                   "warn_signal",
                                   "duration_quantile",
                                   "then",
                                   NULL};

/* What a job may be warned with, by scancel's names. */
static const char *const signals[] = {"HUP",  "INT",  "QUIT", "USR1", "USR2",
                                      "TERM", "CONT", "URG",  NULL};

void policy_take_steer(struct config_item steer, struct policy *policy)
{
    struct config_item list = config_member(steer, "partitions");
    char *name = NULL;
    int unused;

    policy->steered = json_array();
    if (config_is_object(steer))
        config_known(steer, keys);
    config_word(config_member(steer, "warn_signal"), signals, &unused);
    if (!config_is_list(list))
        return;
    for (size_t i = 0; i < json_array_size(list.json); i++)
        if (config_text(config_element(list, i), &name))
            json_array_append_new(policy->steered, json_string(name));
    free(name);
}

bool policy_steers(const struct policy *policy, const char *partition,
                   struct policy_source *source)
{
    char path[CONFIG_PATH];

    for (size_t i = 0; partition && i < json_array_size(policy->steered); i++)
        if (strcmp(json_string_value(json_array_get(policy->steered, i)), partition) ==
            0) {
            snprintf(path, sizeof path, "steer.partitions[%zu]", i);
            if (source)
                policy_where(policy, path, source);
            return true;
        }
    if (source)
        policy_where(policy, "steer.partitions", source);
    return false;
}

struct steer_rules policy_steer_rules(const struct policy *policy)
{
    const struct policy_figures *f = &policy->figures;

    return (struct steer_rules){.part_percent = f->steer_part_percent,
                                .floor_percent = f->steer_floor_percent,
                                .gpu = true,
                                .package = f->steer_package,
                                .cpu = f->steer_cpu,
                                .cpu_floor_percent = f->steer_cpu_floor_percent,
                                .warn_s = f->steer_warn_s,
                                .end = !f->steer_warn_only};
}
