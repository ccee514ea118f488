/* steer_test.c - what is done to a run so that its energy lasts: each rule, and what
 * holds for any run */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <math.h>

#include "policy/steer.h"
#include "tests/bench/trace.h"

#define W INT64_C(1000)
#define KWH INT64_C(3600000000)
#define NOW 100000

static const struct steer_rules rules = {
    .part_percent = 25, .floor_percent = 50, .gpu = true, .warn_s = 300, .end = true};

/* Four GPUs at 350 W of 400, 200 W beside them: 1600 W. It needs 2 h, 3.2 kWh, and has
 * used 2 kWh. */
static struct steer_run usual(int64_t left_mj)
{
    return (struct steer_run){.lien_mj = 2 * KWH + left_mj,
                              .used_mj = 2 * KWH,
                              .report_s = 60,
                              .lag_s = 35,
                              .need_s = 7200,
                              .need_known = true,
                              .limit_s = 6 * 3600,
                              .gpu = {.count = 4,
                                      .min_mw = 100 * W,
                                      .max_mw = 400 * W,
                                      .step_mw = 1 * W,
                                      .idle_mw = 50 * W,
                                      .mw = 1400 * W,
                                      .mean_mw = 1400 * W,
                                      .peak_mw = 1400 * W},
                              .other_mw = 200 * W,
                              .other_peak_mw = 200 * W};
}

static struct steer_order decide(const struct steer_rules *by,
                                 const struct steer_run *run,
                                 const struct steer_state *before)
{
    static const struct steer_state nothing;
    struct steer_order order;

    steer(by, run, before ? before : &nothing, NOW, &order);
    return order;
}

static int64_t cap(const struct steer_run *run)
{
    return decide(&rules, run, NULL).state.gpu_mw;
}

/* A run of CPUs only: two packages of 200 W, 100 W beside; 500 W for 2 h is 1 kWh. */
static struct steer_run without_gpus(int64_t left_mj)
{
    struct steer_run run = usual(left_mj);

    run.gpu = (struct steer_devices){.count = 0};
    run.package = (struct steer_devices){.count = 2,
                                         .min_mw = 75 * W,
                                         .max_mw = 225 * W,
                                         .step_mw = 125,
                                         .idle_mw = 40 * W,
                                         .mw = 400 * W,
                                         .mean_mw = 400 * W,
                                         .peak_mw = 400 * W};
    run.other_mw = run.other_peak_mw = 100 * W;
    return run;
}

static void a_run_that_fits_is_left_alone(void **state)
{
    struct steer_run run = usual(32 * KWH / 10);
    struct steer_order order = decide(&rules, &run, NULL);

    (void)state;
    assert_false(order.changed || order.warn || order.end);
    assert_int_equal(order.state.gpu_mw, 0);
    assert_string_equal(order.why, "");
    run = usual(315 * KWH / 100);
    assert_int_equal(cap(&run), 0); /* 3 % less than expected is no certainty */
    run = usual(29 * KWH / 10);
    order = decide(&rules, &run, NULL);
    assert_true(order.changed);
    assert_int_not_equal(order.state.gpu_mw, 0);
    assert_int_equal(order.state.changed_s, NOW);
    assert_non_null(strstr(order.why, "4 GPUs held to"));
}

static void nothing_while_it_can_be_topped_up(void **state)
{
    struct steer_run run = usual(1 * KWH);

    (void)state;
    assert_int_not_equal(cap(&run), 0);
    run.raise_mj = 22 * KWH / 10;
    assert_int_equal(cap(&run), 0);
    run.raise_mj = 18 * KWH / 10; /* not far enough */
    assert_int_not_equal(cap(&run), 0);
    run.raise_mj = INT64_MAX;
    assert_int_equal(cap(&run), 0);
}

