/* posting.h - what a run has used, put into the ledger's sums
 *
 * rollups (by quarter-hour), rollup_days, rollup_months (local time, with QOS and GPU
 * types), account_months and run_months (the lines of statements) are always posted
 * together, so that they agree to the millijoule with each other and with the entries.
 * What is posted is a difference: what the run's quarter-hours have and the sums have
 * not.
 *
 * All functions want the ledger's lock held (ledger_begin()).
 */
#ifndef KWOTA_POSTING_H
#define KWOTA_POSTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/ledger.h"

/* The columns that are added up. What the centre bears and what is known only of the
 * whole run stands where the run ended. */
enum figure {
    FIGURE_CPU_MJ,
    FIGURE_DRAM_MJ,
    FIGURE_GPU_MJ,
    FIGURE_OTHER_MJ,
    FIGURE_OVERRUN_MJ, /* a part of the four before */
    FIGURE_CREDIT_MJ,  /* as well */
    FIGURE_PRICE_U,    /* of the rest */
    FIGURE_CO2_MG,
    FIGURE_UNPRICED_MJ,    /* the part of the rest that the price leaves out, */
    FIGURE_CO2_UNKNOWN_MJ, /* … and the CO2 */
    /* Of runs whose use had been estimated before they began: what was expected of
     * them, what they used, how many they are. */
    FIGURE_ESTIMATED_MJ,
    FIGURE_ESTIMATED_USED_MJ,
    FIGURE_ESTIMATED_RUNS,
    FIGURE_RUNS,
    FIGURES
};

/* A quarter-hour in which something is to be posted. */
struct posting_row {
    int64_t quarter_s;
    int64_t figures[FIGURES];
};

struct posting {
    int64_t run_id;
    int64_t mj; /* what is to be posted of use */
    struct posting_row *rows;
    size_t count, end; /* by time; rows[end] is where the run ended */
};

/* What a run that is over has used and is not posted yet; posting_free() it, after a
 * failure too. A run that is posted for the `first` time counts as one, and so does
 * what was expected of it. */
int posting_read(struct ledger *ledger, int64_t run_id, bool first,
                 struct posting *posting);

/* Adds a figure of the whole run: overrun, credit. */
void posting_add(struct posting *posting, enum figure figure, int64_t value);

/* Posts it, and the run's quarter-hours as posted. What lies in a closed month goes to
 * the first quarter-hour that is open. */
int posting_make(struct ledger *ledger, struct posting *posting);

void posting_free(struct posting *posting);

/* The first second that is not in a closed month; 0: none is closed. */
int64_t posting_open_s(struct ledger *ledger);

#endif
