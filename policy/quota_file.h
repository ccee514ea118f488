/* quota_file.h - all quotas as a file that a centre keeps in version control
 *
 * {"version":1,"quotas":[ENTRY,…]}, entries as in quota_entry.h. The file is the whole
 * truth: what it lacks is removed. All functions want the ledger's lock held.
 */
#ifndef KWOTA_QUOTA_FILE_H
#define KWOTA_QUOTA_FILE_H

#include <jansson.h>

#include "policy/quota_change.h"

/* Makes the ledger's quotas those of `file`. *difference: {"added":[ENTRY…],
 * "changed":[{"before":ENTRY,"after":ENTRY}…],"removed":[ENTRY…],"unchanged":N} (a new
 * reference). -1 with the refusal; if the file is wrong `mistakes` (an array) has a
 * sentence for each mistake, and nothing was changed. */
int quota_file_apply(struct ledger *ledger, const json_t *file,
                     const struct quota_by *by, json_t *mistakes, json_t **difference,
                     struct quota_refusal *refusal);

/* The file that changes nothing (a new reference); NULL: the ledger cannot be read. */
json_t *quota_file_export(struct ledger *ledger);

#endif
