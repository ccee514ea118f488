/* policy_figure.c - the plain numbers and texts of a policy, their bounds and defaults
 */
#include "policy/policy_inside.h"

#define AT(field) offsetof(struct policy_figures, field)
#define NUMBER(section, part, key, field, least, most, otherwise)                      \
    {                                                                                  \
        section, part, key, FIGURE_NUMBER, AT(field), least, most, otherwise,          \
        {                                                                              \
            NULL                                                                       \
        }                                                                              \
    }
#define WORDS(section, key, field, no, yes)                                            \
    {                                                                                  \
        section, NULL, key, FIGURE_WORD, AT(field), 0, 0, false,                       \
        {                                                                              \
            no, yes, NULL                                                              \
        }                                                                              \
    }
#define BOOL(section, key, field)                                                      \
    {                                                                                  \
        section, NULL, key, FIGURE_BOOL, AT(field), 0, 0, false,                       \
        {                                                                              \
            NULL                                                                       \
        }                                                                              \
    }
#define TEXT(section, key, field)                                                      \
    {                                                                                  \
        section, NULL, key, FIGURE_TEXT, AT(field), 0, 0, 0,                           \
        {                                                                              \
            NULL                                                                       \
        }                                                                              \
    }

const struct figure policy_figure_table[] = {
    NUMBER("estimate", NULL, "factor_percent", factor_percent, 1, 10000, 100),
    NUMBER("estimate", NULL, "round_wh", round_wh, 1, 1000000, 1),
    NUMBER("estimate", "history", "runs", history_runs, 0, 200, 5),
    NUMBER("estimate", "history", "power_quantile", power_quantile, 1, 100, 95),
    NUMBER("estimate", "history", "duration_quantile", duration_quantile, 1, 100, 95),
    WORDS("limits", "kwotad_away", hold_when_away, "run", "hold"),
    WORDS("limits", "map_missing", refuse_without_map, "pass", "refuse"),
    NUMBER("limits", NULL, "map_stale_s", map_stale_s, 1, 604800, 600),
    NUMBER("limits", NULL, "near_percent", near_percent, 0, 100, 10),
    NUMBER("limits", NULL, "confirm_percent", confirm_percent, 0, 100, 10),
    NUMBER("limits", "breaker", "holds_per_minute", holds_per_minute, 1, 1000000, 30),
    NUMBER("limits", "breaker", "kills_per_minute", kills_per_minute, 1, 1000000, 10),
    BOOL("limits", "gather", gather),
    TEXT("limits", "hook", hook),
    TEXT("limits", "overdraft_qos", overdraft_qos),
    NUMBER("keep", NULL, "detail_years", keep_years, 1, 100, 2),
    BOOL("keep", "nightly", keep_nightly),
    BOOL("steer", "energy_budget", steer_budgets),
    BOOL("steer", "package", steer_package),
    BOOL("steer", "cpu", steer_cpu),
    NUMBER("steer", NULL, "part_percent", steer_part_percent, 0, 100, 25),
    NUMBER("steer", NULL, "floor_percent", steer_floor_percent, 0, 100, 50),
    NUMBER("steer", NULL, "cpu_floor_percent", steer_cpu_floor_percent, 1, 99, 25),
    NUMBER("steer", NULL, "duration_quantile", steer_duration_quantile, 1, 100, 50),
    NUMBER("steer", NULL, "warn_s", steer_warn_s, 0, 86400, 300),
    TEXT("steer", "warn_signal", steer_warn_signal),
    WORDS("steer", "then", steer_warn_only, "end", "warn"),
};

const int policy_figure_count =
    (int)(sizeof policy_figure_table / sizeof *policy_figure_table);
