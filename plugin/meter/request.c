/* request.c - one request to the meter and its answer */
#include "plugin/meter/request.h"

#include <string.h>
#include <unistd.h>

#include "plugin/meter/slurm_energy.h"
#include "plugin/meter/text.h"

static json_t *refusal(const char *why)
{
    return json_pack("{s:b s:s}", "ok", 0, "error", why);
}

static int64_t integer_or(const json_t *object, const char *key, int64_t otherwise)
{
    const json_t *value = json_object_get(object, key);

    return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

/* The job of a request; 0 if it names none. */
static uint32_t job_of(const json_t *request)
{
    int64_t job = integer_or(request, "job", 0);

    return job > 0 && job < UINT32_MAX ? (uint32_t)job : 0;
}

static json_t *run_start(struct meter *meter, struct reporter *reporter,
                         const json_t *request)
{
    struct meter_job job = {
        .job = job_of(request),
        .uid = (uint32_t)integer_or(request, "uid", 0),
        .cpus = integer_or(request, "cpus", -1),
        .node_count = integer_or(request, "node_count", 1),
        .sluid = json_string_value(json_object_get(request, "sluid")),
    };
    const char *gpus = json_string_value(json_object_get(request, "gpus"));
    char token[BOOKS_TOKEN];

    if (gpus && text_index_list(gpus, &job.gpus) < 0)
        meter_log("job %u: \"%.64s\" are no GPUs kwota can count", job.job, gpus);
    /* It becomes part of a path. */
    if (job.sluid && (strchr(job.sluid, '/') || strlen(job.sluid) >= BOOKS_SLUID))
        job.sluid = NULL;

    if (meter_start(meter, &job, token) < 0)
        return refusal("too many runs on this node: this job is not measured");
    report_now(reporter, REPORT_START, NULL);
    return json_pack("{s:b s:s}", "ok", 1, "token", token);
}

static json_t *decision(struct meter *meter, struct reporter *reporter,
                        const json_t *request)
{
    const struct books_run *run = books_running(&meter->books, job_of(request));
    const char *word = run ? report_decision(reporter, run->token) : "run";

    /* Its cap is in force before its first process. */
    if (run && strcmp(word, "run") == 0 && !caps_ready(&meter->caps, run->token))
        word = "wait";
    return json_pack("{s:b s:s}", "ok", 1, "decision", word);
}

static json_t *task_exit(struct meter *meter, struct reporter *reporter,
                         const json_t *request, char token[BOOKS_TOKEN])
{
    const struct books_run *run;
    bool batch = json_is_true(json_object_get(request, "batch"));

    meter_look(meter, job_of(request), (uint32_t)integer_or(request, "step", 0), batch);
    if (!batch)
        return json_pack("{s:b s:n}", "ok", 1, "summary");
    run = books_running(&meter->books, job_of(request));
    if (!run)
        return json_pack("{s:b s:n}", "ok", 1, "summary");
    if (run->node_count > 1) {
        memcpy(token, run->token, BOOKS_TOKEN);
        report_now(reporter, REPORT_END, token);
        return NULL;
    }
    report_now(reporter, REPORT_END, NULL);
    return request_summary(meter, run->token, NULL);
}

static json_t *step_start(struct meter *meter, struct reporter *reporter,
                          const json_t *request)
{
    bool known = books_running(&meter->books, job_of(request));
    struct meter_step step = {
        .job = job_of(request),
        .step = (uint32_t)integer_or(request, "step", 0),
        .uid = (uint32_t)integer_or(request, "uid", 0),
        .node_count = integer_or(request, "node_count", 1),
        .cpus = integer_or(request, "cpus", -1),
        .job_cpus = integer_or(request, "job_cpus", -1),
        .job_memory_mb = integer_or(request, "job_memory_mb", -1),
    };

    meter_step(meter, &step);
    if (!known)
        report_now(reporter, REPORT_START, NULL);
    return json_pack("{s:b}", "ok", 1);
}

/* For Slurm's own figures; without a job, the node's. */
static json_t *energy(struct meter *meter, const json_t *request)
{
    int64_t step = integer_or(request, "step", 0);
    int64_t uj = energy_now(meter, job_of(request), (uint32_t)step);

    return json_pack("{s:b s:o}", "ok", 1, "uj",
                     uj == BOOKS_UNKNOWN ? json_null() : json_integer(uj));
}

json_t *request_run(struct meter *meter, struct reporter *reporter, const char *line,
                    char token[BOOKS_TOKEN])
{
    json_t *request = json_loads(line, 0, NULL), *answer;
    const char *op = json_string_value(json_object_get(request, "op"));

    token[0] = '\0';
    if (!op) {
        answer = refusal("a request is one line of JSON with an \"op\"");
    } else if (strcmp(op, "ping") == 0) {
        answer = json_pack("{s:b s:i s:s}", "ok", 1, "pid", (int)getpid(), "node",
                           meter->options->node);
    } else if (strcmp(op, "energy") == 0) {
        answer = energy(meter, request);
    } else if (job_of(request) == 0) {
        answer = refusal("\"job\" must be a job id");
    } else if (strcmp(op, "start") == 0) {
        answer = run_start(meter, reporter, request);
    } else if (strcmp(op, "step") == 0) {
        answer = step_start(meter, reporter, request);
    } else if (strcmp(op, "decision") == 0) {
        answer = decision(meter, reporter, request);
    } else if (strcmp(op, "task_exit") == 0) {
        answer = task_exit(meter, reporter, request, token);
    } else if (strcmp(op, "end") == 0) {
        meter_end(meter, job_of(request));
        report_now(reporter, REPORT_END, NULL);
        answer = json_pack("{s:b}", "ok", 1);
    } else {
        answer = refusal(
            "\"op\" must be start, decision, step, task_exit, energy, end or ping");
    }
    json_decref(request);
    return answer;
}

/* Adds µJ or mJ of a kind to the sums; unknown stays unknown until something is added.
 */
static void add(int64_t *sum, int64_t more)
{
    *sum = *sum == BOOKS_UNKNOWN ? more : *sum + more;
}

static void add_others(int64_t mj[COUNTER_KINDS], const json_t *others)
{
    size_t i;
    json_t *domain;

    json_array_foreach(json_object_get(others, "domains"), i, domain)
    {
        const char *kind = json_string_value(json_object_get(domain, "kind"));
        int64_t more = integer_or(domain, "mj", BOOKS_UNKNOWN);

        for (int k = 0; kind && more != BOOKS_UNKNOWN && k < COUNTER_KINDS; k++)
            if (strcmp(kind, counter_kind_name((enum counter_kind)k)) == 0)
                add(&mj[k], more);
    }
}

static json_t *domains_json(const int64_t mj[COUNTER_KINDS],
                            const bool present[COUNTER_KINDS])
{
    json_t *list = json_array();

    for (int k = 0; k < COUNTER_KINDS; k++)
        if (present[k] || mj[k] != BOOKS_UNKNOWN)
            json_array_append_new(
                list,
                json_pack("{s:s s:o}", "kind", counter_kind_name((enum counter_kind)k),
                          "mj",
                          mj[k] == BOOKS_UNKNOWN ? json_null() : json_integer(mj[k])));
    return list;
}

json_t *request_summary(struct meter *meter, const char *token, json_t *others)
{
    int64_t mj[COUNTER_KINDS];
    bool present[COUNTER_KINDS] = {false};
    const struct books_run *run = NULL;
    json_t *reasons = json_array(), *caps;

    for (int k = 0; k < COUNTER_KINDS; k++)
        mj[k] = BOOKS_UNKNOWN;
    for (int i = 0; i < meter->books.run_count; i++)
        if (strcmp(meter->books.runs[i].token, token) == 0)
            run = &meter->books.runs[i];
    if (!run) {
        json_decref(reasons);
        return json_pack("{s:b s:n}", "ok", 1, "summary");
    }
    for (int d = 0; d < meter->books.domain_count; d++) {
        int kind = meter->books.domains[d].kind;

        present[kind] = present[kind] || kind != COUNTER_GPU || run->gpus;
        if (run->uj[d] != BOOKS_UNKNOWN)
            add(&mj[kind], run->uj[d] / 1000);
    }
    for (int reason = 0; reason < BOOKS_REASONS; reason++)
        if (run->reasons & 1U << reason) {
            char text[128];

            books_reason_text(run, (enum books_reason)reason, text, sizeof text);
            json_array_append_new(reasons, json_string(text));
        }
    add_others(mj, others);
    caps = caps_summary(&meter->caps, run->token);
    return json_pack("{s:b s:{s:s s:I s:b s:s s:o s:i s:I s:o s:o}}", "ok", 1,
                     "summary", "token", run->token, "elapsed_ms",
                     (json_int_t)(meter_now_ms() - run->start_ms), "simulated",
                     meter->books.simulated, "quality",
                     run->reasons ? "partial" : "measured", "reasons", reasons,
                     "node_count", run->node_count, "nodes_known",
                     (json_int_t)(1 + integer_or(others, "nodes_known", 0)), "domains",
                     domains_json(mj, present), "caps", caps ? caps : json_null());
}
