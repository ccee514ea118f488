/* meter_tick.c - a tick: everything is read and shared out */
#include "plugin/meter/meter_inside.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plugin/meter/account.h"
#include "plugin/meter/steps.h"

/* A cgroup that is gone this long is not between two steps. */
#define GONE_NS (60 * INT64_C(1000000000))

static struct cputime_of job_of(const struct books_run *run)
{
    return (struct cputime_of){run->job, run->uid, run->sluid, CPUTIME_JOB};
}

void meter_read_cpu_time(struct meter *meter, struct books_run *run)
{
    struct cputime_of of = job_of(run);
    int64_t ns = cputime_read(&meter->cputime, &of);

    if (ns < 0) {
        if (run->cpu_known && run->gone_ns == 0)
            run->gone_ns = meter_now_ns();
        return;
    }
    run->gone_ns = 0;
    run->cpu_known = true;
    if (run->by_cpus) {
        /* What it used so far has been divided by its CPUs. */
        run->by_cpus = false;
        for (int d = 0; d < BOOKS_DOMAINS; d++)
            run->cpu_seen_ns[d] = ns;
    }
    if (ns > run->cpu_ns)
        run->cpu_ns = ns;
}

static struct books_run *run_of(struct meter *meter, struct books_step *step)
{
    int run = books_run_of(&meter->books, step);

    return run >= 0 ? &meter->books.runs[run] : NULL;
}

void meter_read_step(struct meter *meter, const struct books_run *run,
                     struct books_step *step)
{
    struct cputime_of of = {run->job, run->uid, run->sluid, step->step};
    int64_t ns = cputime_read(&meter->cputime, &of);

    if (ns > step->cpu_ns)
        step->cpu_ns = ns;
    /* Its cgroup went with its last process. */
    if (ns < 0 && (step->cpu_ns > 0 || !cputime_possible(&meter->cputime)) &&
        step->end_ms)
        step->over = true;
}

static void count_steps(struct meter *meter)
{
    for (int i = 0; i < meter->books.run_count; i++)
        meter->books.runs[i].live_steps = 0;
    for (int s = 0; s < meter->books.step_count; s++) {
        struct books_step *step = &meter->books.steps[s];
        struct books_run *run =
            step->token[0] && !step->over ? run_of(meter, step) : NULL;

        if (run)
            run->live_steps++;
    }
}

static void read_steps(struct meter *meter)
{
    count_steps(meter);
    for (int s = 0; s < meter->books.step_count; s++) {
        struct books_step *step = &meter->books.steps[s];
        const struct books_run *run;

        if (!step->token[0] || step->over)
            continue;
        run = run_of(meter, step);
        /* All of a run that has one step is that step's: no need to read it. */
        if (run && !run->final && run->live_steps > 1)
            meter_read_step(meter, run, step);
    }
}

/* Slurm freezes a suspended job's steps, not the job. */
static bool is_frozen(struct meter *meter, const struct books_run *run)
{
    bool frozen = false;

    for (int s = 0; s < meter->books.step_count; s++) {
        const struct books_step *step = &meter->books.steps[s];
        struct cputime_of of = {run->job, run->uid, run->sluid, step->step};
        int state;

        if (!step->token[0] || step->over || strcmp(step->token, run->token) != 0)
            continue;
        state = cputime_frozen(&meter->cputime, &of);
        if (state == 0)
            return false;
        frozen = frozen || state == 1;
    }
    return frozen;
}

/* Only one that suddenly used little CPU time, or none, can have been frozen. */
static void look_at_run(struct meter *meter, struct books_run *run)
{
    int64_t before_ns = run->cpu_ns, used_ns;

    meter_read_cpu_time(meter, run);
    used_ns = run->cpu_ns - before_ns;
    run->suspended = run->cpu_ns > 0 &&
                     (used_ns == 0 || used_ns < run->tick_cpu_ns / 2) &&
                     is_frozen(meter, run);
    run->tick_cpu_ns = used_ns;
}

