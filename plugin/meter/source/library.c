/* library.c - finding and loading a vendor's library without building against it */
#include "plugin/meter/source/library.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool look_in(const char *root, const char *folder, const char *soname,
                    char *path, size_t size)
{
    snprintf(path, size, "%s%s/%s", root, folder, soname);
    return access(path, F_OK) == 0;
}

/* Below another root the linker would find the host's. */
static void find(const struct sources *sources, enum counter_source source,
                 const char *soname, char *path, size_t size)
{
    static const char *const folders[] = {"/usr/lib/x86_64-linux-gnu",
                                          "/usr/lib/aarch64-linux-gnu",
                                          "/usr/lib64",
                                          "/usr/lib",
                                          "/opt/rocm/lib",
                                          "/usr/local/lib"};
    const char *root = strcmp(sources->root, "/") == 0 ? "" : sources->root;

    if (sources->library[source][0]) {
        snprintf(path, size, "%s", sources->library[source]);
        return;
    }
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        if (look_in(root, folders[i], soname, path, size))
            return;
    snprintf(path, size, "%s", root[0] ? "" : soname);
}

void *library_open(const struct sources *sources, enum counter_source source,
                   const char *soname, const struct library_symbol *symbols, int count,
                   char why[COUNTER_REASON])
{
    char path[COUNTER_PATH + 64];
    void *handle;

    find(sources, source, soname, path, sizeof path);
    handle = path[0] ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
    if (!handle) {
        snprintf(why, COUNTER_REASON, "there is no %s", soname);
        if (sources->library[source][0])
            snprintf(why, COUNTER_REASON, "%.100s cannot be loaded", path);
        return NULL;
    }
    for (int i = 0; i < count; i++) {
        *symbols[i].address = dlsym(handle, symbols[i].name);
        if (!*symbols[i].address && symbols[i].needed) {
            snprintf(why, COUNTER_REASON, "%.60s has no %.40s", soname,
                     symbols[i].name);
            dlclose(handle);
            return NULL;
        }
    }
    return handle;
}
