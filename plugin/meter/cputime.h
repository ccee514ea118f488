/* cputime.h - the CPU time jobs have used, as their cgroups say
 *
 * A job's cgroup appears after its prolog and is gone before its epilog. Descriptors
 * are kept open between reads. One thread at a time.
 */
#ifndef METER_CPUTIME_H
#define METER_CPUTIME_H

#include <stdbool.h>
#include <stdint.h>

#include "plugin/meter/books.h"

struct cputime_file {
    uint32_t job;
    int fd;
    bool v2;
};

struct cputime {
    char node[64];
    char v1[256]; /* where cpuacct is mounted; empty: nowhere */
    char v2[256]; /* where the unified hierarchy is mounted; empty: nowhere */
    struct cputime_file files[BOOKS_MAX_RUNS];
    int count;
};

/* Finds the hierarchies through libcgroup. */
void cputime_open(struct cputime *cputime, const char *node);

/* Whether any job of this node could have a cgroup at all. */
bool cputime_possible(const struct cputime *cputime);

/* Nanoseconds used by the job so far, or -1 if it has no cgroup (yet, or any more). */
int64_t cputime_read(struct cputime *cputime, uint32_t job, uint32_t uid);

/* Closes what is kept open for the job. */
void cputime_forget(struct cputime *cputime, uint32_t job);

void cputime_close(struct cputime *cputime);

#endif
