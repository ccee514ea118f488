/* hook_test.c - a program that is told of events, in time or not */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <fcntl.h>
#include <cmocka.h>

#include "policy/hook.h"

struct place {
    char dir[64], program[96];
};

static int setup(void **state)
{
    static struct place place;

    snprintf(place.dir, sizeof place.dir, "/tmp/kwota-unit-XXXXXX");
    if (!mkdtemp(place.dir))
        return -1;
    snprintf(place.program, sizeof place.program, "%s/hook", place.dir);
    *state = &place;
    return 0;
}

static int teardown(void **state)
{
    struct place *place = *state;
    char command[128];

    snprintf(command, sizeof command, "rm -rf %s", place->dir);
    return system(command);
}

/* A shell script that runs in the test's folder. */
static void write_hook(struct place *place, const char *lines)
{
    FILE *out = fopen(place->program, "w");

    assert_non_null(out);
    fprintf(out, "#!/bin/sh\ncd %s\n%s\n", place->dir, lines);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(chmod(place->program, 0700), 0);
}

static void path_of(struct place *place, const char *name, char path[128])
{
    snprintf(path, 128, "%s/%s", place->dir, name);
}

static bool is_there(struct place *place, const char *name)
{
    char path[128];

    path_of(place, name, path);
    return access(path, F_OK) == 0;
}

static void pause_ms(int ms)
{
    struct timespec time = {ms / 1000, ms % 1000 * 1000000L};

    nanosleep(&time, NULL);
}

/* At most ten seconds. */
static void wait_for(struct place *place, const char *name)
{
    for (int i = 0; i < 1000 && !is_there(place, name); i++)
        pause_ms(10);
    assert_true(is_there(place, name));
}

static void tell(struct hook *hook, const char *program, const char *what)
{
    json_t *event = json_pack("{s:s}", "event", what);

    hook_tell(hook, program, event);
    json_decref(event);
}

/* Tells until something was done: on a machine that stands still a program may be
 * killed before it began. */
static void tell_until(struct place *place, struct hook *hook, const char *what,
                       int times, const char *name)
{
    for (int i = 0; i < 20 && !is_there(place, name); i++) {
        for (int t = 0; t < times; t++)
            tell(hook, place->program, what);
        for (int w = 0; w < 100 && !is_there(place, name); w++)
            pause_ms(10);
    }
    assert_true(is_there(place, name));
}

static void content_is(struct place *place, const char *name, const char *expected)
{
    char path[128], text[128] = "";
    FILE *in;

    path_of(place, name, path);
    in = fopen(path, "r");
    assert_non_null(in);
    text[fread(text, 1, sizeof text - 1, in)] = '\0';
    fclose(in);
    assert_string_equal(text, expected);
}

static void it_reads_the_event(void **state)
{
    struct place *place = *state;
    struct hook *hook = hook_start(HOOK_LIMIT_MS);

    write_hook(place, "cat >a; mv a told");
    tell(hook, place->program, "breaker");
    wait_for(place, "told");
    content_is(place, "told", "{\"event\":\"breaker\"}");
    hook_stop(hook);
}

/* Nothing of kwotad's is open in it. */
static void it_starts_clean(void **state)
{
    struct place *place = *state;
    struct hook *hook = hook_start(HOOK_LIMIT_MS);
    /* A number that the shell does not use itself. */
    int left_open = fcntl(STDERR_FILENO, F_DUPFD, 200);
    char lines[96];

    assert_true(left_open >= 200);
    snprintf(lines, sizeof lines, "ls /proc/$$/fd | grep -x %d >a; mv a open",
             left_open);
    write_hook(place, lines);
    tell(hook, place->program, "x");
    wait_for(place, "open");
    content_is(place, "open", "");
    hook_stop(hook);
    close(left_open);
}

static void without_a_program_nothing_happens(void **state)
{
    struct place *place = *state;
    struct hook *hook = hook_start(HOOK_LIMIT_MS);

    tell(hook, NULL, "x");
    tell(hook, "/nonexistent/hook", "x");
    write_hook(place, "echo >told; exit 3");
    tell(hook, place->program, "x");
    wait_for(place, "told");
    hook_stop(hook);
}

