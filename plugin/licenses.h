/* licenses.h - the lien among the licences of a job's request */
#ifndef KWOTA_LICENSES_H
#define KWOTA_LICENSES_H

#include <stdbool.h>
#include <stdint.h>

/* The licence that a lien is held as; one is a watt-hour. */
#define LICENSES_LIEN "kwota"

/* Whether the list has an item of ours. NULL has none. */
bool licenses_have_lien(const char *list);

/* The list without our items, newly allocated; NULL if there is no memory. What is left
 * keeps its order and separators ("," and ";", and "|" for either of two). */
char *licenses_without_lien(const char *list);

/* Whether the list, our items left out, offers alternatives ("a|b", from Slurm 26.05
 * on): then nothing can be added that is wanted in every case. */
bool licenses_have_choice(const char *list);

/* The list with "kwota:WH" as our only item, newly allocated; NULL if there is no
 * memory. */
char *licenses_with_lien(const char *list, int64_t wh);

#endif
