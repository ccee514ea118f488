/* report.c - telling kwotad what this node's meter counts, in a thread of its own */
#include "plugin/meter/report.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "policy/client.h"

/* While kwotad does not answer, tries are this far apart at least, doubling up to the
 * report interval: a restarted kwotad is found soon, a dead one is not pestered. */
#define RETRY_MS 1000

struct reporter {
    struct meter *meter;
    struct client *client;
    int wake_fd;
    pthread_t thread;
    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t asked;
    bool now, stop;
    char summary_for[BOOKS_TOKEN]; /* asked for and not answered; empty: none */
    char summary_token[BOOKS_TOKEN];
    json_t *summary; /* of summary_token */
    /* of the thread alone: */
    struct books snapshot;
    int64_t retry_ms;
    bool failing;
};

static int64_t integer_or(const json_t *object, const char *key, int64_t otherwise)
{
    const json_t *value = json_object_get(object, key);

    return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

static void take_configuration(struct meter *meter, const json_t *config)
{
    const json_t *idle = json_object_get(config, "idle_mw");
    const char *share = json_string_value(json_object_get(config, "share"));
    struct meter_configuration c = {
        .tick_ms = integer_or(config, "tick_ms", -1),
        .report_ms = integer_or(config, "report_ms", -1),
        .cpus = integer_or(config, "cpus", -1),
        .memory_mb = integer_or(config, "memory_mb", -1),
        .share_by_cpus = share && strcmp(share, "cpus") == 0,
    };

    if (!json_is_object(config))
        return;
    for (int k = 0; k < COUNTER_KINDS; k++)
        c.idle_mw[k] = integer_or(idle, counter_kind_name((enum counter_kind)k), -1);
    meter_configure(meter, &c);
}

/* What Slurm says the runs hold here now: resized jobs. */
static void take_allocations(struct meter *meter, json_t *runs)
{
    const char *token;
    json_t *one;

    json_object_foreach(runs, token, one)
    {
        meter_allocate(meter, token, integer_or(one, "cpus", -1),
                       integer_or(one, "memory_mb", -1));
    }
}

static void take_reply(struct reporter *r, json_t *reply, const char *asked)
{
    size_t i;
    json_t *token;

    json_array_foreach(json_object_get(reply, "acked"), i, token)
    {
        if (json_is_string(token))
            meter_acknowledge(r->meter, json_string_value(token));
    }
    take_configuration(r->meter, json_object_get(reply, "config"));
    take_allocations(r->meter, json_object_get(reply, "runs"));
    meter_reported(r->meter, &r->snapshot);
    if (!asked[0])
        return;
    pthread_mutex_lock(&r->lock);
    json_decref(r->summary);
    r->summary = json_incref(json_object_get(reply, "summary"));
    memcpy(r->summary_token, asked, BOOKS_TOKEN);
    pthread_mutex_unlock(&r->lock);
}

/* Only what changes is logged: a kwotad that stays away fills no disk. */
static void log_outcome(struct reporter *r, bool failed, const char *why)
{
    if (failed && !r->failing)
        meter_log("kwotad (%s) takes no report: %s; counts are kept and sent later",
                  r->meter->options->server, why);
    if (!failed && r->failing)
        meter_log("kwotad takes reports again");
    r->failing = failed;
}

static void send_report(struct reporter *r)
{
    char asked[BOOKS_TOKEN], error[CLIENT_ERROR_TEXT];
    json_t *body, *reply = NULL;
    int status;
    uint64_t one = 1;

    pthread_mutex_lock(&r->lock);
    memcpy(asked, r->summary_for, BOOKS_TOKEN);
    r->summary_for[0] = '\0';
    pthread_mutex_unlock(&r->lock);
    meter_snapshot(r->meter, &r->snapshot);
    body = report_body(&r->snapshot, r->meter->options->node, asked);
    status = client_call(r->client, "POST", "/v1/report", body, &reply, error);
    json_decref(body);
    if (status == 200 && reply)
        take_reply(r, reply, asked);
    else if (status > 0)
        snprintf(error, sizeof error, "status %d: %s", status,
                 json_string_value(json_object_get(reply, "error"))
                     ? json_string_value(json_object_get(reply, "error"))
                     : "no reason given");
    json_decref(reply);
    log_outcome(r, status != 200, error);
    r->retry_ms = status == 200 ? 0 : r->retry_ms ? r->retry_ms * 2 : RETRY_MS;
    if (asked[0] && write(r->wake_fd, &one, sizeof one) < 0)
        meter_log("the main thread cannot be woken");
}

/* The interval with up to a tenth of jitter, so that nodes spread out. */
static int64_t pause_ms(struct reporter *r)
{
    int64_t interval;

    pthread_mutex_lock(&r->meter->lock);
    interval = r->meter->books.report_ms;
    pthread_mutex_unlock(&r->meter->lock);
    if (r->retry_ms > 0 && r->retry_ms < interval)
        interval = r->retry_ms;
    return interval - interval / 10 + random() % (interval / 10 + 1);
}

static void wait_for_work(struct reporter *r)
{
    int64_t pause = pause_ms(r);
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += pause / 1000;
    until.tv_nsec += pause % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&r->lock);
    while (!r->now && !r->stop &&
           pthread_cond_timedwait(&r->asked, &r->lock, &until) == 0)
        ;
    r->now = false;
    pthread_mutex_unlock(&r->lock);
}

