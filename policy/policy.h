/* policy.h - what kwotad may do to jobs, and how it estimates them: kwota.json's rules
 *
 * A policy is read whole, checked whole and never changed after; it is counted by
 * reference, so a thread works with the one it took until it lets go of it, while
 * another may already be in force. All functions are thread-safe.
 */
#ifndef KWOTA_POLICY_H
#define KWOTA_POLICY_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "policy/cap.h"
#include "policy/estimate.h"
#include "policy/steer.h"
#include "policy/tariff.h"

enum policy_enforce {
    ENFORCE_OFF,    /* measure and charge, decide nothing */
    ENFORCE_SHADOW, /* decide and write down, touch nothing */
    ENFORCE_SOFT,   /* liens gate starts, running jobs are left alone */
    ENFORCE_STRICT, /* nobody is charged more than a quota */
};

enum policy_at_limit {
    AT_LIMIT_WAIT,      /* jobs pend with AssocGrpLicense */
    AT_LIMIT_REJECT,    /* they are refused at submit */
    AT_LIMIT_OVERDRAFT, /* they run without a lien in a QOS named by the policy */
    AT_LIMIT_WARN,      /* they run, and the user is told */
};

struct policy;
struct configuration;

/* Where an answer comes from: "kwota.json:12: enforce.rules[0]"; "default" if the file
 * does not say. */
struct policy_source {
    char text[256];
};

/* Reads and checks FILE. NULL: it is invalid; every mistake has been written to
 * `complaints` as "FILE:LINE:COLUMN: what is wrong; what was probably meant", one a
 * line. A file without any of the policy's keys is a valid policy: enforce is off. */
struct policy *policy_read(const char *file, FILE *complaints);

/* The policy of what has been read; NULL if anything in it is wrong, by then complained
 * of there. */
struct policy *policy_of(struct configuration *conf);

/* The same, of all of it: kwotad's settings as well. */
struct policy *policy_check(struct configuration *conf);

/* Another reference to the same policy. */
struct policy *policy_hold(struct policy *policy);
void policy_release(struct policy *policy);

/* The rules for a job: `accounts` are its account and those above it, nearest first,
 * NULL at the end (flat: its account alone). The most specific rule counts: a nearer
 * account beats a farther one, then a named partition beats none; of equals the later.
 * `source` may be NULL. */
enum policy_enforce policy_enforce(const struct policy *policy,
                                   const char *const *accounts, const char *partition,
                                   struct policy_source *source);
enum policy_at_limit policy_at_limit(const struct policy *policy,
                                     const char *const *accounts, const char *partition,
                                     struct policy_source *source);

/* Whether any rule for these accounts, in whatever partition, is soft or strict. NULL:
 * for any account at all. */
bool policy_gates(const struct policy *policy, const char *const *accounts);

/* What a partition's nodes are taken to draw at most; false: the policy names neither
 * it nor "*", and nothing can be estimated there. */
bool policy_nameplate(const struct policy *policy, const char *partition,
                      struct nameplate *nameplate, struct policy_source *source);

/* Whether the class of a quota ("gpu") has the partition: a class of the policy's, else
 * the partition of that name; "" has all. */
bool policy_class_has(const struct policy *policy, const char *class_name,
                      const char *partition);

/* Plain numbers and texts of the policy; see kwota.json(5). */
struct policy_figures {
    int64_t factor_percent;  /* estimate = nameplate x limit x this; 100 */
    bool hold_when_away;     /* kwotad cannot be reached at a start: hold; false: run */
    bool refuse_without_map; /* no usable budget.map: refuse; false: let pass */
    int64_t map_stale_s;     /* a budget.map older than this is not usable; 600 */
    int64_t near_percent;    /* so near a limit, it is kept exact; 10 */
    int64_t confirm_percent; /* a change that stops more of the jobs needs --confirm; 10
                              */
    int64_t holds_per_minute, kills_per_minute; /* the breaker's; 30 and 10 */
    bool gather;               /* keep energy together for a starved big job; false */
    int64_t thresholds[8];     /* percent, rising; */
    int threshold_count;       /* … so many */
    const char *hook;          /* program told of thresholds; NULL: none */
    const char *overdraft_qos; /* NULL: none */
    int64_t history_runs;      /* so many like runs make a history; 0: never used; 5 */
    int64_t power_quantile, duration_quantile; /* percent; 95 and 95 */
    int64_t round_wh;                          /* liens are multiples of this; 1 */

