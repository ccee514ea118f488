/* waiting_test.c - what a job that waits is expected to use */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "policy/lien.h"
#include "policy/slurm_act.h"
#include "policy/waiting.h"
#include "tests/unit/policy_file.h"

/* Slurm is not asked here. */
int queue_load(struct queue *queue)
{
    (void)queue;
    return -1;
}

void queue_done(struct queue *queue)
{
    (void)queue;
}

int act_licences(const char *job, const char *licences, char why[ACT_WHY])
{
    (void)job;
    (void)licences;
    why[0] = '\0';
    return -1;
}

int act_release(const char *job, const char *comment, char why[ACT_WHY])
{
    return act_licences(job, comment, why);
}

int act_comment(const char *job, const char *comment, char why[ACT_WHY])
{
    return act_licences(job, comment, why);
}

static const struct queue_partition partitions[] = {
    {.name = "main", .max_s = 1000, .node_cpus = 8},
    {.name = "gpu", .whole_nodes = true, .node_cpus = 16, .node_gpus = 4},
    {.name = "dark", .max_s = 1000, .node_cpus = 8},
};

static struct policy *read_policy(struct policy_files *files, const char *estimate)
{
    char text[512], *complaints;
    struct policy *policy;

    snprintf(text, sizeof text, "{\"version\":1,\"estimate\":{%s}}", estimate);
    policy =
        policy_files_read(files, policy_files_write(files, "k", text), &complaints);
    assert_string_equal(complaints, "");
    free(complaints);
    return policy;
}

#define PLATES                                                                         \
    "\"nameplate\":{\"main\":{\"node_w\":10,\"cpu_w\":1,\"gpu_w\":0},"                 \
    "\"gpu\":{\"node_w\":100,\"cpu_w\":2,\"gpu_w\":300}}"

static void estimates(void **state)
{
    static const struct {
        const char *partition;
        int64_t nodes, cpus, gpus, limit_s;
        bool whole;
        int64_t mj;
    } table[] = {
        {"main", 1, 4, 0, 100, false, (10 + 4) * 100000},
        {"main", 2, 4, 0, 100, false, (20 + 4) * 100000},
        /* nodes are not known yet: at least one */
        {"main", 0, 4, 0, 100, false, (10 + 4) * 100000},
        /* all of its nodes, by its own wish or the partition's way */
        {"main", 2, 4, 0, 100, true, (20 + 16) * 100000},
        {"gpu", 1, 1, 1, 100, false, (100 + 32 + 1200) * 100000},
        {"gpu", 3, 3, 0, 100, false, 3 * (100 + 32 + 1200) * 100000},
        /* no time limit: the partition's most, else a year */
        {"main", 1, 4, 0, 0, false, (10 + 4) * 1000000},
        {"gpu", 1, 1, 1, 0, false, (100 + 32 + 1200) * LIEN_NO_LIMIT_S * 1000},
        /* several partitions: the most expensive */
        {"main,gpu", 1, 1, 0, 100, false, (100 + 32 + 1200) * 100000},
        {"gpu,main", 1, 1, 0, 100, false, (100 + 32 + 1200) * 100000},
        {"dark,main", 1, 1, 0, 100, false, (10 + 1) * 100000},
        /* no nameplate: nothing is known, which is not nothing */
        {"dark", 1, 1, 0, 100, false, -1},
        {"nosuch", 1, 1, 0, 100, false, -1},
        {"", 1, 1, 0, 100, false, -1},
    };
    struct policy_files files;
    struct policy *policy;

    (void)state;
    policy_files_make(&files);
    policy = read_policy(&files, PLATES);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct queue_job job = {.nodes = table[i].nodes,
                                .cpus = table[i].cpus,
                                .gpus = table[i].gpus,
                                .limit_s = table[i].limit_s,
                                .whole_nodes = table[i].whole};

        snprintf(job.partition, sizeof job.partition, "%s", table[i].partition);
        assert_int_equal(waiting_estimate(NULL, policy, "c", NULL, partitions, 3, &job),
                         table[i].mj);
    }
    policy_release(policy);
    policy_files_remove(&files);
}

/* Partitions that slurmctld has not told of yet, and the policy's factor. */
static void estimates_without_slurmctld(void **state)
{
    struct queue_job job = {
        .partition = "gpu", .nodes = 2, .cpus = 3, .gpus = 1, .limit_s = 10};
    struct policy_files files;
    struct policy *policy;

    (void)state;
    policy_files_make(&files);
    policy = read_policy(&files, "\"factor_percent\":150," PLATES);
    assert_int_equal(waiting_estimate(NULL, policy, "c", NULL, NULL, 0, &job),
                     (200 + 6 + 300) * 15 * 1000);
    policy_release(policy);
    policy_files_remove(&files);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(estimates),
        cmocka_unit_test(estimates_without_slurmctld),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
