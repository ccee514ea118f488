/* gpus.h - how many GPUs a request for generic resources names */
#ifndef KWOTA_GPUS_H
#define KWOTA_GPUS_H

#include <stdint.h>

/* The request is there, but what it says of GPUs cannot be read. */
#define GPUS_UNKNOWN (-1)

/* Of "gres:gpu:2", "gpu:a100:2,license:x:1", "gres/gpu=2": the sum of its GPU items; a
 * shard or a part by MPS counts as one GPU, because the job may keep one busy. 0 for
 * NULL. Saturates. */
int64_t gpus_requested(const char *tres);

#endif
