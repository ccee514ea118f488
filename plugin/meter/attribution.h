/* attribution.h - dividing what a domain used among the jobs that shared it
 *
 * Pure, integers only. The idle part of an interval goes by each job's share of the
 * node, the rest by what each used (CPU time, a GPU's utilisation); what no job holds
 * or used is the node's own. What flooring leaves over, less than one microjoule a job,
 * goes to the largest remainders.
 */
#ifndef METER_ATTRIBUTION_H
#define METER_ATTRIBUTION_H

#include <stdint.h>

#define ATTRIBUTION_MAX 256 /* jobs on a node at once */

struct attribution_part {
    int64_t share; /* of the node or device, held by this job */
    int64_t used;  /* in the interval: CPU time, or utilisation */
    int64_t uj;    /* out: this job's energy */
};

/* Divides delta_uj (not negative), of which idle_uj (0 to delta_uj) is idle, among
 * `count` jobs (at most ATTRIBUTION_MAX). `whole`: what shares are parts of; shares
 * that add up to more leave the node nothing. `own`: what was used by no job (daemons).
 * Returns the node's own part. Jobs' uj + the return value = delta_uj exactly, none
 * negative. When nothing was used at all the rest is the node's. */
int64_t attribution_divide(int64_t delta_uj, int64_t idle_uj, int64_t whole,
                           int64_t own, struct attribution_part *parts, int count);

#endif
