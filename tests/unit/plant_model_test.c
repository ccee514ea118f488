/* plant_model_test.c - the plant's model against hand-made figures, and its
 * conservation */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "tests/plant/model.h"

static const struct figures figures = {
    .packages = 2,
    .kind[FIGURES_PACKAGE] = {10000, 20000, 1000000},
    .kind[FIGURES_DRAM] = {1000, 0, 1000000},
};

static struct model model;

static void idle_node_uses_idle_power(void **state)
{
    (void)state;
    model_init(&model, &figures, 4);
    model_advance(&model, 1000000000);
    assert_int_equal(model_total_uj(&model, 0), 10000000);
    assert_int_equal(model_node_uj(&model, 0), 10000000);
    assert_int_equal(model_total_uj(&model, 1), 1000000);
}

static void busy_job_pays_for_its_core_and_its_share(void **state)
{
    struct model_job *job;

    (void)state;
    model_init(&model, &figures, 4);
    job = model_job(&model, 7);
    job->cpus = 1;
    job->used_ns = 1000000000;
    model_advance(&model, 1000000000);
    /* a quarter of 10 J idle, half (two packages) of 20 J dynamic */
    assert_int_equal(model_job_uj(job, 0), 2500000 + 10000000);
    assert_int_equal(model_node_uj(&model, 0), 7500000);
    assert_int_equal(job->cpu_ns, 1000000000);
}

static void turbo_changes_dynamic_only(void **state)
{
    struct figures turbo = figures;
    struct model_job *job;

    (void)state;
    turbo.turbo[0] = (struct figures_turbo){1, 150};
    turbo.turbo_count = 1;
    model_init(&model, &turbo, 4);
    job = model_job(&model, 7);
    job->used_ns = 1000000000;
    model_advance(&model, 1000000000);
    assert_int_equal(model_job_uj(job, 0), 15000000);
}

#define MS INT64_C(1000000)

static const struct figures with_gpus = {
    .packages = 2,
    .kind[FIGURES_PACKAGE] = {10000, 20000, 1000000},
    .kind[FIGURES_DRAM] = {1000, 500, 1000000},
    .gpus = 2,
    .gpu_idle_mw = 25000,
    .gpu_busy_mw = 200000,
    .platform_mw = 5000,
};

/* A busy job that holds these GPUs. */
static struct model_job *hold(uint32_t id, uint32_t gpus)
{
    struct model_job *job = model_job(&model, id);

    job->cpus = 1;
    job->gpus = gpus;
    return job;
}

/* Time passes in which every job keeps one core and its GPUs busy. */
static void work(int64_t ms, int64_t step_ms)
{
    for (int64_t at = 0; at < ms; at += step_ms) {
        for (int i = 0; i < model.job_count; i++)
            model.jobs[i].used_ns = model.jobs[i].gpus ? step_ms * MS : 0;
        model_advance(&model, step_ms * MS);
    }
}

static int gpu(int number)
{
    return model_domain(&model, MODEL_GPU, number);
}

/* 225 W are asked for and 125 W allowed: half of the dynamic power, after 0.3 s. */
static void gpu_obeys_its_limit_late(void **state)
{
    static const int64_t steps_ms[] = {10, 50, 100, 150, 300, 500, 1000, 3000};

    (void)state;
    for (size_t s = 0; s < sizeof steps_ms / sizeof *steps_ms; s++) {
        struct model_job *job;

        model_init(&model, &with_gpus, 4);
        job = hold(7, 1);
        model.clocks[gpu(0)].limit_mw = 125000;
        work(3000, steps_ms[s]);
        assert_int_equal(model_total_uj(&model, gpu(0)),
                         300 * 225 * 1000 + 2700 * 125 * 1000);
        assert_int_equal(job->work_ns[gpu(0)], 300 * MS + 2700 * MS / 2);
        assert_int_equal(model_job_work_ns(&model, job, MODEL_GPU),
                         job->work_ns[gpu(0)]);
        assert_int_equal(model_gpu_mw(&model, 0), 125000);
        assert_int_equal(model_gpu_demand_mw(&model, 0), 225000);
        assert_int_equal(model_total_uj(&model, gpu(1)), 3000 * 25 * 1000);
        /* its cores are not slowed */
        assert_int_equal(model_job_work_ns(&model, job, MODEL_PACKAGE), 3000 * MS);
    }
}

