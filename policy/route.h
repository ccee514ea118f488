/* route.h - which call a request is, and who answers it
 *
 * Thread-safe.
 */
#ifndef KWOTA_ROUTE_H
#define KWOTA_ROUTE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "policy/access.h"
#include "policy/http.h"

/* The status of a call without an answer: it waits (wait_for). */
#define ROUTE_WAITS 0

struct route_call {
    const struct http_context *context;
    const struct access_rights *rights; /* of the caller */
    const char *method, *path, *body;
    size_t body_len;
    /* An argument of the query; NULL: not given. */
    const char *(*query)(void *of, const char *name);
    void *of;
    /* Puts the call off until something is known of the token; it is then made again.
     * false: it must be answered now. Afterwards the call is no longer the caller's. */
    bool (*wait_for)(void *waits, const char *token);
    void *waits;
};

/* The answer (a new reference), and its HTTP status; NULL and ROUTE_WAITS: none yet. */
json_t *route_call(const struct route_call *call, unsigned *status);

#endif
