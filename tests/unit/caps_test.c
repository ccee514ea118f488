/* caps_test.c - the life of a cap: orders, sharers, crashes, reboots, other people */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "plugin/meter/allowance.h"
#include "plugin/meter/caps_inside.h"
#include "plugin/meter/meter.h"
#include "tests/unit/fake_limits.h"

#define W INT64_C(1000)
#define PACKAGE FAKE_DEVICES

static char dir[] = "/tmp/kwota-caps-test-XXXXXX";
static char log_text[4096];
static int64_t now_ns;
static struct caps caps;
static struct books books;
static const char *boot;

int64_t meter_now_ns(void)
{
    return now_ns;
}

int64_t meter_now_ms(void)
{
    return INT64_C(1700000000000) + now_ns / 1000000;
}

void meter_log(const char *format, ...)
{
    size_t len = strlen(log_text);
    va_list ap;

    va_start(ap, format);
    vsnprintf(log_text + len, sizeof log_text - len, format, ap);
    va_end(ap);
}

/* The meter begins. No thread: the test makes the passes. */
static void begin(void)
{
    memset(&caps, 0, sizeof caps);
    caps_open(&caps, NULL, "n1", dir, boot);
    caps.started = true;
}

static void pass(void)
{
    pthread_mutex_lock(&caps.lock);
    caps_pass(&caps);
    caps.done = caps.asked;
    pthread_mutex_unlock(&caps.lock);
}

static void look(int64_t seconds)
{
    now_ns += seconds * NS_PER_S;
    caps_look(&caps, &books);
    pass();
}

/* The meter ends, or is killed: what is not on disk is lost. */
static void again(void)
{
    begin();
    look(1);
}

static struct books_run *start(uint32_t job, uint64_t gpus)
{
    struct books_run *run = books_start(&books, job, meter_now_ms(), now_ns);

    assert_non_null(run);
    run->cpus = 4;
    run->gpus = gpus;
    caps_look(&caps, &books);
    return run;
}

static void end(struct books_run *run)
{
    books_end(run, meter_now_ms());
    look(0);
}

static void tell(const struct books_run *run, int64_t gpu_mw, int64_t package_mw)
{
    struct caps_order order = {
        .cap_told = true,
        .cap = {.gpu_mw = gpu_mw, .package_mw = package_mw, .why = "a rule"}};

    caps_tell(&caps, &books, run->token, &order);
}

static void cap(const struct books_run *run, int64_t gpu_mw)
{
    tell(run, gpu_mw, 0);
    pass();
}

static void assert_nothing_kept(void)
{
    char why[LIMIT_WHY];
    static struct caps_book book;

    caps_book_read(&book, dir, why);
    assert_string_equal(why, "");
    assert_int_equal(book.device_count, 0);
}

static json_t *report_of(const struct books_run *run)
{
    json_t *report = json_pack("{s:[{s:s}]}", "runs", "token", run->token), *found;

    caps_report(&caps, report);
    found = json_incref(
        json_object_get(json_array_get(json_object_get(report, "runs"), 0), "caps"));
    json_decref(report);
    return found;
}

static void assert_state(const struct books_run *run, const char *state, int64_t mw)
{
    json_t *report = report_of(run);
    const json_t *device = json_array_get(json_object_get(report, "devices"), 0);

    assert_non_null(report);
    assert_non_null(device);
    assert_string_equal(json_string_value(json_object_get(device, "state")), state);
    assert_int_equal(json_integer_value(json_object_get(device, "mw")), mw);
    json_decref(report);
}

static int set_up(void **arg)
{
    (void)arg;
    strcpy(dir + strlen(dir) - 6, "XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    boot = "boot-1";
    now_ns = 100 * NS_PER_S;
    log_text[0] = '\0';
    fake_reset(2);
    books_init(&books);
    begin();
    return 0;
}

static int tear_down(void **arg)
{
    static const char *const files[] = {"caps.json", "caps.json.new", "caps.json.bad"};
    char path[128];

    (void)arg;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, files[i]);
        unlink(path);
    }
    snprintf(path, sizeof path, "rm -rf %s/system.slice", dir);
    return system(path) || rmdir(dir);
}

static void nothing_without_a_cap(void **arg)
{
    (void)arg;
    start(1, 1);
    look(10);
    assert_int_equal(caps.asked, 0);
    assert_int_equal(caps.live_count, 0);
}

