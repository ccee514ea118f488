/* span.c - a time as whole months, whole days and quarter-hours */
#include "policy/span.h"

#include <stdlib.h>

struct pieces {
    struct span_piece *list;
    size_t count;
    int failed;
};

static void add(struct pieces *pieces, enum span_unit unit, int64_t from_s,
                int64_t until_s)
{
    struct span_piece *more =
        realloc(pieces->list, (pieces->count + 1) * sizeof *pieces->list);

    if (!more) {
        pieces->failed = 1;
        return;
    }
    pieces->list = more;
    more[pieces->count++] = (struct span_piece){unit, from_s, until_s};
}

/* The largest piece that begins at `at_s`; where the next begins. */
static int64_t next_piece(struct pieces *pieces, int64_t at_s, int64_t until_s,
                          enum span_unit most)
{
    struct window month, day;
    int64_t end_s;

    period_month_of(at_s, &month);
    if (most >= SPAN_MONTHS && at_s == month.from_s && month.until_s <= until_s) {
        add(pieces, SPAN_MONTHS, at_s, month.until_s);
        return month.until_s;
    }
    period_day_of(at_s, &day);
    if (most >= SPAN_DAYS && at_s == day.from_s && day.until_s <= until_s) {
        add(pieces, SPAN_DAYS, at_s, day.until_s);
        return day.until_s;
    }
    end_s = day.until_s < until_s ? day.until_s : until_s;
    add(pieces, SPAN_QUARTERS, at_s, end_s);
    return end_s;
}

struct span_piece *span_pieces(const struct window *window, enum span_unit most,
                               size_t *count)
{
    struct pieces pieces = {.list = malloc(sizeof *pieces.list)};
    int64_t at_s = window->from_s;

    while (pieces.list && !pieces.failed && at_s < window->until_s)
        at_s = next_piece(&pieces, at_s, window->until_s, most);
    if (pieces.failed) {
        free(pieces.list);
        return NULL;
    }
    *count = pieces.count;
    return pieces.list;
}

void span_cut(const struct window *window, struct window *days, struct window *months)
{
    struct window first, last;

    period_day_of(window->from_s, &first);
    period_day_of(window->until_s, &last);
    days->from_s = first.from_s == window->from_s ? first.from_s : first.until_s;
    days->until_s = last.from_s;
    if (days->until_s < days->from_s)
        days->from_s = days->until_s = window->until_s;
    period_month_of(days->from_s, &first);
    period_month_of(days->until_s, &last);
    months->from_s = first.from_s == days->from_s ? first.from_s : first.until_s;
    months->until_s = last.from_s;
    if (months->until_s < months->from_s)
        months->from_s = months->until_s = days->until_s;
}

int span_is_days(const struct window *window)
{
    struct window first, last;

    period_day_of(window->from_s, &first);
    period_day_of(window->until_s, &last);
    return first.from_s == window->from_s && last.from_s == window->until_s;
}

/* How many whole months a window is; 0: it is none. */
static int months_in(const struct window *window)
{
    struct window month;
    int64_t at_s = window->from_s;
    int months = 0;

    do {
        period_month_of(at_s, &month);
        if (month.from_s != at_s || month.until_s > window->until_s)
            return 0;
        at_s = month.until_s;
        months++;
    } while (at_s < window->until_s);
    return months;
}

void span_before(const struct window *window, struct window *before)
{
    const struct period period = {.kind = PERIOD_MONTH};
    int64_t length_s = window->until_s - window->from_s;
    struct window month, earlier;
    int months = months_in(window);

    period_month_of(window->from_s, &month);
    period_step(&period, &month, -(months ? months : 1), &earlier);
    if (months > 0) {
        *before = (struct window){earlier.from_s, window->from_s};
    } else if (month.from_s == window->from_s && window->until_s <= month.until_s) {
        before->from_s = earlier.from_s;
        before->until_s = earlier.from_s + length_s < window->from_s
                              ? earlier.from_s + length_s
                              : window->from_s;
    } else {
        *before = (struct window){window->from_s - length_s, window->from_s};
    }
}
