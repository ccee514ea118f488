/* http.c - kwotad's two listeners: TCP with MUNGE, and a Unix socket with peer
 * credentials */
#include "policy/http.h"

#include <errno.h>
#include <jansson.h>
#include <microhttpd.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "config.h"
#include "policy/access.h"
#include "policy/credential.h"
#include "policy/crew.h"
#include "policy/listen.h"
#include "policy/lobby.h"
#include "policy/log.h"
#include "policy/person.h"
#include "policy/route.h"

/* A node with 256 runs of 12 domains and 500 steps reports half of one MiB. */
#define MAX_BODY (8u << 20)

/* What one thread hears is answered by others: a reply waits until what it says is on
 * disk, and many reach the disk together. */
#define ANSWERING 128

/* Who comes when so many are there waits in the kernel's queue. Each has a buffer of
 * its own, which a credential and a piece of the body must fit into. */
#define CONNECTIONS 3000
#define CONNECTION_BUFFER ((size_t)8 << 10)
#define QUEUE 4096

/* A question that has no answer yet waits so long for one: nodes have two seconds. */
#define LOBBY_MS 1000

/* A node has two seconds of patience unless told otherwise: one that has waited so long
 * for its turn has hung up, and asks again. Work for nobody would make all others wait.
 */
#define STALE_MS 5000

/* Who is silent for so long is dropped. */
#define IDLE_S 10

struct http {
    struct http_context context;
    struct crew *crew;
    struct MHD_Daemon *tcp, *local;
    int tcp_fd, local_fd;
};

struct request {
    char *url; /* with the query, as it was sent and signed */
    char *body;
    size_t body_len;
    bool too_large;
    bool over_tcp;
    /* while it is answered: */
    struct http *http;
    struct MHD_Connection *connection;
    const char *path, *method;
    enum crew_turn turn;
    int64_t given_ms; /* to the crew */
    bool given;
    bool identified, waited;
    uid_t uid; /* when identified */
    struct lobby_visitor visitor;
    unsigned status;
    struct MHD_Response *response; /* NULL: not answered yet, or it cannot be */
};

/* Before anything else of a request: its path as the client wrote it. */
static void *begin_request(void *arg, const char *uri,
                           struct MHD_Connection *connection)
{
    struct request *request = calloc(1, sizeof *request);

    (void)arg;
    (void)connection;
    if (request)
        request->url = strdup(uri);
    return request;
}

static void end_request(void *arg, struct MHD_Connection *connection, void **state,
                        enum MHD_RequestTerminationCode why)
{
    struct request *request = *state;

    (void)arg;
    (void)connection;
    (void)why;
    if (!request)
        return;
    if (request->response)
        MHD_destroy_response(request->response);
    free(request->url);
    free(request->body);
    free(request);
}

static void take_body(struct request *request, const char *data, size_t size)
{
    char *more;

    if (request->too_large || request->body_len + size > MAX_BODY ||
        !(more = realloc(request->body, request->body_len + size + 1))) {
        request->too_large = true;
        return;
    }
    memcpy(more + request->body_len, data, size);
    request->body = more;
    request->body_len += size;
}

static const char *credential_of(struct MHD_Connection *connection)
{
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, CREDENTIAL_HEADER);
}

/* Makes `body` (taken over) the request's answer, signed for `reader` unless that is
 * (uid_t)-1. */
static void reply(struct request *request, unsigned status, json_t *body, uid_t reader)
{
    char *text = json_dumps(body, JSON_COMPACT), *cred = NULL;
    struct credential_error why;

    json_decref(body);
    if (!text)
        return;
    request->status = status;
    request->response =
        MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE);
    MHD_add_response_header(request->response, "Content-Type", "application/json");
    /* The next request is a minute away: a connection is not worth keeping. */
    MHD_add_response_header(request->response, "Connection", "close");
    if (reader == (uid_t)-1)
        return;
    if (credential_sign_reply(request->http->context.settings->munge_socket,
                              credential_of(request->connection), reader, status, text,
                              strlen(text), &cred, &why) == 0)
        MHD_add_response_header(request->response, CREDENTIAL_HEADER, cred);
    else
        log_line("a reply goes out unsigned: %s", why.text);
    free(cred);
}