    /* Of runs settled longer ago the detail may be dropped (prune.h); … */
    int64_t keep_years; /* 2 */
    bool keep_nightly;  /* … and kwotad does it every night; false */

    /* Steering (steer.h). GPUs may be held wherever anything may. */
    bool steer_budgets;            /* jobs with an --energy-budget are steered; false */
    bool steer_package, steer_cpu; /* these may be held too; false */
    int64_t steer_part_percent;    /* nothing is held before so much is used; 25 */
    int64_t steer_floor_percent;   /* nor lower than this part of a highest limit; 50 */
    int64_t steer_cpu_floor_percent; /* nor CPU time lower; 25 */
    int64_t steer_duration_quantile; /* of like runs, what one is taken to need; 50 */
    int64_t steer_warn_s;            /* so long before its end it is warned; 300 */
    const char *steer_warn_signal; /* with this signal ("USR1"); NULL: in words only */
    bool steer_warn_only;          /* it is warned and not ended; false */
};

/* Whether the policy itself opts a partition's jobs into steering. Both partition and
 * source may be NULL. */
bool policy_steers(const struct policy *policy, const char *partition,
                   struct policy_source *source);

/* What the policy allows where it steers. */
struct steer_rules policy_steer_rules(const struct policy *policy);

/* Lives as long as the policy. */
const struct policy_figures *policy_figures(const struct policy *policy);

/* Where a key of the file ("estimate.factor_percent") stands; false: it is not given.
 */
bool policy_where(const struct policy *policy, const char *path,
                  struct policy_source *source);

/* The rule's words: "strict", "wait". */
const char *policy_enforce_text(enum policy_enforce enforce);
const char *policy_at_limit_text(enum policy_at_limit at_limit);

/* Milliwatts as watts, exactly: "150", "8.5". Returns text. */
#define POLICY_WATTS 32
char *policy_watts(int64_t mw, char text[POLICY_WATTS]);

/* A job, as far as caps go by it. */
struct policy_job {
    const char *const *accounts; /* as above */
    const char *partition, *qos, *user;
    const char *gpu_types; /* of the GPUs it holds: "a100", "a100,v100"; "": unknown */
    int64_t used_percent;  /* of the quota, of those that bind it, that is used most */
    int64_t now_s;
};

/* Whether kwota sets caps at all. */
bool policy_capping(const struct policy *policy);

/* What the rules hold a job to now. All rules that are about it count, and of several
 * the lowest cap, part by part; but of those that name an account only the nearest
 * one's: so a project can have more than the account above it. */
void policy_cap(const struct policy *policy, const struct policy_job *job,
                struct cap *cap);

/* What every job's GPUs are held to in a partition, whosever it is, always: by the
 * rules that name nothing but the partition, or nothing at all. 0: nothing. Estimates
 * may go by it. */
int64_t policy_cap_certain_mw(const struct policy *policy, const char *partition);

/* All rules that are about such a job, at whatever time and use:
 * [{"value":"GPUs at most 250 W, 17:00-20:00 mon-fri","source"}], a new reference. */
json_t *policy_cap_rules(const struct policy *policy, const struct policy_job *job);

/* Another one when the time of any rule has come or gone. */
uint64_t policy_cap_clock(const struct policy *policy, int64_t now_s);

/* How many rules' used_percent are reached; 0 of 100 percent: no rule has one. */
int policy_cap_step(const struct policy *policy, int64_t percent);

/* Percent of a run's energy that the centre bears when it ended in this state
 * ("NODE_FAIL"); 0 if the policy says nothing. */
int64_t policy_credit_percent(const struct policy *policy, const char *slurm_state);

/* What a kWh costs; NULL: nothing is said. Lives as long as the policy. */
const struct tariff *policy_tariff(const struct policy *policy);

/* The tariff that tariff_show() made this text of; NULL: it is of none, or memory is
 * out. A file of it that is there no more is done without. */
struct tariff *policy_tariff_again(const char *text);

/* All of it with the defaults filled in (a new reference), for `kwota policy show`. */
json_t *policy_show(const struct policy *policy);

#endif
