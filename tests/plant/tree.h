/* tree.h - the files in which a simulated node shows its counters
 *
 * ROOT/sys/class/powercap as the kernel lays it out, power limits included,
 * ROOT/proc/stat, the boot id, where there are GPUs a fake libnvidia-ml.so.1 with the
 * file it reads, and ROOT/kwota-simulated, the mark that these counters are not real.
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
    int limit_fd;     /* a package's power limit; -1: it has none */
    int64_t limit_mw; /* as it was last seen; 0: it has none */
    int64_t usual_mw; /* as it is after a reboot */
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

/* As a reboot: every counter at 0, every limit as at first, another boot id. */
void tree_reset(struct tree *tree, const struct model *model);

/* tree_limits.c: */

/* Opens a package's limit; `folder` is its zone's below ROOT/sys. */
void tree_open_limit(struct tree *tree, const struct model *model, int domain,
                     const char *folder);

/* Gives a card its range, and its limit if it never had one. */
void tree_make_card_limit(struct gpu_state_card *card, const struct figures *figures);

/* Tells the model every limit as it is now, whoever set it. Returns the domains, as
 * bits, of which it is another than before. */
uint32_t tree_take_limits(struct tree *tree, struct model *model);

/* Sets a limit by hand: somebody else changed it. -1: the domain has none, or not
 * this. */
int tree_set_limit(struct tree *tree, const struct model *model, int domain,
                   int64_t mw);

/* Every limit as at first. */
void tree_reset_limits(struct tree *tree, const struct model *model);

/* The card of a GPU's domain; NULL: it is no GPU's. */
struct gpu_state_card *tree_card(struct tree *tree, const struct model *model,
                                 int domain);

#endif
