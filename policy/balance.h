/* balance.h - the arithmetic of budgets: what one window brings to the next, and what
 * is left
 *
 * Pure; integers only; what would overflow saturates.
 */
#ifndef KWOTA_BALANCE_H
#define KWOTA_BALANCE_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/quota.h"

/* What counts in one window. */
struct balance_terms {
    int64_t mj;         /* the quota that was in force */
    int64_t granted_mj; /* grants, adjustments, refunds, transfers, credits */
    int64_t settled_mj; /* used, less overruns, by runs that are settled */
    int64_t open_mj;    /* … and by those that are not */
    int64_t reserved_mj;
};

/* What comes from the window before. */
struct balance_brought {
    int64_t carried_mj; /* left over there */
    int64_t owed_mj;    /* borrowed there */
};

/* What a window brings to the next, whose quota is next_mj. A window's use is taken
 * from what it was brought first, then from its own; what is left of its own is carried
 * on, up to carry_percent of next_mj. So energy is carried one window on and no
 * further. What was used beyond, up to borrow_percent, is owed. */
void balance_bring(const struct quota *quota, const struct balance_terms *terms,
                   int64_t next_mj, const struct balance_brought *in,
                   struct balance_brought *out);

/* Whether a window brings the next the same whatever it was brought itself, so that
 * nobody need look further back. before_mj: the quota in the window before it. */
bool balance_is_sure(const struct quota *quota, const struct balance_terms *terms,
                     int64_t before_mj, int64_t next_mj, struct balance_brought *out);

/* Where a quota stands; `window` is left to the caller. */
void balance_make(const struct quota *quota, const struct balance_terms *terms,
                  const struct balance_brought *brought, struct balance *balance);

/* `percent` of mj, rounded down. */
int64_t balance_percent(int64_t mj, int64_t percent);

/* The part of what an open run used in a window that is charged: `before_mj` was used
 * before the window, `in_mj` in it, `all_mj` altogether; the overrun is what was used
 * last. */
int64_t balance_charged(int64_t before_mj, int64_t in_mj, int64_t all_mj,
                        int64_t overrun_mj);

#endif
