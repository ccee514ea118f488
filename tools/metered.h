/* metered.h - what others measured in the same time: PDUs, the building's meters */
#ifndef KWOTA_METERED_H
#define KWOTA_METERED_H

#include <stdint.h>

#define METERED_WHY 256

/* Adds up a file of lines "TIME,KWH" (or two columns apart by spaces, tabs or ;): what
 * was used from TIME on, up to the next line's. TIME as sacct has it (when.h), or
 * seconds since 1970. Counted are lines with start_s <= TIME < end_s, *lines of them.
 * Empty lines, those that begin with #, and a first one that begins with a letter are
 * left out. -1 with the reason in `why`. */
int metered_read(const char *path, int64_t start_s, int64_t end_s, int64_t *mj,
                 int64_t *lines, char why[METERED_WHY]);

#endif
