/* statement.h - the calls about statements: what an account was given, used and is to
 * pay in a month, and every run of it
 *
 * A statement is of the account with all below it. The runs come in pages, in the order
 * of account and run, and the ledger is let go of between any two: there may be
 * hundreds of thousands. Operators, and coordinators of the account or one above it,
 * see all of it, its members their own runs.
 */
#ifndef KWOTA_STATEMENT_H
#define KWOTA_STATEMENT_H

#include <jansson.h>

#include "policy/access.h"
#include "policy/ledger.h"
#include "policy/period.h"
#include "policy/policy.h"

struct statement_call {
    struct ledger *ledger;
    const struct policy *policy;
    const struct access_rights *rights;
    const char *account, *month; /* "2026-11" */
    int64_t now_s;
    /* Of a page: the line it comes after; "" and 0: the first. */
    const char *after_account;
    int64_t after_run;
};

/* So many lines are looked at for one page. */
#define STATEMENT_PAGE 2000

/* All but the runs. An answer of API.md, and its HTTP status. */
json_t *statement_head(const struct statement_call *call, unsigned *status);

/* A page of runs. */
json_t *statement_page(const struct statement_call *call, unsigned *status);

/* "2026-11"; -1: it is no month. */
int statement_month(const char *text, struct window *window);

/* The other way round. Returns text. */
#define STATEMENT_MONTH 16
char *statement_month_text(int64_t month_s, char text[STATEMENT_MONTH]);

/* SQL: what is added up of run_months or rollup_months, and as JSON from the first of
 * these columns on: used_mj and charged_mj with them. */
#define STATEMENT_SUMS                                                                 \
    " SUM(cpu_mj), SUM(dram_mj), SUM(gpu_mj), SUM(other_mj), SUM(overrun_mj),"         \
    " SUM(credit_mj), SUM(price_u), SUM(co2_mg), SUM(unpriced_mj),"                    \
    " SUM(co2_unknown_mj), SUM(runs)"
json_t *statement_figures(sqlite3_stmt *stmt, int column);

#endif
