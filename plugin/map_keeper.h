/* map_keeper.h - the budget map in memory, always the newest, never waited for
 *
 * A thread looks at the file once a second and reads it when it has changed. Whoever
 * asks takes the map that is there: two atomic operations, no lock, no I/O. There are
 * two places for maps; the thread fills the one that is not in use, and only once
 * everyone who used it has let go, so that no map is freed under a reader.
 */
#ifndef KWOTA_MAP_KEEPER_H
#define KWOTA_MAP_KEEPER_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/budget_map.h"

struct map_lease {
    const struct budget_map *map; /* NULL: none was ever read */
    int64_t now_s;                /* the time that maps go by */
    unsigned place;
};

/* Reads the map now, by the calling thread, and starts the other. `tell` is called by
 * either, with a sentence: once when the map becomes unusable, once when it is good
 * again. A file that vanished or is damaged leaves the last good map in use until it is
 * stale. */
void map_keeper_open(const char *path, void (*tell)(bool good, const char *sentence));

/* The map as it is, until it is given back. Thread-safe. Starts the thread again in a
 * process that was forked after it had started. */
void map_keeper_take(struct map_lease *lease);
void map_keeper_give(const struct map_lease *lease);

/* Ends the thread and frees the maps. No lease may be left. */
void map_keeper_close(void);

#endif