/* A quarter of its dynamic power, half of its speed; busy without a busy core. */
static void gpu_speed_can_be_the_root_of_its_power(void **state)
{
    struct figures rooted = with_gpus;
    struct model_job *job;

    (void)state;
    rooted.gpu_root_speed = 1;
    model_init(&model, &rooted, 4);
    job = hold(7, 1);
    job->gpu_percent = 100;
    model.clocks[gpu(0)].limit_mw = 75000;
    for (int i = 0; i < 33; i++)
        model_advance(&model, 100 * MS);
    assert_int_equal(model_total_uj(&model, gpu(0)),
                     300 * 225 * 1000 + 3000 * 75 * 1000);
    assert_int_equal(job->work_ns[gpu(0)], 300 * MS + 3000 * MS / 2);
    assert_int_equal(model_job_work_ns(&model, job, MODEL_PACKAGE), 0);
}

/* A short gap, as a look between two ticks of the CPU time makes, is no rest. */
static void gpu_short_gap(void **state)
{
    (void)state;
    model_init(&model, &with_gpus, 4);
    hold(7, 1);
    model.clocks[gpu(0)].limit_mw = 125000;
    work(1000, 100);
    model_advance(&model, 1 * MS); /* too short to tell that it is not busy */
    assert_int_equal(model_gpu_mw(&model, 0), 125000);
    model_advance(&model, 99 * MS);
    assert_int_equal(model_gpu_mw(&model, 0), 25000);
    work(900, 100);
    assert_int_equal(model_total_uj(&model, gpu(0)),
                     (300 * 225 + 701 * 125 + 99 * 25 + 900 * 125) * 1000);
}

/* From one limit to a lower one it draws the old one's power meanwhile; a higher one is
 * obeyed at once. */
static void gpu_limit_that_changes(void **state)
{
    int64_t before_uj;

    (void)state;
    model_init(&model, &with_gpus, 4);
    hold(7, 1);
    model.clocks[gpu(0)].limit_mw = 200000;
    work(1000, 100);
    before_uj = model_total_uj(&model, gpu(0));
    model.clocks[gpu(0)].limit_mw = 100000;
    work(1000, 100);
    assert_int_equal(model_total_uj(&model, gpu(0)) - before_uj,
                     300 * 200 * 1000 + 700 * 100 * 1000);
    before_uj = model_total_uj(&model, gpu(0));
    model.clocks[gpu(0)].limit_mw = 150000;
    work(1000, 100);
    assert_int_equal(model_total_uj(&model, gpu(0)) - before_uj, 1000 * 150 * 1000);
    before_uj = model_total_uj(&model, gpu(0));
    model.clocks[gpu(0)].limit_mw = 300000;
    work(1000, 100);
    assert_int_equal(model_total_uj(&model, gpu(0)) - before_uj, 1000 * 225 * 1000);
}

/* Every burst overshoots anew. */
static void gpu_bursts(void **state)
{
    (void)state;
    model_init(&model, &with_gpus, 4);
    model.clocks[gpu(0)].limit_mw = 100000;
    for (int burst = 0; burst < 3; burst++) {
        hold(7, 1);
        work(500, 100);
        hold(7, 0);
        work(500, 100);
    }
    assert_int_equal(model_total_uj(&model, gpu(0)),
                     3 * (300 * 225 + 200 * 100 + 500 * 25) * 1000);
}

/* Idle power is drawn whatever the limit; nothing is worked below it. */
static void gpu_limit_below_idle(void **state)
{
    struct model_job *job;

    (void)state;
    model_init(&model, &with_gpus, 4);
    job = hold(7, 1);
    model.clocks[gpu(0)].limit_mw = 20000;
    work(1300, 100);
    assert_int_equal(model_total_uj(&model, gpu(0)), (300 * 225 + 1000 * 25) * 1000);
    assert_int_equal(job->work_ns[gpu(0)], 300 * MS);
}

