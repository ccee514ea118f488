/* estimate.h - the energy a job is expected to use, from which its lien is taken
 *
 * Pure; integers only; what would overflow saturates at INT64_MAX.
 */
#ifndef KWOTA_ESTIMATE_H
#define KWOTA_ESTIMATE_H

#include <stdint.h>

#define ESTIMATE_MJ_PER_WH INT64_C(3600000)

/* What the parts of a partition's nodes draw at most. */
struct nameplate {
    int64_t node_mw; /* of each node, whatever the job has of it */
    int64_t cpu_mw;  /* of each CPU (as Slurm counts them) */
    int64_t gpu_mw;  /* of each GPU */
};

/* What a job holds or asks for. */
struct shape {
    int64_t nodes, cpus, gpus;
    int64_t limit_s; /* its time limit */
};

/* GPUs that are held to a cap draw no more than that; 0: they are not. */
void estimate_cap(struct nameplate *nameplate, int64_t gpu_cap_mw);

/* nodes x node_mw + cpus x cpu_mw + gpus x gpu_mw. */
int64_t estimate_mw(const struct nameplate *nameplate, const struct shape *shape);

/* mw x limit_s x factor_percent / 100, rounded up to a whole mJ. */
int64_t estimate_mj(int64_t mw, int64_t limit_s, int64_t factor_percent);

/* Rounded up to a whole multiple of round_wh, at least that, at most 2 000 000 000 (the
 * most licences that Slurm counts). */
int64_t estimate_wh(int64_t mj, int64_t round_wh);

#endif
