/* route.h - which call a request is, and who answers it
 *
 * Thread-safe.
 */
#ifndef KWOTA_ROUTE_H
#define KWOTA_ROUTE_H

#include <jansson.h>
#include <stddef.h>

#include "policy/access.h"
#include "policy/http.h"

struct route_call {
    const struct http_context *context;
    const struct access_rights *rights; /* of the caller */
    const char *method, *path, *body;
    size_t body_len;
    /* An argument of the query; NULL: not given. */
    const char *(*query)(void *of, const char *name);
    void *of;
};

/* The answer (a new reference), and its HTTP status. */
json_t *route_call(const struct route_call *call, unsigned *status);

#endif
