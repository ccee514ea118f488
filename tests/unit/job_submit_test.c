/* job_submit_test.c - the plugin as slurmctld sees it, with Slurm's own structures */
#include "plugin/slurm_version.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <slurm/slurm_errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "plugin/job_request.h"
#include "policy/budget_map.h"
#include "policy/policy.h"

#define COUNT(table) (int)(sizeof(table) / sizeof *(table))

/* The host process's. */
extern void slurm_info(const char *format, ...);
extern void slurm_error(const char *format, ...);
extern char *slurm_xstrdup(const char *text);
extern void slurm_xfree(void **item);
extern int init(void);
extern KWOTA_FINI fini(void);
extern int job_submit(job_desc_msg_t *job, uint32_t uid, char **err_msg);
extern int job_modify(job_desc_msg_t *job, void *record,
                      uint32_t uid KWOTA_JOB_MODIFY_MESSAGE);

void slurm_info(const char *format, ...)
{
    (void)format;
}

void slurm_error(const char *format, ...)
{
    (void)format;
}

char *slurm_xstrdup(const char *text)
{
    return strdup(text);
}

void slurm_xfree(void **item)
{
    free(*item);
    *item = NULL;
}

static char dir[64], path[96];

static int make_map(void **state)
{
    static const struct map_partition partitions[] = {
        {"main", {100000, 1000, 0}, true, true, false, 3600, 86400, 64, 0},
        {"gpu", {100000, 0, 200000}, true, false, false, 3600, 86400, 64, 4},
    };
    static const struct map_account accounts[] = {
        {"astro", ENFORCE_STRICT, AT_LIMIT_WAIT, 1000, 1000, 0, ""},
    };
    static const struct map_user users[] = {
        {1001, "alice", "astro", -1, "", false},
        {1004, "oper", "astro", -1, "", true},
    };
    struct map_tables tables = {
        .written_s = time(NULL),
        .stale_s = 600,
        .factor_percent = 100,
        .round_wh = 1,
        .partitions = partitions,
        .partition_count = COUNT(partitions),
        .accounts = accounts,
        .account_count = COUNT(accounts),
        .users = users,
        .user_count = COUNT(users),
    };
    char why[BUDGET_MAP_WHY];

    (void)state;
    snprintf(dir, sizeof dir, "/tmp/kwota-unit-XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    snprintf(path, sizeof path, "%s/budget.map", dir);
    setenv("KWOTA_BUDGET_MAP", path, 1);
    return budget_map_write(path, &tables, why);
}

static int remove_map(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(dir);
}

/* As slurm_init_job_desc_msg() leaves it. */
static void nothing_asked(job_desc_msg_t *job)
{
    memset(job, 0, sizeof *job);
    job->user_id = 1001;
    job->time_limit = NO_VAL;
    job->min_nodes = NO_VAL;
    job->min_cpus = NO_VAL;
    job->num_tasks = NO_VAL;
    job->cpus_per_task = NO_VAL16;
    job->ntasks_per_node = NO_VAL16;
    job->pn_min_cpus = NO_VAL16;
    job->sockets_per_node = NO_VAL16;
    job->shared = NO_VAL16;
    job->overcommit = NO_VAL8;
}

static void give_env(job_desc_msg_t *job, const char *const *entries)
{
    uint32_t n = 0;

    while (entries[n])
        n++;
    job->spank_job_env = calloc(n + 1, sizeof *job->spank_job_env);
    for (uint32_t i = 0; i < n; i++)
        job->spank_job_env[i] = strdup(entries[i]);
    job->spank_job_env_size = n;
}

static void free_env(job_desc_msg_t *job)
{
    for (uint32_t i = 0; i < job->spank_job_env_size; i++)
        free(job->spank_job_env[i]);
    free(job->spank_job_env);
}

static void submitted_as(job_desc_msg_t *job, const char *licenses)
{
    char *message = NULL;

    assert_int_equal(job_submit(job, 1001, &message), SLURM_SUCCESS);
    assert_null(message);
    assert_non_null(job->licenses);
    assert_string_equal(job->licenses, licenses);
    free(job->licenses);
    job->licenses = NULL;
}

static void fields_that_are_not_set_are_left_open(void **state)
{
    job_desc_msg_t job;
    struct request request;

    (void)state;
    nothing_asked(&job);
    job_request_read(&job, &request);
    assert_int_equal(request.uid, 1001);
    assert_int_equal(request.limit_min, 0);
    assert_int_equal(request.nodes, 0);
    assert_int_equal(request.cpus, 0);
    assert_int_equal(request.tasks, 0);
    assert_int_equal(request.cpus_per_task, 0);
    assert_int_equal(request.tasks_per_node, 0);
    assert_int_equal(request.cpus_per_node, 0);
    assert_int_equal(request.sockets_per_node, 0);
    assert_false(request.exclusive);
    assert_false(request.overcommit);
    assert_null(request.account);
    assert_null(request.budget);
    job.time_limit = INFINITE;
    job_request_read(&job, &request);
    assert_int_equal(request.limit_min, REQUEST_UNLIMITED);
    job.time_limit = 0;
    job_request_read(&job, &request);
    assert_int_equal(request.limit_min, REQUEST_UNLIMITED);
}

static void jobs_get_their_lien(void **state)
{
    job_desc_msg_t job;

    (void)state;
    init();
    nothing_asked(&job);
    submitted_as(&job, "kwota:101");
    job.time_limit = 30;
    job.min_nodes = 2;
    job.min_cpus = 20;
    submitted_as(&job, "kwota:110");
    job.licenses = strdup("kwota:1,matlab");
    submitted_as(&job, "matlab,kwota:110");
    job.shared = 0;
    submitted_as(&job, "kwota:164");
    nothing_asked(&job);
    job.partition = (char *)"gpu";
    job.tres_per_node = (char *)"gres:gpu:2";
    submitted_as(&job, "kwota:500");
    nothing_asked(&job);
    job.num_tasks = 10;
    job.cpus_per_task = 4;
    submitted_as(&job, "kwota:140");
    fini();
}

static void options_come_from_the_spank_environment(void **state)
{
    static const char *const entries[] = {
        "KWOTA_TOKEN=mine",
        "OTHER=1",
        "SPANK_KWOTA_TOKEN=mine",
        "_SLURM_SPANK_OPTION_kwota_energy_budget=40Wh",
        "_SLURM_SPANK_OPTION_kwota_energy_report=yes",
        "KWOTAX=stays",
        "KWOTA_LAST=mine",
        NULL,
    };
    static const char *const left[] = {
        "OTHER=1",
        "_SLURM_SPANK_OPTION_kwota_energy_budget=40Wh",
        "_SLURM_SPANK_OPTION_kwota_energy_report=yes",
        "KWOTAX=stays",
    };
    job_desc_msg_t job;

    (void)state;
    init();
    nothing_asked(&job);
    give_env(&job, entries);
    submitted_as(&job, "kwota:40");
    assert_string_equal(job.admin_comment, "kwota: energy budget 40 Wh");
    free(job.admin_comment);
    assert_int_equal(job.spank_job_env_size, COUNT(left));
    for (int i = 0; i < COUNT(left); i++)
        assert_string_equal(job.spank_job_env[i], left[i]);
    for (int i = COUNT(left); entries[i]; i++)
        assert_null(job.spank_job_env[i]);
    free_env(&job);
    fini();
}

/* Both words of the user's are where kwotad finds them; what is no power is refused. */
static void power_caps_are_noted(void **state)
{
    static const char *const both[] = {"_SLURM_SPANK_OPTION_kwota_gpu_power_cap=0.25kW",
                                       "_SLURM_SPANK_OPTION_kwota_energy_budget=40Wh",
                                       NULL};
    static const char *const one[] = {"_SLURM_SPANK_OPTION_kwota_gpu_power_cap=250.5W",
                                      NULL};
    static const char *const none[] = {"_SLURM_SPANK_OPTION_kwota_gpu_power_cap=lots",
                                       NULL};
    job_desc_msg_t job;
    char *message = NULL;

    (void)state;
    init();
    nothing_asked(&job);
    give_env(&job, both);
    assert_int_equal(job_submit(&job, 1001, &message), SLURM_SUCCESS);
    assert_string_equal(job.admin_comment,
                        "kwota: energy budget 40 Wh; gpu power cap 250 W");
    free(job.admin_comment);
    free(job.licenses);
    free_env(&job);
    free(message);
    nothing_asked(&job);
    give_env(&job, one);
    message = NULL;
    assert_int_equal(job_submit(&job, 1001, &message), SLURM_SUCCESS);
    assert_string_equal(job.admin_comment, "kwota: gpu power cap 250.5 W");
    free(job.admin_comment);
    free(job.licenses);
    free_env(&job);
    free(message);
    nothing_asked(&job);
    give_env(&job, none);
    message = NULL;
    assert_int_equal(job_submit(&job, 1001, &message), ESLURM_ACCOUNTING_POLICY);
    assert_non_null(strstr(message, "--gpu-power-cap=lots is no power of a GPU"));
    assert_null(job.admin_comment);
    free_env(&job);
    free(message);
    fini();
}

/* What a client writes there in kwota's name is no budget. */
static void comments_in_kwotas_name_are_taken_out(void **state)
{
    job_desc_msg_t job;

    (void)state;
    init();
    nothing_asked(&job);
    job.admin_comment = strdup("kwota: energy budget 1 Wh");
    submitted_as(&job, "kwota:101");
    assert_null(job.admin_comment);
    job.admin_comment = strdup("the site's own");
    submitted_as(&job, "kwota:101");
    assert_string_equal(job.admin_comment, "the site's own");
    free(job.admin_comment);
    fini();
}

static void refusals_say_why(void **state)
{
    job_desc_msg_t job;
    char *message = NULL;

    (void)state;
    init();
    nothing_asked(&job);
    job.time_limit = 1000;
    job.licenses = strdup("kwota:1");
    assert_int_equal(job_submit(&job, 1001, &message), ESLURM_ACCOUNTING_POLICY);
    assert_string_equal(message,
                        "kwota: account astro can never run this job: it could "
                        "use 1.684 kWh (101 W x 16 h 40 min), more than the "
                        "whole quota (1 kWh). --time=09:54:00 would fit.");
    free(message);
    /* Another plugin has spoken before. */
    message = strdup("be careful");
    assert_int_equal(job_submit(&job, 1001, &message), ESLURM_ACCOUNTING_POLICY);
    assert_int_equal(strncmp(message, "be careful\nkwota: account", 25), 0);
    free(message);
    free(job.licenses);
    fini();
}

static int modify(job_desc_msg_t *job, uint32_t uid)
{
    char *message = NULL;
    int rc;

#if KWOTA_SLURM_FROM(23, 2)
    rc = job_modify(job, NULL, uid, &message);
#else
    rc = job_modify(job, NULL, uid);
#endif
    free(message);
    return rc;
}

static void licences_are_for_operators(void **state)
{
    job_desc_msg_t job;

    (void)state;
    init();
    nothing_asked(&job);
    job.time_limit = 5;
    assert_int_equal(modify(&job, 1001), SLURM_SUCCESS);
    job.licenses = (char *)"";
    assert_int_equal(modify(&job, 1001), ESLURM_ACCESS_DENIED);
    job.licenses = (char *)"matlab";
    assert_int_equal(modify(&job, 1001), ESLURM_ACCESS_DENIED);
    assert_int_equal(modify(&job, 1004), SLURM_SUCCESS);
    assert_int_equal(modify(&job, 0), SLURM_SUCCESS);
    assert_int_equal(modify(&job, geteuid()), SLURM_SUCCESS);
    fini();
}

static void without_a_map_jobs_pass_or_not(void **state)
{
    job_desc_msg_t job;
    char *message = NULL;

    (void)state;
    setenv("KWOTA_BUDGET_MAP", "/nowhere/budget.map", 1);
    init();
    nothing_asked(&job);
    job.licenses = strdup("kwota:1,matlab");
    submitted_as(&job, "matlab");
    fini();
    setenv("KWOTA_MAP_MISSING", "refuse", 1);
    init();
    assert_int_equal(job_submit(&job, 1001, &message), ESLURM_ACCOUNTING_POLICY);
    assert_non_null(strstr(message, "there are no energy budgets"));
    free(message);
    fini();
    unsetenv("KWOTA_MAP_MISSING");
    setenv("KWOTA_BUDGET_MAP", path, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_that_are_not_set_are_left_open),
        cmocka_unit_test(jobs_get_their_lien),
        cmocka_unit_test(options_come_from_the_spank_environment),
        cmocka_unit_test(comments_in_kwotas_name_are_taken_out),
        cmocka_unit_test(power_caps_are_noted),
        cmocka_unit_test(refusals_say_why),
        cmocka_unit_test(licences_are_for_operators),
        cmocka_unit_test(without_a_map_jobs_pass_or_not),
    };

    return cmocka_run_group_tests(tests, make_map, remove_map);
}