static void one_that_hangs_is_killed_with_all_it_started(void **state)
{
    struct place *place = *state;
    struct hook *hook = hook_start(300);

    write_hook(place, "case $(cat) in *hang*) (sleep 2; echo >survived) &"
                      " echo >began; sleep 60; echo >survived;; *) echo >next;; esac");
    tell_until(place, hook, "hang", HOOK_MOST, "began");
    tell_until(place, hook, "next", 1, "next");
    pause_ms(2500);
    assert_false(is_there(place, "survived"));
    hook_stop(hook);
}

static void no_more_than_some_run_at_once(void **state)
{
    struct place *place = *state;
    struct hook *hook = hook_start(HOOK_LIMIT_MS);
    char path[128];
    FILE *go;

    write_hook(place, "n=$(cat | tr -dc 0-9); echo >began$n;"
                      " while [ ! -e go ]; do sleep 0.05; done; echo >done$n");
    for (int i = 0; i < HOOK_MOST + 2; i++) {
        char what[16];

        snprintf(what, sizeof what, "%d", i);
        tell(hook, place->program, what);
    }
    wait_for(place, "began3");
    pause_ms(300);
    assert_false(is_there(place, "began4"));
    path_of(place, "go", path);
    go = fopen(path, "w");
    assert_non_null(go);
    fclose(go);
    wait_for(place, "done5");
    wait_for(place, "done0");
    hook_stop(hook);
}

static void stopping_does_not_wait(void **state)
{
    struct place *place = *state;
    struct hook *hook = hook_start(HOOK_LIMIT_MS);
    time_t begun = time(NULL);

    write_hook(place, "echo >began; sleep 60; echo >survived");
    for (int i = 0; i < 10; i++)
        tell(hook, place->program, "x");
    wait_for(place, "began");
    hook_stop(hook);
    assert_true(time(NULL) < begun + 50);
}

/* kwota-mail with something in mail's place that keeps what it is told. */
static void the_example_mails(void **state)
{
    static const char example[] = KWOTA_TEST_SOURCE "/tools/examples/kwota-mail";
    static const char event[] =
        "'{\"event\":\"threshold\",\"percent\":80,\"budget\":{\"name\":\"user alice\","
        "\"account\":\"\",\"user\":\"alice\",\"class\":\"\",\"window\":{\"from_s\":0,"
        "\"until_s\":0},\"quota_mj\":3600000000,\"used_mj\":2880000000,"
        "\"available_mj\":720000000},\"cluster\":\"c\",\"time_s\":1}'";
    struct place *place = *state;
    char command[1024], lines[2048];

    if (system("perl -MJSON::PP -e 1 2>/dev/null") != 0)
        skip();
    write_hook(place, "printf '%s\\n' \"$@\" >args; cat >text");
    snprintf(command, sizeof command, "echo %s | KWOTA_MAIL=%s TZ=UTC %s", event,
             place->program, example);
    assert_int_equal(system(command), 0);
    content_is(place, "args",
               "-s\n[c] user alice has used 80 % of its energy\n--\nalice\n");
    content_is(place, "text",
               "user alice may use 1 kWh until Thu Jan  1 00:00:00 1970, has used 0.8 "
               "kWh and has 0.2 kWh left.\n");
    snprintf(lines, sizeof lines, "echo %s | KWOTA_MAIL=/nonexistent %s 2>%s/said",
             event, example, place->dir);
    assert_int_not_equal(system(lines), 0);
    content_is(place, "said",
               "kwota-mail: /nonexistent cannot be run (No such file or directory), so "
               "nobody is told: user alice has used 80 % of its energy\n");
}

#define PLACE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACE(it_reads_the_event),
        PLACE(it_starts_clean),
        PLACE(without_a_program_nothing_happens),
        PLACE(one_that_hangs_is_killed_with_all_it_started),
        PLACE(no_more_than_some_run_at_once),
        PLACE(stopping_does_not_wait),
        PLACE(the_example_mails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
