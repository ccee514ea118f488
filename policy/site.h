/* site.h - a plain HTTP listener for browsers and scrapers, which only reads
 *
 * GET and HEAD, no bodies, small headers, few connections; every answer forbids a
 * browser to fetch anything from elsewhere, to be framed, and to keep it.
 */
#ifndef KWOTA_SITE_H
#define KWOTA_SITE_H

#include <stddef.h>

enum site_part { SITE_ARGUMENT, SITE_COOKIE, SITE_HEADER };

struct site_request {
    const char *path;
    /* What the request says under a name; NULL: nothing. */
    const char *(*find)(void *of, enum site_part part, const char *name);
    void *of;
};

struct site_answer {
    unsigned status;
    const char *type; /* static */
    char *body;       /* taken over, and freed; or NULL */
    const char *page; /* static, where body is NULL */
    size_t size;
    char cookie[640];      /* to be set; "": none */
    const char *challenge; /* WWW-Authenticate, static; NULL: none */
};

/* From several threads at once. */
typedef void site_handler(void *arg, const struct site_request *request,
                          struct site_answer *answer);

struct site;

/* `what`: the setting that says where, for the log. NULL with the reason in the log. */
struct site *site_start(const char *what, const char *address, int port,
                        site_handler *handler, void *arg);
void site_stop(struct site *site); /* NULL: nothing */

/* An answer of text that somebody reads, or of bytes that are there for good. */
void site_say(struct site_answer *answer, unsigned status, const char *sentence);
void site_show(struct site_answer *answer, unsigned status, const char *type,
               const char *page);

#endif
