/* quota.c - kwota quota: shows, sets, removes, applies and exports quotas */
#include "config.h"

#include <argp.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policy/energy.h"
#include "tools/budget.h"
#include "tools/command.h"
#include "tools/printable.h"
#include "tools/quota_text.h"
#include "tools/table.h"

#define NAME_TEXT 320
#define TERMS_TEXT 200

enum what { SHOW, SET, REMOVE, APPLY, EXPORT, LOG, WHATS };

static const char *const whats[WHATS] = {"show",  "set",    "remove",
                                         "apply", "export", "log"};

struct arguments {
    enum what what;
    int words;        /* taken of the command line so far */
    const char *word; /* LIMIT, FILE */
    json_t *entry;    /* of set and remove, as the body's */
    bool all;         /* -a: shown is what may be seen, with it or without */
    bool json;
};

enum { OPT_PERIOD = 256, OPT_CARRY, OPT_BORROW, OPT_WHY };

static const struct argp_option options[] = {
    {"account", 'A', "ACCOUNT", 0, "of this account", 0},
    {"user", 'u', "USER", 0, "of this user (with -A: within the account)", 0},
    {"partitions", 'p', "CLASS", 0,
     "for this partition, or class of the policy's, only [all]", 0},
    {"cluster", 'M', "CLUSTER", 0, "on this cluster only [all]", 0},
    {"all", 'a', "all", OPTION_ARG_OPTIONAL, "show: all that you may see", 0},
    {"period", OPT_PERIOD, "PERIOD", 0,
     "set: month, quarter, year, 90days or 2026-01-01..2026-07-01", 0},
    {"carry", OPT_CARRY, "PERCENT", 0,
     "set: so much of the quota may be carried to the next period", 0},
    {"borrow", OPT_BORROW, "PERCENT", 0,
     "set: so much of the next period's may be used beforehand", 0},
    {"why", OPT_WHY, "TEXT", 0, "the reason, kept with the change", 0},
    {"dry-run", 'n', 0, 0, "say what would be changed, and change nothing", 0},
    {"json", 'j', 0, 0, "print JSON", 0},
    {0},
};

static void take_percent(struct argp_state *state, const char *option, const char *arg,
                         json_t *entry, const char *key)
{
    char *end;
    long percent = strtol(arg, &end, 10);

    if (end == arg || (*end && strcmp(end, "%") != 0) || percent < 0 || percent > 100)
        argp_error(state, "%s %s: a percentage is meant, such as 20%%", option, arg);
    json_object_set_new(entry, key, json_integer(percent));
}

static void take_word(struct argp_state *state, struct arguments *a, const char *arg)
{
    if (a->words++ == 0) {
        while (a->what < WHATS && strcmp(whats[a->what], arg) != 0)
            a->what++;
        if (a->what == WHATS)
            argp_error(state,
                       "\"%s\": show, set, remove, apply, export or log is meant", arg);
    } else if (a->word || (a->what != SET && a->what != APPLY))
        argp_error(state, "\"%s\" is too much", arg);
    else
        a->word = arg;
}

static void check(struct argp_state *state, const struct arguments *a)
{
    bool named =
        json_object_get(a->entry, "account") || json_object_get(a->entry, "user");

    if (a->what == APPLY && !a->word)
        argp_error(state, "which file? - is the standard input");
    if ((a->what == SET || a->what == REMOVE) && !named)
        argp_error(state, "whose quota? -A ACCOUNT, -u USER or both say it");
    if (a->what == SET && !a->word)
        argp_error(state, "how much? kwota quota set -A astro 1000kWh --period month");
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct arguments *a = state->input;

    switch (key) {
    case 'A':
        json_object_set_new(a->entry, "account", json_string(arg));
        break;
    case 'u':
        json_object_set_new(a->entry, "user", json_string(arg));
        break;
    case 'p':
        json_object_set_new(a->entry, "partitions", json_string(arg));
        break;
    case 'M':
        json_object_set_new(a->entry, "cluster", json_string(arg));
        break;
    case 'a':
        a->all = true;
        break;
    case OPT_PERIOD:
        if (quota_text_period(arg, a->entry) < 0)
            argp_error(state,
                       "--period %s: month, quarter, year, 90days or "
                       "2026-01-01..2026-07-01 is meant",
                       arg);
        break;
    case OPT_CARRY:
        take_percent(state, "--carry", arg, a->entry, "carry_percent");
        break;
    case OPT_BORROW:
        take_percent(state, "--borrow", arg, a->entry, "borrow_percent");
        break;
    case OPT_WHY:
        json_object_set_new(a->entry, "why", json_string(arg));
        break;
    case 'n':
        json_object_set_new(a->entry, "dry_run", json_true());
        break;
    case 'j':
        a->json = true;
        break;
    case ARGP_KEY_ARG:
        /* `-a all`, as sacctmgr's users may write it. */
        if (a->all && a->words == 1 && strcmp(arg, "all") == 0)
            break;
        take_word(state, a, arg);
        break;
    case ARGP_KEY_END:
        check(state, a);
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static const char *text(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));

    return value ? value : "";
}

