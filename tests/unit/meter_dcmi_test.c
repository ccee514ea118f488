/* meter_dcmi_test.c - tools that ask a node's management controller, good and bad ones
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/unit/tree.h"

#define TOOL "usr/sbin/ipmi-dcmi"

static int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_BOOTTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Replaced, not rewritten: it may be running. */
static void tool(const char *script)
{
    char path[256], before[256];

    tree_put("dev/ipmi0", "");
    tree_put(TOOL ".new", script);
    tree_path(TOOL ".new", before, sizeof before);
    tree_path(TOOL, path, sizeof path);
    assert_int_equal(chmod(before, 0755), 0);
    assert_int_equal(rename(before, path), 0);
}

static void find(void)
{
    tree_sources(SOURCE_DCMI);
    sources.dcmi_ms = 50; /* less than a list may say: tests do not wait */
    counters_open(&counters, &sources);
}

/* One begins with an answer, which may take longer than the source waits for. */
static void find_answer(void)
{
    find();
    while (counters.count == 0) {
        usleep(2000);
        counters_begin(&counters, now_ns());
    }
}

static void wait_for_why(void)
{
    do {
        usleep(2000);
        counters_begin(&counters, now_ns());
    } while (strcmp(counters.absent[SOURCE_DCMI], "it has not answered yet") == 0);
}

static int64_t read_bmc(void)
{
    return tree_uj("bmc", now_ns());
}

static bool until_reason(const char *words)
{
    for (int i = 0; i < 5000; i++) {
        if (read_bmc() < 0 && tree_says("bmc", words))
            return true;
        usleep(2000);
    }
    return false;
}

static void power_is_integrated(void **state)
{
    int64_t first;

    (void)state;
    tool("#!/bin/sh\n[ \"$*\" = --get-system-power-statistics ] || exit 1\n"
         "echo 'Current Power : 100 Watts'\n");
    find_answer();
    assert_int_equal(tree_counter("bmc")->kind, COUNTER_PLATFORM);
    assert_true(tree_counter("bmc")->integrated);
    assert_true(tree_counter("bmc")->charged);
    while ((first = read_bmc()) < 0)
        usleep(2000);
    while (read_bmc() < first + 1000000)
        usleep(2000);
}

/* The answer before does not stand for those that do not come. */
static void a_tool_that_begins_to_fail(void **state)
{
    (void)state;
    tool("#!/bin/sh\necho 'Current Power : 100 Watts'\n");
    find_answer();
    tool("#!/bin/sh\nexit 1\n");
    assert_true(until_reason("failed without a word"));
    tool("#!/bin/sh\necho 'Current Power : 0 Watts'\n");
    assert_true(until_reason("0 W"));
    tool("#!/bin/sh\necho 'Current Power : 100 Watts'\necho 'Power Measurement : Not "
         "Active'\n");
    assert_true(until_reason("not active"));
    tool("#!/bin/sh\necho 'Current Power : 100 Watts'\n");
    while (read_bmc() < 0)
        usleep(2000);
}

/* Controllers are known that say they sample every few weeks. */
static void a_period_that_is_none(void **state)
{
    (void)state;
    tool("#!/bin/sh\necho 'Current Power : 100 Watts'\n"
         "echo 'Statistics reporting time period : 4041312 Seconds'\n");
    find_answer();
    while (read_bmc() < 0)
        usleep(2000);
    tool("#!/bin/sh\nexit 1\n");
    assert_true(until_reason("failed without a word"));
}

static void what_a_tool_may_print(void **state)
{
    static const struct {
        const char *script, *why;
    } table[] = {
        {"#!/bin/sh\nexit 1\n", "the tool failed without a word"},
        {"#!/bin/sh\necho Current Power : -5 Watts\n", "it holds a negative number"},
        {"#!/bin/sh\necho Current Power : 123456789012345678901234567890 Watts\n",
         "it holds too large a number"},
        {"#!/bin/sh\nprintf '\\377\\376\\000'\n",
         "the tool's output has no current power"},
        {"#!/bin/sh\nprintf 'Current Power : 16'\n", "the power is not in watts"},
        {"#!/bin/sh\nhead -c 1000000 /dev/zero\n",
         "the tool's output has no current power"},
        {"#!/bin/sh\necho 'Current Power : 160 Watts'; exit 1\n",
         "the tool failed, so what it printed is not believed"},
        {"#!/bin/sh\necho 'Current Power : 160 Watts'; exec >&-; sleep 60 & wait\n",
         "the controller does not answer within 10 s"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        tool(table[i].script);
        find();
        wait_for_why();
        assert_string_equal(counters.absent[SOURCE_DCMI], table[i].why);
        assert_int_equal(counters.count, 0);
        counters_close(&counters);
    }
}

static void no_controller_or_no_tool(void **state)
{
    (void)state;
    find();
    assert_string_equal(counters.absent[SOURCE_DCMI], "there is no dev/ipmi0");
    counters_close(&counters);
    tree_put("dev/ipmi0", "");
    tree_put(TOOL, "not executable");
    find();
    assert_string_equal(counters.absent[SOURCE_DCMI],
                        "neither ipmi-dcmi nor ipmitool is installed");
    counters_close(&counters);
    tool("no program at all");
    find();
    wait_for_why();
    assert_non_null(strstr(counters.absent[SOURCE_DCMI], "cannot be run"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TREE_TEST(power_is_integrated),      TREE_TEST(a_tool_that_begins_to_fail),
        TREE_TEST(a_period_that_is_none),    TREE_TEST(what_a_tool_may_print),
        TREE_TEST(no_controller_or_no_tool),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
