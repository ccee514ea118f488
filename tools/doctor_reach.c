/* doctor_reach.c - facts about kwotad, as this host sees it */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "policy/client.h"
#include "tools/doctor_probe.h"

/* A firewall that drops packets is told from a busy host after so long. */
#define CONNECT_MS 3000
#define ANSWER_MS 10000

#define DEFAULT_PORT "6828"

/* 0, or errno of the connection to one address. */
static int try_address(const struct addrinfo *address)
{
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct pollfd wait = {fd, POLLOUT, 0};
    int error = 0;
    socklen_t size = sizeof error;

    if (fd < 0)
        return errno;
    if (connect(fd, address->ai_addr, address->ai_addrlen) < 0) {
        error = errno;
        if (error == EINPROGRESS) {
            error = ETIMEDOUT;
            if (poll(&wait, 1, CONNECT_MS) > 0)
                getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
        }
    }
    close(fd);
    return error;
}

static void try_server(struct doctor_server *server, const char *host, const char *port)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    int rc = getaddrinfo(host, port, &hints, &found), error = 0;

    snprintf(server->name, sizeof server->name, "%.255s:%.32s", host, port);
    if (rc != 0) {
        server->reach = DOCTOR_UNRESOLVED;
        return;
    }
    for (const struct addrinfo *one = found; one; one = one->ai_next)
        if ((error = try_address(one)) == 0)
            break;
    freeaddrinfo(found);
    server->reach = error == 0              ? DOCTOR_REACHED
                    : error == ECONNREFUSED ? DOCTOR_REFUSED
                    : error == ETIMEDOUT    ? DOCTOR_SILENT
                                            : DOCTOR_UNREACHED;
    snprintf(server->why, sizeof server->why, "%s", strerror(error));
}

/* "ctl1,ctl2:6828": a host without a port has that of the next that has one. */
static void try_servers(struct doctor_facts *facts, const char *list)
{
    char *copy = strdup(list), *rest = copy, *host;

    while (rest && (host = strsep(&rest, ",")) &&
           facts->server_count < DOCTOR_SERVERS) {
        char *colon = strrchr(host, ':'), *next = rest ? strchr(rest, ':') : NULL;
        char port[32] = DEFAULT_PORT;

        if (colon) {
            *colon = '\0';
            snprintf(port, sizeof port, "%s", colon + 1);
        } else if (next) {
            snprintf(port, sizeof port, "%.*s", (int)strcspn(next + 1, ","), next + 1);
        }
        if (*host)
            try_server(&facts->servers[facts->server_count++], host, port);
    }
    free(copy);
}

static const char *text(const json_t *reply, const char *key)
{
    const char *value = json_string_value(json_object_get(reply, key));

    return value ? value : "";
}

static int64_t clock_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Half-way between question and answer is when it looked at its clock. */
static bool ask_ping(struct doctor_facts *facts, struct client *client)
{
    int64_t before_ms = clock_ms();
    char why[CLIENT_ERROR_TEXT];
    json_t *reply = NULL, *time_ms;
    int status = client_call(client, "GET", "/v1/ping", NULL, &reply, why);

    if (status == 200) {
        snprintf(facts->version, sizeof facts->version, "%s", text(reply, "version"));
        time_ms = json_object_get(reply, "time_ms");
        facts->timed = json_is_integer(time_ms);
        facts->skew_ms =
            before_ms + (clock_ms() - before_ms) / 2 - json_integer_value(time_ms);
    } else if (status < 0) {
        snprintf(facts->asked_why, sizeof facts->asked_why, "%s", why);
    } else {
        snprintf(facts->asked_why, sizeof facts->asked_why, "it refuses (%d): %.400s",
                 status, text(reply, "error"));
    }
    json_decref(reply);
    return status == 200;
}

/* Others than operators are not told. */
static void ask_health(struct doctor_facts *facts, struct client *client)
{
    char why[CLIENT_ERROR_TEXT];
    json_t *reply = NULL;

    if (client_call(client, "GET", "/v1/health", NULL, &reply, why) == 200) {
        facts->healthy = true;
        snprintf(facts->ledger, sizeof facts->ledger, "%s", text(reply, "ledger"));
        snprintf(facts->slurmdbd, sizeof facts->slurmdbd, "%s",
                 text(reply, "slurmdbd"));
        snprintf(facts->policy, sizeof facts->policy, "%s", text(reply, "error"));
        facts->policy[strcspn(facts->policy, "\n")] = '\0';
    }
    json_decref(reply);
}

void doctor_probe_kwotad(struct doctor_facts *facts)
{
    const char *said = facts->stack->count ? facts->stack->arguments.server : "";
    struct client_options options = {
        .servers = said[0] ? said : facts->kwota_server,
        .munge_socket = facts->munge_socket[0] ? facts->munge_socket : NULL,
        .signer = facts->slurm_uid,
        .connect_timeout_ms = CONNECT_MS,
        .timeout_ms = ANSWER_MS,
    };
    struct client *client;

    try_servers(facts, options.servers);
    if (facts->server_count == 0 || !(client = client_new(&options)))
        return;
    if (ask_ping(facts, client))
        ask_health(facts, client);
    client_free(client);
}
