/* quota_right.h - who may see and who may change which quota
 *
 * root, SlurmUser, operators and administrators all; coordinators change those of users
 * inside their accounts, and see these and what binds them; everyone sees what binds
 * them. All functions want the ledger's lock held.
 */
#ifndef KWOTA_QUOTA_RIGHT_H
#define KWOTA_QUOTA_RIGHT_H

#include "policy/access.h"
#include "policy/quota.h"

/* `cluster` is kwotad's own, whose tree of accounts counts. */
bool quota_may_change(struct ledger *ledger, const struct access_rights *rights,
                      const char *cluster, const struct quota *quota);

/* Whether somebody may ask for an account's budgets: theirs, or one they coordinate,
 * or above or below it. */
bool quota_may_ask(struct ledger *ledger, const struct access_rights *rights,
                   const char *account);

/* The quotas that somebody may see, of these those that bind the account (it, above and
 * below it) and the user; "" for any. `all`: all of them, not only their own, if
 * neither is given. The caller frees *quotas. */
int quota_seen(struct ledger *ledger, const struct access_rights *rights,
               const char *account, const char *user, bool all, struct quota **quotas,
               int *count);

/* Their accounts as a JSON list, for quota_right's SQL; the caller frees it. */
char *quota_right_accounts(const struct access_rights *rights);

/* SQL: whether a row `q` (of cluster, account, user) binds user ?N or is within
 * accounts, a JSON list, ?N. */
#define QUOTA_UP(base)                                                                 \
    "WITH RECURSIVE up(cluster, account) AS (" base " UNION"                           \
    " SELECT a.cluster, a.parent FROM accounts a JOIN up ON a.account = up.account"    \
    "  AND (up.cluster = '' OR a.cluster = up.cluster) WHERE a.parent <> '')"          \
    " SELECT cluster, account FROM up UNION SELECT '', account FROM up"
#define QUOTA_DOWN(base)                                                               \
    "WITH RECURSIVE down(cluster, account) AS (" base " UNION"                         \
    " SELECT a.cluster, a.account FROM accounts a JOIN down"                           \
    "  ON a.parent = down.account"                                                     \
    "  AND (down.cluster = '' OR a.cluster = down.cluster))"                           \
    " SELECT account FROM down"
/* Without slurmdbd nobody is a member: then where they have used something counts. */
#define QUOTA_MEMBER(user)                                                             \
    "SELECT cluster, account FROM members WHERE user = " user                          \
    " UNION SELECT cluster, account FROM rollups WHERE user = " user                   \
    "  AND NOT EXISTS (SELECT 1 FROM members)"                                         \
    " UNION SELECT cluster, account FROM runs WHERE user = " user                      \
    "  AND state <> 'settled' AND NOT EXISTS (SELECT 1 FROM members)"
#define QUOTA_BINDS(user)                                                              \
    "((q.account = '' AND q.user = " user ") OR (q.account <> ''"                      \
    "  AND q.user IN ('', " user ")"                                                   \
    "  AND (q.cluster, q.account) IN (" QUOTA_UP(QUOTA_MEMBER(user)) ")))"
#define QUOTA_WITHIN(accounts)                                                         \
    "(q.account IN (" QUOTA_DOWN("SELECT '', value FROM json_each(" accounts ")") "))"

#endif
