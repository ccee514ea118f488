/* private_mariadb.h - a MariaDB of one test's own: a socket in a folder under /tmp, and
 * no tables of rights; over TCP only if a test's own options say so */
#ifndef KWOTA_PRIVATE_MARIADB_H
#define KWOTA_PRIVATE_MARIADB_H

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "policy/mariadb.h"

struct private_mariadb {
    char dir[64];
    pid_t pid;           /* 0: it does not run */
    const char *more[8]; /* options of the test's, up to a NULL */
};

static inline void private_place(const struct private_mariadb *p, const char *database,
                                 char text[256])
{
    snprintf(text, 256, "mariadb://root@/%s?socket=%s/socket", database, p->dir);
}

static inline int private_connect(const struct private_mariadb *p, const char *database,
                                  struct mariadb *m)
{
    struct mariadb_place place;
    char text[256], why[MARIADB_PLACE_TEXT];

    *m = (struct mariadb){NULL, false, ""};
    private_place(p, database, text);
    return mariadb_place_read(text, &place, why) < 0 ? -1 : mariadb_open(m, &place, 10);
}

static inline void private_run(const struct private_mariadb *p)
{
    char datadir[96], socket[96], log[96];
    const char *arguments[20] = {"mariadbd",
                                 "--no-defaults",
                                 "--user=root",
                                 datadir,
                                 socket,
                                 "--skip-networking",
                                 "--skip-grant-tables",
                                 "--skip-log-bin",
                                 "--innodb-buffer-pool-size=16M",
                                 "--innodb-log-file-size=16M"};
    int out, count = 10;

    snprintf(datadir, sizeof datadir, "--datadir=%s", p->dir);
    snprintf(socket, sizeof socket, "--socket=%s/socket", p->dir);
    snprintf(log, sizeof log, "%s/log", p->dir);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    out = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    dup2(out, 1);
    dup2(out, 2);
    for (int i = 0; i < 8 && p->more[i]; i++)
        arguments[count++] = p->more[i];
    execvp("mariadbd", (char **)arguments);
    _exit(127);
}

/* Starts it, and waits until it serves. */
static inline int private_start(struct private_mariadb *p)
{
    static const struct timespec pause = {0, 50000000};
    struct mariadb m;
    int tries = 0;

    p->pid = fork();
    if (p->pid == 0)
        private_run(p);
    while (private_connect(p, "information_schema", &m) < 0 && tries++ < 600)
        nanosleep(&pause, NULL);
    mariadb_close(&m);
    if (tries >= 600)
        fprintf(stderr, "%s: %s\n", p->dir, m.error);
    return tries < 600 ? 0 : -1;
}

static inline int private_make(struct private_mariadb *p)
{
    snprintf(p->dir, sizeof p->dir, "/tmp/kwota-mariadb-XXXXXX");
    return mkdtemp(p->dir) ? private_start(p) : -1;
}

static inline void private_kill(struct private_mariadb *p)
{
    if (p->pid > 0) {
        kill(p->pid, SIGKILL);
        waitpid(p->pid, NULL, 0);
    }
    p->pid = 0;
}

static inline void private_remove(struct private_mariadb *p)
{
    char command[96];

    private_kill(p);
    snprintf(command, sizeof command, "rm -rf %s", p->dir);
    if (system(command) != 0)
        fprintf(stderr, "%s is left behind\n", p->dir);
}

#endif