/* Who asks? 0 and *uid, or -1 and why not. *uid is set whenever MUNGE named somebody.
 */
static int identify(const struct request *request, uid_t *uid,
                    struct credential_error *why)
{
    const struct settings *settings = request->http->context.settings;
    const union MHD_ConnectionInfo *info;
    struct ucred peer;
    socklen_t size = sizeof peer;

    *uid = (uid_t)-1;
    if (request->over_tcp)
        return credential_check_request(
            settings->munge_socket, credential_of(request->connection),
            (const char *const *)settings->names, request->method, request->url,
            request->body, request->body_len, uid, why);
    info =
        MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    if (info &&
        getsockopt(info->connect_fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0) {
        *uid = peer.uid;
        return 0;
    }
    snprintf(why->text, sizeof why->text, "the kernel does not say who asks");
    return -1;
}

static const char *parameter(void *connection, const char *name)
{
    return MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, name);
}

static int give_to_crew(struct request *request)
{
    struct activity *activity = request->http->context.activity;

    activity->waiting++;
    if (crew_give(request->http->crew, request, request->turn) == 0)
        return 0;
    activity->waiting--;
    return -1;
}

/* Back from the lobby. */
static void leave(struct lobby_visitor *visitor)
{
    struct request *request =
        (void *)((char *)visitor - offsetof(struct request, visitor));

    if (give_to_crew(request) < 0)
        MHD_resume_connection(request->connection);
}

/* Once: who has waited is answered. */
static bool wait_for(void *of, const char *token)
{
    struct request *request = of;

    if (request->waited)
        return false;
    request->waited = true;
    request->visitor.leave = leave;
    return lobby_enter(request->http->context.lobby, &request->visitor, token,
                       LOBBY_MS);
}

/* false: it waits, and may be another thread's already. */
static bool answer(struct request *request)
{
    struct access_rights rights;
    struct credential_error why = {""};
    unsigned status;
    json_t *body;

    if (request->too_large) {
        reply(request, MHD_HTTP_CONTENT_TOO_LARGE,
              person_error("the body is larger than 8 MiB"), (uid_t)-1);
        return true;
    }
    /* A credential counts once. */
    if (!request->identified && identify(request, &request->uid, &why) < 0) {
        request->http->context.activity->credentials_refused++;
        reply(request, MHD_HTTP_UNAUTHORIZED, person_error(why.text), request->uid);
        return true;
    }
    request->identified = true;
    access_of(request->uid, &rights);
    body = route_call(&(struct route_call){.context = &request->http->context,
                                           .rights = &rights,
                                           .method = request->method,
                                           .path = request->path,
                                           .body = request->body,
                                           .body_len = request->body_len,
                                           .query = parameter,
                                           .of = request->connection,
                                           .wait_for = wait_for,
                                           .waits = request},
                      &status);
    if (!body && status == ROUTE_WAITS)
        return false;
    reply(request, status, body, request->over_tcp ? request->uid : (uid_t)-1);
    return true;
}

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* One of the crew's tasks. */
static void work(void *task)
{
    struct request *request = task;
    struct activity *activity = request->http->context.activity;
    bool answered = true;

    activity->waiting--;
    if (request->over_tcp && now_ms() > request->given_ms + STALE_MS) {
        activity->too_late++;
        reply(request, MHD_HTTP_SERVICE_UNAVAILABLE,
              person_error("too much is asked at once; ask again"), (uid_t)-1);
    } else {
        answered = answer(request);
    }
    if (answered) {
        activity->answers++;
        MHD_resume_connection(request->connection);
    }
}

/* Whose turn it is. Who asks is not known yet: a lie gains a place in the queue. */
static enum crew_turn turn_of(struct request *request)
{
    const char *why = parameter(request->connection, "for");

    if (strcmp(request->path, "/v1/decisions") == 0)
        return CREW_URGENT;
    if (strcmp(request->path, "/v1/report") != 0)
        return CREW_SOON;
    return why && strcmp(why, "start") == 0 ? CREW_URGENT
           : why && strcmp(why, "end") == 0 ? CREW_SOON
                                            : CREW_LATER;
}

