/* web.h - the dashboard: who may enter, and what it is given to show
 *
 * A person gets a link by `kwota web`, over the API where MUNGE says who they are. It
 * opens once, within five minutes, and leaves a session with the browser, as a cookie
 * that no script can read. Both are signed with a key that kwotad makes when it starts.
 * What a session sees is what its person sees with the command, asked anew each time.
 */
#ifndef KWOTA_WEB_H
#define KWOTA_WEB_H

#include <jansson.h>

#include "policy/access.h"
#include "policy/http.h"
#include "policy/site.h"

/* How long a link can be opened. */
#define WEB_LINK_S 300

struct web;

/* NULL with the reason in the log. What `context` points to outlives it. */
struct web *web_new(const struct http_context *context);

/* Opens the listener; -1 with the reason in the log. `calls` is what the calls that the
 * page makes are answered with, and outlives it. */
int web_start(struct web *web, const struct http_context *calls);
void web_free(struct web *web); /* NULL: nothing */

/* {"sealed","until_s","tunnel"} as in API.md (a new reference); web NULL: there is no
 * dashboard. Thread-safe. */
json_t *web_link(struct web *web, const struct access_rights *rights, unsigned *status);

/* The link itself, malloc'd; for web_link() and tests. */
char *web_link_text(struct web *web, uid_t uid, int64_t now_s);

/* A site_handler. */
void web_answer(void *web, const struct site_request *request,
                struct site_answer *answer);

#endif
