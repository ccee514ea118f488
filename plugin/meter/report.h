/* report.h - telling kwotad what this node's meter counts, in a thread of its own
 *
 * Cumulative counts: a report that is lost is made good by the next. The tick loop
 * never waits for this thread.
 */
#ifndef METER_REPORT_H
#define METER_REPORT_H

#include <jansson.h>

#include "plugin/meter/meter.h"

struct reporter;

/* Starts the thread. `wake_fd` is an eventfd that is written to when a summary that was
 * asked for has come, or cannot come. NULL when it cannot start. */
struct reporter *report_start(struct meter *meter, int wake_fd);

/* What a report is sent for: kwotad looks first at what somebody waits for. */
enum report_turn { REPORT_COUNTS, REPORT_END, REPORT_START };

/* Sends a report now. With a token, asks what that run's other nodes have reported. */
void report_now(struct reporter *reporter, enum report_turn turn,
                const char *summary_for);

/* The summary that came for this token (a new reference), or NULL. */
json_t *report_summary(struct reporter *reporter, const char *token);

/* Whether the job of this token may run, for a prolog that waits: "run", "held" (kwotad
 * has put it back into the queue), "hold" (kwotad cannot be reached, and the policy
 * wants it held), "wait" (kwotad has not decided yet), "unknown" (kwotad has not said
 * yet whether it decides about starts at all). */
const char *report_decision(struct reporter *reporter, const char *token);

/* Ends the thread after the request under way, at most the time-out. */
void report_stop(struct reporter *reporter);

/* The body of a report of these books; a new reference. */
json_t *report_body(const struct books *books, const char *node,
                    const char *summary_for);

#endif
