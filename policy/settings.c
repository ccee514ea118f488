/* settings.c - kwota.json: how kwotad runs */
#include "policy/settings.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "policy/config_item.h"
#include "policy/mariadb_place.h"

static void take_share(struct config_item share, struct settings *s)
{
    static const char *const words[] = {"largest", "cpus", NULL};
    int word;

    if (config_word(share, words, &word))
        s->share_by_cpus = word == 1;
}

static void free_names(struct settings *s)
{
    for (int n = 0; n < SETTINGS_NAMES; n++)
        free(s->names[n]);
    memset(s->names, 0, sizeof s->names);
}

static void take_names(struct config_item names, struct settings *s)
{
    if (!config_is_list(names))
        return;
    if (json_array_size(names.json) > SETTINGS_NAMES) {
        config_wrong(names, "a list of at most 8 names");
        return;
    }
    free_names(s);
    for (size_t i = 0, n = 0; i < json_array_size(names.json); i++)
        n += config_text(config_element(names, i), &s->names[n]);
}

static void take_listen(struct config_item listen, struct settings *s)
{
    static const char *const keys[] = {"address", "port", "names", NULL};
    int64_t port = s->port;

    if (!config_is_object(listen))
        return;
    config_known(listen, keys);
    config_text(config_member(listen, "address"), &s->address);
    config_number(config_member(listen, "port"), 1, 65535, &port);
    take_names(config_member(listen, "names"), s);
    s->port = (int)port;
}

static void take_meter(struct config_item meter, struct settings *s)
{
    static const char *const keys[] = {"tick_ms", "report_ms", "idle_mw", "share",
                                       NULL};
    static const char *const idle_keys[] = {"package", "dram", "gpu", NULL};
    struct config_item idle = config_member(meter, "idle_mw");

    if (!config_is_object(meter))
        return;
    config_known(meter, keys);
    config_number(config_member(meter, "tick_ms"), 100, 60000, &s->tick_ms);
    config_number(config_member(meter, "report_ms"), 100, 3600000, &s->report_ms);
    take_share(config_member(meter, "share"), s);
    if (!config_is_object(idle))
        return;
    config_known(idle, idle_keys);
    config_number(config_member(idle, "package"), 0, 10000000, &s->idle_package_mw);
    config_number(config_member(idle, "dram"), 0, 10000000, &s->idle_dram_mw);
    config_number(config_member(idle, "gpu"), 0, 10000000, &s->idle_gpu_mw);
}

static void take_ledger(struct config_item ledger, struct settings *s)
{
    struct mariadb_place place;
    char why[MARIADB_PLACE_TEXT];

    if (config_text(ledger, &s->ledger) &&
        mariadb_place_read(s->ledger, &place, why) < 0)
        config_mistake(ledger, CONFIG_VALUE, "ledger: %s", why);
}

static void take_slurmdbd(struct config_item slurmdbd, struct settings *s)
{
    static const char *const keys[] = {"summary", "energy", NULL};
    struct config_item energy = config_member(slurmdbd, "energy");

    if (!config_is_object(slurmdbd))
        return;
    config_known(slurmdbd, keys);
    config_bool(config_member(slurmdbd, "summary"), &s->slurmdbd_summary);
    if (config_bool(energy, &s->slurmdbd_energy) && s->slurmdbd_energy &&
        !s->slurmdbd_summary)
        config_wrong(energy, "false without \"summary\": true");
}

#define URL_MOST 200

/* Behind a path of a proxy's, "https://hpc.example.org/kwota". */
static void take_url(struct config_item url, char **to)
{
    const char *host;
    char *text = NULL;

    if (!config_text(url, &text))
        return;
    host = strncmp(text, "http://", 7) == 0    ? text + 7
           : strncmp(text, "https://", 8) == 0 ? text + 8
                                               : "";
    if (!host[0] || host[0] == '/' || strlen(text) > URL_MOST ||
        strpbrk(text, " ;?#\"<>\\")) {
        config_wrong(url, "a URL that begins with https:// or http://");
        free(text);
        return;
    }
    while (text[strlen(text) - 1] == '/')
        text[strlen(text) - 1] = '\0';
    free(*to);
    *to = text;
}

static void take_web(struct config_item item, struct settings_web *web)
{
    static const char *const keys[] = {"enabled", "address",   "port",
                                       "url",     "session_s", NULL};

    if (!config_is_object(item))
        return;
    config_known(item, keys);
    config_bool(config_member(item, "enabled"), &web->enabled);
    config_text(config_member(item, "address"), &web->address);
    config_number(config_member(item, "port"), 1, 65535, &web->port);
    take_url(config_member(item, "url"), &web->url);
    config_number(config_member(item, "session_s"), 60, 7 * 86400, &web->session_s);
}