static void nothing_before_a_part_is_used(void **state)
{
    struct steer_run run = usual(28 * KWH / 10);
    struct steer_rules late = rules;

    (void)state;
    late.part_percent = 42; /* it has used 41.7 % */
    assert_int_equal(decide(&late, &run, NULL).state.gpu_mw, 0);
    late.part_percent = 41;
    assert_int_not_equal(decide(&late, &run, NULL).state.gpu_mw, 0);
    /* Nobody knows how long it takes: nine tenths. */
    run.need_known = false;
    assert_int_equal(decide(&rules, &run, NULL).state.gpu_mw, 0);
    run = usual(21 * KWH / 100);
    run.need_known = false;
    assert_int_not_equal(decide(&rules, &run, NULL).state.gpu_mw, 0);
}

static void the_lower_of_its_powers_counts(void **state)
{
    struct steer_run run = usual(29 * KWH / 10);

    (void)state;
    run.gpu.mean_mw = 1100 * W; /* a burst */
    assert_int_equal(cap(&run), 0);
    run.gpu.mean_mw = 1400 * W;
    run.gpu.mw = 1100 * W; /* a pause */
    assert_int_equal(cap(&run), 0);
}

/* At 250 W a GPU the speed is (200/300)^(1/2) = 0.816: 8818 s at 1200 W, 2.9394 kWh. An
 * end is to have 95 s at 1210 W to spare, 0.0319 kWh; and one hundredth of it all. */
#define LEFT_FOR_250_W (30014 * KWH / 10000)

static void the_cap_is_what_fits(void **state)
{
    struct steer_run run = usual(LEFT_FOR_250_W);

    (void)state;
    assert_int_equal(cap(&run), 250 * W);
    run.lien_mj -= KWH / 1000;
    assert_int_equal(cap(&run), 249 * W);
    run.need_s = 3600;
    assert_int_equal(cap(&run), 0);
}

/* Slower, it would go on to its time limit and no further: 7300 s at 1300 W are 2.64
 * kWh, 95 s more 0.035. */
static void a_time_limit_ends_it_too(void **state)
{
    struct steer_run run = usual(27 * KWH / 10);

    (void)state;
    assert_int_equal(cap(&run), 200 * W);
    run.limit_s = 7300;
    assert_int_equal(cap(&run), 275 * W);
}

static void no_lower_than_helps(void **state)
{
    struct steer_rules any = rules;
    struct steer_run run = usual(1 * KWH / 10);

    (void)state;
    assert_int_equal(cap(&run), 200 * W); /* the policy's half of 400 W */
    any.floor_percent = 0;
    assert_int_equal(decide(&any, &run, NULL).state.gpu_mw,
                     150 * W);       /* 2 x 50 + 200/4 */
    run.gpu.idle_mw = STEER_UNKNOWN; /* half of the least limit */
    assert_int_equal(decide(&any, &run, NULL).state.gpu_mw, 150 * W);
    run.gpu.idle_mw = 10 * W; /* 70 W: the devices do not take it */
    assert_int_equal(decide(&any, &run, NULL).state.gpu_mw, 100 * W);
    run.other_mw = 2000 * W; /* slower would cost more than it saves */
    assert_int_equal(decide(&any, &run, NULL).state.gpu_mw, 0);
}

static void rounded_to_what_devices_take(void **state)
{
    static const int64_t steps[] = {1, 1000, 7000, 25000, 0};

    (void)state;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        struct steer_run run = usual(LEFT_FOR_250_W);
        int64_t step = steps[i] ? steps[i] : 1000, mw;

        run.gpu.step_mw = steps[i];
        mw = cap(&run);
        assert_in_range(mw, 250 * W + 26 - step, 250 * W + 25);
        assert_int_equal((mw - run.gpu.min_mw) % step, 0);
    }
}

static void a_run_without_gpus(void **state)
{
    struct steer_rules by = rules;
    struct steer_run run = without_gpus(8 * KWH / 10); /* of 0.84 */
    struct steer_order order;

    (void)state;
    assert_int_equal(decide(&by, &run, NULL).state.package_mw, 0); /* not allowed */
    run.other_mw = run.other_peak_mw = 20 * W;
    by.package = true;
    order = decide(&by, &run, NULL);
    assert_in_range(order.state.package_mw, 135 * W, 190 * W);
    assert_int_equal(order.state.package_mw % 125, 0);
    assert_non_null(strstr(order.why, "packages held to"));
    run.package.max_mw = 0; /* it is not alone there */
    assert_int_equal(decide(&by, &run, NULL).state.package_mw, 0);
}

