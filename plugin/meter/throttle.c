/* throttle.c - the CPU quota of a job's cgroup on this node */
#include "plugin/meter/throttle.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libcgroup.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The kernel's own default. */
#define PERIOD_US INT64_C(100000)

/* The kernel takes no less. */
#define QUOTA_MIN_US INT64_C(1000)

/* Processes that fork while they are moved are looked for so many times. */
#define ROUNDS 10

/* Of a job's directories: job, step, user, task. */
#define DEPTH 6

struct pids {
    int count, room;
    long *pid;
};

static void mount_of(const char *controller, char *path, size_t size)
{
    char *mount = NULL;

    if (cgroup_get_subsys_mount_point(controller, &mount) == 0 && mount)
        snprintf(path, size, "%s", mount);
    free(mount);
}

void throttle_open(struct throttle *t, const char *node)
{
    memset(t, 0, sizeof *t);
    snprintf(t->node, sizeof t->node, "%s", node);
    snprintf(t->proc, sizeof t->proc, "/proc");
    if (cgroup_init() != 0)
        return;
    mount_of("cpuacct", t->cpuacct, sizeof t->cpuacct);
    if (!t->cpuacct[0]) {
        mount_of("cpu", t->v2, sizeof t->v2);
        return;
    }
    mount_of("cpu", t->cpu, sizeof t->cpu);
    mount_of("freezer", t->freezer, sizeof t->freezer);
    mount_of("cpuset", t->cpuset, sizeof t->cpuset);
}

static int read_line(const char *dir, const char *file, char *line, size_t size)
{
    char path[CAPS_PATH + 64];
    ssize_t got;
    int fd;

    line[0] = '\0';
    snprintf(path, sizeof path, "%s/%s", dir, file);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    got = read(fd, line, size - 1);
    close(fd);
    line[got > 0 ? got : 0] = '\0';
    line[strcspn(line, "\n")] = '\0';
    return got > 0 ? 0 : -1;
}

static int write_line(const char *dir, const char *file, const char *line)
{
    char path[CAPS_PATH + 64];
    int fd, rc;

    snprintf(path, sizeof path, "%s/%s", dir, file);
    fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    if (fd < 0)
        return -1;
    rc = write(fd, line, strlen(line)) == (ssize_t)strlen(line) ? 0 : -1;
    close(fd);
    return rc;
}

/* Where the job's own directory has the quota; LATER if it is not there yet. */
static enum throttle_result
job_dir(const struct throttle *t, const struct cputime_of *of, char *path, size_t size)
{
    bool there = t->v2[0] ? cputime_dir_v2(t->v2, t->node, of, path, size)
                          : cputime_dir_v1(t->cpu, t->node, of, path, size);

    return there ? THROTTLE_OK : THROTTLE_LATER;
}

static bool is_together(const struct throttle *t)
{
    return t->cpu[0] && strcmp(t->cpu, t->cpuacct) == 0;
}

static const char *quota_file(const struct throttle *t)
{
    return t->v2[0] ? "cpu.max" : "cpu.cfs_quota_us";
}

/* µs of CPU time in each period; -1: no quota. */
static int64_t quota_us(const char *text)
{
    int64_t us;

    return sscanf(text, "%" SCNd64, &us) == 1 ? us : -1;
}

static int64_t period_us(const struct throttle *t, const char *dir, const char *text)
{
    char line[CAPS_QUOTA];
    int64_t us;

    if (t->v2[0])
        return sscanf(text, "%*s %" SCNd64, &us) == 1 && us > 0 ? us : PERIOD_US;
    return read_line(dir, "cpu.cfs_period_us", line, sizeof line) == 0 &&
                   quota_us(line) > 0
               ? quota_us(line)
               : PERIOD_US;
}

static int64_t wanted_us(int64_t period, int64_t cpus, int32_t percent)
{
    int64_t us = period * cpus * percent / 100;

    return us > QUOTA_MIN_US ? us : QUOTA_MIN_US;
}

