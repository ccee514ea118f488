/* kwotad.c - decides and remembers: runs, settlement, ledger, HTTP API */
#include "config.h"

#include <argp.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/access.h"
#include "policy/http.h"
#include "policy/ledger.h"
#include "policy/log.h"
#include "policy/metrics.h"
#include "policy/policy_store.h"
#include "policy/prune_night.h"
#include "policy/replica.h"
#include "policy/settings.h"
#include "policy/slurm_lookup.h"
#include "policy/steward.h"
#include "policy/teller.h"
#include "policy/web.h"
#include "policy/worker.h"

const char *argp_program_version = PACKAGE_STRING;

/* So long a report waits for others that reach the disk with it. */
#define GATHER_MS 25

static const struct argp_option options[] = {
    {"file", 'f', "FILE", 0, "configuration [" KWOTA_SYSCONFDIR "/kwota.json]", 0},
    {"foreground", 'D', 0, 0, "stay in the foreground (it always does)", 0},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    const char **file = state->input;

    switch (key) {
    case 'f':
        *file = arg;
        return 0;
    case 'D':
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "\"%s\" is too much", arg);
        return 0;
    }
    return ARGP_ERR_UNKNOWN;
}

#ifdef HAVE_JEMALLOC
/* What jemalloc looks for. Threads that mostly wait for each other need few heaps. */
extern const char *malloc_conf;
const char *malloc_conf = "narenas:2,dirty_decay_ms:2000,muzzy_decay_ms:0";
#endif

/* What glibc is told where jemalloc is not there. */
static void allocate_well(void)
{
#ifndef HAVE_JEMALLOC
    /* Between two bodies there are thousands of small pieces of JSON: glibc would put
     * its lists of those in order for each body. It is a ninth of what a report costs.
     */
    mallopt(M_MXFAST, 0);
    /* Threads that mostly wait for each other need few heaps; each keeps what it had.
     */
    mallopt(M_ARENA_MAX, 4);
#endif
}

/* jemalloc does so by itself. */
static void give_back(void)
{
#ifndef HAVE_JEMALLOC
    malloc_trim(0);
#endif
}

/* Told to read the policy anew while it still starts, kwotad does so when it can. */
static void block_reload(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
}

/* Signals are waited for, so every thread must start with them blocked. */
static void block_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGHUP);
    pthread_sigmask(SIG_BLOCK, set, NULL);
    signal(SIGPIPE, SIG_IGN);
}

/* What a burst needed is given back so often. */
#define TRIM_S 30

/* Looks after the policy until a signal ends kwotad; returns that. */
static int wait_for_end(const sigset_t *signals, struct policy_store *policies)
{
    static const struct timespec second = {1, 0};
    unsigned seconds = 0;

    for (;;) {
        int caught = sigtimedwait(signals, NULL, &second);

        if (caught == SIGHUP)
            policy_store_reload(policies);
        else if (caught > 0)
            return caught;
        else
            policy_store_poll(policies);
        if (++seconds % TRIM_S == 0)
            give_back();
    }
}

/* The ledger, wherever it is. */
static struct ledger *open_ledger(const struct settings *settings)
{
    struct mariadb_place place;
    char text[MARIADB_PLACE_TEXT];
    struct ledger *ledger;

    if (!settings->ledger)
        return ledger_open(settings->spool);
    if (mariadb_place_read(settings->ledger, &place, text) < 0)
        return NULL;
    ledger = ledger_open_copy(settings->spool);
    snprintf(text, sizeof text, "%s:%d", settings->names[0] ? settings->names[0] : "?",
             settings->port);
    if (!ledger || replica_start(ledger, &place, text) == 0)
        return ledger;
    ledger_close(ledger);
    return NULL;
}

/* The listeners of browsers and of scrapers, where the settings want them. -1: one that
 * is wanted cannot be had. */
static int start_sites(const struct http_context *context, struct metrics **metrics)
{
    const struct settings *settings = context->settings;

    if (settings->metrics.enabled && !(*metrics = metrics_start(context)))
        return -1;
    return context->web ? web_start(context->web, context) : 0;
}

static int run(const struct settings *settings, const char *cluster,
               struct policy_store *policies)
{
    struct activity activity = {0};
    struct http_context context = {.settings = settings,
                                   .cluster = cluster,
                                   .policies = policies,
                                   .activity = &activity};
    struct metrics *metrics = NULL;
    struct prune_night *night = NULL;
    struct teller *teller = NULL;
    struct http *http;
    sigset_t signals;

    block_signals(&signals);
    context.ledger = open_ledger(settings);
    if (!context.ledger || ledger_gather(context.ledger, GATHER_MS) < 0)
        return 1;
    context.lobby = lobby_new();
    if (!context.lobby)
        return 1;
    context.steward = steward_start(context.ledger, settings, policies, cluster);
    context.worker = context.steward
                         ? worker_start(context.ledger, settings, policies,
                                        context.steward, context.lobby, cluster)
                         : NULL;
    if (context.steward)
        policy_store_watch_over(policies, steward_guard, context.steward);
    context.running = running_new(context.ledger, settings->report_ms);
    if (settings->slurmdbd_summary &&
        !(teller = teller_start(context.ledger, settings, cluster)))
        return 1;
    if (settings->web.enabled && !(context.web = web_new(&context)))
        return 1;
    http = context.worker && context.running ? http_start(&context) : NULL;
    if (!http || start_sites(&context, &metrics) < 0 ||
        !(night = prune_night_start(context.ledger, policies)))
        return 1;
    log_line("cluster %s, port %d, ledger in %s", cluster, settings->port,
             settings->spool);
    log_line("ending on %s", strsignal(wait_for_end(&signals, policies)));
    metrics_stop(metrics);
    http_stop(http);
    prune_night_stop(night);
    web_free(context.web);
    policy_store_watch_over(policies, NULL, NULL);
    worker_stop(context.worker);
    lobby_free(context.lobby);
    steward_stop(context.steward);
    teller_stop(teller);
    running_free(context.running);
    ledger_close(context.ledger);
    return 0;
}

int main(int argc, char **argv)
{
    static const struct argp argp = {
        options, parse, NULL, "Keeps the energy ledger of a Slurm cluster.",
        NULL,    NULL,  NULL};
    const char *file = KWOTA_SYSCONFDIR "/kwota.json";
    struct policy_store *policies;
    struct settings settings;
    char cluster[64];
    uid_t slurm_user;
    int status;

    argp_parse(&argp, argc, argv, 0, NULL, &file);
    setvbuf(stderr, NULL, _IOLBF, 0);
    allocate_well();
    block_reload();
    /* Checks the settings too, so that all mistakes are told at once. */
    policies = policy_store_open(file);
    if (!policies)
        return 1;
    if (settings_read(&settings, file) < 0) {
        settings_free(&settings);
        return 1;
    }
    umask(0077);
    lookup_init();
    lookup_cluster(cluster, sizeof cluster, &slurm_user);
    if (settings.cluster)
        snprintf(cluster, sizeof cluster, "%s", settings.cluster);
    else
        settings.cluster = strdup(cluster);
    if (!cluster[0]) {
        log_line("slurm.conf does not tell the cluster's name: say \"cluster\" in %s",
                 file);
        return 1;
    }
    access_init(slurm_user ? slurm_user : geteuid());
    status = run(&settings, cluster, policies);
    settings_free(&settings);
    policy_store_close(policies);
    return status;
}
