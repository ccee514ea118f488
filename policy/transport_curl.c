/* transport_curl.c - one HTTP exchange by libcurl, over TCP or a Unix socket */
#include "policy/transport.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/credential.h"

struct transport {
    CURL *curl;
};

struct transport *transport_new(void)
{
    struct transport *transport = calloc(1, sizeof *transport);

    if (!transport)
        return NULL;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    transport->curl = curl_easy_init();
    if (!transport->curl) {
        free(transport);
        return NULL;
    }
    return transport;
}

void transport_free(struct transport *transport)
{
    if (!transport)
        return;
    curl_easy_cleanup(transport->curl);
    free(transport);
}

/* Where a reply is gathered. */
struct sink {
    struct exchange *x;
    size_t room;
    const char *why; /* it cannot be */
};

static size_t take_body(char *data, size_t size, size_t count, void *arg)
{
    struct sink *sink = arg;
    struct exchange *x = sink->x;
    size_t len = size * count, needed = x->reply_len + len + 1;

    if (needed > TRANSPORT_MAX_REPLY) {
        sink->why = "its answer is too long (64 MiB at most are read)";
        return 0;
    }
    if (needed > sink->room) {
        char *more = realloc(x->reply, 2 * needed);

        if (!more) {
            sink->why = "there is no memory for its answer";
            return 0;
        }
        x->reply = more;
        sink->room = 2 * needed;
    }
    memcpy(x->reply + x->reply_len, data, len);
    x->reply_len += len;
    x->reply[x->reply_len] = '\0';
    return len;
}

static size_t take_header(char *data, size_t size, size_t count, void *arg)
{
    static const char name[] = CREDENTIAL_HEADER ":";
    struct exchange *x = ((struct sink *)arg)->x;
    size_t len = size * count, start = sizeof name - 1;

    if (len > start && strncasecmp(data, name, start) == 0 && !x->reply_credential) {
        while (start < len && data[start] == ' ')
            start++;
        x->reply_credential = strndup(data + start, strcspn(data + start, "\r\n"));
    }
    return len;
}

static struct curl_slist *headers_of(const struct exchange *x)
{
    struct curl_slist *headers =
        curl_slist_append(NULL, "Content-Type: application/json");
    char *line = NULL;

    /* No "Expect: 100-continue": one round trip is enough. */
    headers = curl_slist_append(headers, "Expect:");
    if (x->credential &&
        asprintf(&line, CREDENTIAL_HEADER ": %s", x->credential) >= 0) {
        headers = curl_slist_append(headers, line);
        free(line);
    }
    return headers;
}

static void set_up(CURL *curl, struct sink *sink, const char *url,
                   struct curl_slist *headers, char *curl_error)
{
    const struct exchange *x = sink->x;

    curl_easy_reset(curl);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, curl_error);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, x->connect_timeout_ms);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, x->timeout_ms);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, x->method);
    if (x->body) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, x->body);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)x->body_len);
    }
    if (x->socket)
        curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, x->socket);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, sink);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, sink);
}

int transport_exchange(struct transport *transport, struct exchange *x,
                       char error[TRANSPORT_ERROR_TEXT])
{
    char url[2048], curl_error[CURL_ERROR_SIZE] = "";
    struct curl_slist *headers = headers_of(x);
    struct sink sink = {.x = x};
    long status = 0;
    CURLcode rc;

    snprintf(url, sizeof url, "http://%s:%d%s", x->socket ? "localhost" : x->host,
             x->socket ? 80 : x->port, x->path);
    set_up(transport->curl, &sink, url, headers, curl_error);
    rc = curl_easy_perform(transport->curl);
    curl_slist_free_all(headers);
    if (rc != CURLE_OK) {
        const char *why = sink.why        ? sink.why
                          : curl_error[0] ? curl_error
                                          : curl_easy_strerror(rc);

        if (x->socket)
            snprintf(error, TRANSPORT_ERROR_TEXT, "%s: %s", x->socket, why);
        else
            snprintf(error, TRANSPORT_ERROR_TEXT, "%s:%d: %s", x->host, x->port, why);
        return -1;
    }
    curl_easy_getinfo(transport->curl, CURLINFO_RESPONSE_CODE, &status);
    x->status = (int)status;
    return 0;
}
