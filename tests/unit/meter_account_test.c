/* meter_account_test.c - whose energy an interval is, by hand-made nodes and random
 * ones
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "plugin/meter/account.h"
#include "plugin/meter/steps.h"

#define S INT64_C(1000000000)
#define J INT64_C(1000000) /* µJ */
#define RANGE (262144 * J)

enum { PACKAGE, DRAM, GPU, PLATFORM, DOMAINS };

static struct books books;
static struct counter counters[DOMAINS];
static struct counter_reading readings[DOMAINS];
static struct account_moment moment;

static int make_node(void **state)
{
    static const char *const names[] = {"package-0", "dram-0", "gpu-0", "psys"};
    static const enum counter_kind kinds[] = {COUNTER_PACKAGE, COUNTER_DRAM,
                                              COUNTER_GPU, COUNTER_PLATFORM};

    (void)state;
    books_init(&books);
    books.gpus = 1;
    memset(counters, 0, sizeof counters);
    memset(readings, 0, sizeof readings);
    for (int d = 0; d < DOMAINS; d++) {
        snprintf(counters[d].name, sizeof counters[d].name, "%s", names[d]);
        counters[d].kind = kinds[d];
        counters[d].range_uj = kinds[d] <= COUNTER_DRAM ? RANGE : 0;
        counters[d].max_power_mw = 400000;
        counters[d].index = kinds[d] == COUNTER_GPU ? 0 : -1;
        counters[d].slices = 1;
        counters[d].slice_weight[0] = counters[d].slices_whole = 1;
        books_domain(&books, &counters[d]);
    }
    account_cover(&books, PLATFORM, 1U << PACKAGE | 1U << DRAM);
    moment = (struct account_moment){.now_ns = 100 * S, .busy_ns = 0, .cpus = 4};
    return 0;
}

static void read_domain(int d)
{
    account_reading(&books, d, &counters[d], &readings[d], &moment);
}

static void read_all(void)
{
    for (int d = 0; d < DOMAINS; d++)
        read_domain(d);
    books.tick_ns = moment.now_ns;
}

/* Time passes; domains move by so many joules. */
static void pass(int64_t seconds, int64_t package, int64_t dram, int64_t gpu,
                 int64_t platform)
{
    const int64_t moved[DOMAINS] = {package, dram, gpu, platform};

    moment.now_ns += seconds * S;
    for (int d = 0; d < DOMAINS; d++)
        readings[d].uj = (readings[d].uj + moved[d] * J) %
                         (counters[d].range_uj ? counters[d].range_uj : INT64_MAX);
}

static struct books_run *start(uint32_t job, int cpus, uint64_t gpus)
{
    struct books_run *run = books_start(&books, job, 1000, moment.now_ns);

    assert_non_null(run);
    run->cpus = cpus;
    run->gpus = gpus;
    run->cpu_known = true;
    run->share = books_share(&books, run, moment.cpus);
    return run;
}

static void use(struct books_run *run, int64_t seconds)
{
    run->cpu_ns += seconds * S;
    moment.busy_ns += seconds * S;
}

static void idle_by_share_rest_by_cpu_time(void **state)
{
    struct books_run *one, *two;

    (void)state;
    books.idle_mw[COUNTER_PACKAGE] = 10000;
    read_all();
    one = start(1, 1, 0);
    two = start(2, 2, 0);
    use(one, 10);
    pass(10, 300, 1, 1, 1);
    read_all();
    assert_int_equal(one->uj[PACKAGE], 225 * J); /* a quarter of 100, all of 200 */
    assert_int_equal(two->uj[PACKAGE], 50 * J);
    assert_int_equal(books.domains[PACKAGE].node_uj, 25 * J);
    assert_true(one->apportioned & 1U << PACKAGE);
    assert_int_equal(one->reasons, 0);
}

static void who_has_the_node_alone_has_its_own_part(void **state)
{
    struct books_run *run;

    (void)state;
    books.idle_mw[COUNTER_PACKAGE] = 10000;
    read_all();
    run = start(1, 4, 0);
    moment.busy_ns += 5 * S; /* daemons' */
    pass(10, 300, 20, 0, 400);
    read_all();
    assert_int_equal(run->uj[PACKAGE], 300 * J);
    assert_int_equal(run->uj[DRAM], 20 * J);
    assert_int_equal(run->uj[PLATFORM], 80 * J);
    assert_int_equal(run->apportioned, 0);
}

