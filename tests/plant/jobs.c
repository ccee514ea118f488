/* jobs.c - the CPU time that the jobs of a node use, as their cgroups say */
#include "tests/plant/jobs.h"

#include <glob.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int64_t read_ns(const char *path)
{
    FILE *file = fopen(path, "re");
    int64_t ns = -1;

    if (!file)
        return -1;
    if (fscanf(file, "%" SCNd64, &ns) != 1)
        ns = -1;
    fclose(file);
    return ns;
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
        int64_t first = read_ns(found.gl_pathv[i]);

        pid = first > 0 ? (uint32_t)first : 0;
    }
    globfree(&found);
    return pid;
}

static void look_at(struct model *model, const char *path)
{
    const char *name = strstr(path, "/job_");
    int64_t now_ns = read_ns(path);
    struct model_job *job;

    if (!name || now_ns < 0)
        return;
    job = model_job(model, (uint32_t)strtoul(name + strlen("/job_"), NULL, 10));
    if (!job)
        return;
    /* Less than before: a new cgroup of a requeued job. */
    job->used_ns = now_ns >= job->cgroup_ns ? now_ns - job->cgroup_ns : now_ns;
    job->cgroup_ns = now_ns;
    if (job->gpus)
        job->pid = first_process(path);
}

void jobs_look(struct model *model, const char *cgroup_root, const char *node)
{

    for (int t = 0; t < 2; t++) {
        char top[128], pattern[512];
        glob_t found;

        snprintf(top, sizeof top, t == 0 ? "slurm_%s" : "slurm%.0s", node);
        snprintf(pattern, sizeof pattern, "%s/cpuacct/%s/uid_*/job_*/cpuacct.usage",
                 cgroup_root, top);
        if (glob(pattern, GLOB_NOSORT, NULL, &found) != 0)
            continue;
        for (size_t i = 0; i < found.gl_pathc; i++)
            look_at(model, found.gl_pathv[i]);
        globfree(&found);
    }
}
