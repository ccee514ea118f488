/* tariff_series.h - a file of values by time: prices or grams of CO2 per kWh
 *
 * One "TIME,VALUE" a line, times rising; a first line that is no time is a heading, and
 * lines that are empty or begin with # are passed over. TIME is
 * 2026-11-01T00:15 (local time), the same with Z or +01:00 behind it, or seconds since
 * 1970; a value holds until the next line's time, and no longer than an hour. VALUE is
 * a decimal number.
 */
#ifndef KWOTA_TARIFF_SERIES_H
#define KWOTA_TARIFF_SERIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tariff_series;

#define TARIFF_SERIES_WHY 256

/* Values with so many decimal places. NULL: it cannot be read; `why` says so:
 * "FILE:17: …". */
struct tariff_series *tariff_series_read(const char *file, int places,
                                         char why[TARIFF_SERIES_WHY]);
void tariff_series_free(struct tariff_series *series);

/* The value in force then; false: the file has none. */
bool tariff_series_at(const struct tariff_series *series, int64_t at_s, int64_t *value);

#endif
