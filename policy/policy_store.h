/* policy_store.h - the policy in force
 *
 * An invalid file never replaces a valid policy. All functions are thread-safe.
 */
#ifndef KWOTA_POLICY_STORE_H
#define KWOTA_POLICY_STORE_H

#include "policy/policy.h"

struct policy_store;

/* Reads FILE; NULL if anything in it, settings included, is wrong: every mistake has
 * been written to stderr. */
struct policy_store *policy_store_open(const char *file);
void policy_store_close(struct policy_store *store);

/* The policy in force; the caller gives it back with policy_release(). */
struct policy *policy_store_take(struct policy_store *store);

/* Reads the file anew. -1: it is invalid, every mistake is in the log, and the policy
 * before stays in force. */
int policy_store_reload(struct policy_store *store);

/* The same, if the file or one that it includes has changed since it was last read.
 * 1: another policy is in force now, 0: nothing has changed. */
int policy_store_poll(struct policy_store *store);

/* {"file","files":[…],"since_s","error":null|"all the mistakes","error_s":null|…}: a
 * new reference. */
json_t *policy_store_state(struct policy_store *store);

#endif
