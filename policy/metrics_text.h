/* metrics_text.h - the figures of metrics as OpenMetrics text
 *
 * Pure but for the stream.
 */
#ifndef KWOTA_METRICS_TEXT_H
#define KWOTA_METRICS_TEXT_H

#include <stdio.h>

#include "policy/activity.h"
#include "policy/metrics_read.h"

/* How kwotad itself is. */
struct metrics_health {
    const struct activity *activity;
    int64_t started_s, round_s, ledger_bytes, resident_bytes, cpu_ms;
};

/* Cluster, accounts, nodes and kwotad, in this order; nobody's name is in it. */
void metrics_text(FILE *out, const struct metrics_figures *figures,
                  const struct metrics_health *health);

#endif
