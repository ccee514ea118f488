/* history_past.h - history that kwota has not measured: Slurm's past jobs
 *
 * Kept beside the measured history, which goes before it as soon as there is enough.
 */
#ifndef KWOTA_HISTORY_PAST_H
#define KWOTA_HISTORY_PAST_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/ledger.h"
#include "policy/slurm_past.h"

/* A mean power is believed up to so many times what the nameplate says. */
#define HISTORY_PAST_TIMES 2

/* What becomes of a past run. */
enum history_past {
    PAST_BY_SLURM,     /* kept, with the power that Slurm's own energy means */
    PAST_BY_NAMEPLATE, /* kept, with that of the nameplate */
    PAST_STATE,        /* it did not end by itself or at its limit */
    PAST_SHORT,        /* shorter than HISTORY_LEAST_S */
    PAST_SHAPE,        /* it is not known what it asked for */
    PAST_POWER,        /* nobody knows what it drew */
    PAST_KINDS
};

struct history_past_run {
    uint32_t job_id;
    char user[64], account[64], name[128], partition[64];
    int64_t nodes, cpus, gpus; /* asked for */
    int64_t submit_s, end_s, elapsed_s, limit_s;
    int64_t mw;
    bool timed_out, by_nameplate;
};

/* `whole`: it had its nodes to itself, so that their energy is its own; plate_mw: what
 * its shape draws by the nameplate; 0: there is none. Pure. */
enum history_past history_past_weigh(const struct past_run *run, bool whole,
                                     int64_t plate_mw, struct history_past_run *kept);

/* Whether the ledger has the run itself. These two want the ledger's lock held. */
bool history_past_known(struct ledger *ledger, const char *cluster,
                        const struct history_past_run *run);

/* 1: it is kept now, or changed; 0: it was there, or HISTORY_KEPT newer ones are; -1.
 */
int history_past_put(struct ledger *ledger, const char *cluster,
                     const struct history_past_run *run);

#endif