static void packages_only_after_gpus(void **state)
{
    struct steer_rules by = rules;
    struct steer_run run = without_gpus(0);

    (void)state;
    by.package = true;
    run.gpu = usual(0).gpu;
    run.package.mw = run.package.mean_mw = run.package.peak_mw = 200 * W;
    run.other_mw = run.other_peak_mw = 20 * W;
    run.lien_mj = run.used_mj + 31 * KWH / 10; /* of 3.24 */
    assert_in_range(decide(&by, &run, NULL).state.gpu_mw, 250 * W, 300 * W);
    assert_int_equal(decide(&by, &run, NULL).state.package_mw, 0);
    /* With the GPUs as low as helps it is still short. */
    run.lien_mj = run.used_mj + 9 * KWH / 10;
    run.package.mw = run.package.mean_mw = 400 * W;
    run.package.idle_mw = 10 * W;
    run.gpu.count = 1;
    run.gpu.mw = run.gpu.mean_mw = 100 * W; /* nothing to hold there */
    assert_int_equal(decide(&by, &run, NULL).state.gpu_mw, 0);
    assert_int_not_equal(decide(&by, &run, NULL).state.package_mw, 0);
}

/* A quota is for runs that go on to their limit: 2 h, 0.8 kWh left of 1 kWh: 0.787 are
 * for work, 393 W; 180 W do not go down with it, of the other 320 W that leaves 66 %.
 */
static void a_quota_makes_it_last(void **state)
{
    struct steer_rules by = rules;
    struct steer_run run = without_gpus(8 * KWH / 10);
    struct steer_order order;

    (void)state;
    run.used_mj += 9 * KWH;
    run.lien_mj += 9 * KWH;
    run.need_known = false;
    run.limit_s = 7200;
    assert_int_equal(decide(&by, &run, NULL).state.cpu_percent, 0); /* not allowed */
    by.cpu = true;
    order = decide(&by, &run, NULL);
    assert_in_range(order.state.cpu_percent, 65, 67);
    assert_non_null(strstr(order.why, "CPU time held to 6"));
    by.cpu_floor_percent = 70;
    assert_int_equal(decide(&by, &run, NULL).state.cpu_percent, 0);
    by.cpu_floor_percent = 25;
    run.limit_s = STEER_UNKNOWN;
    assert_int_equal(decide(&by, &run, NULL).state.cpu_percent, 0);
    /* Certain work only costs more when it waits. */
    run.limit_s = 7200;
    run.need_known = true;
    assert_int_equal(decide(&by, &run, NULL).state.cpu_percent, 0);
}

/* What is in force for `since` seconds at 250 W, which the GPUs draw. */
static int64_t after(int64_t left_mj, int64_t since)
{
    struct steer_state before = {
        .gpu_mw = 250 * W, .changed_s = NOW - since, .gpu_full_mw = 1400 * W};
    struct steer_run run = usual(left_mj);

    run.gpu.mw = 1000 * W;
    return decide(&rules, &run, &before).state.gpu_mw;
}

