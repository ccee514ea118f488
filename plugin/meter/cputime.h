/* cputime.h - the CPU time jobs and steps have used, as their cgroups say
 *
 * A job's cgroup appears after its prolog and is gone before its epilog. Descriptors
 * are kept open between reads. One thread at a time.
 */
#ifndef METER_CPUTIME_H
#define METER_CPUTIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plugin/meter/books.h"

/* Instead of a step: the job itself. */
#define CPUTIME_JOB UINT32_MAX

/* Whose CPU time is meant. */
struct cputime_of {
    uint32_t job, uid;
    const char *sluid; /* "" before Slurm 26.05 */
    uint32_t step;     /* or CPUTIME_JOB */
};

struct cputime_file {
    uint32_t job, step;
    int fd;
};

struct cputime {
    char node[64];
    char v1[256];      /* where cpuacct is mounted; empty: nowhere */
    char freezer[256]; /* where v1's freezer is */
    char v2[256];      /* where the unified hierarchy is mounted; empty: nowhere */
    struct cputime_file files[BOOKS_MAX_RUNS + BOOKS_STEPS];
    int count;
    int next; /* where the next one asked for is, if they are asked for in turn */
};

/* Finds the hierarchies through libcgroup. */
void cputime_open(struct cputime *cputime, const char *node);

/* Whether any job of this node could have a cgroup at all. */
bool cputime_possible(const struct cputime *cputime);

/* Nanoseconds used so far, or -1 if there is no cgroup (yet, or any more). */
int64_t cputime_read(struct cputime *cputime, const struct cputime_of *of);

/* Whether a step's processes are frozen: 1 they are, 0 they are not, -1 unknown. */
int cputime_frozen(const struct cputime *cputime, const struct cputime_of *of);

/* The job's (or step's) directory, with a slash at its end, where a hierarchy of v1 or
 * v2 is mounted there; false if there is none (yet, or any more). For any thread. */
bool cputime_dir_v1(const char *mount, const char *node, const struct cputime_of *of,
                    char *path, size_t size);
bool cputime_dir_v2(const char *mount, const char *node, const struct cputime_of *of,
                    char *path, size_t size);

/* Closes what is kept open for the job and its steps. */
void cputime_forget(struct cputime *cputime, uint32_t job);

void cputime_close(struct cputime *cputime);

#endif
