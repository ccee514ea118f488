/* job.c - kwota job: the energy of one job, run by run */
#include "config.h"

#include <argp.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policy/energy.h"
#include "tools/command.h"
#include "tools/printable.h"
#include "tools/table.h"

struct arguments {
    const char *id;
    bool json, summary;
    long wait_s;
    const char *restart; /* a number or "all"; NULL: the newest */
};

enum { OPT_SUMMARY = 256, OPT_WAIT, OPT_RESTART };

static const struct argp_option options[] = {
    {"json", 'j', 0, 0, "print JSON", 0},
    {"restart", OPT_RESTART, "N|all", 0, "which run of a requeued job [the newest]", 0},
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
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static int64_t integer(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    return json_is_integer(value) ? json_integer_value(value) : ENERGY_UNKNOWN;
}

static const char *text(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));

    return value ? value : "";
}

static const char *mark(const json_t *run)
{
    return json_is_true(json_object_get(run, "simulated")) ? " [simulated]" : "";
}

static int64_t elapsed_s(const json_t *run)
{
    int64_t end = integer(run, "end"), start = integer(run, "start");

    return (end == ENERGY_UNKNOWN ? (int64_t)time(NULL) : end) - start;
}

/* "1.23 kWh (4428000 J)" */
static const char *both(char *buf, size_t size, int64_t mj)
{
    char kwh[ENERGY_TEXT], joules[ENERGY_TEXT];

    if (mj == ENERGY_UNKNOWN)
        snprintf(buf, size, "unknown");
    else
        snprintf(buf, size, "%s (%s)", energy_kwh_human(kwh, sizeof kwh, mj),
                 energy_joules(joules, sizeof joules, mj));
    return buf;
}

static void print_time(const char *label, int64_t when)
{
    char stamp[32] = "not yet";
    time_t t = (time_t)when;
    struct tm tm;

    if (when != ENERGY_UNKNOWN)
        strftime(stamp, sizeof stamp, "%Y-%m-%d %H:%M:%S", localtime_r(&t, &tm));
    printf("  %-10s %s\n", label, stamp);
}

static void print_kinds(const json_t *energy)
{
    static const char *const kinds[][2] = {{"cpu", "cpu_mj"},
                                           {"dram", "dram_mj"},
                                           {"gpu", "gpu_mj"},
                                           {"other", "other_mj"}};
    char buf[2 * ENERGY_TEXT + 8];

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (integer(energy, kinds[i][1]) != ENERGY_UNKNOWN)
            printf("    %-8s %s\n", kinds[i][0],
                   both(buf, sizeof buf, integer(energy, kinds[i][1])));
}

static void print_nodes(const json_t *run)
{
    static const char *const columns[] = {"NODE", ">KWH", ">JOULES", "FINAL", NULL};
    struct table *table = table_new(columns);
    size_t i;
    json_t *node;

    json_array_foreach(json_object_get(run, "nodes"), i, node)
    {
        char kwh[ENERGY_TEXT], joules[ENERGY_TEXT];
        int64_t mj = integer(node, "total_mj");
        const char *cells[] = {
            text(node, "node"), energy_kwh(kwh, sizeof kwh, mj, 6),
            energy_joules(joules, sizeof joules, mj),
            json_is_true(json_object_get(node, "final")) ? "yes" : "not yet"};

        table_add(table, cells);
    }
    table_print(table);
}

static void print_run(const json_t *run)
{
    const json_t *energy = json_object_get(run, "energy");
    int64_t total = integer(energy, "total_mj"), charge = integer(run, "charge_mj");
    char buf[2 * ENERGY_TEXT + 8], watts[ENERGY_TEXT];
    size_t i;
    json_t *reason;

    printf("Job %s%s\n", text(run, "job_id"), mark(run));
    if (integer(run, "restart") > 0)
        printf("  %-10s %" PRId64 "\n", "restart", integer(run, "restart"));
    printf("  %-10s %s\n", "name", text(run, "name"));
    printf("  %-10s %s, account %s, partition %s\n", "user", text(run, "user"),
           text(run, "account"), text(run, "partition"));
    printf("  %-10s %s (Slurm: %s)\n", "state", text(run, "state"),
           text(run, "slurm_state"));
    print_time("start", integer(run, "start"));
    print_time("end", integer(run, "end"));
    printf("  %-10s %s, %s on average\n", "energy", both(buf, sizeof buf, total),
           energy_watts(watts, sizeof watts,
                        energy_mean_mw(total, elapsed_s(run) * 1000)));
    print_kinds(energy);
    printf("  %-10s %s\n", "charge",
           charge == ENERGY_UNKNOWN ? "not settled yet"
                                    : both(buf, sizeof buf, charge));
    printf("  %-10s %s\n", "quality", text(run, "quality"));
    json_array_foreach(json_object_get(run, "reasons"), i, reason)
        printf("             %s\n", json_string_value(reason));
    print_nodes(run);
}

static void print_summary(const json_t *run)
{
    const json_t *energy = json_object_get(run, "energy");
    int64_t total = integer(energy, "total_mj"), s = elapsed_s(run);
    char kwh[ENERGY_TEXT], joules[ENERGY_TEXT], watts[ENERGY_TEXT];

    if (total == ENERGY_UNKNOWN) {
        printf("kwota: job %s: energy unknown so far%s\n", text(run, "job_id"),
               mark(run));
        return;
    }
    printf("kwota: job %s used %s (%s) in %" PRId64 ":%02" PRId64 ":%02" PRId64
           ", %s on average%s\n",
           text(run, "job_id"), energy_kwh_human(kwh, sizeof kwh, total),
           energy_joules(joules, sizeof joules, total), s / 3600, s / 60 % 60, s % 60,
           energy_watts(watts, sizeof watts, energy_mean_mw(total, s * 1000)),
           mark(run));
    if (strcmp(text(run, "state"), "settled") != 0)
        printf("kwota:   provisional; kwota job %s shows the final figure\n",
               text(run, "job_id"));
}

static bool has_figure(const json_t *reply)
{
    const json_t *runs = json_object_get(reply, "runs");
    const json_t *run = json_array_get(runs, json_array_size(runs) - 1);

    return integer(json_object_get(run, "energy"), "total_mj") != ENERGY_UNKNOWN;
}

static int get_runs(const struct arguments *a, json_t **reply)
{
    time_t until = time(NULL) + a->wait_s;
    char path[128];
    int rc;

    snprintf(path, sizeof path, "/v1/job?id=%s", a->id);
    /* A plus in a query means a space. */
    for (char *plus; (plus = strchr(path, '+'));) {
        memmove(plus + 3, plus + 1, strlen(plus + 1) + 1);
        memcpy(plus, "%2B", 3);
    }
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
                          : integer(run, "restart") == atoll(a->restart);

        if (!wanted)
            continue;
        if (a->json)
            command_print_json(run);
        else if (a->summary)
            print_summary(run);
        else
            print_run(run);
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