/* In the job's own directory. */
static enum throttle_result plan_job(const struct throttle *t, const char *dir,
                                     int64_t cpus, int32_t percent,
                                     struct caps_quota *quota, char *why)
{
    struct caps_quota plan = {.own = false};
    int64_t period, us;

    snprintf(plan.dir, sizeof plan.dir, "%s", dir);
    if (read_line(dir, quota_file(t), plan.found, sizeof plan.found) < 0) {
        snprintf(why, LIMIT_WHY,
                 "the job's cgroup has no %s: Slurm does not have the cpu controller",
                 quota_file(t));
        return THROTTLE_FAILED;
    }
    snprintf(plan.was, sizeof plan.was, "%s", plan.found);
    if (quota->dir[0] && strcmp(quota->dir, dir) == 0) {
        /* Only what is kwota's own, or was there before it, is changed. */
        if (strcmp(plan.found, quota->set) != 0 && strcmp(plan.found, quota->was) != 0)
            return THROTTLE_FOREIGN;
        snprintf(plan.found, sizeof plan.found, "%s", quota->found);
    }
    period = period_us(t, dir, plan.found);
    us = wanted_us(period, cpus, percent);
    if (quota_us(plan.found) > 0 && quota_us(plan.found) <= us) {
        if (quota->dir[0])
            snprintf(plan.set, sizeof plan.set, "%s", plan.found);
        else
            plan.dir[0] = '\0';
    } else if (t->v2[0]) {
        snprintf(plan.set, sizeof plan.set, "%" PRId64 " %" PRId64, us, period);
    } else {
        snprintf(plan.set, sizeof plan.set, "%" PRId64, us);
    }
    *quota = plan;
    return THROTTLE_OK;
}

/* The job's processes are listed where Slurm has them. */
static bool slurm_dir(const struct throttle *t, const struct cputime_of *of, char *path,
                      size_t size)
{
    const char *mounts[] = {t->freezer, t->cpuacct, t->cpuset};

    for (size_t i = 0; i < sizeof mounts / sizeof *mounts; i++)
        if (mounts[i][0] && cputime_dir_v1(mounts[i], t->node, of, path, size))
            return true;
    return false;
}

static void read_pids(const char *dir, struct pids *pids)
{
    char path[PATH_MAX];
    long pid;
    FILE *file;

    snprintf(path, sizeof path, "%s/cgroup.procs", dir);
    file = fopen(path, "re");
    if (!file)
        return;
    while (fscanf(file, "%ld", &pid) == 1) {
        if (pids->count == pids->room) {
            int room = pids->room ? pids->room * 2 : 64;
            long *more = realloc(pids->pid, (size_t)room * sizeof *more);

            if (!more)
                break;
            pids->pid = more;
            pids->room = room;
        }
        pids->pid[pids->count++] = pid;
    }
    fclose(file);
}

static void read_all_pids(const char *dir, struct pids *pids, int depth)
{
    char path[PATH_MAX];
    const struct dirent *entry;
    DIR *open_dir;

    read_pids(dir, pids);
    open_dir = depth > 0 ? opendir(dir) : NULL;
    while (open_dir && (entry = readdir(open_dir))) {
        if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
            continue;
        if (snprintf(path, sizeof path, "%s/%s", dir, entry->d_name) < (int)sizeof path)
            read_all_pids(path, pids, depth - 1);
    }
    if (open_dir)
        closedir(open_dir);
}

static bool has_pid(const struct pids *pids, long pid)
{
    for (int i = 0; i < pids->count; i++)
        if (pids->pid[i] == pid)
            return true;
    return false;
}

