/* figures.h - how much power a simulated node draws */
#ifndef PLANT_FIGURES_H
#define PLANT_FIGURES_H

#include <stdint.h>

#define FIGURES_MAX_PACKAGES 4
#define FIGURES_MAX_TURBO 16
#define FIGURES_MAX_GPUS 16
#define FIGURES_GPU_HOLDERS 4 /* shards of a GPU in the tests' clusters */

enum figures_kind { FIGURES_PACKAGE, FIGURES_DRAM, FIGURES_KINDS };

struct figures_domain {
    int64_t idle_mw;  /* drawn whatever happens */
    int64_t core_mw;  /* on top, by a core that is busy all the time, of all domains of
                         this kind together */
    int64_t range_uj; /* where the counter starts again from 0 */
    int64_t limit_mw; /* the zone's constraint_0_max_power; 0: it has no such file. As
                         firmware does, its limit stands higher at first, where the
                         node's CPUs can draw more */
};

/* With at least `busy_cores` cores busy, dynamic power is `percent` of the plain
 * model's. */
struct figures_turbo {
    int64_t busy_cores;
    int64_t percent;
};

struct figures {
    int packages; /* each with a dram subzone */
    struct figures_domain kind[FIGURES_KINDS];
    int64_t daemon_core_ppm; /* the node's own daemons: millionths of a core */
    struct figures_turbo turbo[FIGURES_MAX_TURBO];
    int turbo_count;
    /* With two threads a core: what the second thread of a core adds, in percent of
     * the first; 0: every CPU is a core. */
    int64_t smt_percent;
    int gpus;
    int64_t gpu_idle_mw, gpu_busy_mw; /* busy: on top, by a holder that is busy */
    int64_t gpu_min_mw;               /* the least that its power limit can be */
    int64_t gpu_limit_mw;             /* the most, and what it is at first; 0: what
                                         FIGURES_GPU_HOLDERS busy holders make it draw */
    /* What a job that gets a part of the power above idle that it asks a GPU for loses
     * of its speed: 0: as much (linear clocks); else its speed is the square root of
     * the part, as voltage falls with the clocks. */
    int64_t gpu_root_speed;
    int64_t platform_mw; /* fans and losses: there is a platform counter; 0: none */
};

/* A two-socket server, idle 34 W. */
void figures_default(struct figures *figures);

/* Reads a JSON file over the defaults. -1 and a sentence in `error` when it cannot. */
int figures_read(struct figures *figures, const char *path, char *error,
                 int error_size);

#endif
