/* cap.c - kwota cap: power caps that operators order at once */
#include "config.h"

#include <argp.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policy/cap.h"
#include "policy/watts.h"
#include "tools/command.h"
#include "tools/printable.h"
#include "tools/table.h"
#include "tools/when.h"

struct arguments {
    const char *action, *word; /* word: the watts, or the order's id */
    const char *scope, *name;
    const char *package, *why;
    int64_t cpu_percent, until_s; /* 0: not said */
    int scopes;
    bool all, json;
};

enum {
    OPT_CLUSTER = 256,
    OPT_JOB,
    OPT_PACKAGE,
    OPT_CPU,
    OPT_UNTIL,
    OPT_WHY,
    OPT_ALL,
};

static const struct argp_option options[] = {
    {"cluster", OPT_CLUSTER, 0, 0, "set: for all jobs", 1},
    {"partition", 'p', "PARTITION", 0, "set: for the jobs of a partition", 1},
    {"account", 'A', "ACCOUNT", 0, "set: of an account and those below it", 1},
    {"user", 'u', "USER", 0, "set: of a user", 1},
    {"job", OPT_JOB, "JOB", 0, "set: for one job, 12 or 12_3", 1},
    {"package", OPT_PACKAGE, "WATTS", 0,
     "set: of each CPU package too, where a job has its node to itself", 2},
    {"cpu-percent", OPT_CPU, "N", 0, "set: of the CPU time too", 2},
    {"until", OPT_UNTIL, "TIME", 0,
     "set: until then [until it is lifted]: 18:00, 2026-11-01T12:00, now+2hours", 2},
    {"why", OPT_WHY, "TEXT", 0, "set, lift: the reason, for the books", 3},
    {"all", OPT_ALL, 0, 0, "list: those that are over too", 3},
    {"json", 'j', 0, 0, "print JSON", 3},
    {0},
};

static void take_word(struct argp_state *state, struct arguments *a, char *arg)
{
    if (!a->action && strcmp(arg, "set") && strcmp(arg, "list") && strcmp(arg, "lift"))
        argp_error(state, "\"%s\" is no action: set, list or lift", arg);
    else if (!a->action)
        a->action = arg;
    else if (!a->word && strcmp(a->action, "list") != 0)
        a->word = arg;
    else
        argp_error(state, "\"%s\" is too much", arg);
}

static void check_set(struct argp_state *state, const struct arguments *a)
{
    int64_t mw;

    if (a->scopes != 1)
        argp_error(state, "for whom? one of --cluster, --partition, --account, --user "
                          "and --job");
    if (a->word && watts_parse_cap(a->word, &mw) < 0)
        argp_error(state, "\"%s\" is no power of a GPU, from 10W to 10kW, such as 300W",
                   a->word);
    if (a->package && watts_parse_cap(a->package, &mw) < 0)
        argp_error(state,
                   "\"%s\" is no power of a package, from 10W to 10kW, such as "
                   "150W",
                   a->package);
    if (!a->word && !a->package && !a->cpu_percent)
        argp_error(state, "to what? a power of each GPU, such as 300W, --package or "
                          "--cpu-percent");
}

static void check(struct argp_state *state, const struct arguments *a)
{
    if (!a->action)
        argp_error(state, "one of set, list and lift is needed");
    if (strcmp(a->action, "set") == 0)
        check_set(state, a);
    else if (a->scopes || a->package || a->cpu_percent || a->until_s)
        argp_error(state, "only set is for somebody, to something, until some time");
    if (strcmp(a->action, "lift") == 0 &&
        (!a->word || strspn(a->word, "0123456789") != strlen(a->word)))
        argp_error(state, "which order? kwota cap list shows their ids");
    if (strcmp(a->action, "list") != 0 && !a->why)
        argp_error(state, "say --why: it goes into the books");
    if (a->all && strcmp(a->action, "list") != 0)
        argp_error(state, "--all is for list");
}

