/* busy.c - how busy the whole node is, as /proc/stat says */
#include "plugin/meter/busy.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void busy_open(struct busy *busy, const char *root)
{
    char path[512];

    snprintf(path, sizeof path, "%s/proc/stat", root);
    busy->fd = open(path, O_RDONLY | O_CLOEXEC);
}

static int64_t count_cpus(const char *text)
{
    int64_t cpus = 0;

    for (const char *at = strstr(text, "\ncpu"); at; at = strstr(at + 1, "\ncpu"))
        cpus++;
    return cpus;
}

int64_t busy_read(const struct busy *busy, int64_t *cpus)
{
    static char text[65536]; /* 1024 CPUs take some 50 KB */
    int64_t user, nice, system, irq, softirq, steal;
    ssize_t len;

    *cpus = -1;
    len = busy->fd < 0 ? -1 : pread(busy->fd, text, sizeof text - 1, 0);
    if (len <= 0)
        return -1;
    text[len] = '\0';
    if (sscanf(text,
               "cpu %" SCNd64 " %" SCNd64 " %" SCNd64 " %*d %*d %" SCNd64 " %" SCNd64
               " %" SCNd64,
               &user, &nice, &system, &irq, &softirq, &steal) != 6)
        return -1;
    *cpus = count_cpus(text);
    /* Time stolen by a hypervisor heats other jobs' nodes; guest time is in user. */
    return (user + nice + system + irq + softirq) * (1000000000 / sysconf(_SC_CLK_TCK));
}

void busy_close(struct busy *busy)
{
    if (busy->fd >= 0)
        close(busy->fd);
}
