/* command.c - what can be asked of a running plant */
#include "tests/plant/command.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/plant/truth.h"

/* "0,2" as bits; "-" is none. */
static uint32_t bits_of(const char *list)
{
    uint32_t bits = 0;

    for (const char *at = list; *at >= '0' && *at <= '9';) {
        char *end;
        long gpu = strtol(at, &end, 10), last = gpu;

        if (*end == '-')
            last = strtol(end + 1, &end, 10);
        for (; gpu <= last && gpu < 32; gpu++)
            bits |= 1U << gpu;
        at = *end == ',' ? end + 1 : end;
    }
    return bits;
}

static void hold(struct plant *plant, uint32_t id, int cpus, uint32_t gpus,
                 const char *sluid, FILE *out)
{
    struct model_job *job = model_job(&plant->model, id);

    if (!job) {
        fprintf(out, "! more than %d jobs\n", MODEL_MAX_JOBS);
        return;
    }
    job->cpus = cpus;
    job->gpus = gpus;
    job->suspended = false;
    if (sluid[0])
        snprintf(job->sluid, sizeof job->sluid, "%s", sluid);
    fputs("ok\n", out);
}

static void suspend(struct plant *plant, uint32_t id, bool suspended, FILE *out)
{
    struct model_job *job = model_job(&plant->model, id);

    if (job)
        job->suspended = suspended;
    fputs("ok\n", out);
}

static void set_power(struct plant *plant, uint32_t id, int64_t core_mw, int64_t gpu_mw,
                      int64_t gpu_percent, FILE *out)
{
    struct model_job *job = model_job(&plant->model, id);

    if (!job) {
        fprintf(out, "! more than %d jobs\n", MODEL_MAX_JOBS);
        return;
    }
    job->core_mw = core_mw;
    job->gpu_mw = gpu_mw;
    job->gpu_percent = gpu_percent;
    fputs("ok\n", out);
}

static void tell_work(struct plant *plant, uint32_t id, FILE *out)
{
    const struct model_job *job = model_job(&plant->model, id);

    if (!job) {
        fprintf(out, "! more than %d jobs\n", MODEL_MAX_JOBS);
        return;
    }
    fprintf(out,
            "{\"job\":%" PRIu32 ",\"core_work_ns\":%" PRId64 ",\"gpu_work_ns\":%" PRId64
            ",\"cpu_ns\":%" PRId64 "}\n",
            id, model_job_work_ns(&plant->model, job, MODEL_PACKAGE),
            model_job_work_ns(&plant->model, job, MODEL_GPU), job->cpu_ns);
}

static void show_limit(struct plant *plant, int d, FILE *out)
{
    const struct tree_counter *counter = &plant->tree.counter[d];
    const struct gpu_state_card *card = tree_card(&plant->tree, &plant->model, d);
    int gpu = d - model_domain(&plant->model, MODEL_GPU, 0);

    fprintf(out, "{\"of\":\"%s\",\"limit_mw\":%" PRId64 ",\"default_mw\":%" PRId64,
            counter->name, counter->limit_mw,
            card ? (int64_t)card->default_mw : counter->usual_mw);
    if (card)
        fprintf(out,
                ",\"min_mw\":%" PRIu32 ",\"max_mw\":%" PRIu32 ",\"demand_mw\":%" PRId64
                ",\"mw\":%" PRId64,
                card->min_mw, card->max_mw, model_gpu_demand_mw(&plant->model, gpu),
                model_gpu_mw(&plant->model, gpu));
    fputs("}\n", out);
}

/* `mw` of 0: only shows it. */
static void limit(struct plant *plant, const char *domain, int64_t mw, FILE *out)
{
    const struct tree_counter *counter =
        tree_counter(&plant->tree, &plant->model, domain);
    int d = counter ? (int)(counter - plant->tree.counter) : -1;

    if (d < 0 || counter->limit_mw <= 0) {
        fprintf(out, "! %s has no limit: package-0, gpu-0, …\n", domain);
    } else if (mw != 0 && tree_set_limit(&plant->tree, &plant->model, d, mw) < 0) {
        fprintf(out, "! %s takes no limit of %" PRId64 " mW\n", domain, mw);
    } else {
        plant_take_limits(plant);
        show_limit(plant, d, out);
    }
}

