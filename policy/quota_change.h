/* quota_change.h - what is done to quotas by hand, each with who, when and why
 *
 * All functions want the ledger's lock held; on failure they have said why and the
 * caller rolls back. Every change leaves a posting.
 */
#ifndef KWOTA_QUOTA_CHANGE_H
#define KWOTA_QUOTA_CHANGE_H

#include "policy/quota.h"

/* Who changes, and why. */
struct quota_by {
    const char *actor, *why;
    int64_t now_s;
};

/* A refusal: what the caller is told, and HTTP's status for it. */
struct quota_refusal {
    unsigned status;
    char text[400];
};

/* Fills the refusal; returns -1. */
int quota_refuse(struct quota_refusal *refusal, unsigned status, const char *format,
                 ...) __attribute__((format(printf, 3, 4)));

/* The quota of exactly this cluster, account, user and class. 1: found; 0: there is
 * none; -1: failure. */
int quota_find(struct ledger *ledger, const struct quota *key, struct quota *found);

/* The one quota of this account and user; class and cluster NULL: whichever. -1 with
 * the reason: there is none, or several. */
int quota_the(struct ledger *ledger, const char *cluster, const char *account,
              const char *user, const char *class_name, struct quota *found,
              struct quota_refusal *refusal);

/* Makes the ledger hold `quota`, by its key. `before`: what it held; NULL: none. A
 * quota whose period changes begins anew: nothing is carried over from before. */
int quota_put(struct ledger *ledger, const struct quota *before, struct quota *quota,
              const struct quota_by *by, struct quota_refusal *refusal);

int quota_drop(struct ledger *ledger, const struct quota *quota,
               const struct quota_by *by, struct quota_refusal *refusal);

/* kind: grant or adjust. */
int quota_give(struct ledger *ledger, const struct quota *quota, const char *kind,
               int64_t mj, const struct quota_by *by, struct quota_refusal *refusal);

/* From one to another, no more than the first has left. */
int quota_transfer(struct ledger *ledger, const struct policy *policy,
                   const struct quota *from, const struct quota *to, int64_t mj,
                   const struct quota_by *by, struct quota_refusal *refusal);

/* Gives a settled run's charge, or mj of it (0: all that is left of it), back to the
 * quotas that bind it: at most `max`, copied to `quotas`. Returns how many; what was
 * given is in *mj. The job's last settled run counts. */
int quota_refund(struct ledger *ledger, const struct policy *policy,
                 const char *cluster, const char *job, int64_t *mj,
                 const struct quota_by *by, struct quota *quotas, int max,
                 struct quota_refusal *refusal);

/* Whether two quotas of the same key say the same. */
bool quota_same(const struct quota *a, const struct quota *b);

#endif
