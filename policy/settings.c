/* settings.c - kwota.json: how kwotad runs */
#include "policy/settings.h"

#include <jansson.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Reading goes on after a mistake, so that all are told at once. */
struct reading {
    const char *path;
    int mistakes;
};

static void mistake(struct reading *r, const char *where, const char *key,
                    const char *what)
{
    fprintf(stderr, "kwotad: %s: %s%s: %s\n", r->path, where, key, what);
    r->mistakes++;
}

static void take_text(struct reading *r, const char *where, json_t *object,
                      const char *key, char **to)
{
    json_t *value = json_object_get(object, key);

    if (!value || json_is_null(value))
        return;
    if (!json_is_string(value) || !json_string_value(value)[0])
        mistake(r, where, key, "must be a text that is not empty");
    else {
        free(*to);
        *to = strdup(json_string_value(value));
    }
}

static void take_number(struct reading *r, const char *where, json_t *object,
                        const char *key, int64_t least, int64_t most, int64_t *to)
{
    json_t *value = json_object_get(object, key);
    char what[96];

    if (!value || json_is_null(value))
        return;
    if (json_is_integer(value) && json_integer_value(value) >= least &&
        json_integer_value(value) <= most) {
        *to = json_integer_value(value);
        return;
    }
    snprintf(what, sizeof what, "must be a whole number from %lld to %lld",
             (long long)least, (long long)most);
    mistake(r, where, key, what);
}

static void known_keys(struct reading *r, const char *where, json_t *object,
                       const char *const *keys)
{
    const char *key;
    json_t *value;

    json_object_foreach(object, key, value)
    {
        const char *const *k = keys;

        while (*k && strcmp(*k, key) != 0)
            k++;
        if (!*k)
            mistake(r, where, key, "there is no such setting");
    }
}

static json_t *section(struct reading *r, json_t *all, const char *name,
                       const char *const *keys)
{
    json_t *object = json_object_get(all, name);
    char where[64];

    if (!object)
        return NULL;
    if (!json_is_object(object)) {
        mistake(r, "", name, "must be an object");
        return NULL;
    }
    snprintf(where, sizeof where, "%s.", name);
    known_keys(r, where, object, keys);
    return object;
}

static void take_share(struct reading *r, json_t *meter, struct settings *s)
{
    json_t *share = json_object_get(meter, "share");
    const char *text = json_string_value(share);

    if (!share)
        return;
    if (!text || (strcmp(text, "cpus") != 0 && strcmp(text, "largest") != 0))
        mistake(r, "meter.", "share", "must be \"cpus\" or \"largest\"");
    else
        s->share_by_cpus = strcmp(text, "cpus") == 0;
}

static void free_names(struct settings *s)
{
    for (int n = 0; n < SETTINGS_NAMES; n++)
        free(s->names[n]);
    memset(s->names, 0, sizeof s->names);
}

static void take_names(struct reading *r, json_t *listen, struct settings *s)
{
    json_t *names = json_object_get(listen, "names"), *name;
    size_t i;

    if (!names)
        return;
    if (!json_is_array(names) || json_array_size(names) > SETTINGS_NAMES) {
        mistake(r, "listen.", "names", "must be a list of at most 8 names");
        return;
    }
    free_names(s);
    json_array_foreach(names, i, name)
    {
        if (json_is_string(name))
            s->names[i] = strdup(json_string_value(name));
        else
            mistake(r, "listen.", "names", "must be texts");
    }
}

static void take_all(struct reading *r, json_t *all, struct settings *s)
{
    static const char *const top[] = {
        "version",          "cluster", "listen", "socket", "spool",      "munge_socket",
        "settle_timeout_s", "sweep_s", "meter",  "server", "slurm_user", NULL};
    static const char *const listen_keys[] = {"address", "port", "names", NULL};
    static const char *const meter_keys[] = {"tick_ms", "report_ms", "idle_mw", "share",
                                             NULL};
    json_t *listen = section(r, all, "listen", listen_keys);
    json_t *meter = section(r, all, "meter", meter_keys);
    json_t *idle = json_object_get(meter, "idle_mw");
    int64_t port = s->port, version = 1;

    known_keys(r, "", all, top);
    take_number(r, "", all, "version", 1, 1, &version);
    take_text(r, "", all, "cluster", &s->cluster);
    take_text(r, "", all, "socket", &s->socket);
    take_text(r, "", all, "spool", &s->spool);
    take_text(r, "", all, "munge_socket", &s->munge_socket);
    take_number(r, "", all, "settle_timeout_s", 1, 86400 * 30, &s->settle_timeout_s);
    take_number(r, "", all, "sweep_s", 1, 86400, &s->sweep_s);
    take_text(r, "listen.", listen, "address", &s->address);
    take_number(r, "listen.", listen, "port", 1, 65535, &port);
    take_names(r, listen, s);
    take_number(r, "meter.", meter, "tick_ms", 100, 60000, &s->tick_ms);
    take_number(r, "meter.", meter, "report_ms", 100, 3600000, &s->report_ms);
    take_number(r, "meter.idle_mw.", idle, "package", 0, 10000000, &s->idle_package_mw);
    take_number(r, "meter.idle_mw.", idle, "dram", 0, 10000000, &s->idle_dram_mw);
    take_number(r, "meter.idle_mw.", idle, "gpu", 0, 10000000, &s->idle_gpu_mw);
    take_share(r, meter, s);
    s->port = (int)port;
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
    struct reading r = {path, 0};
    json_error_t error;
    json_t *all = json_load_file(path, JSON_REJECT_DUPLICATES, &error);

    *settings = (struct settings){
        .address = strdup("0.0.0.0"),
        .port = 6828,
        .socket = strdup(KWOTA_RUNDIR "/kwotad.sock"),
        .spool = strdup(KWOTA_SPOOLDIR),
        .settle_timeout_s = 600,
        .sweep_s = 300,
        .tick_ms = 10000,
        .report_ms = 60000,
    };
    default_names(settings);
    if (!all) {
        fprintf(stderr, "kwotad: %s:%d:%d: %s\n", path, error.line, error.column,
                error.text);
        return -1;
    }
    if (json_is_object(all))
        take_all(&r, all, settings);
    else
        mistake(&r, "", "the file", "must hold one object");
    json_decref(all);
    return r.mistakes ? -1 : 0;
}

void settings_free(struct settings *settings)
{
    free_names(settings);
    free(settings->address);
    free(settings->socket);
    free(settings->spool);
    free(settings->munge_socket);
    free(settings->cluster);
}
