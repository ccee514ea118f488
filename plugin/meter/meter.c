/* meter.c - the meter of one node: ticks, and what is asked of it between them */
#include "plugin/meter/meter.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "plugin/meter/account.h"
#include "plugin/meter/driver.h"
#include "plugin/meter/steps.h"
#include "plugin/meter/text.h"

/* A cgroup that is gone this long is not between two steps. */
#define GONE_NS (60 * INT64_C(1000000000))

int64_t meter_now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_BOOTTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t meter_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void meter_log(const char *format, ...)
{
    char text[512], stamp[32];
    time_t now = time(NULL);
    struct tm tm;
    va_list ap;

    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", localtime_r(&now, &tm));
    fprintf(stderr, "%s kwota-meter: %s\n", stamp, text);
}

static void read_boot_id(const char *root, char *id, size_t size)
{
    char path[512];
    FILE *file;

    id[0] = '\0';
    snprintf(path, sizeof path, "%s/proc/sys/kernel/random/boot_id", root);
    file = fopen(path, "re");
    if (!file)
        return;
    if (fgets(id, (int)size, file))
        id[strcspn(id, "\n")] = '\0';
    fclose(file);
}

static int64_t asleep_ns(void)
{
    struct timespec boot, run;

    clock_gettime(CLOCK_BOOTTIME, &boot);
    clock_gettime(CLOCK_MONOTONIC, &run);
    return ((int64_t)boot.tv_sec - run.tv_sec) * 1000000000 + boot.tv_nsec -
           run.tv_nsec;
}

/* Runs of before a reboot ended with it; counters begin anew, and nothing that they
 * show now is compared with what they showed then. */
static void begin_boot(struct books *books, const char *boot_id)
{
    for (int i = 0; i < books->run_count; i++) {
        if (books->runs[i].final)
            continue;
        books_flag(&books->runs[i], BOOKS_REBOOT, 0, 0);
        books_end(&books->runs[i], meter_now_ms());
    }
    for (int d = 0; d < books->domain_count; d++) {
        struct books_domain *domain = &books->domains[d];

        domain->read = false;
        domain->idle_due_uj = domain->own_due_ns = domain->rest_due_uj = 0;
        domain->seen_ns = domain->moved_ns = domain->read_ns = domain->gap_until_ns = 0;
        domain->window_ns = domain->window_uj = 0;
    }
    books->tick_ns = 0;
    snprintf(books->boot_id, sizeof books->boot_id, "%s", boot_id);
}

/* The time since the last tick of the meter before this one is uncertain: CPU time may
 * have gone with a cgroup meanwhile. */
static void resume(struct books *books)
{
    int64_t now_ns = meter_now_ns();

    if (books->tick_ns > 0 && books->tick_ns < now_ns)
        books_flag_all(books, BOOKS_METER_DOWN, books->tick_ns, now_ns);
}

static int open_state(struct meter *meter)
{
    char dir[512];
    int found;

    mkdir(meter->options->spool, 0700);
    snprintf(dir, sizeof dir, "%s/%s", meter->options->spool, meter->options->node);
    mkdir(dir, 0700);
    found = state_open(&meter->state, dir, &meter->books);
    if (found < 0) {
        meter_log("the state in %s cannot be opened: %s", dir, strerror(errno));
        return -1;
    }
    if (found == 0)
        books_init(&meter->books);
    if (meter->options->tick_ms > 0)
        meter->books.tick_ms = meter->options->tick_ms;
    return 0;
}

/* A list that was named must be there; the default one need not be. */
static int open_sources(struct meter *meter)
{
    static const char usual[] = KWOTA_SYSCONFDIR "/sources.json";
    const char *list = meter->options->list;
    char error[SOURCES_ERROR];

    sources_default(&meter->sources, meter->options->root);
    if (!list && access(usual, F_OK) == 0)
        list = usual;
    if (!list || sources_read(&meter->sources, list, error) == 0)
        return 0;
    meter_log("the list of sources cannot be used: %s", error);
    return -1;
}

