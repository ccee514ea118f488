/* meter.c - the meter of one node: opened, configured, copied for its reports */
#include "plugin/meter/meter_inside.h"

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

int64_t meter_asleep_ns(void)
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
    meter->books.asleep_ns = meter_asleep_ns();
    open_caps(meter);
    if (meter->counters.count == 0)
        meter_log("no energy counter below %s: every job's energy is unknown here",
                  options->root);
    meter_tick(meter, true, false);
    return 0;
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

/* Without the lock: a slow disk delays the report alone. */
void meter_sync(struct meter *meter)
{
    if (state_sync(&meter->state) < 0)
        meter_log("the state in %s/%s cannot be written to disk: %s",
                  meter->options->spool, meter->options->node, strerror(errno));
}

void meter_acknowledge(struct meter *meter, const char *token)
{
    pthread_mutex_lock(&meter->lock);
    books_forget(&meter->books, token);
    meter_save_locked(meter, false);
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
