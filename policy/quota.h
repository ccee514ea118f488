/* quota.h - how much may be used, and where each budget stands
 *
 * All functions want the ledger's lock held (ledger_begin()). Amounts are millijoules.
 */
#ifndef KWOTA_QUOTA_H
#define KWOTA_QUOTA_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/ledger.h"
#include "policy/period.h"
#include "policy/policy.h"

#define QUOTA_NAME 64

/* Whose it is: an account with all below it, a user, a user within an account (and
 * below it), each for all partitions or those of a class. "" stands for all. */
struct quota {
    int64_t id;
    char cluster[QUOTA_NAME], account[QUOTA_NAME], user[QUOTA_NAME], class[QUOTA_NAME];
    int64_t mj;
    struct period period;
    int64_t carry_percent, borrow_percent;
    int64_t since_s;
};

/* Where it stands at a moment. quota_mj = the quota + carried + borrowable + granted.
 * available_mj = quota_mj - used_mj - reserved_mj, and may be negative. */
struct balance {
    struct window window;
    int64_t quota_mj;    /* what may be used in this window */
    int64_t carried_mj;  /* … of that, left over from the window before */
    int64_t borrowed_mj; /* … of that, what may be taken from the next window */
    int64_t owed_mj;     /* … less what the window before borrowed from this one */
    int64_t granted_mj;  /* … of that, by grants, adjustments, refunds, transfers */
    int64_t used_mj;     /* settled and running, without overruns */
    int64_t open_mj;     /* … of that, by runs that are not settled */
    int64_t reserved_mj; /* open runs' liens beyond what they have used */
    int64_t available_mj;
};

/* The quotas that bind a job of this user, account and partition, on this cluster: at
 * most `max` into `quotas`; -1 on failure, else how many. The account's own, those of
 * the accounts above it, the user's, the user's within any of these accounts. */
int quota_binding(struct ledger *ledger, const struct policy *policy,
                  const char *cluster, const char *account, const char *user,
                  const char *partition, struct quota *quotas, int max);

/* All of them; the caller frees *quotas. */
int quota_all(struct ledger *ledger, struct quota **quotas, int *count);

/* Those for which a condition on q (SQL, with the texts as ?1 to ?4) holds, by account;
 * the caller frees *quotas. */
int quota_select(struct ledger *ledger, const char *where, const char *one,
                 const char *two, const char *three, const char *four,
                 struct quota **quotas, int *count);

/* One from a row that begins with QUOTA_COLUMNS (of quotas as q). */
#define QUOTA_COLUMNS                                                                  \
    "q.id, q.cluster, q.account, q.user, q.class, q.mj, q.period, q.days, q.from_s,"   \
    " q.until_s, q.carry_percent, q.borrow_percent, q.since_s"
void quota_take(sqlite3_stmt *stmt, struct quota *quota);

/* policy_class_has(); without a policy (NULL) a class is the partition of its name. */
bool quota_class_has(const struct policy *policy, const char *class_name,
                     const char *partition);

/* What was used of it in a window: settled and by runs that are not. -1 on failure. */
int quota_used(struct ledger *ledger, const struct policy *policy,
               const struct quota *quota, const struct window *window,
               int64_t *used_mj);

/* Where it stands at `now_s`. Runs, liens and roll-ups of all jobs it binds count, in
 * the quarter-hours in which they were used; a lien counts in every window that its run
 * can touch. `but_run`: a run whose lien is left out; 0: none. Outside its time a fixed
 * quota has nothing available. */
int quota_balance(struct ledger *ledger, const struct policy *policy,
                  const struct quota *quota, int64_t now_s, int64_t but_run,
                  struct balance *balance);

/* "account astro", "user alice", "user alice in account astro, class gpu". */
char *quota_name(const struct quota *quota, char *text, int size);

#endif
