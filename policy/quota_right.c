/* quota_right.c - who may see and who may change which quota */
#include "policy/quota_right.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define ABOVE(accounts)                                                                \
    "(q.user = '' AND (q.cluster, q.account) IN"                                       \
    " (" QUOTA_UP("SELECT '', value FROM json_each(" accounts ")") "))"

/* ?1: who asks; ?2: what they coordinate. */
#define MAY_SEE "(" QUOTA_BINDS("?1") " OR " QUOTA_WITHIN("?2") " OR " ABOVE("?2") ")"

/* ?3, ?4: the account and the user that are asked for. */
#define WANTED                                                                         \
    "(?3 = '' OR q.account IN (" QUOTA_DOWN(                                           \
        "SELECT '', ?3") ")"                                                           \
                         " OR (q.user IN ('', ?4) AND (q.cluster, q.account) IN"       \
                         "  (" QUOTA_UP(                                               \
                             "SELECT '', ?3") "))"                                     \
                                              " OR (q.account = '' AND ?4 <> ''))"     \
                                              " AND (?4 = '' OR (?3 <> '' AND q.user " \
                                              "IN ('', ?4)) OR " QUOTA_BINDS("?4") ")"

char *quota_right_accounts(const struct access_rights *rights)
{
    json_t *list = json_array();
    char *text;

    for (int i = 0; i < rights->account_count; i++)
        json_array_append_new(list, json_string(rights->accounts[i]));
    text = json_dumps(list, JSON_COMPACT);
    json_decref(list);
    return text ? text : strdup("[]");
}

bool quota_may_change(struct ledger *ledger, const struct access_rights *rights,
                      const char *cluster, const struct quota *quota)
{
    char *accounts;
    bool may;

    if (rights->sees_all)
        return true;
    if (!quota->account[0] || !quota->user[0] || rights->account_count == 0 ||
        (quota->cluster[0] && strcmp(quota->cluster, cluster) != 0))
        return false;
    accounts = quota_right_accounts(rights);
    may = ledger_number(
        ledger, 0,
        "SELECT EXISTS (SELECT 1 FROM (" QUOTA_UP(
            "SELECT ?1, ?2") ") WHERE account IN (SELECT value FROM json_each(?3)))",
        "sss", cluster, quota->account, accounts);
    free(accounts);
    return may;
}

bool quota_may_ask(struct ledger *ledger, const struct access_rights *rights,
                   const char *account)
{
    char *accounts;
    bool may;

    if (rights->sees_all)
        return true;
    accounts = quota_right_accounts(rights);
    may = ledger_number(
        ledger, 0,
        "SELECT EXISTS (SELECT 1 FROM"
        " (SELECT ?3 AS account, '' AS cluster, '' AS user) q WHERE " MAY_SEE ")",
        "sss", rights->user, accounts, account);
    free(accounts);
    return may;
}

int quota_seen(struct ledger *ledger, const struct access_rights *rights,
               const char *account, const char *user, bool all, struct quota **quotas,
               int *count)
{
    bool own = !account[0] && !user[0] && !all;
    char *accounts = quota_right_accounts(rights);
    int rc;

    rc = quota_select(ledger, rights->sees_all ? WANTED : MAY_SEE " AND " WANTED,
                      rights->user, accounts, account, own ? rights->user : user,
                      quotas, count);
    free(accounts);
    return rc;
}