static void a_cap_is_changed_seldom(void **state)
{
    static const struct {
        int64_t left_wh, since, least, most;
    } table[] = {
        {3001, 3600, 250, 250}, /* as planned */
        {2973, 3600, 250, 250}, /* what was to spare is gone */
        {2960, 3600, 230, 245}, /* less than it needs */
        {2960, 179, 250, 250},  /* but what is measured is from before */
        {2960, 180, 230, 245},  {3040, 3600, 250, 250}, /* a little more */
        {3130, 3600, 280, 310},                         /* more */
        {3130, 299, 250, 250},                          /* but not so soon */
        {3130, 300, 280, 310},  {3260, 3600, 350, 350}, /* all, if only just */
        {3500, 3600, 0, 0},     {3500, 299, 250, 250},
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        assert_in_range(after(table[i].left_wh * KWH / 1000, table[i].since),
                        table[i].least * W, table[i].most * W);
}

/* Held to 250 W but drawing less: nothing holds it back, and what it draws counts. */
static void less_work_is_no_slowness(void **state)
{
    struct steer_state before = {
        .gpu_mw = 250 * W, .changed_s = NOW - 3600, .gpu_full_mw = 1400 * W};
    struct steer_run run = usual(25 * KWH / 10);

    (void)state;
    run.gpu.mw = 900 * W;
    assert_int_equal(decide(&rules, &run, &before).state.gpu_mw, 0);
    assert_int_equal(steer_speed(&run, &before), STEER_FULL);
    run.gpu.mw = 1000 * W;
    assert_int_not_equal(decide(&rules, &run, &before).state.gpu_mw, 0);
    assert_in_range(steer_speed(&run, &before), 816000, 817000);
    before.cpu_percent = 50;
    assert_in_range(steer_speed(&run, &before), 408000, 408500);
}

/* 1600 W, 1680 W at worst: 60 s and 35 s until it could be ended later are 159.6 kJ. */
static void ended_before_it_is_too_late(void **state)
{
    struct steer_run run = usual(0);
    struct steer_rules mild = rules;
    struct steer_order order;

    (void)state;
    run.lien_mj = run.used_mj + 159600 * 1000;
    assert_false(decide(&rules, &run, NULL).end);
    run.lien_mj--;
    order = decide(&rules, &run, NULL);
    assert_true(order.end);
    assert_true(order.warn);
    assert_non_null(strstr(order.why, "could be ended later"));
    run.age_s = 10;
    run.lien_mj += 10 * 1680 * 1000;
    assert_true(decide(&rules, &run, NULL).end);
    run.lien_mj++;
    assert_false(decide(&rules, &run, NULL).end);
    run.age_s = 0;
    run.lien_mj = run.used_mj + 159600 * 1000 - 1;
    run.raise_mj = 1;
    assert_false(decide(&rules, &run, NULL).end);
    run.raise_mj = 0;
    run.gpu.peak_mw = 0;
    run.gpu.mw = 1500 * W; /* more than ever */
    run.lien_mj += 1000;
    assert_true(decide(&rules, &run, NULL).end);
    mild.end = false;
    order = decide(&mild, &run, NULL);
    assert_false(order.end);
    assert_true(order.warn);
}

/* 95 s at 1210 W are 115 kJ; until the limit is set, it may be 1680 W. */
static void a_limit_counts_once_it_is_set(void **state)
{
    struct steer_state before = {
        .gpu_mw = 250 * W, .changed_s = NOW - 119, .gpu_full_mw = 1400 * W};
    struct steer_run run = usual(130 * 1000 * 1000);

    (void)state;
    run.gpu.mw = 1000 * W;
    assert_true(decide(&rules, &run, &before).end);
    before.changed_s--;
    assert_false(decide(&rules, &run, &before).end);
}

/* It is warned 300 s and a report ahead of the moment above: 159.6 + 100.8 + 480 kJ. */
static void warned_in_time_and_once(void **state)
{
    struct steer_run run = usual(0);
    struct steer_state warned = {.warned = true};
    struct steer_order order;

    (void)state;
    run.lien_mj = run.used_mj + 740400 * 1000;
    assert_false(decide(&rules, &run, NULL).warn);
    run.lien_mj -= 1000;
    order = decide(&rules, &run, NULL);
    assert_true(order.warn);
    assert_true(order.state.warned);
    assert_false(order.end);
    assert_non_null(strstr(order.why, "the rest lasts 7 min"));
    assert_false(decide(&rules, &run, &warned).warn);
    /* It is nearly over, and fits. */
    run.need_s = 300;
    assert_false(decide(&rules, &run, NULL).warn);
    /* The next look may be too late to warn it. */
    run.lien_mj = run.used_mj + 260400 * 1000 - 1000;
    run.need_s = 30;
    assert_true(decide(&rules, &run, NULL).warn);
    /* Given more, it can be warned anew. */
    run = usual(1 * KWH);
    assert_false(decide(&rules, &run, &warned).state.warned);
}

static void unknown_is_not_zero(void **state)
{
    struct steer_state before = {
        .gpu_mw = 250 * W, .changed_s = NOW - 3600, .gpu_full_mw = 1400 * W};
    struct steer_run run = usual(-KWH);
    int64_t *const values[] = {&run.used_mj, &run.gpu.mw, &run.package.mw,
                               &run.other_mw};

    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        int64_t kept = *values[i];
        struct steer_order order;

        *values[i] = STEER_UNKNOWN;
        order = decide(&rules, &run, &before);
        assert_memory_equal(&order.state, &before, sizeof before);
        assert_false(order.changed || order.warn || order.end);
        *values[i] = kept;
    }
    run = usual(1 * KWH);
    run.need_s = STEER_UNKNOWN;
    assert_int_equal(cap(&run), 0);
}

