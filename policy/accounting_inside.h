/* accounting_inside.h - what the files of accounting.h share */
#ifndef KWOTA_ACCOUNTING_INSIDE_H
#define KWOTA_ACCOUNTING_INSIDE_H

#include <stdbool.h>

#include "policy/accounting.h"
#include "policy/period.h"

/* What is added up: millijoules but for prices, CO2 and counts. */
enum sum {
    SUM_CPU,
    SUM_DRAM,
    SUM_GPU,
    SUM_OTHER,
    SUM_OVERRUN, /* a part of the four, borne by the centre */
    SUM_CREDIT,  /* as well */
    SUM_ESTIMATED,
    SUM_ESTIMATED_USED, /* by the runs that were estimated */
    SUM_PREVIOUS,       /* charged in the period before */
    SUM_ESTIMATED_RUNS,
    SUM_PRICE_U,
    SUM_CO2_MG,
    SUM_UNPRICED,    /* what the price leaves out, */
    SUM_CO2_UNKNOWN, /* … and the CO2 */
    SUM_RUNS,
    SUMS
};

struct sums {
    int64_t v[SUMS];
};

int64_t sums_used(const struct sums *sums);
int64_t sums_charged(const struct sums *sums);
void sums_add(struct sums *to, const struct sums *more);

/* Sums by name, in no order. */
struct accounting_row {
    char name[64];
    struct sums own;
    struct sums below; /* own and those below it; of accounts */
    int depth;         /* of accounts */
};

struct accounting_rows {
    struct accounting_row *list;
    size_t count;
    json_t *places; /* name: place in the list */
};

void rows_init(struct accounting_rows *rows);
void rows_free(struct accounting_rows *rows);

/* Made if need be; NULL: memory is out. Good until the next is asked for. */
struct accounting_row *rows_get(struct accounting_rows *rows, const char *name);

/* Whose use counts. Lists are JSON texts. */
struct accounting_filter {
    const struct access_rights *rights;
    char *mine;       /* accounts that they coordinate */
    const char *user; /* that was asked for; "": any */
    char *accounts;   /* that were asked for; NULL: any */
};

/* Nobody and nothing is left out. */
bool filter_is_open(const struct accounting_filter *filter);

enum by { BY_ACCOUNT, BY_USER, BY_PARTITION, BY_QOS, BY_GPU_TYPE, BY_DAY, BY_MONTH };

/* Adds up settled energy of a window, by what is asked for. `finish` (NULL: none) is
 * called in the same transaction as the last, newest piece is read in: what it reads
 * fits to it. -1: the ledger cannot be read. */
int rows_collect(struct ledger *ledger, enum by by,
                 const struct accounting_filter *filter, const struct window *window,
                 struct accounting_rows *rows, int (*finish)(void *arg), void *arg);

/* What was charged in a window, as their SUM_PREVIOUS, of rows that there are; *all_mj
 * is of all. */
int rows_compare(struct ledger *ledger, enum by by,
                 const struct accounting_filter *filter, const struct window *window,
                 struct accounting_rows *rows, int64_t *all_mj);

/* Orders rows: accounts as a tree (`parents`: parent by account), with sums of what is
 * below each, days and months by time, others by what was charged. Pure. */
int rows_order(struct accounting_rows *rows, enum by by, const json_t *parents);

/* What is not in the rows. */
struct accounting_centre {
    int64_t open_mj;                    /* of runs that are not settled */
    int64_t unattributed_mj;            /* of tokens without a run */
    json_t *kinds;                      /* of the meters; NULL: not asked for */
    json_t *days;                       /* by day or month; NULL: not asked for */
    int64_t total_mj, jobs_mj, node_mj; /* ENERGY_UNKNOWN: no counter told */
    int64_t gap_ms;
};

/* Wants the lock held. `meters`: all but open_mj too; by BY_DAY or BY_MONTH: days. */
int centre_read(struct ledger *ledger, enum by by,
                const struct accounting_filter *filter, const struct window *window,
                bool meters, struct accounting_centre *centre);

/* The name of the local day or month that a quarter-hour lies in; keep `window` from
 * one call to the next. */
void by_time_name(enum by by, int64_t s, struct window *window, char name[64]);

#endif
