/* site.c - a plain HTTP listener for browsers and scrapers, which only reads */
#include "policy/site.h"

#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "policy/listen.h"
#include "policy/log.h"

#define THREADS 4
#define CONNECTIONS 256
#define QUEUE 64

/* A request's line and headers must fit into half of it. */
#define CONNECTION_BUFFER ((size_t)16 << 10)

/* Who is silent for so long is dropped. */
#define IDLE_S 10

struct site {
    struct MHD_Daemon *daemon;
    site_handler *handler;
    void *arg;
};

/* Everything comes from here, and nothing runs but the page's own script. */
static const char *const headers[][2] = {
    {"Content-Security-Policy",
     "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
     "img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
    {"X-Content-Type-Options", "nosniff"},
    {"X-Frame-Options", "DENY"},
    {"Referrer-Policy", "no-referrer"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"Cache-Control", "no-store"},
};

void site_show(struct site_answer *answer, unsigned status, const char *type,
               const char *page)
{
    answer->status = status;
    answer->type = type;
    answer->page = page;
    answer->size = strlen(page);
}

void site_say(struct site_answer *answer, unsigned status, const char *sentence)
{
    site_show(answer, status, "text/plain; charset=utf-8", sentence);
}

static const char *find(void *of, enum site_part part, const char *name)
{
    static const enum MHD_ValueKind kinds[] = {MHD_GET_ARGUMENT_KIND, MHD_COOKIE_KIND,
                                               MHD_HEADER_KIND};

    return MHD_lookup_connection_value(of, kinds[part], name);
}

static enum MHD_Result send_answer(struct MHD_Connection *connection,
                                   const struct site_answer *answer)
{
    enum MHD_ResponseMemoryMode mode =
        answer->body ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT;
    void *text = answer->body ? answer->body : (void *)answer->page;
    struct MHD_Response *response =
        MHD_create_response_from_buffer(text ? answer->size : 0, text, mode);
    enum MHD_Result rc;

    if (!response)
        return MHD_NO;
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
        MHD_add_response_header(response, headers[i][0], headers[i][1]);
    if (answer->type)
        MHD_add_response_header(response, "Content-Type", answer->type);
    if (answer->cookie[0])
        MHD_add_response_header(response, "Set-Cookie", answer->cookie);
    if (answer->challenge)
        MHD_add_response_header(response, "WWW-Authenticate", answer->challenge);
    if (answer->status == MHD_HTTP_METHOD_NOT_ALLOWED)
        MHD_add_response_header(response, "Allow", "GET, HEAD");
    rc = MHD_queue_response(connection, answer->status, response);
    MHD_destroy_response(response);
    return rc;
}

static enum MHD_Result handle(void *arg, struct MHD_Connection *connection,
                              const char *path, const char *method, const char *version,
                              const char *data, size_t *size, void **state)
{
    struct site *site = arg;
    struct site_request request = {path, find, connection};
    struct site_answer answer = {0};
    static int begun;

    (void)version;
    (void)data;
    /* Once with the headers, where a body is refused by answering, then again. */
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
        site_say(&answer, MHD_HTTP_METHOD_NOT_ALLOWED, "This page can only be read.\n");
        return send_answer(connection, &answer);
    }
    if (!*state) {
        *state = &begun;
        return MHD_YES;
    }
    if (*size > 0) {
        *size = 0;
        return MHD_NO;
    }
    site->handler(site->arg, &request, &answer);
    return send_answer(connection, &answer);
}

struct site *site_start(const char *what, const char *address, int port,
                        site_handler *handler, void *arg)
{
    struct site *site = calloc(1, sizeof *site);
    int fd = listen_tcp(what, address, port, QUEUE);

    if (site && fd >= 0) {
        site->handler = handler;
        site->arg = arg;
        site->daemon = MHD_start_daemon(
            MHD_USE_AUTO_INTERNAL_THREAD, 0, NULL, NULL, handle, site,
            MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_THREAD_POOL_SIZE,
            (unsigned)THREADS, MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS,
            MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_BUFFER,
            MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S, MHD_OPTION_END);
        if (site->daemon)
            return site;
        log_line("%s: the listener cannot be started", what);
    }
    if (fd >= 0)
        close(fd);
    free(site);
    return NULL;
}

void site_stop(struct site *site)
{
    if (!site)
        return;
    MHD_stop_daemon(site->daemon);
    free(site);
}