static void set_and_set_back(void **arg)
{
    struct books_run *run;

    (void)arg;
    fake[0].mw = 350 * W; /* not the default */
    run = start(1, 1);
    cap(run, 250 * W);
    assert_int_equal(fake[0].mw, 250 * W);
    assert_int_equal(fake[1].sets, 0);
    assert_state(run, "set", 250 * W);
    cap(run, 200 * W);
    assert_int_equal(fake[0].mw, 200 * W);
    end(run);
    assert_int_equal(fake[0].mw, 350 * W);
    assert_nothing_kept();
}

static void lifted_while_it_runs(void **arg)
{
    struct books_run *run = start(1, 1);

    (void)arg;
    cap(run, 250 * W);
    now_ns += 60 * NS_PER_S;
    cap(run, 0);
    assert_int_equal(fake[0].mw, 400 * W);
    assert_nothing_kept();
}

/* A value that a device cannot take is brought into its range; a limit is never raised.
 */
static void what_is_set(void **arg)
{
    static const struct {
        int64_t found_mw, told_mw, set_mw;
    } cases[] = {
        {400 * W, 250 * W, 250 * W},
        {400 * W, 250 * W + 700, 250 * W},
        {400 * W, 20 * W, 100 * W},
        {400 * W, 900 * W, 400 * W},
        {200 * W, 250 * W, 200 * W},
        {400 * W, 400 * W, 400 * W},
        {400 * W + 300, 400 * W, 400 * W + 300},
    };

    (void)arg;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct books_run *run;

        fake[0].mw = cases[i].found_mw;
        run = start(1, 1);
        cap(run, cases[i].told_mw);
        assert_int_equal(fake[0].mw, cases[i].set_mw);
        assert_state(run, "set", cases[i].set_mw);
        end(run);
        assert_int_equal(fake[0].mw, cases[i].found_mw);
        books_forget(&books, run->token);
        assert_true(!fake[0].sets || fake[0].lowest_mw >= 100 * W);
        assert_true(fake[0].highest_mw <= 500 * W);
    }
}

/* What is told and not done yet is not reported as if it were. */
static void told_is_not_set(void **arg)
{
    struct books_run *first = start(1, 2), *run = start(2, 1);
    json_t *report;

    (void)arg;
    cap(first, 250 * W); /* so that devices are open, and read */
    tell(run, 250 * W, 0);
    report = report_of(run);
    assert_int_equal(json_array_size(json_object_get(report, "devices")), 0);
    json_decref(report);
    pass();
    assert_state(run, "set", 250 * W);
    /* another word: until it is done, what is set holds */
    tell(run, 200 * W, 0);
    assert_state(run, "set", 250 * W);
    pass();
    assert_state(run, "set", 200 * W);
}

/* Who never reported while it ran can still say what it was held to. */
static void what_an_ended_run_tells(void **arg)
{
    struct books_run *run = start(1, 1);
    json_t *report;
    int64_t mw = 0;

    (void)arg;
    cap(run, 250 * W);
    report = report_of(run);
    assert_null(json_object_get(report, "lowest"));
    assert_string_equal(json_string_value(json_object_get(report, "why")), "a rule");
    json_decref(report);
    look(5);
    end(run);
    report = report_of(run);
    assert_int_equal(json_array_size(json_object_get(report, "devices")), 0);
    mw = json_integer_value(
        json_object_get(json_object_get(report, "lowest"), "gpu_mw"));
    assert_int_equal(mw, 250 * W);
    assert_string_equal(json_string_value(json_object_get(report, "why")), "a rule");
    json_decref(report);
}

/* Raising a cap above what was found restores that, and no more. */
static void raised_above_what_was_found(void **arg)
{
    struct books_run *run;

    (void)arg;
    fake[0].mw = 300 * W;
    run = start(1, 1);
    cap(run, 200 * W);
    cap(run, 450 * W);
    assert_int_equal(fake[0].mw, 300 * W);
    end(run);
    assert_int_equal(fake[0].mw, 300 * W);
    assert_nothing_kept();
}

