/* control.c - one line asked of a running plant, one answer */
#include "tests/plant/control.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

static int address_of(const char *path, struct sockaddr_un *address)
{
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    return snprintf(address->sun_path, sizeof address->sun_path, "%s", path) <
                   (int)sizeof address->sun_path
               ? 0
               : -1;
}

static void limit_wait(int fd, int milliseconds)
{
    struct timeval limit = {milliseconds / 1000, (milliseconds % 1000) * 1000};

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

int control_listen(const char *path)
{
    struct sockaddr_un address;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || address_of(path, &address) < 0)
        return -1;
    unlink(path);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0 ||
        chmod(path, 0666) < 0 || listen(fd, 64) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

int control_accept(int listener, char line[CONTROL_LINE])
{
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    size_t len = 0;

    if (fd < 0)
        return -1;
    /* Long: what a machine that stood still has not yet written must not be lost. */
    limit_wait(fd, 30000);
    while (len < CONTROL_LINE - 1) {
        ssize_t got = read(fd, line + len, CONTROL_LINE - 1 - len);

        if (got <= 0)
            break;
        len += (size_t)got;
        if (line[len - 1] == '\n')
            break;
    }
    line[len] = '\0';
    line[strcspn(line, "\n")] = '\0';
    return fd;
}

int control_ask(const char *path, const char *line)
{
    struct sockaddr_un address;
    char buf[4096];
    ssize_t got;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), answered = 0, refused = 0;

    if (fd < 0 || address_of(path, &address) < 0)
        return -1;
    limit_wait(fd, 30000);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0 ||
        dprintf(fd, "%s\n", line) < 0) {
        close(fd);
        return -1;
    }
    while ((got = read(fd, buf, sizeof buf)) > 0) {
        if (!answered)
            refused = buf[0] == '!';
        answered = 1;
        fwrite(buf, 1, (size_t)got, stdout);
    }
    close(fd);
    return answered && !refused && got == 0 ? 0 : -1;
}
