/* main.c - kwota-meter: the only reader of energy counters on a node */
#include "config.h"

#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plugin/meter/meter.h"
#include "plugin/meter/options.h"
#include "plugin/meter/probe.h"
#include "plugin/meter/report.h"
#include "plugin/meter/socket.h"

/* run: nothing says where kwotad is; kwota-meter.service does not try it again. */
#define EXIT_UNTOLD 2

const char *argp_program_version = PACKAGE_STRING;

struct wish {
    struct meter_options options;
    const char *verb;
    bool json;
    int watch_s;
};

enum {
    OPT_ROOT = 256,
    OPT_RUN,
    OPT_SPOOL,
    OPT_TIMEOUT,
    OPT_MUNGE,
    OPT_USER,
    OPT_LOG,
    OPT_LIST,
    OPT_TICK,
    OPT_WATCH,
    OPT_JSON
};

static const struct argp_option options[] = {
    {"node", 'n', "NAME", 0, "this node's name in Slurm", 0},
    {"server", 's', "LIST", 0, "kwotad's hosts and port: ctl1,ctl2:6828", 0},
    {"root", OPT_ROOT, "DIR", 0, "stands in for / [/]", 0},
    {"run", OPT_RUN, "DIR", 0, "socket and pid file [" KWOTA_RUNDIR "]", 0},
    {"spool", OPT_SPOOL, "DIR", 0, "state [" KWOTA_SPOOLDIR "]", 0},
    {"timeout-ms", OPT_TIMEOUT, "N", 0, "patience with kwotad [2000]", 0},
    {"tick-ms", OPT_TICK, "N", 0,
     "between two readings, until kwotad says otherwise [10000]", 0},
    {"munge", OPT_MUNGE, "SOCKET", 0, "munged's socket", 0},
    {"user", OPT_USER, "NAME", 0, "kwotad's user, whose replies count [slurm]", 0},
    {"log", OPT_LOG, "FILE", 0, "log there instead of to stderr", 0},
    {"sources", OPT_LIST, "FILE", 0,
     "JSON list of sources and preferences [" KWOTA_SYSCONFDIR
     "/sources.json if there is one]",
     0},
    {"watch", OPT_WATCH, "S", 0, "probe: show mean watts over S seconds", 0},
    {"json", OPT_JSON, 0, 0, "probe: print JSON", 0},
    {0},
};