static void sharers_get_the_highest(void **arg)
{
    struct books_run *one = start(1, 1), *two;

    (void)arg;
    cap(one, 200 * W);
    two = start(2, 3);
    pass();
    assert_int_equal(fake[0].mw, 200 * W); /* not decided yet */
    cap(two, 300 * W);
    assert_int_equal(fake[0].mw, 300 * W);
    assert_int_equal(fake[1].mw, 300 * W);
    assert_state(one, "shared", 300 * W);
    assert_state(two, "set", 300 * W);
    end(two);
    assert_int_equal(fake[0].mw, 200 * W);
    assert_int_equal(fake[1].mw, 400 * W);
    end(one);
    assert_int_equal(fake[0].mw, 400 * W);
    assert_nothing_kept();
}

static void a_sharer_without_a_cap_lifts_it(void **arg)
{
    struct books_run *one = start(1, 1), *two;

    (void)arg;
    cap(one, 200 * W);
    two = start(2, 1);
    look(1);
    assert_int_equal(fake[0].mw, 200 * W);
    assert_true(caps_ready(&caps, two->token)); /* its prolog goes on, uncapped */
    pass();
    assert_int_equal(fake[0].mw, 400 * W);
    assert_state(one, "shared", 400 * W);
    end(two);
    assert_int_equal(fake[0].mw, 200 * W);
}

/* A prolog that never asks counts after a while, too. */
static void an_undecided_sharer_is_decided_in_the_end(void **arg)
{
    struct books_run *one = start(1, 1);

    (void)arg;
    cap(one, 200 * W);
    start(2, 1);
    look(14);
    assert_int_equal(fake[0].mw, 200 * W);
    look(2);
    assert_int_equal(fake[0].mw, 400 * W);
}

static void six_caps_on_six_gpus(void **arg)
{
    struct books_run *run[6];

    (void)arg;
    fake_reset(6);
    for (int i = 0; i < 6; i++) {
        fake[i].mw = (400 + i) * W;
        run[i] = start((uint32_t)i + 1, UINT64_C(1) << i);
    }
    for (int i = 0; i < 6; i++)
        cap(run[i], (150 + 10 * i) * W);
    for (int i = 0; i < 6; i++)
        assert_int_equal(fake[i].mw, (150 + 10 * i) * W);
    for (int i = 0; i < 6; i++) {
        end(run[i]);
        assert_int_equal(fake[i].mw, (400 + i) * W);
    }
    assert_nothing_kept();
}

/* A package is held only for the run that has the node to itself. */
static void packages(void **arg)
{
    struct books_run *one = start(1, 0), *two;

    (void)arg;
    tell(one, 0, 90 * W);
    pass();
    assert_int_equal(fake[PACKAGE].mw, 90 * W);
    two = start(2, 0);
    pass();
    assert_int_equal(fake[PACKAGE].mw, 120 * W);
    assert_state(one, "shared", 120 * W);
    end(two);
    assert_int_equal(fake[PACKAGE].mw, 90 * W);
    end(one);
    assert_int_equal(fake[PACKAGE].mw, 120 * W);
}

static void a_meter_that_goes_on(void **arg)
{
    struct books_run *run = start(1, 1);

    (void)arg;
    cap(run, 250 * W);
    again();
    assert_int_equal(fake[0].mw, 250 * W);
    assert_int_equal(fake[0].sets, 1);
    assert_state(run, "set", 250 * W);
    end(run);
    assert_int_equal(fake[0].mw, 400 * W);
    assert_nothing_kept();
}

/* The epilog never ran, or the books were lost with an upgrade. */
static void a_run_that_is_gone(void **arg)
{
    struct books_run *run = start(1, 1);

    (void)arg;
    cap(run, 250 * W);
    books.run_count = 0;
    again();
    assert_int_equal(fake[0].mw, 400 * W);
    assert_nothing_kept();
    assert_int_equal(caps.book.run_count, 0);
}

enum life { GOES_ON, IS_OVER };

/* One life, in which the process is killed at the n-th call of a device; false: there
 * was no such call. */
static bool die(int n, bool effect, enum life life)
{
    struct books_run *volatile run;
    bool died;

    fake_reset(2);
    fake[0].mw = 380 * W;
    books_init(&books);
    begin();
    run = start(1, 3);
    fake_die_at = n;
    fake_effect = effect;
    died = setjmp(fake_death) != 0;
    if (!died) {
        cap(run, 250 * W);
        cap(run, 300 * W);
        end(run);
    }
    fake_die_at = 0;
    if (life == IS_OVER && !run->final)
        books_end(run, meter_now_ms());
    again();
    if (!run->final) {
        /* The order that stands is the last that was saved; kwotad repeats its own. */
        cap(run, 300 * W);
        assert_int_equal(fake[0].mw, 300 * W);
        assert_int_equal(fake[1].mw, 300 * W);
        assert_state(run, "set", 300 * W);
        end(run);
    }
    assert_int_equal(fake[0].mw, 380 * W);
    assert_int_equal(fake[1].mw, 400 * W);
    assert_nothing_kept();
    books_forget(&books, run->token);
    look(10);
    return died;
}

