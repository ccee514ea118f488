/* control.c - kwota why, queue, shadow, freeze: what kwotad decides, and how to stop it
 */
#include "config.h"

#include <argp.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policy/energy.h"
#include "tools/command.h"
#include "tools/printable.h"
#include "tools/table.h"
#include "tools/when.h"

struct arguments {
    const char *job, *why;
    int64_t start_s, end_s;
    bool json, off, reset;
};

enum { OPT_WHY = 256, OPT_OFF, OPT_RESET, OPT_START, OPT_END };

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct arguments *a = state->input;

    switch (key) {
    case OPT_WHY:
        a->why = arg;
        return 0;
    case OPT_OFF:
        a->off = true;
        return 0;
    case OPT_RESET:
        a->reset = true;
        return 0;
    case OPT_START:
    case OPT_END:
        if (when_parse(arg, time(NULL), key == OPT_START ? &a->start_s : &a->end_s) < 0)
            argp_error(state,
                       "\"%s\" is no time: 2026-11-01, 2026-11-01T12:00, today, now, "
                       "now-7days",
                       arg);
        return 0;
    case 'j':
        a->json = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t parse_job(int key, char *arg, struct argp_state *state)
{
    struct arguments *a = state->input;

    if (key == ARGP_KEY_ARG && !a->job && arg[0] &&
        strspn(arg, "0123456789_+") == strlen(arg)) {
        a->job = arg;
        return 0;
    }
    if (key == ARGP_KEY_ARG)
        argp_error(state, "\"%s\" is no job: 12, 12_3 or 15+1 is meant", arg);
    if (key == ARGP_KEY_END && !a->job)
        argp_error(state, "which job?");
    return parse(key, arg, state);
}

static error_t parse_nothing(int key, char *arg, struct argp_state *state)
{
    if (key == ARGP_KEY_ARG)
        argp_error(state, "\"%s\" is too much", arg);
    return parse(key, arg, state);
}

static int run_why(int argc, char **argv)
{
    static const struct argp_option options[] = {{"json", 'j', 0, 0, "print JSON", 0},
                                                 {0}};
    static const struct argp argp = {
        options, parse_job,
        "JOB",   "Says what kwota decided about a job, and why it waits.",
        NULL,    NULL,
        NULL};
    struct arguments a = {0};
    char path[96];
    json_t *reply = NULL, *sentence;
    size_t i;
    int rc;

    argp_parse(&argp, argc, argv, 0, NULL, &a);
    /* A plus sign in a query would be a blank. */
    snprintf(path, sizeof path, "/v1/why?id=%.*s%s%s", (int)strcspn(a.job, "+"), a.job,
             strchr(a.job, '+') ? "%2B" : "",
             strchr(a.job, '+') ? strchr(a.job, '+') + 1 : "");
    rc = command_get(path, false, &reply);
    if (rc == 0 && a.json) {
        command_print_json(reply);
    } else if (rc == 0) {
        printable_json(reply);
        json_array_foreach(json_object_get(reply, "sentences"), i, sentence)
        {
            printf("job %s: %s\n", a.job, json_string_value(sentence));
        }
    }
    json_decref(reply);
    return rc;
}

static void print_queue(const json_t *reply)
{
    static const char *const columns[] = {"JOB",     "USER", "ACCOUNT", "PARTITION",
                                          ">NEEDED", "HELD", "WHY",     NULL};
    struct table *table = table_new(columns);
    size_t i;
    json_t *job;

    json_array_foreach(json_object_get(reply, "jobs"), i, job)
    {
        char needed[ENERGY_TEXT];
        const char *cells[] = {
            json_string_value(json_object_get(job, "job_id")),
            json_string_value(json_object_get(job, "user")),
            json_string_value(json_object_get(job, "account")),
            json_string_value(json_object_get(job, "partition")),
            energy_kwh_human(needed, sizeof needed,
                             json_integer_value(json_object_get(job, "needed_mj"))),
            json_is_true(json_object_get(job, "held")) ? "yes" : "",
            json_string_value(json_object_get(job, "why"))};

        table_add(table, cells);
    }
    table_print(table);
}

static int run_queue(int argc, char **argv)
{
    static const struct argp_option options[] = {{"json", 'j', 0, 0, "print JSON", 0},
                                                 {0}};
    static const struct argp argp = {
        options, parse_nothing, NULL, "Shows the pending jobs that wait for energy.",
        NULL,    NULL,          NULL};
    struct arguments a = {0};
    json_t *reply = NULL;
    int rc;

    argp_parse(&argp, argc, argv, 0, NULL, &a);
    rc = command_get("/v1/queue", false, &reply);
    if (rc == 0 && a.json) {
        command_print_json(reply);
    } else if (rc == 0 && json_array_size(json_object_get(reply, "jobs")) == 0) {
        puts("No job waits for energy.");
    } else if (rc == 0) {
        printable_json(reply);
        print_queue(reply);
    }
    json_decref(reply);
    return rc;
}

static void print_shadow(const json_t *reply)
{
    static const char *const columns[] = {
        "ACCOUNT", ">JOBS", ">WOULD BE HELD", ">WOULD BE ENDED", ">NEEDED", NULL};
    struct table *table = table_new(columns);
    size_t i;
    json_t *row;

    json_array_foreach(json_object_get(reply, "rows"), i, row)
    {
        static const char *const keys[] = {"jobs", "holds", "kills"};
        char numbers[3][24], needed[ENERGY_TEXT];
        const char *cells[5] = {json_string_value(json_object_get(row, "account"))};

        for (int k = 0; k < 3; k++) {
            snprintf(numbers[k], sizeof numbers[k], "%" JSON_INTEGER_FORMAT,
                     json_integer_value(json_object_get(row, keys[k])));
            cells[k + 1] = numbers[k];
        }
        cells[4] = energy_kwh_human(needed, sizeof needed,
                                    json_integer_value(json_object_get(row, "mj")));
        table_add(table, cells);
    }
    table_print(table);
}

static int run_shadow(int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"start", OPT_START, "TIME", 0, "from here [the first of this month]", 0},
        {"end", OPT_END, "TIME", 0, "up to here [now]", 0},
        {"json", 'j', 0, 0, "print JSON", 0},
        {0}};
    static const struct argp argp = {
        options,
        parse_nothing,
        NULL,
        "Shows what would have happened to jobs where the policy only watches.",
        NULL,
        NULL,
        NULL};
    struct arguments a = {.start_s = when_month(time(NULL)),
                          .end_s = (int64_t)time(NULL) + 1};
    char path[128];
    json_t *reply = NULL;
    int rc;

    argp_parse(&argp, argc, argv, 0, NULL, &a);
    snprintf(path, sizeof path, "/v1/shadow?start=%" PRId64 "&end=%" PRId64, a.start_s,
             a.end_s);
    rc = command_get(path, false, &reply);
    if (rc == 0 && a.json) {
        command_print_json(reply);
    } else if (rc == 0 && json_array_size(json_object_get(reply, "rows")) == 0) {
        puts("Nothing would have happened to any job.");
    } else if (rc == 0) {
        printable_json(reply);
        print_shadow(reply);
    }
    json_decref(reply);
    return rc;
}

