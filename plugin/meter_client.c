/* meter_client.c - one question to the node's meter, within one deadline */
#include "plugin/meter_client.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define MAX_ANSWER 65536

int64_t meter_client_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Waits for the descriptor until the deadline. */
static int ready(int fd, short what, int64_t deadline_ms)
{
    struct pollfd pollfd = {fd, what, 0};

    for (;;) {
        int64_t left = deadline_ms - meter_client_now_ms();
        int rc = poll(&pollfd, 1, left > 0 ? (int)left : 0);

        if (rc >= 0 || errno != EINTR)
            return rc;
    }
}

static int connect_to(const char *run, const char *node, int64_t deadline_ms)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd;

    if (snprintf(address.sun_path, sizeof address.sun_path, "%s/%s.sock", run, node) >=
        (int)sizeof address.sun_path)
        return -1;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    while (connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
        /* EAGAIN: its queue is full; it may yet take us. */
        if (errno != EAGAIN || meter_client_now_ms() >= deadline_ms) {
            close(fd);
            return -1;
        }
        poll(NULL, 0, 10);
    }
    return fd;
}

static int send_line(int fd, json_t *question, int64_t deadline_ms)
{
    char *text = json_dumps(question, JSON_COMPACT);
    size_t len, sent = 0;

    if (!text)
        return -1;
    len = strlen(text);
    text[len++] = '\n'; /* in the place of the NUL */
    while (sent < len && ready(fd, POLLOUT, deadline_ms) > 0) {
        ssize_t n = send(fd, text + sent, len - sent, MSG_NOSIGNAL);

        if (n < 0 && errno != EAGAIN && errno != EINTR)
            break;
        sent += n > 0 ? (size_t)n : 0;
    }
    free(text);
    return sent == len ? 0 : -1;
}

/* Up to the newline; how many bytes, or -1 when time is over or the meter hung up. */
static ssize_t receive_line(int fd, char *text, int64_t deadline_ms)
{
    size_t len = 0;

    while (len < MAX_ANSWER - 1 && ready(fd, POLLIN, deadline_ms) > 0) {
        ssize_t n = recv(fd, text + len, MAX_ANSWER - 1 - len, 0);

        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
            return -1;
        len += n > 0 ? (size_t)n : 0;
        if (len > 0 && text[len - 1] == '\n')
            return (ssize_t)len;
    }
    return -1;
}

enum meter_client_result meter_client_ask(const char *run, const char *node,
                                          json_t *question, int64_t deadline_ms,
                                          json_t **answer)
{
    enum meter_client_result result = METER_CLIENT_SILENT;
    int fd = connect_to(run, node, deadline_ms);
    char *text = malloc(MAX_ANSWER);
    ssize_t len;

    *answer = NULL;
    if (fd < 0) {
        result = METER_CLIENT_ABSENT;
    } else if (text && send_line(fd, question, deadline_ms) == 0 &&
               (len = receive_line(fd, text, deadline_ms)) > 0) {
        *answer = json_loadb(text, (size_t)len, 0, NULL);
        result = json_is_true(json_object_get(*answer, "ok")) ? METER_CLIENT_OK
                                                              : METER_CLIENT_REFUSED;
    }
    if (result != METER_CLIENT_OK) {
        json_decref(*answer);
        *answer = NULL;
    }
    free(text);
    if (fd >= 0)
        close(fd);
    return result;
}

int meter_client_tell(const char *run, const char *node, json_t *message)
{
    int64_t now_ms = meter_client_now_ms();
    int fd = connect_to(run, node, now_ms), rc = -1;

    if (fd >= 0) {
        rc = send_line(fd, message, now_ms);
        close(fd);
    }
    return rc;
}
