/* inquiry.h - what kwotad asks Slurm about jobs, and what it makes of the answers
 *
 * All of it may take seconds (slurm_lookup.h): from the worker's thread only, without
 * the ledger's lock.
 */
#ifndef KWOTA_INQUIRY_H
#define KWOTA_INQUIRY_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/ledger.h"
#include "policy/slurm_lookup.h"

/* A run that Slurm was found to have, and what it says of it. */
struct found_run {
    int64_t id;
    const struct lookup_run *run;
};

struct inquiry {
    struct ledger *ledger;
    const char *cluster;
    bool away; /* Slurm does not answer; said so already */
    /* Told of runs, with the ledger's lock held, when all that is known of them is in
     * the ledger; NULL: nobody is. */
    void (*found)(void *arg, const struct found_run *runs, int count);
    void *found_arg;
    /* Told of each token whose run is known now, or that is refused, without the lock;
     * NULL: nobody is. */
    void (*known)(void *arg, const char *token);
    /* Called now and then while there is much to ask, without the lock: what must not
     * wait for the rest; NULL: nothing. */
    void (*between)(void *arg);
};

/* Finds the runs of the tokens that nodes have reported and that are due for a try. */
void inquiry_bind(struct inquiry *inquiry, int64_t now_s);

/* What Slurm says of the newest run of a job (a line of the journal). -1: it cannot be
 * asked, or the ledger cannot take it: the job is to be looked at again. */
int inquiry_look(struct inquiry *inquiry, uint32_t job, int64_t now_s);

/* Running runs whose nodes have all given their finals: are they over? */
void inquiry_finished(struct inquiry *inquiry, int64_t now_s);

/* The same of all running runs. */
void inquiry_sweep(struct inquiry *inquiry, int64_t now_s);

#endif
