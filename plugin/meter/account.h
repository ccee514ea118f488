/* account.h - one domain's interval: what its counter moved by goes to runs and node
 *
 * No I/O. Keeps total_uj = jobs_uj + node_uj in every domain.
 */
#ifndef METER_ACCOUNT_H
#define METER_ACCOUNT_H

#include "plugin/meter/books.h"
#include "plugin/meter/driver.h"

/* The node at the moment of a reading. */
struct account_moment {
    int64_t now_ns;  /* CLOCK_BOOTTIME */
    int64_t busy_ns; /* -1 unknown */
    int64_t cpus;
    bool boundary; /* the set of runs changes now */
    bool by_cpus;  /* no cgroups on this node: divide by allocated CPUs */
    /* Of a GPU that several runs hold: who used it, if the driver tells. */
    const struct driver_user *users;
    int user_count;
};

/* Domain `d` of the books reads this now. `counter` gives range, maximum power and a
 * GPU's places. Platforms are to come after the domains they cover. */
void account_reading(struct books *books, int d, const struct counter *counter,
                     const struct counter_reading *reading,
                     const struct account_moment *moment);

/* Domain `d` has no reading now, because of counter->reason. */
void account_no_reading(struct books *books, int d, const struct counter *counter,
                        const struct account_moment *moment);

/* The node was suspended since the last tick: what counters show of that time is
 * nothing that can be trusted. */
void account_asleep(struct books *books, int64_t from_ns, int64_t now_ns);

/* Platform `d` covers these domains (bits). */
void account_cover(struct books *books, int d, uint32_t domains);

/* How many running runs hold a part of this GPU. */
int account_holders(const struct books *books, const struct counter *counter);

/* True if every domain's jobs and node add up to its total. */
bool account_balanced(const struct books *books);

#endif
