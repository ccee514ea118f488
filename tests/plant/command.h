/* command.h - what can be asked of a running plant */
#ifndef PLANT_COMMAND_H
#define PLANT_COMMAND_H

#include <stdbool.h>
#include <stdio.h>

#include "tests/plant/model.h"
#include "tests/plant/tree.h"

struct plant {
    struct model model;
    struct tree tree;
    const char *node;
    const char *cgroup_root;
    FILE *truth;
    int64_t then_ns; /* up to when the model has come, CLOCK_BOOTTIME */
    int64_t then_ms; /* … by the time of day */
    bool stopping;
};

/* Brings model and files to this moment. */
void plant_advance(struct plant *plant);

/* Lets the model know of limits that have changed, and the truth with it. */
void plant_take_limits(struct plant *plant);

/* Carries out one line:
 *   start ID CPUS [GPUS], end ID, suspend ID, resume ID
 *   set ID CORE_MW [GPU_MW [GPU_PERCENT]]  its own power, -1: the figures'; how busy it
 *                             keeps its GPUs, -1: as busy as its CPUs are
 *   work ID                   work done so far, as JSON (model.h says of what)
 *   limit DOMAIN [MW]         shows a power limit as JSON; changes it as somebody else
 *                             would
 *   unlimit                   all limits as at first
 *   freeze|thaw|deny|hang|allow DOMAIN
 *   fail|refuse|nolimit|coarse|stubborn|crash GPU: GPU_STATE_…; allow ends them
 *   reset (a reboot), sync, stop
 * The answer goes to `out`; one that starts with '!' is a refusal. */
void command_run(struct plant *plant, const char *line, FILE *out);

#endif
