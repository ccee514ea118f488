/* file.c - a power limit that is a file below /sys, in microwatts
 *
 * Units: Documentation/hwmon/sysfs-interface.rst and Documentation/power/powercap of
 * Linux.
 */
#include "plugin/meter/limit/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plugin/meter/text.h"

#define UW_PER_MW 1000

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* What the kernel's answer means. */
static enum limit_error error_of(int error)
{
    switch (error) {
    case EACCES:
    case EPERM:
    case EROFS:
        return LIMIT_PERMISSION;
    case ENOENT:
    case ENODEV:
    case ENXIO:
    case ESTALE:
        return LIMIT_LOST;
    case EINVAL:
    case ERANGE:
        return LIMIT_RANGE;
    default:
        return LIMIT_FAILED;
    }
}

static enum limit_error refuse(char why[LIMIT_WHY], const char *doing, const char *path,
                               int error)
{
    snprintf(why, LIMIT_WHY, "%s %.60s fails: %.60s", doing, last_part(path),
             strerror(error));
    return error_of(error);
}

enum limit_error limit_file_read(const char *path, int64_t *mw, char why[LIMIT_WHY])
{
    char text[64];
    const char *what;
    ssize_t got = -1;
    int64_t uw;
    int error, fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0)
        return refuse(why, "reading", path, errno);
    got = read(fd, text, sizeof text);
    error = errno;
    close(fd);
    if (got < 0)
        return refuse(why, "reading", path, error);
    if (text_number(text, (size_t)got, &uw, &what) < 0) {
        snprintf(why, LIMIT_WHY, "%.60s cannot be used: %.60s", last_part(path), what);
        return LIMIT_FAILED;
    }
    *mw = uw / UW_PER_MW;
    return LIMIT_OK;
}

enum limit_error limit_file_write(const char *path, int64_t mw, char why[LIMIT_WHY])
{
    char text[32];
    int len = snprintf(text, sizeof text, "%" PRId64 "\n", mw * UW_PER_MW);
    int error, fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC | O_NONBLOCK);
    ssize_t put;

    if (fd < 0)
        return refuse(why, "setting", path, errno);
    put = write(fd, text, (size_t)len);
    error = put < 0 ? errno : EIO;
    close(fd);
    return put == len ? LIMIT_OK : refuse(why, "setting", path, error);
}

int64_t limit_file_mw(const char *path)
{
    char why[LIMIT_WHY];
    int64_t mw = 0;

    return limit_file_read(path, &mw, why) == LIMIT_OK ? mw : 0;
}

void limit_file_check(const char *path, char why[LIMIT_WHY])
{
    struct stat st;

    /* Root passes access() where the driver gave nobody the right to write, and open()
     * would fail all the same. */
    if (stat(path, &st) < 0)
        refuse(why, "looking at", path, errno);
    else if (!(st.st_mode & 0222))
        snprintf(why, LIMIT_WHY, "its driver shows the limit and lets nobody set it");
    else if (access(path, W_OK) < 0)
        snprintf(why, LIMIT_WHY, "setting it needs root: %.60s", strerror(errno));
}
