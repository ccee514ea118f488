/* slurm_state.c - a job's state as sacct prints it */
#include "plugin/slurm_version.h"

#include "policy/slurm_state.h"

const char *slurm_state_name(uint32_t state)
{
    static const char *const names[] = {
        [JOB_PENDING] = "PENDING",     [JOB_RUNNING] = "RUNNING",
        [JOB_SUSPENDED] = "SUSPENDED", [JOB_COMPLETE] = "COMPLETED",
        [JOB_CANCELLED] = "CANCELLED", [JOB_FAILED] = "FAILED",
        [JOB_TIMEOUT] = "TIMEOUT",     [JOB_NODE_FAIL] = "NODE_FAIL",
        [JOB_PREEMPTED] = "PREEMPTED", [JOB_BOOT_FAIL] = "BOOT_FAIL",
        [JOB_DEADLINE] = "DEADLINE",   [JOB_OOM] = "OUT_OF_MEMORY"};
    uint32_t base = state & JOB_STATE_BASE;

    if (state & JOB_REQUEUE)
        return "REQUEUED";
    return base < sizeof names / sizeof *names ? names[base] : "UNKNOWN";
}