/* What each word makes of a GPU's driver. */
static const struct {
    const char *word;
    uint32_t flag;
} flags[] = {
    {"deny", GPU_STATE_LOST},
    {"hang", GPU_STATE_HANG},
    {"fail", GPU_STATE_FAIL},
    {"refuse", GPU_STATE_REFUSE},
    {"nolimit", GPU_STATE_NO_LIMIT},
    {"coarse", GPU_STATE_COARSE},
    {"stubborn", GPU_STATE_STUBBORN},
    {"crash", GPU_STATE_CRASH},
    {"crashearly", GPU_STATE_CRASH_EARLY},
};

static uint32_t flag_of(const char *word)
{
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        if (strcmp(flags[i].word, word) == 0)
            return flags[i].flag;
    return 0;
}

/* freeze: the counter stands. */
static void trick_gpu(struct plant *plant, const char *what,
                      struct tree_counter *counter)
{
    int gpu = atoi(counter->name + strlen("gpu-"));
    struct gpu_state_card *card = &plant->tree.gpus->card[gpu];

    if (strcmp(what, "freeze") == 0)
        counter->frozen = true;
    else if (flag_of(what))
        card->flags |= flag_of(what);
    else if (strcmp(what, "thaw") == 0)
        counter->frozen = false;
    else
        card->flags = 0;
}

static void trick(struct plant *plant, const char *what, const char *domain, FILE *out)
{
    struct tree_counter *counter = tree_counter(&plant->tree, &plant->model, domain);

    if (!counter) {
        fprintf(out, "! no domain %s: package-0, dram-0, …\n", domain);
        return;
    }
    if (model_kind(&plant->model, (int)(counter - plant->tree.counter)) == MODEL_GPU)
        trick_gpu(plant, what, counter);
    else if (strcmp(what, "freeze") == 0)
        counter->frozen = true;
    else if (strcmp(what, "thaw") == 0)
        counter->frozen = false;
    else if (strcmp(what, "deny") == 0)
        /* An open descriptor cannot be taken away; an empty file says as little. */
        counter->denied = ftruncate(counter->fd, 0) == 0;
    else
        counter->denied = false;
    truth_event(plant->truth, what);
    fputs("ok\n", out);
}

void command_run(struct plant *plant, const char *line, FILE *out)
{
    char word[32] = "", domain[64] = "", gpus[64] = "-", sluid[MODEL_SLUID] = "";
    uint32_t id;
    int cpus;
    int64_t core_mw, gpu_mw = -1, gpu_percent = -1, mw = 0;

    plant_advance(plant);
    if (sscanf(line, "start %" SCNu32 " %d %63s %31s", &id, &cpus, gpus, sluid) >= 2) {
        hold(plant, id, cpus, bits_of(gpus), sluid, out);
    } else if (sscanf(line, "end %" SCNu32, &id) == 1) {
        hold(plant, id, 0, 0, "", out);
    } else if (sscanf(line, "suspend %" SCNu32, &id) == 1) {
        suspend(plant, id, true, out);
    } else if (sscanf(line, "resume %" SCNu32, &id) == 1) {
        suspend(plant, id, false, out);
    } else if (sscanf(line, "set %" SCNu32 " %" SCNd64 " %" SCNd64 " %" SCNd64, &id,
                      &core_mw, &gpu_mw, &gpu_percent) >= 2) {
        set_power(plant, id, core_mw, gpu_mw, gpu_percent, out);
    } else if (sscanf(line, "work %" SCNu32, &id) == 1) {
        tell_work(plant, id, out);
    } else if (sscanf(line, "limit %63s %" SCNd64, domain, &mw) >= 1) {
        limit(plant, domain, mw, out);
    } else if (strcmp(line, "unlimit") == 0) {
        tree_reset_limits(&plant->tree, &plant->model);
        fputs("ok\n", out);
    } else if (sscanf(line, "%31s %63s", word, domain) == 2 &&
               (!strcmp(word, "freeze") || !strcmp(word, "thaw") ||
                !strcmp(word, "allow") || flag_of(word))) {
        trick(plant, word, domain, out);
    } else if (strcmp(line, "reset") == 0) {
        tree_reset(&plant->tree, &plant->model);
        truth_event(plant->truth, "reset");
        fputs("ok\n", out);
    } else if (strcmp(line, "sync") == 0 || strcmp(line, "stop") == 0) {
        truth_write(plant->truth, plant->then_ms, &plant->model, &plant->tree);
        truth_write(out, plant->then_ms, &plant->model, &plant->tree);
        plant->stopping = line[1] == 't';
    } else {
        fprintf(out, "! unknown command \"%s\"\n", line);
    }
}
