/* quote_value.h - what stands after sbatch's options: times, arrays, counts, GPUs
 *
 * Pure. Each gives 0, or -1: it is none that sbatch takes.
 */
#ifndef KWOTA_QUOTE_VALUE_H
#define KWOTA_QUOTE_VALUE_H

#include <stdint.h>

/* "90", "90:00", "1:30:00", "1-12", "1-12:30", "1-12:30:00": seconds, rounded up to
 * whole minutes as Slurm does it; 0 for no limit ("0", "UNLIMITED", "INFINITE"). */
int quote_time(const char *text, int64_t *s);

/* "0-15", "1,3,5-7", "0-15:4", "0-15%4": how many tasks. */
int quote_array(const char *text, int64_t *count);

/* "16", "2k": a count of at least one. */
int quote_count(const char *text, int64_t *count);

/* "2", "2-4", and newer Slurm's "2,4,8-16:4": the least number of nodes. */
int quote_nodes(const char *text, int64_t *least);

/* "2", "a100:2", "a100:1,v100:2": after --gpus and its kin. */
int quote_gpus(const char *text, int64_t *count);

/* "gpu:2,nvme:1": the GPUs after --gres. */
int quote_gres(const char *text, int64_t *count);

#endif
