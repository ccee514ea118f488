/* verify_inside.h - what the parts of verify share; for its own files only */
#ifndef KWOTA_VERIFY_INSIDE_H
#define KWOTA_VERIFY_INSIDE_H

#include <stdbool.h>

#include "policy/verify.h"

struct verify {
    struct ledger *ledger;
    const struct verify_range *range;
    struct verify_found *found;
};

/* A run that a sentence is about; NULL: it is about none. */
struct verify_run {
    int64_t id;
    const char *text; /* 12_3 */
};

/* Adds a sentence of what breaks the books. */
void verify_breach(struct verify *v, const char *check, const struct verify_run *run,
                   const char *remedy, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* Whether no time was given: sums over everything must agree too. */
bool verify_all(const struct verify *v);

/* Where kwota itself cannot mend it: entries are what was billed, and stay. */
#define VERIFY_REMEDY                                                                  \
    "kwota verify --file on older backups says since when; entries are what was "      \
    "billed"

/* "2026-11-21" of a time. */
#define VERIFY_DAY 16
const char *verify_day(int64_t time_s, char text[VERIFY_DAY]);

/* Each a step: checks what comes after *after and moves that on. 1: there is more; 0:
 * that was all; -1: the ledger cannot be read. */
int verify_runs(struct verify *v, int64_t *after);
int verify_unbound(struct verify *v, int64_t *after);
int verify_months(struct verify *v, int64_t *after);
int verify_days(struct verify *v, int64_t *after);
int verify_closed(struct verify *v, int64_t *after);
int verify_nodes(struct verify *v, int64_t *after);
int verify_quotas(struct verify *v, int64_t *after);
int verify_sums(struct verify *v, int64_t *after);

#endif
