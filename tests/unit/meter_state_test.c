/* meter_state_test.c - the books on disk, whole whatever was being written */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "plugin/meter/state.h"

static char dir[] = "/tmp/kwota-state-test-XXXXXX";
static struct books books, found;
static struct state state;

static int make_dir(void **arg)
{
    (void)arg;
    strcpy(dir + strlen(dir) - 6, "XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **arg)
{
    char path[128];

    (void)arg;
    state_close(&state);
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/state.%d", dir, i);
        unlink(path);
    }
    return rmdir(dir);
}

static void reopen(int expected)
{
    state_close(&state);
    memset(&found, 0, sizeof found);
    assert_int_equal(state_open(&state, dir, &found), expected);
}

static void save(uint32_t job)
{
    assert_non_null(books_start(&books, job, 1000, 1));
    assert_int_equal(state_save(&state, &books, true), 0);
}

/* Spoils a byte of the slot that was written last (or before that). */
static void spoil(uint64_t sequence, off_t at)
{
    char byte;
    int fd = state.fd[sequence % 2];

    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= 1;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
}

static void nothing_at_first(void **arg)
{
    (void)arg;
    assert_int_equal(state_open(&state, dir, &books), 0);
}

static void newest_is_read(void **arg)
{
    (void)arg;
    assert_int_equal(state_open(&state, dir, &books), 0);
    books_init(&books);
    save(1);
    save(2);
    save(3);
    reopen(1);
    assert_int_equal(found.run_count, 3);
    assert_string_equal(found.epoch, books.epoch);
    assert_int_equal(found.runs[2].job, 3);
}

static void torn_write_falls_back(void **arg)
{
    (void)arg;
    assert_int_equal(state_open(&state, dir, &books), 0);
    books_init(&books);
    save(1);
    save(2);
    spoil(state.sequence, 200);
    reopen(1);
    assert_int_equal(found.run_count, 1);
    /* and the next save goes over the spoilt one, not over the good one */
    assert_int_equal(state_save(&state, &found, false), 0);
    reopen(1);
    assert_int_equal(found.run_count, 1);
}

static void cut_short_falls_back(void **arg)
{
    (void)arg;
    assert_int_equal(state_open(&state, dir, &books), 0);
    books_init(&books);
    save(1);
    save(2);
    assert_int_equal(ftruncate(state.fd[state.sequence % 2], 100), 0);
    reopen(1);
    assert_int_equal(found.run_count, 1);
}

static void both_spoilt_is_nothing(void **arg)
{
    (void)arg;
    assert_int_equal(state_open(&state, dir, &books), 0);
    books_init(&books);
    save(1);
    save(2);
    spoil(state.sequence, 0);
    spoil(state.sequence - 1, 300);
    reopen(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_at_first, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(newest_is_read, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(torn_write_falls_back, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(cut_short_falls_back, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(both_spoilt_is_nothing, make_dir, remove_dir),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