static void killed_at_any_call(void **arg)
{
    int calls = 0;

    (void)arg;
    for (int life = GOES_ON; life <= IS_OVER; life++)
        for (int effect = 0; effect <= 1; effect++)
            for (calls = 0; die(calls + 1, effect, (enum life)life); calls++)
                ;
    assert_true(calls > 15);
}

/* It is killed again and again while it sets: it leaves the device alone in the end. */
static void a_driver_that_kills(void **arg)
{
    struct books_run *volatile run = start(1, 1);
    volatile int deaths = 0;

    (void)arg;
    tell(run, 250 * W, 0);
    for (int i = 0; i < 10; i++) {
        if (setjmp(fake_death) == 0) {
            /* The package is read first, then the GPU is read and set. */
            fake_die_at = fake_calls + 2;
            if (i == 0)
                pass();
            else
                again();
        } else {
            deaths++;
            /* kwotad's order is told anew to a meter that had not saved it. */
            begin();
            caps_look(&caps, &books);
            tell(run, 250 * W, 0);
        }
    }
    assert_true(deaths >= 1 && deaths <= 4);
    assert_true(fake[0].sets <= 3);
}

/* A library that ends the process as it is opened is left alone for ten minutes. */
static void a_library_that_kills(void **arg)
{
    struct books_run *volatile run = start(1, 1);

    (void)arg;
    fake_open_dies = true;
    for (volatile int i = 0; i < 6; i++)
        if (setjmp(fake_death) == 0) {
            begin();
            tell(run, 250 * W, 0);
            pass();
        }
    assert_int_equal(fake_opens, 3);
    assert_state(run, "failed", 0);
    fake_open_dies = false;
    look(599);
    assert_int_equal(fake[0].sets, 0);
    look(2);
    assert_int_equal(fake[0].mw, 250 * W);
}

static void someone_else_has_set_it(void **arg)
{
    struct books_run *run = start(1, 1);

    (void)arg;
    cap(run, 250 * W);
    fake[0].mw = 180 * W;
    look(10);
    assert_int_equal(fake[0].mw, 180 * W);
    assert_state(run, "foreign", 180 * W);
    cap(run, 150 * W); /* kwotad's new order is not set over it either */
    assert_int_equal(fake[0].mw, 180 * W);
    again();
    assert_state(run, "foreign", 180 * W);
    end(run);
    assert_int_equal(fake[0].mw, 180 * W);
    assert_nothing_kept();
    assert_non_null(strstr(log_text, "someone else"));
    /* The next run finds it, and gets it back. */
    run = start(2, 1);
    cap(run, 120 * W);
    assert_int_equal(fake[0].mw, 120 * W);
    end(run);
    assert_int_equal(fake[0].mw, 180 * W);
}

/* … between two looks: seen when it is to be set back. */
static void someone_else_at_the_end(void **arg)
{
    struct books_run *run = start(1, 1);

    (void)arg;
    cap(run, 250 * W);
    fake[0].mw = 500 * W;
    end(run);
    assert_int_equal(fake[0].mw, 500 * W);
    assert_nothing_kept();
}

static void reboot(const char *name)
{
    for (int i = 0; i < books.run_count; i++)
        if (!books.runs[i].final)
            books_end(&books.runs[i], meter_now_ms());
    boot = name;
    again();
}

static void reboots(void **arg)
{
    /* What the device shows after it, and at the end. */
    static const int64_t cases[][2] = {
        {400 * W, 400 * W}, /* as found */
        {500 * W, 500 * W}, /* its default: not overwritten with what was found */
        {250 * W, 400 * W}, /* the limit was kept: it is kwota's */
    };

    (void)arg;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct books_run *run = start(1, 1);
        char name[16];

        fake[0].mw = 400 * W;
        cap(run, 250 * W);
        fake[0].mw = cases[i][0];
        snprintf(name, sizeof name, "boot-%zu", i + 2);
        reboot(name);
        assert_int_equal(fake[0].mw, cases[i][1]);
        assert_nothing_kept();
        books_forget(&books, run->token);
    }
}

