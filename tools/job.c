/* job.c - kwota job: the energy of one job, run by run */
#include "config.h"

#include <argp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policy/energy.h"
#include "tools/command.h"
#include "tools/job_text.h"
#include "tools/printable.h"

struct arguments {
    const char *id;
    bool json, summary, steps, plot;
    long wait_s;
    const char *restart; /* a number or "all"; NULL: the newest */
};

enum { OPT_SUMMARY = 256, OPT_WAIT, OPT_RESTART, OPT_STEPS, OPT_PLOT };

/* Of a plot as JSON, whatever the terminal. */
#define JSON_BINS 80

static const struct argp_option options[] = {
    {"json", 'j', 0, 0, "print JSON", 0},
    {"restart", OPT_RESTART, "N|all", 0, "which run of a requeued job [the newest]", 0},
    {"steps", OPT_STEPS, 0, 0, "show the job's steps too", 0},
    {"plot", OPT_PLOT, 0, 0, "draw its power over time too", 0},
    {"summary", OPT_SUMMARY, 0, 0, "print the short form that ends a job's output", 0},
    {"wait", OPT_WAIT, "SECONDS", 0, "wait so long for a first figure", 0},
    {0},
};

static bool is_job_id(const char *text)
{
    return text[0] && strspn(text, "0123456789_+") == strlen(text) &&
           strchr("_+", text[0]) == NULL;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct arguments *a = state->input;

    switch (key) {
    case 'j':
        a->json = true;
        break;
    case OPT_SUMMARY:
        a->summary = true;
        break;
    case OPT_STEPS:
        a->steps = true;
        break;
    case OPT_PLOT:
        a->plot = true;
        break;
    case OPT_RESTART:
        if (strcmp(arg, "all") != 0 && strspn(arg, "0123456789") != strlen(arg))
            argp_error(state, "--restart takes a number or all, not \"%s\"", arg);
        a->restart = arg;
        break;
    case OPT_WAIT:
        a->wait_s = atol(arg);
        break;
    case ARGP_KEY_ARG:
        if (a->id)
            argp_error(state, "one job at a time: \"%s\" is too much", arg);
        if (!is_job_id(arg))
            argp_error(state,
                       "\"%s\" is no job id: 12, 12_3 (array task) or 15+1 (het job)",
                       arg);
        a->id = arg;
        break;
    case ARGP_KEY_END:
        if (!a->id)
            argp_error(state, "which job?");
        if (a->summary && (a->steps || a->plot))
            argp_error(state, "--summary has no room for --steps or --plot");
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static bool has_figure(const json_t *reply)
{
    const json_t *runs = json_object_get(reply, "runs");
    const json_t *run = json_array_get(runs, json_array_size(runs) - 1);

    return job_integer(json_object_get(run, "energy"), "total_mj") != ENERGY_UNKNOWN;
}

static void write_path(const struct arguments *a, char *path, size_t size)
{
    char plot[32] = "";

    if (a->plot)
        snprintf(plot, sizeof plot, "&plot=%d", a->json ? JSON_BINS : job_plot_bins());
    snprintf(path, size, "/v1/job?id=%.100s%s%s", a->id, a->steps ? "&steps=1" : "",
             plot);
    /* A plus in a query means a space. */
    for (char *plus; (plus = strchr(path, '+')) && strlen(path) + 3 < size;) {
        memmove(plus + 3, plus + 1, strlen(plus + 1) + 1);
        memcpy(plus, "%2B", 3);
    }
}

static int get_runs(const struct arguments *a, json_t **reply)
{
    time_t until = time(NULL) + a->wait_s;
    char path[512];
    int rc;

    write_path(a, path, sizeof path);
    while ((rc = command_get(path, time(NULL) < until, reply)) == EXIT_REFUSED ||
           (rc == 0 && !has_figure(*reply))) {
        if (time(NULL) >= until)
            break;
        json_decref(*reply);
        *reply = NULL;
        poll(NULL, 0, 100);
    }
    return rc;
}

static void print_run(const struct arguments *a, const json_t *run)
{
    job_print(run);
    if (a->steps)
        job_print_steps(run);
    if (a->plot)
        job_print_plot(run);
}

static int show(const struct arguments *a, json_t *runs)
{
    size_t count = json_array_size(runs), shown = 0, i;
    json_t *run;

    if (!a->json)
        printable_json(runs);
    json_array_foreach(runs, i, run)
    {
        bool wanted = !a->restart ? i == count - 1
                      : strcmp(a->restart, "all") == 0
                          ? true
                          : job_integer(run, "restart") == atoll(a->restart);

        if (!wanted)
            continue;
        if (a->json)
            command_print_json(run);
        else if (a->summary)
            job_print_summary(run);
        else
            print_run(a, run);
        shown++;
    }
    if (shown == 0) {
        fprintf(stderr, "kwota: job %s has no restart %s; it has 0 to %zu\n", a->id,
                a->restart, count - 1);
        return EXIT_REFUSED;
    }
    if (!a->restart && count > 1 && !a->json && !a->summary)
        printf("\nThis job ran %zu times: --restart all shows every run.\n", count);
    return 0;
}

static int run_job(int argc, char **argv)
{
    static const struct argp argp = {
        options, parse, "ID", "Shows what a job used and what it was charged.",
        NULL,    NULL,  NULL};
    struct arguments a = {.id = NULL};
    json_t *reply = NULL;
    int rc;

    argp_parse(&argp, argc, argv, 0, NULL, &a);
    rc = get_runs(&a, &reply);
    if (rc == 0 && a.json && a.restart && strcmp(a.restart, "all") == 0)
        command_print_json(reply);
    else if (rc == 0)
        rc = show(&a, json_object_get(reply, "runs"));
    json_decref(reply);
    return rc;
}

const struct command command_job = {"job", "ID", "what a job used and was charged",
                                    run_job};
