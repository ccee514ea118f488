/* model.h - what a simulated node's domains use, and which job causes it
 *
 * The plain model: a domain draws its idle power always, and on top of it so many watts
 * for each core second that jobs and daemons use, spread evenly over the packages. A
 * job causes its dynamic energy, and the idle energy of the share of the node it holds:
 * the larger of its CPUs (none while it is suspended) and its GPUs. A GPU draws its
 * idle power, which its holders cause in equal parts, and more for each holder that is
 * busy. A platform counter shows all of it and the fans.
 * A package or GPU with a power limit draws min(limit, demand): what its holders would
 * make it draw is the demand, and each one's part shrinks alike. A demand that rises
 * above the limit, or a limit that sinks below what is drawn, is obeyed only
 * MODEL_OVERSHOOT_NS later, as real ones take to turn their clocks down; after as long
 * within the limit they are up again. Idle power is
 * drawn whatever the limit. Clocks are linear: dynamic power is proportional to them,
 * and so is work; one that gets half of the dynamic power it asks for does half of its
 * work a second. Real ones lose less, because the voltage falls too: with
 * gpu_root_speed a GPU's holder that gets a quarter does half. Work is counted
 * in nanoseconds of a core or GPU that is busy all the time at full clocks.
 * Pure: the same CPU times over the same elapsed times give the same energy. Amounts
 * are kept in picojoules (milliwatts times nanoseconds), so nothing is ever rounded
 * away.
 */
#ifndef PLANT_MODEL_H
#define PLANT_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/plant/figures.h"

#define MODEL_MAX_DOMAINS (FIGURES_MAX_PACKAGES * FIGURES_KINDS + FIGURES_MAX_GPUS + 1)
#define MODEL_MAX_JOBS 512
#define MODEL_SLUID 32
#define MODEL_PJ_PER_UJ 1000000
#define MODEL_OVERSHOOT_NS INT64_C(300000000)

/* How busy a GPU's holder is shows over no shorter step: CPU time is told in ticks. */
#define MODEL_LOOK_NS INT64_C(10000000)

enum model_kind { MODEL_PACKAGE, MODEL_DRAM, MODEL_GPU, MODEL_PLATFORM };

struct model_job {
    uint32_t id;
    char
        sluid[MODEL_SLUID]; /* what names its cgroup from Slurm 26.05 on; "": unknown */
    int cpus;               /* held now; 0 when the job holds nothing */
    uint32_t gpus;          /* held now, as bits */
    bool suspended;
    int64_t gpu_mw;       /* its own power on each GPU while busy; -1: the figures' */
    int64_t gpu_percent;  /* how busy it keeps its GPUs; -1: as its CPUs are */
    int64_t busy_percent; /* of a core in the last step, at most 100 */
    int64_t busy_us;      /* … of that, so far */
    uint32_t pid;         /* one of its processes; 0: none known */
    int64_t core_mw;      /* its own package power per busy core; -1: the figures' */
    int64_t cpu_ns;       /* used so far */
    int64_t used_ns;   /* used in the step that model_advance() is about to account */
    int64_t cgroup_ns; /* what its cgroup said last */
    __int128 idle_pj[MODEL_MAX_DOMAINS];
    __int128 dynamic_pj[MODEL_MAX_DOMAINS];
    int64_t work_ns[MODEL_MAX_DOMAINS]; /* done so far; packages share a core's */
};

/* How a package or GPU obeys its limit. */
struct model_clocks {
    int64_t limit_mw;   /* 0: none */
    int64_t ceiling_mw; /* what the clocks allow now; INT64_MAX: all of it */
    int64_t over_ns;    /* for how long the demand has been above the limit … */
    int64_t within_ns;  /* … or, since it last was, within it */
};

struct model {
    struct figures figures;
    int cpus; /* of the node */
    int domains;
    int64_t step_ns;                               /* of the last step */
    struct model_clocks clocks[MODEL_MAX_DOMAINS]; /* the limits are the caller's */
    __int128 total_pj[MODEL_MAX_DOMAINS];
    struct model_job jobs[MODEL_MAX_JOBS];
    int job_count;
    __int128 busy_ns; /* CPU time of jobs and daemons */
};

void model_init(struct model *model, const struct figures *figures, int cpus);

/* Domains are package 0, its dram, package 1, …, then the GPUs, then the platform. */
enum model_kind model_kind(const struct model *model, int domain);

/* "package-0", "dram-0", "gpu-3", "psys" */
void model_name(const struct model *model, int domain, char *name, int size);

/* What the GPU draws now. */
int64_t model_gpu_mw(const struct model *model, int gpu);

/* What its holders would make it draw without a limit. */
int64_t model_gpu_demand_mw(const struct model *model, int gpu);

/* The number of the domain of that kind with that number; -1: there is none. */
int model_domain(const struct model *model, enum model_kind kind, int number);

/* The job of that id, made if there is none yet; NULL when MODEL_MAX_JOBS are known. */
struct model_job *model_job(struct model *model, uint32_t id);

/* The newest job of that SLUID; NULL: none was told of. */
struct model_job *model_job_of_sluid(struct model *model, const char *sluid,
                                     size_t len);

/* Lets `elapsed_ns` pass, in which each job used its used_ns; clears used_ns. */
void model_advance(struct model *model, int64_t elapsed_ns);

/* Work of a job on all packages, or on all GPUs. */
int64_t model_job_work_ns(const struct model *model, const struct model_job *job,
                          enum model_kind kind);

int64_t model_total_uj(const struct model *model, int domain);
int64_t model_job_uj(const struct model_job *job, int domain);
/* What no job caused: total less the jobs, so that the three add up in microjoules. */
int64_t model_node_uj(const struct model *model, int domain);

#endif
