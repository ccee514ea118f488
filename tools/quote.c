/* quote.c - kwota quote: what a job would be given as lien, and whether it would start
 * now */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policy/energy.h"
#include "policy/estimate.h"
#include "policy/policy.h"
#include "tools/command.h"
#include "tools/job_text.h"
#include "tools/money.h"
#include "tools/printable.h"
#include "tools/quote_options.h"

#define PHRASE 320

static const char help[] =
    "Usage: kwota quote [SBATCH OPTION...] [SCRIPT]\n"
    "Prices a job before it is submitted, and says whether it would start now. Reads "
    "the\n#SBATCH lines of a script (- for standard input); options of the command "
    "line "
    "count\nbefore those. Nothing is submitted.\n\n"
    "  -A, -p, -J, -t, -a         account, partition, name, time limit, array\n"
    "  -N, -n, -c                 nodes, tasks, CPUs of a task\n"
    "      --ntasks-per-node, --mincpus, --exclusive, -O\n"
    "  -G, --gpus, --gpus-per-node, --gpus-per-task, --gpus-per-socket, --gres\n"
    "      --energy-budget=AMOUNT\n"
    "      --user=USER            for somebody else (operators)\n"
    "      --json                 print JSON\n"
    "  -h, --help                 print this\n\n"
    "Other options of sbatch are ignored; those that may change the price are named.\n";

/* "64 CPUs", "1 GPU" */
static void put_count(char *text, size_t size, int64_t count, const char *what)
{
    size_t used = strlen(text);

    if (count > 0)
        snprintf(text + used, size - used, "%s%" PRId64 " %s%s", used ? ", " : "",
                 count, what, count == 1 ? "" : "s");
}

/* "24:00:00" */
static const char *duration(char text[32], int64_t s)
{
    snprintf(text, 32, "%" PRId64 ":%02d:%02d", s / 3600, (int)(s / 60 % 60),
             (int)(s % 60));
    return text;
}

/* "one job of 2 nodes, 64 CPUs, 8 GPUs for 24:00:00" */
static void describe(char text[PHRASE], const json_t *reply)
{
    char parts[PHRASE / 2] = "", limit[32];
    int64_t limit_s = job_integer(reply, "limit_s");
    int64_t tasks = job_integer(reply, "tasks");
    size_t used;

    put_count(parts, sizeof parts, job_integer(reply, "nodes"), "node");
    put_count(parts, sizeof parts, job_integer(reply, "cpus"), "CPU");
    put_count(parts, sizeof parts, job_integer(reply, "gpus"), "GPU");
    if (tasks > 1)
        used = (size_t)snprintf(text, PHRASE, "each of %" PRId64 " tasks of %s", tasks,
                                parts);
    else
        used = (size_t)snprintf(text, PHRASE, "one job of %s", parts);
    if (limit_s == ENERGY_UNKNOWN)
        snprintf(text + used, PHRASE - used, " without a time limit");
    else
        snprintf(text + used, PHRASE - used, " for %s", duration(limit, limit_s));
}

/* "2560 W x 24:00:00 by the nameplate of partition gpu" */
static void tell_basis(char text[PHRASE], const json_t *reply)
{
    char watts[POLICY_WATTS], expected[32];

    if (job_integer(reply, "budget_wh") != ENERGY_UNKNOWN)
        snprintf(text, PHRASE, "its --energy-budget");
    else
        snprintf(text, PHRASE, "%s W x %s by the %s",
                 policy_watts(job_integer(reply, "mw"), watts),
                 duration(expected, job_integer(reply, "expected_s")),
                 job_string(reply, "source"));
}

/* By the tariff as it is now. */
static void print_cost(const json_t *cost)
{
    char amount[MONEY_TEXT], co2[MONEY_TEXT];

    if (!json_is_object(cost))
        return;
    money_amount(job_integer(cost, "price_u"), job_string(cost, "currency"), amount);
    if (job_integer(cost, "co2_mg") == ENERGY_UNKNOWN)
        printf("kwota: what it is expected to use would cost %s\n", amount);
    else
        printf("kwota: what it is expected to use would cost %s and cause %s of CO2\n",
               amount, money_co2(job_integer(cost, "co2_mg"), co2));
}

static void print_price(const json_t *reply)
{
    char job[PHRASE], basis[PHRASE], amount[ENERGY_TEXT], all[ENERGY_TEXT];
    int64_t lien_wh = job_integer(reply, "lien_wh");

    describe(job, reply);
    if (job_integer(reply, "estimate_mj") == ENERGY_UNKNOWN) {
        printf("kwota: nobody can tell what %s would use: partition %s has no "
               "nameplate, and there are too few runs like it\n",
               job, job_string(reply, "partition"));
        return;
    }
    tell_basis(basis, reply);
    if (lien_wh > 0)
        printf("kwota: %s would be given a lien of %s (%s)\n", job,
               energy_kwh_human(amount, sizeof amount, lien_wh * ESTIMATE_MJ_PER_WH),
               basis);
    else
        printf(
            "kwota: %s is expected to use %s at most (%s); it needs no lien "
            "(enforce: %s, at the limit: %s)\n",
            job,
            energy_kwh_human(amount, sizeof amount, job_integer(reply, "estimate_mj")),
            basis, job_string(reply, "enforce"), job_string(reply, "at_limit"));
    print_cost(json_object_get(reply, "cost"));
    if (job_integer(reply, "tasks") > 1)
        printf("kwota: all of them together: %s\n",
               energy_kwh_human(all, sizeof all, job_integer(reply, "total_mj")));
}

