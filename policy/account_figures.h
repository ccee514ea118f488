/* account_figures.h - figures by account, for metrics
 *
 * Of one thread, or under its owner's lock.
 */
#ifndef KWOTA_ACCOUNT_FIGURES_H
#define KWOTA_ACCOUNT_FIGURES_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* Sums of the ledger's entries; each only grows. charged + overrun - corrected is the
 * energy of the settled runs; credited is a part of it that nobody pays. */
struct charged {
    int64_t charged_mj;   /* charges, and adjustments upwards */
    int64_t credited_mj;  /* what end states gave back */
    int64_t overrun_mj;   /* what the centre bears */
    int64_t corrected_mj; /* adjustments and overruns downwards */
    int64_t settlements;
};

struct account_figure {
    char name[64];
    int rank; /* the how manyth account of this month that was charged; -1: not yet */
    struct charged month;
    int64_t unsettled_mj, runs; /* of runs that are not settled; those that run */
    bool named;                 /* has series of its own (account_figures_choose) */
};

struct account_figures {
    json_t *places; /* by name */
    struct account_figure *list;
    int count, ranks;
};

/* Its place in the list, where it is put if it was not there; -1: memory is out. */
int account_figures_of(struct account_figures *figures, const char *name);

/* Another month: nothing is charged. */
void account_figures_begin_month(struct account_figures *figures);

/* What runs is counted anew. */
void account_figures_begin_runs(struct account_figures *figures);

void account_figures_done(struct account_figures *figures);

/* Says which accounts have series of their own, at most `most`. Those that were charged
 * this month come in the order of their first charge, so that one that is in stays in,
 * also when kwotad starts anew: the sum over the others never goes back. Then those
 * whose runs are to be charged. One that is called "other" is always among the others.
 */
#define ACCOUNT_FIGURES_OTHER "other"
void account_figures_choose(struct account_figures *figures, int64_t most);

#endif