static void a_share_is_the_largest_fraction(void **state)
{
    struct books_run run = {.cpus = 1, .memory_mb = 3000};

    (void)state;
    books.memory_mb = 4000;
    books.gpus = 4;
    assert_int_equal(books_share(&books, &run, 4), BOOKS_WHOLE * 3 / 4);
    run.gpus = 0xf;
    assert_int_equal(books_share(&books, &run, 4), BOOKS_WHOLE);
    run.gpus = 0;
    run.suspended = true;
    assert_int_equal(books_share(&books, &run, 4), BOOKS_WHOLE * 3 / 4);
    run.memory_mb = 0;
    assert_int_equal(books_share(&books, &run, 4), 0);
    run.suspended = false;
    run.memory_mb = 3000;
    books.share_by_cpus = true;
    assert_int_equal(books_share(&books, &run, 4), BOOKS_WHOLE / 4);
    /* more than there is, as with oversubscription, is all of it */
    run.cpus = 9;
    assert_int_equal(books_share(&books, &run, 4), BOOKS_WHOLE);
}

static void a_gpu_is_its_holders(void **state)
{
    struct books_run *run, *other;

    (void)state;
    read_all();
    pass(10, 0, 0, 50, 0);
    read_all();
    assert_int_equal(books.domains[GPU].node_uj, 50 * J);
    run = start(1, 1, 1);
    other = start(2, 1, 0);
    pass(10, 0, 0, 3000, 0);
    read_all();
    assert_int_equal(run->uj[GPU], 3000 * J);
    assert_int_equal(other->uj[GPU], BOOKS_UNKNOWN);
    assert_false(run->apportioned & 1U << GPU);
}

static void holders_of_one_gpu_by_their_use(void **state)
{
    static const struct driver_user users[] = {{1, 30}, {2, 10}, {99, 1000}};
    struct books_run *one, *two;

    (void)state;
    books.idle_mw[COUNTER_GPU] = 20000;
    read_all();
    one = start(1, 1, 1);
    two = start(2, 1, 1);
    moment.users = users;
    moment.user_count = 3;
    pass(10, 0, 0, 600, 0);
    read_all();
    assert_int_equal(one->uj[GPU], (100 + 300) * J); /* 200 idle, 400 as 3 : 1 */
    assert_int_equal(two->uj[GPU], (100 + 100) * J);
    assert_true(one->apportioned & 1U << GPU);
    /* a driver that does not tell: by what they hold, equally */
    moment.user_count = 0;
    pass(10, 0, 0, 600, 0);
    read_all();
    assert_int_equal(one->uj[GPU], 700 * J);
    assert_int_equal(two->uj[GPU], 500 * J);
    assert_int_equal(books.domains[GPU].node_uj, 0);
}

static void instances_by_their_slices(void **state)
{
    struct books_run *one, *two;

    (void)state;
    counters[GPU].slices = 3;
    counters[GPU].slices_whole = 7;
    counters[GPU].slice_weight[0] = 3;
    counters[GPU].slice_weight[1] = 2;
    counters[GPU].slice_weight[2] = 1;
    read_all();
    one = start(1, 1, 1);
    two = start(2, 1, 2);
    pass(10, 0, 0, 700, 0);
    read_all();
    assert_int_equal(one->uj[GPU], 300 * J);
    assert_int_equal(two->uj[GPU], 200 * J);
    assert_int_equal(books.domains[GPU].node_uj, 200 * J);
}

static void a_platform_is_what_its_parts_do_not_explain(void **state)
{
    struct books_run *run;

    (void)state;
    read_all();
    run = start(1, 1, 0);
    pass(10, 300, 20, 0, 420);
    read_all();
    assert_int_equal(run->uj[PLATFORM], 25 * J); /* a quarter of 100 */
    assert_int_equal(books.domains[PLATFORM].total_uj, 100 * J);
    assert_int_equal(books.domains[PLATFORM].counter_uj, 420 * J);
    /* it shows late what the parts show now: nothing negative, and nothing lost */
    pass(1, 30, 2, 0, 10);
    read_all();
    assert_int_equal(books.domains[PLATFORM].total_uj, 100 * J);
    pass(1, 30, 2, 0, 94);
    read_all();
    assert_int_equal(books.domains[PLATFORM].total_uj, 140 * J);
}

