/* accounts.c - the account tree and its members, as the ledger keeps them */
#include "policy/accounts.h"

#include <stdio.h>
#include <string.h>

void accounts_chain(struct ledger *ledger, const char *cluster, const char *account,
                    struct accounts_chain *chain)
{
    /* UNION, not UNION ALL: a tree that bites its tail ends. */
    sqlite3_stmt *stmt = ledger_query(
        ledger,
        "WITH RECURSIVE up (account, parent, level) AS ("
        " SELECT account, parent, 1 FROM accounts WHERE cluster = ?1 AND account = ?2"
        " UNION SELECT a.account, a.parent, level + 1 FROM accounts a JOIN up"
        "  ON a.account = up.parent WHERE a.cluster = ?1 AND a.account <> 'root'"
        "  AND level < 31)"
        " SELECT account FROM up ORDER BY level",
        "ss", cluster, account);
    int count = 0;

    while (stmt && count < ACCOUNTS_DEPTH && sqlite3_step(stmt) == SQLITE_ROW) {
        snprintf(chain->name[count], TREE_NAME, "%s",
                 (const char *)sqlite3_column_text(stmt, 0));
        chain->list[count] = chain->name[count];
        count++;
    }
    ledger_done(ledger, stmt);
    if (count == 0) {
        snprintf(chain->name[0], TREE_NAME, "%s", account);
        chain->list[count++] = chain->name[0];
    }
    chain->list[count] = NULL;
}

static int put(struct ledger *ledger, const char *cluster,
               const struct tree_place *place)
{
    if (place->user[0])
        return ledger_do(ledger, "INSERT OR REPLACE INTO members VALUES (?,?,?,?)",
                         "sssi", cluster, place->account, place->user,
                         (int64_t)place->is_default);
    return ledger_do(ledger, "INSERT OR REPLACE INTO accounts VALUES (?,?,?)", "sss",
                     cluster, place->account, place->parent);
}

int accounts_replace(struct ledger *ledger, const char *cluster,
                     const struct tree *tree)
{
    if (ledger_do(ledger, "DELETE FROM accounts WHERE cluster = ?", "s", cluster) < 0 ||
        ledger_do(ledger, "DELETE FROM members WHERE cluster = ?", "s", cluster) < 0)
        return -1;
    for (int i = 0; i < tree->count; i++)
        if (put(ledger, cluster, &tree->places[i]) < 0)
            return -1;
    return 0;
}
