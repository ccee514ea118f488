/* command.c - what every subcommand of kwota has: options, kwotad, exit statuses */
#include "tools/command.h"

#include <ctype.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "policy/client.h"
#include "policy/configuration.h"
#include "policy/credential.h"
#include "tools/printable.h"

#define CONNECT_MS 3000

/* A report over years of a large centre. */
#define TIMEOUT_MS 60000

static const char *given_server;

void command_server(const char *server)
{
    given_server = server;
}

/* Mistakes in it are kwotad's business; what can be read must do. */
static struct configuration *read_configuration(void)
{
    const char *path = getenv("KWOTA_CONF");

    return configuration_read(path ? path : KWOTA_SYSCONFDIR "/kwota.json");
}

static const char *setting(struct configuration *conf, const char *key,
                           const char *otherwise)
{
    const char *value = json_string_value(configuration_top(conf, key).json);

    return value ? value : otherwise;
}

static const char *text_or(const json_t *object, const char *key, const char *otherwise)
{
    const char *value = json_string_value(json_object_get(object, key));

    return value ? value : otherwise;
}

/* kwotad's user, who signs what it says. */
static uid_t signer_of(struct configuration *conf)
{
    const struct passwd *signer = getpwnam(setting(conf, "slurm_user", "slurm"));

    return signer ? signer->pw_uid : 0;
}

static struct client *connect_to(struct configuration *conf, char *where, size_t size)
{
    struct client_options options = {
        .servers = given_server ? given_server : getenv("KWOTA_SERVER"),
        .munge_socket = setting(conf, "munge_socket", NULL),
        .signer = signer_of(conf),
        .connect_timeout_ms = CONNECT_MS,
        .timeout_ms = TIMEOUT_MS,
    };

    if (!options.servers) {
        options.servers = setting(conf, "server", NULL);
        options.socket = setting(conf, "socket", KWOTA_RUNDIR "/kwotad.sock");
        if (access(options.socket, F_OK) != 0)
            options.socket = NULL;
    }
    snprintf(where, size, "%s%s%s", options.socket ? options.socket : "",
             options.socket && options.servers ? ", " : "",
             options.servers ? options.servers : "");
    return client_new(&options);
}

/* Why not; a file's mistakes one a line. */
static void print_refusal(json_t *reply)
{
    const char *error;
    json_t *mistake;
    size_t i;

    /* This replaces every text. */
    printable_json(reply);
    error = text_or(reply, "error", "kwotad gives no reason");
    json_array_foreach(json_object_get(reply, "mistakes"), i, mistake)
    {
        if (strcmp(json_string_value(mistake), error) != 0)
            fprintf(stderr, "kwota: %s\n", json_string_value(mistake));
    }
    fprintf(stderr, "kwota: %s\n", error);
}

/* The HTTP status; below 0: there was no answer, and `error` says why. */
static int ask(const char *method, const char *path, json_t *body, json_t **reply,
               char error[COMMAND_ERROR])
{
    struct configuration *conf = read_configuration();
    char reason[CLIENT_ERROR_TEXT], where[512];
    struct client *client = connect_to(conf, where, sizeof where);
    int status = client ? client_call(client, method, path, body, reply, reason) : -1;

    client_free(client);
    configuration_free(conf);
    if (status < 0)
        snprintf(error, COMMAND_ERROR, "kwotad cannot be reached%s%s: %s",
                 where[0] ? " at " : "", where, reason);
    return status;
}

static int call(const char *method, const char *path, json_t *body, bool quiet,
                json_t **reply)
{
    char error[COMMAND_ERROR];
    int status = ask(method, path, body, reply, error);

    if (status == 200 && *reply)
        return 0;
    if (status < 0) {
        fprintf(stderr,
                "kwota: %s\n"
                "kwota: is it running? --server HOST:PORT or \"server\" "
                "in " KWOTA_SYSCONFDIR "/kwota.json says where\n",
                error);
        return EXIT_UNREACHABLE;
    }
    if (!(quiet && status == 404))
        print_refusal(*reply);
    json_decref(*reply);
    *reply = NULL;
    return EXIT_REFUSED;
}

int command_try(const char *path, json_t **reply, char error[COMMAND_ERROR])
{
    int status = ask("GET", path, NULL, reply, error);

    if (status == 200 && *reply)
        return 0;
    if (status >= 0) {
        printable_json(*reply);
        snprintf(error, COMMAND_ERROR, "%s",
                 text_or(*reply, "error", "kwotad gives no reason"));
    }
    json_decref(*reply);
    *reply = NULL;
    return status < 0 ? EXIT_UNREACHABLE : EXIT_REFUSED;
}

int command_get(const char *path, bool quiet, json_t **reply)
{
    return call("GET", path, NULL, quiet, reply);
}

int command_post(const char *path, json_t *body, json_t **reply)
{
    return call("POST", path, body, false, reply);
}

int command_open(const char *sealed, char **text)
{
    struct configuration *conf = read_configuration();
    struct credential_error why;
    int rc = credential_open(setting(conf, "munge_socket", NULL), sealed,
                             signer_of(conf), text, &why);

    configuration_free(conf);
    if (rc == 0)
        return 0;
    fprintf(stderr, "kwota: kwotad's answer cannot be opened: %s\n", why.text);
    return EXIT_REFUSED;
}

void command_query(char *path, size_t size, const char *key, const char *value)
{
    size_t len = strlen(path);

    if (!value)
        return;
    len += (size_t)snprintf(path + len, size - len,
                            "%c%s=", strchr(path, '?') ? '&' : '?', key);
    for (; *value && len + 4 < size; value++)
        len += (size_t)snprintf(
            path + len, size - len,
            isalnum((unsigned char)*value) || strchr("-_.", *value) ? "%c" : "%%%02X",
            (unsigned char)*value);
}

const char *command_ledger_path(char path[COMMAND_PATH])
{
    struct configuration *conf = read_configuration();

    snprintf(path, COMMAND_PATH, "%s/ledger.db",
             setting(conf, "spool", KWOTA_SPOOLDIR));
    configuration_free(conf);
    return path;
}

void command_print_simulated(const json_t *reply)
{
    if (json_is_true(json_object_get(reply, "simulated")))
        puts("[simulated]");
}

void command_print_json(const json_t *json)
{
    json_dumpf(json, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
    putchar('\n');
}
