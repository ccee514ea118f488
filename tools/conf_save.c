/* conf_save.c - a changed configuration file onto the disk, whole or not at all */
#include "tools/conf_save.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* A file that is being written. */
struct target {
    char path[PATH_MAX];   /* no link */
    char folder[PATH_MAX]; /* it is in there */
    uid_t owner;
    gid_t group;
    mode_t mode;
};

static int fail(char why[CONF_FILE_WHY], const char *what, const char *path)
{
    snprintf(why, CONF_FILE_WHY, "%.380s cannot be %s: %s", path, what,
             strerror(errno));
    return -1;
}

static void folder_of(const char *path, char folder[PATH_MAX])
{
    const char *slash = strrchr(path, '/');

    snprintf(folder, PATH_MAX, "%.*s",
             slash ? (int)(slash - path + (slash == path)) : 1, slash ? path : ".");
}

static int find_target(const struct conf_file *file, uid_t owner, gid_t group,
                       struct target *target, char why[CONF_FILE_WHY])
{
    struct stat is;

    *target = (struct target){.owner = owner, .group = group, .mode = 0644};
    if (!file->there) {
        snprintf(target->path, sizeof target->path, "%s", file->path);
        folder_of(target->path, target->folder);
        if (mkdir(target->folder, 0755) == 0 && chown(target->folder, owner, group) < 0)
            return fail(why, "given to kwotad's user", target->folder);
        return 0;
    }
    if (!realpath(file->path, target->path) || stat(target->path, &is) < 0)
        return fail(why, "found", file->path);
    folder_of(target->path, target->folder);
    target->owner = is.st_uid;
    target->group = is.st_gid;
    target->mode = is.st_mode & 07777;
    return 0;
}

/* Whether it is on the disk as it was when it was read. */
static bool is_same(const struct conf_file *file)
{
    struct conf_file now;
    char why[CONF_FILE_WHY];
    size_t at = 0;
    bool same = conf_file_read(&now, file->path, why) == 0 && now.there == file->there;

    for (size_t i = 0; i < file->count && same; i++)
        if (file->lines[i].was)
            same =
                at < now.count && strcmp(now.lines[at++].was, file->lines[i].was) == 0;
    same = same && at == now.count;
    conf_file_free(&now);
    return same;
}

static int write_all(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, text, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return -1;
        text += n;
        len -= (size_t)n;
    }
    return fsync(fd);
}

/* Writes an open file whole; closes it either way. */
static int fill(int fd, const struct target *target, const char *text, size_t len)
{
    int rc = fchown(fd, target->owner, target->group);

    if (rc == 0)
        rc = fchmod(fd, target->mode);
    if (rc == 0)
        rc = write_all(fd, text, len);
    if (close(fd) < 0)
        rc = -1;
    return rc;
}

static void sync_folder(const struct target *target)
{
    int fd = open(target->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
}

/* Byte by byte what is there, under a name that nothing has. */
static int keep(const struct target *target, char backup[CONF_SAVE_BACKUP],
                char why[CONF_FILE_WHY])
{
    time_t now = time(NULL);
    struct tm tm;
    char day[32], bytes[65536];
    int from = open(target->path, O_RDONLY | O_CLOEXEC), to = -1, rc = 0;
    ssize_t n;

    if (from < 0)
        return fail(why, "read", target->path);
    localtime_r(&now, &tm);
    strftime(day, sizeof day, "%Y%m%d-%H%M%S", &tm);
    for (int i = 0; to < 0 && i < 100; i++) {
        snprintf(backup, CONF_SAVE_BACKUP, i ? "%.900s.kwota-%s.%d" : "%.900s.kwota-%s",
                 target->path, day, i);
        to = open(backup, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (to < 0 && errno != EEXIST)
            break;
    }
    while (to >= 0 && rc == 0 && (n = read(from, bytes, sizeof bytes)) != 0)
        rc = n < 0 ? -1 : write_all(to, bytes, (size_t)n);
    if (to >= 0 && rc == 0)
        rc = fill(to, target, "", 0);
    else if (to >= 0)
        close(to);
    close(from);
    return to < 0 || rc < 0 ? fail(why, "written", backup) : 0;
}

static int replace(const struct target *target, const char *text,
                   char why[CONF_FILE_WHY])
{
    char path[PATH_MAX];
    int fd;

    if (snprintf(path, sizeof path, "%s.kwota-XXXXXX", target->path) >=
        (int)sizeof path) {
        errno = ENAMETOOLONG;
        return fail(why, "written", target->path);
    }
    fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0)
        return fail(why, "written", path);
    if (fill(fd, target, text, strlen(text)) < 0 || rename(path, target->path) < 0) {
        fail(why, "written", target->path);
        unlink(path);
        return -1;
    }
    sync_folder(target);
    return 0;
}

int conf_save(const struct conf_file *file, uid_t owner, gid_t group,
              char backup[CONF_SAVE_BACKUP], char why[CONF_FILE_WHY])
{
    struct target target;
    char *text;
    int rc;

    backup[0] = '\0';
    if (find_target(file, owner, group, &target, why) < 0)
        return -1;
    if (!is_same(file)) {
        snprintf(why, CONF_FILE_WHY,
                 "%.300s has been changed by somebody else since it was read: look at "
                 "it and begin again",
                 file->path);
        return -1;
    }
    if (file->there && keep(&target, backup, why) < 0)
        return -1;
    text = conf_file_text(file);
    rc = replace(&target, text, why);
    free(text);
    return rc;
}
