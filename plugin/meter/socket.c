/* socket.c - the meter's Unix socket: what the SPANK plugin asks */
#include "plugin/meter/socket.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "plugin/meter/request.h"

/* For a request to arrive whole. The plugin sends it in one write. */
#define REQUEST_NS INT64_C(1000000000)

int socket_open(struct socket *s, struct meter *meter)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    mode_t mask;
    int rc;

    memset(s, 0, sizeof *s);
    s->meter = meter;
    for (int i = 0; i < SOCKET_CLIENTS; i++)
        s->clients[i].fd = -1;
    if (snprintf(address.sun_path, sizeof address.sun_path, "%s/%s.sock",
                 meter->options->run,
                 meter->options->node) >= (int)sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    unlink(address.sun_path);
    s->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (s->listener < 0)
        return -1;
    mask = umask(0177);
    rc = bind(s->listener, (struct sockaddr *)&address, sizeof address);
    umask(mask);
    return rc < 0 ? -1 : listen(s->listener, SOCKET_CLIENTS);
}

static void drop(struct socket_client *client)
{
    close(client->fd);
    free(client->line);
    *client = (struct socket_client){.fd = -1};
}

static void take_client(struct socket *s)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    int fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    if (fd < 0)
        return;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0 || peer.uid != 0) {
        close(fd);
        return;
    }
    for (int i = 0; i < SOCKET_CLIENTS; i++) {
        struct socket_client *client = &s->clients[i];

        if (client->fd >= 0)
            continue;
        client->line = malloc(SOCKET_LINE);
        if (!client->line)
            break;
        client->fd = fd;
        client->deadline_ns = meter_now_ns() + REQUEST_NS;
        return;
    }
    close(fd);
}

static void answer(struct socket_client *client, json_t *reply)
{
    char *text = json_dumps(reply, JSON_COMPACT);

    /* A few hundred bytes always fit into a fresh socket's buffer. */
    if (text && dprintf(client->fd, "%s\n", text) < 0 && errno != EPIPE)
        meter_log("an answer could not be sent: %s", strerror(errno));
    free(text);
    json_decref(reply);
    drop(client);
}

static void handle(struct socket *s, struct socket_client *client)
{
    json_t *reply = request_run(s->meter, s->reporter, client->line, client->token);

    if (reply)
        answer(client, reply);
    else
        /* The plugin's own patience is the time-out; half of it is kwotad's. */
        client->deadline_ns = meter_now_ns() + s->meter->options->timeout_ms * 500000;
}

static void read_client(struct socket *s, struct socket_client *client)
{
    ssize_t got = read(client->fd, client->line + client->length,
                       SOCKET_LINE - 1 - client->length);

    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        drop(client);
        return;
    }
    client->length += (size_t)got;
    client->line[client->length] = '\0';
    if (memchr(client->line, '\n', client->length))
        handle(s, client);
    else if (client->length == SOCKET_LINE - 1)
        drop(client);
}

/* Clients that wait for kwotad, when it has answered or their time is over. */
static void finish(struct socket *s, struct socket_client *client, bool late)
{
    json_t *others = report_summary(s->reporter, client->token);

    if (others || late) {
        json_t *reply = request_summary(s->meter, client->token, others);

        answer(client, reply);
    }
    json_decref(others);
}

int socket_poll(const struct socket *s, struct pollfd *fds)
{
    int count = 1;

    fds[0] = (struct pollfd){s->listener, POLLIN, 0};
    for (int i = 0; i < SOCKET_CLIENTS; i++)
        if (s->clients[i].fd >= 0)
            fds[count++] = (struct pollfd){s->clients[i].fd, POLLIN, 0};
    return count;
}

static bool is_ready(const struct pollfd *fds, int count, int fd)
{
    for (int i = 1; i < count; i++)
        if (fds[i].fd == fd)
            return fds[i].revents != 0;
    return false;
}

void socket_serve(struct socket *s, const struct pollfd *fds, int count)
{
    int64_t now_ns = meter_now_ns();

    for (int i = 0; i < SOCKET_CLIENTS; i++) {
        struct socket_client *client = &s->clients[i];
        bool late = client->fd >= 0 && now_ns >= client->deadline_ns;

        if (client->fd < 0)
            continue;
        if (client->token[0])
            finish(s, client, late);
        else if (is_ready(fds, count, client->fd))
            read_client(s, client);
        else if (late)
            drop(client);
    }
    if (fds[0].revents)
        take_client(s);
}

int64_t socket_deadline(const struct socket *s)
{
    int64_t first = INT64_MAX;

    for (int i = 0; i < SOCKET_CLIENTS; i++)
        if (s->clients[i].fd >= 0 && s->clients[i].deadline_ns < first)
            first = s->clients[i].deadline_ns;
    return first;
}

void socket_close(struct socket *s)
{
    for (int i = 0; i < SOCKET_CLIENTS; i++)
        if (s->clients[i].fd >= 0)
            drop(&s->clients[i]);
    close(s->listener);
}
