/* queue_change.c - what has changed between two looks at slurmctld's jobs */
#include "policy/queue_change.h"

#include <stdlib.h>

static int by_id(const void *a, const void *b)
{
    const struct queue_job *x = a, *y = b;

    return (x->job_id > y->job_id) - (x->job_id < y->job_id);
}

void queue_change_sort(struct queue_job *jobs, int count)
{
    if (count > 1)
        qsort(jobs, (size_t)count, sizeof *jobs, by_id);
}

int queue_change_limits(const struct queue_job *before, int before_count,
                        const struct queue_job *now, int now_count, uint32_t *ids,
                        int most)
{
    int count = 0, b = 0;

    for (int n = 0; n < now_count && count < most; n++) {
        while (b < before_count && before[b].job_id < now[n].job_id)
            b++;
        if (b < before_count && before[b].job_id == now[n].job_id && now[n].running &&
            before[b].limit_s != now[n].limit_s)
            ids[count++] = now[n].job_id;
    }
    return count;
}
