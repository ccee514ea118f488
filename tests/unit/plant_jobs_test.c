/* plant_jobs_test.c - CPU time of jobs in both kinds of control groups */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/plant/jobs.h"

static char root[] = "/tmp/kwota-unit-XXXXXX";

/* Writes `text` to a file below the root. */
static void put(const char *path, const char *text)
{
    char command[512];
    FILE *file;

    snprintf(command, sizeof command, "mkdir -p $(dirname %s/%s)", root, path);
    assert_int_equal(system(command), 0);
    snprintf(command, sizeof command, "%s/%s", root, path);
    file = fopen(command, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void reads_both_kinds(void **state)
{
    static const struct {
        uint32_t job;
        const char *path, *before, *after;
        int64_t used_ns;
    } rows[] = {
        {1, "cpuacct/slurm_n1/uid_5/job_1/cpuacct.usage", "1000\n", "3500\n", 2500},
        {2, "cpuacct/slurm/uid_5/job_2/cpuacct.usage", "0\n", "7\n", 7},
        {3, "system.slice/slurmstepd.scope/job_3/cpu.stat",
         "usage_usec 5\nuser_usec 9\n", "usage_usec 12\nuser_usec 9\n", 7000},
        {4, "system.slice/n1_slurmstepd.scope/job_4/cpu.stat", "usage_usec 0\n",
         "usage_usec 1\n", 1000},
        {5, "system.slice/slurmstepd.scope/sABC5/cpu.stat", "usage_usec 2\n",
         "usage_usec 4\n", 2000},
        /* it is another one's, who was not told of */
        {6, "system.slice/slurmstepd.scope/sABC6/cpu.stat", "usage_usec 2\n",
         "usage_usec 4\n", 0},
        /* a requeued job's new one */
        {7, "system.slice/slurmstepd.scope/job_7/cpu.stat", "usage_usec 900\n",
         "usage_usec 3\n", 3000},
    };
    static struct model model;
    static const struct figures figures = {.packages = 1};

    (void)state;
    model_init(&model, &figures, 4);
    snprintf(model_job(&model, 5)->sluid, MODEL_SLUID, "sABC5");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        put(rows[i].path, rows[i].before);
    jobs_look(&model, root, "n1");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        put(rows[i].path, rows[i].after);
    jobs_look(&model, root, "n1");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(model_job(&model, rows[i].job)->used_ns, rows[i].used_ns);
}

static int make_root(void **state)
{
    (void)state;
    return mkdtemp(root) ? 0 : -1;
}

static int drop_root(void **state)
{
    char command[64];

    (void)state;
    snprintf(command, sizeof command, "rm -rf %s", root);
    return system(command);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {cmocka_unit_test(reads_both_kinds)};

    return cmocka_run_group_tests_name("plant_jobs", tests, make_root, drop_root);
}