static void wraps_and_resets(void **state)
{
    struct books_run *run;
    char text[128];

    (void)state;
    readings[PACKAGE].uj = RANGE - 5 * J;
    read_all();
    run = start(1, 4, 0);
    pass(10, 105, 0, 0, 0);
    read_all();
    assert_int_equal(run->uj[PACKAGE], 105 * J);
    /* back by what no wrap explains */
    readings[PACKAGE].uj = 50 * J;
    moment.now_ns += 4 * S;
    read_all();
    assert_int_equal(run->uj[PACKAGE], 105 * J);
    assert_true(run->reasons & 1U << BOOKS_COUNTER_RESET);
    books_reason_text(run, BOOKS_COUNTER_RESET, text, sizeof text);
    assert_string_equal(text, "a counter started anew for 4.0 s");
    assert_int_equal(books.domains[PACKAGE].gap_ms, 4000);
    /* 400 W could go round twice in 700 s */
    pass(700, 10, 1, 1, 1);
    read_all();
    assert_int_equal(run->uj[PACKAGE], 105 * J);
    books_reason_text(run, BOOKS_TWO_WRAPS, text, sizeof text);
    assert_string_equal(text, "a counter may have wrapped twice for 700.0 s");
}

static void a_stuck_counter_is_unknown(void **state)
{
    struct books_run *run;

    (void)state;
    read_all();
    run = start(1, 4, 0);
    for (int i = 0; i < 3; i++) {
        pass(5, 0, 10, 10, 10);
        read_all();
    }
    assert_true(run->reasons & 1U << BOOKS_COUNTER_STUCK);
    assert_int_equal(run->flagged_ns[BOOKS_COUNTER_STUCK], 15 * S);
    assert_true(strstr(books.domains[PACKAGE].reason, "stood still for 15 s"));
    assert_int_equal(run->uj[PACKAGE], BOOKS_UNKNOWN);
    assert_int_equal(run->uj[DRAM], 30 * J);
    /* what it shows when it moves again is taken, as all of the same runs */
    pass(5, 400, 10, 10, 10);
    read_all();
    assert_int_equal(run->uj[PACKAGE], 400 * J);
    assert_int_equal(books.domains[PACKAGE].reason[0], '\0');
}

static void nobody_pays_for_another_after_an_unread_boundary(void **state)
{
    struct books_run *one, *two;

    (void)state;
    read_all();
    one = start(1, 4, 0);
    pass(5, 100, 0, 0, 0);
    read_all();
    assert_int_equal(one->uj[PACKAGE], 100 * J);
    moment.now_ns += 5 * S;
    moment.boundary = true;
    account_no_reading(&books, PACKAGE, &counters[PACKAGE], &moment);
    books_end(one, 1);
    two = start(2, 4, 0);
    moment.boundary = false;
    pass(5, 300, 0, 0, 0);
    read_all();
    assert_int_equal(one->uj[PACKAGE], 100 * J);
    assert_int_equal(two->uj[PACKAGE], BOOKS_UNKNOWN);
    assert_int_equal(books.domains[PACKAGE].node_uj, 300 * J);
    assert_int_equal(one->flagged_ns[BOOKS_COUNTER_UNKNOWN], 5 * S);
    assert_true(account_balanced(&books));
    pass(5, 10, 0, 0, 0);
    read_all();
    assert_int_equal(two->uj[PACKAGE], 10 * J);
}

