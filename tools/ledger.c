/* ledger.c - kwota ledger: what is done to the ledger as a whole */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "tools/command.h"
#include "tools/ledger_copy.h"

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
} whats[] = {{"copy", ledger_copy}};

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
        puts("Usage: kwota ledger copy --from LEDGER --to LEDGER\n"
             "kwota ledger copy --help says more.");
        return 0;
    }
    fprintf(stderr, "kwota ledger: copy is meant\n");
    return EXIT_USAGE;
}

const struct command command_ledger = {"ledger", "copy --from L --to L",
                                       "copies it from SQLite to a MariaDB, or back",
                                       run_ledger};
