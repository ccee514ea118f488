/* slurm_state.h - a job's state as sacct prints it
 *
 * Pure.
 */
#ifndef KWOTA_SLURM_STATE_H
#define KWOTA_SLURM_STATE_H

#include <stdint.h>

/* "COMPLETED", "NODE_FAIL", … of Slurm's number with its flags; "UNKNOWN". */
const char *slurm_state_name(uint32_t state);

#endif
