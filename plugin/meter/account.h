/* account.h - one domain's interval: what its counter moved by goes to runs and node
 *
 * No I/O. Keeps total_uj = jobs_uj + node_uj in every domain.
 */
#ifndef METER_ACCOUNT_H
#define METER_ACCOUNT_H

#include "plugin/meter/books.h"

/* The node at the moment of a reading. */
struct account_moment {
    int64_t now_ns;  /* CLOCK_BOOTTIME */
    int64_t busy_ns; /* -1 unknown */
    int64_t cpus;
    bool boundary; /* the set of runs changes now */
    bool by_cpus;  /* no cgroups on this node: divide by allocated CPUs */
};

/* Domain `d` of the books reads raw_uj now. `counter` gives range and maximum power. */
void account_reading(struct books *books, int d, const struct counter *counter,
                     int64_t raw_uj, const struct account_moment *moment);

/* Domain `d` has no reading now, because of counter->reason. */
void account_no_reading(struct books *books, int d, const struct counter *counter);

/* True if every domain's jobs and node add up to its total. */
bool account_balanced(const struct books *books);

#endif