/* MemTotal, which Slurm's RealMemory replaces when kwotad tells it. */
static int64_t read_memory_mb(const char *root)
{
    char path[512];
    long long kb = 0;
    FILE *file;

    snprintf(path, sizeof path, "%s/proc/meminfo", root);
    file = fopen(path, "re");
    if (!file)
        return 0;
    if (fscanf(file, "MemTotal: %lld kB", &kb) != 1 || kb < 0)
        kb = 0;
    fclose(file);
    return kb / 1024;
}

static void open_caps(struct meter *meter)
{
    char dir[512];

    snprintf(dir, sizeof dir, "%s/%s", meter->options->spool, meter->options->node);
    caps_open(&meter->caps, &meter->sources, meter->options->node, dir,
              meter->books.boot_id);
}

int meter_open(struct meter *meter, const struct meter_options *options)
{
    char boot_id[40], mark[512];

    memset(meter, 0, sizeof *meter);
    meter->options = options;
    pthread_mutex_init(&meter->lock, NULL);
    if (open_sources(meter) < 0 || open_state(meter) < 0)
        return -1;
    counters_open(&meter->counters, &meter->sources);
    cputime_open(&meter->cputime, options->node);
    busy_open(&meter->busy, options->root);
    meter->memory_mb = read_memory_mb(options->root);
    snprintf(mark, sizeof mark, "%s/kwota-simulated", options->root);
    meter->books.simulated = access(mark, F_OK) == 0;
    read_boot_id(options->root, boot_id, sizeof boot_id);
    if (strcmp(boot_id, meter->books.boot_id) != 0)
        begin_boot(&meter->books, boot_id);
    else
        resume(&meter->books);
    meter->books.asleep_ns = asleep_ns();
    open_caps(meter);
    if (meter->counters.count == 0)
        meter_log("no energy counter below %s: every job's energy is unknown here",
                  options->root);
    meter_tick(meter, true, false);
    return 0;
}

static struct cputime_of job_of(const struct books_run *run)
{
    return (struct cputime_of){run->job, run->uid, run->sluid, CPUTIME_JOB};
}

static void read_cpu_time(struct meter *meter, struct books_run *run)
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

static void read_step(struct meter *meter, const struct books_run *run,
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
            read_step(meter, run, step);
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

    read_cpu_time(meter, run);
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
static void ask_for_users(struct meter *meter)
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

static void share_out(struct meter *meter)
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
    int64_t slept_ns = asleep_ns() - meter->books.asleep_ns;

    if (slept_ns > 1000000000) {
        meter_log("the node was suspended for %lld s; its energy of that time is "
                  "unknown",
                  (long long)(slept_ns / 1000000000));
        account_asleep(&meter->books, meter->books.tick_ns, meter_now_ns());
    }
    if (slept_ns > 1000000000 || slept_ns < 0)
        meter->books.asleep_ns += slept_ns;
}

static void end_locked(struct meter *meter, struct books_run *run)
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
    ask_for_users(meter);
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
        end_locked(meter, run);
        ended = true;
    }
    return ended;
}

