/* policy_inside.h - what a policy is made of; for the policy's own files only */
#ifndef KWOTA_POLICY_INSIDE_H
#define KWOTA_POLICY_INSIDE_H

#include <stdatomic.h>
#include <stddef.h>

#include "policy/config_item.h"
#include "policy/daytime.h"
#include "policy/policy.h"

/* "" stands for any. */
struct policy_rule {
    char *account, *partition;
    int answer;
};

/* Answers are the numbers of `words`. */
struct policy_rules {
    int otherwise;
    bool one_word; /* it stands for all jobs, not under "default" */
    struct policy_rule *rules;
    int count;
};

/* A list of rules as kwota.json has it. */
struct rules_kind {
    const char *path;         /* "limits.at_limit", */
    const char *action;       /* … a rule's key for the answer, */
    const char *const *words; /* … and the answers */
    int otherwise;
};

extern const struct rules_kind rules_enforce, rules_at_limit;

struct policy_plate {
    char *partition; /* "*": all that have none of their own */
    struct nameplate nameplate;
};

/* A whole number of the policy, or a text. */
struct figure {
    const char *section,
        *part; /* "limits", "breaker"; part NULL: right in the section */
    const char *key;
    enum { FIGURE_NUMBER, FIGURE_BOOL, FIGURE_WORD, FIGURE_TEXT } kind;
    size_t offset; /* in struct policy_figures */
    int64_t least, most, otherwise;
    const char *words[3]; /* false, true; of a FIGURE_WORD */
};

extern const struct figure policy_figure_table[];
extern const int policy_figure_count;

/* A cap and whose it is; NULL and 0 stand for any. */
struct policy_cap_rule {
    char *partition, *account, *qos, *user, *gpu_type;
    int64_t used_percent;
    struct daytime when;
    char *between, *days; /* … as they were given */
    int64_t most[CAP_PARTS];
};

struct policy_caps {
    bool enabled;
    struct policy_cap_rule *rules;
    int count;
};

struct policy {
    atomic_int references;
    struct policy_rules enforce, at_limit;
    struct policy_plate *plates;
    int plate_count;
    struct policy_figures figures;
    struct policy_caps caps;
    json_t *classes, *credits; /* as they were given; {}: not */
    struct tariff *tariff;     /* NULL: none */
    json_t *steered;           /* names of partitions; []: none */
    json_t *sources;           /* configuration_sources() */
};

/* Reads rules given as one word, or as a default and rules. */
void policy_take_rules(struct config_item item, const struct rules_kind *kind,
                       struct policy_rules *rules);
void policy_free_rules(struct policy_rules *rules);
int policy_find_rule(const struct policy *policy, const struct policy_rules *rules,
                     const struct rules_kind *kind, const char *const *accounts,
                     const char *partition, struct policy_source *source);
json_t *policy_show_rules(const struct policy_rules *rules,
                          const struct rules_kind *kind);

/* Takes what of "steer" is no plain figure, and checks that. */
void policy_take_steer(struct config_item steer, struct policy *policy);

void policy_take_plates(struct config_item item, struct policy *policy);
json_t *policy_show_plates(const struct policy *policy);

/* NULL: there is none. */
struct tariff *policy_take_tariff(struct config_item item);

void policy_take_caps(struct config_item item, struct policy_caps *caps);
void policy_free_caps(struct policy_caps *caps);
json_t *policy_show_caps(const struct policy_caps *caps);

#endif
