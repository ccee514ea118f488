/* allowance.h - how much of a run's lien one of its nodes may use by itself
 *
 * A node that cannot reach kwotad acts on it. Pure; integers only.
 */
#ifndef KWOTA_ALLOWANCE_H
#define KWOTA_ALLOWANCE_H

#include <stdint.h>

/* A run and one of its nodes; energies in mJ, none below 0. */
struct allowance {
    int64_t lien_mj; /* all that is set aside for the run, used or not */
    int64_t used_mj; /* by all its nodes, as far as they have told */
    int64_t node_mj; /* … by this node */
    int64_t nodes;   /* so many in all, at least 1 */
};

/* What this node may use in all, from the run's start on: what it has used, and its
 * part of what is left. Divided in proportion to use, as if a tenth of the lien had
 * been used evenly before anything was told: at the start the parts are even, and a
 * node that has not told yet is not left without. All nodes' parts together are no more
 * than the lien, or than what is used if that is more. */
int64_t allowance_mj(const struct allowance *allowance);

#endif