static void *report_thread(void *arg)
{
    struct reporter *r = arg;
    bool stop = false;

    while (!stop) {
        send_report(r);
        wait_for_work(r);
        pthread_mutex_lock(&r->lock);
        stop = r->stop;
        pthread_mutex_unlock(&r->lock);
    }
    return NULL;
}

static struct client *make_client(const struct meter_options *options)
{
    const struct passwd *signer = getpwnam(options->user);
    struct client_options wire = {
        .servers = options->server,
        .munge_socket = options->munge,
        .connect_timeout_ms = options->timeout_ms,
        .timeout_ms = options->timeout_ms,
    };

    if (!signer) {
        meter_log("there is no user %s, whose replies would count: give --user",
                  options->user);
        return NULL;
    }
    wire.signer = signer->pw_uid;
    return client_new(&wire);
}

struct reporter *report_start(struct meter *meter, int wake_fd)
{
    struct reporter *r = calloc(1, sizeof *r);
    pthread_condattr_t attr;

    if (!r)
        return NULL;
    r->meter = meter;
    r->wake_fd = wake_fd;
    r->client = make_client(meter->options);
    pthread_mutex_init(&r->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&r->asked, &attr);
    srandom((unsigned)(meter_now_ns() ^ getpid()));
    if (!r->client || pthread_create(&r->thread, NULL, report_thread, r) != 0) {
        client_free(r->client);
        free(r);
        return NULL;
    }
    pthread_setname_np(r->thread, "report");
    return r;
}

void report_now(struct reporter *r, const char *summary_for)
{
    if (!r)
        return;
    pthread_mutex_lock(&r->lock);
    if (summary_for)
        snprintf(r->summary_for, sizeof r->summary_for, "%s", summary_for);
    r->now = true;
    pthread_cond_signal(&r->asked);
    pthread_mutex_unlock(&r->lock);
}

json_t *report_summary(struct reporter *r, const char *token)
{
    json_t *summary = NULL;

    if (!r)
        return NULL;
    pthread_mutex_lock(&r->lock);
    if (strcmp(r->summary_token, token) == 0)
        summary = json_incref(r->summary);
    pthread_mutex_unlock(&r->lock);
    return summary;
}

void report_stop(struct reporter *r)
{
    if (!r)
        return;
    pthread_mutex_lock(&r->lock);
    r->stop = r->now = true;
    pthread_cond_signal(&r->asked);
    pthread_mutex_unlock(&r->lock);
    pthread_join(r->thread, NULL);
    json_decref(r->summary);
    client_free(r->client);
    free(r);
}
