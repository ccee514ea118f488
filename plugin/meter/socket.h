/* socket.h - the meter's Unix socket: what the SPANK plugin asks (API.md, section 1)
 *
 * Main thread only. Root alone is listened to, by peer credentials. A client that is
 * slow or silent is dropped after a second; none can hold up a tick.
 */
#ifndef METER_SOCKET_H
#define METER_SOCKET_H

#include <poll.h>

#include "plugin/meter/meter.h"
#include "plugin/meter/report.h"

#define SOCKET_CLIENTS 64
#define SOCKET_LINE 65536

struct socket_client {
    int fd; /* -1: free */
    int64_t deadline_ns;
    char token[BOOKS_TOKEN]; /* waits for this run's summary from kwotad; empty: no */
    size_t length;
    char *line; /* SOCKET_LINE bytes, while fd is open */
};

struct socket {
    int listener;
    struct meter *meter;
    struct reporter *reporter;
    struct socket_client clients[SOCKET_CLIENTS];
};

/* Listens at RUN/NODE.sock. -1 and errno on failure. */
int socket_open(struct socket *socket, struct meter *meter);

/* Fills fds (SOCKET_CLIENTS + 1) for poll; returns how many. */
int socket_poll(const struct socket *socket, struct pollfd *fds);

/* After poll: takes new clients, answers those that have asked, drops those that are
 * late. `fds` as filled by socket_poll(). */
void socket_serve(struct socket *socket, const struct pollfd *fds, int count);

/* When the next client's time is over, CLOCK_BOOTTIME; INT64_MAX if there is none. */
int64_t socket_deadline(const struct socket *socket);

void socket_close(struct socket *socket);

#endif
