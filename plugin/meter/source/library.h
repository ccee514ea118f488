/* library.h - finding and loading a vendor's library without building against it */
#ifndef METER_LIBRARY_H
#define METER_LIBRARY_H

#include "plugin/meter/counter.h"

/* Where one function of a library goes. */
struct library_symbol {
    const char *name;
    void **address;
    bool needed; /* without it the library cannot be used */
};

/* Loads the library the sources name for `source`; where they name none, `soname` in
 * the usual places below the root (the linker's own where the root is /). Returns
 * dlopen's handle, or NULL with a sentence in `why`. */
void *library_open(const struct sources *sources, enum counter_source source,
                   const char *soname, const struct library_symbol *symbols, int count,
                   char why[COUNTER_REASON]);

#endif
