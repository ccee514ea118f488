/* site_request.h - what a browser or a scraper asks, without one */
#ifndef KWOTA_SITE_REQUEST_H
#define KWOTA_SITE_REQUEST_H

#include <stdlib.h>
#include <string.h>

#include "policy/site.h"

struct asked {
    const char *path;
    const char *argument; /* any argument's value */
    const char *cookie_name, *cookie;
    const char *authorization;
};

static inline const char *asked_find(void *of, enum site_part part, const char *name)
{
    const struct asked *asked = of;

    switch (part) {
    case SITE_ARGUMENT:
        return asked->argument;
    case SITE_COOKIE:
        return asked->cookie_name && strcmp(asked->cookie_name, name) == 0
                   ? asked->cookie
                   : NULL;
    case SITE_HEADER:
        return strcmp(name, "Authorization") == 0 ? asked->authorization : NULL;
    }
    return NULL;
}

static inline struct site_answer ask(site_handler *handler, void *arg,
                                     const struct asked *asked)
{
    struct site_request request = {asked->path, asked_find, (void *)asked};
    struct site_answer answer = {0};

    handler(arg, &request, &answer);
    return answer;
}

static inline const char *answer_text(const struct site_answer *answer)
{
    return answer->body ? answer->body : answer->page;
}

#endif
