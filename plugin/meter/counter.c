/* counter.c - what a source of energy counters offers the meter */
#include "plugin/meter/counter.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plugin/meter/driver.h"
#include "plugin/meter/source/dcmi.h"
#include "plugin/meter/source/hwmon.h"
#include "plugin/meter/source/nvml.h"
#include "plugin/meter/source/pm_counters.h"
#include "plugin/meter/source/powercap.h"
#include "plugin/meter/source/rsmi.h"
#include "plugin/meter/text.h"

#define NS_PER_S INT64_C(1000000000)

/* A file that cannot be opened, or has gone, is tried again this often. */
#define REOPEN_NS (10 * NS_PER_S)

/* Two readings of a power further apart than this many sampling periods say nothing of
 * the time between. */
#define SAMPLES_MISSED 5

const char *counter_kind_name(enum counter_kind kind)
{
    static const char *const names[COUNTER_KINDS] = {"package", "dram", "gpu",
                                                     "platform", "core"};

    return kind < COUNTER_KINDS ? names[kind] : "unknown";
}

int counter_kind_of(const char *name)
{
    for (int k = 0; k < COUNTER_KINDS; k++)
        if (strcmp(name, counter_kind_name((enum counter_kind)k)) == 0)
            return k;
    return -1;
}

const char *counter_source_name(enum counter_source source)
{
    static const char *const names[SOURCES] = {"powercap",    "nvml",  "rsmi",
                                               "pm_counters", "hwmon", "dcmi"};

    return source < SOURCES ? names[source] : "unknown";
}

int counter_source_of(const char *name)
{
    for (int s = 0; s < SOURCES; s++)
        if (strcmp(name, counter_source_name((enum counter_source)s)) == 0)
            return s;
    return -1;
}

static int no_value(struct counter *counter, const char *why)
{
    snprintf(counter->reason, sizeof counter->reason, "%s", why);
    return -1;
}

void counter_leave_out(struct counter *counter, const char *why)
{
    counter->charged = false;
    snprintf(counter->reason, sizeof counter->reason, "%s", why);
}

void counter_line(const char *path, char *line, int size)
{
    ssize_t got = -1;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd >= 0) {
        got = read(fd, line, (size_t)size - 1);
        close(fd);
    }
    line[got > 0 ? got : 0] = '\0';
    line[strcspn(line, "\n")] = '\0';
    /* It may become a name that people read. */
    for (char *at = line; *at; at++)
        if (*at < ' ' || *at > '~')
            *at = '?';
}

int64_t counter_number(const char *path, int64_t otherwise)
{
    char line[64];
    const char *why;
    int64_t value;

    counter_line(path, line, sizeof line);
    return text_number(line, strlen(line), &value, &why) == 0 ? value : otherwise;
}

static bool is_taken(const struct counters *counters, const char *name)
{
    for (int c = 0; c < counters->count; c++)
        if (strcmp(counters->item[c].name, name) == 0)
            return true;
    return false;
}

struct counter *counters_add(struct counters *counters, enum counter_source source,
                             enum counter_kind kind, const char *name)
{
    struct counter *counter;
    char unique[COUNTER_NAME + 16];

    if (counters->count == COUNTER_MAX)
        return NULL;
    snprintf(unique, sizeof unique, "%.31s", name);
    for (int n = 2; is_taken(counters, unique); n++)
        snprintf(unique, sizeof unique, "%.26s#%d", name, n);
    counter = &counters->item[counters->count++];
    memset(counter, 0, sizeof *counter);
    snprintf(counter->name, sizeof counter->name, "%.31s", unique);
    counter->kind = kind;
    counter->source = source;
    counter->charged = true;
    counter->unit_uj = 1;
    counter->index = -1;
    counter->slices = 1;
    counter->slice_weight[0] = counter->slices_whole = 1;
    counter->fd = -1;
    return counter;
}

