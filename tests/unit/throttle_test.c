/* throttle_test.c - CPU quotas: in a job's own directory, and in a group of the meter's
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "plugin/meter/throttle.h"
#include "tests/unit/tree.h"

#define V2_JOB "system.slice/n1_slurmstepd.scope/job_7"
#define V1_JOB "slurm_n1/uid_1000/job_7"

static struct throttle throttle;
static struct caps_quota quota;
static char why[LIMIT_WHY];
static const struct cputime_of job = {7, 1000, "", CPUTIME_JOB};

static int set_up(void **arg)
{
    (void)arg;
    strcpy(tree_root + strlen(tree_root) - 6, "XXXXXX");
    memset(&throttle, 0, sizeof throttle);
    memset(&quota, 0, sizeof quota);
    strcpy(throttle.node, "n1");
    strcpy(throttle.proc, "/proc");
    return mkdtemp(tree_root) ? 0 : -1;
}

static int tear_down(void **arg)
{
    char command[128];

    (void)arg;
    snprintf(command, sizeof command, "rm -r %s", tree_root);
    return system(command);
}

static void assert_file(const char *file, const char *text)
{
    char path[512], line[128] = "";
    FILE *in;

    tree_path(file, path, sizeof path);
    in = fopen(path, "re");
    assert_non_null(in);
    assert_non_null(fgets(line, sizeof line, in));
    fclose(in);
    line[strcspn(line, "\n")] = '\0';
    assert_string_equal(line, text);
}

static void v2(void)
{
    snprintf(throttle.v2, sizeof throttle.v2, "%s", tree_root);
}

static enum throttle_result plan(int64_t cpus, int32_t percent)
{
    return throttle_plan(&throttle, &job, cpus, percent, &quota, why);
}

static enum throttle_result apply(void)
{
    return throttle_apply(&throttle, &job, &quota, why);
}

static enum throttle_result undo(void)
{
    return throttle_undo(&throttle, &quota, why);
}

static void the_jobs_own_directory(void **arg)
{
    (void)arg;
    v2();
    assert_int_equal(plan(4, 50), THROTTLE_LATER);
    tree_put(V2_JOB "/cpu.max", "max 100000\n");
    assert_int_equal(plan(4, 50), THROTTLE_OK);
    assert_file(V2_JOB "/cpu.max", "max 100000"); /* nothing is changed yet */
    assert_int_equal(apply(), THROTTLE_OK);
    assert_file(V2_JOB "/cpu.max", "200000 100000");
    assert_int_equal(plan(4, 25), THROTTLE_OK); /* another cap: found stays */
    assert_int_equal(apply(), THROTTLE_OK);
    assert_file(V2_JOB "/cpu.max", "100000 100000");
    assert_int_equal(undo(), THROTTLE_OK);
    assert_file(V2_JOB "/cpu.max", "max 100000");
}

static void quotas(void **arg)
{
    static const struct {
        const char *found;
        int cpus, percent;
        const char *set;
    } cases[] = {
        {"max 100000\n", 1, 1, "1000 100000"},
        {"max 50000\n", 2, 50, "50000 50000"},
        {"max 10000\n", 1, 1, "1000 10000"}, /* the kernel takes no less */
        {"300000 100000\n", 4, 50, "200000 100000"},
        {"150000 100000\n", 4, 50, NULL}, /* it is held to less already */
    };

    (void)arg;
    v2();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        memset(&quota, 0, sizeof quota);
        tree_put(V2_JOB "/cpu.max", cases[i].found);
        assert_int_equal(plan(cases[i].cpus, cases[i].percent), THROTTLE_OK);
        if (!cases[i].set) {
            assert_string_equal(quota.dir, "");
            continue;
        }
        assert_int_equal(apply(), THROTTLE_OK);
        assert_file(V2_JOB "/cpu.max", cases[i].set);
    }
    assert_int_equal(plan(0, 50), THROTTLE_FAILED);
    assert_non_null(strstr(why, "unknown"));
}

static void someone_elses_quota(void **arg)
{
    (void)arg;
    v2();
    tree_put(V2_JOB "/cpu.max", "max 100000\n");
    assert_int_equal(plan(4, 50), THROTTLE_OK);
    assert_int_equal(apply(), THROTTLE_OK);
    tree_put(V2_JOB "/cpu.max", "12345 100000\n");
    assert_int_equal(apply(), THROTTLE_FOREIGN);
    assert_int_equal(plan(4, 20), THROTTLE_FOREIGN);
    assert_int_equal(undo(), THROTTLE_FOREIGN);
    assert_file(V2_JOB "/cpu.max", "12345 100000");
}

