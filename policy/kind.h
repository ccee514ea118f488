/* kind.h - energy by what used it, as people read it: cpu, dram, gpu, other
 *
 * Pure, but for kinds_json(). A domain's kind (package, dram, gpu, platform, …) is one
 * of these four.
 */
#ifndef KWOTA_KIND_H
#define KWOTA_KIND_H

#include <jansson.h>
#include <stdint.h>

enum kind { KIND_CPU, KIND_DRAM, KIND_GPU, KIND_OTHER, KINDS };

/* Millijoules by kind; ENERGY_UNKNOWN where nothing was measured. */
struct kinds {
    int64_t mj[KINDS];
};

enum kind kind_of(const char *domain_kind);
const char *kind_name(enum kind kind);

void kinds_clear(struct kinds *kinds);
void kinds_add(struct kinds *kinds, enum kind kind, int64_t mj);

/* {"cpu_mj":…,"dram_mj":…,"gpu_mj":…,"other_mj":…}, null where unknown. */
json_t *kinds_json(const struct kinds *kinds);

/* The same with "total_mj" before them. */
json_t *kinds_total_json(const struct kinds *kinds);

#endif