static bool is_dry(const struct arguments *a)
{
    return json_is_true(json_object_get(a->entry, "dry_run"));
}

static char *kwh(const json_t *object, const char *key, char *buf)
{
    return energy_kwh_human(buf, ENERGY_TEXT,
                            json_integer_value(json_object_get(object, key)));
}

/* What a budget is made of, where that is more than its limit. */
static void print_parts(const json_t *budget)
{
    static const struct {
        const char *key, *words;
    } parts[] = {{"carried_mj", "carried over"},
                 {"borrowed_mj", "may be borrowed"},
                 {"granted_mj", "granted"},
                 {"owed_mj", "owed to the period before"}};
    char mj[ENERGY_TEXT];
    bool first = true;

    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (json_integer_value(json_object_get(budget, parts[i].key)) == 0)
            continue;
        if (first)
            printf("%s: %s of its own", text(budget, "name"),
                   kwh(budget, "limit_mj", mj));
        printf(", %s %s", kwh(budget, parts[i].key, mj), parts[i].words);
        first = false;
    }
    if (!first)
        putchar('\n');
}

static int show(const struct arguments *a)
{
    char path[1024] = "/v1/budgets";
    json_t *reply = NULL, *budgets, *budget;
    size_t i;
    int rc;

    command_query(path, sizeof path, "account",
                  json_string_value(json_object_get(a->entry, "account")));
    command_query(path, sizeof path, "user",
                  json_string_value(json_object_get(a->entry, "user")));
    /* Without a name everything that may be seen is meant. */
    command_query(path, sizeof path, "all", "1");
    rc = command_get(path, false, &reply);
    budgets = json_object_get(reply, "budgets");
    if (rc == 0 && a->json)
        command_print_json(reply);
    else if (rc == 0 && json_array_size(budgets) == 0)
        puts("there are no such quotas");
    else if (rc == 0) {
        printable_json(reply);
        budget_print(budgets);
        json_array_foreach(budgets, i, budget) print_parts(budget);
        command_print_simulated(reply);
    }
    json_decref(reply);
    return rc;
}

static void print_change(const struct arguments *a, const json_t *reply)
{
    const json_t *before = json_object_get(reply, "before");
    const json_t *after = json_object_get(reply, "after");
    char name[NAME_TEXT], old[TERMS_TEXT], new[TERMS_TEXT];

    quota_text_name(json_is_object(after) ? after : before, name, sizeof name);
    if (json_is_object(before))
        quota_text_terms(before, old, sizeof old);
    if (json_is_object(after))
        quota_text_terms(after, new, sizeof new);
    printf("%s%s: ", is_dry(a) ? "would be done: " : "", name);
    if (!json_is_object(after))
        printf("removed (it was %s)\n", old);
    else if (!json_is_object(before))
        printf("%s\n", new);
    else if (json_equal(before, after))
        printf("%s, as it was\n", new);
    else
        printf("%s (it was %s)\n", new, old);
    if (json_is_string(json_object_get(reply, "warning")))
        fprintf(stderr, "kwota: %s; it is kept all the same\n", text(reply, "warning"));
}

static int change(const struct arguments *a)
{
    json_t *reply = NULL;
    int rc;

    if (a->word)
        json_object_set_new(a->entry, "limit", json_string(a->word));
    rc = command_post(a->what == SET ? "/v1/quota/set" : "/v1/quota/remove", a->entry,
                      &reply);
    if (rc == 0 && a->json)
        command_print_json(reply);
    else if (rc == 0) {
        printable_json(reply);
        print_change(a, reply);
    }
    json_decref(reply);
    return rc;
}

static void print_entries(const char *sign, const json_t *entries)
{
    char name[NAME_TEXT], terms[TERMS_TEXT];
    json_t *entry;
    size_t i;

    json_array_foreach(entries, i, entry)
    {
        printf("%s %s: %s\n", sign, quota_text_name(entry, name, sizeof name),
               quota_text_terms(entry, terms, sizeof terms));
    }
}

static void print_difference(const json_t *reply)
{
    const json_t *changed = json_object_get(reply, "changed");
    char name[NAME_TEXT], old[TERMS_TEXT], new[TERMS_TEXT];
    json_t *pair;
    size_t i;

    print_entries("+", json_object_get(reply, "added"));
    json_array_foreach(changed, i, pair)
    {
        const json_t *after = json_object_get(pair, "after");

        printf("~ %s: %s (it was %s)\n", quota_text_name(after, name, sizeof name),
               quota_text_terms(after, new, sizeof new),
               quota_text_terms(json_object_get(pair, "before"), old, sizeof old));
    }
    print_entries("-", json_object_get(reply, "removed"));
    printf("%zu added, %zu changed, %zu removed, %" JSON_INTEGER_FORMAT
           " unchanged%s\n",
           json_array_size(json_object_get(reply, "added")), json_array_size(changed),
           json_array_size(json_object_get(reply, "removed")),
           json_integer_value(json_object_get(reply, "unchanged")),
           json_is_true(json_object_get(reply, "dry_run"))
               ? " (a dry run: nothing was done)"
               : "");
}