static void no_controller(void **arg)
{
    (void)arg;
    assert_int_equal(plan(4, 50), THROTTLE_FAILED);
    v2();
    tree_put(V2_JOB "/cpu.stat", "usage_usec 1\n");
    assert_int_equal(plan(4, 50), THROTTLE_FAILED);
    assert_non_null(strstr(why, "cpu.max"));
}

/* Killed between save and set, and after the set: both ends are known. */
static void after_a_crash(void **arg)
{
    struct caps_quota saved;

    (void)arg;
    v2();
    tree_put(V2_JOB "/cpu.max", "max 100000\n");
    assert_int_equal(plan(4, 50), THROTTLE_OK);
    saved = quota;
    assert_int_equal(undo(), THROTTLE_OK); /* it was never set */
    assert_file(V2_JOB "/cpu.max", "max 100000");
    assert_int_equal(apply(), THROTTLE_OK);
    quota = saved;
    assert_int_equal(apply(), THROTTLE_OK);
    assert_int_equal(undo(), THROTTLE_OK);
    assert_file(V2_JOB "/cpu.max", "max 100000");
    /* The job's directory went with it. */
    tree_remove(V2_JOB "/cpu.max");
    assert_int_equal(undo(), THROTTLE_OK);
}

static void v1_with_cpu_and_cpuacct_together(void **arg)
{
    (void)arg;
    snprintf(throttle.cpu, sizeof throttle.cpu, "%s", tree_root);
    snprintf(throttle.cpuacct, sizeof throttle.cpuacct, "%s", tree_root);
    tree_put(V1_JOB "/cpu.cfs_quota_us", "-1\n");
    tree_put(V1_JOB "/cpu.cfs_period_us", "100000\n");
    assert_int_equal(plan(2, 30), THROTTLE_OK);
    assert_false(quota.own);
    assert_int_equal(apply(), THROTTLE_OK);
    assert_file(V1_JOB "/cpu.cfs_quota_us", "60000");
    assert_int_equal(undo(), THROTTLE_OK);
    assert_file(V1_JOB "/cpu.cfs_quota_us", "-1");
}

static void a_group_of_the_meters_own(void **arg)
{
    (void)arg;
    snprintf(throttle.cpu, sizeof throttle.cpu, "%s/cpu", tree_root);
    snprintf(throttle.cpuacct, sizeof throttle.cpuacct, "%s/cpuacct", tree_root);
    snprintf(throttle.proc, sizeof throttle.proc, "%s/proc", tree_root);
    assert_int_equal(plan(2, 30), THROTTLE_LATER);
    tree_put("cpuacct/" V1_JOB "/cgroup.procs", "");
    assert_int_equal(plan(2, 30), THROTTLE_LATER); /* no process yet */
    tree_put("cpuacct/" V1_JOB "/step_0/task_0/cgroup.procs", "4711\n");
    tree_put("proc/4711/cgroup", "5:memory:/x\n4:cpu:/system.slice\n0::/\n");
    assert_int_equal(plan(2, 30), THROTTLE_OK);
    assert_true(quota.own);
    assert_non_null(strstr(quota.from, "/cpu/system.slice"));
    /* The files that the kernel would make. */
    tree_put("cpu/kwota/n1/job_7/cpu.cfs_quota_us", "-1\n");
    tree_put("cpu/kwota/n1/job_7/cgroup.procs", "");
    assert_int_equal(apply(), THROTTLE_OK);
    assert_file("cpu/kwota/n1/job_7/cpu.cfs_quota_us", "60000");
    assert_file("cpu/kwota/n1/job_7/cgroup.procs", "4711");
}

/* What follows is done to real processes, where the machine has cgroup v1 and lets us.
 */
static struct real {
    char top[256], cpu[256], freezer[256], job[512], step[600];
    pid_t pid[2];
} real;

static void put(const char *dir, const char *file, long number)
{
    char path[700];
    FILE *out;

    snprintf(path, sizeof path, "%s/%s", dir, file);
    out = fopen(path, "we");
    assert_non_null(out);
    fprintf(out, "%ld\n", number);
    assert_int_equal(fclose(out), 0);
}

static bool is_in(const char *dir, pid_t pid)
{
    char path[700];
    bool found = false;
    long one;
    FILE *in;

    snprintf(path, sizeof path, "%s/cgroup.procs", dir);
    in = fopen(path, "re");
    while (in && fscanf(in, "%ld", &one) == 1)
        found = found || one == pid;
    if (in)
        fclose(in);
    return found;
}