static bool is_verb(const char *word)
{
    return strcmp(word, "run") == 0 || strcmp(word, "server") == 0 ||
           strcmp(word, "probe") == 0;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct wish *a = state->input;
    const char **strings[] = {[OPT_ROOT - OPT_ROOT] = &a->options.root,
                              [OPT_RUN - OPT_ROOT] = &a->options.run,
                              [OPT_SPOOL - OPT_ROOT] = &a->options.spool};

    switch (key) {
    case 'n':
        a->options.node = arg;
        break;
    case 's':
        a->options.server = arg;
        break;
    case OPT_ROOT:
    case OPT_RUN:
    case OPT_SPOOL:
        *strings[key - OPT_ROOT] = arg;
        break;
    case OPT_TIMEOUT:
        a->options.timeout_ms = atol(arg);
        if (a->options.timeout_ms < 10)
            argp_error(state, "--timeout-ms takes at least 10, not \"%s\"", arg);
        break;
    case OPT_MUNGE:
        a->options.munge = arg;
        break;
    case OPT_USER:
        a->options.user = arg;
        break;
    case OPT_LOG:
        a->options.log = arg;
        break;
    case OPT_TICK:
        a->options.tick_ms = atol(arg);
        if (a->options.tick_ms < 100 || a->options.tick_ms > 60000)
            argp_error(state, "--tick-ms takes 100 to 60000, not \"%s\"", arg);
        break;
    case OPT_LIST:
        a->options.list = arg;
        break;
    case OPT_WATCH:
        a->watch_s = atoi(arg);
        if (a->watch_s < 1 || a->watch_s > 86400)
            argp_error(state, "--watch takes seconds, not \"%s\"", arg);
        break;
    case OPT_JSON:
        a->json = true;
        break;
    case ARGP_KEY_ARG:
        if (a->verb || !is_verb(arg))
            argp_error(state, "\"%s\": run, server or probe is meant", arg);
        a->verb = arg;
        break;
    case ARGP_KEY_END:
        if (!a->verb)
            argp_usage(state);
        if (strcmp(a->verb, "run") == 0 && !a->options.node)
            argp_error(state, "run needs --node");
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

/* One meter a node: the lock is held until the process ends. 0: another one runs. */
static int lock_node(const struct meter_options *o)
{
    char path[512];
    int fd;

    mkdir(o->spool, 0700);
    snprintf(path, sizeof path, "%s/%s.lock", o->spool, o->node);
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        meter_log("%s cannot be opened: %s", path, strerror(errno));
        return -1;
    }
    return flock(fd, LOCK_EX | LOCK_NB) == 0;
}

static void write_pid(const struct meter_options *o)
{
    char path[512];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s.pid", o->run, o->node);
    file = fopen(path, "we");
    if (!file)
        return;
    fprintf(file, "%d\n", (int)getpid());
    fclose(file);
}

static int catch_signals(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int64_t tick_ns(struct meter *meter)
{
    int64_t ms;

    pthread_mutex_lock(&meter->lock);
    ms = meter->books.tick_ms;
    pthread_mutex_unlock(&meter->lock);
    return ms * 1000000;
}

/* Power is sampled between ticks, where a counter needs it. */
static int64_t sample_ns(const struct meter *meter)
{
    return meter->counters.sampled ? meter->sources.sample_ms * 1000000 : INT64_MAX;
}

static int patience_ms(int64_t until_ns)
{
    int64_t left_ns = until_ns - meter_now_ns();

    return left_ns <= 0            ? 0
           : left_ns > 60000000000 ? 60000
                                   : (int)(left_ns / 1000000) + 1;
}

static void loop(struct meter *meter, struct socket *s, int wake_fd, int signal_fd)
{
    int64_t next_ns = meter_now_ns() + tick_ns(meter), sampled_ns = meter_now_ns();

    for (;;) {
        struct pollfd fds[SOCKET_CLIENTS + 3];
        int count = socket_poll(s, fds);
        int64_t until_ns = next_ns, deadline_ns = socket_deadline(s);
        uint64_t woken;

        fds[count] = (struct pollfd){wake_fd, POLLIN, 0};
        fds[count + 1] = (struct pollfd){signal_fd, POLLIN, 0};
        if (deadline_ns < until_ns)
            until_ns = deadline_ns;
        if (sample_ns(meter) < until_ns - sampled_ns)
            until_ns = sampled_ns + sample_ns(meter);
        if (poll(fds, (nfds_t)count + 2, patience_ms(until_ns)) < 0 && errno != EINTR)
            return;
        if (fds[count + 1].revents)
            return;
        if (fds[count].revents && read(wake_fd, &woken, sizeof woken) < 0)
            meter_log("eventfd: %s", strerror(errno));
        socket_serve(s, fds, count);
        if (meter_now_ns() >= next_ns) {
            meter_tick(meter, false, false);
            next_ns = meter_now_ns() + tick_ns(meter);
            sampled_ns = meter_now_ns();
        } else if (meter_now_ns() - sampled_ns >= sample_ns(meter)) {
            meter_sample(meter);
            sampled_ns = meter_now_ns();
        }
        /* kwotad may have asked for shorter ticks meanwhile. */
        if (next_ns > meter_now_ns() + tick_ns(meter))
            next_ns = meter_now_ns() + tick_ns(meter);
    }
}

static int run(const struct meter_options *o, const struct options_said *said)
{
    static struct meter meter;
    static struct socket s;
    int wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), signal_fd, locked;

    if (o->log && !freopen(o->log, "ae", stderr))
        return 1;
    setlinebuf(stderr);
    if (said->doubt[0])
        meter_log("%s", said->doubt);
    if (said->why[0]) {
        meter_log("%s", said->why);
        return EXIT_UNTOLD;
    }
    locked = lock_node(o);
    if (locked <= 0) {
        if (locked == 0)
            meter_log("node %s has a meter already", o->node);
        return locked < 0;
    }
    mkdir(o->run, 0700);
    signal_fd = catch_signals();
    if (meter_open(&meter, o) < 0)
        return 1;
    if (socket_open(&s, &meter) < 0) {
        meter_log("the socket %s/%s.sock cannot be made: %s", o->run, o->node,
                  strerror(errno));
        return 1;
    }
    write_pid(o);
    s.reporter = report_start(&meter, wake_fd);
    meter_log("metering node %s: %d counters below %s%s", o->node, meter.counters.count,
              o->root, meter.books.simulated ? ", simulated" : "");
    loop(&meter, &s, wake_fd, signal_fd);
    socket_close(&s);
    report_stop(s.reporter);
    meter_close(&meter);
    return 0;
}

static int show_server(const struct meter_options *o, const struct options_said *said)
{
    if (said->why[0]) {
        fprintf(stderr, "kwota-meter: %s\n", said->why);
        return 1;
    }
    printf("%s (%s)\n", o->server, said->source);
    return 0;
}

static int show(const struct wish *a)
{
    static struct sources sources;
    char error[SOURCES_ERROR];

    sources_default(&sources, a->options.root ? a->options.root : "/");
    if (a->options.list && sources_read(&sources, a->options.list, error) < 0) {
        fprintf(stderr, "kwota-meter: the list of sources cannot be used: %s\n", error);
        return 2;
    }
    return probe(&sources, a->json, a->watch_s);
}

int main(int argc, char **argv)
{
    static const struct argp argp = {
        options,
        parse,
        "run|server|probe",
        "Reads this node's energy counters and divides them "
        "among its jobs, or shows where it would report, or what there is to read."
        "\vWhat run and server are not told, plugstack.conf says behind "
        "spank_kwota.so: "
        "server, root, run, spool, timeout, munge, user; of server KWOTA_SERVER comes "
        "before it.",
        NULL,
        NULL,
        NULL};
    static struct options_said said;
    struct wish a = {.verb = NULL};

    argp_parse(&argp, argc, argv, 0, NULL, &a);
    if (strcmp(a.verb, "probe") == 0)
        return show(&a);
    options_fill(&a.options, &said);
    return strcmp(a.verb, "server") == 0 ? show_server(&a.options, &said)
                                         : run(&a.options, &said);
}
