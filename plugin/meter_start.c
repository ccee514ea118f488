/* meter_start.c - starting the meter where systemd does not */
#include "plugin/meter_start.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void close_all(void)
{
    int null;

#ifdef SYS_close_range
    if (syscall(SYS_close_range, 0U, ~0U, 0U) != 0)
#endif
        for (int fd = 0; fd < 4096; fd++)
            close(fd);
    null = open("/dev/null", O_RDWR);
    if (null == 0 && dup(0) == 1 && dup(0) == 2)
        return;
}

/* The hierarchies' roots: where /proc/self/cgroup says we are in a slurm group. */
static void leave_group(const char *mount)
{
    char path[512];
    FILE *file;

    snprintf(path, sizeof path, "%s/cgroup.procs", mount);
    file = fopen(path, "we");
    if (!file)
        return;
    fprintf(file, "0\n");
    fclose(file);
}

/* Every cgroup mount that /proc/self/mounts names: a v1 hierarchy's or v2's. */
static void leave_groups(void)
{
    char device[256], mount[256], type[64];
    FILE *mounts = fopen("/proc/self/mounts", "re");

    if (!mounts)
        return;
    while (fscanf(mounts, "%255s %255s %63s %*[^\n]", device, mount, type) == 3)
        if (strcmp(type, "cgroup") == 0 || strcmp(type, "cgroup2") == 0)
            leave_group(mount);
    fclose(mounts);
}

/* A job_container plugin may have given us a mount namespace that ends with the job. */
static void enter_first_mounts(void)
{
    int fd = open("/proc/1/ns/mnt", O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return;
    if (setns(fd, CLONE_NEWNS) == 0 && chdir("/") < 0)
        _exit(1);
    close(fd);
}

static void reset_signals(void)
{
    sigset_t none;

    for (int s = 1; s < NSIG; s++)
        signal(s, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static void become_meter(const struct arguments *a, const char *node)
{
    char log[ARGUMENT_TEXT + 80], patience[32];
    const char *argv[24] = {a->meter,       "run",    "--node", node,
                            "--root",       a->root,  "--run",  a->run,
                            "--spool",      a->spool, "--user", a->user,
                            "--timeout-ms", patience, "--log",  log};
    const char *slurm = getenv("SLURM_CONF");
    char conf[ARGUMENT_TEXT + 16];
    /* The meter ends a job through scancel, which reads slurm.conf. */
    char *const environment[] = {(char *)"PATH=/usr/sbin:/usr/bin:/sbin:/bin",
                                 slurm ? conf : NULL, NULL};
    int n = 16;

    snprintf(conf, sizeof conf, "SLURM_CONF=%s", slurm ? slurm : "");

    snprintf(patience, sizeof patience, "%ld", a->timeout_ms);
    snprintf(log, sizeof log, "%s/%s.log", a->run, node);
    argv[n++] = "--server";
    argv[n++] = a->server[0] ? a->server : "localhost";
    if (a->munge[0]) {
        argv[n++] = "--munge";
        argv[n++] = a->munge;
    }
    close_all();
    reset_signals();
    umask(022);
    if (chdir("/") == 0) {
        enter_first_mounts();
        leave_groups();
        mkdir(a->run, 0700);
        execve(a->meter, (char *const *)argv, environment);
    }
    _exit(127);
}

/* systemd starts it as a service of its own, and never waits for us. */
static void ask_systemd(void)
{
    execl("/bin/systemctl", "systemctl", "start", "--no-block", "kwota-meter.service",
          (char *)NULL);
    _exit(127);
}

void meter_start(const struct arguments *arguments, const char *node)
{
    int systemd =
        access("/run/systemd/system", F_OK) == 0 && arguments->root[1] == '\0';
    pid_t child = fork();

    if (child == 0) {
        setsid();
        /* Twice, so that nobody has to wait for the meter. */
        if (fork() != 0)
            _exit(0);
        if (systemd) {
            close_all();
            ask_systemd();
        }
        become_meter(arguments, node);
    }
    if (child > 0)
        waitpid(child, NULL, 0);
}
