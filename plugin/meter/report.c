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

/* Prologs that wait at the same time; more than these are let through. */
#define STARTS 64

/* No prolog waits longer. */
#define START_NS INT64_C(15000000000)

/* How often kwotad is asked about starts that it has not decided yet. */
#define DECISION_MS 100

/* A start whose prolog waits for kwotad's word. */
struct start {
    char token[BOOKS_TOKEN]; /* "": a free place */
    bool decided, held;
    int64_t until_ns; /* the prolog waits no longer */
};

struct reporter {
    struct meter *meter;
    struct client *client;
    int wake_fd;
    pthread_t thread;
    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t asked;
    bool now, stop;
    enum report_turn turn; /* of the next report; it stays until one was taken */
    bool start_asked;      /* a prolog has begun to wait */
    bool was_asked;        /* the last wait ended because somebody wants a report */
    char summary_for[BOOKS_TOKEN]; /* asked for and not answered; empty: none */
    char summary_token[BOOKS_TOKEN];
    json_t *summary; /* of summary_token */
    struct start starts[STARTS];
    bool answered; /* kwotad has answered a report since the meter began */
    bool gated, capping, hold_if_away; /* … and said this */
    bool away;                         /* the last report was not answered */
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

/* What kwotad's policy says of starts. */
static void take_gate(struct reporter *r, const json_t *config)
{
    pthread_mutex_lock(&r->lock);
    r->answered = true;
    r->gated = json_is_true(json_object_get(config, "gated"));
    r->capping = json_is_true(json_object_get(config, "capping"));
    r->hold_if_away = json_is_true(json_object_get(config, "hold_if_away"));
    pthread_mutex_unlock(&r->lock);
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

/* What Slurm says the runs hold here now, and what kwotad holds them to. */
static void take_runs(struct meter *meter, json_t *runs)
{
    const char *token;
    json_t *one;
    struct caps_order order;

    json_object_foreach(runs, token, one)
    {
        meter_allocate(meter, token, integer_or(one, "cpus", -1),
                       integer_or(one, "memory_mb", -1));
        meter_found_gpus(meter, token, json_string_value(json_object_get(one, "gpus")));
        if (json_is_true(json_object_get(one, "over")))
            meter_over(meter, token);
        caps_order_read(one, &order);
        meter_cap(meter, token, &order);
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
    take_gate(r, json_object_get(reply, "config"));
    caps_heard(&r->meter->caps, r->capping);
    take_runs(r->meter, json_object_get(reply, "runs"));
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
    static const char *const paths[] = {[REPORT_COUNTS] = "/v1/report",
                                        [REPORT_END] = "/v1/report?for=end",
                                        [REPORT_START] = "/v1/report?for=start"};
    char asked[BOOKS_TOKEN], error[CLIENT_ERROR_TEXT];
    json_t *body, *reply = NULL;
    enum report_turn turn;
    int status;
    uint64_t one = 1;

    pthread_mutex_lock(&r->lock);
    memcpy(asked, r->summary_for, BOOKS_TOKEN);
    r->summary_for[0] = '\0';
    turn = r->turn;
    r->turn = REPORT_COUNTS;
    pthread_mutex_unlock(&r->lock);
    meter_snapshot(r->meter, &r->snapshot);
    meter_sync(r->meter);
    body = report_body(&r->snapshot, r->meter->options->node, asked);
    caps_report(&r->meter->caps, body);
    status = client_call(r->client, "POST", paths[turn], body, &reply, error);
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
    pthread_mutex_lock(&r->lock);
    r->away = status != 200;
    if (r->away && r->turn < turn)
        r->turn = turn;
    pthread_mutex_unlock(&r->lock);
    r->retry_ms = status == 200 ? 0 : r->retry_ms ? r->retry_ms * 2 : RETRY_MS;
    if (asked[0] && write(r->wake_fd, &one, sizeof one) < 0)
        meter_log("the main thread cannot be woken");
}

/* The starts that wait for a decision; NULL: none, or they need none. */
static json_t *undecided(struct reporter *r)
{
    json_t *tokens = json_array();
    int64_t now_ns = meter_now_ns();

    pthread_mutex_lock(&r->lock);
    for (int i = 0; i < STARTS; i++) {
        struct start *start = &r->starts[i];

        if (start->token[0] && now_ns > start->until_ns)
            start->token[0] = '\0';
        if (start->token[0] && !start->decided)
            json_array_append_new(tokens, json_string(start->token));
    }
    if ((!r->gated && !r->capping) || json_array_size(tokens) == 0) {
        json_decref(tokens);
        tokens = NULL;
    }
    pthread_mutex_unlock(&r->lock);
    return tokens;
}

/* Before the decisions: a prolog that is told to go on finds its cap ordered. */
static void take_caps(struct reporter *r, json_t *caps)
{
    const char *token;
    json_t *cap;

    json_object_foreach(caps, token, cap)
    {
        struct caps_order order;
        json_t *one = json_pack("{s:O}", "cap", cap);

        caps_order_read(one, &order);
        order.allowance_told = false;
        meter_cap(r->meter, token, &order);
        json_decref(one);
    }
}

static void take_decisions(struct reporter *r, json_t *decisions)
{
    pthread_mutex_lock(&r->lock);
    for (int i = 0; i < STARTS; i++) {
        struct start *start = &r->starts[i];
        const char *decision =
            start->token[0]
                ? json_string_value(json_object_get(decisions, start->token))
                : NULL;

        if (!decision)
            continue;
        start->decided = true;
        start->held = strcmp(decision, "held") == 0 || strcmp(decision, "ended") == 0;
    }
    pthread_mutex_unlock(&r->lock);
}

static void ask_decisions(struct reporter *r)
{
    char error[CLIENT_ERROR_TEXT];
    json_t *tokens = undecided(r), *body, *reply = NULL;

    if (!tokens)
        return;
    body = json_pack("{s:o}", "tokens", tokens);
    if (client_call(r->client, "POST", "/v1/decisions", body, &reply, error) == 200) {
        take_caps(r, json_object_get(reply, "caps"));
        take_decisions(r, json_object_get(reply, "decisions"));
    }
    json_decref(reply);
    json_decref(body);
}

static bool starts_wait(struct reporter *r)
{
    json_t *tokens = undecided(r);

    json_decref(tokens);
    return tokens != NULL;
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
    int64_t pause = starts_wait(r) ? DECISION_MS : pause_ms(r);
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += pause / 1000;
    until.tv_nsec += pause % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&r->lock);
    while (!r->now && !r->stop && !r->start_asked &&
           pthread_cond_timedwait(&r->asked, &r->lock, &until) == 0)
        ;
    r->was_asked = r->now;
    r->now = r->start_asked = false;
    pthread_mutex_unlock(&r->lock);
}

/* True when it has asked about starts and there is nothing to report. */
static bool only_starts(struct reporter *r)
{
    bool more;

    pthread_mutex_lock(&r->lock);
    more = !r->was_asked && !r->stop;
    pthread_mutex_unlock(&r->lock);
    if (!more || !starts_wait(r))
        return false;
    ask_decisions(r);
    return true;
}

static void *report_thread(void *arg)
{
    struct reporter *r = arg;
    bool stop = false;

    while (!stop) {
        send_report(r);
        ask_decisions(r);
        wait_for_work(r);
        /* Not a whole report for each question about a start. */
        while (only_starts(r))
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

void report_now(struct reporter *r, enum report_turn turn, const char *summary_for)
{
    if (!r)
        return;
    pthread_mutex_lock(&r->lock);
    if (summary_for)
        snprintf(r->summary_for, sizeof r->summary_for, "%s", summary_for);
    if (r->turn < turn)
        r->turn = turn;
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

static struct start *find_start(struct reporter *r, const char *token)
{
    struct start *free_place = NULL;

    for (int i = 0; i < STARTS; i++) {
        if (strcmp(r->starts[i].token, token) == 0)
            return &r->starts[i];
        if (!free_place && !r->starts[i].token[0])
            free_place = &r->starts[i];
    }
    return free_place;
}

/* With the lock held. */
static const char *decide(struct reporter *r, const char *token)
{
    struct start *start;

    if (!r->answered)
        return r->away ? "run" : "unknown";
    if (!r->gated && !r->capping)
        return "run";
    start = find_start(r, token);
    if (!start)
        return "run";
    if (!start->token[0]) {
        memset(start, 0, sizeof *start);
        memcpy(start->token, token, BOOKS_TOKEN);
        start->until_ns = meter_now_ns() + START_NS;
        r->start_asked = true;
        pthread_cond_signal(&r->asked);
    }
    if (start->decided)
        return start->held ? "held" : "run";
    if (!r->away)
        return "wait";
    return r->gated && r->hold_if_away ? "hold" : "run";
}

const char *report_decision(struct reporter *r, const char *token)
{
    const char *decision;

    if (!r)
        return "run";
    pthread_mutex_lock(&r->lock);
    decision = decide(r, token);
    pthread_mutex_unlock(&r->lock);
    return decision;
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
