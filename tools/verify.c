/* verify.c - kwota verify: proves the books, and says what breaks them */
#include "config.h"

#include <argp.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policy/ledger.h"
#include "policy/verify.h"
#include "tools/command.h"
#include "tools/printable.h"
#include "tools/progress.h"
#include "tools/table.h"
#include "tools/when.h"

/* A piece of a file's. */
#define PIECE_MS 400

enum slurmdbd { SLURMDBD_IF_THERE, SLURMDBD_MUST, SLURMDBD_NOT };

struct arguments {
    struct verify_range range;
    const char *file;
    enum slurmdbd slurmdbd;
    bool json;
};

enum { OPT_START = 256, OPT_END, OPT_FILE, OPT_SLURMDBD, OPT_INSIDE };

static const struct argp_option options[] = {
    {"start", OPT_START, "TIME", 0, "only what was under way after it [all]", 0},
    {"end", OPT_END, "TIME", 0, "… and before it", 0},
    {"slurmdbd", OPT_SLURMDBD, 0, 0,
     "fail if slurmdbd cannot be asked [compare with it if it answers]", 0},
    {"inside", OPT_INSIDE, 0, 0, "do not compare with slurmdbd", 0},
    {"file", OPT_FILE, "PATH", 0, "of this ledger or backup, without kwotad", 0},
    {"json", 'j', 0, 0, "print JSON", 0},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct arguments *a = state->input;

    switch (key) {
    case OPT_START:
        when_option(state, "--start", arg, &a->range.start_s);
        return 0;
    case OPT_END:
        when_option(state, "--end", arg, &a->range.end_s);
        return 0;
    case OPT_SLURMDBD:
        a->slurmdbd = SLURMDBD_MUST;
        return 0;
    case OPT_INSIDE:
        a->slurmdbd = SLURMDBD_NOT;
        return 0;
    case OPT_FILE:
        a->file = arg;
        return 0;
    case 'j':
        a->json = true;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "\"%s\" is too much", arg);
        return 0;
    case ARGP_KEY_END:
        if (a->range.end_s <= a->range.start_s)
            argp_error(state, "--end must be later than --start");
        if (a->file && a->slurmdbd == SLURMDBD_MUST)
            argp_error(state, "--file is read without kwotad, and so without slurmdbd");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* 0, or an exit status. */
static int ask_piece(const struct arguments *a, struct ledger *ledger,
                     struct verify_place place, json_t **answer)
{
    char path[192];

    if (ledger) {
        *answer = verify_answer(ledger, &a->range, place, PIECE_MS);
        return *answer ? 0 : EXIT_REFUSED;
    }
    snprintf(path, sizeof path,
             "/v1/verify?step=%d&after=%" PRId64 "&start=%" PRId64 "&end=%" PRId64
             "&slurmdbd=%d",
             place.step, place.after, a->range.start_s, a->range.end_s,
             a->slurmdbd != SLURMDBD_NOT);
    return command_get(path, false, answer);
}

static void add_counts(json_t *sums, const json_t *counts)
{
    const char *key;
    json_t *count;

    json_object_foreach((json_t *)(uintptr_t)counts, key, count)
    {
        int64_t sum = json_integer_value(json_object_get(sums, key));

        json_object_set_new(sums, key, json_integer(sum + json_integer_value(count)));
    }
}

static void add_piece(json_t *all, const json_t *piece)
{
    static const char *const counts[] = {"checked", "reasons"};
    json_t *away = json_object_get(piece, "slurmdbd_away");

    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        add_counts(json_object_get(all, counts[i]), json_object_get(piece, counts[i]));
    json_object_set_new(
        all, "waiting",
        json_integer(json_integer_value(json_object_get(all, "waiting")) +
                     json_integer_value(json_object_get(piece, "waiting"))));
    json_array_extend(json_object_get(all, "breaches"),
                      json_object_get(piece, "breaches"));
    if (away)
        json_object_set(all, "slurmdbd_away", away);
}

static int ask_all(const struct arguments *a, struct ledger *ledger, json_t *all)
{
    struct verify_place place = {0, 0};
    bool more;
    int rc;

    do {
        json_t *piece = NULL;

        rc = ask_piece(a, ledger, place, &piece);
        if (rc != 0)
            break;
        add_piece(all, piece);
        progress_show(json_string_value(json_object_get(piece, "step")),
                      (int)json_integer_value(json_object_get(piece, "percent")));
        more = json_unpack(json_object_get(piece, "next"), "{s:i s:I}", "step",
                           &place.step, "after", &place.after) == 0;
        json_decref(piece);
    } while (more);
    progress_end();
    return rc;
}

static void print_counts(const json_t *all)
{
    static const char *const columns[] = {"CHECKED", ">COUNT", NULL};
    struct table *table = table_new(columns);
    const char *key;
    json_t *count;
    char number[24];

    json_object_foreach(json_object_get(all, "checked"), key, count)
    {
        snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT,
                 json_integer_value(count));
        table_add(table, (const char *const[]){key, number});
    }
    table_print(table);
    json_object_foreach(json_object_get(all, "reasons"), key, count)
        printf("%" JSON_INTEGER_FORMAT " runs of slurmdbd's have no charge: %s\n",
               json_integer_value(count), key);
}

