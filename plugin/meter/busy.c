/* busy.c - how busy the whole node is, as /proc/stat says */
#include "plugin/meter/busy.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "plugin/meter/text.h"

void busy_open(struct busy *busy, const char *root)
{
    char path[512];

    snprintf(path, sizeof path, "%s/proc/stat", root);
    busy->fd = open(path, O_RDONLY | O_CLOEXEC);
    busy->hz = sysconf(_SC_CLK_TCK);
}

int64_t busy_read(const struct busy *busy, int64_t *cpus)
{
    static char text[65536]; /* 1024 CPUs take some 50 KB */
    int64_t ticks;
    const char *why;
    ssize_t len;

    *cpus = -1;
    len = busy->fd < 0 ? -1 : pread(busy->fd, text, sizeof text, 0);
    if (len <= 0 || text_proc_stat(text, (size_t)len, &ticks, cpus, &why) < 0)
        return -1;
    if (ticks > INT64_MAX / 1000000000)
        return -1;
    return ticks * (1000000000 / busy->hz);
}

void busy_close(struct busy *busy)
{
    if (busy->fd >= 0)
        close(busy->fd);
}
