/* cputime.c - the CPU time jobs have used, as their cgroups say */
#include "plugin/meter/cputime.h"

#include <fcntl.h>
#include <libcgroup.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void mount_of(const char *controller, char *path, size_t size)
{
    char *mount = NULL;

    if (cgroup_get_subsys_mount_point(controller, &mount) == 0 && mount)
        snprintf(path, size, "%s", mount);
    free(mount);
}

void cputime_open(struct cputime *cputime, const char *node)
{
    memset(cputime, 0, sizeof *cputime);
    snprintf(cputime->node, sizeof cputime->node, "%s", node);
    if (cgroup_init() != 0)
        return;
    mount_of("cpuacct", cputime->v1, sizeof cputime->v1);
    if (!cputime->v1[0])
        mount_of("cpu", cputime->v2, sizeof cputime->v2);
}

bool cputime_possible(const struct cputime *cputime)
{
    return cputime->v1[0] || cputime->v2[0];
}

/* Debian's build for several slurmd on one host adds the node's name; others do not. */
static int open_v1(const struct cputime *c, uint32_t job, uint32_t uid)
{
    char path[640];
    int fd;

    snprintf(path, sizeof path, "%s/slurm_%s/uid_%u/job_%u/cpuacct.usage", c->v1,
             c->node, uid, job);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0)
        return fd;
    snprintf(path, sizeof path, "%s/slurm/uid_%u/job_%u/cpuacct.usage", c->v1, uid,
             job);
    return open(path, O_RDONLY | O_CLOEXEC);
}

static int open_v2(const struct cputime *c, uint32_t job)
{
    char path[640];
    int fd;

    snprintf(path, sizeof path, "%s/system.slice/%s_slurmstepd.scope/job_%u/cpu.stat",
             c->v2, c->node, job);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0)
        return fd;
    snprintf(path, sizeof path, "%s/system.slice/slurmstepd.scope/job_%u/cpu.stat",
             c->v2, job);
    return open(path, O_RDONLY | O_CLOEXEC);
}

static struct cputime_file *file_of(struct cputime *cputime, uint32_t job)
{
    for (int i = 0; i < cputime->count; i++)
        if (cputime->files[i].job == job)
            return &cputime->files[i];
    return NULL;
}

static struct cputime_file *open_file(struct cputime *cputime, uint32_t job,
                                      uint32_t uid)
{
    struct cputime_file file = {.job = job, .v2 = !cputime->v1[0]};

    if (!cputime_possible(cputime) || cputime->count == BOOKS_MAX_RUNS)
        return NULL;
    file.fd = file.v2 ? open_v2(cputime, job) : open_v1(cputime, job, uid);
    if (file.fd < 0)
        return NULL;
    cputime->files[cputime->count] = file;
    return &cputime->files[cputime->count++];
}

/* cpuacct.usage is a number of nanoseconds; cpu.stat begins "usage_usec N". */
static int64_t parse(const char *text, bool v2)
{
    static const char key[] = "usage_usec ";
    char *end;
    long long value;

    if (v2) {
        text = strstr(text, key);
        if (!text)
            return -1;
        text += sizeof key - 1;
    }
    value = strtoll(text, &end, 10);
    if (end == text || value < 0)
        return -1;
    return v2 ? value * 1000 : value;
}

int64_t cputime_read(struct cputime *cputime, uint32_t job, uint32_t uid)
{
    struct cputime_file *file = file_of(cputime, job);
    char text[256];
    ssize_t len;

    if (!file)
        file = open_file(cputime, job, uid);
    if (!file)
        return -1;
    len = pread(file->fd, text, sizeof text - 1, 0);
    if (len <= 0) {
        /* The cgroup is gone; another of the same job may come. */
        cputime_forget(cputime, job);
        return -1;
    }
    text[len] = '\0';
    return parse(text, file->v2);
}

void cputime_forget(struct cputime *cputime, uint32_t job)
{
    struct cputime_file *file = file_of(cputime, job);

    if (!file)
        return;
    close(file->fd);
    *file = cputime->files[--cputime->count];
}

void cputime_close(struct cputime *cputime)
{
    while (cputime->count > 0)
        close(cputime->files[--cputime->count].fd);
}
