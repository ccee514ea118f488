/* grant.c - kwota grant, adjust, refund, transfer: energy given, taken and given back
 */
#include "config.h"

#include <argp.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "policy/energy.h"
#include "tools/budget.h"
#include "tools/command.h"
#include "tools/printable.h"

struct arguments {
    json_t *body;
    const char *words[2];
    int word_count;
    bool is_refund, is_transfer;
    bool json;
};

enum { OPT_WHY = 256, OPT_FROM, OPT_TO };

static const struct argp_option give_options[] = {
    {"account", 'A', "ACCOUNT", 0, "to this account's quota", 0},
    {"user", 'u', "USER", 0, "to this user's (with -A: within the account)", 0},
    {"partitions", 'p', "CLASS", 0, "the quota for this partition, or class of them",
     0},
    {"cluster", 'M', "CLUSTER", 0, "the quota on this cluster", 0},
    {"why", OPT_WHY, "TEXT", 0, "the reason, kept with the change", 0},
    {"dry-run", 'n', 0, 0, "say what would be changed, and change nothing", 0},
    {"json", 'j', 0, 0, "print JSON", 0},
    {0},
};

static const struct argp_option refund_options[] = {
    {"cluster", 'M', "CLUSTER", 0, "the job of this cluster", 0},
    {"why", OPT_WHY, "TEXT", 0, "the reason, kept with the change", 0},
    {"dry-run", 'n', 0, 0, "say what would be changed, and change nothing", 0},
    {"json", 'j', 0, 0, "print JSON", 0},
    {0},
};

static const struct argp_option transfer_options[] = {
    {"from", OPT_FROM, "ACCOUNT", 0, "from this account's quota", 0},
    {"to", OPT_TO, "ACCOUNT", 0, "to this account's", 0},
    {"partitions", 'p', "CLASS", 0, "the quota for this partition, or class of them",
     0},
    {"cluster", 'M', "CLUSTER", 0, "the quota on this cluster", 0},
    {"why", OPT_WHY, "TEXT", 0, "the reason, kept with the change", 0},
    {"dry-run", 'n', 0, 0, "say what would be changed, and change nothing", 0},
    {"json", 'j', 0, 0, "print JSON", 0},
    {0},
};

static void put(struct arguments *a, const char *key, const char *value)
{
    json_object_set_new(a->body, key, json_string(value));
}

static bool has(const struct arguments *a, const char *key)
{
    return json_object_get(a->body, key) != NULL;
}