static void failures(void **arg)
{
    static const struct {
        enum limit_error error;
        int tries; /* within 20 s */
    } cases[] = {
        {LIMIT_PERMISSION, 1}, {LIMIT_RANGE, 1}, {LIMIT_LOST, 1}, {LIMIT_FAILED, 5}};

    (void)arg;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct books_run *run = start(1, 1);

        fake[0].sets = 0;
        fake[0].set_error = cases[i].error;
        cap(run, 250 * W);
        assert_state(run, "failed", 400 * W);
        for (int s = 0; s < 20; s++)
            look(1);
        assert_int_equal(fake[0].sets, cases[i].tries);
        fake[0].set_error = LIMIT_OK;
        cap(run, 200 * W); /* another order is another try */
        assert_state(run, "set", 200 * W);
        end(run);
        assert_int_equal(fake[0].mw, 400 * W);
        books_forget(&books, run->token);
        look(1);
    }
}

/* What fails at the end is tried until it works, by a later meter if need be. */
static void a_restore_that_fails(void **arg)
{
    struct books_run *run = start(1, 1);

    (void)arg;
    cap(run, 250 * W);
    fake[0].set_error = LIMIT_FAILED;
    end(run);
    books_forget(&books, run->token);
    look(2);
    assert_int_equal(fake[0].mw, 250 * W);
    again();
    fake[0].set_error = LIMIT_OK;
    look(2);
    assert_int_equal(fake[0].mw, 400 * W);
    assert_nothing_kept();
}

static void nothing_is_set_that_is_not_saved(void **arg)
{
    struct books_run *run = start(1, 1);

    (void)arg;
    snprintf(caps.dir, sizeof caps.dir, "%s/none", dir);
    look(1);
    caps.open = true; /* devices are open from before the disk was full */
    limits_open(&caps.limits, NULL);
    cap(run, 250 * W);
    assert_int_equal(fake[0].sets, 0);
    assert_state(run, "failed", 400 * W);
}

static void a_book_that_cannot_be_read(void **arg)
{
    char path[128];
    FILE *file;

    (void)arg;
    snprintf(path, sizeof path, "%s/caps.json", dir);
    file = fopen(path, "we");
    assert_non_null(file);
    fputs("{\"devices\":[{", file);
    fclose(file);
    begin();
    assert_non_null(strstr(log_text, "cannot be read"));
    assert_int_equal(caps.book.device_count, 0);
    cap(start(1, 1), 250 * W);
    assert_int_equal(fake[0].mw, 250 * W);
}

/* What a prolog waits for. */
static void prologs_wait_for_a_second(void **arg)
{
    struct books_run *run = start(1, 1);

    (void)arg;
    assert_true(caps_ready(&caps, run->token));
    tell(run, 250 * W, 0);
    assert_false(caps_ready(&caps, run->token));
    pass();
    assert_true(caps_ready(&caps, run->token));
    tell(run, 200 * W, 0);
    assert_false(caps_ready(&caps, run->token));
    now_ns += NS_PER_S + 1;
    assert_true(caps_ready(&caps, run->token));
    /* A library that has hung for longer delays no further prolog at all. */
    caps.calling_ns = now_ns - 2 * NS_PER_S;
    snprintf(caps.calling, sizeof caps.calling, "gpu-0");
    tell(run, 150 * W, 0);
    assert_true(caps_ready(&caps, run->token));
    assert_state(run, "failed", 250 * W);
}

static void how_long_and_to_what(void **arg)
{
    struct books_run *run = start(1, 1);
    json_t *summary, *report;

    (void)arg;
    assert_null(caps_summary(&caps, run->token));
    cap(run, 250 * W);
    now_ns += 100 * NS_PER_S;
    cap(run, 200 * W);
    again(); /* a second later */
    now_ns += 49 * NS_PER_S;
    cap(run, 0);
    now_ns += 1000 * NS_PER_S;
    cap(run, 300 * W);
    now_ns += 50 * NS_PER_S;
    end(run);
    now_ns += 1000 * NS_PER_S;
    summary = caps_summary(&caps, run->token);
    assert_int_equal(json_integer_value(json_object_get(summary, "capped_ms")), 200000);
    assert_int_equal(json_integer_value(json_object_get(summary, "gpu_mw")), 200 * W);
    json_decref(summary);
    report = report_of(run);
    assert_int_equal(json_integer_value(json_object_get(report, "capped_ms")), 200000);
    assert_true(json_is_null(json_object_get(report, "gpu_mw")));
    assert_true(json_is_null(json_object_get(report, "since_ms")));
    json_decref(report);
}

