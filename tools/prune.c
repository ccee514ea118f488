/* prune.c - kwota prune: drops the detail of runs that were settled long ago */
#include "config.h"

#include <argp.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policy/prune.h"
#include "tools/command.h"
#include "tools/progress.h"

struct arguments {
    int64_t before_s; /* 0: the policy's years */
    bool dry_run, json;
};

enum { OPT_OLDER = 256 };

static const struct argp_option options[] = {
    {"older-than", OPT_OLDER, "AGE", 0,
     "what ended longer ago: 3y, 900days [keep.detail_years of the policy]", 0},
    {"dry-run", 'n', 0, 0, "say what would go, and drop nothing", 0},
    {"json", 'j', 0, 0, "print JSON", 0},
    {0},
};

/* "3y", "3years", "900d", "900days" */
static int64_t parse_age(struct argp_state *state, const char *arg)
{
    int64_t now_s = (int64_t)time(NULL);
    char *unit;
    long count = strtol(arg, &unit, 10);

    if (unit == arg || count < 1 || count > 100000)
        unit = (char *)(uintptr_t) "?";
    if (strcmp(unit, "y") == 0 || strcmp(unit, "year") == 0 ||
        strcmp(unit, "years") == 0)
        return prune_before_s(now_s, count);
    if (strcmp(unit, "d") != 0 && strcmp(unit, "day") != 0 && strcmp(unit, "days") != 0)
        argp_error(state, "\"%s\" is no age: 3y or 900days is meant", arg);
    return now_s - count * INT64_C(86400);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct arguments *a = state->input;

    switch (key) {
    case OPT_OLDER:
        a->before_s = parse_age(state, arg);
        return 0;
    case 'n':
        a->dry_run = true;
        return 0;
    case 'j':
        a->json = true;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "\"%s\" is too much", arg);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static int64_t count_of(const json_t *counts, const char *key)
{
    return json_integer_value(json_object_get(counts, key));
}

static int ask(const struct arguments *a, bool dry_run, const json_t *after,
               json_t **answer)
{
    json_t *body = json_pack("{s:b}", "dry_run", (int)dry_run);
    int rc;

    if (a->before_s)
        json_object_set_new(body, "before_s", json_integer(a->before_s));
    if (after)
        json_object_set(body, "after", (json_t *)(uintptr_t)after);
    rc = command_post("/v1/prune", body, answer);
    json_decref(body);
    return rc;
}

/* Piece by piece, until nothing is left; the sums are in *all. */
static int prune_all(const struct arguments *a, int64_t runs, json_t **all)
{
    json_t *piece = NULL, *next = NULL;
    int rc;

    *all = json_object();
    do {
        rc = ask(a, false, next, &piece);
        json_decref(next);
        next = NULL;
        if (rc != 0)
            break;
        for (size_t i = 0; i < 4; i++) {
            static const char *const keys[] = {"runs", "rows", "decisions", "kept"};

            json_object_set_new(
                *all, keys[i],
                json_integer(count_of(*all, keys[i]) + count_of(piece, keys[i])));
        }
        json_object_set_new(*all, "before_s",
                            json_integer(count_of(piece, "before_s")));
        next = json_incref(json_object_get(piece, "next"));
        json_decref(piece);
        if (runs > 0)
            progress_show("runs", (int)(count_of(*all, "runs") * 100 / runs));
    } while (json_is_object(next));
    json_decref(next);
    progress_end();
    json_object_set_new(*all, "dry_run", json_false());
    return rc;
}

static void print_all(const json_t *all, bool dry_run)
{
    time_t before = (time_t)count_of(all, "before_s");
    char day[16];
    struct tm tm;

    strftime(day, sizeof day, "%Y-%m-%d", localtime_r(&before, &tm));
    printf("%s the detail of %" PRId64 " runs that ended before %s, %" PRId64
           " rows (%" PRId64 " of them decisions). Charges, roll-ups and statements' "
           "lines stay.\n",
           dry_run ? "Would drop" : "Dropped", count_of(all, "runs"), day,
           count_of(all, "rows"), count_of(all, "decisions"));
    if (count_of(all, "kept") > 0)
        printf("%" PRId64 " runs do not balance and keep theirs: kwota verify says "
               "why.\n",
               count_of(all, "kept"));
}

static int run_prune(int argc, char **argv)
{
    static const struct argp argp = {
        options,
        parse,
        NULL,
        "Drops the detail of runs that were settled long ago: counts by node and "
        "quarter-hour, steps, caps, the course over time; and old decisions. What was "
        "charged, roll-ups and statements stay.",
        NULL,
        NULL,
        NULL};
    struct arguments a = {0};
    json_t *all = NULL;
    int rc;

    argp_parse(&argp, argc, argv, 0, NULL, &a);
    rc = ask(&a, true, NULL, &all);
    if (rc == 0 && !a.dry_run) {
        int64_t runs = count_of(all, "runs");

        json_decref(all);
        rc = prune_all(&a, runs, &all);
    }
    if (rc == 0 && a.json)
        command_print_json(all);
    else if (rc == 0)
        print_all(all, a.dry_run);
    json_decref(all);
    return rc;
}

const struct command command_prune = {"prune", "[--older-than 3y]",
                                      "drops old runs' detail", run_prune};