static const json_t *tightest(const json_t *reply)
{
    const json_t *least = NULL, *budget;
    size_t i;

    json_array_foreach(json_object_get(reply, "budgets"), i, budget)
    {
        if (!least ||
            job_integer(budget, "available_mj") < job_integer(least, "available_mj"))
            least = budget;
    }
    return least;
}

/* "account astro has 120 kWh left until 2026-12-01" */
static void tell_left(char text[PHRASE], const json_t *budget)
{
    int64_t left_mj = budget ? job_integer(budget, "available_mj") : 0;
    time_t until = budget ? (time_t)job_integer(budget, "until_s") : 0;
    char amount[ENERGY_TEXT], day[40] = "";
    struct tm tm;

    if (!budget) {
        snprintf(text, PHRASE, "no budget binds it");
        return;
    }
    localtime_r(&until, &tm);
    strftime(day, sizeof day, tm.tm_hour || tm.tm_min ? "%Y-%m-%d %H:%M" : "%Y-%m-%d",
             &tm);
    snprintf(text, PHRASE, "%.160s has %s left until %s", job_string(budget, "name"),
             energy_kwh_human(amount, sizeof amount, left_mj > 0 ? left_mj : 0), day);
}

static void print_start(const json_t *reply)
{
    int64_t tasks = job_integer(reply, "tasks"), fit = job_integer(reply, "fits_tasks");
    char left[PHRASE];

    if (!json_is_true(json_object_get(reply, "starts_now"))) {
        printf("kwota: it would wait: %s\n", job_string(reply, "why"));
        return;
    }
    tell_left(left, tightest(reply));
    if (tasks > 1)
        printf("kwota: %s: %" PRId64 " of %" PRId64
               " tasks would start now, as far as energy goes\n",
               left, fit, tasks);
    else
        printf("kwota: %s: it would start now, as far as energy goes\n", left);
}

/* What would not wait. */
static void print_what_fits(const json_t *reply)
{
    int64_t limit_s = job_integer(reply, "fits_limit_s");
    const json_t *budget = tightest(reply);
    int64_t wh = budget ? job_integer(budget, "available_mj") / ESTIMATE_MJ_PER_WH : 0;
    char limit[32];

    if (json_is_true(json_object_get(reply, "starts_now")))
        return;
    if (limit_s != ENERGY_UNKNOWN)
        printf("kwota: --time=%s would start now\n", duration(limit, limit_s));
    if (wh > 0 && strcmp(job_string(reply, "enforce"), "strict") == 0)
        printf("kwota: --energy-budget=%" PRId64
               "Wh would start now, and be held to it\n",
               wh);
}

static void print_quote(json_t *reply)
{
    printable_json(reply);
    print_price(reply);
    if (!json_is_true(json_object_get(reply, "admitted"))) {
        printf("%s\n", job_string(reply, "refusal"));
        return;
    }
    print_start(reply);
    print_what_fits(reply);
}

static int read_script(struct quote_options *options, const char *path,
                       char mistake[QUOTE_MISTAKE])
{
    bool is_stdin = strcmp(path, "-") == 0;
    const char *slash = strrchr(path, '/');
    FILE *file = is_stdin ? stdin : fopen(path, "r");
    int rc;

    if (!file) {
        snprintf(mistake, QUOTE_MISTAKE, "%.200s: %s", path, strerror(errno));
        return -1;
    }
    /* As sbatch names a job that is given no name. */
    snprintf(options->name, sizeof options->name, "%s",
             is_stdin ? "sbatch"
             : slash  ? slash + 1
                      : path);
    rc = quote_options_script(options, file, is_stdin ? "standard input" : path,
                              mistake);
    if (!is_stdin)
        fclose(file);
    return rc;
}

/* The script counts least, the command line most. */
static int read_all(struct quote_options *options, int argc, char **argv,
                    char mistake[QUOTE_MISTAKE])
{
    int script;

    quote_options_init(options);
    if (quote_options_take(options, argc, argv, &script, mistake) < 0)
        return -1;
    if (options->help)
        return 0;
    if (script && strcmp(argv[script], ":") == 0) {
        snprintf(mistake, QUOTE_MISTAKE,
                 "a heterogeneous job is several: quote its parts one by one");
        return -1;
    }
    if (options->wrapped)
        script = 0;
    quote_options_init(options);
    if (script && read_script(options, argv[script], mistake) < 0)
        return -1;
    if (quote_options_environment(options, mistake) < 0 ||
        quote_options_take(options, argc, argv, &script, mistake) < 0)
        return -1;
    if (options->wrapped && !options->name[0])
        snprintf(options->name, sizeof options->name, "wrap");
    return 0;
}

static int run(int argc, char **argv)
{
    struct quote_options options;
    char mistake[QUOTE_MISTAKE];
    json_t *body, *reply = NULL;
    int rc;

    if (read_all(&options, argc, argv, mistake) < 0) {
        printable_text(mistake);
        fprintf(stderr, "kwota quote: %s\n", mistake);
        return EXIT_USAGE;
    }
    if (options.help) {
        fputs(help, stdout);
        return 0;
    }
    if (options.ignored[0]) {
        printable_text(options.ignored);
        fprintf(stderr, "kwota quote: not taken into account: %s\n", options.ignored);
    }
    body = quote_options_body(&options);
    rc = command_post("/v1/quote", body, &reply);
    json_decref(body);
    if (rc == 0 && options.json)
        command_print_json(reply);
    else if (rc == 0)
        print_quote(reply);
    json_decref(reply);
    return rc;
}

const struct command command_quote = {
    "quote", "[OPTION...] [SCRIPT]",
    "what a job would need, and whether it would start now", run};
