/* top_rows.h - the rows of kwota top: sorted, chosen, as texts
 *
 * Pure, but for what it allocates.
 */
#ifndef KWOTA_TOP_ROWS_H
#define KWOTA_TOP_ROWS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define TOP_TEXT 64

enum top_column {
    TOP_JOB,
    TOP_USER,
    TOP_ACCOUNT,
    TOP_PARTITION,
    TOP_NODES,
    TOP_TIME,
    TOP_POWER,
    TOP_USED,
    TOP_LEFT, /* of its lien */
    TOP_CAP,
    TOP_NAME,
    TOP_COLUMNS
};

/* The column's title, and whether its texts stand to the right. */
const char *top_title(enum top_column column);
bool top_is_number(enum top_column column);

struct top_row {
    char text[TOP_COLUMNS][TOP_TEXT];
    int64_t mw, used_mj, left_mj, elapsed_s; /* ENERGY_UNKNOWN where nobody knows */
};

enum top_order { TOP_BY_POWER, TOP_BY_USED, TOP_BY_LEFT, TOP_BY_TIME };

/* The runs of a reply to /v1/running, made safe for a terminal. NULL: memory is out.
 * The caller frees it. */
struct top_row *top_rows(const json_t *reply, int *count);

/* What draws, has used or has run most comes first, or what has least left; what is
 * unknown last; `reverse`: the other way round, but for what is unknown. */
void top_sort(struct top_row *rows, int count, enum top_order order, bool reverse);

/* "12 running jobs draw 4.2 kW" with what is not measured. */
#define TOP_SUMMARY 160
void top_summary(const json_t *reply, char text[TOP_SUMMARY]);

/* "8.5 W", "850 W", "12.3 kW", "1.25 MW": three figures; "?" if unknown. */
char *top_watts(int64_t mw, char text[TOP_TEXT]);

/* "0:42", "1:02:03", "3-04:05:06", as squeue shows time. */
char *top_time(int64_t s, char text[TOP_TEXT]);

#endif