static void limits_are_told(void **arg)
{
    struct books_run *run = start(1, 1);
    json_t *report = json_pack("{s:[]}", "runs"), *limits;

    (void)arg;
    caps_report(&caps, report);
    assert_null(json_object_get(report, "limits"));
    cap(run, 250 * W);
    caps_report(&caps, report);
    limits = json_object_get(report, "limits");
    assert_int_equal(json_array_size(limits), 3);
    assert_int_equal(
        json_integer_value(json_object_get(json_array_get(limits, 0), "found_mw")),
        400 * W);
    assert_int_equal(
        json_integer_value(json_object_get(json_array_get(limits, 0), "now_mw")),
        250 * W);
    assert_true(json_is_null(json_object_get(json_array_get(limits, 1), "found_mw")));
    json_decref(report);
}

static void allowances(void **arg)
{
    static const struct {
        enum caps_then then;
        int64_t mj, used, silent;
        enum allowance_act act;
    } cases[] = {
        {CAPS_FLOOR, 1000, 1000, 120000, ALLOWANCE_FLOOR},
        {CAPS_FLOOR, 1000, 999, 120000, ALLOWANCE_NOTHING},
        {CAPS_FLOOR, 1000, 5000, 119999, ALLOWANCE_NOTHING},
        {CAPS_RUN, 1000, 5000, 999999, ALLOWANCE_NOTHING},
        {CAPS_FLOOR, -1, 5000, 999999, ALLOWANCE_NOTHING},
        {CAPS_END, 1000, 749, 120000, ALLOWANCE_NOTHING},
        {CAPS_END, 1000, 750, 120000, ALLOWANCE_FLOOR},
        {CAPS_END, 1000, 1000, 120000, ALLOWANCE_END},
        {CAPS_END, 1000, 1000, 100000, ALLOWANCE_NOTHING},
        {CAPS_FLOOR, 0, 0, 120000, ALLOWANCE_FLOOR},
    };

    (void)arg;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(allowance_act(cases[i].then, cases[i].mj, cases[i].used,
                                       cases[i].silent, 60000),
                         cases[i].act);
}

static void the_floor_and_back(void **arg)
{
    struct counter counter = {.kind = COUNTER_GPU, .name = "gpu-0"};
    struct books_run *run = start(1, 1);
    struct caps_order order = {
        .allowance_told = true, .allowance_mj = 5, .then = CAPS_FLOOR};

    (void)arg;
    assert_non_null(books_domain(&books, &counter));
    run->uj[0] = 6000;
    caps_heard(&caps, true);
    cap(run, 250 * W);
    caps_tell(&caps, &books, run->token, &order);
    look(books.report_ms / 1000);
    assert_int_equal(fake[0].mw, 250 * W);
    look(books.report_ms / 1000);
    assert_int_equal(fake[0].mw, 100 * W);
    again(); /* still away */
    assert_int_equal(fake[0].mw, 100 * W);
    caps_heard(&caps, true);
    pass();
    assert_int_equal(fake[0].mw, 250 * W);
    end(run);
    assert_int_equal(fake[0].mw, 400 * W);
}

/* A made-up cgroup v2 in which the job has a directory. */
static void make_group(char path[256], uint32_t job)
{
    char command[600];

    snprintf(caps.throttle.v2, sizeof caps.throttle.v2, "%s", dir);
    snprintf(path, 256, "%s/system.slice/n1_slurmstepd.scope/job_%u", dir, job);
    snprintf(command, sizeof command, "mkdir -p %s && echo max 100000 >%s/cpu.max",
             path, path);
    assert_int_equal(system(command), 0);
    strcat(path, "/cpu.max");
}

static void assert_quota(const char *path, const char *quota)
{
    char line[64] = "";
    FILE *file = fopen(path, "re");

    assert_non_null(file);
    assert_non_null(fgets(line, sizeof line, file));
    fclose(file);
    line[strcspn(line, "\n")] = '\0';
    assert_string_equal(line, quota);
}

