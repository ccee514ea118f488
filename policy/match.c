/* match.c - which run of a job a node's token belongs to */
#include "policy/match.h"

/* Slurm's times are whole seconds. */
#define ROUNDING_S 1

enum match match_run(const struct lookup_run *run, int64_t at_s, bool newest)
{
    bool ended = run->over && run->end_s;

    if (!run->started || (ended && at_s > run->end_s + MATCH_SLACK_S))
        return MATCH_NO;
    /* After this run's end the next may have begun. */
    if (ended && at_s > run->end_s + ROUNDING_S && !newest)
        return MATCH_LIKELY;
    if (at_s >= run->submit_s)
        return MATCH_SURE;
    if (at_s < run->start_s - MATCH_SLACK_S)
        return MATCH_NO;
    /* Before its submission: the run before it, unless there is none. */
    return newest && run->restart == 0 && !run->hearsay ? MATCH_SURE : MATCH_LIKELY;
}
