/* meter_driver_test.c - libraries that answer, integrate, come late and hang
 *
 * Times here are lower bounds of what is waited for, or patience that is far beyond any
 * machine's slowness: no test passes or fails by a machine's speed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "plugin/meter/driver.h"
#include "plugin/meter/sources.h"

static struct sources sources;

/* What the made-up library does. */
static struct {
    pthread_mutex_t lock; /* guards all below */
    bool hang_open, hang_read, fail_open, power, users_asked;
    int64_t value;
    int opened, reads;
} library = {.lock = PTHREAD_MUTEX_INITIALIZER};

static int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_BOOTTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static bool flag(const bool *which)
{
    bool value;

    pthread_mutex_lock(&library.lock);
    value = *which;
    pthread_mutex_unlock(&library.lock);
    return value;
}

static void set(bool *which, bool value)
{
    pthread_mutex_lock(&library.lock);
    *which = value;
    pthread_mutex_unlock(&library.lock);
}

static int open_library(const struct sources *s, struct driver_device *devices, int max,
                        char why[COUNTER_REASON])
{
    (void)s;
    (void)max;
    while (flag(&library.hang_open))
        usleep(1000);
    if (flag(&library.fail_open)) {
        snprintf(why, COUNTER_REASON, "the driver is not loaded");
        return -1;
    }
    pthread_mutex_lock(&library.lock);
    library.opened++;
    pthread_mutex_unlock(&library.lock);
    for (int i = 0; i < 2; i++)
        devices[i] = (struct driver_device){.kind = COUNTER_GPU,
                                            .order = 1 - i,
                                            .slices = 1,
                                            .slice_weight = {1},
                                            .slices_whole = 1,
                                            .power = flag(&library.power)};
    return 2;
}

static int read_library(int device, bool users, struct driver_sample *sample,
                        char why[COUNTER_REASON])
{
    while (flag(&library.hang_read))
        usleep(1000);
    pthread_mutex_lock(&library.lock);
    sample->power = library.power;
    sample->value = library.value + device;
    library.reads++;
    if (users) {
        library.users_asked = true;
        sample->users[0] = (struct driver_user){12, 30};
        sample->user_count = 1;
    }
    pthread_mutex_unlock(&library.lock);
    if (device == 1 && sample->value == 666) {
        snprintf(why, COUNTER_REASON, "the GPU is lost");
        return -1;
    }
    return 0;
}

static void close_library(void)
{
}

static const struct driver_ops ops = {.source = SOURCE_NVML,
                                      .open = open_library,
                                      .read = read_library,
                                      .close = close_library,
                                      .patience_ms = 60000};

static int reset(void **state)
{
    (void)state;
    sources_default(&sources, "/");
    sources.sample_ms = 100;
    library.hang_open = library.hang_read = library.fail_open = library.power =
        library.users_asked = false;
    library.value = 1000;
    library.opened = library.reads = 0;
    return 0;
}

static struct driver *start(int64_t wait_ms)
{
    const char *why;
    struct driver *driver = driver_start(&ops, &sources, wait_ms, &why);

    assert_non_null(driver);
    return driver;
}

static int take(struct driver *driver, int device, struct counter_reading *reading,
                char *reason)
{
    driver_ask(driver, now_ns());
    return driver_take(driver, device, reading, reason);
}

static void answers_when_asked(void **state)
{
    struct driver *driver = start(60000);
    struct counter_reading reading = {0};
    struct driver_user users[DRIVER_USERS];
    char reason[COUNTER_REASON];

    (void)state;
    assert_int_equal(take(driver, 0, &reading, reason), 0);
    assert_int_equal(reading.uj, 1000);
    pthread_mutex_lock(&library.lock);
    library.value = 665;
    pthread_mutex_unlock(&library.lock);
    assert_int_equal(take(driver, 0, &reading, reason), 0);
    assert_int_equal(reading.uj, 665);
    assert_int_equal(driver_take(driver, 1, &reading, reason), -1);
    assert_string_equal(reason, "the GPU is lost");
    assert_false(flag(&library.users_asked));
    driver_want_users(driver, 1);
    assert_int_equal(take(driver, 0, &reading, reason), 0);
    assert_int_equal(driver_users(driver, 0, users), 1);
    assert_int_equal(users[0].job, 12);
    driver_stop(driver);
}

static void devices_stand_in_slurm_s_order(void **state)
{
    static struct counters counters;
    struct driver *driver = start(60000);

    (void)state;
    memset(&counters, 0, sizeof counters);
    counters.sources = &sources;
    driver_add_counters(&counters, driver);
    assert_int_equal(counters.count, 2);
    assert_string_equal(counters.item[0].name, "gpu-1");
    assert_int_equal(counters.item[0].index, 1);
    assert_string_equal(counters.item[1].name, "gpu-0");
    driver_stop(driver);
}