/* Gives it to the crew, and looks away until it has an answer. */
static enum MHD_Result give(struct request *request)
{
    request->given = true;
    request->turn = turn_of(request);
    request->given_ms = now_ms();
    MHD_suspend_connection(request->connection);
    if (give_to_crew(request) == 0)
        return MHD_YES;
    MHD_resume_connection(request->connection);
    return MHD_NO;
}

/* libmicrohttpd calls this once when the headers are there, then for each piece of the
 * body, then once more, and again when there is an answer; a body that is there is how
 * the first is told from the rest. */
static enum MHD_Result handle(struct http *http, struct MHD_Connection *connection,
                              const char *path, const char *method, const char *data,
                              size_t *size, void **state, bool over_tcp)
{
    struct request *request = *state;

    if (!request || !request->url)
        return MHD_NO;
    if (!request->body) {
        request->body = calloc(1, 1);
        request->over_tcp = over_tcp;
        request->http = http;
        request->connection = connection;
        request->path = path;
        request->method = method;
        return MHD_YES;
    }
    if (*size > 0) {
        take_body(request, data, *size);
        *size = 0;
        return MHD_YES;
    }
    if (!request->given)
        return give(request);
    return request->response
               ? MHD_queue_response(connection, request->status, request->response)
               : MHD_NO;
}

static enum MHD_Result handle_tcp(void *arg, struct MHD_Connection *connection,
                                  const char *path, const char *method,
                                  const char *version, const char *data, size_t *size,
                                  void **state)
{
    (void)version;
    return handle(arg, connection, path, method, data, size, state, true);
}

static enum MHD_Result handle_local(void *arg, struct MHD_Connection *connection,
                                    const char *path, const char *method,
                                    const char *version, const char *data, size_t *size,
                                    void **state)
{
    (void)version;
    return handle(arg, connection, path, method, data, size, state, false);
}

static int listen_local(const struct settings *s)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(address.sun_path, sizeof address.sun_path, "%s", s->socket);
    unlink(s->socket);
    /* Everyone on this host may ask; who they are, the kernel says. */
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0 ||
        chmod(s->socket, 0666) < 0 || listen(fd, 128) < 0) {
        log_line("cannot listen on %s: %s", s->socket, strerror(errno));
        if (fd >= 0)
            close(fd);
        return -1;
    }
    return fd;
}

static struct MHD_Daemon *start(struct http *http, int fd,
                                MHD_AccessHandlerCallback handler)
{
    return MHD_start_daemon(
        MHD_USE_AUTO_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, handler,
        http, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_BUFFER,
        MHD_OPTION_CONNECTION_TIMEOUT, IDLE_S, MHD_OPTION_URI_LOG_CALLBACK,
        begin_request, NULL, MHD_OPTION_NOTIFY_COMPLETED, end_request, NULL,
        MHD_OPTION_END);
}

/* For as many connections as that, whatever the one who starts kwotad allows at first.
 */
static void allow_files(void)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) < 0)
        return;
    files.rlim_cur = files.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &files) < 0)
        log_line("the limit of open files cannot be raised: %s", strerror(errno));
}

struct http *http_start(const struct http_context *context)
{
    struct http *http = calloc(1, sizeof *http);

    if (!http)
        return NULL;
    allow_files();
    http->context = *context;
    http->crew = crew_start(ANSWERING, work);
    http->tcp_fd = listen_tcp("listen", context->settings->address,
                              context->settings->port, QUEUE);
    http->local_fd = listen_local(context->settings);
    if (http->crew && http->tcp_fd >= 0 && http->local_fd >= 0) {
        http->tcp = start(http, http->tcp_fd, handle_tcp);
        http->local = start(http, http->local_fd, handle_local);
    }
    if (http->tcp && http->local)
        return http;
    log_line("the listeners cannot be started");
    http_stop(http);
    return NULL;
}

/* Nobody may be waited for by a daemon that is stopped: the crew first, and before it
 * those who come back to it. */
void http_stop(struct http *http)
{
    lobby_close(http->context.lobby);
    if (http->crew)
        crew_stop(http->crew);
    if (http->tcp)
        MHD_stop_daemon(http->tcp);
    if (http->local)
        MHD_stop_daemon(http->local);
    unlink(http->context.settings->socket);
    crew_free(http->crew);
    free(http);
}
