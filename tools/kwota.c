/* kwota.c - the one command, for users and for admins */
#include "config.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/nearest.h"
#include "tools/command.h"
#include "tools/manual.h"

const char *argp_program_version = PACKAGE_STRING;
error_t argp_err_exit_status = EXIT_USAGE;

static const struct command *const commands[] = {
    &command_budget, &command_quote,  &command_job,       &command_top,
    &command_usage,  &command_queue,  &command_why,       &command_nodes,
    &command_web,    &command_report, &command_statement, &command_period,
    &command_verify, &command_ledger, &command_prune,     &command_quota,
    &command_grant,  &command_adjust, &command_refund,    &command_transfer,
    &command_policy, &command_cap,    &command_shadow,    &command_freeze,
    &command_import, &command_setup,  &command_doctor};

#define COMMANDS (sizeof commands / sizeof *commands)

static void print_help(FILE *out)
{
    fputs("Usage: kwota [--server HOST:PORT] [COMMAND] [OPTION...]\n"
          "Energy of Slurm jobs: what was used, what was charged, and what is left.\n"
          "Without a command: the budgets that bind you.\n\n",
          out);
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(out, "  kwota %-12s %-26s %s\n", commands[i]->name,
                commands[i]->arguments, commands[i]->summary);
    fputs(
        "\nkwota help COMMAND is what kwota(1) says of it, kwota COMMAND --help lists "
        "its options;\n"
        "kwota help kwota, kwota.json, kwotad, kwota-meter and spank_kwota are the "
        "whole pages.\n"
        "Exit status: 0; 1 not found or refused; 2 wrong usage; 3 kwotad cannot be "
        "reached.\n",
        out);
}

static int unknown(const char *name)
{
    const char *names[COMMANDS + 1] = {NULL}, *nearest;

    for (size_t i = 0; i < COMMANDS; i++)
        names[i] = commands[i]->name;
    nearest = nearest_word(name, names);
    fprintf(stderr, "kwota: there is no command \"%s\"", name);
    if (nearest)
        fprintf(stderr, "; %s is meant?", nearest);
    fprintf(stderr, " (kwota --help lists them)\n");
    return EXIT_USAGE;
}

static int run_command(int argc, char **argv)
{
    for (size_t i = 0; i < COMMANDS; i++) {
        char name[32];

        if (strcmp(commands[i]->name, argv[0]) != 0)
            continue;
        snprintf(name, sizeof name, "kwota %s", argv[0]);
        argv[0] = name;
        return commands[i]->run(argc, argv);
    }
    return unknown(argv[0]);
}

/* `kwota help job` is what the manual says of it, whether or not there is man(1). */
static int help(int argc, char **argv)
{
    const char *text = argc > 1 ? manual_find(argv[1]) : NULL;

    if (argc > 1 && !text)
        return unknown(argv[1]);
    if (text)
        fputs(text, stdout);
    else
        print_help(stdout);
    return 0;
}

/* `kwota` is `kwota budget`, `kwota --json` is `kwota budget --json`. */
static int run_budget(int argc, char **argv)
{
    char name[] = "kwota budget";
    char *words[] = {name, argc > 0 ? argv[0] : NULL, argc > 1 ? argv[1] : NULL, NULL};

    return command_budget.run(argc > 2 ? 3 : argc + 1, words);
}

int main(int argc, char **argv)
{
    int first = 1;

    if (argc > 2 && strcmp(argv[1], "--server") == 0) {
        command_server(argv[2]);
        first = 3;
    } else if (argc > 1 && strncmp(argv[1], "--server=", 9) == 0) {
        command_server(argv[1] + 9);
        first = 2;
    }
    if (first >= argc || strcmp(argv[first], "--json") == 0)
        return run_budget(argc - first, argv + first);
    if (strcmp(argv[first], "--help") == 0 || strcmp(argv[first], "-h") == 0) {
        print_help(stdout);
        return 0;
    }
    if (strcmp(argv[first], "--version") == 0 || strcmp(argv[first], "-V") == 0) {
        puts(PACKAGE_STRING);
        return 0;
    }
    if (strcmp(argv[first], "help") == 0)
        return help(argc - first, argv + first);
    return run_command(argc - first, argv + first);
}
