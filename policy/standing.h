/* standing.h - where all budgets stand, kept by the steward and worked out anew piece
 * by piece
 *
 * One budget of a large account takes milliseconds, ten thousand take seconds: those
 * near their end, or changed by hand, are looked at in every round, the others when
 * they are old. The ledger's lock is taken for one at a time. Of one thread.
 */
#ifndef KWOTA_STANDING_H
#define KWOTA_STANDING_H

#include "policy/quota.h"

struct standing {
    struct quota quota;
    struct balance balance;
    int64_t at_s;        /* when it was worked out; 0: it has not been yet */
    int64_t gather_mj;   /* gather.h: kept together for a job; 0: for none */
    char gather_job[64]; /* … for this one */
};

struct standings {
    struct standing *list;
    int count;
    int64_t last_posting; /* the newest that was looked at */
};

/* Follows the ledger's quotas and brings the balances up to date that are due; how much
 * of each is used is left in quota_percents (schema.h). -1: the ledger cannot be read;
 * what there was stands. */
int standing_refresh(struct standings *standings, struct ledger *ledger,
                     const struct policy *policy, int64_t now_s);
void standing_done(struct standings *standings);

/* Whether a budget is due: not worked out yet, in another window, near its end, or old.
 * `few`: there are so few that all are due always. Pure. */
bool standing_is_due(const struct standing *standing, int64_t near_percent, bool few,
                     int64_t now_s);

/* How much of it is used, in whole percent, as threshold_passed() counts. Pure. */
int64_t standing_percent(const struct balance *balance);

#endif
