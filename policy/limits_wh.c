/* limits_wh.c - how many licences may be out at once */
#include "policy/limits.h"

int64_t limits_of_run(const struct limits_run *run)
{
    __int128 held_mj = (__int128)run->licence_wh * ESTIMATE_MJ_PER_WH, mj;
    int64_t lien_mj = run->lien_mj > run->used_mj ? run->lien_mj : run->used_mj;

    /* Of what its lien is, only the licence is on Slurm's side. */
    mj = held_mj < lien_mj ? held_mj : lien_mj;
    mj -= (__int128)run->used_mj + run->since_mj + run->fresh_mj;
    return mj < INT64_MIN / 2 ? INT64_MIN / 2 : (int64_t)mj;
}

int64_t limits_wh(int64_t available_mj, int64_t runs_mj)
{
    __int128 mj = (__int128)available_mj + runs_mj;

    if (mj <= 0)
        return 0;
    mj /= ESTIMATE_MJ_PER_WH;
    return mj < 2000000000 ? (int64_t)mj : 2000000000;
}
