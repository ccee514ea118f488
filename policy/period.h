/* period.h - the time a quota is for
 *
 * Pure but for the time zone: months, quarters and years begin at midnight of kwotad's
 * TZ, and all windows begin and end on a quarter-hour.
 */
#ifndef KWOTA_PERIOD_H
#define KWOTA_PERIOD_H

#include <stdint.h>

enum period_kind {
    PERIOD_MONTH,
    PERIOD_QUARTER, /* of a year */
    PERIOD_YEAR,
    PERIOD_ROLLING, /* the last so many days, up to the end of this quarter-hour */
    PERIOD_FIXED,   /* a grant from one day to another */
};

struct period {
    enum period_kind kind;
    int64_t days;            /* of a rolling one */
    int64_t from_s, until_s; /* of a fixed one; until_s is not in it */
};

/* [from_s, until_s) */
struct window {
    int64_t from_s, until_s;
};

/* "month", "quarter", "year", "rolling", "fixed"; -1: none of them. */
int period_parse(const char *text, enum period_kind *kind);
const char *period_text(enum period_kind kind);

/* The window that `at_s` lies in; a fixed one's is the same at any time. */
void period_window(const struct period *period, int64_t at_s, struct window *window);

/* The local month and day that a quarter-hour lies in. */
void period_month_of(int64_t quarter_s, struct window *window);
void period_day_of(int64_t quarter_s, struct window *window);

/* The window before or after one of a month, quarter or year (steps may be negative);
 * -1: there is none (rolling, fixed). */
int period_step(const struct period *period, const struct window *window, int steps,
                struct window *other);

/* "2026-01-01" (the day's first quarter-hour) or "2026-01-01T12:15", local time, on a
 * quarter-hour; -1: it is neither. */
int period_day(const char *text, int64_t *s);

/* The same the other way round. Returns text; PERIOD_DAY bytes suffice. */
#define PERIOD_DAY 24
char *period_day_text(int64_t s, char *text, int size);

#endif
