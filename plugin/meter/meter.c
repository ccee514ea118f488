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

/* Runs of before a reboot ended with it; counters begin anew, and nothing that they
 * show now is compared with what they showed then. */
static void begin_boot(struct books *books, const char *boot_id)
{
    for (int i = 0; i < books->run_count; i++) {
        if (books->runs[i].final)
            continue;
        books->runs[i].reasons |= BOOKS_REBOOT;
        books_end(&books->runs[i], meter_now_ms());
    }
    for (int d = 0; d < books->domain_count; d++) {
        books->domains[d].read = false;
        books->domains[d].idle_due_uj = books->domains[d].own_due_ns = 0;
    }
    snprintf(books->boot_id, sizeof books->boot_id, "%s", boot_id);
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
    return 0;
}

int meter_open(struct meter *meter, const struct meter_options *options)
{
    char boot_id[40], mark[512];

    memset(meter, 0, sizeof *meter);
    meter->options = options;
    pthread_mutex_init(&meter->lock, NULL);
    if (open_state(meter) < 0)
        return -1;
    meter->counter_count = counter_find(options->root, meter->counters);
    cputime_open(&meter->cputime, options->node);
    busy_open(&meter->busy, options->root);
    snprintf(mark, sizeof mark, "%s/kwota-simulated", options->root);
    meter->books.simulated = access(mark, F_OK) == 0;
    read_boot_id(options->root, boot_id, sizeof boot_id);
    if (strcmp(boot_id, meter->books.boot_id) != 0)
        begin_boot(&meter->books, boot_id);
    if (meter->counter_count == 0)
        meter_log("no energy counter below %s: every job's energy is unknown here",
                  options->root);
    meter_tick(meter, true, false);
    return 0;
}

static void read_cpu_time(struct meter *meter, struct books_run *run)
{
    int64_t ns = cputime_read(&meter->cputime, run->job, run->uid);

    if (ns < 0)
        return;
    run->cpu_known = true;
    if (ns > run->cpu_ns)
        run->cpu_ns = ns;
}

/* The domain of counter `c` among the books' domains, or -1 when it is not charged. */
static int domain_of(struct meter *meter, int c)
{
    struct books_domain *domain;

    if (!meter->counters[c].charged)
        return -1;
    domain = books_domain(&meter->books, &meter->counters[c]);
    return domain ? (int)(domain - meter->books.domains) : -1;
}

static void read_counters(struct meter *meter, bool boundary)
{
    struct account_moment moment = {
        .now_ns = meter_now_ns(),
        .busy_ns = meter->busy_ns,
        .cpus = meter->books.cpus > 0 ? meter->books.cpus : meter->cpus,
        .boundary = boundary,
        .by_cpus = !cputime_possible(&meter->cputime),
    };

    if (moment.cpus < 1)
        moment.cpus = sysconf(_SC_NPROCESSORS_ONLN);
    for (int c = 0; c < meter->counter_count; c++) {
        int d = domain_of(meter, c);
        int64_t raw_uj;

        if (d < 0)
            continue;
        if (counter_read(&meter->counters[c], &raw_uj) == 0)
            account_reading(&meter->books, d, &meter->counters[c], raw_uj, &moment);
        else
            account_no_reading(&meter->books, d, &meter->counters[c]);
    }
    if (!account_balanced(&meter->books))
        meter_log(
            "error: jobs and node do not add up to the counters; please report this");
}

static void tick_locked(struct meter *meter, bool boundary)
{
    for (int i = 0; i < meter->books.run_count; i++)
        if (!meter->books.runs[i].final)
            read_cpu_time(meter, &meter->books.runs[i]);
    meter->busy_ns = busy_read(&meter->busy, &meter->cpus);
    read_counters(meter, boundary);
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
    save_locked(meter, sync);
    pthread_mutex_unlock(&meter->lock);
}

static void end_locked(struct meter *meter, struct books_run *run)
{
    if (!run->cpu_known)
        run->reasons |= BOOKS_NO_CPU_TIME;
    cputime_forget(&meter->cputime, run->job);
    books_end(run, meter_now_ms());
}

int meter_start(struct meter *meter, const struct meter_job *job,
                char token[BOOKS_TOKEN])
{
    struct books_run *run;

    pthread_mutex_lock(&meter->lock);
    tick_locked(meter, true);
    run = books_running(&meter->books, job->job);
    if (run) {
        run->reasons |= BOOKS_NO_END;
        end_locked(meter, run);
    }
    run = books_start(&meter->books, job->job, meter_now_ms());
    if (run) {
        run->uid = job->uid;
        run->cpus = (int32_t)(job->cpus > 0 ? job->cpus : 1);
        run->node_count = (int32_t)(job->node_count > 0 ? job->node_count : 1);
        run->reasons = job->cpus > 0 ? 0 : BOOKS_NO_CPUS;
        memcpy(token, run->token, BOOKS_TOKEN);
        save_locked(meter, false);
    } else {
        meter_log("job %u is not measured: %d runs are kept already", job->job,
                  BOOKS_MAX_RUNS);
    }
    pthread_mutex_unlock(&meter->lock);
    return run ? 0 : -1;
}

void meter_look(struct meter *meter, uint32_t job)
{
    struct books_run *run;

    pthread_mutex_lock(&meter->lock);
    run = books_running(&meter->books, job);
    if (run)
        read_cpu_time(meter, run);
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
    }
    pthread_mutex_unlock(&meter->lock);
}

void meter_close(struct meter *meter)
{
    meter_tick(meter, true, true);
    state_close(&meter->state);
    cputime_close(&meter->cputime);
    busy_close(&meter->busy);
    for (int c = 0; c < meter->counter_count; c++)
        counter_close(&meter->counters[c]);
}

void meter_snapshot(struct meter *meter, struct books *copy)
{
    int64_t now_ms = meter_now_ms();

    pthread_mutex_lock(&meter->lock);
    /* From the clock, so that a meter killed before it saved never goes back. */
    meter->books.seq = now_ms > meter->books.seq ? now_ms : meter->books.seq + 1;
    *copy = meter->books;
    pthread_mutex_unlock(&meter->lock);
}

void meter_acknowledge(struct meter *meter, const char *token)
{
    pthread_mutex_lock(&meter->lock);
    books_forget(&meter->books, token);
    save_locked(meter, false);
    pthread_mutex_unlock(&meter->lock);
}

void meter_configure(struct meter *meter, int64_t tick_ms, int64_t report_ms,
                     int64_t cpus, const int64_t idle_mw[COUNTER_KINDS])
{
    pthread_mutex_lock(&meter->lock);
    if (tick_ms >= 100 && tick_ms <= 60000)
        meter->books.tick_ms = tick_ms;
    if (report_ms >= 100 && report_ms <= 3600000)
        meter->books.report_ms = report_ms;
    if (cpus > 0 && cpus < 65536)
        meter->books.cpus = cpus;
    for (int k = 0; k < COUNTER_KINDS; k++)
        meter->books.idle_mw[k] = idle_mw[k] > 0 ? idle_mw[k] : 0;
    pthread_mutex_unlock(&meter->lock);
}
