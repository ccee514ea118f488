/* attribution.c - dividing what a domain used among the jobs that shared it */
#include "plugin/meter/attribution.h"

/* One division: `amount` by weights, the last weight being the node's own. What
 * flooring leaves over, less than one microjoule a job, goes to the largest remainders.
 */
struct division {
    int64_t amount;
    __int128 total; /* of all weights */
};

static int64_t floor_part(const struct division *d, int64_t weight)
{
    return d->total > 0 ? (int64_t)((__int128)d->amount * weight / d->total) : 0;
}

static int64_t remainder_of(const struct division *d, int64_t weight)
{
    return d->total > 0 ? (int64_t)((__int128)d->amount * weight % d->total) : 0;
}

/* How many of `count` remainders stand before that of `index`: larger, or equal and
 * earlier. */
static int rank_of(const struct division *d, const int64_t *weights, int count,
                   int index)
{
    int64_t own = remainder_of(d, weights[index]);
    int rank = 0;

    for (int i = 0; i < count; i++) {
        int64_t other = remainder_of(d, weights[i]);

        if (other > own || (other == own && i < index))
            rank++;
    }
    return rank;
}

/* Adds each job's part to its uj; returns the node's. `weights` has the jobs' and then
 * the node's own. */
static int64_t divide(int64_t amount, const int64_t *weights,
                      struct attribution_share *shares, int count)
{
    struct division d = {.amount = amount};
    int64_t left = amount, node;

    for (int i = 0; i <= count; i++)
        d.total += weights[i];
    if (d.total == 0)
        return amount;
    for (int i = 0; i <= count; i++)
        left -= floor_part(&d, weights[i]);
    for (int i = 0; i < count; i++)
        shares[i].uj += floor_part(&d, weights[i]) +
                        (rank_of(&d, weights, count + 1, i) < left ? 1 : 0);
    node = floor_part(&d, weights[count]) +
           (rank_of(&d, weights, count + 1, count) < left ? 1 : 0);
    return node;
}

static int64_t not_negative(int64_t value)
{
    return value > 0 ? value : 0;
}

int64_t attribution_divide(int64_t delta_uj, int64_t idle_uj, int64_t cpus,
                           int64_t own_ns, struct attribution_share *shares, int count)
{
    int64_t weights[ATTRIBUTION_MAX + 1], held = 0, node = 0;

    if (count > ATTRIBUTION_MAX)
        count = ATTRIBUTION_MAX;
    for (int i = 0; i < count; i++) {
        shares[i].uj = 0;
        weights[i] = not_negative(shares[i].cpus);
        held += weights[i];
    }
    weights[count] = not_negative(cpus - held);
    node += divide(idle_uj, weights, shares, count);
    for (int i = 0; i < count; i++)
        weights[i] = not_negative(shares[i].cpu_ns);
    weights[count] = not_negative(own_ns);
    node += divide(delta_uj - idle_uj, weights, shares, count);
    return node;
}
