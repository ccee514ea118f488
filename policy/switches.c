/* switches.c - what an operator, or the breaker, has switched off */
#include "policy/switches.h"

#include <stdio.h>
#include <string.h>

#include "policy/log.h"

void switches_read(struct ledger *ledger, struct switches *switches)
{
    sqlite3_stmt *stmt =
        ledger_query(ledger, "SELECT name, why FROM switches WHERE value = 'on'", "");

    memset(switches, 0, sizeof *switches);
    while (stmt && sqlite3_step(stmt) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(stmt, 0);

        switches->frozen = switches->frozen || strcmp(name, "freeze") == 0;
        switches->tripped = switches->tripped || strcmp(name, "breaker") == 0;
        snprintf(switches->why, sizeof switches->why, "%s",
                 (const char *)sqlite3_column_text(stmt, 1));
    }
    ledger_done(ledger, stmt);
}

int switches_set(struct ledger *ledger, const char *name, bool on, int64_t now_s,
                 const char *actor, const char *why)
{
    log_line("%s is switched %s by %s: %s", name, on ? "on" : "off", actor, why);
    return ledger_do(ledger, "INSERT OR REPLACE INTO switches VALUES (?,?,?,?,?)",
                     "ssiss", name, on ? "on" : "off", now_s, actor, why);
}

static int64_t last_minute(struct ledger *ledger, const char *action, int64_t now_s)
{
    return ledger_number(ledger, 0,
                         "SELECT COUNT(*) FROM decisions WHERE time_s > ?"
                         " AND time_s > COALESCE((SELECT time_s FROM switches"
                         "  WHERE name = 'breaker'), 0) AND action = ?",
                         "is", now_s - 60, action);
}

int switches_watch(struct ledger *ledger, const struct policy *policy, int64_t now_s)
{
    const struct policy_figures *figures = policy_figures(policy);
    int64_t holds = last_minute(ledger, "hold", now_s);
    int64_t kills = last_minute(ledger, "kill", now_s);
    struct switches now;
    char why[160];

    if (holds <= figures->holds_per_minute && kills <= figures->kills_per_minute)
        return 0;
    switches_read(ledger, &now);
    if (now.tripped)
        return 0;
    snprintf(why, sizeof why,
             "%lld holds and %lld kills in a minute; limits.breaker allows %lld and "
             "%lld",
             (long long)holds, (long long)kills, (long long)figures->holds_per_minute,
             (long long)figures->kills_per_minute);
    return switches_set(ledger, "breaker", true, now_s, "kwotad", why) < 0 ? -1 : 1;
}