/* The domain of counter `c` among the books' domains, or -1 when it is not charged. */
static int domain_of(struct meter *meter, int c)
{
    struct books_domain *domain;

    if (!meter->counters.item[c].charged)
        return -1;
    domain = books_domain(&meter->books, &meter->counters.item[c]);
    return domain ? (int)(domain - meter->books.domains) : -1;
}

static void cover(struct meter *meter, int c, int d)
{
    uint32_t domains = 0;

    for (int o = 0; o < meter->counters.count; o++)
        if (meter->counters.item[c].covers & UINT64_C(1) << o) {
            int covered = domain_of(meter, o);

            if (covered >= 0)
                domains |= 1U << covered;
        }
    account_cover(&meter->books, d, domains);
}

static void read_counter(struct meter *meter, int c, struct account_moment *moment)
{
    struct counter *counter = &meter->counters.item[c];
    struct driver_user users[DRIVER_USERS];
    struct counter_reading reading;
    int d = domain_of(meter, c);

    if (d < 0)
        return;
    if (counter->kind == COUNTER_PLATFORM)
        cover(meter, c, d);
    moment->user_count = 0;
    if (counters_read(&meter->counters, c, moment->now_ns, &reading) < 0) {
        account_no_reading(&meter->books, d, counter, moment);
        return;
    }
    if (counter->driver && counter->kind == COUNTER_GPU) {
        moment->users = users;
        moment->user_count = driver_users(counter->driver, counter->device, users);
    }
    account_reading(&meter->books, d, counter, &reading, moment);
}

/* Drivers say who used a GPU only where several jobs hold one: it takes them time. */
void meter_ask_for_users(struct meter *meter)
{
    uint32_t wanted[SOURCES] = {0};

    for (int c = 0; c < meter->counters.count; c++) {
        const struct counter *counter = &meter->counters.item[c];

        if (counter->driver && counter->charged && counter->kind == COUNTER_GPU &&
            account_holders(&meter->books, counter) > 1)
            wanted[counter->source] |= 1U << counter->device;
    }
    for (int s = 0; s < SOURCES; s++)
        if (meter->counters.driver[s])
            driver_want_users(meter->counters.driver[s], wanted[s]);
}

static int32_t count_gpus(const struct meter *meter)
{
    int32_t places = 0;

    for (int c = 0; c < meter->counters.count; c++)
        if (meter->counters.item[c].charged &&
            meter->counters.item[c].kind == COUNTER_GPU)
            places += meter->counters.item[c].slices;
    return places;
}

static int64_t node_cpus(const struct meter *meter)
{
    int64_t cpus = meter->books.cpus > 0 ? meter->books.cpus : meter->cpus;

    return cpus > 0 ? cpus : sysconf(_SC_NPROCESSORS_ONLN);
}

static void read_counters(struct meter *meter, bool boundary)
{
    struct account_moment moment = {
        .now_ns = meter_now_ns(),
        .busy_ns = meter->busy_ns,
        .cpus = node_cpus(meter),
        .boundary = boundary,
        .by_cpus = !cputime_possible(&meter->cputime),
    };

    /* What platforms cover is to be accounted before them. */
    for (int platforms = 0; platforms <= 1; platforms++)
        for (int c = 0; c < meter->counters.count; c++)
            if ((meter->counters.item[c].kind == COUNTER_PLATFORM) == platforms)
                read_counter(meter, c, &moment);
    if (!account_balanced(&meter->books) && !meter->unbalanced) {
        meter->unbalanced = true;
        meter_log(
            "error: jobs and node do not add up to the counters; please report this");
    }
}

void meter_share_out(struct meter *meter)
{
    int64_t cpus = node_cpus(meter);

    if (meter->books.memory_mb == 0)
        meter->books.memory_mb = meter->memory_mb;
    meter->books.gpus = count_gpus(meter);
    for (int i = 0; i < meter->books.run_count; i++)
        if (!meter->books.runs[i].final)
            meter->books.runs[i].share =
                books_share(&meter->books, &meter->books.runs[i], cpus);
}

