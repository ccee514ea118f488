/* threshold.c - what the site's hook is told of, each once */
#include "policy/threshold.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/log.h"

/* What was decided longer ago is no news, as after an upgrade. */
#define NEWS_S 3600

bool threshold_passed(const struct balance *balance, int64_t percent)
{
    if (balance->used_mj <= 0)
        return false;
    return balance->quota_mj <= 0 ||
           (__int128)balance->used_mj * 100 >= (__int128)balance->quota_mj * percent;
}

/* Writes it down: 1: for the first time; 0: it was there; -1: failure. */
static int notice(struct ledger *ledger, const char *event, int64_t subject,
                  int64_t window_s, int64_t percent, int64_t now_s)
{
    if (ledger_number(ledger, 0,
                      "SELECT COUNT(*) FROM notices WHERE event = ? AND subject = ?"
                      " AND window_s = ? AND percent = ?",
                      "siii", event, subject, window_s, percent))
        return 0;
    return ledger_do(ledger, "INSERT INTO notices VALUES (?,?,?,?,?)", "siiii", event,
                     subject, window_s, percent, now_s) < 0
               ? -1
               : 1;
}

static json_t *threshold_event(const struct quota *quota, const struct balance *balance,
                               int64_t percent, const char *cluster, int64_t now_s)
{
    char name[160];

    return json_pack("{s:s s:I s:{s:s s:s s:s s:s s:{s:I s:I} s:I s:I s:I} s:s s:I}",
                     "event", "threshold", "percent", (json_int_t)percent, "budget",
                     "name", quota_name(quota, name, sizeof name), "account",
                     quota->account, "user", quota->user, "class", quota->class,
                     "window", "from_s", (json_int_t)balance->window.from_s, "until_s",
                     (json_int_t)balance->window.until_s, "quota_mj",
                     (json_int_t)balance->quota_mj, "used_mj",
                     (json_int_t)balance->used_mj, "available_mj",
                     (json_int_t)balance->available_mj, "cluster", cluster, "time_s",
                     (json_int_t)now_s);
}

/* A rolling window is another one every quarter-hour: it is told of anew only when it
 * was below in between. */
static int look_at(struct ledger *ledger, const struct quota *quota,
                   const struct balance *balance, int64_t percent, const char *cluster,
                   int64_t now_s, json_t *events)
{
    bool rolling = quota->period.kind == PERIOD_ROLLING;
    int64_t window_s = rolling ? 0 : balance->window.from_s;
    int news;

    if (!threshold_passed(balance, percent))
        return rolling ? ledger_do(ledger,
                                   "DELETE FROM notices WHERE event = 'threshold'"
                                   " AND subject = ? AND percent = ?",
                                   "ii", quota->id, percent)
                       : 0;
    news = notice(ledger, "threshold", quota->id, window_s, percent, now_s);
    if (news > 0) {
        json_t *event = threshold_event(quota, balance, percent, cluster, now_s);

        log_line("%s has used %lld %% of its energy",
                 json_string_value(
                     json_object_get(json_object_get(event, "budget"), "name")),
                 (long long)percent);
        json_array_append_new(events, event);
    }
    return news < 0 ? -1 : 0;
}

static int look_at_all(struct ledger *ledger, const struct policy *policy,
                       const struct standing *standing, const char *cluster,
                       int64_t now_s, json_t *events)
{
    const struct policy_figures *figures = policy_figures(policy);
    const struct quota *quota = &standing->quota;
    const struct balance *balance = &standing->balance;

    if (standing->at_s == 0 ||
        (quota->cluster[0] && strcmp(quota->cluster, cluster) != 0))
        return 0;
    /* A grant's time may be over, or not have come. */
    if (now_s < balance->window.from_s || now_s >= balance->window.until_s)
        return 0;
    for (int t = 0; t < figures->threshold_count; t++)
        if (look_at(ledger, quota, balance, figures->thresholds[t], cluster, now_s,
                    events) < 0)
            return -1;
    return 0;
}

int threshold_look(struct ledger *ledger, const struct policy *policy,
                   const struct standings *standings, const char *cluster,
                   int64_t now_s, json_t *events)
{
    if (policy_figures(policy)->threshold_count == 0)
        return 0;
    /* Its number may be given again to another quota. */
    if (ledger_do(ledger,
                  "DELETE FROM notices WHERE event = 'threshold' AND NOT EXISTS"
                  " (SELECT 1 FROM quotas WHERE id = subject AND since_s <= time_s)",
                  "") < 0)
        return -1;
    for (int i = 0; i < standings->count; i++)
        if (look_at_all(ledger, policy, &standings->list[i], cluster, now_s, events) <
            0)
            return -1;
    return 0;
}

