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

static void hold(struct plant *plant, uint32_t id, int cpus, uint32_t gpus, FILE *out)
{
    struct model_job *job = model_job(&plant->model, id);

    if (!job) {
        fprintf(out, "! more than %d jobs\n", MODEL_MAX_JOBS);
        return;
    }
    job->cpus = cpus;
    job->gpus = gpus;
    job->suspended = false;
    fputs("ok\n", out);
}

static void suspend(struct plant *plant, uint32_t id, bool suspended, FILE *out)
{
    struct model_job *job = model_job(&plant->model, id);

    if (job)
        job->suspended = suspended;
    fputs("ok\n", out);
}

static void set_power(struct plant *plant, uint32_t id, int64_t core_mw, FILE *out)
{
    struct model_job *job = model_job(&plant->model, id);

    if (!job) {
        fprintf(out, "! more than %d jobs\n", MODEL_MAX_JOBS);
        return;
    }
    job->core_mw = core_mw;
    fputs("ok\n", out);
}

/* freeze: the counter stands; deny: the GPU is lost from the bus; hang: the driver does
 * not answer. */
static void trick_gpu(struct plant *plant, const char *what,
                      struct tree_counter *counter)
{
    int gpu = atoi(counter->name + strlen("gpu-"));
    struct gpu_state_card *card = &plant->tree.gpus->card[gpu];

    if (strcmp(what, "freeze") == 0)
        counter->frozen = true;
    else if (strcmp(what, "deny") == 0)
        card->flags |= GPU_STATE_LOST;
    else if (strcmp(what, "hang") == 0)
        card->flags |= GPU_STATE_HANG;
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
    char word[32] = "", domain[64] = "", gpus[64] = "-";
    uint32_t id;
    int cpus;
    int64_t core_mw;

    plant_advance(plant);
    if (sscanf(line, "start %" SCNu32 " %d %63s", &id, &cpus, gpus) >= 2) {
        hold(plant, id, cpus, bits_of(gpus), out);
    } else if (sscanf(line, "end %" SCNu32, &id) == 1) {
        hold(plant, id, 0, 0, out);
    } else if (sscanf(line, "suspend %" SCNu32, &id) == 1) {
        suspend(plant, id, true, out);
    } else if (sscanf(line, "resume %" SCNu32, &id) == 1) {
        suspend(plant, id, false, out);
    } else if (sscanf(line, "set %" SCNu32 " %" SCNd64, &id, &core_mw) == 2) {
        set_power(plant, id, core_mw, out);
    } else if (sscanf(line, "%31s %63s", word, domain) == 2 &&
               (!strcmp(word, "freeze") || !strcmp(word, "thaw") ||
                !strcmp(word, "deny") || !strcmp(word, "allow") ||
                !strcmp(word, "hang"))) {
        trick(plant, word, domain, out);
    } else if (strcmp(line, "reset") == 0) {
        tree_reset(&plant->tree, &plant->model);
        truth_event(plant->truth, "reset");
        fputs("ok\n", out);
    } else if (strcmp(line, "sync") == 0 || strcmp(line, "stop") == 0) {
        truth_write(plant->truth, &plant->model, &plant->tree);
        truth_write(out, &plant->model, &plant->tree);
        plant->stopping = line[1] == 't';
    } else {
        fprintf(out, "! unknown command \"%s\"\n", line);
    }
}
