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

/* A domain, so that runs have a part that is used and one that is not. */
static void add_domain(const char *name)
{
    struct counter counter = {.kind = COUNTER_PACKAGE};

    strcpy(counter.name, name);
    assert_non_null(books_domain(&books, &counter));
}

/* Every byte that is used comes back, and what is not used is as in new books. */
static void assert_found_all(void)
{
    assert_memory_equal(&found, &books, sizeof books);
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

static void what_was_saved_is_synced(void **arg)
{
    (void)arg;
    assert_int_equal(state_open(&state, dir, &books), 0);
    assert_int_equal(state_save(&state, &books, false), 0);
    assert_int_equal(state_sync(&state), 0);
    /* A disk that is gone is said. */
    close(state.fd[1]);
    assert_int_equal(state_sync(&state), -1);
    state.fd[1] = -1;
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

static void all_comes_back(void **arg)
{
    struct books_run *run;

    (void)arg;
    memset(&books, 0, sizeof books);
    assert_int_equal(state_open(&state, dir, &books), 0);
    books_init(&books);
    add_domain("package-0");
    add_domain("package-1");
    save(1);
    save(2);
    run = &books.runs[0];
    run->uj[0] = 17;
    run->uj[1] = INT64_MAX;
    run->cpu_seen_ns[1] = 18;
    run->step_uj[COUNTER_GPU] = 19;
    books_flag(run, BOOKS_METER_DOWN, 100, 250);
    books_step(&books, run, 4, 1000)->uj[COUNTER_DRAM] = 20;
    books.domains[1].node_uj = 21;
    save(3);
    reopen(1);
    assert_found_all();
    /* The other slot holds more than is written to it next. */
    books_end(&books.runs[0], 2000);
    books_forget(&books, books.runs[0].token);
    memset(&books.runs[books.run_count], 0, sizeof books.runs[0]);
    books.step_count = 0;
    assert_int_equal(state_save(&state, &books, true), 0);
    assert_int_equal(state_save(&state, &books, true), 0);
    reopen(1);
    assert_found_all();
}

static void full_books_come_back(void **arg)
{
    char name[16];

    (void)arg;
    memset(&books, 0, sizeof books);
    assert_int_equal(state_open(&state, dir, &books), 0);
    books_init(&books);
    for (int d = 0; d < BOOKS_DOMAINS; d++) {
        snprintf(name, sizeof name, "package-%d", d);
        add_domain(name);
    }
    for (uint32_t i = 0; i < BOOKS_MAX_RUNS; i++) {
        struct books_run *run = books_start(&books, i + 1, 1000, 1);

        assert_non_null(run);
        books_flag(run, BOOKS_COUNTER_STUCK, 10, 20 + i);
        memset(run->uj, 1, sizeof run->uj);
        assert_non_null(books_step(&books, run, i, 1000));
    }
    assert_int_equal(state_save(&state, &books, true), 0);
    reopen(1);
    assert_found_all();
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
        cmocka_unit_test_setup_teardown(what_was_saved_is_synced, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(newest_is_read, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(all_comes_back, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(full_books_come_back, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(torn_write_falls_back, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(cut_short_falls_back, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(both_spoilt_is_nothing, make_dir, remove_dir),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