void counter_open_file(struct counter *counter)
{
    counter->fd = open(counter->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (counter->fd < 0)
        no_value(counter, errno == EACCES || errno == EPERM
                              ? "reading it is denied: the meter must run as root"
                              : strerror(errno));
}

/* What a reading that failed says in words. */
static int failed(struct counter *counter, int error)
{
    char why[COUNTER_REASON];

    if (error == ENODATA)
        return no_value(counter, "the channel is disabled or has no data");
    snprintf(why, sizeof why, "reading it fails: %s", strerror(error));
    return no_value(counter, why);
}

/* One pread; a file that has gone or was never there is opened anew at times. */
static ssize_t read_text(struct counter *counter, int64_t now_ns, char *text,
                         size_t size)
{
    ssize_t got = -1;

    /* Without a path there is nothing to be read: the reason was given. */
    if (!counter->path[0])
        return -1;
    if (counter->fd < 0) {
        if (now_ns < counter->reopen_ns)
            return -1;
        counter->reopen_ns = now_ns + REOPEN_NS;
        counter_open_file(counter);
        if (counter->fd < 0)
            return -1;
    }
    got = pread(counter->fd, text, size, 0);
    if (got >= 0)
        return got;
    failed(counter, errno);
    if (errno == ENODEV || errno == ENOENT || errno == EBADF || errno == ESTALE) {
        close(counter->fd);
        counter->fd = -1;
        counter->reopen_ns = now_ns + REOPEN_NS;
    }
    return -1;
}

static int parse(struct counter *counter, const char *text, size_t length,
                 int64_t *value)
{
    const char *why = "";
    char sentence[COUNTER_REASON];
    int64_t stamp_us;
    int rc;

    if (counter->source == SOURCE_PM_COUNTERS)
        rc = text_pm_counter(text, length, counter->integrated ? "W" : "J", value,
                             &stamp_us, &why);
    else if (counter->integrated)
        rc = text_signed(text, length, value, &why);
    else
        rc = text_number(text, length, value, &why);
    if (rc < 0) {
        snprintf(sentence, sizeof sentence, "the counter's file cannot be used: %s",
                 why);
        return no_value(counter, sentence);
    }
    if (__builtin_mul_overflow(*value, counter->unit_uj, value))
        return no_value(counter, "the counter holds too large a number");
    if (counter->range_uj > 0 && *value > counter->range_uj)
        return no_value(counter, "the counter is beyond its own range");
    return 0;
}

static int read_file(struct counter *counter, int64_t now_ns, int64_t *value)
{
    char text[80];
    ssize_t got = read_text(counter, now_ns, text, sizeof text);

    if (got < 0 || parse(counter, text, (size_t)got, value) < 0)
        return -1;
    if (counter->charged)
        counter->reason[0] = '\0';
    return 0;
}

/* µW × ns = fJ; 10^9 fJ = 1 µJ. The mean of two readings for the time between. */
static void integrate(struct counter *counter, int64_t power_uw, int64_t now_ns,
                      int64_t sample_ms)
{
    int64_t elapsed_ns = now_ns - counter->power_ns;

    if (counter->power_ns == 0) {
        counter->session = now_ns;
    } else if (elapsed_ns > sample_ms * SAMPLES_MISSED * 1000000) {
        counter->lost_ms += elapsed_ns / 1000000;
    } else {
        __int128 pj = ((__int128)counter->power_uw + power_uw) / 2 * elapsed_ns / 1000 +
                      counter->remainder_pj;

        counter->sum_uj += (int64_t)(pj / 1000000);
        counter->remainder_pj = (int64_t)(pj % 1000000);
    }
    counter->power_uw = power_uw;
    counter->power_ns = now_ns;
}

static int sample(struct counter *counter, int64_t now_ns, int64_t sample_ms)
{
    int64_t power_uw;

    if (read_file(counter, now_ns, &power_uw) < 0)
        return -1;
    if (power_uw > counter->max_power_mw * 1000)
        return no_value(counter, "the power it shows is more than anything draws");
    if (power_uw < 0)
        return no_value(counter, "the power it shows is below zero");
    integrate(counter, power_uw, now_ns, sample_ms);
    return 0;
}

void counters_sample(struct counters *counters, int64_t now_ns)
{
    for (int c = 0; c < counters->count; c++) {
        struct counter *counter = &counters->item[c];

        if (counter->integrated && counter->charged && !counter->driver)
            sample(counter, now_ns, counters->sources->sample_ms);
    }
}

static void find_sampled(struct counters *counters)
{
    counters->sampled = false;
    for (int c = 0; c < counters->count; c++)
        if (counters->item[c].integrated && counters->item[c].charged &&
            !counters->item[c].driver)
            counters->sampled = true;
}

/* A library or a controller that did not answer when the meter started may do now. */
static void welcome_late(struct counters *counters)
{
    const struct driver_device *devices;
    bool late = false;

    for (int s = 0; s < SOURCES; s++) {
        if (!counters->driver[s] || !counters->absent[s])
            continue;
        if (driver_devices(counters->driver[s], &devices) == 0) {
            counters->absent[s] = driver_why(counters->driver[s]);
            continue;
        }
        driver_add_counters(counters, counters->driver[s]);
        counters->absent[s] = NULL;
        late = true;
    }
    if (!late)
        return;
    counters_choose(counters);
    find_sampled(counters);
}

void counters_begin(struct counters *counters, int64_t now_ns)
{
    welcome_late(counters);
    for (int s = 0; s < SOURCES; s++)
        if (counters->driver[s])
            driver_ask(counters->driver[s], now_ns);
    if (!counters->absent[SOURCE_PM_COUNTERS])
        pm_counters_begin(now_ns);
}

static int read_counter(struct counters *counters, struct counter *counter,
                        int64_t now_ns, struct counter_reading *reading)
{
    reading->lost_ms = reading->session = 0;
    if (counter->driver)
        return driver_take(counter->driver, counter->device, reading, counter->reason);
    if (counter->source == SOURCE_PM_COUNTERS &&
        pm_counters_check(&reading->session, counter->reason) < 0)
        return -1;
    if (!counter->integrated)
        return read_file(counter, now_ns, &reading->uj);
    if (sample(counter, now_ns, counters->sources->sample_ms) < 0)
        return -1;
    reading->uj = counter->sum_uj;
    reading->lost_ms = counter->lost_ms;
    reading->session = counter->session;
    return 0;
}

int counters_read(struct counters *counters, int index, int64_t now_ns,
                  struct counter_reading *reading)
{
    struct counter *counter = &counters->item[index];

    if (read_counter(counters, counter, now_ns, reading) < 0) {
        if (!counter->reason[0])
            no_value(counter, "it cannot be read");
        return -1;
    }
    if (counter->charged)
        counter->reason[0] = '\0';
    return 0;
}

void counters_open(struct counters *counters, const struct sources *sources)
{
    static const char *(*const find[SOURCES])(struct counters *) = {
        [SOURCE_POWERCAP] = powercap_find, [SOURCE_NVML] = nvml_find,
        [SOURCE_RSMI] = rsmi_find,         [SOURCE_PM_COUNTERS] = pm_counters_find,
        [SOURCE_HWMON] = hwmon_find,       [SOURCE_DCMI] = dcmi_find};

    memset(counters, 0, sizeof *counters);
    counters->sources = sources;
    for (int s = 0; s < SOURCES; s++)
        counters->absent[s] = sources->use[s] ? find[s](counters)
                                              : "not used: the list of sources says so";
    counters_choose(counters);
    find_sampled(counters);
}

void counters_close(struct counters *counters)
{
    for (int c = 0; c < counters->count; c++)
        if (counters->item[c].fd >= 0)
            close(counters->item[c].fd);
    for (int s = 0; s < SOURCES; s++) {
        if (counters->driver[s])
            driver_stop(counters->driver[s]);
        counters->driver[s] = NULL;
        counters->absent[s] = "the counters are closed";
    }
    pm_counters_close();
    counters->count = 0;
}
