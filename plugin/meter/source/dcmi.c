/* dcmi.c - the node's management controller, asked for its power over IPMI DCMI
 *
 * The tool runs in the driver's thread, not more often than every dcmi_ms, nor than the
 * controller's own sampling period.
 */
#include "plugin/meter/source/dcmi.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "plugin/meter/driver.h"
#include "plugin/meter/text.h"

/* A controller may take seconds; what takes longer has hung. */
#define TOOL_MS 10000

/* The first answer is not waited for: the node's other counters are there meanwhile. */
#define OPEN_MS 100

#define MAX_NODE_MW 20000000

/* Some controllers give as their sampling period the time over which they keep
 * statistics, which may be weeks. No power is that old: what is longer is not believed,
 * or one answer would stand for all that time. */
#define LONGEST_PERIOD_MS 60000

/* Of the driver's thread alone. */
static struct {
    char tool[COUNTER_PATH];
    int64_t mw, period_ms; /* the last answer */
    int64_t asked_ms;      /* when */
} bmc;

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_BOOTTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool look_at(const char *root, const char *path)
{
    snprintf(bmc.tool, sizeof bmc.tool, "%s%s", strcmp(root, "/") == 0 ? "" : root,
             path);
    return access(bmc.tool, X_OK) == 0;
}

static bool find_tool(const struct sources *sources)
{
    if (sources->library[SOURCE_DCMI][0]) {
        snprintf(bmc.tool, sizeof bmc.tool, "%s", sources->library[SOURCE_DCMI]);
        return access(bmc.tool, X_OK) == 0;
    }
    return look_at(sources->root, "/usr/sbin/ipmi-dcmi") ||
           look_at(sources->root, "/usr/bin/ipmitool");
}

static bool has_interface(const char *root)
{
    static const char *const files[] = {"dev/ipmi0", "dev/ipmi/0", "dev/ipmidev/0"};
    char path[512];

    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "%s/%s", root, files[i]);
        if (access(path, F_OK) == 0)
            return true;
    }
    return false;
}

static pid_t start_tool(int *out_fd)
{
    static char *const environment[] = {(char *)"PATH=/usr/sbin:/usr/bin:/sbin:/bin",
                                        (char *)"LC_ALL=C", NULL};
    char *freeipmi[] = {bmc.tool, (char *)"--get-system-power-statistics", NULL};
    char *ipmitool[] = {bmc.tool, (char *)"dcmi", (char *)"power", (char *)"reading",
                        NULL};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none;
    int ends[2], rc;
    pid_t child = -1;

    if (pipe2(ends, O_CLOEXEC) < 0)
        return -1;
    sigemptyset(&none);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    /* A group of its own: what it starts is killed with it. */
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes,
                             POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, ends[1], 1);
    posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0);
    rc = posix_spawn(&child, bmc.tool, &files, &attributes,
                     strstr(bmc.tool, "ipmitool") ? ipmitool : freeipmi, environment);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    close(ends[1]);
    *out_fd = ends[0];
    if (rc == 0)
        return child;
    close(ends[0]);
    return -1;
}

/* What the tool prints, as far as it fits. -1: it hung. */
static ssize_t read_output(int fd, int64_t until_ms, char *text, size_t size)
{
    size_t length = 0;

    while (length < size) {
        struct pollfd ready = {fd, POLLIN, 0};
        int64_t left_ms = until_ms - now_ms();
        ssize_t got;

        if (left_ms <= 0 || poll(&ready, 1, (int)left_ms) == 0)
            return -1;
        got = read(fd, text + length, size - length);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        length += (size_t)got;
    }
    return (ssize_t)length;
}

/* Its wait status; -1: it had to be killed. It may have closed its output and hang. */
static int end_tool(pid_t child, int64_t until_ms)
{
    static const struct timespec pause = {0, 5000000};
    int status = 0;

    while (waitpid(child, &status, WNOHANG) == 0) {
        if (now_ms() >= until_ms) {
            kill(-child, SIGKILL);
            while (waitpid(child, &status, 0) < 0 && errno == EINTR)
                ;
            return -1;
        }
        nanosleep(&pause, NULL);
    }
    return status;
}

static int ask(char why[COUNTER_REASON])
{
    char text[4096];
    const char *sentence;
    int64_t mw, period_ms, until_ms = now_ms() + TOOL_MS;
    int fd, status;
    ssize_t length;
    pid_t child = start_tool(&fd);

    if (child < 0) {
        snprintf(why, COUNTER_REASON, "%.100s cannot be run", bmc.tool);
        return -1;
    }
    length = read_output(fd, until_ms, text, sizeof text);
    close(fd);
    status = end_tool(child, length < 0 ? now_ms() : until_ms);
    if (length < 0 || status < 0) {
        snprintf(why, COUNTER_REASON, "the controller does not answer within %d s",
                 TOOL_MS / 1000);
        return -1;
    }
    if (text_dcmi(text, (size_t)length, &mw, &period_ms, &sentence) < 0) {
        if (length == 0 && status != 0)
            sentence = "the tool failed without a word";
        snprintf(why, COUNTER_REASON, "%s", sentence);
        return -1;
    }
    if (status != 0) {
        snprintf(why, COUNTER_REASON,
                 "the tool failed, so what it printed is not believed");
        return -1;
    }
    bmc.mw = mw;
    bmc.period_ms = period_ms <= LONGEST_PERIOD_MS ? period_ms : 0;
    bmc.asked_ms = now_ms();
    return 0;
}

static int dcmi_read(int device, bool users, struct driver_sample *sample,
                     char why[COUNTER_REASON])
{
    (void)device;
    (void)users;
    if (now_ms() - bmc.asked_ms >= bmc.period_ms && ask(why) < 0) {
        /* The answer before is no answer: it is asked again next time. */
        bmc.period_ms = 0;
        return -1;
    }
    sample->power = true;
    sample->value = bmc.mw * 1000;
    return 0;
}

static int dcmi_open(const struct sources *sources, struct driver_device *devices,
                     int max, char why[COUNTER_REASON])
{
    (void)sources;
    (void)max;
    if (ask(why) < 0)
        return -1;
    snprintf(devices[0].name, sizeof devices[0].name, "bmc");
    devices[0].kind = COUNTER_PLATFORM;
    devices[0].power = true;
    devices[0].max_power_mw = MAX_NODE_MW;
    devices[0].covers_kinds =
        1U << COUNTER_PACKAGE | 1U << COUNTER_DRAM | 1U << COUNTER_GPU;
    return 1;
}

static void dcmi_close(void)
{
    memset(&bmc, 0, sizeof bmc);
}

const char *dcmi_find(struct counters *counters)
{
    static const struct driver_ops ops = {.source = SOURCE_DCMI,
                                          .open = dcmi_open,
                                          .read = dcmi_read,
                                          .close = dcmi_close,
                                          .period_ms = 1};
    const struct driver_device *devices;
    const char *why;
    struct driver *driver;

    memset(&bmc, 0, sizeof bmc);
    if (!has_interface(counters->sources->root))
        return "there is no dev/ipmi0";
    if (!find_tool(counters->sources))
        return "neither ipmi-dcmi nor ipmitool is installed";
    driver = driver_start(&ops, counters->sources, OPEN_MS, &why);
    if (!driver)
        return why;
    counters->driver[SOURCE_DCMI] = driver;
    driver_add_counters(counters, driver);
    return driver_devices(driver, &devices) > 0 ? NULL : driver_why(driver);
}
