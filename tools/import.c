/* import.c - kwota import-sacct: Slurm's past jobs as history for estimates */
#include "config.h"

#include <argp.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "tools/command.h"
#include "tools/when.h"

/* kwotad is asked for so much at once: a busy cluster's day is seconds of work. */
#define SLICE_S 86400

struct arguments {
    int64_t start_s, end_s;
    bool dry_run, json;
};

enum { OPT_START = 256, OPT_END };

static const struct argp_option options[] = {
    {"start", OPT_START, "TIME", 0, "jobs that ended from here [now-90days]", 0},
    {"end", OPT_END, "TIME", 0,
     "up to here [now]; times: 2026-11-01, 2026-11-01T12:00, today, now-7days", 0},
    {"dry-run", 'n', 0, 0, "say what would be imported, and import nothing", 0},
    {"json", 'j', 0, 0, "print JSON", 0},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct arguments *a = state->input;

    switch (key) {
    case OPT_START:
        when_option(state, "--start", arg, &a->start_s);
        break;
    case OPT_END:
        when_option(state, "--end", arg, &a->end_s);
        break;
    case 'n':
        a->dry_run = true;
        break;
    case 'j':
        a->json = true;
        break;
    case ARGP_KEY_ARG:
        argp_error(state, "\"%s\" is too much", arg);
        break;
    case ARGP_KEY_END:
        if (a->end_s <= a->start_s)
            argp_error(state, "--end must be later than --start");
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static int64_t integer(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static void add(json_t *total, const json_t *slice)
{
    const char *key;
    const json_t *value;

    json_object_foreach((json_t *)(uintptr_t)slice, key, value) json_object_set_new(
        total, key, json_integer(integer(total, key) + json_integer_value(value)));
}

/* One line that is written over, on a terminal only. */
static void progress(const struct arguments *a, int64_t at_s, const json_t *total)
{
    time_t at = (time_t)at_s;
    struct tm tm;
    char day[16];

    if (!isatty(STDERR_FILENO))
        return;
    localtime_r(&at, &tm);
    strftime(day, sizeof day, "%Y-%m-%d", &tm);
    fprintf(stderr, "\r%s  %3" PRId64 " %%  %" PRId64 " runs ", day,
            100 * (at_s - a->start_s) / (a->end_s - a->start_s),
            integer(total, "runs"));
    if (at_s >= a->end_s)
        fprintf(stderr, "\r\033[K");
    fflush(stderr);
}

static int import_slice(const struct arguments *a, int64_t start_s, int64_t end_s,
                        json_t *total)
{
    json_t *reply = NULL;
    json_t *body = json_pack("{s:I s:I s:b}", "start", (json_int_t)start_s, "end",
                             (json_int_t)end_s, "dry_run", (int)a->dry_run);
    int rc = command_post("/v1/import", body, &reply);

    if (rc == 0)
        add(total, reply);
    json_decref(body);
    json_decref(reply);
    return rc;
}

static void left_out(const json_t *total, const char *key, const char *why)
{
    if (integer(total, key) > 0)
        printf("  %8" PRId64 " %s\n", integer(total, key), why);
}

static void print_text(const struct arguments *a, const json_t *total)
{
    printf("%" PRId64 " runs ended in that time, as slurmdbd knows it.\n",
           integer(total, "runs"));
    left_out(total, "by_slurm", "with the power that Slurm's own energy means");
    left_out(total, "by_nameplate", "with the power of the policy's nameplate");
    left_out(total, "measured", "left out: kwota has them in its own books");
    left_out(total, "not_ended",
             "left out: they ended neither by themselves nor at "
             "their time limit");
    left_out(total, "too_short", "left out: shorter than a minute");
    left_out(total, "no_shape", "left out: slurmdbd does not say what they asked for");
    left_out(total, "no_power",
             "left out: no nameplate for their partition in the "
             "policy, and no energy of Slurm's to go by");
    if (a->dry_run)
        puts("Nothing was imported (--dry-run).");
    else
        printf("%" PRId64 " are new, or have a new power, in the history; estimates "
               "call them estimated, and nothing is charged for them.\n",
               integer(total, "new"));
}

static int run_import(int argc, char **argv)
{
    static const struct argp argp = {
        options,
        parse,
        NULL,
        "Takes Slurm's past jobs from slurmdbd into the history by which liens and "
        "quotes are estimated, until kwota has measured enough like runs itself. Can "
        "be "
        "repeated: what is there already stays.",
        NULL,
        NULL,
        NULL};
    struct arguments a = {.start_s = (int64_t)time(NULL) - 90 * 86400,
                          .end_s = (int64_t)time(NULL)};
    json_t *total = json_object();
    int rc = 0;

    argp_parse(&argp, argc, argv, 0, NULL, &a);
    for (int64_t at_s = a.start_s; rc == 0 && at_s < a.end_s; at_s += SLICE_S) {
        int64_t until_s = a.end_s - at_s > SLICE_S ? at_s + SLICE_S : a.end_s;

        rc = import_slice(&a, at_s, until_s, total);
        progress(&a, rc == 0 ? until_s : a.end_s, total);
    }
    if (rc == 0 && a.json)
        command_print_json(total);
    else if (rc == 0)
        print_text(&a, total);
    json_decref(total);
    return rc;
}

const struct command command_import = {"import-sacct", "[--start TIME] [--end TIME]",
                                       "Slurm's past jobs as history for estimates",
                                       run_import};
