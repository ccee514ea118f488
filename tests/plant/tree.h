/* tree.h - the files in which a simulated node shows its counters
 *
 * ROOT/sys/class/powercap as the kernel lays it out, ROOT/proc/stat, the boot id, where
 * there are GPUs a fake libnvidia-ml.so.1 with the file it reads, and
 * ROOT/kwota-simulated, the mark that these counters are not real.
 */
#ifndef PLANT_TREE_H
#define PLANT_TREE_H

#include <stdbool.h>

#include "tests/plant/gpu_state.h"
#include "tests/plant/model.h"

struct tree_counter {
    char name[32]; /* package-0, dram-0, … */
    int fd;
    int64_t raw_uj;  /* what the file says */
    int64_t seen_uj; /* the model's total that raw_uj accounts for */
    bool frozen;
    bool denied;
};

struct tree {
    char root[256];
    struct tree_counter counter[MODEL_MAX_DOMAINS];
    struct gpu_state *gpus; /* mapped; NULL: there are none */
    int stat_fd;
    __int128 stat_base_ns; /* busy time of earlier runs */
    int cpus;
};

/* Where the fake libnvidia-ml.so.1 is put; `library` is the built one. -1 and errno on
 * failure. */
int tree_open_gpus(struct tree *tree, const struct model *model, const char *library);

/* Makes what is missing; counters that are there go on from what they say. New ones
 * start wrap_in_uj before their range, or at 0 if that is negative. -1 and errno on
 * failure. */
int tree_open(struct tree *tree, const char *root, const struct model *model,
              int64_t wrap_in_uj);

/* Writes what the model says now. */
void tree_write(struct tree *tree, const struct model *model);

/* The counter of that name, or NULL. */
struct tree_counter *tree_counter(struct tree *tree, const struct model *model,
                                  const char *name);

/* As a reboot: every counter at 0, another boot id. */
void tree_reset(struct tree *tree, const struct model *model);

#endif
