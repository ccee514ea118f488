/* csv.h - lines of comma-separated values, as spreadsheets read them (RFC 4180) */
#ifndef KWOTA_CSV_H
#define KWOTA_CSV_H

#include <stdio.h>

/* A line of texts, NULL at the end. What a spreadsheet would take for a formula (=, @,
 * + and - before anything but a number) gets an apostrophe before it. */
void csv_line(FILE *out, const char *const *texts);

#endif
