/* cap_order.h - caps that operators order at once, beside the policy's rules
 *
 * They stand in the ledger (cap_orders) with who, when and why, for ever. All functions
 * want the ledger's lock held (ledger_begin()).
 */
#ifndef KWOTA_CAP_ORDER_H
#define KWOTA_CAP_ORDER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "policy/cap.h"
#include "policy/ledger.h"

/* Whom an order is for. */
enum cap_scope { CAP_CLUSTER, CAP_PARTITION, CAP_ACCOUNT, CAP_USER, CAP_JOB };

/* "cluster", "partition", … NULL at the end. */
extern const char *const cap_scopes[];

#define CAP_NAME 64

struct cap_order {
    int64_t id;
    enum cap_scope scope;
    char name[CAP_NAME]; /* the partition's, …; of the cluster "" */
    int64_t most[CAP_PARTS];
    int64_t since_s, until_s; /* until_s 0: until it is lifted */
    char actor[64], why[CAP_WHY];
};

/* A job that orders may be for. */
struct cap_ordered {
    const char *const *accounts; /* its account and those above it; NULL at the end */
    const char *partition, *user;
    const char *text; /* as Slurm prints it: 12_3; an order for 12 is for it too */
};

/* Pure. */
bool cap_order_is_for(const struct cap_order *order, const struct cap_ordered *job);

/* What all these orders hold the job to: the lowest of them. Pure. */
void cap_order_cap(const struct cap_order *orders, int count,
                   const struct cap_ordered *job, struct cap *cap);

/* The cluster's orders that hold at now_s, by id; free() *orders. -1 on failure. */
int cap_order_active(struct ledger *ledger, const char *cluster, int64_t now_s,
                     struct cap_order **orders, int *count);

/* Gives it (order->id is set), or lifts it; what is over or lifted stays as it was: 0,
 * 1 if it was lifted. -1 on failure. */
int cap_order_give(struct ledger *ledger, const char *cluster, struct cap_order *order);
int cap_order_lift(struct ledger *ledger, const char *cluster, int64_t id,
                   int64_t now_s, const char *actor, const char *why);

/* The newest 1000, oldest first; `all`: those that are over too (API.md's ORDER). */
json_t *cap_order_list(struct ledger *ledger, const char *cluster, bool all,
                       int64_t now_s);

#endif
