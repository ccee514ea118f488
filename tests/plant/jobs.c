/* jobs.c - the CPU time that the jobs of a node use, as their cgroups say */
#include "tests/plant/jobs.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The number in the first line. */
static int64_t read_number(const char *path)
{
    FILE *file = fopen(path, "re");
    char line[64] = "";
    const char *digits;

    if (!file)
        return -1;
    digits = fgets(line, sizeof line, file) ? strpbrk(line, "0123456789") : NULL;
    fclose(file);
    return digits ? strtoll(digits, NULL, 10) : -1;
}

/* cpuacct.usage has nanoseconds; the first line of cpu.stat is "usage_usec N". */
static int64_t read_ns(const char *path)
{
    int64_t number = read_number(path);

    return number > 0 && strstr(path, "/cpu.stat") ? number * 1000 : number;
}

/* A process of one of the job's steps; 0: there is none. */
static uint32_t first_process(const char *usage)
{
    char pattern[512];
    uint32_t pid = 0;
    glob_t found;

    snprintf(pattern, sizeof pattern, "%.*s/step_[!e]*/task_*/cgroup.procs",
             (int)(strrchr(usage, '/') - usage), usage);
    if (glob(pattern, GLOB_NOSORT, NULL, &found) != 0)
        return 0;
    for (size_t i = 0; i < found.gl_pathc && pid == 0; i++) {
        int64_t first = read_number(found.gl_pathv[i]);

        pid = first > 0 ? (uint32_t)first : 0;
    }
    globfree(&found);
    return pid;
}

/* The job whose cgroup it is: job_N, or from Slurm 26.05 on a SLUID under v2, which the
 * prolog told. */
static struct model_job *job_of(struct model *model, const char *path)
{
    const char *name = strstr(path, "/job_"), *end = strrchr(path, '/');
    const char *begin = end;

    if (name)
        return model_job(model, (uint32_t)strtoul(name + strlen("/job_"), NULL, 10));
    while (begin > path && begin[-1] != '/')
        begin--;
    return model_job_of_sluid(model, begin, (size_t)(end - begin));
}

static void look_at(struct model *model, const char *path)
{
    int64_t now_ns = read_ns(path);
    struct model_job *job = now_ns < 0 ? NULL : job_of(model, path);

    if (!job)
        return;
    /* Less than before: a new cgroup of a requeued job. */
    job->used_ns = now_ns >= job->cgroup_ns ? now_ns - job->cgroup_ns : now_ns;
    job->cgroup_ns = now_ns;
    if (job->gpus)
        job->pid = first_process(path);
}

static void look_at_all(struct model *model, const char *pattern)
{
    glob_t found;

    if (glob(pattern, GLOB_NOSORT, NULL, &found) != 0)
        return;
    for (size_t i = 0; i < found.gl_pathc; i++)
        look_at(model, found.gl_pathv[i]);
    globfree(&found);
}

void jobs_look(struct model *model, const char *cgroup_root, const char *node)
{
    char pattern[512];

    snprintf(pattern, sizeof pattern, "%s/cpuacct/slurm_%s/uid_*/job_*/cpuacct.usage",
             cgroup_root, node);
    look_at_all(model, pattern);
    snprintf(pattern, sizeof pattern, "%s/cpuacct/slurm/uid_*/job_*/cpuacct.usage",
             cgroup_root);
    look_at_all(model, pattern);
    snprintf(pattern, sizeof pattern, "%s/system.slice/*slurmstepd.scope/*/cpu.stat",
             cgroup_root);
    look_at_all(model, pattern);
}
