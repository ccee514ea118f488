/* slurm_energy.c - what a job, a step or the node has used until now, for Slurm's own
 * figures
 */
#include "plugin/meter/slurm_energy.h"

#include <string.h>

/* As Slurm numbers it (slurm.h: SLURM_EXTERN_CONT). */
#define STEP_EXTERN 0xfffffffcU

/* Every step of every job may ask at the same time: one tick is enough for all. */
#define FRESH_NS INT64_C(250000000)

static void add(int64_t *sum, int64_t uj)
{
    if (uj != BOOKS_UNKNOWN)
        *sum = *sum == BOOKS_UNKNOWN ? uj : *sum + uj;
}

int64_t energy_of_node(const struct books *books)
{
    int64_t sum = BOOKS_UNKNOWN;

    for (int d = 0; d < books->domain_count; d++)
        if (books->domains[d].read)
            add(&sum, books->domains[d].total_uj);
    return sum;
}

int64_t energy_of_run(const struct books *books, const struct books_run *run)
{
    int64_t sum = BOOKS_UNKNOWN;

    for (int d = 0; d < books->domain_count; d++)
        add(&sum, run->uj[d]);
    return sum;
}

int64_t energy_of_step(const struct books *books, const struct books_run *run,
                       uint32_t step)
{
    int64_t sum = BOOKS_UNKNOWN;

    for (int s = 0; s < books->step_count; s++) {
        const struct books_step *one = &books->steps[s];

        if (one->step != step || strcmp(one->token, run->token) != 0)
            continue;
        for (int k = 0; k < COUNTER_KINDS; k++)
            add(&sum, one->uj[k]);
    }
    return sum;
}

int64_t energy_now(struct meter *meter, uint32_t job, uint32_t step)
{
    const struct books_run *run;

    if (meter_now_ns() - meter->books.tick_ns > FRESH_NS)
        meter_tick(meter, false, false);
    if (job == 0)
        return energy_of_node(&meter->books);
    run = books_running(&meter->books, job);
    if (!run)
        return BOOKS_UNKNOWN;
    return step == STEP_EXTERN ? energy_of_run(&meter->books, run)
                               : energy_of_step(&meter->books, run, step);
}