static int look_at_decisions(struct ledger *ledger, const char *cluster,
                             const char *action, const char *name, int64_t now_s,
                             json_t *events)
{
    sqlite3_stmt *row = ledger_query(
        ledger,
        "SELECT id, time_s, job_text, user, account, partition, why, rule FROM"
        " decisions WHERE cluster = ? AND action = ? AND time_s > ? AND id > COALESCE("
        " (SELECT MAX(subject) FROM notices WHERE event = ?), 0) ORDER BY id",
        "ssis", cluster, action, now_s - NEWS_S, name);
    int64_t last = 0;

    while (row && sqlite3_step(row) == SQLITE_ROW) {
        const char *text[8];

        for (int i = 2; i < 8; i++)
            text[i] = (const char *)sqlite3_column_text(row, i);
        last = sqlite3_column_int64(row, 0);
        json_array_append_new(
            events,
            json_pack("{s:s s:s s:s s:s s:s s:s s:s s:s s:I}", "event", name, "job_id",
                      text[2], "user", text[3], "account", text[4], "partition",
                      text[5], "why", text[6], "rule", text[7], "cluster", cluster,
                      "time_s", (json_int_t)sqlite3_column_int64(row, 1)));
    }
    ledger_done(ledger, row);
    if (!row || last == 0)
        return row ? 0 : -1;
    if (ledger_do(ledger, "DELETE FROM notices WHERE event = ?", "s", name) < 0)
        return -1;
    return notice(ledger, name, last, 0, 0, now_s) < 0 ? -1 : 0;
}

static int look_at_breaker(struct ledger *ledger, const char *cluster, int64_t now_s,
                           json_t *events)
{
    sqlite3_stmt *row =
        ledger_query(ledger,
                     "SELECT time_s, why FROM switches WHERE name = 'breaker'"
                     " AND value = 'on'",
                     "");
    int rc = 0;

    if (row && sqlite3_step(row) == SQLITE_ROW) {
        int64_t time_s = sqlite3_column_int64(row, 0);

        rc = notice(ledger, "breaker", time_s, 0, 0, now_s);
        if (rc > 0)
            json_array_append_new(
                events, json_pack("{s:s s:s s:s s:I}", "event", "breaker", "why",
                                  (const char *)sqlite3_column_text(row, 1), "cluster",
                                  cluster, "time_s", (json_int_t)time_s));
    }
    ledger_done(ledger, row);
    return row && rc >= 0 ? 0 : -1;
}

int threshold_decisions(struct ledger *ledger, const char *cluster, int64_t now_s,
                        json_t *events)
{
    if (look_at_decisions(ledger, cluster, "hold", "held", now_s, events) < 0 ||
        look_at_decisions(ledger, cluster, "kill", "ended", now_s, events) < 0)
        return -1;
    return look_at_breaker(ledger, cluster, now_s, events);
}

/* One of the texts that policy_store_state() may have, with its time. */
static int look_at_policy(struct ledger *ledger, const char *cluster,
                          const json_t *state, const char *key, const char *time_key,
                          const char *name, int64_t now_s, json_t *events)
{
    const char *text = json_string_value(json_object_get(state, key));
    int64_t time_s = json_integer_value(json_object_get(state, time_key));
    int rc;

    if (!text)
        return 0;
    rc = notice(ledger, name, time_s, 0, 0, now_s);
    if (rc > 0)
        json_array_append_new(events, json_pack("{s:s s:O s:s s:s s:I}", "event", name,
                                                "file", json_object_get(state, "file"),
                                                "why", text, "cluster", cluster,
                                                "time_s", (json_int_t)time_s));
    return rc < 0 ? -1 : 0;
}

int threshold_policy(struct ledger *ledger, const char *cluster, const json_t *state,
                     int64_t now_s, json_t *events)
{
    if (look_at_policy(ledger, cluster, state, "error", "error_s", "policy-invalid",
                       now_s, events) < 0)
        return -1;
    return look_at_policy(ledger, cluster, state, "waits", "waits_s", "policy-waits",
                          now_s, events);
}
