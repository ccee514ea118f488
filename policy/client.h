/* client.h - one request to kwotad, over TCP with MUNGE or over its Unix socket
 *
 * Underneath is libcurl or libevent, whichever the program links (transport.h); with
 * libevent there is TCP only. A client belongs to one thread at a time.
 */
#ifndef KWOTA_CLIENT_H
#define KWOTA_CLIENT_H

#include <sys/types.h>
#include <jansson.h>

#define CLIENT_ERROR_TEXT 512

struct client;

struct client_options {
    const char *servers;      /* "ctl1,ctl2:6828", tried in order; NULL for none */
    const char *socket;       /* kwotad's Unix socket, tried first if not NULL */
    const char *munge_socket; /* NULL: munge's default */
    uid_t signer;             /* the uid whose replies count (kwotad's) */
    long connect_timeout_ms;
    long timeout_ms; /* of one try, connecting included */
};

/* Copies what it needs from `options`. NULL only when memory is out. */
struct client *client_new(const struct client_options *options);
void client_free(struct client *client);

/* Sends `body` (may be NULL) and returns the HTTP status of the first server that gives
 * an answer that counts and is not 503 (another acts), or 503 if all say so, with its
 * JSON in *reply (a new reference; NULL if it was no JSON). Returns -1 with a sentence
 * in `error` when none does. An answer over TCP without a valid reply credential does
 * not count. */
int client_call(struct client *client, const char *method, const char *path,
                json_t *body, json_t **reply, char error[CLIENT_ERROR_TEXT]);

#endif
