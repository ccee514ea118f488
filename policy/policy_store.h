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

/* Whether `next` is not to be put in force without somebody's confirmation; `why` says
 * what it would do: "would stop 37 of 120 jobs". */
#define POLICY_STORE_WHY 256
typedef bool policy_store_guard(void *of, const struct policy *now,
                                const struct policy *next, char why[POLICY_STORE_WHY]);

/* Has each policy that is read from now on looked at first; NULL: none any more. */
void policy_store_watch_over(struct policy_store *store, policy_store_guard *guard,
                             void *of);

/* Reads the file anew. -1: it is invalid, or waits for a confirmation; the log says
 * why, and the policy before stays in force. */
int policy_store_reload(struct policy_store *store);

/* The same, and whatever is in the file is confirmed. */
int policy_store_confirm(struct policy_store *store);

/* The same, if the file or one that it includes has changed since it was last read.
 * 1: another policy is in force now, 0: nothing has changed. */
int policy_store_poll(struct policy_store *store);

/* {"file","files":[…],"since_s","error":null|"all the mistakes","error_s":null|…,
 * "waits":null|"what waits for a confirmation","waits_s":null|…}: a new reference. */
json_t *policy_store_state(struct policy_store *store);

#endif
