/* allowance.c - how much of a run's lien one of its nodes may use by itself */
#include "policy/allowance.h"

int64_t allowance_mj(const struct allowance *a)
{
    int64_t nodes = a->nodes > 0 ? a->nodes : 1;
    int64_t left_mj = a->lien_mj - a->used_mj;
    int64_t even_mj = a->lien_mj / 10 / nodes + 1;
    __int128 part = (__int128)a->node_mj + even_mj;
    __int128 all = (__int128)a->used_mj + (__int128)even_mj * nodes;

    if (left_mj <= 0)
        return a->node_mj;
    return a->node_mj + (int64_t)(left_mj * part / all);
}