/* In which group of the cpu hierarchy a process is: "4:cpu:/system.slice". */
static void group_of(const struct throttle *t, long pid, char *path, size_t size)
{
    char file[128], line[512];
    FILE *groups;

    snprintf(path, size, "%s", t->cpu);
    snprintf(file, sizeof file, "%s/%ld/cgroup", t->proc, pid);
    groups = fopen(file, "re");
    while (groups && fgets(line, sizeof line, groups)) {
        char *controllers = strchr(line, ':');
        char *group = controllers ? strchr(controllers + 1, ':') : NULL;

        if (!group || strncmp(controllers, ":cpu:", 5) != 0)
            continue;
        group[1 + strcspn(group + 1, "\n")] = '\0';
        if (strcmp(group + 1, "/") != 0)
            snprintf(path, size, "%s%s", t->cpu, group + 1);
    }
    if (groups)
        fclose(groups);
}

static enum throttle_result plan_own(const struct throttle *t,
                                     const struct cputime_of *of, int64_t cpus,
                                     int32_t percent, struct caps_quota *quota)
{
    struct caps_quota plan = {.own = true};
    struct pids pids = {0};
    char dir[CAPS_PATH];

    if (!slurm_dir(t, of, dir, sizeof dir))
        return THROTTLE_LATER;
    snprintf(plan.dir, sizeof plan.dir, "%s/kwota/%s/job_%u", t->cpu, t->node, of->job);
    snprintf(plan.set, sizeof plan.set, "%" PRId64,
             wanted_us(PERIOD_US, cpus, percent));
    if (quota->own) {
        memcpy(plan.from, quota->from, sizeof plan.from);
    } else {
        read_all_pids(dir, &pids, DEPTH);
        if (pids.count == 0)
            return THROTTLE_LATER;
        group_of(t, pids.pid[0], plan.from, sizeof plan.from);
        if (strcmp(plan.from, plan.dir) == 0)
            snprintf(plan.from, sizeof plan.from, "%s", t->cpu);
        free(pids.pid);
    }
    *quota = plan;
    return THROTTLE_OK;
}

enum throttle_result throttle_plan(const struct throttle *t,
                                   const struct cputime_of *of, int64_t cpus,
                                   int32_t percent, struct caps_quota *quota,
                                   char why[LIMIT_WHY])
{
    char dir[CAPS_PATH];
    enum throttle_result found;

    why[0] = '\0';
    if (cpus <= 0) {
        snprintf(why, LIMIT_WHY, "the job's CPUs on this node are unknown");
        return THROTTLE_FAILED;
    }
    if (!t->v2[0] && !t->cpu[0]) {
        snprintf(why, LIMIT_WHY, "the kernel has no cpu controller");
        return THROTTLE_FAILED;
    }
    if (!t->v2[0] && !is_together(t))
        return plan_own(t, of, cpus, percent, quota);
    found = job_dir(t, of, dir, sizeof dir);
    return found == THROTTLE_OK ? plan_job(t, dir, cpus, percent, quota, why) : found;
}

static enum throttle_result fail(char *why, const char *what, const char *dir)
{
    snprintf(why, LIMIT_WHY, "%s of %.80s: %s", what, dir, strerror(errno));
    return THROTTLE_FAILED;
}

static enum throttle_result apply_job(const struct throttle *t,
                                      const struct caps_quota *quota, char *why)
{
    char now[CAPS_QUOTA];

    if (read_line(quota->dir, quota_file(t), now, sizeof now) < 0)
        return THROTTLE_LATER;
    if (strcmp(now, quota->set) == 0)
        return THROTTLE_OK;
    if (strcmp(now, quota->was) != 0)
        return THROTTLE_FOREIGN;
    if (write_line(quota->dir, quota_file(t), quota->set) < 0)
        return fail(why, "the CPU quota", quota->dir);
    return THROTTLE_OK;
}

