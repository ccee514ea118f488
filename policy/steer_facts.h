/* steer_facts.h - what the ledger knows of a running run that may be steered; for
 * steer_round.c
 *
 * All functions want the ledger's lock held (ledger_begin()).
 */
#ifndef KWOTA_STEER_FACTS_H
#define KWOTA_STEER_FACTS_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/ledger.h"
#include "policy/policy.h"
#include "policy/steer.h"

/* What has been used, by what steer() tells apart. */
struct steer_used {
    int64_t gpu_mj, package_mj, other_mj;
};

/* What is remembered from one round to the next: the table `steering`. */
struct steer_memory {
    bool known; /* there is a row */
    struct steer_state state;
    int64_t done_ms;        /* of work at full speed */
    struct steer_used free; /* while nothing was held, */
    int64_t free_ms;        /* … for so long */
    int64_t gpu_peak_mw, package_peak_mw, other_peak_mw;
    struct steer_used used; /* by the reports up to */
    int64_t seen_ms;
};

struct steer_facts {
    int64_t run_id;
    char text[64], name[128], partition[64];
    char cluster[64], user[64], account[64]; /* as history has them */
    int64_t node_count, gpus, asked_nodes, asked_cpus, asked_gpus;
    int64_t from_s, until_s;  /* its start, and its time limit's end */
    int64_t lien_mj, most_mj; /* most_mj 0: its user said nothing */
    int64_t used_mj;
    int64_t first_ms, last_ms; /* of the last reports of its nodes: the oldest, the
                                  newest */
    int64_t nodes_known;       /* so many nodes have reported */
    struct steer_used used;
    struct steer_memory memory;
    int64_t cap_mw[2]; /* GPUs' and packages' in force by others' word; 0: none */
};

/* Who it is, and whether it is remembered; false: it is no running run that is held to
 * its lien. */
bool steer_facts_read(struct ledger *ledger, int64_t run_id, struct steer_facts *facts);

/* The rest of them, for the few that are steered. */
void steer_facts_more(struct ledger *ledger, struct steer_facts *facts);

/* Power lately by the last reports, of those since_ms if there are any: into mw of
 * run->gpu, run->package and other_mw. false: nobody can tell. */
bool steer_facts_power(struct ledger *ledger, const struct steer_facts *facts,
                       int64_t report_ms, int64_t since_ms, struct steer_run *run);

/* The devices that can be held, and how far. */
void steer_facts_devices(struct ledger *ledger, const struct steer_facts *facts,
                         struct steer_run *run);

/* What like runs take in all; STEER_UNKNOWN: nobody can tell. */
int64_t steer_facts_expected_s(struct ledger *ledger, const struct policy *policy,
                               const struct steer_facts *facts);

/* What is ordered of GPUs and packages, as it really is in force by what nodes tell. */
struct steer_state steer_facts_in_force(struct ledger *ledger,
                                        const struct steer_facts *facts);

/* Writes the memory down. */
int steer_facts_keep(struct ledger *ledger, int64_t run_id,
                     const struct steer_memory *memory);

#endif
