/* http.h - kwotad's two listeners: TCP with MUNGE, and a Unix socket with peer
 * credentials
 *
 * libmicrohttpd, with threads of its own.
 */
#ifndef KWOTA_HTTP_H
#define KWOTA_HTTP_H

#include "policy/activity.h"
#include "policy/ledger.h"
#include "policy/lobby.h"
#include "policy/policy_store.h"
#include "policy/running.h"
#include "policy/settings.h"
#include "policy/steward.h"
#include "policy/worker.h"

struct http;
struct web;

/* What the calls work on; all of it outlives the listeners. */
struct http_context {
    const struct settings *settings;
    struct ledger *ledger;
    struct worker *worker;
    struct steward *steward;
    struct lobby
        *lobby; /* where starts wait that are not decided; closed by http_stop() */
    const char *cluster;
    struct policy_store *policies;
    struct running *running;
    struct activity *activity;
    struct web *web; /* NULL: there is no dashboard */
};

/* NULL with the reason in the log. */
struct http *http_start(const struct http_context *context);
void http_stop(struct http *http);

#endif
