/* points.c - energy over time, put into equal bins */
#include "policy/points.h"

#include "policy/energy.h"

int64_t points_edge(const struct points_window *window, int i)
{
    return window->start_ms +
           (int64_t)((__int128)(window->end_ms - window->start_ms) * i / window->count);
}

/* The bin that holds `ms`: the last that begins no later. */
static int bin_at(const struct points_window *window, int64_t ms)
{
    int i = (int)((__int128)(ms - window->start_ms) * window->count /
                  (window->end_ms - window->start_ms));

    i = i < 0 ? 0 : i >= window->count ? window->count - 1 : i;
    while (i + 1 < window->count && points_edge(window, i + 1) <= ms)
        i++;
    while (i > 0 && points_edge(window, i) > ms)
        i--;
    return i;
}

/* What is due of `mj` up to `ms` into a point: nothing is lost by rounding. */
static int64_t due(const struct point *p, int64_t mj, int64_t ms)
{
    return (int64_t)((__int128)mj * (ms - p->from_ms) / (p->to_ms - p->from_ms));
}

static void add_part(struct kinds *bin, const struct point *p, int64_t from_ms,
                     int64_t to_ms)
{
    for (int k = 0; k < KINDS; k++) {
        int64_t mj = p->used.mj[k];

        if (mj != ENERGY_UNKNOWN)
            kinds_add(bin, (enum kind)k, due(p, mj, to_ms) - due(p, mj, from_ms));
    }
}

void points_spread(const struct points_window *window, struct kinds *bins,
                   const struct point *point)
{
    int64_t at_ms = point->from_ms;

    for (int i = bin_at(window, at_ms); at_ms < point->to_ms; i++) {
        int64_t end_ms = points_edge(window, i + 1);

        if (end_ms > point->to_ms || i + 1 >= window->count)
            end_ms = point->to_ms;
        if (end_ms > at_ms)
            add_part(&bins[i], point, at_ms, end_ms);
        at_ms = end_ms;
    }
}