static int make_group(const struct throttle *t, const char *dir)
{
    char path[CAPS_PATH];

    snprintf(path, sizeof path, "%s/kwota", t->cpu);
    mkdir(path, 0755);
    snprintf(path, sizeof path, "%s/kwota/%s", t->cpu, t->node);
    mkdir(path, 0755);
    return mkdir(dir, 0755) < 0 && errno != EEXIST ? -1 : 0;
}

/* How many were moved; those that have ended meanwhile are not. */
static int move_pids(const struct pids *pids, const struct pids *there, const char *to)
{
    int moved = 0;

    for (int i = 0; i < pids->count; i++) {
        char text[24];

        if (there && has_pid(there, pids->pid[i]))
            continue;
        snprintf(text, sizeof text, "%ld", pids->pid[i]);
        moved += write_line(to, "cgroup.procs", text) == 0;
    }
    return moved;
}

static void take_in(const char *from, const char *to)
{
    int moved = 1;

    for (int round = 0; moved > 0 && round < ROUNDS; round++) {
        struct pids pids = {0}, there = {0};

        read_all_pids(from, &pids, DEPTH);
        read_pids(to, &there);
        moved = move_pids(&pids, &there, to);
        free(pids.pid);
        free(there.pid);
    }
}

static enum throttle_result apply_own(const struct throttle *t,
                                      const struct cputime_of *of,
                                      const struct caps_quota *quota, char *why)
{
    char now[CAPS_QUOTA], dir[CAPS_PATH];

    if (make_group(t, quota->dir) < 0)
        return fail(why, "the making", quota->dir);
    if (read_line(quota->dir, "cpu.cfs_quota_us", now, sizeof now) < 0 ||
        (strcmp(now, quota->set) != 0 &&
         write_line(quota->dir, "cpu.cfs_quota_us", quota->set) < 0))
        return fail(why, "the CPU quota", quota->dir);
    if (!slurm_dir(t, of, dir, sizeof dir))
        return THROTTLE_LATER;
    take_in(dir, quota->dir);
    return THROTTLE_OK;
}

enum throttle_result throttle_apply(const struct throttle *t,
                                    const struct cputime_of *of,
                                    const struct caps_quota *quota, char why[LIMIT_WHY])
{
    why[0] = '\0';
    return quota->own ? apply_own(t, of, quota, why) : apply_job(t, quota, why);
}

static enum throttle_result undo_own(const struct throttle *t,
                                     const struct caps_quota *quota, char *why)
{
    char path[CAPS_PATH];

    for (int round = 0; round < ROUNDS; round++) {
        struct pids pids = {0};
        int count;

        read_pids(quota->dir, &pids);
        count = pids.count;
        if (move_pids(&pids, NULL, quota->from) == 0)
            move_pids(&pids, NULL, t->cpu);
        free(pids.pid);
        if (count == 0)
            break;
    }
    if (rmdir(quota->dir) < 0 && errno != ENOENT)
        return fail(why, "the removal", quota->dir);
    /* As far as they are empty. */
    snprintf(path, sizeof path, "%s/kwota/%s", t->cpu, t->node);
    rmdir(path);
    snprintf(path, sizeof path, "%s/kwota", t->cpu);
    rmdir(path);
    return THROTTLE_OK;
}

enum throttle_result throttle_undo(const struct throttle *t,
                                   const struct caps_quota *quota, char why[LIMIT_WHY])
{
    char now[CAPS_QUOTA];

    why[0] = '\0';
    if (quota->own)
        return undo_own(t, quota, why);
    /* It went with the job, or is as it was. */
    if (read_line(quota->dir, quota_file(t), now, sizeof now) < 0 ||
        strcmp(now, quota->found) == 0)
        return THROTTLE_OK;
    if (strcmp(now, quota->set) != 0 && strcmp(now, quota->was) != 0)
        return THROTTLE_FOREIGN;
    if (write_line(quota->dir, quota_file(t), quota->found) < 0)
        return fail(why, "the CPU quota", quota->dir);
    return THROTTLE_OK;
}