static void print_breaches(const json_t *all)
{
    json_t *breach;
    size_t i;

    json_array_foreach(json_object_get(all, "breaches"), i, breach)
    {
        const char *remedy = json_string_value(json_object_get(breach, "remedy"));

        printf("%s: %s\n", json_string_value(json_object_get(breach, "check")),
               json_string_value(json_object_get(breach, "text")));
        if (remedy)
            printf("    %s\n", remedy);
    }
}

static void print_all(json_t *all)
{
    int64_t waiting = json_integer_value(json_object_get(all, "waiting"));
    const json_t *away = json_object_get(all, "slurmdbd_away");
    size_t breaches = json_array_size(json_object_get(all, "breaches"));

    printable_json(all);
    print_counts(all);
    if (waiting > 0)
        printf("%" PRId64 " settled runs have late counts, which kwotad adjusts within "
               "seconds\n",
               waiting);
    if (away)
        printf("Not compared with slurmdbd: %s\n", json_string_value(away));
    print_breaches(all);
    if (breaches == 0)
        puts("The books balance.");
    else
        printf("%zu thing%s the books.\n", breaches,
               breaches == 1 ? " breaks" : "s break");
}

/* Whether all is well: an exit status. */
static int judge(const struct arguments *a, json_t *all)
{
    bool ok = json_array_size(json_object_get(all, "breaches")) == 0 &&
              !(a->slurmdbd == SLURMDBD_MUST && json_object_get(all, "slurmdbd_away"));

    json_object_set_new(all, "ok", json_boolean(ok));
    if (a->json)
        command_print_json(all);
    else
        print_all(all);
    return ok ? 0 : EXIT_REFUSED;
}

static int run_verify(int argc, char **argv)
{
    static const struct argp argp = {
        options,
        parse,
        NULL,
        "Proves the books: charges, roll-ups and settled runs agree to the millijoule, "
        "and every run that slurmdbd knows has its charge. Exit status 1: something "
        "breaks them, and it is said what.",
        NULL,
        NULL,
        NULL};
    struct arguments a = {.range = {0, INT64_MAX}};
    struct ledger *ledger = NULL;
    char why[LEDGER_READ_WHY];
    json_t *all;
    int rc;

    argp_parse(&argp, argc, argv, 0, NULL, &a);
    if (a.file && !(ledger = ledger_read(a.file, why))) {
        fprintf(stderr, "kwota: %s\n", why);
        return EXIT_REFUSED;
    }
    all = json_pack("{s:b s:{} s:{} s:i s:[]}", "ok", 0, "checked", "reasons",
                    "waiting", 0, "breaches");
    rc = ask_all(&a, ledger, all);
    if (rc == 0)
        rc = judge(&a, all);
    json_decref(all);
    ledger_close(ledger);
    return rc;
}

const struct command command_verify = {"verify", "[--file PATH]", "proves the books",
                                       run_verify};
