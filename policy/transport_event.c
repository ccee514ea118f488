/* transport_event.c - one HTTP exchange by libevent, over TCP, with a loop of its own
 */
#include "policy/transport.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policy/credential.h"

/* A reply has one long header, its credential: MUNGE's are some 300 bytes. */
#define MAX_HEADERS 65536

/* Our own timers end an exchange; libevent's must only not do so before them. */
#define SPARE_S 60

struct transport {
    struct event_config *config;
};

/* An attempt at one of the host's addresses. */
struct attempt {
    struct exchange *x;
    struct event_base *base;
    bufferevent_event_cb
        http_cb; /* evhttp's own, and its argument, while it connects */
    void *http_arg;
    bool connected, over, answered;
    char why[256]; /* of a failure; the first that is known counts */
};

struct transport *transport_new(void)
{
    struct transport *transport = calloc(1, sizeof *transport);

    if (!transport)
        return NULL;
    transport->config = event_config_new();
    if (!transport->config) {
        free(transport);
        return NULL;
    }
    /* One thread has the loop, and the environment chooses nothing. */
    event_config_set_flag(transport->config,
                          EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_IGNORE_ENV);
    return transport;
}

void transport_free(struct transport *transport)
{
    if (!transport)
        return;
    event_config_free(transport->config);
    free(transport);
}

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void end(struct attempt *a, const char *why)
{
    if (why && !a->why[0])
        snprintf(a->why, sizeof a->why, "%s", why);
    a->over = true;
    event_base_loopbreak(a->base);
}

static void connect_timer(evutil_socket_t fd, short what, void *arg)
{
    struct attempt *a = arg;

    (void)fd, (void)what;
    if (!a->connected)
        end(a, "it cannot be connected to in time");
}

static void timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    end(arg, "there is no whole answer in time");
}

/* evhttp does not tell why it could not connect, so this looks at what it is told. It
 * puts its own callbacks back when it is connected. */
static void connect_ended(struct bufferevent *stream, short what, void *arg)
{
    struct attempt *a = arg;

    if (what & BEV_EVENT_CONNECTED)
        a->connected = true;
    else if (errno != 0)
        snprintf(a->why, sizeof a->why, "%s",
                 evutil_socket_error_to_string(EVUTIL_SOCKET_ERROR()));
    a->http_cb(stream, what, a->http_arg);
}

static void watch_connecting(struct attempt *a, struct evhttp_connection *connection)
{
    struct bufferevent *stream = evhttp_connection_get_bufferevent(connection);

    if (a->over || !stream)
        return;
    evutil_make_socket_closeonexec(bufferevent_getfd(stream));
    bufferevent_getcb(stream, NULL, NULL, &a->http_cb, &a->http_arg);
    bufferevent_setcb(stream, NULL, NULL, connect_ended, a);
}

static void failed(enum evhttp_request_error error, void *arg)
{
    static const char *const sentences[] = {
        [EVREQ_HTTP_TIMEOUT] = "there is no whole answer in time",
        [EVREQ_HTTP_EOF] = "it closed the connection before its answer was whole",
        [EVREQ_HTTP_INVALID_HEADER] = "its answer is not HTTP",
        [EVREQ_HTTP_BUFFER_ERROR] = "the connection broke",
        [EVREQ_HTTP_REQUEST_CANCEL] = "the request was cancelled",
        [EVREQ_HTTP_DATA_TOO_LONG] =
            "its answer is too long (64 MiB at most are read)"};

    end(arg, sentences[error]);
}

static int take_reply(struct exchange *x, struct evhttp_request *request)
{
    struct evbuffer *body = evhttp_request_get_input_buffer(request);
    const char *credential = evhttp_find_header(
        evhttp_request_get_input_headers(request), CREDENTIAL_HEADER);
    size_t len = evbuffer_get_length(body);

    x->status = evhttp_request_get_response_code(request);
    if (credential && !(x->reply_credential = strdup(credential)))
        return -1;
    if (len == 0)
        return 0;
    x->reply = malloc(len + 1);
    if (!x->reply || evbuffer_remove(body, x->reply, len) != (ev_ssize_t)len)
        return -1;
    x->reply[len] = '\0';
    x->reply_len = len;
    return 0;
}

/* Also called without a request, or with one without a status, after a failure. */
static void answered(struct evhttp_request *request, void *arg)
{
    struct attempt *a = arg;

    if (!request || evhttp_request_get_response_code(request) == 0) {
        end(a, a->connected ? "the connection broke" : "it cannot be connected to");
        return;
    }
    a->answered = take_reply(a->x, request) == 0;
    end(a, a->answered ? NULL : "there is no memory for its answer");
}

static enum evhttp_cmd_type command_of(const char *method)
{
    return strcmp(method, "POST") == 0     ? EVHTTP_REQ_POST
           : strcmp(method, "PUT") == 0    ? EVHTTP_REQ_PUT
           : strcmp(method, "DELETE") == 0 ? EVHTTP_REQ_DELETE
                                           : EVHTTP_REQ_GET;
}

static struct evhttp_request *make_request(struct attempt *a)
{
    const struct exchange *x = a->x;
    struct evhttp_request *request = evhttp_request_new(answered, a);
    struct evkeyvalq *headers;
    char host[300], length[24];