static void take_metrics(struct config_item item, struct settings_metrics *metrics)
{
    static const char *const keys[] = {"enabled",  "address", "port", "token_file",
                                       "accounts", "nodes",   NULL};

    if (!config_is_object(item))
        return;
    config_known(item, keys);
    config_bool(config_member(item, "enabled"), &metrics->enabled);
    config_text(config_member(item, "address"), &metrics->address);
    config_number(config_member(item, "port"), 1, 65535, &metrics->port);
    config_text(config_member(item, "token_file"), &metrics->token_file);
    config_number(config_member(item, "accounts"), 0, 10000, &metrics->accounts);
    config_number(config_member(item, "nodes"), 0, 20000, &metrics->nodes);
}

/* `server` and `slurm_user` are the kwota command's, which asks before it knows more;
 * here they are only checked. */
static void take_all(struct configuration *conf, struct settings *s)
{
    char *unused = NULL;
    int64_t version;

    config_number(configuration_top(conf, "version"), 1, 1, &version);
    config_text(configuration_top(conf, "cluster"), &s->cluster);
    config_text(configuration_top(conf, "socket"), &s->socket);
    config_text(configuration_top(conf, "spool"), &s->spool);
    take_ledger(configuration_top(conf, "ledger"), s);
    config_text(configuration_top(conf, "munge_socket"), &s->munge_socket);
    config_text(configuration_top(conf, "server"), &unused);
    config_text(configuration_top(conf, "slurm_user"), &unused);
    config_number(configuration_top(conf, "settle_timeout_s"), 1, 86400 * 30,
                  &s->settle_timeout_s);
    config_number(configuration_top(conf, "sweep_s"), 1, 86400, &s->sweep_s);
    config_number(configuration_top(conf, "save_s"), 0, 3600, &s->save_s);
    take_listen(configuration_top(conf, "listen"), s);
    take_meter(configuration_top(conf, "meter"), s);
    take_slurmdbd(configuration_top(conf, "slurmdbd"), s);
    take_web(configuration_top(conf, "web"), &s->web);
    take_metrics(configuration_top(conf, "metrics"), &s->metrics);
    free(unused);
}

void settings_check(struct configuration *conf)
{
    struct settings unused = {0};

    take_all(conf, &unused);
    settings_free(&unused);
}

/* The host's own names, as a client could have been told them. */
static void default_names(struct settings *s)
{
    struct addrinfo hints = {.ai_flags = AI_CANONNAME, .ai_family = AF_UNSPEC}, *found;
    char host[256] = "";
    int n = 0;

    gethostname(host, sizeof host - 1);
    s->names[n++] = strdup(host);
    if (strchr(host, '.'))
        s->names[n++] = strndup(host, strcspn(host, "."));
    if (getaddrinfo(host, NULL, &hints, &found) == 0) {
        if (found->ai_canonname && strcmp(found->ai_canonname, host) != 0)
            s->names[n++] = strdup(found->ai_canonname);
        freeaddrinfo(found);
    }
    s->names[n++] = strdup("localhost");
    s->names[n] = NULL;
}

int settings_read(struct settings *settings, const char *path)
{
    struct configuration *conf = configuration_read(path);
    int mistakes = 1;

    *settings = (struct settings){
        .address = strdup("0.0.0.0"),
        .port = 6828,
        .socket = strdup(KWOTA_RUNDIR "/kwotad.sock"),
        .spool = strdup(KWOTA_SPOOLDIR),
        .settle_timeout_s = 600,
        .sweep_s = 300,
        .save_s = -1,
        .tick_ms = 10000,
        .report_ms = 60000,
        .web = {.address = strdup("127.0.0.1"), .port = 6829, .session_s = 8 * 3600},
        .metrics = {.address = strdup("127.0.0.1"), .port = 6830, .accounts = 200},
    };
    default_names(settings);
    if (conf) {
        take_all(conf, settings);
        mistakes = configuration_tell(conf, stderr);
    }
    configuration_free(conf);
    return mistakes ? -1 : 0;
}

void settings_free(struct settings *settings)
{
    free_names(settings);
    free(settings->address);
    free(settings->socket);
    free(settings->spool);
    free(settings->ledger);
    free(settings->munge_socket);
    free(settings->cluster);
    free(settings->web.address);
    free(settings->web.url);
    free(settings->metrics.address);
    free(settings->metrics.token_file);
}