/* The file, with why and dry_run: the request's body. */
static json_t *read_file(const struct arguments *a)
{
    bool standard = strcmp(a->word, "-") == 0;
    json_error_t where;
    json_t *file = standard ? json_loadf(stdin, JSON_REJECT_DUPLICATES, &where)
                            : json_load_file(a->word, JSON_REJECT_DUPLICATES, &where);
    char why[160];

    if (!file && where.line < 0) {
        fprintf(stderr, "kwota: %s\n", where.text);
        return NULL;
    }
    if (!json_is_object(file)) {
        fprintf(stderr, "kwota: %s:%d:%d: %s\n", a->word, file ? 1 : where.line,
                file ? 1 : where.column,
                file ? "an object is meant: {\"version\":1,\"quotas\":[…]}"
                     : where.text);
        json_decref(file);
        return NULL;
    }
    snprintf(why, sizeof why, "quota apply %.120s", a->word);
    json_object_set_new(file, "why", json_string(why));
    json_object_update_existing(file, a->entry);
    if (is_dry(a))
        json_object_set_new(file, "dry_run", json_true());
    return file;
}

static int apply(const struct arguments *a)
{
    json_t *file = read_file(a), *reply = NULL;
    int rc;

    if (!file)
        return EXIT_REFUSED;
    rc = command_post("/v1/quota/apply", file, &reply);
    if (rc == 0 && a->json)
        command_print_json(reply);
    else if (rc == 0) {
        printable_json(reply);
        print_difference(reply);
    }
    json_decref(file);
    json_decref(reply);
    return rc;
}

static int export(void)
{
    json_t *reply = NULL;
    int rc = command_get("/v1/quota/export", false, &reply);

    if (rc == 0)
        command_print_json(reply);
    json_decref(reply);
    return rc;
}

static void print_log(const json_t *postings)
{
    static const char *const columns[] = {"TIME", "WHAT", "QUOTA", ">AMOUNT",
                                          "JOB",  "WHO",  "WHY",   NULL};
    struct table *table = table_new(columns);
    size_t i = json_array_size(postings);

    while (i-- > 0) {
        json_t *posting = json_array_get(postings, i);
        char when[32], name[NAME_TEXT], amount[ENERGY_TEXT];
        time_t s = (time_t)json_integer_value(json_object_get(posting, "time_s"));
        struct tm tm = {0};
        const char *cells[] = {when,
                               text(posting, "kind"),
                               name,
                               kwh(posting, "mj", amount),
                               text(posting, "job"),
                               text(posting, "actor"),
                               text(posting, "why")};

        localtime_r(&s, &tm);
        strftime(when, sizeof when, "%Y-%m-%d %H:%M", &tm);
        json_object_set(posting, "partitions", json_object_get(posting, "class"));
        quota_text_name(posting, name, sizeof name);
        table_add(table, cells);
    }
    table_print(table);
}

static int log_(const struct arguments *a)
{
    char path[1024] = "/v1/postings";
    json_t *reply = NULL;
    int rc;

    command_query(path, sizeof path, "account",
                  json_string_value(json_object_get(a->entry, "account")));
    command_query(path, sizeof path, "user",
                  json_string_value(json_object_get(a->entry, "user")));
    rc = command_get(path, false, &reply);
    if (rc == 0 && a->json)
        command_print_json(reply);
    else if (rc == 0) {
        printable_json(reply);
        print_log(json_object_get(reply, "postings"));
    }
    json_decref(reply);
    return rc;
}

static int run(const struct arguments *a)
{
    switch (a->what) {
    case SET:
    case REMOVE:
        return change(a);
    case APPLY:
        return apply(a);
    case EXPORT:
        return export();
    case LOG:
        return log_(a);
    default:
        return show(a);
    }
}

static int run_quota(int argc, char **argv)
{
    static const struct argp argp = {
        options,
        parse,
        "[show]\nset LIMIT\nremove\napply FILE\nexport\nlog",
        "Shows and changes how much energy accounts and users may use. LIMIT: 1000kWh, "
        "1.5MWh. apply makes the quotas those of a file, which is the whole truth; "
        "export writes such a file; log shows who changed what, when and why.",
        NULL,
        NULL,
        NULL};
    struct arguments a = {.what = SHOW, .entry = json_object()};
    int rc;

    argp_parse(&argp, argc, argv, 0, NULL, &a);
    rc = run(&a);
    json_decref(a.entry);
    return rc;
}

const struct command command_quota = {"quota", "show|set|remove|apply...",
                                      "how much may be used; changes that", run_quota};
