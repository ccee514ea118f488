/* block.h - the lines a user reads at the end of a job's output
 *
 * Pure. Energy in kWh and J; what is unknown is called unknown, never 0.
 */
#ifndef KWOTA_BLOCK_H
#define KWOTA_BLOCK_H

#include <jansson.h>

#define BLOCK_LINES 8
#define BLOCK_LINE 256

struct block {
    char line[BLOCK_LINES][BLOCK_LINE];
    int count;
};

/* From the meter's SUMMARY (policy/API.md, section 1). */
void block_make(struct block *block, const char *job, const json_t *summary);

/* When there is no measurement: one line with the reason. */
void block_none(struct block *block, const char *job, const char *node,
                const char *why);

#endif
