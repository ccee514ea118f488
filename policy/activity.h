/* activity.h - what kwotad has done since it started, counted
 *
 * Any thread may add; who reads sees each count by itself, not all as of one moment.
 */
#ifndef KWOTA_ACTIVITY_H
#define KWOTA_ACTIVITY_H

#include <stdatomic.h>

struct activity {
    atomic_llong reports;         /* of nodes, taken */
    atomic_llong reports_refused; /* … malformed, or the ledger could not take them */
    atomic_llong answers;         /* to anybody, over the API */
    atomic_llong credentials_refused; /* MUNGE's word was missing, old or of another */
    atomic_llong too_late;            /* who asked had hung up before it was his turn */
    atomic_llong waiting;             /* requests that no thread has taken yet, now */
};

#endif
