/* metrics.c - the listener that scrapers read kwota's figures from */
#include "policy/metrics.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "policy/clock.h"
#include "policy/energy.h"
#include "policy/log.h"
#include "policy/metrics_text.h"
#include "policy/openmetrics.h"
#include "policy/secret.h"

/* How long figures are as good as new; scrapers come every quarter of a minute. */
#define FRESH_S 5

#define TOKEN_MOST 512

struct metrics {
    struct http_context context;
    struct site *site;
    int64_t started_s;
    pthread_mutex_t lock; /* guards all below */
    struct metrics_figures figures;
    char *text; /* NULL: there is none yet */
    int64_t made_s;
};

static int64_t size_of(const char *dir, const char *file)
{
    char path[512];
    struct stat st;

    snprintf(path, sizeof path, "%s/%s", dir, file);
    return stat(path, &st) == 0 ? st.st_size : 0;
}

static int64_t resident_bytes(void)
{
    long long pages = 0;
    FILE *in = fopen("/proc/self/statm", "re");

    if (in && fscanf(in, "%*s %lld", &pages) != 1)
        pages = 0;
    if (in)
        fclose(in);
    return pages * sysconf(_SC_PAGESIZE);
}

static int64_t cpu_ms(void)
{
    struct rusage used;

    getrusage(RUSAGE_SELF, &used);
    return (int64_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000 +
           (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1000;
}

static void read_power(struct metrics *m)
{
    struct metrics_figures *f = &m->figures;
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    f->power_mw = ENERGY_UNKNOWN;
    f->measured = 0;
    running_power(m->context.running,
                  (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000, &f->power_mw,
                  &f->measured);
}

static char *make_text(struct metrics *m)
{
    const char *spool = m->context.settings->spool;
    struct metrics_health health = {
        .activity = m->context.activity,
        .started_s = m->started_s,
        .round_s = worker_round_s(m->context.worker),
        .ledger_bytes = size_of(spool, "ledger.db") + size_of(spool, "ledger.db-wal"),
        .resident_bytes = resident_bytes(),
        .cpu_ms = cpu_ms(),
    };
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    if (!out)
        return NULL;
    metrics_text(out, &m->figures, &health);
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}

/* A copy of the text, as fresh as it must be; NULL: there is none. */
static char *take_text(struct metrics *m)
{
    int64_t now_s = clock_now_s();
    char *text = NULL;

    pthread_mutex_lock(&m->lock);
    if (!m->text || now_s < m->made_s || now_s >= m->made_s + FRESH_S) {
        free(m->text);
        m->text = NULL;
        if (metrics_read(&m->figures, m->context.settings, now_s) == 0) {
            read_power(m);
            m->text = make_text(m);
        }
        m->made_s = now_s;
    }
    if (m->text)
        text = strdup(m->text);
    pthread_mutex_unlock(&m->lock);
    return text;
}

/* What the file says now, so that a token can be changed while kwotad runs. -1: it
 * cannot be read, or is empty. */
static int read_token(const char *file, char token[TOKEN_MOST])
{
    FILE *in = fopen(file, "re");
    size_t size = in ? fread(token, 1, TOKEN_MOST - 1, in) : 0;

    if (in)
        fclose(in);
    token[size] = '\0';
    token[strcspn(token, "\r\n")] = '\0';
    return token[0] ? 0 : -1;
}

/* Whether the request may be answered; if not, it has been. */
static int may_read(const struct metrics *m, const struct site_request *request,
                    struct site_answer *answer)
{
    const char *file = m->context.settings->metrics.token_file;
    const char *given = request->find(request->of, SITE_HEADER, "Authorization");
    char token[TOKEN_MOST];

    if (!file)
        return 1;
    if (read_token(file, token) < 0) {
        log_line("metrics.token_file %s cannot be read, or is empty: nobody gets "
                 "metrics",
                 file);
        site_say(answer, 503, "kwotad cannot read its metrics.token_file.\n");
        return 0;
    }
    if (given && strncmp(given, "Bearer ", 7) == 0 && secret_same(given + 7, token))
        return 1;
    site_say(answer, 401,
             "The token is missing or wrong: Authorization: Bearer TOKEN, as in "
             "kwotad's metrics.token_file.\n");
    answer->challenge = "Bearer";
    return 0;
}

void metrics_answer(void *metrics, const struct site_request *request,
                    struct site_answer *answer)
{
    struct metrics *m = metrics;

    if (strcmp(request->path, "/metrics") != 0) {
        site_say(answer, 404, "Only /metrics is here.\n");
        return;
    }
    if (!may_read(m, request, answer))
        return;
    answer->body = take_text(m);
    if (!answer->body) {
        site_say(answer, 503, "The ledger cannot be read now.\n");
        return;
    }
    answer->status = 200;
    answer->type = OPENMETRICS_TYPE;
    answer->size = strlen(answer->body);
}

struct metrics *metrics_new(const struct http_context *context)
{
    struct metrics *m = calloc(1, sizeof *m);

    if (!m)
        return NULL;
    m->context = *context;
    m->started_s = (int64_t)time(NULL);
    m->figures.charges.ledger = context->ledger;
    m->figures.charges.cluster = context->cluster;
    pthread_mutex_init(&m->lock, NULL);
    return m;
}

struct metrics *metrics_start(const struct http_context *context)
{
    const struct settings_metrics *settings = &context->settings->metrics;
    struct metrics *m = metrics_new(context);

    if (m)
        m->site = site_start("metrics", settings->address, (int)settings->port,
                             metrics_answer, m);
    if (m && m->site)
        return m;
    metrics_stop(m);
    return NULL;
}

void metrics_stop(struct metrics *metrics)
{
    if (!metrics)
        return;
    site_stop(metrics->site);
    pthread_mutex_destroy(&metrics->lock);
    metrics_figures_done(&metrics->figures);
    free(metrics->text);
    free(metrics);
}
