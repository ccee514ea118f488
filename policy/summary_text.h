/* summary_text.h - what slurmdbd is told of a settled run: one line of compact JSON
 *
 * Pure. Millijoules, as in `kwota job --json`; what is unknown is left out, never zero.
 * There is neither ' nor \ in it: slurmdbd puts it into SQL as it is.
 */
#ifndef KWOTA_SUMMARY_TEXT_H
#define KWOTA_SUMMARY_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/kind.h"

/* The number under "kwota": another one when a key changes its meaning. */
#define SUMMARY_FORMAT 1

#define SUMMARY_TEXT 512

enum summary_quality { SUMMARY_MEASURED, SUMMARY_APPORTIONED, SUMMARY_PARTIAL };

struct summary {
    struct kinds used;             /* ENERGY_UNKNOWN where nothing was measured */
    int64_t charge_mj;             /* what is charged, less the credit */
    int64_t overrun_mj, credit_mj; /* the centre's parts, both >= 0 */
    enum summary_quality quality;
    bool simulated;
    bool priced, co2_told; /* there is a tariff, and the one below means something */
    int64_t price_u;       /* millionths of the tariff's currency */
    int64_t co2_mg;
    int64_t unpriced_mj, co2_unknown_mj; /* what those leave out of what was charged */
};

/* Returns text: {"kwota":1,"total_mj":…,"cpu_mj":…,…,"charge_mj":…,"overrun_mj":…,
 * "credit_mj":…,"quality":"measured","simulated":false,"price_u":…,"co2_mg":…}. */
char *summary_text(const struct summary *summary, char text[SUMMARY_TEXT]);

/* Whether a comment is one that kwota wrote, in whatever format. */
bool summary_is_ours(const char *comment);

/* Reads one back. -1: it is none of this format. */
int summary_read(const char *comment, struct summary *summary);

/* All that was used; ENERGY_UNKNOWN. */
int64_t summary_total_mj(const struct summary *summary);

#endif
