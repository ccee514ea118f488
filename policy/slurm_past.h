/* slurm_past.h - the runs that slurmdbd remembers
 *
 * Every call may take seconds, and many times that where slurmdbd is slow: never from a
 * thread that answers nodes, never under the ledger's lock.
 */
#ifndef KWOTA_SLURM_PAST_H
#define KWOTA_SLURM_PAST_H

#include <stdbool.h>
#include <stdint.h>

/* One row of slurmdbd's: a run that had nodes. slurmdbd keeps no restart numbers; a
 * job's runs are told apart by when they were submitted, because Slurm sets that anew
 * at each requeue. Unknown: 0 or "": of a job that has just ended slurmctld may owe
 * slurmdbd its user, partition and TRES for some minutes. */
struct past_run {
    uint32_t job_id;
    char text[64]; /* as Slurm prints it: 12, 12_3, 15+1 */
    int64_t submit_s, start_s;
    int64_t end_s;     /* 0: it has not ended, as far as slurmdbd knows */
    int64_t elapsed_s; /* without suspended_s; 0 while it runs */
    int64_t suspended_s;
    bool is_part; /* of a run whose job was resized: others have the same submit_s */
    uint32_t uid;
    char user[64], account[64], partition[64], name[128];
    char state[32]; /* "COMPLETED", "NODE_FAIL", …; of a part "RESIZING" */
    int64_t node_count;
    char nodes[4096];    /* "n[1-4]"; what is longer is cut off at a comma */
    int64_t limit_s;     /* 0: none */
    char allocated[512]; /* TRES by their names: "cpu=8,mem=1000,gres/gpu=2" */
    char asked[512];     /* the same, of what it asked for */
    int64_t energy_j;    /* as sacct's ConsumedEnergyRaw; -1: slurmdbd has none */
};

/* Called for each run; false: no more, please. */
typedef bool (*past_take)(const struct past_run *run, void *arg);

/* Every run that was under way at any time from `from_s` until before `until_s`, once,
 * in no order. Those that ran into the time are told, too. Many of them are asked for
 * in slices of time. -1: slurmdbd cannot be asked (any more); what was told is right.
 */
int slurm_past_runs(const char *cluster, int64_t from_s, int64_t until_s,
                    past_take take, void *arg);

/* The same of those only that ended in that time. Much less work for slurmdbd: its
 * index has their end. */
int slurm_past_ended(const char *cluster, int64_t from_s, int64_t until_s,
                     past_take take, void *arg);

#endif
