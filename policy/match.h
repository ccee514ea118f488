/* match.h - which run of a job a node's token belongs to
 *
 * Pure. Slurm sets a new submit time at each requeue and at nothing else, so the submit
 * time tells a job's runs from one another. A run that a restarted slurmctld had
 * forgotten starts twice with one submit time: that is one run still.
 */
#ifndef KWOTA_MATCH_H
#define KWOTA_MATCH_H

#include "policy/slurm_lookup.h"

enum match { MATCH_NO, MATCH_LIKELY, MATCH_SURE };

/* Clocks and the length of a prolog may put a token this far before Slurm's start or
 * after its end. */
#define MATCH_SLACK_S 30

/* Whether a token made at `at_s` is of this run; `newest`: the job has no newer one.
 * LIKELY: only by the slack, so another run may have a better claim. */
enum match match_run(const struct lookup_run *run, int64_t at_s, bool newest);

#endif
