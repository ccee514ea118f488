/* web.c - the dashboard: who may enter, and what it is given to show */
#include "policy/web.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policy/clock.h"
#include "policy/credential.h"
#include "policy/log.h"
#include "policy/pass.h"
#include "policy/person.h"
#include "policy/route.h"
#include "policy/web_files.h"

/* Links that were opened are remembered until they would have expired anyway, at most
 * so many. */
#define OPENED 4096

/* A person's browsers may ask so much at once, and one more each tenth of a second. */
#define BURST 60
#define PACE_MS 100
#define PACES 256

#define HTML "text/html; charset=utf-8"
#define JSON "application/json"

/* Where the page of a refusal says why. */
#define WHY_MARK "@WHY@"

struct web {
    struct http_context context;
    const struct http_context *calls;
    struct site *site;
    char *url; /* of the page, with a slash at its end */
    char cookie[96];
    const char *path; /* of the URL: the cookie's */
    bool secure;      /* the URL is https */
    unsigned char key[PASS_KEY];
    pthread_mutex_t lock;              /* guards all below */
    int64_t serial;                    /* of the last link */
    int64_t opened[OPENED], forgotten; /* no link up to `forgotten` opens any more */
    int next;
    int64_t free_ms[PACES]; /* by uid: when what was asked is worked off */
};

/* What a browser may ask of the API. */
static const char *const calls[] = {"/v1/ping", "/v1/budgets", "/v1/running", "/v1/job",
                                    "/v1/power"};

static bool is_local(const char *address)
{
    return strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0 ||
           strcmp(address, "localhost") == 0;
}

/* Where a browser finds it, unless the settings say so: at its address, or by its first
 * name if that is any. */
static char *make_url(const struct settings *settings)
{
    const char *host = settings->web.address;
    bool any = strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0;
    char *url = NULL;
    int rc;

    if (any)
        host = settings->names[0];
    if (settings->web.url)
        rc = asprintf(&url, "%s/", settings->web.url);
    else
        rc = asprintf(&url, strchr(host, ':') ? "http://[%s]:%d/" : "http://%s:%d/",
                      host, (int)settings->web.port);
    return rc < 0 ? NULL : url;
}

struct web *web_new(const struct http_context *context)
{
    struct web *web = calloc(1, sizeof *web);

    if (!web)
        return NULL;
    web->context = *context;
    web->url = make_url(context->settings);
    if (!web->url || pass_key(web->key) < 0) {
        log_line("web: there is no memory, or no randomness for its key");
        free(web->url);
        free(web);
        return NULL;
    }
    /* Behind "https://host". */
    web->path = strchr(strstr(web->url, "://") + 3, '/');
    web->secure = strncmp(web->url, "https:", 6) == 0;
    /* Ports do not keep cookies apart: one browser may look at several clusters. */
    snprintf(web->cookie, sizeof web->cookie, "kwota-%s", context->cluster);
    pthread_mutex_init(&web->lock, NULL);
    return web;
}

int web_start(struct web *web, const struct http_context *with)
{
    const struct settings_web *settings = &web->context.settings->web;

    web->calls = with;
    web->site =
        site_start("web", settings->address, (int)settings->port, web_answer, web);
    if (web->site)
        log_line("the dashboard is at %s", web->url);
    return web->site ? 0 : -1;
}

void web_free(struct web *web)
{
    if (!web)
        return;
    site_stop(web->site);
    pthread_mutex_destroy(&web->lock);
    free(web->url);
    free(web);
}

char *web_link_text(struct web *web, uid_t uid, int64_t now_s)
{
    struct pass pass = {.kind = PASS_LINK, .uid = uid, .until_s = now_s + WEB_LINK_S};
    char text[PASS_TEXT], *link = NULL;

    pthread_mutex_lock(&web->lock);
    pass.serial = ++web->serial;
    pthread_mutex_unlock(&web->lock);
    if (!pass_write(web->key, &pass, text)[0] ||
        asprintf(&link, "%senter?pass=%s", web->url, text) < 0)
        return NULL;
    return link;
}

