/* attribution.h - dividing what a domain used among the jobs that shared it
 *
 * Pure, integers only. The idle part of an interval goes by each job's share of the
 * node, the rest by CPU time; what no job holds or used is the node's own.
 */
#ifndef METER_ATTRIBUTION_H
#define METER_ATTRIBUTION_H

#include <stdint.h>

#define ATTRIBUTION_MAX 256 /* jobs on a node at once */

struct attribution_share {
    int64_t cpus;   /* of the node, held by this job */
    int64_t cpu_ns; /* CPU time used in the interval */
    int64_t uj;     /* out: this job's energy */
};

/* Divides delta_uj (not negative), of which idle_uj (0 to delta_uj) is idle, among
 * `count` jobs (at most ATTRIBUTION_MAX). `cpus`: the node's; `own_ns`: CPU time of
 * what belongs to no job (daemons). Returns the node's own part. Jobs' uj + the return
 * value = delta_uj exactly, none negative. When no CPU time was used at all the rest is
 * the node's. */
int64_t attribution_divide(int64_t delta_uj, int64_t idle_uj, int64_t cpus,
                           int64_t own_ns, struct attribution_share *shares, int count);

#endif
