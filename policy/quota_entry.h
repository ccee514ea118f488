/* quota_entry.h - a quota as JSON: an entry of the file that `kwota quota apply` takes
 *
 * {"cluster":"","account":"astro","user":"","partitions":"gpu","limit":"1000kWh",
 *  "period":"month"|"quarter"|"year","carry_percent":20,"borrow_percent":0}, or
 * "period":"rolling","days":90, or "period":"fixed","from":"2026-01-01",
 * "until":"2026-07-01". Mistakes go as "WHERE.key: sentence" into an array.
 * Thread-safe.
 */
#ifndef KWOTA_QUOTA_ENTRY_H
#define KWOTA_QUOTA_ENTRY_H

#include <jansson.h>

#include "policy/quota.h"

/* Whose it is: cluster, account, user, class. -1: there were mistakes. */
int quota_entry_key(const json_t *entry, const char *where, struct quota *quota,
                    json_t *mistakes);

/* How much, and for what time, over what `quota` holds: what the entry lacks stays as
 * it is. `is_new`: limit and period may not be lacking. */
int quota_entry_terms(const json_t *entry, const char *where, bool is_new,
                      struct quota *quota, json_t *mistakes);

/* Adds "WHERE.key: sentence"; key NULL: "WHERE: sentence". Returns -1. */
int quota_entry_mistake(json_t *mistakes, const char *where, const char *key,
                        const char *format, ...) __attribute__((format(printf, 4, 5)));

/* The entry that says the same (a new reference); what is as usual is left out. */
json_t *quota_entry(const struct quota *quota);

#endif
