/* ledger.c - kwota ledger: what is done to the ledger as a whole */
#include "config.h"

#include <argp.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/backup.h"
#include "tools/command.h"
#include "tools/ledger_copy.h"
#include "tools/progress.h"

struct arguments {
    const char *from, *to;
};

enum { OPT_FROM = 256 };

static const struct argp_option options[] = {
    {"from", OPT_FROM, "PATH", 0, "of this ledger [ledger.db in kwotad's spool]", 0},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct arguments *a = state->input;

    switch (key) {
    case OPT_FROM:
        a->from = arg;
        return 0;
    case ARGP_KEY_ARG:
        if (a->to)
            argp_error(state, "\"%s\" is too much", arg);
        a->to = arg;
        return 0;
    case ARGP_KEY_END:
        if (!a->to)
            argp_error(state, "the file to be made is missing");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void show(const char *what, int percent, void *arg)
{
    (void)arg;
    progress_show(what, percent);
}

static int print_breaches(const json_t *breaches)
{
    json_t *breach;
    size_t i;

    json_array_foreach(breaches, i, breach) fprintf(
        stderr, "kwota: %s: %s\n", json_string_value(json_object_get(breach, "check")),
        json_string_value(json_object_get(breach, "text")));
    if (i == 0)
        return 0;
    fprintf(stderr, "kwota: the copy is whole, but these books do not balance\n");
    return EXIT_REFUSED;
}

static int backup(int argc, char **argv)
{
    static const struct argp argp = {
        options,
        parse,
        "FILE",
        "Copies the ledger as it is at this moment to FILE, which must not be there, "
        "while kwotad goes on, and proves the copy. Run on kwotad's host as root or "
        "SlurmUser.",
        NULL,
        NULL,
        NULL};
    struct arguments a = {NULL, NULL};
    char why[BACKUP_WHY], from[COMMAND_PATH];
    json_t *breaches = NULL;
    int rc;

    argp_parse(&argp, argc, argv, 0, NULL, &a);
    rc = backup_make(a.from ? a.from : command_ledger_path(from), a.to, show, NULL,
                     &breaches, why);
    progress_end();
    if (rc < 0) {
        fprintf(stderr, "kwota: %s\n", why);
        rc = EXIT_REFUSED;
    } else {
        printf("%s is a copy of %s\n", a.to, a.from ? a.from : from);
        rc = print_breaches(breaches);
    }
    json_decref(breaches);
    return rc;
}

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
} whats[] = {{"backup", backup}, {"copy", ledger_copy}};

#define WHATS (sizeof whats / sizeof *whats)

static int run_ledger(int argc, char **argv)
{
    char name[64];

    for (size_t i = 0; argc > 1 && i < WHATS; i++) {
        if (strcmp(argv[1], whats[i].name) != 0)
            continue;
        snprintf(name, sizeof name, "kwota ledger %s", argv[1]);
        argv[1] = name;
        return whats[i].run(argc - 1, argv + 1);
    }
    if (argc > 1 && strcmp(argv[1], "--help") == 0) {
        puts("Usage: kwota ledger backup FILE\n       kwota ledger copy --from LEDGER "
             "--to LEDGER\nkwota ledger backup --help and kwota ledger copy --help say "
             "more.");
        return 0;
    }
    fprintf(stderr, "kwota ledger: backup or copy is meant\n");
    return EXIT_USAGE;
}

const struct command command_ledger = {
    "ledger", "backup FILE | copy",
    "copies the ledger: while kwotad runs, to a MariaDB", run_ledger};
