/* ledger_elsewhere.c - a unit test's ledgers are in a MariaDB if KWOTA_TEST_SOCKET
 * names its socket
 *
 * libelsewhere.so beside the test does that: a test that does not want it needs none of
 * MariaDB's libraries.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "policy/ledger.h"

struct ledger *__real_ledger_open(const char *dir);
struct ledger *__wrap_ledger_open(const char *dir);

typedef struct ledger *(*elsewhere_fn)(const char *dir, const char *socket);

static elsewhere_fn find(void)
{
    char path[512];
    ssize_t len = readlink("/proc/self/exe", path, sizeof path - 64);
    void *library;

    path[len > 0 ? len : 0] = '\0';
    strcpy(strrchr(path, '/') + 1, ".libs/libelsewhere.so");
    library = dlopen(path, RTLD_NOW | RTLD_GLOBAL);
    if (library)
        return (elsewhere_fn)dlsym(library, "elsewhere_open");
    fprintf(stderr, "%s\n", dlerror());
    exit(1);
}

struct ledger *__wrap_ledger_open(const char *dir)
{
    static char before[256]; /* the last one's */
    const char *socket = getenv("KWOTA_TEST_SOCKET");
    char file[512];

    snprintf(file, sizeof file, "%s/ledger.db", dir);
    /* A file that a test has made itself is SQLite's alone. */
    if (!socket || (strcmp(before, dir) != 0 && access(file, F_OK) == 0))
        return __real_ledger_open(dir);
    snprintf(before, sizeof before, "%s", dir);
    return find()(dir, socket);
}
