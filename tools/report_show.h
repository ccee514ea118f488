/* report_show.h - kwota report as a table, as CSV, and as a page */
#ifndef KWOTA_REPORT_SHOW_H
#define KWOTA_REPORT_SHOW_H

#include <stdio.h>

#include "tools/report_lines.h"

/* A table on stdout, kWh throughout; names must be printable (printable.h). */
void report_table(const json_t *reply, const struct report_wish *wish);

/* The same lines as values: energy in millijoules and kWh. */
void report_csv(FILE *out, const json_t *reply, const struct report_wish *wish);

/* One HTML file (page.h). days: the same time by day or month, for the chart. */
void report_page(FILE *out, const json_t *reply, const json_t *days,
                 const struct report_wish *wish, const char *made);

#endif
