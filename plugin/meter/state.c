/* state.c - the books on disk, whole after kill -9 at any moment */
#include "plugin/meter/state.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAGIC "kwota-meter-3"

/* Stands before the books in the file. The sizes tell a file of another layout. */
struct header {
    char magic[16];
    uint32_t books_size, domain_size, run_size, step_size;
    uint64_t length; /* of what follows */
    uint64_t sequence;
    uint64_t checksum; /* of what follows */
};

/* What is used of the books, in the order in which it is written; it is written in
 * every tick, so what is not used is left out: places of domains, steps and runs, and
 * of each run its parts of domains that are not there and its reasons if it has none.
 */
struct image {
    struct header header;
    unsigned char bytes[sizeof(struct books)];
};

/* Walks through an image while it is made or read. */
struct walk {
    unsigned char *bytes;
    size_t at, end;
    bool into; /* the image is being made */
    bool broken;
};

static void take(struct walk *walk, void *data, size_t size)
{
    walk->broken = walk->broken || size > walk->end - walk->at;
    if (walk->broken)
        return;
    if (walk->into)
        memcpy(walk->bytes + walk->at, data, size);
    else
        memcpy(data, walk->bytes + walk->at, size);
    walk->at += size;
}

static void take_run(struct walk *walk, struct books_run *run, size_t domains)
{
    take(walk, run, offsetof(struct books_run, flagged_ns));
    if (run->reasons) {
        take(walk, run->flagged_ns, sizeof run->flagged_ns);
        take(walk, run->flagged_until_ns, sizeof run->flagged_until_ns);
    }
    take(walk, run->cpu_seen_ns, domains * sizeof run->cpu_seen_ns[0]);
    take(walk, run->uj, domains * sizeof run->uj[0]);
    for (size_t d = domains; !walk->into && d < BOOKS_DOMAINS; d++)
        run->uj[d] = BOOKS_UNKNOWN;
}

/* The counts come first: what they say is checked before it is followed. */
static void take_books(struct walk *walk, struct books *books)
{
    take(walk, books, offsetof(struct books, domains));
    walk->broken = walk->broken || books->domain_count < 0 ||
                   books->domain_count > BOOKS_DOMAINS || books->step_count < 0 ||
                   books->step_count > BOOKS_STEPS || books->run_count < 0 ||
                   books->run_count > BOOKS_MAX_RUNS;
    if (walk->broken)
        return;
    take(walk, books->domains, (size_t)books->domain_count * sizeof books->domains[0]);
    take(walk, books->steps, (size_t)books->step_count * sizeof books->steps[0]);
    for (int i = 0; i < books->run_count; i++)
        take_run(walk, &books->runs[i], (size_t)books->domain_count);
}

/* Detects a torn write, not an attacker: the folder is root's. Four lanes, because it
 * is computed in every tick. */
static uint64_t checksum(const unsigned char *at, size_t left)
{
    static const uint64_t prime = UINT64_C(0x9E3779B97F4A7C15);
    uint64_t lane[4] = {1, 2, 3, 4};

    for (; left >= sizeof lane; at += sizeof lane, left -= sizeof lane)
        for (int l = 0; l < 4; l++) {
            uint64_t word;

            memcpy(&word, at + 8 * l, sizeof word);
            lane[l] = (lane[l] ^ word) * prime;
            lane[l] ^= lane[l] >> 29;
        }
    for (; left > 0; at++, left--)
        lane[0] = (lane[0] ^ *at) * prime;
    for (int l = 1; l < 4; l++)
        lane[0] = (lane[0] ^ lane[l] ^ lane[l] >> 31) * prime;
    return lane[0] ^ lane[0] >> 32;
}

static bool fits(const struct header *h, const struct books *books)
{
    return strncmp(h->magic, MAGIC, sizeof h->magic) == 0 &&
           h->books_size == sizeof *books &&
           h->domain_size == sizeof books->domains[0] &&
           h->run_size == sizeof books->runs[0] &&
           h->step_size == sizeof books->steps[0] && h->length <= sizeof *books;
}

/* The sequence number of the slot if it is whole, else 0. */
static uint64_t read_slot(int fd, struct image *image, struct books *books)
{
    ssize_t got = pread(fd, image, sizeof *image, 0);
    const struct header *header = &image->header;
    struct walk walk = {.bytes = image->bytes};

    if (got < (ssize_t)sizeof *header || !fits(header, books) ||
        (size_t)got - sizeof *header < header->length ||
        checksum(image->bytes, header->length) != header->checksum)
        return 0;
    memset(books, 0, sizeof *books);
    walk.end = header->length;
    take_books(&walk, books);
    return walk.broken || walk.at != walk.end ? 0 : header->sequence;
}

int state_open(struct state *state, const char *dir, struct books *books)
{
    struct books *slot = malloc(sizeof *slot);
    int found = 0;

    state->sequence = 0;
    state->fd[0] = state->fd[1] = -1;
    state->image = calloc(1, sizeof *state->image);
    for (int i = 0; i < 2 && found >= 0; i++) {
        char path[512];
        uint64_t sequence;

        snprintf(path, sizeof path, "%s/state.%d", dir, i);
        if (slot && state->image)
            state->fd[i] = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (state->fd[i] < 0) {
            found = -1;
            break;
        }
        sequence = read_slot(state->fd[i], state->image, slot);
        if (sequence > state->sequence) {
            state->sequence = sequence;
            *books = *slot;
            found = 1;
        }
    }
    free(slot);
    return found;
}

int state_save(struct state *state, const struct books *books, bool sync)
{
    struct image *image = state->image;
    struct walk walk = {
        .bytes = image->bytes, .end = sizeof image->bytes, .into = true};
    uint64_t sequence = state->sequence + 1;
    int fd = state->fd[sequence % 2];
    size_t size;

    /* Nothing is written to the books while an image is made. */
    take_books(&walk, (struct books *)(uintptr_t)books);
    image->header = (struct header){
        .magic = MAGIC,
        .books_size = sizeof *books,
        .domain_size = sizeof books->domains[0],
        .run_size = sizeof books->runs[0],
        .step_size = sizeof books->steps[0],
        .length = walk.at,
        .sequence = sequence,
        .checksum = checksum(image->bytes, walk.at),
    };
    size = sizeof image->header + walk.at;
    if (walk.broken || pwrite(fd, image, size, 0) != (ssize_t)size)
        return -1;
    if (sync && fdatasync(fd) < 0)
        return -1;
    state->sequence = sequence;
    return 0;
}

int state_sync(const struct state *state)
{
    return fdatasync(state->fd[0]) < 0 || fdatasync(state->fd[1]) < 0 ? -1 : 0;
}

void state_close(struct state *state)
{
    for (int i = 0; i < 2; i++)
        if (state->fd[i] >= 0)
            close(state->fd[i]);
    free(state->image);
    state->image = NULL;
}