static int take_scope(struct arguments *a, const char *scope, const char *name)
{
    a->scope = scope;
    a->name = name;
    a->scopes++;
    return 0;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct arguments *a = state->input;
    char *end;

    switch (key) {
    case OPT_CLUSTER:
        return take_scope(a, "cluster", "");
    case 'p':
        return take_scope(a, "partition", arg);
    case 'A':
        return take_scope(a, "account", arg);
    case 'u':
        return take_scope(a, "user", arg);
    case OPT_JOB:
        return take_scope(a, "job", arg);
    case OPT_PACKAGE:
        a->package = arg;
        return 0;
    case OPT_CPU:
        a->cpu_percent = strtoll(arg, &end, 10);
        if (*end || a->cpu_percent < 1 || a->cpu_percent > 99)
            argp_error(state, "\"%s\" is no percentage from 1 to 99", arg);
        return 0;
    case OPT_UNTIL:
        if (when_parse_end(arg, time(NULL), &a->until_s) < 0)
            argp_error(state, "\"%s\" is no time: 18:00, 2026-11-01T12:00, now+2hours",
                       arg);
        return 0;
    case OPT_WHY:
        a->why = arg;
        return 0;
    case OPT_ALL:
        a->all = true;
        return 0;
    case 'j':
        a->json = true;
        return 0;
    case ARGP_KEY_ARG:
        take_word(state, a, arg);
        return 0;
    case ARGP_KEY_END:
        check(state, a);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const char *text(const json_t *order, const char *key)
{
    const char *value = json_string_value(json_object_get(order, key));

    return value ? value : "";
}

static int64_t number(const json_t *order, const char *key)
{
    return json_integer_value(json_object_get(order, key));
}

/* "GPUs at most 300 W" */
static char *order_text(const json_t *order, char most[CAP_TEXT])
{
    return cap_text((const int64_t[]){number(order, "gpu_mw"),
                                      number(order, "package_mw"),
                                      number(order, "cpu_percent")},
                    most);
}

static void put_time(char stamp[32], int64_t when_s, const char *otherwise)
{
    time_t when = (time_t)when_s;
    struct tm tm;

    if (when_s == 0)
        snprintf(stamp, 32, "%s", otherwise);
    else
        strftime(stamp, 32, "%Y-%m-%d %H:%M", localtime_r(&when, &tm));
}

/* "partition gpu" */
static void put_scope(char *buf, size_t size, const json_t *order)
{
    snprintf(buf, size, "%s%s%s", text(order, "scope"),
             text(order, "name")[0] ? " " : "", text(order, "name"));
}

static void print_orders(const json_t *reply, bool all)
{
    const char *const columns[] = {">ID",   "FOR", "CAP", "SINCE",
                                   "UNTIL", "WHO", "WHY", all ? "LIFTED" : NULL,
                                   NULL};
    struct table *table = table_new(columns);
    size_t i;
    json_t *order;

    json_array_foreach(json_object_get(reply, "orders"), i, order)
    {
        char id[24], scope[96], most[CAP_TEXT], since[32], until[32], lifted[400] = "";
        const char *cells[] = {id,
                               scope,
                               order_text(order, most),
                               since,
                               until,
                               text(order, "actor"),
                               text(order, "why"),
                               lifted};

        snprintf(id, sizeof id, "%" PRId64, number(order, "id"));
        put_scope(scope, sizeof scope, order);
        put_time(since, number(order, "since_s"), "");
        put_time(until, number(order, "until_s"), "lifted");
        if (number(order, "lifted_s")) {
            put_time(lifted, number(order, "lifted_s"), "");
            snprintf(lifted + strlen(lifted), sizeof lifted - strlen(lifted),
                     " by %.60s: %.256s", text(order, "lifted_by"),
                     text(order, "lifted_why"));
        }
        table_add(table, cells);
    }
    table_print(table);
}

static void print_done(const json_t *reply)
{
    const json_t *order = json_object_get(reply, "order");
    char scope[96], most[CAP_TEXT], until[32];

    put_scope(scope, sizeof scope, order);
    put_time(until, number(order, "until_s"), "it is lifted");
    if (strcmp(text(reply, "done"), "set") == 0)
        printf("order %" PRId64 ": %s: %s until %s; running jobs have it with their "
               "nodes' next reports\n",
               number(order, "id"), scope, order_text(order, most), until);
    else
        printf("order %" PRId64 " is lifted: %s: %s\n", number(order, "id"), scope,
               order_text(order, most));
}

static int post(const struct arguments *a, json_t **reply)
{
    bool set = strcmp(a->action, "set") == 0;
    json_t *body = json_pack("{s:s}", "why", a->why);
    int rc;

    if (!set)
        json_object_set_new(body, "id", json_integer(strtoll(a->word, NULL, 10)));
    else if (strcmp(a->scope, "cluster") == 0)
        json_object_set_new(body, "cluster", json_true());
    else
        json_object_set_new(body, a->scope, json_string(a->name));
    if (set && a->word)
        json_object_set_new(body, "gpu", json_string(a->word));
    if (a->package)
        json_object_set_new(body, "package", json_string(a->package));
    if (a->cpu_percent)
        json_object_set_new(body, "cpu_percent", json_integer(a->cpu_percent));
    if (a->until_s)
        json_object_set_new(body, "until_s", json_integer(a->until_s));
    rc = command_post(set ? "/v1/cap/set" : "/v1/cap/lift", body, reply);
    json_decref(body);
    return rc;
}

static void print(const struct arguments *a, json_t *reply)
{
    if (a->json) {
        command_print_json(reply);
        return;
    }
    printable_json(reply);
    if (strcmp(a->action, "list") != 0) {
        print_done(reply);
        return;
    }
    if (!json_is_true(json_object_get(reply, "capping")))
        puts("Capping is off: \"caps\": {\"enabled\": true} in kwota.json switches it "
             "on.");
    if (json_array_size(json_object_get(reply, "orders")) == 0)
        puts(a->all ? "No cap was ever ordered." : "No cap is ordered.");
    else
        print_orders(reply, a->all);
}

static int run_cap(int argc, char **argv)
{
    static const struct argp argp = {
        options,
        parse,
        "set SCOPE WATTS --why TEXT\nlist\nlift ID --why TEXT",
        "Caps the power of running and coming jobs at once, beside the policy's rules: "
        "of several words the lowest counts.",
        NULL,
        NULL,
        NULL};
    struct arguments a = {NULL};
    json_t *reply = NULL;
    int rc;

    argp_parse(&argp, argc, argv, 0, NULL, &a);
    if (strcmp(a.action, "list") == 0)
        rc = command_get(a.all ? "/v1/cap?all=1" : "/v1/cap", false, &reply);
    else
        rc = post(&a, &reply);
    if (rc == 0)
        print(&a, reply);
    json_decref(reply);
    return rc;
}

const struct command command_cap = {"cap", "set|list|lift",
                                    "power caps that operators order", run_cap};
