/* transport.h - one HTTP exchange with kwotad: bytes there, bytes back
 *
 * Internal to client.c, which knows what is sent, to whom, and what counts. There are
 * two, and a program links one of them: transport_curl.c (TCP and Unix sockets) for the
 * command, transport_event.c (libevent, TCP only) for the meter, because libcurl brings
 * thirty libraries along and the meter is on every node. Neither uses a proxy, follows
 * a redirection or touches signals; libevent's caller must ignore SIGPIPE.
 */
#ifndef KWOTA_TRANSPORT_H
#define KWOTA_TRANSPORT_H

#include <stddef.h>

/* The largest reply read. A year of usage by job of a large centre is some 20 MB. */
#define TRANSPORT_MAX_REPLY (64u << 20)

#define TRANSPORT_ERROR_TEXT 512

struct transport;

struct exchange {
    const char *method; /* GET, POST, PUT or DELETE */
    const char *host;   /* a name or an address; IPv6 in brackets */
    int port;
    const char *socket; /* a Unix socket instead, if not NULL */
    const char *path;
    const char *credential; /* NULL: none is sent */
    const char *body;       /* may be NULL */
    size_t body_len;
    long connect_timeout_ms;
    long timeout_ms; /* of all of it, connecting included */
    /* The answer; the caller frees both texts, also after a failure. */
    int status;
    char *reply; /* NUL-terminated; NULL if it has no body */
    size_t reply_len;
    char *reply_credential; /* NULL: there was none */
};

/* NULL only when memory is out. A transport belongs to one thread at a time. */
struct transport *transport_new(void);
void transport_free(struct transport *transport);

/* 0 with the answer in `x`, or -1 with a sentence in `error`: no connection, no answer
 * in time, one that is no HTTP or too long. */
int transport_exchange(struct transport *transport, struct exchange *x,
                       char error[TRANSPORT_ERROR_TEXT]);

#endif
