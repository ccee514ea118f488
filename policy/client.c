/* client.c - one request to kwotad, over TCP with MUNGE or over its Unix socket */
#include "policy/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/credential.h"
#include "policy/transport.h"

#define DEFAULT_PORT 6828
#define MAX_SERVERS 8

/* Of two kwotad on one ledger the one says so that does not act. */
#define UNAVAILABLE 503

struct server {
    char host[256];
    int port;
};

struct client {
    struct transport *transport;
    struct server servers[MAX_SERVERS];
    int server_count;
    char *socket;
    char *munge_socket;
    uid_t signer;
    long connect_timeout_ms;
    long timeout_ms;
};

/* "ctl1,ctl2:7000": a server without a port takes the one of the last that names it,
 * so that "ctl1,ctl2:6828" means port 6828 on both. */
static void read_servers(struct client *client, const char *list)
{
    char *copy = list ? strdup(list) : NULL, *rest = copy, *one;
    int port = DEFAULT_PORT;

    while (rest && (one = strsep(&rest, ",")) && client->server_count < MAX_SERVERS) {
        struct server *server = &client->servers[client->server_count];
        char *colon = strrchr(one, ':');

        server->port = 0;
        if (colon) {
            server->port = atoi(colon + 1);
            *colon = '\0';
        }
        if (!*one)
            continue;
        snprintf(server->host, sizeof server->host, "%s", one);
        client->server_count++;
    }
    for (int i = client->server_count - 1; i >= 0; i--) {
        if (client->servers[i].port > 0)
            port = client->servers[i].port;
        else
            client->servers[i].port = port;
    }
    free(copy);
}

struct client *client_new(const struct client_options *options)
{
    struct client *client = calloc(1, sizeof *client);

    if (!client)
        return NULL;
    read_servers(client, options->servers);
    client->socket = options->socket ? strdup(options->socket) : NULL;
    client->munge_socket = options->munge_socket ? strdup(options->munge_socket) : NULL;
    client->signer = options->signer;
    client->connect_timeout_ms = options->connect_timeout_ms;
    client->timeout_ms = options->timeout_ms;
    client->transport = transport_new();
    if (!client->transport) {
        client_free(client);
        return NULL;
    }
    return client;
}

void client_free(struct client *client)
{
    if (!client)
        return;
    transport_free(client->transport);
    free(client->socket);
    free(client->munge_socket);
    free(client);
}

/* One try at `server`, or at the Unix socket if NULL. 0 when the answer counts. */
static int try_once(struct client *client, const struct server *server,
                    struct exchange *x, char error[CLIENT_ERROR_TEXT])
{
    struct credential_error why = {""};
    char *cred = NULL;
    int rc = -1;

    if (!server) {
        x->socket = client->socket;
        return transport_exchange(client->transport, x, error);
    }
    x->socket = NULL;
    x->host = server->host;
    x->port = server->port;
    if (credential_sign_request(client->munge_socket, server->host, x->method, x->path,
                                x->body, x->body_len, &cred, &why) < 0) {
        snprintf(error, CLIENT_ERROR_TEXT, "%s", why.text);
        return -1;
    }
    x->credential = cred;
    if (transport_exchange(client->transport, x, error) == 0) {
        rc = credential_check_reply(client->munge_socket, x->reply_credential, cred,
                                    client->signer, (unsigned)x->status, x->reply,
                                    x->reply_len, &why);
        if (rc < 0)
            snprintf(error, CLIENT_ERROR_TEXT, "the answer of %s:%d does not count: %s",
                     server->host, server->port, why.text);
    }
    x->credential = NULL;
    free(cred);
    return rc;
}

static void forget(struct exchange *x)
{
    free(x->reply);
    free(x->reply_credential);
    x->reply = x->reply_credential = NULL;
    x->reply_len = 0;
    x->status = 0;
}

int client_call(struct client *client, const char *method, const char *path,
                json_t *body, json_t **reply, char error[CLIENT_ERROR_TEXT])
{
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    struct exchange x = {.method = method,
                         .path = path,
                         .body = text,
                         .body_len = text ? strlen(text) : 0,
                         .connect_timeout_ms = client->connect_timeout_ms,
                         .timeout_ms = client->timeout_ms};
    int status = -1;

    *reply = NULL;
    snprintf(error, CLIENT_ERROR_TEXT, "no server is configured");
    for (int i = client->socket ? -1 : 0;
         i < client->server_count && (status < 0 || status == UNAVAILABLE); i++) {
        if (try_once(client, i < 0 ? NULL : &client->servers[i], &x, error) == 0) {
            status = (int)x.status;
            json_decref(*reply);
            *reply = x.reply ? json_loadb(x.reply, x.reply_len, 0, NULL) : NULL;
        }
        forget(&x);
    }
    free(text);
    return status;
}
