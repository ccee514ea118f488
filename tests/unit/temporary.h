/* temporary.h - a directory for one test's ledger */
#ifndef KWOTA_TEMPORARY_H
#define KWOTA_TEMPORARY_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct temporary {
    char dir[64];
};

static inline int temporary_make(struct temporary *t)
{
    snprintf(t->dir, sizeof t->dir, "/tmp/kwota-unit-XXXXXX");
    return mkdtemp(t->dir) ? 0 : -1;
}

static inline void temporary_remove(const struct temporary *t)
{
    static const char *const files[] = {"ledger.db", "ledger.db-wal", "ledger.db-shm",
                                        "ledger.lock", "ended.journal"};
    char path[128];

    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "%s/%s", t->dir, files[i]);
        unlink(path);
    }
    rmdir(t->dir);
}

#endif
