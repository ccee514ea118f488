/* cap_report.h - what nodes report of caps and limits, into the ledger
 *
 * All functions want the ledger's lock held (ledger_begin()). What is as it was is not
 * written again.
 */
#ifndef KWOTA_CAP_REPORT_H
#define KWOTA_CAP_REPORT_H

#include <jansson.h>
#include <stdint.h>

#include "policy/ledger.h"

/* A report's "caps" of a run (NULL: it never was capped), as of time_ms. What cannot be
 * read in it is passed over: caps are no money. -1: the ledger cannot take it. */
int cap_report_run(struct ledger *ledger, const char *token, const json_t *caps,
                   int64_t time_ms);

/* A report's "limits"; NULL: it has none. */
int cap_report_limits(struct ledger *ledger, const char *node, const json_t *limits);

/* The limits of a node: [{"name","kind","min_mw","max_mw","default_mw","found_mw",
 * "now_mw","step_mw","why"}], a new reference. */
json_t *cap_report_limits_json(struct ledger *ledger, const char *node);

#endif