static void check(struct argp_state *state, struct arguments *a)
{
    const char *amount = a->words[a->is_refund];

    if (a->is_refund && !a->words[0])
        argp_error(state, "which job?");
    if (a->is_refund)
        put(a, "job", a->words[0]);
    if (!a->is_refund && !amount)
        argp_error(state, "how much? Such as 100kWh");
    if (a->is_transfer && (!has(a, "from") || !has(a, "to")))
        argp_error(state, "--from and --to say between which accounts");
    if (!a->is_refund && !a->is_transfer && !has(a, "account") && !has(a, "user"))
        argp_error(state, "whose quota? -A ACCOUNT, -u USER or both say it");
    if (!has(a, "why"))
        argp_error(state, "why? --why TEXT is kept with the change");
    if (amount)
        put(a, "amount", amount);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    static const struct {
        int key;
        const char *name;
    } texts[] = {{'A', "account"}, {'u', "user"},    {'p', "partitions"},
                 {'M', "cluster"}, {OPT_WHY, "why"}, {OPT_FROM, "from"},
                 {OPT_TO, "to"}};
    struct arguments *a = state->input;

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (texts[i].key == key) {
            put(a, texts[i].name, arg);
            return 0;
        }
    }
    switch (key) {
    case 'n':
        json_object_set_new(a->body, "dry_run", json_true());
        break;
    case 'j':
        a->json = true;
        break;
    case ARGP_KEY_ARG:
        if (a->word_count > a->is_refund)
            argp_error(state, "\"%s\" is too much", arg);
        a->words[a->word_count++] = arg;
        break;
    case ARGP_KEY_END:
        check(state, a);
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

/* An amount below zero looks like options: it is taken out before they are read. */
static void take_negative(struct arguments *a, int *argc, char **argv)
{
    for (int i = 1; i < *argc; i++) {
        if (argv[i][0] != '-' || !isdigit((unsigned char)argv[i][1]))
            continue;
        if (a->word_count == 2)
            return;
        a->words[a->word_count++] = argv[i];
        memmove(&argv[i], &argv[i + 1], (size_t)(*argc - i) * sizeof *argv);
        --*argc;
        return;
    }
}

static int run(struct arguments *a, const char *path, const char *done)
{
    json_t *reply = NULL;
    int rc = command_post(path, a->body, &reply);
    char amount[ENERGY_TEXT];

    if (rc == 0 && a->json)
        command_print_json(reply);
    else if (rc == 0) {
        printable_json(reply);
        printf(
            "%s %s%s\n",
            energy_kwh_human(amount, sizeof amount,
                             json_integer_value(json_object_get(reply, "amount_mj"))),
            done,
            json_is_true(json_object_get(reply, "dry_run"))
                ? " (a dry run: nothing was done)"
                : "");
        budget_print(json_object_get(reply, "budgets"));
    }
    json_decref(reply);
    return rc;
}

static int run_grant(int argc, char **argv)
{
    static const struct argp argp = {
        give_options, parse,
        "AMOUNT",     "Gives a quota more for its present period. AMOUNT: 100kWh.",
        NULL,         NULL,
        NULL};
    struct arguments a = {.body = json_object()};
    int rc;

    argp_parse(&argp, argc, argv, 0, NULL, &a);
    rc = run(&a, "/v1/quota/grant", "granted");
    json_decref(a.body);
    return rc;
}

static int run_adjust(int argc, char **argv)
{
    static const struct argp argp = {
        give_options, parse,
        "AMOUNT",     "Corrects a quota for its present period, up or down: -5kWh.",
        NULL,         NULL,
        NULL};
    struct arguments a = {.body = json_object()};
    int rc;

    take_negative(&a, &argc, argv);
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    rc = run(&a, "/v1/quota/adjust", "adjusted");
    json_decref(a.body);
    return rc;
}

static int run_refund(int argc, char **argv)
{
    static const struct argp argp = {
        refund_options,
        parse,
        "JOB [AMOUNT]",
        "Gives a job's charge, or a part of it, back to its quotas.",
        NULL,
        NULL,
        NULL};
    struct arguments a = {.body = json_object(), .is_refund = true};
    int rc;

    argp_parse(&argp, argc, argv, 0, NULL, &a);
    rc = run(&a, "/v1/quota/refund", "given back");
    json_decref(a.body);
    return rc;
}

static int run_transfer(int argc, char **argv)
{
    static const struct argp argp = {transfer_options,
                                     parse,
                                     "AMOUNT",
                                     "Moves energy from one account's quota to "
                                     "another's, for their present periods.",
                                     NULL,
                                     NULL,
                                     NULL};
    struct arguments a = {.body = json_object(), .is_transfer = true};
    int rc;

    argp_parse(&argp, argc, argv, 0, NULL, &a);
    rc = run(&a, "/v1/quota/transfer", "transferred");
    json_decref(a.body);
    return rc;
}

const struct command command_grant = {"grant", "AMOUNT -A ACCOUNT...",
                                      "gives a quota more, once", run_grant};
const struct command command_adjust = {"adjust", "AMOUNT -A ACCOUNT...",
                                       "corrects a quota, once", run_adjust};
const struct command command_refund = {"refund", "JOB [AMOUNT]...",
                                       "gives a job's charge back", run_refund};
const struct command command_transfer = {"transfer", "AMOUNT --from A --to B...",
                                         "moves energy between accounts", run_transfer};
