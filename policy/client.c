/* client.c - one request to kwotad, over TCP with MUNGE or over its Unix socket */
#include "policy/client.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/credential.h"

#define DEFAULT_PORT 6828
#define MAX_SERVERS 8
/* The largest reply read. A year of usage by job of a large centre is some 20 MB. */
#define MAX_REPLY (64u << 20)

struct server {
    char host[256];
    int port;
};

struct client {
    CURL *curl;
    struct server servers[MAX_SERVERS];
    int server_count;
    char *socket;
    char *munge_socket;
    uid_t signer;
    long connect_timeout_ms;
    long timeout_ms;
};

/* One try: what is sent, and what comes back. */
struct exchange {
    const char *method;
    const char *path;
    const char *body;
    size_t body_len;
    char *request_cred;
    char *reply;
    size_t reply_len;
    char *reply_cred;
    long status;
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
    curl_global_init(CURL_GLOBAL_DEFAULT);
    client->curl = curl_easy_init();
    if (!client->curl) {
        client_free(client);
        return NULL;
    }
    return client;
}

void client_free(struct client *client)
{
    if (!client)
        return;
    if (client->curl)
        curl_easy_cleanup(client->curl);
    free(client->socket);
    free(client->munge_socket);
    free(client);
}

static size_t take_body(char *data, size_t size, size_t count, void *arg)
{
    struct exchange *x = arg;
    size_t len = size * count;
    char *more;

    if (x->reply_len + len > MAX_REPLY)
        return 0;
    more = realloc(x->reply, x->reply_len + len + 1);
    if (!more)
        return 0;
    memcpy(more + x->reply_len, data, len);
    x->reply = more;
    x->reply_len += len;
    x->reply[x->reply_len] = '\0';
    return len;
}

static size_t take_header(char *data, size_t size, size_t count, void *arg)
{
    static const char name[] = CREDENTIAL_HEADER ":";
    struct exchange *x = arg;
    size_t len = size * count, start = sizeof name - 1;

    if (len > start && strncasecmp(data, name, start) == 0 && !x->reply_cred) {
        while (start < len && data[start] == ' ')
            start++;
        x->reply_cred = strndup(data + start, strcspn(data + start, "\r\n"));
    }
    return len;
}

static void set_up(struct client *client, struct exchange *x, const char *url,
                   struct curl_slist *headers, char *curl_error)
{
    CURL *curl = client->curl;

    curl_easy_reset(curl);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, curl_error);
    /* Signals would interrupt the meter's other threads. */
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, client->connect_timeout_ms);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, client->timeout_ms);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, x->method);
    if (x->body) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, x->body);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)x->body_len);
    }
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, x);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, x);
}

static void forget(struct exchange *x)
{
    free(x->request_cred);
    free(x->reply);
    free(x->reply_cred);
    x->request_cred = x->reply = x->reply_cred = NULL;
    x->reply_len = 0;
}

/* One try at `server`, or at the Unix socket if NULL. 0 when the answer counts. */
static int try_once(struct client *client, const struct server *server,
                    struct exchange *x, char error[CLIENT_ERROR_TEXT])
{
    char url[2048], curl_error[CURL_ERROR_SIZE] = "";
    struct credential_error why = {""};
    struct curl_slist *headers = NULL;
    CURLcode rc;
    int ok = -1;

    snprintf(url, sizeof url, "http://%s:%d%s", server ? server->host : "localhost",
             server ? server->port : 80, x->path);
    headers = curl_slist_append(headers, "Content-Type: application/json");
    /* No "Expect: 100-continue": one round trip is enough. */
    headers = curl_slist_append(headers, "Expect:");
    if (server) {
        char *line = NULL;

        if (credential_sign_request(client->munge_socket, server->host, x->method,
                                    x->path, x->body, x->body_len, &x->request_cred,
                                    &why) < 0) {
            snprintf(error, CLIENT_ERROR_TEXT, "%s", why.text);
            goto out;
        }
        if (asprintf(&line, CREDENTIAL_HEADER ": %s", x->request_cred) >= 0)
            headers = curl_slist_append(headers, line);
        free(line);
    }
    set_up(client, x, url, headers, curl_error);
    if (!server)
        curl_easy_setopt(client->curl, CURLOPT_UNIX_SOCKET_PATH, client->socket);
    rc = curl_easy_perform(client->curl);
    if (rc != CURLE_OK) {
        snprintf(error, CLIENT_ERROR_TEXT, "%s: %s",
                 server ? server->host : client->socket,
                 curl_error[0] ? curl_error : curl_easy_strerror(rc));
        goto out;
    }
    curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &x->status);
    if (server &&
        credential_check_reply(client->munge_socket, x->reply_cred, x->request_cred,
                               client->signer, (unsigned)x->status, x->reply,
                               x->reply_len, &why) < 0) {
        snprintf(error, CLIENT_ERROR_TEXT, "the answer of %s:%d does not count: %s",
                 server->host, server->port, why.text);
        goto out;
    }
    ok = 0;
out:
    curl_slist_free_all(headers);
    return ok;
}

int client_call(struct client *client, const char *method, const char *path,
                json_t *body, json_t **reply, char error[CLIENT_ERROR_TEXT])
{
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    struct exchange x = {.method = method, .path = path, .body = text};
    int status = -1;

    *reply = NULL;
    x.body_len = text ? strlen(text) : 0;
    snprintf(error, CLIENT_ERROR_TEXT, "no server is configured");
    for (int i = client->socket ? -1 : 0; i < client->server_count && status < 0; i++) {
        if (try_once(client, i < 0 ? NULL : &client->servers[i], &x, error) == 0) {
            status = (int)x.status;
            if (x.reply)
                *reply = json_loadb(x.reply, x.reply_len, 0, NULL);
        }
        forget(&x);
    }
    free(text);
    return status;
}
