/* bar.c - how much of a budget is used and reserved, as a row of signs */
#include "tools/bar.h"

#include <string.h>

static int cells_of(__int128 mj, int64_t quota_mj)
{
    __int128 cells;

    if (mj <= 0)
        return 0;
    if (mj >= quota_mj)
        return BAR_CELLS;
    cells = (mj * BAR_CELLS + quota_mj / 2) / quota_mj;
    return cells < 1 ? 1 : cells > BAR_CELLS - 1 ? BAR_CELLS - 1 : (int)cells;
}

char *bar_text(int64_t used_mj, int64_t reserved_mj, int64_t quota_mj, bool blocks,
               char text[BAR_TEXT])
{
    static const char *const signs[2][3] = {{"#", "=", "."}, {"█", "▒", "░"}};
    int used = cells_of(used_mj, quota_mj);
    int taken = cells_of((__int128)used_mj + reserved_mj, quota_mj);

    text[0] = '\0';
    for (int i = 0; i < BAR_CELLS; i++)
        strcat(text, signs[blocks][i < used ? 0 : i < taken ? 1 : 2]);
    return text;
}