static void print_frozen(const json_t *reply)
{
    const char *why = json_string_value(json_object_get(reply, "why"));

    if (json_is_true(json_object_get(reply, "frozen")))
        printf("kwota is frozen: it holds, caps and ends nothing (%s)\n", why);
    else if (json_is_true(json_object_get(reply, "tripped")))
        printf("the breaker has tripped: kwota only watches (%s); "
               "kwota freeze --reset-breaker --why TEXT lets it act again\n",
               why);
    else
        puts("kwota acts as its policy says");
}

static int run_freeze(int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"why", OPT_WHY, "TEXT", 0, "freeze, for this reason", 0},
        {"off", OPT_OFF, 0, 0, "act again", 0},
        {"reset-breaker", OPT_RESET, 0, 0, "let kwota act again after a trip", 0},
        {"json", 'j', 0, 0, "print JSON", 0},
        {0}};
    static const struct argp argp = {
        options,
        parse_nothing,
        NULL,
        "Stops every hold, cap and kill at once; measuring goes on. Without --why it "
        "shows how things stand.",
        NULL,
        NULL,
        NULL};
    struct arguments a = {0};
    json_t *reply = NULL, *body;
    int rc;

    argp_parse(&argp, argc, argv, 0, NULL, &a);
    if ((a.off || a.reset) && !a.why) {
        fprintf(stderr, "kwota freeze: say --why: it goes into the books\n");
        return EXIT_USAGE;
    }
    if (!a.why) {
        rc = command_get("/v1/freeze", false, &reply);
    } else {
        body = a.reset ? json_pack("{s:b s:s}", "breaker", 0, "why", a.why)
                       : json_pack("{s:b s:s}", "on", !a.off, "why", a.why);
        rc = command_post("/v1/freeze", body, &reply);
        json_decref(body);
    }
    if (rc == 0 && a.json) {
        command_print_json(reply);
    } else if (rc == 0) {
        printable_json(reply);
        print_frozen(reply);
    }
    json_decref(reply);
    return rc;
}

const struct command command_why = {"why", "JOB", "why a job waits, was held or ended",
                                    run_why};
const struct command command_queue = {"queue", "", "pending jobs that wait for energy",
                                      run_queue};
const struct command command_shadow = {
    "shadow", "", "what would have happened where the policy only watches", run_shadow};
const struct command command_freeze = {"freeze", "[--why TEXT]",
                                       "stop every hold, cap and kill", run_freeze};