static void wake_up(struct meter *meter)
{
    int64_t slept_ns = meter_asleep_ns() - meter->books.asleep_ns;

    if (slept_ns > 1000000000) {
        meter_log("the node was suspended for %lld s; its energy of that time is "
                  "unknown",
                  (long long)(slept_ns / 1000000000));
        account_asleep(&meter->books, meter->books.tick_ns, meter_now_ns());
    }
    if (slept_ns > 1000000000 || slept_ns < 0)
        meter->books.asleep_ns += slept_ns;
}

void meter_end_locked(struct meter *meter, struct books_run *run)
{
    int64_t now_ms = meter_now_ms();

    if (!run->cpu_known)
        books_flag(run, BOOKS_NO_CPU_TIME, 0, 0);
    for (int s = 0; s < meter->books.step_count; s++)
        if (meter->books.steps[s].token[0] && !meter->books.steps[s].over &&
            strcmp(meter->books.steps[s].token, run->token) == 0) {
            meter->books.steps[s].over = true;
            if (!meter->books.steps[s].end_ms)
                meter->books.steps[s].end_ms = now_ms;
        }
    cputime_forget(&meter->cputime, run->job);
    books_end(run, now_ms);
    meter_ask_for_users(meter);
}

/* With PrologFlags=Contain a job has its cgroup to its end. Whose has gone and who told
 * no end must not take part in what others use any longer, nor hold a device's limit.
 * So it is with a run that never had any and is over by kwotad's word. */
static bool end_lost_runs(struct meter *meter)
{
    bool ended = false;

    for (int i = 0; i < meter->books.run_count; i++) {
        struct books_run *run = &meter->books.runs[i];
        int64_t now_ns;

        if (run->final || run->gone_ns == 0)
            continue;
        now_ns = meter_now_ns();
        if (now_ns - run->gone_ns < GONE_NS)
            continue;
        meter_log("job %u: %s and its end was not told", run->job,
                  run->cpu_known ? "its cgroup has gone" : "kwotad says it is over");
        books_flag(run, BOOKS_NO_END, run->gone_ns, now_ns);
        meter_end_locked(meter, run);
        ended = true;
    }
    return ended;
}

void meter_tick_locked(struct meter *meter, bool boundary)
{
    wake_up(meter);
    /* First of all, so that what is read by threads is there when its turn comes. */
    counters_begin(&meter->counters, meter_now_ns());
    meter_share_out(meter);
    for (int i = 0; i < meter->books.run_count; i++)
        if (!meter->books.runs[i].final)
            look_at_run(meter, &meter->books.runs[i]);
    read_steps(meter);
    meter->busy_ns = busy_read(&meter->busy, &meter->cpus);
    read_counters(meter, boundary);
    steps_divide(&meter->books);
    meter->books.tick_ns = meter_now_ns();
    meter->books.tick_at_ms = meter_now_ms();
}

void meter_save_locked(struct meter *meter, bool sync)
{
    if (state_save(&meter->state, &meter->books, sync) < 0)
        meter_log("the state in %s/%s cannot be saved: %s", meter->options->spool,
                  meter->options->node, strerror(errno));
}

void meter_tick(struct meter *meter, bool boundary, bool sync)
{
    pthread_mutex_lock(&meter->lock);
    meter_tick_locked(meter, boundary);
    if (end_lost_runs(meter))
        meter_tick_locked(meter, true);
    meter_save_locked(meter, sync);
    caps_look(&meter->caps, &meter->books);
    pthread_mutex_unlock(&meter->lock);
}

void meter_sample(struct meter *meter)
{
    pthread_mutex_lock(&meter->lock);
    counters_sample(&meter->counters, meter_now_ns());
    pthread_mutex_unlock(&meter->lock);
}
