/* truth.h - the file in which the plant says what each domain used and each job caused
 */
#ifndef PLANT_TRUTH_H
#define PLANT_TRUTH_H

#include <stdint.h>
#include <stdio.h>

#include "tests/plant/model.h"
#include "tests/plant/tree.h"

/* Appends one line a domain, cumulative since the plant first ran until time_ms, and
 * flushes. */
void truth_write(FILE *file, int64_t time_ms, const struct model *model,
                 const struct tree *tree);

/* The time of day as the file has it. */
int64_t truth_now_ms(void);

/* Appends a line about something that happened, e.g. a reset. */
void truth_event(FILE *file, const char *event);

/* Appends a line about a power limit that is another now, whoever set it. */
void truth_limit(FILE *file, const char *domain, int64_t mw);

/* Takes up the totals of an earlier run from its file; nothing if there is none. */
void truth_restore(const char *path, struct model *model);

/* Prints the last line of a domain. -1 if there is none. */
int truth_print(const char *path, const char *domain, FILE *out);

#endif
