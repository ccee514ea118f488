/* gpu_state.h - what the plant tells the fake libnvidia-ml about its GPUs
 *
 * A file that both map, beside the library; the plant writes, the library reads. Only
 * the limit of a card is written by the library too: whoever set it last, the plant
 * obeys it, and it stands when its setter is gone. Each call that sets one is a line of
 * JSON in GPU_STATE_LOG beside it, whatever became of it.
 */
#ifndef PLANT_GPU_STATE_H
#define PLANT_GPU_STATE_H

#include <stdint.h>

#define GPU_STATE_FILE "kwota-plant-gpus"
#define GPU_STATE_LOG "kwota-plant-limits.jsonl"
#define GPU_STATE_MAGIC UINT64_C(0x6b776f74612d6770)
#define GPU_STATE_CARDS 16
#define GPU_STATE_PROCESSES 32

enum {
    GPU_STATE_NO_ENERGY = 1,    /* an older card: power only */
    GPU_STATE_LOST = 2,         /* fallen off the bus */
    GPU_STATE_HANG = 4,         /* a driver that never answers */
    GPU_STATE_FAIL = 8,         /* a driver that answers every call with an error */
    GPU_STATE_REFUSE = 16,      /* nobody has the permission to set its limit */
    GPU_STATE_NO_LIMIT = 32,    /* it has no limit, as in a virtual machine */
    GPU_STATE_COARSE = 64,      /* its limit is set to a multiple of 7 W */
    GPU_STATE_STUBBORN = 128,   /* its limit is set with success and stays as it is */
    GPU_STATE_CRASH = 256,      /* setting its limit kills the process that does */
    GPU_STATE_CRASH_EARLY = 512 /* … before it is set */
};

struct gpu_state_card {
    char uuid[64];
    uint32_t minor;
    volatile uint32_t flags;
    volatile uint32_t power_mw;
    volatile uint32_t process_count;
    volatile uint64_t energy_mj;
    struct {
        uint32_t pid, pad;
        uint64_t busy_us; /* cumulative */
    } process[GPU_STATE_PROCESSES];
    uint32_t instances; /* MIG; 0: it is off */
    uint32_t instance_slices[7];
    volatile uint32_t limit_mw; /* 0: never made, it has none */
    uint32_t min_mw, max_mw, default_mw;
};

struct gpu_state {
    uint64_t magic;
    uint32_t count;
    uint32_t pad;
    volatile uint64_t clock_us;
    struct gpu_state_card card[GPU_STATE_CARDS];
};

#endif