static void time_still_needed(void **state)
{
    static const struct {
        int64_t expected, done, limit, need;
    } table[] = {
        {3600, 600, 7200, 3000},
        {3600, 600, 2000, 2000},
        {3600, 600, STEER_UNKNOWN, 3000},
        {3600, 3599, 7200, 1},
        {3600, 3600, 7200, 112}, /* 1/32 more */
        {3600, 6400, 7200, 200},
        {STEER_UNKNOWN, 600, 7200, 7200},
        {STEER_UNKNOWN, 600, STEER_UNKNOWN, STEER_UNKNOWN},
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        assert_int_equal(steer_need_s(table[i].expected, table[i].done, table[i].limit),
                         table[i].need);
}

static void nothing_overflows(void **state)
{
    struct steer_run run = usual(KWH);
    struct steer_order order;

    (void)state;
    run.gpu.count = 1000000;
    run.gpu.mw = run.gpu.mean_mw = run.gpu.peak_mw = INT64_MAX / 4;
    run.gpu.max_mw = run.gpu.mw / run.gpu.count;
    run.other_mw = run.other_peak_mw = INT64_MAX / 4;
    run.need_s = run.limit_s = INT64_MAX / 2;
    order = decide(&rules, &run, NULL);
    assert_true(order.end);
    run.lien_mj = run.raise_mj = INT64_MAX;
    decide(&rules, &run, NULL);
}

static int64_t random_below(uint64_t *random, int64_t end)
{
    *random = *random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (int64_t)((*random >> 20) % (uint64_t)end);
}

/* Whatever is in force: with more left no limit is lower. */
static void more_left_is_never_slower(void **state)
{
    uint64_t random = 7;

    (void)state;
    for (int i = 0; i < 20000; i++) {
        struct steer_run run = usual(random_below(&random, 4 * KWH));
        struct steer_state before = {0};
        int64_t less, more;

        run.need_s = 1 + random_below(&random, 20000);
        run.limit_s = run.need_s + random_below(&random, 20000);
        run.other_mw = random_below(&random, 2000 * W);
        if (random_below(&random, 2)) {
            before.gpu_mw = 200 * W + random_below(&random, 150) * W;
            before.gpu_full_mw = 1400 * W;
            before.changed_s = NOW - random_below(&random, 600);
            run.gpu.mw = 4 * before.gpu_mw;
        }
        less = decide(&rules, &run, &before).state.gpu_mw;
        run.lien_mj += random_below(&random, KWH);
        more = decide(&rules, &run, &before).state.gpu_mw;
        assert_true(more == 0 || (less != 0 && more >= less));
    }
}

/* Runs by a world, steered and left alone. */
static void check_runs(const struct trace_world *world, const struct steer_rules *by,
                       int count, bool certain)
{
    uint64_t random = trace_seed(42);
    int held = 0, finished = 0, finished_alone = 0;

    for (int i = 0; i < count; i++) {
        struct trace t = trace_draw(world, &random);
        struct trace_end alone = trace_play(&t, NULL), end = trace_play(&t, by);

        assert_true(end.used_mj <= (double)t.budget_mj);
        assert_false(end.out_of_range);
        assert_true(end.changes <= 1 + (int)(end.took_s / (2 * TRACE_REPORT_S)));
        if (end.ended)
            assert_true(end.warned);
        if (certain && t.shape != TRACE_BURSTY && alone.finished)
            assert_false(end.held);
        held += end.held;
        finished += end.finished;
        finished_alone += alone.finished;
    }
    assert_true(held > count / 5);
    assert_true(finished >= finished_alone);
}

static void any_run_keeps_to_its_budget(void **state)
{
    struct trace_world world = {.exponent = 0.5,
                                .error = 2,
                                .bias = 1,
                                .unknown = 0.2,
                                .over_least = 0.5,
                                .over_most = 1.8,
                                .least_s = 1800,
                                .most_s = 20000};
    struct steer_rules by = rules;

    (void)state;
    by.package = true;
    check_runs(&world, &by, 600, false);
    by.cpu = true;
    world.exponent = 1 / 3.0;
    check_runs(&world, &by, 200, false);
    world.error = 1;
    world.unknown = 0;
    check_runs(&world, &by, 600, true);
}

/* Whether slowing it to the floor is enough, by the model: from when it is certain
 * enough that it will not fit, and with an end's reserve. */
static bool floor_is_enough(const struct trace *t)
{
    double rest = t->other_mw + (double)t->package.count * t->package_mw;
    double idle = (double)t->gpu.idle_mw, count = (double)t->gpu.count;
    double best = 2 * idle + rest / count, half = (double)t->gpu.max_mw / 2;
    double floor = best > half ? best : half;
    double speed = sqrt((floor - idle) / (t->gpu_mw - idle));
    double over = t->natural_mj / (double)t->budget_mj;
    double used = (1 / 0.97 - over) / (1 / 0.97 - 1);
    double costs = (floor * count + rest) / (t->gpu_mw * count + rest) / speed;
    double keep = 4.0 * TRACE_REPORT_S / t->work_s;

    if (floor >= t->gpu_mw || (double)t->limit_s < t->work_s / speed)
        return false;
    if (used < 0.25)
        used = 0.25;
    return (over - used) * costs + keep < 1 - used;
}

/* Of runs that need more than their budget, all finish that can. */
static void runs_over_their_budget_finish(void **state)
{
    const struct trace_world world = {.exponent = 0.5,
                                      .error = 1,
                                      .bias = 1,
                                      .over_least = 1.005,
                                      .over_most = 1.1,
                                      .least_s = 10000,
                                      .most_s = 40000};
    uint64_t random = trace_seed(3);
    int runs = 0;

    (void)state;
    for (int i = 0; i < 1200; i++) {
        struct trace t = trace_draw(&world, &random);

        if (t.kind == TRACE_CPU || t.shape != TRACE_STEADY || !floor_is_enough(&t))
            continue;
        runs++;
        assert_false(trace_play(&t, NULL).finished);
        assert_true(trace_play(&t, &rules).finished);
    }
    assert_true(runs > 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_that_fits_is_left_alone),
        cmocka_unit_test(nothing_while_it_can_be_topped_up),
        cmocka_unit_test(nothing_before_a_part_is_used),
        cmocka_unit_test(the_lower_of_its_powers_counts),
        cmocka_unit_test(the_cap_is_what_fits),
        cmocka_unit_test(a_time_limit_ends_it_too),
        cmocka_unit_test(no_lower_than_helps),
        cmocka_unit_test(rounded_to_what_devices_take),
        cmocka_unit_test(a_run_without_gpus),
        cmocka_unit_test(packages_only_after_gpus),
        cmocka_unit_test(a_quota_makes_it_last),
        cmocka_unit_test(a_cap_is_changed_seldom),
        cmocka_unit_test(less_work_is_no_slowness),
        cmocka_unit_test(ended_before_it_is_too_late),
        cmocka_unit_test(a_limit_counts_once_it_is_set),
        cmocka_unit_test(warned_in_time_and_once),
        cmocka_unit_test(unknown_is_not_zero),
        cmocka_unit_test(time_still_needed),
        cmocka_unit_test(nothing_overflows),
        cmocka_unit_test(more_left_is_never_slower),
        cmocka_unit_test(any_run_keeps_to_its_budget),
        cmocka_unit_test(runs_over_their_budget_finish),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