/* The command that makes a listener on this host's own address reachable. */
static json_t *tunnel_of(const struct settings *settings)
{
    if (settings->web.url || !is_local(settings->web.address))
        return json_null();
    return json_sprintf("ssh -N -L %d:%s:%d %s", (int)settings->web.port,
                        settings->web.address, (int)settings->web.port,
                        settings->names[0]);
}

json_t *web_link(struct web *web, const struct access_rights *rights, unsigned *status)
{
    struct credential_error why = {"there is no memory"};
    int64_t now_s = clock_now_s();
    char *link, *sealed = NULL;
    json_t *answer;

    *status = 409;
    if (!web)
        return person_error("kwotad serves no web page here: \"web\": {\"enabled\": "
                            "true} in its kwota.json turns it on");
    link = web_link_text(web, rights->uid, now_s);
    if (!link || credential_seal(web->context.settings->munge_socket, rights->uid, link,
                                 &sealed, &why) < 0) {
        free(link);
        *status = 503;
        return person_error(why.text);
    }
    *status = 200;
    answer = json_pack("{s:s s:I s:o}", "sealed", sealed, "until_s",
                       (json_int_t)(now_s + WEB_LINK_S), "tunnel",
                       tunnel_of(web->context.settings));
    free(sealed);
    free(link);
    return answer;
}

/* Whether this link is opened for the first time. */
static bool open_once(struct web *web, int64_t serial)
{
    bool first = true;

    pthread_mutex_lock(&web->lock);
    if (serial <= web->forgotten)
        first = false;
    for (int i = 0; i < OPENED && first; i++)
        first = web->opened[i] != serial;
    if (first) {
        int64_t *oldest = &web->opened[web->next++ % OPENED];

        if (*oldest > web->forgotten)
            web->forgotten = *oldest;
        *oldest = serial;
    }
    pthread_mutex_unlock(&web->lock);
    return first;
}

static bool is_too_fast(struct web *web, uid_t uid)
{
    struct timespec now;
    int64_t now_ms, *free_ms = &web->free_ms[uid % PACES];
    bool too_fast;

    clock_gettime(CLOCK_MONOTONIC, &now);
    now_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    pthread_mutex_lock(&web->lock);
    if (*free_ms < now_ms)
        *free_ms = now_ms;
    too_fast = *free_ms > now_ms + BURST * PACE_MS;
    if (!too_fast)
        *free_ms += PACE_MS;
    pthread_mutex_unlock(&web->lock);
    return too_fast;
}

/* The page that says why not, and what to do. */
static void refuse(struct site_answer *answer, const char *why)
{
    const char *mark = strstr(web_refused_html, WHY_MARK);

    answer->status = 403;
    answer->type = HTML;
    if (asprintf(&answer->body, "%.*s%s%s", (int)(mark - web_refused_html),
                 web_refused_html, why, mark + strlen(WHY_MARK)) < 0)
        answer->body = NULL;
    if (answer->body)
        answer->size = strlen(answer->body);
}

static enum pass_state session_of(const struct web *web,
                                  const struct site_request *request, struct pass *pass)
{
    return pass_read(web->key, PASS_SESSION,
                     request->find(request->of, SITE_COOKIE, web->cookie),
                     clock_now_s(), pass);
}

static void set_cookie(const struct web *web, const char *value, int64_t age_s,
                       struct site_answer *answer)
{
    snprintf(answer->cookie, sizeof answer->cookie,
             "%s=%s; Path=%s; Max-Age=%lld; HttpOnly; SameSite=Strict%s", web->cookie,
             value, web->path, (long long)age_s, web->secure ? "; Secure" : "");
}

/* A link becomes a session. The page it shows goes on to the dashboard by itself: a
 * redirect would come without the cookie where the link stood on another site's page.
 */