static void integrated_power_and_its_gaps(void **state)
{
    struct books_run *run;

    (void)state;
    books.domains[GPU].integrated = true;
    readings[GPU].session = 7;
    read_all();
    run = start(1, 1, 1);
    pass(10, 0, 0, 100, 0);
    readings[GPU].lost_ms = 4000;
    read_all();
    assert_int_equal(run->uj[GPU], 100 * J);
    assert_int_equal(run->flagged_ns[BOOKS_NO_SAMPLES], 4 * S);
    /* the next meter integrates from 0 */
    readings[GPU] = (struct counter_reading){.uj = 3 * J, .session = 8};
    moment.now_ns += 6 * S;
    read_all();
    assert_int_equal(run->uj[GPU], 100 * J);
    assert_int_equal(run->flagged_ns[BOOKS_METER_DOWN], 6 * S);
    assert_int_equal(books.domains[GPU].gap_ms, 10000);
}

static void a_night_s_sleep_is_not_energy(void **state)
{
    struct books_run *run;

    (void)state;
    read_all();
    run = start(1, 4, 0);
    pass(10, 100, 10, 10, 10);
    read_all();
    pass(3600, 77, 7, 7, 7);
    account_asleep(&books, books.tick_ns, moment.now_ns);
    read_all();
    assert_int_equal(run->uj[PACKAGE], 100 * J);
    assert_int_equal(run->flagged_ns[BOOKS_NODE_ASLEEP], 3600 * S);
    pass(10, 100, 10, 10, 10);
    read_all();
    assert_int_equal(run->uj[PACKAGE], 200 * J);
}

static void without_a_cgroup_by_cpus(void **state)
{
    struct books_run *one, *two;

    (void)state;
    read_all();
    one = start(1, 3, 0);
    two = start(2, 1, 0);
    one->cpu_known = two->cpu_known = false;
    moment.by_cpus = true;
    pass(10, 400, 0, 0, 0);
    read_all();
    assert_int_equal(one->uj[PACKAGE], 300 * J);
    assert_int_equal(two->uj[PACKAGE], 100 * J);
    assert_true(one->by_cpus);
}

/* Idle energy that a late counter owes is taken from what it shows next; what one owes
 * that stood still never comes, and is not taken from anybody. */
static void late_is_not_standing_still(void **state)
{
    struct books_run *run;

    (void)state;
    books.idle_mw[COUNTER_PACKAGE] = 10000;
    read_all();
    run = start(1, 1, 0);
    use(run, 1);
    pass(2, 15, 1, 1, 1); /* 5 J late */
    read_all();
    assert_int_equal(books.domains[PACKAGE].idle_due_uj, 5 * J);
    use(run, 1);
    pass(1, 35, 1, 1, 1);
    read_all();
    assert_int_equal(books.domains[PACKAGE].idle_due_uj, 0);
    assert_int_equal(run->uj[PACKAGE], 30 * J / 4 + 20 * J);
    moment.now_ns += 8 * S;
    use(run, 1);
    pass(1, 5, 1, 1, 1);
    read_all();
    assert_int_equal(books.domains[PACKAGE].idle_due_uj, 0);
}

static void idle_power_is_learned(void **state)
{
    (void)state;
    read_all();
    for (int i = 0; i < 10; i++) {
        pass(10, i < 5 ? 200 : 150, 0, 0, 0);
        read_all();
    }
    assert_int_equal(books.domains[PACKAGE].idle_low_mw, 15000);
}

static void steps_share_their_run(void **state)
{
    struct books_run *run;
    struct books_step *batch, *one, *two;

    (void)state;
    read_all();
    run = start(1, 4, 0);
    batch = books_step(&books, run, 0xfffffffbU, 1);
    pass(10, 100, 0, 0, 0);
    read_all();
    steps_divide(&books);
    assert_int_equal(batch->uj[COUNTER_PACKAGE], 100 * J);
    one = books_step(&books, run, 0, 1);
    two = books_step(&books, run, 1, 1);
    one->cpu_ns = 3 * S;
    two->cpu_ns = 1 * S;
    pass(10, 400, 0, 0, 0);
    read_all();
    steps_divide(&books);
    assert_int_equal(one->uj[COUNTER_PACKAGE], 300 * J);
    assert_int_equal(two->uj[COUNTER_PACKAGE], 100 * J);
    assert_int_equal(batch->uj[COUNTER_PACKAGE], 100 * J);
    /* nobody uses CPU time: who works, not the script that waits for it */
    two->over = true;
    pass(10, 50, 0, 0, 0);
    read_all();
    steps_divide(&books);
    assert_int_equal(one->uj[COUNTER_PACKAGE], 350 * J);
    /* told to kwotad and over: forgotten; the rest stays */
    {
        static struct books copy;

        books_copy(&copy, &books);
        steps_forget(&books, &copy);
        assert_string_equal(two->token, "");
        assert_string_equal(one->token, run->token);
    }
}

