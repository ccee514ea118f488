/* truth.c - the file in which the plant says what each domain used and each job caused
 */
#include "tests/plant/truth.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int64_t truth_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void write_jobs(FILE *file, const struct model *model, int domain)
{
    for (int i = 0; i < model->job_count; i++) {
        const struct model_job *job = &model->jobs[i];
        int64_t uj = model_job_uj(job, domain);
        int64_t idle_uj = (int64_t)(job->idle_pj[domain] / MODEL_PJ_PER_UJ);

        fprintf(file,
                "%s\"%" PRIu32 "\":{\"uj\":%" PRId64 ",\"idle_uj\":%" PRId64
                ",\"dynamic_uj\":%" PRId64 ",\"cpu_ns\":%" PRId64
                ",\"work_ns\":%" PRId64 "}",
                i ? "," : "", job->id, uj, idle_uj, uj - idle_uj, job->cpu_ns,
                job->work_ns[domain]);
    }
}

void truth_write(FILE *file, int64_t time_ms, const struct model *model,
                 const struct tree *tree)
{
    static const char *const kinds[] = {"package", "dram", "gpu", "platform"};

    for (int d = 0; d < model->domains; d++) {
        fprintf(file,
                "{\"time_ms\":%" PRId64
                ",\"domain\":\"%s\",\"kind\":\"%s\",\"total_uj\":%" PRId64
                ",\"raw_uj\":%" PRId64 ",\"node_uj\":%" PRId64 ",\"jobs\":{",
                time_ms, tree->counter[d].name, kinds[model_kind(model, d)],
                model_total_uj(model, d), tree->counter[d].raw_uj,
                model_node_uj(model, d));
        write_jobs(file, model, d);
        fputs("}}\n", file);
    }
    fflush(file);
}

void truth_event(FILE *file, const char *event)
{
    fprintf(file, "{\"time_ms\":%" PRId64 ",\"event\":\"%s\"}\n", truth_now_ms(),
            event);
    fflush(file);
}

void truth_limit(FILE *file, const char *domain, int64_t mw)
{
    fprintf(file,
            "{\"time_ms\":%" PRId64
            ",\"event\":\"limit\",\"of\":\"%s\",\"limit_mw\":%" PRId64 "}\n",
            truth_now_ms(), domain, mw);
    fflush(file);
}

static void restore_jobs(json_t *jobs, struct model *model, int domain)
{
    const char *id;
    json_t *one;

    json_object_foreach(jobs, id, one)
    {
        struct model_job *job = model_job(model, (uint32_t)strtoul(id, NULL, 10));
        json_int_t idle = 0, dynamic = 0, cpu_ns = 0, work_ns = 0;

        if (!job)
            return;
        json_unpack(one, "{s:I s:I s:I s?I}", "idle_uj", &idle, "dynamic_uj", &dynamic,
                    "cpu_ns", &cpu_ns, "work_ns", &work_ns);
        job->idle_pj[domain] = (__int128)idle * MODEL_PJ_PER_UJ;
        job->dynamic_pj[domain] = (__int128)dynamic * MODEL_PJ_PER_UJ;
        job->cpu_ns = job->cgroup_ns = cpu_ns;
        job->work_ns[domain] = work_ns;
    }
}

/* Calls `take` with each whole line's JSON; a last line cut short is left out. */
static void each_line(const char *path, void (*take)(json_t *line, void *arg),
                      void *arg)
{
    FILE *file = fopen(path, "re");
    char *text = NULL;
    size_t size = 0;

    if (!file)
        return;
    while (getline(&text, &size, file) > 0) {
        json_t *line = json_loads(text, 0, NULL);

        if (line)
            take(line, arg);
        json_decref(line);
    }
    free(text);
    fclose(file);
}

struct last_lines {
    json_t *by_domain; /* name → its last line */
};

static void keep_last(json_t *line, void *arg)
{
    struct last_lines *last = arg;
    const char *domain = json_string_value(json_object_get(line, "domain"));

    if (domain)
        json_object_set(last->by_domain, domain, line);
}

void truth_restore(const char *path, struct model *model)
{
    struct last_lines last = {json_object()};

    each_line(path, keep_last, &last);
    for (int d = 0; d < model->domains; d++) {
        char name[32];
        json_t *line;

        model_name(model, d, name, sizeof name);
        line = json_object_get(last.by_domain, name);
        model->total_pj[d] =
            (__int128)json_integer_value(json_object_get(line, "total_uj")) *
            MODEL_PJ_PER_UJ;
        restore_jobs(json_object_get(line, "jobs"), model, d);
    }
    json_decref(last.by_domain);
}

int truth_print(const char *path, const char *domain, FILE *out)
{
    struct last_lines last = {json_object()};
    json_t *line;
    int rc = -1;

    each_line(path, keep_last, &last);
    line = json_object_get(last.by_domain, domain);
    if (line) {
        json_dumpf(line, out, 0);
        fputc('\n', out);
        rc = 0;
    }
    json_decref(last.by_domain);
    return rc;
}
