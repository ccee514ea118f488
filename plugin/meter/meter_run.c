/* meter_run.c - what the meter is told of its runs, and asked about them */
#include "plugin/meter/meter_inside.h"

#include <stdio.h>
#include <string.h>

#include "plugin/meter/account.h"
#include "plugin/meter/steps.h"
#include "plugin/meter/text.h"

static void describe(struct books_run *run, const struct meter_job *job)
{
    run->uid = job->uid;
    run->cpus = (int32_t)(job->cpus > 0 ? job->cpus : 1);
    run->node_count = (int32_t)(job->node_count > 0 ? job->node_count : 1);
    run->gpus = job->gpus;
    snprintf(run->sluid, sizeof run->sluid, "%s", job->sluid ? job->sluid : "");
    if (job->cpus <= 0)
        books_flag(run, BOOKS_NO_CPUS, 0, 0);
}

static struct books_run *start_locked(struct meter *meter, const struct meter_job *job)
{
    struct books_run *run;

    meter_tick_locked(meter, true);
    run = books_running(&meter->books, job->job);
    if (run) {
        books_flag(run, BOOKS_NO_END, 0, 0);
        meter_end_locked(meter, run);
    }
    run = books_start(&meter->books, job->job, meter->books.tick_at_ms,
                      meter->books.tick_ns);
    if (!run) {
        meter_log("job %u is not measured: %d runs are kept already", job->job,
                  BOOKS_MAX_RUNS);
        return NULL;
    }
    describe(run, job);
    meter_ask_for_users(meter);
    meter_save_locked(meter, false);
    caps_look(&meter->caps, &meter->books);
    return run;
}

int meter_start(struct meter *meter, const struct meter_job *job,
                char token[BOOKS_TOKEN])
{
    struct books_run *run;

    pthread_mutex_lock(&meter->lock);
    run = start_locked(meter, job);
    if (run)
        memcpy(token, run->token, BOOKS_TOKEN);
    pthread_mutex_unlock(&meter->lock);
    return run ? 0 : -1;
}

/* The set of shares changes: what was used so far is divided by the old ones. */
static void allocate(struct meter *meter, struct books_run *run, int64_t cpus,
                     int64_t memory_mb)
{
    bool changed = (cpus > 0 && cpus != run->cpus) ||
                   (memory_mb > 0 && memory_mb != run->memory_mb);

    if (!changed)
        return;
    meter_tick_locked(meter, true);
    if (cpus > 0 && cpus < INT32_MAX) {
        run->cpus = (int32_t)cpus;
        run->reasons &= ~(1U << BOOKS_NO_CPUS);
    }
    if (memory_mb > 0)
        run->memory_mb = memory_mb;
    meter_share_out(meter);
    meter_save_locked(meter, false);
}

void meter_allocate(struct meter *meter, const char *token, int64_t cpus,
                    int64_t memory_mb)
{
    pthread_mutex_lock(&meter->lock);
    for (int i = 0; i < meter->books.run_count; i++)
        if (!meter->books.runs[i].final &&
            strcmp(meter->books.runs[i].token, token) == 0)
            allocate(meter, &meter->books.runs[i], cpus, memory_mb);
    pthread_mutex_unlock(&meter->lock);
}

void meter_found_gpus(struct meter *meter, const char *token, const char *places)
{
    uint64_t gpus;

    if (!places || text_index_list(places, &gpus) < 0)
        return;
    pthread_mutex_lock(&meter->lock);
    for (int i = 0; i < meter->books.run_count; i++) {
        struct books_run *run = &meter->books.runs[i];

        if (run->final || run->gpus || !(run->reasons & 1U << BOOKS_NO_START) ||
            strcmp(run->token, token) != 0)
            continue;
        meter_tick_locked(meter, true);
        run->gpus = gpus;
        meter_share_out(meter);
        meter_save_locked(meter, false);
        caps_look(&meter->caps, &meter->books);
    }
    pthread_mutex_unlock(&meter->lock);
}

void meter_over(struct meter *meter, const char *token)
{
    pthread_mutex_lock(&meter->lock);
    for (int i = 0; i < meter->books.run_count; i++) {
        struct books_run *run = &meter->books.runs[i];

        if (!run->final && !run->cpu_known && run->gone_ns == 0 &&
            strcmp(run->token, token) == 0)
            run->gone_ns = meter_now_ns();
    }
    pthread_mutex_unlock(&meter->lock);
}

void meter_cap(struct meter *meter, const char *token, const struct caps_order *order)
{
    pthread_mutex_lock(&meter->lock);
    caps_tell(&meter->caps, &meter->books, token, order);
    pthread_mutex_unlock(&meter->lock);
}

void meter_step(struct meter *meter, const struct meter_step *asked)
{
    struct books_run *run;
    struct books_step *step;

    pthread_mutex_lock(&meter->lock);
    run = books_running(&meter->books, asked->job);
    if (!run) {
        struct meter_job job = {.job = asked->job,
                                .uid = asked->uid,
                                .cpus = asked->job_cpus,
                                .node_count = asked->node_count};

        run = start_locked(meter, &job);
        if (run)
            books_flag(run, BOOKS_NO_START, 0, 0);
    }
    step = run ? books_step(&meter->books, run, asked->step, meter_now_ms()) : NULL;
    if (step && asked->cpus > 0 && asked->cpus < INT32_MAX)
        step->cpus = (int32_t)asked->cpus;
    if (run)
        allocate(meter, run, run->reasons & 1U << BOOKS_NO_CPUS ? asked->job_cpus : -1,
                 asked->job_memory_mb);
    pthread_mutex_unlock(&meter->lock);
}

void meter_look(struct meter *meter, uint32_t job, uint32_t number, bool tick)
{
    struct books_run *run;
    struct books_step *step;

    pthread_mutex_lock(&meter->lock);
    run = books_running(&meter->books, job);
    step = run ? books_step(&meter->books, run, number, run->start_ms) : NULL;
    if (run)
        meter_read_cpu_time(meter, run);
    if (step) {
        meter_read_step(meter, run, step);
        /* Until another of its tasks ends. */
        step->end_ms = meter_now_ms();
    }
    if (tick)
        meter_tick_locked(meter, true);
    if (run && tick)
        meter_save_locked(meter, false);
    pthread_mutex_unlock(&meter->lock);
}

void meter_end(struct meter *meter, uint32_t job)
{
    struct books_run *run;

    pthread_mutex_lock(&meter->lock);
    run = books_running(&meter->books, job);
    if (run) {
        meter_tick_locked(meter, true);
        meter_end_locked(meter, run);
        meter_save_locked(meter, true);
        caps_look(&meter->caps, &meter->books);
    }
    pthread_mutex_unlock(&meter->lock);
}
