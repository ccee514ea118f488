/* budget_json.c - where a budget stands, as JSON, and how long it lasts */
#include "policy/budget_json.h"

#include "policy/energy.h"
#include "policy/quarter.h"

#define DAY_S 86400

/* Over less nobody can say how fast energy is used. */
#define LEAST_S QUARTER_S

/* The mean power of its use over the last day, or since its window began. Unknown where
 * that is too short. -1 on failure. */
static int mean_use(struct ledger *ledger, const struct policy *policy,
                    const struct quota *quota, const struct window *window,
                    int64_t now_s, int64_t *rate_mw)
{
    struct window last = {(now_s - DAY_S) / QUARTER_S * QUARTER_S,
                          now_s / QUARTER_S * QUARTER_S + QUARTER_S};
    int64_t mj;

    *rate_mw = ENERGY_UNKNOWN;
    if (last.from_s < window->from_s)
        last.from_s = window->from_s;
    if (now_s - last.from_s < LEAST_S || now_s >= window->until_s)
        return 0;
    if (quota_used(ledger, policy, quota, &last, &mj) < 0)
        return -1;
    *rate_mw = energy_mean_mw(mj, (now_s - last.from_s) * 1000);
    return 0;
}

/* When it is used up if that goes on; null: not in this window. What is reserved is
 * used by the runs that it is reserved for. */
static json_t *empty_at(const struct quota *quota, const struct balance *balance,
                        int64_t now_s, int64_t rate_mw)
{
    int64_t left_mj = balance->available_mj + balance->reserved_mj, horizon_s, after_s;

    if (rate_mw == ENERGY_UNKNOWN)
        return json_null();
    if (left_mj <= 0)
        return json_integer(now_s);
    if (rate_mw <= 0)
        return json_null();
    horizon_s = quota->period.kind == PERIOD_ROLLING ? quota->period.days * DAY_S
                                                     : balance->window.until_s - now_s;
    after_s = left_mj / rate_mw;
    return after_s < horizon_s ? json_integer(now_s + after_s) : json_null();
}

static json_t *period_json(const struct quota *quota)
{
    if (quota->period.kind == PERIOD_ROLLING)
        return json_sprintf("%lld days", (long long)quota->period.days);
    return json_string(period_text(quota->period.kind));
}

json_t *budget_json(struct ledger *ledger, const struct policy *policy,
                    const struct quota *quota, int64_t now_s)
{
    char name[320];
    struct balance b;
    int64_t rate_mw;

    if (quota_balance(ledger, policy, quota, now_s, 0, &b) < 0 ||
        mean_use(ledger, policy, quota, &b.window, now_s, &rate_mw) < 0)
        return NULL;
    return json_pack(
        "{s:s s:s s:s s:s s:s s:o s:{s:I s:I} s:I s:I s:I s:I s:I s:I s:I s:I s:I s:I"
        " s:o s:o s:I}",
        "name", quota_name(quota, name, sizeof name), "account", quota->account, "user",
        quota->user, "class", quota->class, "cluster", quota->cluster, "period",
        period_json(quota), "window", "from_s", (json_int_t)b.window.from_s, "until_s",
        (json_int_t)b.window.until_s, "limit_mj", (json_int_t)quota->mj, "quota_mj",
        (json_int_t)b.quota_mj, "carried_mj", (json_int_t)b.carried_mj, "borrowed_mj",
        (json_int_t)b.borrowed_mj, "owed_mj", (json_int_t)b.owed_mj, "granted_mj",
        (json_int_t)b.granted_mj, "used_mj", (json_int_t)b.used_mj, "open_mj",
        (json_int_t)b.open_mj, "reserved_mj", (json_int_t)b.reserved_mj, "available_mj",
        (json_int_t)b.available_mj, "rate_mw",
        rate_mw == ENERGY_UNKNOWN ? json_null() : json_integer(rate_mw), "empty_s",
        empty_at(quota, &b, now_s, rate_mw), "now_s", (json_int_t)now_s);
}
