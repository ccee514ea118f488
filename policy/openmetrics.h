/* openmetrics.h - figures in the text format that Prometheus reads
 *
 * OpenMetrics 1.0.0 (prometheus/OpenMetrics, specification/OpenMetrics.md). Amounts are
 * integers of thousandths or millionths and are written as exact decimals, never by way
 * of floating point. Pure but for the stream.
 */
#ifndef KWOTA_OPENMETRICS_H
#define KWOTA_OPENMETRICS_H

#include <stdint.h>
#include <stdio.h>

#define OPENMETRICS_TYPE "application/openmetrics-text; version=1.0.0; charset=utf-8"

/* What stands before a family's samples. `unit` NULL: it has none; else the name ends
 * in it. `type`: "gauge", "counter", "info". */
void openmetrics_family(FILE *out, const char *name, const char *type, const char *unit,
                        const char *help);

/* One sample of value / 10^places (places 0 to 9), and its labels: names and values in
 * turn, NULL at their end; one whose value is "" or NULL is left out, which is the same
 * there. What is not UTF-8 in a value is written as "?": one bad byte would make all of
 * it unreadable. */
void openmetrics_sample(FILE *out, const char *name, int64_t value, int places, ...);

/* The last line. */
void openmetrics_end(FILE *out);

#endif
