/* state.c - the books on disk, whole after kill -9 at any moment */
#include "plugin/meter/state.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#define MAGIC "kwota-meter-2"

#define PIECES 3

/* Stands before the books in the file. The sizes tell a file of another layout. */
struct header {
    char magic[16];
    uint32_t books_size, run_size, step_size;
    int32_t run_count, step_count;
    uint64_t sequence;
    uint64_t checksum; /* of what follows */
};

/* What is used of the books, in the order in which it is written. */
static void pieces_of(const struct books *books, int32_t steps, int32_t runs,
                      struct iovec pieces[PIECES])
{
    pieces[0] = (struct iovec){(void *)(uintptr_t)books, offsetof(struct books, steps)};
    pieces[1] = (struct iovec){(void *)(uintptr_t)books->steps,
                               (size_t)steps * sizeof books->steps[0]};
    pieces[2] = (struct iovec){(void *)(uintptr_t)books->runs,
                               (size_t)runs * sizeof books->runs[0]};
}

/* Detects a torn write, not an attacker: the folder is root's. Four lanes, because it
 * is computed in every tick. */
static uint64_t checksum(const struct iovec pieces[PIECES])
{
    static const uint64_t prime = UINT64_C(0x9E3779B97F4A7C15);
    uint64_t lane[4] = {1, 2, 3, 4};

    for (int p = 0; p < PIECES; p++) {
        const unsigned char *at = pieces[p].iov_base;
        size_t left = pieces[p].iov_len;

        for (; left >= sizeof lane; at += sizeof lane, left -= sizeof lane)
            for (int l = 0; l < 4; l++) {
                uint64_t word;

                memcpy(&word, at + 8 * l, sizeof word);
                lane[l] = (lane[l] ^ word) * prime;
                lane[l] ^= lane[l] >> 29;
            }
        for (; left > 0; at++, left--)
            lane[0] = (lane[0] ^ *at) * prime;
    }
    for (int l = 1; l < 4; l++)
        lane[0] = (lane[0] ^ lane[l] ^ lane[l] >> 31) * prime;
    return lane[0] ^ lane[0] >> 32;
}

static bool fits(const struct header *h, const struct books *books)
{
    return strncmp(h->magic, MAGIC, sizeof h->magic) == 0 &&
           h->books_size == sizeof *books && h->run_size == sizeof books->runs[0] &&
           h->step_size == sizeof books->steps[0] && h->run_count >= 0 &&
           h->run_count <= BOOKS_MAX_RUNS && h->step_count >= 0 &&
           h->step_count <= BOOKS_STEPS;
}

/* The sequence number of the slot if it is whole, else 0. */
static uint64_t read_slot(int fd, struct books *books)
{
    struct header header;
    struct iovec pieces[PIECES];
    ssize_t length = 0;

    if (pread(fd, &header, sizeof header, 0) != sizeof header || !fits(&header, books))
        return 0;
    memset(books, 0, sizeof *books);
    pieces_of(books, header.step_count, header.run_count, pieces);
    for (int p = 0; p < PIECES; p++)
        length += (ssize_t)pieces[p].iov_len;
    if (preadv(fd, pieces, PIECES, sizeof header) != length ||
        checksum(pieces) != header.checksum || books->run_count != header.run_count ||
        books->step_count != header.step_count)
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
    struct header header = {
        .magic = MAGIC,
        .books_size = sizeof *books,
        .run_size = sizeof books->runs[0],
        .step_size = sizeof books->steps[0],
        .run_count = books->run_count,
        .step_count = books->step_count,
        .sequence = state->sequence + 1,
    };
    struct iovec parts[1 + PIECES] = {{&header, sizeof header}};
    ssize_t length = 0;
    int fd = state->fd[header.sequence % 2];

    pieces_of(books, books->step_count, books->run_count, parts + 1);
    header.checksum = checksum(parts + 1);
    for (int p = 0; p < 1 + PIECES; p++)
        length += (ssize_t)parts[p].iov_len;
    if (pwritev(fd, parts, 1 + PIECES, 0) != length)
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