static void make_dirs(const char *top, const char *below)
{
    char path[600];

    snprintf(path, sizeof path, "%s/%s", top, below);
    for (char *at = path + strlen(top); at && *at; at = strchr(at + 1, '/')) {
        *at = '\0';
        mkdir(path, 0755);
        *at = '/';
    }
    mkdir(path, 0755);
}

static void make_real(struct real *r)
{
    struct throttle found;

    throttle_open(&found, "n1");
    if (geteuid() != 0 || !found.cpu[0] || !found.freezer[0] ||
        strcmp(found.cpu, found.cpuacct) == 0)
        skip();
    snprintf(r->top, sizeof r->top, "%.200s", found.cpu);
    snprintf(r->cpu, sizeof r->cpu, "%.200s/kwota-test-%d", found.cpu, (int)getpid());
    snprintf(r->freezer, sizeof r->freezer, "%.200s/kwota-test-%d", found.freezer,
             (int)getpid());
    if (mkdir(r->cpu, 0755) < 0)
        skip();
    snprintf(r->job, sizeof r->job, "%s/" V1_JOB, r->freezer);
    snprintf(r->step, sizeof r->step, "%s/step_0", r->job);
    make_dirs(r->freezer, V1_JOB "/step_0");
    snprintf(throttle.cpu, sizeof throttle.cpu, "%s", r->cpu);
    snprintf(throttle.freezer, sizeof throttle.freezer, "%s", r->freezer);
    snprintf(throttle.cpuacct, sizeof throttle.cpuacct, "/nowhere");
}

static pid_t burn(struct real *r)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
            ;
    }
    /* Wherever we are ourselves: the group that it came from is the top one. */
    put(r->top, "cgroup.procs", pid);
    put(r->step, "cgroup.procs", pid);
    return pid;
}

/* However the test ended: the processes, and all groups. */
static int remove_real(void **arg)
{
    char command[4096];

    for (int i = 0; i < 2; i++)
        if (real.pid[i] > 0) {
            kill(real.pid[i], SIGKILL);
            waitpid(real.pid[i], NULL, 0);
        }
    snprintf(command, sizeof command,
             "find %s %s -depth -type d -exec rmdir {} + 2>/dev/null", real.freezer,
             real.cpu);
    return (real.cpu[0] && system(command) != 0) | tear_down(arg);
}

static int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int64_t cpu_ns(pid_t pid)
{
    struct timespec used;
    clockid_t clock;

    assert_int_equal(clock_getcpuclockid(pid, &clock), 0);
    assert_int_equal(clock_gettime(clock, &used), 0);
    return (int64_t)used.tv_sec * 1000000000 + used.tv_nsec;
}

static void real_processes(void **arg)
{
    struct timespec second = {1, 0};
    struct real *r = &real;
    int64_t before_ns, began_ns;

    (void)arg;
    make_real(r);
    r->pid[0] = burn(r);
    assert_int_equal(plan(1, 20), THROTTLE_OK);
    assert_int_equal(apply(), THROTTLE_OK);
    assert_true(is_in(quota.dir, r->pid[0]));
    r->pid[1] = burn(r); /* a later step */
    assert_false(is_in(quota.dir, r->pid[1]));
    assert_int_equal(apply(), THROTTLE_OK);
    assert_true(is_in(quota.dir, r->pid[1]));
    /* On a busy machine the second is longer; a fifth of it is theirs all the same. */
    began_ns = now_ns();
    before_ns = cpu_ns(r->pid[0]) + cpu_ns(r->pid[1]);
    nanosleep(&second, NULL);
    assert_true((cpu_ns(r->pid[0]) + cpu_ns(r->pid[1]) - before_ns) * 10 <
                (now_ns() - began_ns) * 3);
    assert_int_equal(undo(), THROTTLE_OK);
    assert_int_equal(access(quota.dir, F_OK), -1);
    assert_true(is_in(quota.from, r->pid[0]) && is_in(quota.from, r->pid[1]));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_jobs_own_directory),
        TEST(quotas),
        TEST(someone_elses_quota),
        TEST(no_controller),
        TEST(after_a_crash),
        TEST(v1_with_cpu_and_cpuacct_together),
        TEST(a_group_of_the_meters_own),
        cmocka_unit_test_setup_teardown(real_processes, set_up, remove_real),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
