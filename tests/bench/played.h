/* played.h - the jobs that tests/bench/kwotad-load plays and that kwotad-alone's
 * simulated Slurm knows: a file that both have mapped
 *
 * A job's id says where it runs and whose it is, so the file holds times only.
 */
#ifndef KWOTA_PLAYED_H
#define KWOTA_PLAYED_H

#include <stdint.h>

/* How often a slot of a node can get another job. */
#define PLAYED_GENERATIONS 16

#define PLAYED_FIRST_UID 20000

struct played_job {
    uint32_t start_s, end_s; /* 0: not begun; not over */
};

struct played {
    uint32_t nodes, slots, users, accounts;
    uint32_t fan;             /* accounts below each; 0: they are flat */
    struct played_job jobs[]; /* by id - 1 */
};

static inline uint32_t played_jobs(const struct played *p)
{
    return p->nodes * p->slots * PLAYED_GENERATIONS;
}

static inline uint32_t played_id(const struct played *p, uint32_t node, uint32_t slot,
                                 uint32_t generation)
{
    return (generation * p->nodes + node) * p->slots + slot + 1;
}

static inline uint32_t played_node(const struct played *p, uint32_t id)
{
    return (id - 1) / p->slots % p->nodes;
}

static inline uint32_t played_uid(const struct played *p, uint32_t id)
{
    return PLAYED_FIRST_UID + played_node(p, id) % p->users;
}

static inline uint32_t played_account(const struct played *p, uint32_t uid)
{
    return (uid - PLAYED_FIRST_UID) % p->accounts;
}

#endif
