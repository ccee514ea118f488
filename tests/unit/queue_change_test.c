/* queue_change_test.c - what has changed between two looks at slurmctld's jobs */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "policy/queue_change.h"

static struct queue_job job(uint32_t id, bool running, int64_t limit_s)
{
    return (struct queue_job){
        .job_id = id, .running = running, .pending = !running, .limit_s = limit_s};
}

static void another_limit_of_a_job_that_runs(void **state)
{
    struct queue_job before[] = {job(3, true, 60),  job(9, true, 60), job(1, true, 60),
                                 job(5, false, 60), job(7, true, 0),  job(8, true, 60),
                                 job(4, true, 60),  job(6, false, 60)};
    struct queue_job now[] = {job(10, true, 60), job(9, true, 90),  job(7, true, 60),
                              job(5, true, 90),  job(3, true, 60),  job(2, true, 60),
                              job(8, true, 0),   job(4, false, 90), job(6, true, 60)};
    uint32_t ids[8];

    (void)state;
    queue_change_sort(before, 8);
    queue_change_sort(now, 9);
    assert_int_equal(now[0].job_id, 2);
    assert_int_equal(now[8].job_id, 10);
    assert_int_equal(queue_change_limits(before, 8, now, 9, ids, 8), 4);
    assert_int_equal(ids[0], 5);
    assert_int_equal(ids[1], 7);
    assert_int_equal(ids[2], 8);
    assert_int_equal(ids[3], 9);
    assert_int_equal(queue_change_limits(before, 8, now, 9, ids, 2), 2);
    assert_int_equal(queue_change_limits(before, 8, now, 9, ids, 0), 0);
    assert_int_equal(queue_change_limits(NULL, 0, now, 9, ids, 8), 0);
    assert_int_equal(queue_change_limits(before, 8, NULL, 0, ids, 8), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_limit_of_a_job_that_runs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
