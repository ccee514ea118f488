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

static void parts_always_add_up(void **state)
{
    (void)state;
    model_init(&model, &figures, 7);
    srandom(1);
    for (int step = 0; step < 20000; step++) {
        for (uint32_t id = 1; id <= 5; id++) {
            struct model_job *job = model_job(&model, id);

            job->cpus = (int)(random() % 2);
            job->used_ns = random() % 100000007;
        }
        model_advance(&model, random() % 100000007);
        for (int d = 0; d < model.domains; d++) {
            int64_t sum = model_node_uj(&model, d);

            assert_true(sum >= 0);
            for (int i = 0; i < model.job_count; i++)
                sum += model_job_uj(&model.jobs[i], d);
            assert_int_equal(sum, model_total_uj(&model, d));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(idle_node_uses_idle_power),
        cmocka_unit_test(busy_job_pays_for_its_core_and_its_share),
        cmocka_unit_test(turbo_changes_dynamic_only),
        cmocka_unit_test(parts_always_add_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