static void throttle(const struct books_run *run, int32_t percent)
{
    struct caps_order order = {.cap_told = true,
                               .cap = {.cpu_percent = percent, .why = "a rule"}};

    caps_tell(&caps, &books, run->token, &order);
    pass();
}

static void assert_percent(const struct books_run *run, int64_t percent)
{
    json_t *report = report_of(run);

    assert_int_equal(json_integer_value(json_object_get(report, "cpu_percent")),
                     percent);
    json_decref(report);
}

static void cpu_quotas(void **arg)
{
    struct books_run *run = start(1, 0);
    struct caps_order floor = {
        .allowance_told = true, .allowance_mj = 0, .then = CAPS_FLOOR};
    json_t *summary;
    char path[256];

    (void)arg;
    throttle(run, 50); /* its cgroup is made after its prolog */
    assert_percent(run, 0);
    make_group(path, 1);
    look(1);
    assert_quota(path, "200000 100000");
    assert_percent(run, 50);
    /* A later meter goes on … */
    begin();
    snprintf(caps.throttle.v2, sizeof caps.throttle.v2, "%s", dir);
    look(10);
    assert_quota(path, "200000 100000");
    caps_tell(&caps, &books, run->token, &floor);
    look(2 * books.report_ms / 1000);
    assert_quota(path, "40000 100000");
    caps_heard(&caps, true);
    pass();
    assert_quota(path, "200000 100000");
    throttle(run, 0);
    assert_quota(path, "max 100000");
    throttle(run, 20);
    assert_quota(path, "80000 100000");
    summary = caps_summary(&caps, run->token);
    assert_int_equal(json_integer_value(json_object_get(summary, "cpu_percent")), 10);
    json_decref(summary);
    /* … or undoes what it finds. */
    books.run_count = 0;
    begin();
    snprintf(caps.throttle.v2, sizeof caps.throttle.v2, "%s", dir);
    look(1);
    assert_quota(path, "max 100000");
    assert_int_equal(caps.book.run_count, 0);
}

static void orders_in_json(void **arg)
{
    struct caps_order order;
    json_t *one = json_loads(
        "{\"cap\":{\"gpu_mw\":250000,\"package_mw\":null,\"cpu_percent\":100,"
        "\"why\":\"a rule\"},\"allowance\":{\"mj\":70,\"then\":\"end\"}}",
        0, NULL);

    (void)arg;
    caps_order_read(one, &order);
    assert_true(order.cap_told);
    assert_int_equal(order.cap.gpu_mw, 250000);
    assert_int_equal(order.cap.package_mw, 0);
    assert_int_equal(order.cap.cpu_percent, 0); /* out of bounds: 1 to 99 */
    assert_string_equal(order.cap.why, "a rule");
    assert_int_equal(order.allowance_mj, 70);
    assert_int_equal(order.then, CAPS_END);
    json_object_set_new(one, "cap", json_null());
    json_object_del(one, "allowance");
    caps_order_read(one, &order);
    assert_true(order.cap_told);
    assert_int_equal(order.cap.gpu_mw, 0);
    assert_int_equal(order.allowance_mj, -1);
    json_object_del(one, "cap");
    caps_order_read(one, &order);
    assert_false(order.cap_told);
    json_decref(one);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_without_a_cap),
        TEST(set_and_set_back),
        TEST(lifted_while_it_runs),
        TEST(what_is_set),
        TEST(told_is_not_set),
        TEST(what_an_ended_run_tells),
        TEST(raised_above_what_was_found),
        TEST(sharers_get_the_highest),
        TEST(a_sharer_without_a_cap_lifts_it),
        TEST(an_undecided_sharer_is_decided_in_the_end),
        TEST(six_caps_on_six_gpus),
        TEST(packages),
        TEST(a_meter_that_goes_on),
        TEST(a_run_that_is_gone),
        TEST(killed_at_any_call),
        TEST(a_driver_that_kills),
        TEST(a_library_that_kills),
        TEST(someone_else_has_set_it),
        TEST(someone_else_at_the_end),
        TEST(reboots),
        TEST(failures),
        TEST(a_restore_that_fails),
        TEST(nothing_is_set_that_is_not_saved),
        TEST(a_book_that_cannot_be_read),
        TEST(prologs_wait_for_a_second),
        TEST(how_long_and_to_what),
        TEST(limits_are_told),
        TEST(allowances),
        TEST(the_floor_and_back),
        TEST(cpu_quotas),
        TEST(orders_in_json),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
