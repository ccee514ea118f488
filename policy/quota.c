/* quota.c - quotas in the ledger, and which of them bind a job */
#include "policy/quota.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void take_text(sqlite3_stmt *stmt, int column, char *text)
{
    const char *value = (const char *)sqlite3_column_text(stmt, column);

    snprintf(text, QUOTA_NAME, "%s", value ? value : "");
}

void quota_take(sqlite3_stmt *stmt, struct quota *quota)
{
    const char *period = (const char *)sqlite3_column_text(stmt, 6);

    memset(quota, 0, sizeof *quota);
    quota->id = sqlite3_column_int64(stmt, 0);
    take_text(stmt, 1, quota->cluster);
    take_text(stmt, 2, quota->account);
    take_text(stmt, 3, quota->user);
    take_text(stmt, 4, quota->class);
    quota->mj = sqlite3_column_int64(stmt, 5);
    period_parse(period ? period : "", &quota->period.kind);
    quota->period.days = sqlite3_column_int64(stmt, 7);
    quota->period.from_s = sqlite3_column_int64(stmt, 8);
    quota->period.until_s = sqlite3_column_int64(stmt, 9);
    quota->carry_percent = sqlite3_column_int64(stmt, 10);
    quota->borrow_percent = sqlite3_column_int64(stmt, 11);
    quota->since_s = sqlite3_column_int64(stmt, 12);
}

bool quota_class_has(const struct policy *policy, const char *class_name,
                     const char *partition)
{
    if (policy)
        return policy_class_has(policy, class_name, partition);
    return class_name[0] == '\0' || strcmp(class_name, partition) == 0;
}

int quota_binding(struct ledger *ledger, const struct policy *policy,
                  const char *cluster, const char *account, const char *user,
                  const char *partition, struct quota *quotas, int max)
{
    sqlite3_stmt *stmt = ledger_query(
        ledger,
        "WITH RECURSIVE above(account) AS (SELECT ?2 UNION"
        "  SELECT a.parent FROM accounts a JOIN above ON a.account = above.account"
        "  WHERE a.cluster = ?1 AND a.parent <> '')"
        " SELECT " QUOTA_COLUMNS " FROM quotas q WHERE q.cluster IN ('', ?1)"
        "  AND q.account IN (SELECT account FROM above WHERE account <> '')"
        "  AND q.user IN ('', ?3)"
        " UNION ALL SELECT " QUOTA_COLUMNS " FROM quotas q WHERE q.cluster IN ('', ?1)"
        "  AND q.account = '' AND q.user = ?3",
        "sss", cluster, account, user);
    int count = 0, rc = SQLITE_NOMEM;

    while (stmt && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        struct quota quota;

        quota_take(stmt, &quota);
        if (count < max && quota_class_has(policy, quota.class, partition))
            quotas[count++] = quota;
    }
    ledger_done(ledger, stmt);
    return rc == SQLITE_DONE ? count : -1;
}

int quota_select(struct ledger *ledger, const char *where, const char *one,
                 const char *two, const char *three, const char *four,
                 struct quota **quotas, int *count)
{
    char sql[4096];
    sqlite3_stmt *stmt;
    int rc = SQLITE_NOMEM, room = 0;

    *quotas = NULL;
    *count = 0;
    snprintf(sql, sizeof sql,
             "SELECT " QUOTA_COLUMNS " FROM quotas q WHERE %s"
             " ORDER BY q.account, q.user, q.class, q.cluster",
             where);
    stmt = ledger_query(ledger, sql, "ssss", one, two, three, four);
    while (stmt && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        if (*count == room) {
            struct quota *more;

            room = room ? room * 2 : 16;
            more = realloc(*quotas, (size_t)room * sizeof *more);
            if (!more) {
                rc = SQLITE_NOMEM;
                break;
            }
            *quotas = more;
        }
        quota_take(stmt, &(*quotas)[(*count)++]);
    }
    ledger_done(ledger, stmt);
    if (rc == SQLITE_DONE)
        return 0;
    free(*quotas);
    *quotas = NULL;
    *count = 0;
    return -1;
}

int quota_all(struct ledger *ledger, struct quota **quotas, int *count)
{
    return quota_select(ledger, "1", "", "", "", "", quotas, count);
}

char *quota_name(const struct quota *quota, char *text, int size)
{
    bool user = quota->user[0] != '\0', account = quota->account[0] != '\0';

    snprintf(text, (size_t)size, "%s%s%s%s%s%s%s%s%s", user ? "user " : "", quota->user,
             user && account ? " in " : "", account ? "account " : "", quota->account,
             quota->class[0] ? ", class " : "", quota->class,
             quota->cluster[0] ? ", cluster " : "", quota->cluster);
    return text;
}
