/* balance.c - the arithmetic of budgets: what one window brings to the next, and what
 * is left */
#include "policy/balance.h"

#include "policy/energy.h"

/* Unlike energy_add() there is no unknown here: what would be INT64_MIN saturates. */
static int64_t add(int64_t a, int64_t b)
{
    int64_t sum;

    if (__builtin_add_overflow(a, b, &sum))
        return a > 0 ? INT64_MAX : -INT64_MAX;
    return sum == INT64_MIN ? -INT64_MAX : sum;
}

static int64_t subtract(int64_t a, int64_t b)
{
    return add(a, b == INT64_MIN ? INT64_MAX : -b);
}

static int64_t above_zero(int64_t mj)
{
    return mj > 0 ? mj : 0;
}

static int64_t lesser(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t balance_percent(int64_t mj, int64_t percent)
{
    __int128 part = (__int128)mj * percent / 100;

    return part > INT64_MAX    ? INT64_MAX
           : part < -INT64_MAX ? -INT64_MAX
                               : (int64_t)part;
}

void balance_bring(const struct quota *quota, const struct balance_terms *terms,
                   int64_t next_mj, const struct balance_brought *in,
                   struct balance_brought *out)
{
    int64_t used = add(terms->settled_mj, terms->open_mj);
    int64_t own = subtract(add(terms->mj, terms->granted_mj), in->owed_mj);
    int64_t left = subtract(own, above_zero(subtract(used, in->carried_mj)));
    int64_t may_carry = above_zero(balance_percent(next_mj, quota->carry_percent));
    int64_t may_borrow = above_zero(balance_percent(terms->mj, quota->borrow_percent));

    out->carried_mj = lesser(above_zero(left), may_carry);
    out->owed_mj =
        lesser(above_zero(subtract(used, add(own, in->carried_mj))), may_borrow);
}

bool balance_is_sure(const struct quota *quota, const struct balance_terms *terms,
                     int64_t before_mj, int64_t next_mj, struct balance_brought *out)
{
    /* What a window brings never falls with what it was carried and never rises with
     * what it owes: everything lies between the richest and the poorest. */
    const struct balance_brought richest = {
        above_zero(balance_percent(terms->mj, quota->carry_percent)), 0};
    const struct balance_brought poorest = {
        0, above_zero(balance_percent(before_mj, quota->borrow_percent))};
    struct balance_brought other;

    balance_bring(quota, terms, next_mj, &richest, out);
    balance_bring(quota, terms, next_mj, &poorest, &other);
    return out->carried_mj == other.carried_mj && out->owed_mj == other.owed_mj;
}

void balance_make(const struct quota *quota, const struct balance_terms *terms,
                  const struct balance_brought *brought, struct balance *balance)
{
    balance->carried_mj = brought->carried_mj;
    balance->owed_mj = brought->owed_mj;
    balance->borrowed_mj =
        above_zero(balance_percent(terms->mj, quota->borrow_percent));
    balance->granted_mj = terms->granted_mj;
    balance->quota_mj = subtract(add(add(terms->mj, brought->carried_mj),
                                     add(balance->borrowed_mj, terms->granted_mj)),
                                 brought->owed_mj);
    balance->open_mj = terms->open_mj;
    balance->used_mj = add(terms->settled_mj, terms->open_mj);
    balance->reserved_mj = terms->reserved_mj;
    balance->available_mj =
        subtract(balance->quota_mj, add(balance->used_mj, terms->reserved_mj));
}

int64_t balance_charged(int64_t before_mj, int64_t in_mj, int64_t all_mj,
                        int64_t overrun_mj)
{
    int64_t left = subtract(subtract(all_mj, overrun_mj), before_mj);

    return lesser(above_zero(left), above_zero(in_mj));
}