static void power_is_integrated_by_itself(void **state)
{
    struct driver *driver;
    struct counter_reading first = {0}, last = {0};
    char reason[COUNTER_REASON];
    int64_t from_ns, until_ns;

    (void)state;
    library.power = true;
    library.value = 100000000; /* 100 W */
    /* It is asked much more often: a machine that stands still loses no time. */
    sources.sample_ms = 5000;
    driver = start(60000);
    assert_int_equal(take(driver, 0, &first, reason), 0);
    from_ns = now_ns();
    do {
        assert_int_equal(take(driver, 0, &last, reason), 0);
        usleep(20000);
    } while (last.uj - first.uj < 20000000); /* 20 J of 100 W: 0.2 s */
    until_ns = now_ns();
    /* never more than the time there was */
    assert_true(last.uj - first.uj <= (until_ns - from_ns) / 10 + 10000000);
    assert_int_equal(last.lost_ms, 0);
    assert_int_equal(last.session, first.session);
    driver_stop(driver);
}

static const struct driver_ops impatient = {.source = SOURCE_NVML,
                                            .open = open_library,
                                            .read = read_library,
                                            .close = close_library,
                                            .patience_ms = 50};

static void a_hung_read_is_unknown(void **state)
{
    const char *why;
    struct driver *driver = driver_start(&impatient, &sources, 60000, &why);
    struct counter_reading reading = {0};
    char reason[COUNTER_REASON];

    (void)state;
    set(&library.hang_read, true);
    /* One that was under way before may still be good. */
    take(driver, 0, &reading, reason);
    assert_int_equal(take(driver, 0, &reading, reason), -1);
    assert_string_equal(reason, "nvml does not answer");
    set(&library.hang_read, false);
    while (take(driver, 0, &reading, reason) < 0)
        usleep(1000);
    assert_int_equal(reading.uj, 1000);
    driver_stop(driver);
}

/* Longer than five sampling periods. */
static void power_while_hanging_is_lost_time(void **state)
{
    const char *why;
    struct driver *driver;
    struct counter_reading before = {0}, after = {0};
    char reason[COUNTER_REASON];

    (void)state;
    library.power = true;
    library.value = 100000000;
    driver = driver_start(&impatient, &sources, 60000, &why);
    while (take(driver, 0, &before, reason) < 0)
        usleep(1000);
    set(&library.hang_read, true);
    usleep(900000);
    set(&library.hang_read, false);
    while (take(driver, 0, &after, reason) < 0 || after.lost_ms == before.lost_ms)
        usleep(1000);
    assert_true(after.lost_ms - before.lost_ms > 500);
    assert_int_equal(after.session, before.session);
    assert_true(after.uj >= before.uj);
    driver_stop(driver);
}

/* What is never answered still returns: here nothing lets the library go. */
static void stopping_does_not_wait_for_what_hangs(void **state)
{
    static struct driver *left_behind[2];
    const struct driver_device *devices;
    struct counter_reading reading;
    char reason[COUNTER_REASON];
    const char *why;

    (void)state;
    left_behind[0] = driver_start(&impatient, &sources, 60000, &why);
    set(&library.hang_read, true);
    take(left_behind[0], 0, &reading, reason);
    assert_int_equal(take(left_behind[0], 1, &reading, reason), -1);
    driver_stop(left_behind[0]);
    set(&library.hang_open, true);
    left_behind[1] = driver_start(&impatient, &sources, 20, &why);
    assert_int_equal(driver_devices(left_behind[1], &devices), 0);
    driver_ask(left_behind[1], now_ns());
    assert_int_equal(driver_take(left_behind[1], 0, &reading, reason), -1);
    assert_string_equal(reason, "nvml does not answer");
    driver_stop(left_behind[1]);
}

static void a_late_or_failing_open_has_no_devices(void **state)
{
    const struct driver_device *devices;
    struct driver *driver;

    (void)state;
    library.hang_open = true;
    driver = start(20);
    assert_int_equal(driver_devices(driver, &devices), 0);
    assert_string_equal(driver_why(driver), "it has not answered yet");
    set(&library.hang_open, false);
    while (driver_devices(driver, &devices) == 0)
        usleep(1000);
    driver_stop(driver);
    set(&library.fail_open, true);
    driver = start(60000);
    assert_int_equal(driver_devices(driver, &devices), 0);
    assert_string_equal(driver_why(driver), "the driver is not loaded");
    driver_stop(driver);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(answers_when_asked, reset),
        cmocka_unit_test_setup(devices_stand_in_slurm_s_order, reset),
        cmocka_unit_test_setup(power_is_integrated_by_itself, reset),
        cmocka_unit_test_setup(a_hung_read_is_unknown, reset),
        cmocka_unit_test_setup(power_while_hanging_is_lost_time, reset),
        cmocka_unit_test_setup(a_late_or_failing_open_has_no_devices, reset),
        /* the last: its threads stay */
        cmocka_unit_test_setup(stopping_does_not_wait_for_what_hangs, reset),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
