/* report_lines.h - kwota report's lines: whose energy, and the centre's part of it
 *
 * Pure: made of what kwotad answers (API.md, GET /v1/accounting), for the table, CSV
 * and the page alike.
 */
#ifndef KWOTA_REPORT_LINES_H
#define KWOTA_REPORT_LINES_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* What was asked of it beside the time. */
struct report_wish {
    const char *by;
    int64_t top;         /* show so many rows; 0: all */
    int64_t metered_mj;  /* by other meters; ENERGY_UNKNOWN: not given */
    const char *metered; /* where that is from */
};

struct report_line {
    enum { LINE_ROW, LINE_OTHERS, LINE_TOTAL, LINE_CENTRE, LINE_METERS } part;
    const char *name; /* belongs to the reply, or is constant */
    char text[64];    /* what it is called, if name is NULL */
    int depth;        /* of an account */
    int64_t charged_mj;
    int64_t below_mj; /* with what is below it; ENERGY_UNKNOWN: no tree */
    int64_t below_previous_mj;
    int64_t previous_mj; /* ENERGY_UNKNOWN: not to be compared */
    const json_t *sums;  /* of a row or the total: all its figures; else NULL */
};

/* The lines, *count of them; the caller frees them. Rows are in the reply's order;
 * those that are not among the first `top` are one line. The centre's lines add up with
 * the total to what the meters say. */
struct report_line *report_lines(const json_t *reply, const struct report_wish *wish,
                                 size_t *count);

/* What a line is called. */
const char *report_name(const struct report_line *line);

int64_t report_figure(const json_t *object, const char *key);

/* How many places kWh are shown with: what a test cluster uses is not shown as 0.000.
 */
int report_digits(const json_t *reply);

/* What is to be said of the whole, one sentence each; a list (a new reference). */
json_t *report_remarks(const json_t *reply, const struct report_wish *wish);

/* Which columns say something. */
struct report_columns {
    bool tree, estimated, price, co2, borne;
};

void report_columns(const json_t *reply, struct report_columns *columns);

/* "+12.3 %", "new", "gone" or "". */
#define REPORT_CELL 64
char *report_change(char text[REPORT_CELL], int64_t now_mj, int64_t before_mj);

/* What was measured, of what had been estimated: "104 %"; "" if nothing was. */
char *report_estimate(char text[REPORT_CELL], const json_t *sums);

/* "12.30 EUR"; CO2 as "1.234 kg", tonnes from ten on. "-" where it is not known; ">="
 * is before what is known where that is a part. */
char *report_price(char text[REPORT_CELL], const json_t *sums, const char *currency);
char *report_co2(char text[REPORT_CELL], const json_t *sums);

/* "2026-11-01 00:00 to 2026-12-01 00:00", as days where it is whole ones. */
#define REPORT_TIME 64
char *report_time(char text[REPORT_TIME], const json_t *window);

#endif
