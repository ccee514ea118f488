/* state.c - the books on disk, whole after kill -9 at any moment */
#include "plugin/meter/state.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#define MAGIC "kwota-meter-1"

/* Stands before the books in the file. The sizes tell a file of another layout. */
struct header {
    char magic[16];
    uint32_t books_size, run_size;
    uint64_t sequence;
    uint64_t length;   /* of what follows */
    uint64_t checksum; /* FNV-1a of what follows */
};

/* Detects a torn write, not an attacker: the folder is root's. */
static uint64_t checksum(const void *data, size_t length)
{
    const unsigned char *at = data;
    uint64_t hash = UINT64_C(14695981039346656037);

    for (size_t i = 0; i < length; i++)
        hash = (hash ^ at[i]) * UINT64_C(1099511628211);
    return hash;
}

/* Only the runs there are. */
static size_t used_length(const struct books *books)
{
    return offsetof(struct books, runs) +
           (size_t)books->run_count * sizeof books->runs[0];
}

/* The sequence number of the slot if it is whole, else 0. */
static uint64_t read_slot(int fd, struct books *books)
{
    struct header header;

    if (pread(fd, &header, sizeof header, 0) != sizeof header ||
        strncmp(header.magic, MAGIC, sizeof header.magic) != 0 ||
        header.books_size != sizeof *books ||
        header.run_size != sizeof books->runs[0] || header.length > sizeof *books ||
        header.length < offsetof(struct books, runs) ||
        pread(fd, books, header.length, sizeof header) != (ssize_t)header.length ||
        checksum(books, header.length) != header.checksum || books->run_count < 0 ||
        books->run_count > BOOKS_MAX_RUNS || used_length(books) != header.length)
        return 0;
    return header.sequence;
}

int state_open(struct state *state, const char *dir, struct books *books)
{
    static struct books slot;
    int found = 0;

    state->sequence = 0;
    state->fd[0] = state->fd[1] = -1;
    for (int i = 0; i < 2; i++) {
        char path[512];
        uint64_t sequence;

        snprintf(path, sizeof path, "%s/state.%d", dir, i);
        state->fd[i] = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (state->fd[i] < 0)
            return -1;
        sequence = read_slot(state->fd[i], &slot);
        if (sequence > state->sequence) {
            state->sequence = sequence;
            *books = slot;
            found = 1;
        }
    }
    return found;
}

int state_save(struct state *state, const struct books *books, bool sync)
{
    size_t length = used_length(books);
    struct header header = {
        .magic = MAGIC,
        .books_size = sizeof *books,
        .run_size = sizeof books->runs[0],
        .sequence = state->sequence + 1,
        .length = length,
        .checksum = checksum(books, length),
    };
    struct iovec parts[] = {{&header, sizeof header},
                            {(void *)(uintptr_t)books, length}};
    int fd = state->fd[header.sequence % 2];

    if (pwritev(fd, parts, 2, 0) != (ssize_t)(sizeof header + length))
        return -1;
    if (sync && fdatasync(fd) < 0)
        return -1;
    state->sequence = header.sequence;
    return 0;
}

void state_close(struct state *state)
{
    for (int i = 0; i < 2; i++)
        if (state->fd[i] >= 0)
            close(state->fd[i]);
}