    if (!request)
        return NULL;
    headers = evhttp_request_get_output_headers(request);
    snprintf(host, sizeof host, "%s:%d", x->host, x->port);
    snprintf(length, sizeof length, "%zu", x->body_len);
    if (evhttp_add_header(headers, "Host", host) < 0 ||
        evhttp_add_header(headers, "Connection", "close") < 0 ||
        evhttp_add_header(headers, "Content-Type", "application/json") < 0 ||
        (x->credential &&
         evhttp_add_header(headers, CREDENTIAL_HEADER, x->credential) < 0) ||
        (x->body && (evhttp_add_header(headers, "Content-Length", length) < 0 ||
                     evbuffer_add(evhttp_request_get_output_buffer(request), x->body,
                                  x->body_len) < 0))) {
        evhttp_request_free(request);
        return NULL;
    }
    evhttp_request_set_error_cb(request, failed);
    return request;
}

static struct evhttp_connection *
make_connection(struct attempt *a, const struct addrinfo *address, long left_ms)
{
    const struct timeval spare = {left_ms / 1000 + SPARE_S, 0};
    struct evhttp_connection *connection;
    char number[NI_MAXHOST];

    if (getnameinfo(address->ai_addr, address->ai_addrlen, number, sizeof number, NULL,
                    0, NI_NUMERICHOST) != 0)
        return NULL;
    connection =
        evhttp_connection_base_new(a->base, NULL, number, (uint16_t)a->x->port);
    if (!connection)
        return NULL;
    evhttp_connection_set_family(connection, address->ai_family);
    evhttp_connection_set_timeout_tv(connection, &spare);
    evhttp_connection_set_max_body_size(connection, TRANSPORT_MAX_REPLY);
    evhttp_connection_set_max_headers_size(connection, MAX_HEADERS);
    return connection;
}

static int set_timer(struct attempt *a, event_callback_fn callback, long ms)
{
    const struct timeval tv = {ms / 1000, ms % 1000 * 1000};

    return event_base_once(a->base, -1, EV_TIMEOUT, callback, a, &tv);
}

static void run(struct attempt *a, const struct addrinfo *address, long connect_ms,
                long left_ms)
{
    struct evhttp_connection *connection = make_connection(a, address, left_ms);
    struct evhttp_request *request = connection ? make_request(a) : NULL;

    if (request && set_timer(a, connect_timer, connect_ms) == 0 &&
        set_timer(a, timer, left_ms) == 0) {
        /* The connection has the request now, also after a failure. */
        if (evhttp_make_request(connection, request, command_of(a->x->method),
                                a->x->path) == 0) {
            watch_connecting(a, connection);
            if (!a->over)
                event_base_dispatch(a->base);
        }
    } else if (request) {
        evhttp_request_free(request);
    }
    if (connection)
        evhttp_connection_free(connection);
}

/* 1: answered; 0: there was no connection, another address may do better; -1: failed.
 */
static int try_address(struct transport *transport, struct exchange *x,
                       const struct addrinfo *address, long connect_ms, long left_ms,
                       char error[TRANSPORT_ERROR_TEXT])
{
    struct attempt a = {.x = x, .base = event_base_new_with_config(transport->config)};

    if (a.base) {
        run(&a, address, connect_ms, left_ms);
        event_base_free(a.base);
    }
    snprintf(error, TRANSPORT_ERROR_TEXT, "%s:%d: %s", x->host, x->port,
             a.why[0] ? a.why : "there is no memory for a request");
    return a.answered ? 1 : a.connected ? -1 : 0;
}

/* The host's addresses, by the system's resolver: it may take its own time, which
 * delays the thread of the reports and nothing else. */
static struct addrinfo *resolve(const struct exchange *x,
                                char error[TRANSPORT_ERROR_TEXT])
{
    const struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    char host[NI_MAXHOST], port[16];
    size_t len = strlen(x->host);
    int rc;

    if (x->host[0] == '[' && x->host[len - 1] == ']')
        snprintf(host, sizeof host, "%.*s", (int)len - 2, x->host + 1);
    else
        snprintf(host, sizeof host, "%s", x->host);
    snprintf(port, sizeof port, "%d", x->port);
    rc = getaddrinfo(host, port, &hints, &found);
    if (rc == 0)
        return found;
    snprintf(error, TRANSPORT_ERROR_TEXT, "%s: its address cannot be found: %s",
             x->host, rc == EAI_SYSTEM ? strerror(errno) : gai_strerror(rc));
    return NULL;
}

int transport_exchange(struct transport *transport, struct exchange *x,
                       char error[TRANSPORT_ERROR_TEXT])
{
    int64_t begun_ms = now_ms();
    struct addrinfo *found, *address;
    int left = 0, rc = 0;

    if (x->socket) {
        snprintf(error, TRANSPORT_ERROR_TEXT, "%s: Unix sockets are not spoken here",
                 x->socket);
        return -1;
    }
    found = resolve(x, error);
    if (found)
        snprintf(error, TRANSPORT_ERROR_TEXT,
                 "%s: its address was not found in time; is the resolver up?", x->host);
    for (address = found; address; address = address->ai_next)
        left++;
    for (address = found; address && rc == 0; address = address->ai_next, left--) {
        int64_t passed_ms = now_ms() - begun_ms;

        /* Those that follow have their part of the patience too. */
        if (passed_ms < x->timeout_ms && passed_ms < x->connect_timeout_ms)
            rc = try_address(transport, x, address,
                             (x->connect_timeout_ms - passed_ms) / left,
                             x->timeout_ms - passed_ms, error);
    }
    if (found)
        freeaddrinfo(found);
    return rc == 1 ? 0 : -1;
}
