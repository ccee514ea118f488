/* attribution.c - dividing what a domain used among the jobs that shared it */
#include "plugin/meter/attribution.h"

#define PLACES (ATTRIBUTION_MAX + 1) /* the jobs and the node */

/* One division of an amount by weights, the last weight being the node's own. */
struct division {
    int count;
    int64_t weight[PLACES];
    int64_t part[PLACES];
    __int128 remainder[PLACES];
    int16_t order[PLACES]; /* places with a remainder */
};

/* `a` is served before `b`: a larger remainder, or an equal one and an earlier place.
 */
static int before(const struct division *d, int a, int b)
{
    return d->remainder[a] > d->remainder[b] ||
           (d->remainder[a] == d->remainder[b] && a < b);
}

/* Moves the places in [from, to) that are served before the one in the middle in front
 * of it, and the others behind it. Returns where it is then. */
static int part_at_middle(struct division *d, int from, int to)
{
    int16_t middle = d->order[from + (to - from) / 2];
    int at = from;

    d->order[from + (to - from) / 2] = d->order[to - 1];
    for (int i = from; i < to - 1; i++)
        if (before(d, d->order[i], middle)) {
            int16_t swap = d->order[i];

            d->order[i] = d->order[at];
            d->order[at++] = swap;
        }
    d->order[to - 1] = d->order[at];
    d->order[at] = middle;
    return at;
}

/* The `left` largest remainders get one each: they are gathered in front, in no order.
 */
static void serve_remainders(struct division *d, int64_t left)
{
    int size = 0, from = 0, to;

    for (int i = 0; i < d->count; i++)
        if (d->remainder[i] > 0)
            d->order[size++] = (int16_t)i;
    to = size;
    while (from < left && left < to) {
        int at = part_at_middle(d, from, to);

        if (at < left)
            from = at + 1;
        else
            to = at;
    }
    for (int i = 0; i < left && i < size; i++)
        d->part[d->order[i]]++;
}

/* Floors every part; returns what is left over. */
static int64_t floor_parts(struct division *d, int64_t amount, __int128 total)
{
    int64_t left = amount;

    for (int i = 0; i < d->count; i++) {
        __int128 product = (__int128)amount * d->weight[i];

        if (i > 0 && d->weight[i] == d->weight[i - 1]) {
            /* Shares are often equal, and divisions are dear. */
            d->part[i] = d->part[i - 1];
            d->remainder[i] = d->remainder[i - 1];
        } else {
            d->part[i] = (int64_t)(product / total);
            d->remainder[i] = product - (__int128)d->part[i] * total;
        }
        left -= d->part[i];
    }
    return left;
}

static void divide(struct division *d, int64_t amount)
{
    __int128 total = 0;

    for (int i = 0; i < d->count; i++) {
        d->part[i] = 0;
        total += d->weight[i];
    }
    if (total == 0)
        d->part[d->count - 1] = amount;
    else if (amount > 0)
        serve_remainders(d, floor_parts(d, amount, total));
}

static int64_t not_negative(int64_t value)
{
    return value > 0 ? value : 0;
}

int64_t attribution_divide(int64_t delta_uj, int64_t idle_uj, int64_t whole,
                           int64_t own, struct attribution_part *parts, int count)
{
    struct division d;
    int64_t node;
    __int128 held = 0;

    if (count > ATTRIBUTION_MAX)
        count = ATTRIBUTION_MAX;
    d.count = count + 1;
    for (int i = 0; i < count; i++) {
        d.weight[i] = not_negative(parts[i].share);
        held += d.weight[i];
    }
    d.weight[count] = held < whole ? (int64_t)(whole - held) : 0;
    divide(&d, idle_uj);
    node = d.part[count];
    for (int i = 0; i < count; i++) {
        parts[i].uj = d.part[i];
        d.weight[i] = not_negative(parts[i].used);
    }
    d.weight[count] = not_negative(own);
    divide(&d, delta_uj - idle_uj);
    for (int i = 0; i < count; i++)
        parts[i].uj += d.part[i];
    return node + d.part[count];
}
