/* bar.h - how much of a budget is used and reserved, as a row of signs
 *
 * Pure.
 */
#ifndef KWOTA_BAR_H
#define KWOTA_BAR_H

#include <stdbool.h>
#include <stdint.h>

#define BAR_CELLS 10
#define BAR_TEXT (BAR_CELLS * 3 + 1)

/* "████▒▒░░░░", or "####==...." without `blocks`. A bar is only empty if nothing is
 * used and nothing reserved, and only full if nothing is left. */
char *bar_text(int64_t used_mj, int64_t reserved_mj, int64_t quota_mj, bool blocks,
               char text[BAR_TEXT]);

#endif
