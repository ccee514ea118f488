/* cputime.c - the CPU time jobs and steps have used, as their cgroups say */
#include "plugin/meter/cputime.h"

#include <fcntl.h>
#include <libcgroup.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plugin/meter/text.h"

/* As Slurm numbers steps that are not srun's: slurm.h. */
#define STEP_INTERACTIVE 0xfffffffaU
#define STEP_BATCH 0xfffffffbU
#define STEP_EXTERN 0xfffffffcU

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
    if (cputime->v1[0])
        mount_of("freezer", cputime->freezer, sizeof cputime->freezer);
    else
        mount_of("cpu", cputime->v2, sizeof cputime->v2);
}

bool cputime_possible(const struct cputime *cputime)
{
    return cputime->v1[0] || cputime->v2[0];
}

/* "/step_0" below the job's directory; nothing for the job itself. */
static void step_name(uint32_t step, char *name, size_t size)
{
    name[0] = '\0';
    if (step == STEP_BATCH)
        snprintf(name, size, "/step_batch");
    else if (step == STEP_EXTERN)
        snprintf(name, size, "/step_extern");
    else if (step == STEP_INTERACTIVE)
        snprintf(name, size, "/step_interactive");
    else if (step != CPUTIME_JOB)
        snprintf(name, size, "/step_%u", step);
}

/* Debian's build for several slurmd on one host adds the node's name; others do not. */
static void v1_path(const char *mount, const char *node, const struct cputime_of *of,
                    const char *file, char *path, size_t size)
{
    char step[32];

    step_name(of->step, step, sizeof step);
    snprintf(path, size, "%s/slurm%s%s/uid_%u/job_%u%s/%s", mount, node[0] ? "_" : "",
             node, of->uid, of->job, step, file);
}

/* Under v2 Slurm makes a systemd scope, with the node's name in Debian's build, and in
 * it a directory for each job: by its number, or by its SLUID (26.05, unless
 * CgroupJobIdPaths=yes). */
static void v2_path(const char *mount, const char *node, const struct cputime_of *of,
                    bool by_sluid, const char *file, char *path, size_t size)
{
    char step[32], job[BOOKS_SLUID + 16];

    step_name(of->step, step, sizeof step);
    if (by_sluid)
        snprintf(job, sizeof job, "%s", of->sluid);
    else
        snprintf(job, sizeof job, "job_%u", of->job);
    snprintf(path, size, "%s/system.slice/%s%sslurmstepd.scope/%s%s/%s", mount, node,
             node[0] ? "_" : "", job, step, file);
}

static int open_v1(const struct cputime *c, const char *mount,
                   const struct cputime_of *of, const char *file)
{
    char path[640];
    int fd;

    v1_path(mount, c->node, of, file, path, sizeof path);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0)
        return fd;
    v1_path(mount, "", of, file, path, sizeof path);
    return open(path, O_RDONLY | O_CLOEXEC);
}

static int open_v2(const struct cputime *c, const struct cputime_of *of,
                   const char *file)
{
    char path[640];

    for (int by_sluid = 0; by_sluid <= (of->sluid[0] != '\0'); by_sluid++)
        for (int named = 1; named >= 0; named--) {
            int fd;

            v2_path(c->v2, named ? c->node : "", of, by_sluid, file, path, sizeof path);
            fd = open(path, O_RDONLY | O_CLOEXEC);
            if (fd >= 0)
                return fd;
        }
    return -1;
}

bool cputime_dir_v1(const char *mount, const char *node, const struct cputime_of *of,
                    char *path, size_t size)
{
    v1_path(mount, node, of, "", path, size);
    if (access(path, F_OK) == 0)
        return true;
    v1_path(mount, "", of, "", path, size);
    return access(path, F_OK) == 0;
}

bool cputime_dir_v2(const char *mount, const char *node, const struct cputime_of *of,
                    char *path, size_t size)
{
    for (int by_sluid = 0; by_sluid <= (of->sluid[0] != '\0'); by_sluid++)
        for (int named = 1; named >= 0; named--) {
            v2_path(mount, named ? node : "", of, by_sluid, "", path, size);
            if (access(path, F_OK) == 0)
                return true;
        }
    return false;
}

static struct cputime_file *file_of(struct cputime *cputime,
                                    const struct cputime_of *of)
{
    for (int i = 0; i < cputime->count; i++) {
        int at = (cputime->next + i) % cputime->count;

        if (cputime->files[at].job == of->job && cputime->files[at].step == of->step) {
            cputime->next = at + 1;
            return &cputime->files[at];
        }
    }
    return NULL;
}

static struct cputime_file *open_file(struct cputime *cputime,
                                      const struct cputime_of *of)
{
    struct cputime_file file = {.job = of->job, .step = of->step};

    if (!cputime_possible(cputime) ||
        cputime->count == (int)(sizeof cputime->files / sizeof cputime->files[0]))
        return NULL;
    file.fd = cputime->v1[0] ? open_v1(cputime, cputime->v1, of, "cpuacct.usage")
                             : open_v2(cputime, of, "cpu.stat");
    if (file.fd < 0)
        return NULL;
    cputime->files[cputime->count] = file;
    return &cputime->files[cputime->count++];
}

static void close_file(struct cputime *cputime, struct cputime_file *file)
{
    close(file->fd);
    *file = cputime->files[--cputime->count];
}

int64_t cputime_read(struct cputime *cputime, const struct cputime_of *of)
{
    struct cputime_file *file = file_of(cputime, of);
    char text[256];
    const char *why;
    int64_t ns;
    ssize_t len;
    int rc;

    if (!file)
        file = open_file(cputime, of);
    if (!file)
        return -1;
    len = pread(file->fd, text, sizeof text, 0);
    if (len <= 0) {
        /* The cgroup is gone; another of the same job may come. */
        close_file(cputime, file);
        return -1;
    }
    rc = cputime->v1[0] ? text_number(text, (size_t)len, &ns, &why)
                        : text_cpu_stat(text, (size_t)len, &ns, &why);
    return rc < 0 ? -1 : ns;
}

int cputime_frozen(const struct cputime *cputime, const struct cputime_of *of)
{
    char text[32] = "";
    ssize_t got = -1;
    int fd = -1;

    if (cputime->v1[0] && cputime->freezer[0])
        fd = open_v1(cputime, cputime->freezer, of, "freezer.state");
    else if (cputime->v2[0])
        fd = open_v2(cputime, of, "user/cgroup.freeze");
    if (fd >= 0) {
        got = read(fd, text, sizeof text - 1);
        close(fd);
    }
    if (got <= 0)
        return -1;
    return strncmp(text, "FROZEN", 6) == 0 || strncmp(text, "FREEZING", 8) == 0 ||
           text[0] == '1';
}

void cputime_forget(struct cputime *cputime, uint32_t job)
{
    for (int i = cputime->count - 1; i >= 0; i--)
        if (cputime->files[i].job == job)
            close_file(cputime, &cputime->files[i]);
}

void cputime_close(struct cputime *cputime)
{
    while (cputime->count > 0)
        close(cputime->files[--cputime->count].fd);
}
