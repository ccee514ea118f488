/* gpu_state.h - what the plant tells the fake libnvidia-ml about its GPUs
 *
 * A file that both map, beside the library; the plant writes, the library reads.
 */
#ifndef PLANT_GPU_STATE_H
#define PLANT_GPU_STATE_H

#include <stdint.h>

#define GPU_STATE_FILE "kwota-plant-gpus"
#define GPU_STATE_MAGIC UINT64_C(0x6b776f74612d6770)
#define GPU_STATE_CARDS 16
#define GPU_STATE_PROCESSES 32

enum {
    GPU_STATE_NO_ENERGY = 1, /* an older card: power only */
    GPU_STATE_LOST = 2,      /* fallen off the bus */
    GPU_STATE_HANG = 4       /* a driver that never answers */
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
};

struct gpu_state {
    uint64_t magic;
    uint32_t count;
    uint32_t pad;
    volatile uint64_t clock_us;
    struct gpu_state_card card[GPU_STATE_CARDS];
};

#endif
