/* state.h - the books on disk, whole after kill -9 at any moment
 *
 * Two files, written in turn, each with a sequence number and a checksum: while one is
 * being written the other is whole. A final is on disk (fdatasync) when it is answered,
 * and what kwotad is told before it is told: after a reset of the machine the counts go
 * on from there, and never from less.
 */
#ifndef METER_STATE_H
#define METER_STATE_H

#include "plugin/meter/books.h"

struct image;

struct state {
    int fd[2];
    uint64_t sequence;
    struct image *image; /* where what is written is gathered */
};

/* Opens DIR/state.0 and .1, makes what is missing, and reads the newest whole one into
 * `books`. 1: read; 0: there was none, `books` is untouched; -1 and errno: failure. */
int state_open(struct state *state, const char *dir, struct books *books);

/* Saves; with `sync` it is on disk when this returns. -1 and errno on failure. */
int state_save(struct state *state, const struct books *books, bool sync);

/* All that was saved is on disk when this returns. -1 and errno on failure. Another
 * thread may save meanwhile. */
int state_sync(const struct state *state);

void state_close(struct state *state);

#endif
