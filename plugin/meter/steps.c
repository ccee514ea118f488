/* steps.c - dividing a run's energy among its steps on this node */
#include "plugin/meter/steps.h"

#include <stdio.h>
#include <string.h>

#include "plugin/meter/attribution.h"

/* As Slurm numbers steps that are not srun's: slurm.h. */
#define STEP_INTERACTIVE 0xfffffffaU
#define STEP_BATCH 0xfffffffbU
#define STEP_EXTERN 0xfffffffcU

void steps_name(uint32_t step, char *name, int size)
{
    if (step == STEP_BATCH)
        snprintf(name, (size_t)size, "batch");
    else if (step == STEP_EXTERN)
        snprintf(name, (size_t)size, "extern");
    else if (step == STEP_INTERACTIVE)
        snprintf(name, (size_t)size, "interactive");
    else
        snprintf(name, (size_t)size, "%u", step);
}

/* The steps of every run, as lists through their places. */
struct lists {
    int16_t first[BOOKS_MAX_RUNS]; /* -1: none */
    int16_t next[BOOKS_STEPS];
};

static void sort_steps(struct books *books, struct lists *lists)
{
    memset(lists->first, -1, sizeof lists->first);
    /* Backwards, so that each list is in the order of the places. */
    for (int s = books->step_count - 1; s >= 0; s--) {
        int run = books->steps[s].token[0] ? books_run_of(books, &books->steps[s]) : -1;

        if (run < 0)
            continue;
        lists->next[s] = lists->first[run];
        lists->first[run] = (int16_t)s;
    }
}

/* A run's steps while its energy is divided. */
struct division {
    struct books_step *steps[ATTRIBUTION_MAX];
    struct attribution_part parts[ATTRIBUTION_MAX];
    int count;
};

static void collect(struct books *books, const struct lists *lists, int run,
                    struct division *d)
{
    d->count = 0;
    for (int s = lists->first[run]; s >= 0 && d->count < ATTRIBUTION_MAX;
         s = lists->next[s]) {
        struct books_step *step = &books->steps[s];

        d->steps[d->count] = step;
        d->parts[d->count++] = (struct attribution_part){
            .used = step->cpu_ns > step->cpu_seen_ns ? step->cpu_ns - step->cpu_seen_ns
                                                     : 0};
        step->cpu_seen_ns = step->cpu_ns;
    }
}

static bool is_work(const struct books_step *step)
{
    return step->step != STEP_BATCH && step->step != STEP_EXTERN &&
           step->step != STEP_INTERACTIVE;
}

/* Nobody used CPU time: who waits for a GPU, or sleeps? */
static void weigh_waiting(struct division *d)
{
    bool work = false, running = false;

    for (int i = 0; i < d->count; i++) {
        work = work || (is_work(d->steps[i]) && !d->steps[i]->over);
        running = running || !d->steps[i]->over;
    }
    for (int i = 0; i < d->count; i++) {
        const struct books_step *step = d->steps[i];
        bool takes = work      ? is_work(step) && !step->over
                     : running ? !step->over && step->step != STEP_EXTERN
                               : i == 0;

        d->parts[i].used = takes ? (step->cpus > 0 ? step->cpus : 1) : 0;
    }
}

static void sum_by_kind(const struct books *books, const struct books_run *run,
                        int64_t sums[COUNTER_KINDS])
{
    memset(sums, 0, COUNTER_KINDS * sizeof *sums);
    for (int i = 0; i < books->domain_count; i++)
        if (run->uj[i] != BOOKS_UNKNOWN)
            sums[books->domains[i].kind] += run->uj[i];
}

static void divide_kind(struct division *d, struct books_run *run, int kind,
                        int64_t sum_uj)
{
    int64_t delta = sum_uj - run->step_uj[kind];

    run->step_uj[kind] = sum_uj;
    if (delta <= 0 || d->count == 0)
        return;
    if (d->count == 1)
        d->parts[0].uj = delta;
    else
        attribution_divide(delta, 0, 0, 0, d->parts, d->count);
    for (int i = 0; i < d->count; i++)
        if (d->parts[i].uj > 0 || d->parts[i].used > 0)
            d->steps[i]->uj[kind] =
                (d->steps[i]->uj[kind] == BOOKS_UNKNOWN ? 0 : d->steps[i]->uj[kind]) +
                d->parts[i].uj;
}

static void divide_run(struct books *books, const struct lists *lists, int place)
{
    struct books_run *run = &books->runs[place];
    struct division d;
    int64_t sums[COUNTER_KINDS], used = 0;

    collect(books, lists, place, &d);
    for (int i = 0; i < d.count; i++)
        used += d.parts[i].used;
    if (used == 0)
        weigh_waiting(&d);
    sum_by_kind(books, run, sums);
    for (int k = 0; k < COUNTER_CORE; k++)
        divide_kind(&d, run, k, sums[k]);
}

void steps_divide(struct books *books)
{
    struct lists lists;

    sort_steps(books, &lists);
    for (int i = 0; i < books->run_count; i++)
        if (!books->runs[i].final)
            divide_run(books, &lists, i);
}

static bool was_over(const struct books *reported, const struct books_step *step)
{
    for (int s = 0; s < reported->step_count; s++)
        if (reported->steps[s].token[0] && reported->steps[s].step == step->step &&
            strcmp(reported->steps[s].token, step->token) == 0)
            return reported->steps[s].over && reported->steps[s].end_ms == step->end_ms;
    return false;
}

void steps_forget(struct books *books, const struct books *reported)
{
    for (int s = 0; s < books->step_count; s++)
        if (books->steps[s].token[0] && books->steps[s].over &&
            was_over(reported, &books->steps[s]))
            memset(&books->steps[s], 0, sizeof books->steps[s]);
    while (books->step_count > 0 && !books->steps[books->step_count - 1].token[0])
        books->step_count--;
}