static int64_t any(int64_t below)
{
    return (((int64_t)random() << 31) | random()) % below;
}

/* Every run's energy, the final ones included, is what the domains say of jobs. */
static void check_sums(void)
{
    assert_true(account_balanced(&books));
    for (int d = 0; d < DOMAINS; d++) {
        int64_t sum = 0;

        for (int i = 0; i < books.run_count; i++) {
            const struct books_run *run = &books.runs[i];

            if (run->uj[d] == BOOKS_UNKNOWN)
                continue;
            assert_true(run->uj[d] >= 0);
            sum += run->uj[d];
        }
        assert_int_equal(sum, books.domains[d].jobs_uj);
        assert_true(books.domains[d].node_uj >= 0);
    }
}

static void random_event(void)
{
    int d = (int)any(DOMAINS);

    switch (any(12)) {
    case 0: /* a run starts, another may end */
        moment.boundary = true;
        read_all();
        moment.boundary = false;
        if (books.run_count > 0 && any(2))
            books_end(&books.runs[any(books.run_count)], 1);
        if (books.run_count < 40)
            start((uint32_t)books.run_count + 1, (int)any(6), (uint64_t)any(2));
        break;
    case 1:
        readings[d].uj = any(RANGE); /* anything at all */
        break;
    case 2:
        moment.boundary = any(2);
        account_no_reading(&books, d, &counters[d], &moment);
        moment.boundary = false;
        break;
    case 3:
        readings[d].session++;
        break;
    case 4:
        readings[d].lost_ms += any(5000);
        break;
    case 5:
        account_asleep(&books, moment.now_ns - any(1000 * S), moment.now_ns);
        break;
    default:
        for (int i = 0; i < books.run_count; i++)
            if (!books.runs[i].final && any(2))
                books.runs[i].cpu_ns += any(S);
        moment.busy_ns += any(3 * S);
    }
}

static void conservation_holds_for_anything(void **state)
{
    (void)state;
    srandom(7);
    books.idle_mw[COUNTER_PACKAGE] = 30000;
    for (int n = 0; n < 1000000; n++) {
        if (n % 2000 == 0)
            make_node(NULL);
        random_event();
        pass(any(3), any(300), any(30), any(800), any(1500));
        read_domain((int)any(DOMAINS));
        if (n % 16 == 0)
            read_all();
        if (n % 64 == 0)
            check_sums();
    }
    check_sums();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(idle_by_share_rest_by_cpu_time, make_node),
        cmocka_unit_test_setup(who_has_the_node_alone_has_its_own_part, make_node),
        cmocka_unit_test_setup(a_share_is_the_largest_fraction, make_node),
        cmocka_unit_test_setup(a_gpu_is_its_holders, make_node),
        cmocka_unit_test_setup(holders_of_one_gpu_by_their_use, make_node),
        cmocka_unit_test_setup(instances_by_their_slices, make_node),
        cmocka_unit_test_setup(a_platform_is_what_its_parts_do_not_explain, make_node),
        cmocka_unit_test_setup(wraps_and_resets, make_node),
        cmocka_unit_test_setup(a_stuck_counter_is_unknown, make_node),
        cmocka_unit_test_setup(nobody_pays_for_another_after_an_unread_boundary,
                               make_node),
        cmocka_unit_test_setup(integrated_power_and_its_gaps, make_node),
        cmocka_unit_test_setup(a_night_s_sleep_is_not_energy, make_node),
        cmocka_unit_test_setup(without_a_cgroup_by_cpus, make_node),
        cmocka_unit_test_setup(late_is_not_standing_still, make_node),
        cmocka_unit_test_setup(idle_power_is_learned, make_node),
        cmocka_unit_test_setup(steps_share_their_run, make_node),
        cmocka_unit_test_setup(conservation_holds_for_anything, make_node),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