/* Three times 200 W of dynamic power are asked for; 100 W are to be had. */
static void holders_are_slowed_alike(void **state)
{
    struct model_job *big, *small;

    (void)state;
    model_init(&model, &with_gpus, 4);
    big = hold(7, 1);
    big->gpu_mw = 400000;
    small = hold(8, 1);
    model.clocks[gpu(0)].limit_mw = 125000;
    work(300, 100);
    big->work_ns[gpu(0)] = small->work_ns[gpu(0)] = 0;
    big->dynamic_pj[gpu(0)] = small->dynamic_pj[gpu(0)] = 0;
    work(6000, 100);
    assert_int_equal(big->work_ns[gpu(0)] / MS, 1000 - 1);
    assert_int_equal(small->work_ns[gpu(0)] / MS, 1000 - 1);
    assert_int_equal(big->dynamic_pj[gpu(0)] / small->dynamic_pj[gpu(0)], 2);
    /* up to what is rounded off */
    assert_in_range((big->dynamic_pj[gpu(0)] + small->dynamic_pj[gpu(0)]) /
                        MODEL_PJ_PER_UJ,
                    599999000, 600000000);
}

/* Half of the core's 20 W is package 0's: of its 10 W, 4 W are to be had. */
static void package_obeys_its_limit(void **state)
{
    struct model_job *job;

    (void)state;
    model_init(&model, &with_gpus, 4);
    job = hold(7, 1);
    model.clocks[0].limit_mw = 14000;
    work(2300, 100);
    assert_int_equal(model_total_uj(&model, 0), (300 * 20 + 2000 * 14) * 1000);
    assert_int_equal(model_total_uj(&model, 2), 2300 * 20 * 1000);
    assert_int_equal(job->work_ns[0], (300 + 2000 * 4 / 10) * MS / 2);
    assert_int_equal(job->work_ns[2], 2300 * MS / 2);
    assert_int_equal(model_job_work_ns(&model, job, MODEL_PACKAGE),
                     job->work_ns[0] + job->work_ns[2]);
    /* CPU time is what it is; memory is not slowed, nor what psys shows of it lost */
    assert_int_equal(job->cpu_ns, 2300 * MS);
    assert_int_equal(model_total_uj(&model, gpu(1) + 1),
                     model_total_uj(&model, 0) + model_total_uj(&model, 1) +
                         model_total_uj(&model, 2) + model_total_uj(&model, 3) +
                         2300 * 5 * 1000);
}

static void check_sums(void)
{
    for (int d = 0; d < model.domains; d++) {
        int64_t sum = model_node_uj(&model, d);

        assert_true(sum >= 0);
        for (int i = 0; i < model.job_count; i++)
            sum += model_job_uj(&model.jobs[i], d);
        assert_int_equal(sum, model_total_uj(&model, d));
    }
}

/* Limits that come and go, or none. */
static void random_steps(const struct figures *of, bool limited)
{
    model_init(&model, of, 7);
    srandom(1);
    for (int step = 0; step < 20000; step++) {
        int domain = (int)(random() % model.domains);

        for (uint32_t id = 1; id <= 5; id++) {
            struct model_job *job = model_job(&model, id);

            job->cpus = (int)(random() % 2);
            job->gpus = (uint32_t)(random() % 4) & ((1U << of->gpus) - 1);
            job->used_ns = random() % 100000007;
        }
        if (limited && step % 7 == 0)
            model.clocks[domain].limit_mw = random() % 300000;
        model_advance(&model, random() % 100000007);
        check_sums();
    }
}

static void parts_always_add_up(void **state)
{
    (void)state;
    random_steps(&figures, false);
    random_steps(&with_gpus, false);
    random_steps(&with_gpus, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(idle_node_uses_idle_power),
        cmocka_unit_test(busy_job_pays_for_its_core_and_its_share),
        cmocka_unit_test(turbo_changes_dynamic_only),
        cmocka_unit_test(gpu_obeys_its_limit_late),
        cmocka_unit_test(gpu_speed_can_be_the_root_of_its_power),
        cmocka_unit_test(gpu_short_gap),
        cmocka_unit_test(gpu_limit_that_changes),
        cmocka_unit_test(gpu_bursts),
        cmocka_unit_test(gpu_limit_below_idle),
        cmocka_unit_test(holders_are_slowed_alike),
        cmocka_unit_test(package_obeys_its_limit),
        cmocka_unit_test(parts_always_add_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