static void tick_locked(struct meter *meter, bool boundary)
{
    wake_up(meter);
    /* First of all, so that what is read by threads is there when its turn comes. */
    counters_begin(&meter->counters, meter_now_ns());
    share_out(meter);
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

static void save_locked(struct meter *meter, bool sync)
{
    if (state_save(&meter->state, &meter->books, sync) < 0)
        meter_log("the state in %s/%s cannot be saved: %s", meter->options->spool,
                  meter->options->node, strerror(errno));
}

void meter_tick(struct meter *meter, bool boundary, bool sync)
{
    pthread_mutex_lock(&meter->lock);
    tick_locked(meter, boundary);
    if (end_lost_runs(meter))
        tick_locked(meter, true);
    save_locked(meter, sync);
    caps_look(&meter->caps, &meter->books);
    pthread_mutex_unlock(&meter->lock);
}

void meter_sample(struct meter *meter)
{
    pthread_mutex_lock(&meter->lock);
    counters_sample(&meter->counters, meter_now_ns());
    pthread_mutex_unlock(&meter->lock);
}

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

    tick_locked(meter, true);
    run = books_running(&meter->books, job->job);
    if (run) {
        books_flag(run, BOOKS_NO_END, 0, 0);
        end_locked(meter, run);
    }
    run = books_start(&meter->books, job->job, meter->books.tick_at_ms,
                      meter->books.tick_ns);
    if (!run) {
        meter_log("job %u is not measured: %d runs are kept already", job->job,
                  BOOKS_MAX_RUNS);
        return NULL;
    }
    describe(run, job);
    ask_for_users(meter);
    save_locked(meter, false);
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
    tick_locked(meter, true);
    if (cpus > 0 && cpus < INT32_MAX) {
        run->cpus = (int32_t)cpus;
        run->reasons &= ~(1U << BOOKS_NO_CPUS);
    }
    if (memory_mb > 0)
        run->memory_mb = memory_mb;
    share_out(meter);
    save_locked(meter, false);
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
        tick_locked(meter, true);
        run->gpus = gpus;
        share_out(meter);
        save_locked(meter, false);
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
        read_cpu_time(meter, run);
    if (step) {
        read_step(meter, run, step);
        /* Until another of its tasks ends. */
        step->end_ms = meter_now_ms();
    }
    if (tick)
        tick_locked(meter, true);
    if (run && tick)
        save_locked(meter, false);
    pthread_mutex_unlock(&meter->lock);
}

void meter_end(struct meter *meter, uint32_t job)
{
    struct books_run *run;

    pthread_mutex_lock(&meter->lock);
    run = books_running(&meter->books, job);
    if (run) {
        tick_locked(meter, true);
        end_locked(meter, run);
        save_locked(meter, true);
        caps_look(&meter->caps, &meter->books);
    }
    pthread_mutex_unlock(&meter->lock);
}

void meter_close(struct meter *meter)
{
    meter_tick(meter, true, true);
    caps_close(&meter->caps);
    state_close(&meter->state);
    cputime_close(&meter->cputime);
    busy_close(&meter->busy);
    counters_close(&meter->counters);
}

void meter_snapshot(struct meter *meter, struct books *copy)
{
    int64_t now_ms = meter_now_ms();

    pthread_mutex_lock(&meter->lock);
    /* From the clock, so that a meter killed before it saved never goes back. */
    meter->books.seq = now_ms > meter->books.seq ? now_ms : meter->books.seq + 1;
    books_copy(copy, &meter->books);
    pthread_mutex_unlock(&meter->lock);
}

void meter_acknowledge(struct meter *meter, const char *token)
{
    pthread_mutex_lock(&meter->lock);
    books_forget(&meter->books, token);
    save_locked(meter, false);
    pthread_mutex_unlock(&meter->lock);
}

void meter_reported(struct meter *meter, const struct books *copy)
{
    pthread_mutex_lock(&meter->lock);
    steps_forget(&meter->books, copy);
    pthread_mutex_unlock(&meter->lock);
}

void meter_configure(struct meter *meter, const struct meter_configuration *c)
{
    pthread_mutex_lock(&meter->lock);
    if (c->tick_ms >= 100 && c->tick_ms <= 60000)
        meter->books.tick_ms = c->tick_ms;
    if (c->report_ms >= 100 && c->report_ms <= 3600000)
        meter->books.report_ms = c->report_ms;
    if (c->cpus > 0 && c->cpus < 65536)
        meter->books.cpus = c->cpus;
    if (c->memory_mb > 0 && c->memory_mb < INT64_C(1) << 40)
        meter->books.memory_mb = c->memory_mb;
    meter->books.share_by_cpus = c->share_by_cpus;
    for (int k = 0; k < COUNTER_KINDS; k++)
        meter->books.idle_mw[k] = c->idle_mw[k] > 0 ? c->idle_mw[k] : 0;
    pthread_mutex_unlock(&meter->lock);
}
