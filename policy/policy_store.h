/* policy_store.h - the policy in force */
#ifndef KWOTA_POLICY_STORE_H
#define KWOTA_POLICY_STORE_H

#include "policy/policy.h"

struct policy_store;

/* Another reference to the policy in force; policy_release() it. Thread-safe. */
struct policy *policy_store_take(struct policy_store *store);

#endif
