/* caps_book.h - what a node must not forget of caps: what it found, what it set, for
 * whom
 *
 * A file of its own in the node's spool, written whole to a new file, which is on disk
 * (fsync) before it takes the old one's place: after kill -9 at any moment it is the
 * one or the other. It is JSON with names, so that a newer meter reads an older one's:
 * a limit that was changed by one version is restored by the next.
 *
 * Not thread-safe: caps.h has the lock.
 */
#ifndef METER_CAPS_BOOK_H
#define METER_CAPS_BOOK_H

#include <jansson.h>

#include "plugin/meter/books.h"
#include "plugin/meter/limit.h"

#define CAPS_BOOT 40 /* a boot id */
#define CAPS_PATH 512
#define CAPS_QUOTA 48 /* what a cgroup's quota file says */

/* What a run is held to; 0 is not held. */
struct cap {
    int64_t gpu_mw, package_mw;
    int32_t cpu_percent;
    char why[LIMIT_WHY];
};

/* What a node does by itself when kwotad is silent (API.md). */
enum caps_then { CAPS_RUN, CAPS_FLOOR, CAPS_END };

/* A device whose limit kwota has changed, or is about to. */
struct caps_device {
    char id[LIMIT_ID];
    char name[COUNTER_NAME];
    char boot[CAPS_BOOT]; /* in which it was last seen as kwota's */
    int64_t found_mw;     /* before kwota changed it */
    int64_t was_mw;       /* before the last change: found_mw, or kwota's own */
    int64_t set_mw;       /* by the last change */
    bool set;             /* the device has taken it; false: it may not have */
    bool foreign;         /* someone else has changed it since */
    int32_t tries;        /* to set it that were begun and not survived */
};

/* A CPU quota that kwota has set, or is about to. */
struct caps_quota {
    char dir[CAPS_PATH];    /* "": none */
    bool own;               /* the group is the meter's own, and the run's processes are
                               moved into it */
    char from[CAPS_PATH];   /* own: where they were */
    char found[CAPS_QUOTA]; /* not own: before kwota changed it */
    char was[CAPS_QUOTA];   /* before the last change: found, or kwota's own */
    char set[CAPS_QUOTA];   /* by the last change */
};

/* A run that was ever told a cap. */
struct caps_run {
    char token[BOOKS_TOKEN];
    uint32_t job;
    struct cap cap;       /* as kwotad said last */
    int64_t since_ms;     /* under a cap since then; 0: it is not now */
    int64_t capped_ms;    /* … and so long before that */
    struct cap lowest;    /* that it was ever held to; why is empty */
    int64_t allowance_mj; /* -1: none */
    enum caps_then then;
    bool floored; /* kwotad is silent, and the node acts: held to the least */
    struct caps_quota quota;
    /* What follows is not saved. */
    int64_t asked;    /* the pass that its last order waits for */
    int64_t asked_ns; /* … and since when */
    bool quota_failed, quota_foreign;
    char quota_why[LIMIT_WHY];
    int64_t quota_retry_ns; /* not before */
    bool end;               /* the job is to be ended */
    int end_pid;            /* of the scancel under way; 0: none */
    int64_t end_retry_ns;
};

struct caps_book {
    int32_t opens; /* of the devices' libraries that were begun and not survived */
    int64_t opened_ms;
    int device_count, run_count;
    struct caps_device device[LIMIT_MAX];
    struct caps_run run[BOOKS_MAX_RUNS];
};

/* DIR/caps.json. 1: read; 0: there is none, or none that can be read, and the book is
 * empty (a sentence in `why` if there was one; it is kept as caps.json.bad). */
int caps_book_read(struct caps_book *book, const char *dir, char why[LIMIT_WHY]);

/* The book as text, to be freed; NULL without memory. */
char *caps_book_text(const struct caps_book *book);

/* Writes such a text. It is on disk when this returns 0; -1 and errno. */
int caps_book_write(const char *dir, const char *text);

struct caps_device *caps_book_device(struct caps_book *book, const char *id);
struct caps_device *caps_book_add_device(struct caps_book *book,
                                         const struct limit *limit);
void caps_book_drop_device(struct caps_book *book, struct caps_device *device);

struct caps_run *caps_book_run(struct caps_book *book, const char *token);
struct caps_run *caps_book_add_run(struct caps_book *book, const char *token,
                                   uint32_t job);
void caps_book_drop_run(struct caps_book *book, struct caps_run *run);

#endif
