/* limits_wh.c - how many licences may be out at once */
#include "policy/limits.h"

int64_t limits_wh(int64_t available_mj, const struct limits_run *runs, int count)
{
    __int128 mj = available_mj;

    for (int i = 0; i < count; i++) {
        __int128 lien_mj = runs[i].lien_mj;
        __int128 held_mj = (__int128)runs[i].licence_wh * ESTIMATE_MJ_PER_WH;

        /* Of what its lien is, only the licence is on Slurm's side. */
        if (lien_mj < runs[i].used_mj)
            lien_mj = runs[i].used_mj;
        mj += held_mj < lien_mj ? held_mj : lien_mj;
        mj -= (__int128)runs[i].used_mj + runs[i].since_mj;
    }
    if (mj <= 0)
        return 0;
    mj /= ESTIMATE_MJ_PER_WH;
    return mj < 2000000000 ? (int64_t)mj : 2000000000;
}