static void enter(struct web *web, const struct site_request *request,
                  struct site_answer *answer)
{
    const char *text = request->find(request->of, SITE_ARGUMENT, "pass");
    struct pass link, session = {.kind = PASS_SESSION}, other;
    char value[PASS_TEXT];
    int64_t now_s = clock_now_s();

    switch (pass_read(web->key, PASS_LINK, text, now_s, &link)) {
    case PASS_EXPIRED:
        refuse(answer, "This link has expired: a link opens within five minutes.");
        return;
    case PASS_WRONG:
        refuse(answer, "This link is not complete, or it was made before kwotad was "
                       "started anew.");
        return;
    case PASS_GOOD:
        break;
    }
    if (open_once(web, link.serial)) {
        session.uid = link.uid;
        session.until_s = now_s + web->context.settings->web.session_s;
        pass_write(web->key, &session, value);
        set_cookie(web, value, session.until_s - now_s, answer);
    } else if (session_of(web, request, &other) != PASS_GOOD || other.uid != link.uid) {
        /* Browsers look a page up before it is asked for. */
        refuse(answer, "This link was opened before: a link opens once.");
        return;
    }
    site_show(answer, 200, HTML, web_entered_html);
}

static void leave(const struct web *web, struct site_answer *answer)
{
    refuse(answer, "You have left.");
    answer->status = 200;
    set_cookie(web, "", 0, answer);
}

static void say_json(struct site_answer *answer, unsigned status, json_t *body)
{
    answer->status = status;
    answer->type = JSON;
    answer->body = json_dumps(body, JSON_COMPACT);
    answer->size = answer->body ? strlen(answer->body) : 0;
    json_decref(body);
}

static const char *argument(void *of, const char *name)
{
    const struct site_request *request = of;

    return request->find(request->of, SITE_ARGUMENT, name);
}

/* The same call as the command's, for the session's person. */
static void call_api(struct web *web, const struct site_request *request,
                     struct site_answer *answer)
{
    struct access_rights rights;
    struct pass pass;
    unsigned status;
    json_t *body;

    if (session_of(web, request, &pass) != PASS_GOOD) {
        say_json(answer, 403, person_error("your session is over"));
        return;
    }
    if (is_too_fast(web, pass.uid)) {
        say_json(answer, 429, person_error("too much is asked at once; ask again"));
        return;
    }
    access_of(pass.uid, &rights);
    body = route_call(&(struct route_call){.context = web->calls,
                                           .rights = &rights,
                                           .method = "GET",
                                           .path = request->path,
                                           .body = "",
                                           .query = argument,
                                           .of = (void *)request},
                      &status);
    say_json(answer, status, body);
}

static bool is_call(const char *path)
{
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        if (strcmp(calls[i], path) == 0)
            return true;
    return false;
}

static void show_page(const struct web *web, const struct site_request *request,
                      struct site_answer *answer)
{
    struct pass pass;

    switch (session_of(web, request, &pass)) {
    case PASS_GOOD:
        site_show(answer, 200, HTML, web_index_html);
        return;
    case PASS_EXPIRED:
        refuse(answer, "Your session is over.");
        return;
    case PASS_WRONG:
        refuse(answer, "You have no session here, or kwotad was started anew since.");
        return;
    }
}

void web_answer(void *arg, const struct site_request *request,
                struct site_answer *answer)
{
    struct web *web = arg;

    if (strcmp(request->path, "/") == 0)
        show_page(web, request, answer);
    else if (strcmp(request->path, "/enter") == 0)
        enter(web, request, answer);
    else if (strcmp(request->path, "/leave") == 0)
        leave(web, answer);
    else if (strcmp(request->path, "/kwota.css") == 0)
        site_show(answer, 200, "text/css; charset=utf-8", web_kwota_css);
    else if (strcmp(request->path, "/kwota.js") == 0)
        site_show(answer, 200, "text/javascript; charset=utf-8", web_kwota_js);
    else if (is_call(request->path))
        call_api(web, request, answer);
    else
        site_say(answer, 404, "There is no such page here.\n");
}
