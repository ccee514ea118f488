/* budget_map_image.h - the bytes of a budget map, as its writer and its reader see them
 *
 * header | partitions | accounts | users | rules | by_uid | texts
 *
 * The tables follow each other without gaps, so that their places come from the counts
 * alone. A text is its offset in the texts, which end with a zero byte. Partitions,
 * accounts and users are sorted by name, rules by account and partition, by_uid
 * (indexes of the users whose uid is known) by uid. Nothing outside budget_map*.c
 * includes this.
 */
#ifndef KWOTA_BUDGET_MAP_IMAGE_H
#define KWOTA_BUDGET_MAP_IMAGE_H

#include <stddef.h>
#include <stdint.h>

/* Says the byte order, too. */
#define IMAGE_MAGIC UINT64_C(0x70616d61746f776b) /* "kwotamap" */

/* A map of a million users has a quarter of this. */
#define IMAGE_MOST_BYTES (UINT64_C(512) << 20)
#define IMAGE_MOST_ROWS 4000000

#define IMAGE_NO_PARTITION UINT32_MAX

struct image_header {
    uint64_t magic;
    uint32_t version;
    uint32_t flags;    /* enum budget_map_flags */
    uint64_t size;     /* of all of it; a multiple of 8 */
    uint64_t checksum; /* of all of it, with this field 0 */
    int64_t written_s, stale_s;
    int64_t factor_percent, round_wh;
    uint32_t partition_count, account_count, user_count, rule_count;
    uint32_t uid_count;         /* users whose uid is known */
    uint32_t default_partition; /* its index, or IMAGE_NO_PARTITION */
};

enum image_partition_flags {
    IMAGE_KNOWN = 1,
    IMAGE_WHOLE_NODES = 2,
};

struct image_partition {
    uint32_t name;
    uint32_t flags;
    int64_t node_mw, cpu_mw, gpu_mw;
    int64_t default_s, max_s;
    int64_t node_cpus, node_gpus;
};

struct image_account {
    uint32_t name, most_text;
    int32_t enforce, at_limit;
    int64_t most_wh, left_wh, until_s;
};

struct image_user {
    uint32_t name, account, most_text;
    uint32_t is_operator;
    int64_t uid, most_wh;
};

struct image_rule {
    uint32_t account, partition;
    int32_t enforce, at_limit;
};

_Static_assert(sizeof(struct image_header) % 8 == 0 &&
                   sizeof(struct image_partition) % 8 == 0 &&
                   sizeof(struct image_account) % 8 == 0 &&
                   sizeof(struct image_user) % 8 == 0,
               "tables that follow each other must stay aligned");

/* Where each part of an image begins, in bytes. */
struct image_places {
    uint64_t partitions, accounts, users, rules, by_uid, texts;
};

/* The counts must be IMAGE_MOST_ROWS at most. */
static inline struct image_places image_places(const struct image_header *header)
{
    struct image_places at;

    at.partitions = sizeof *header;
    at.accounts =
        at.partitions + header->partition_count * sizeof(struct image_partition);
    at.users = at.accounts + header->account_count * sizeof(struct image_account);
    at.rules = at.users + header->user_count * sizeof(struct image_user);
    at.by_uid = at.rules + header->rule_count * sizeof(struct image_rule);
    at.texts = at.by_uid + header->uid_count * sizeof(uint32_t);
    return at;
}

/* Each step is reversible, so two images that differ in one word never agree. The
 * checksum's own field counts as 0; `size` is a multiple of 8. */
static inline uint64_t image_checksum(const void *image, uint64_t size)
{
    const uint64_t *word = image;
    uint64_t sum = UINT64_C(0x9e3779b97f4a7c15) ^ size;

    for (uint64_t i = 0; i < size / sizeof *word; i++) {
        uint64_t value =
            i == offsetof(struct image_header, checksum) / sizeof *word ? 0 : word[i];

        sum = (sum ^ value) * UINT64_C(0xff51afd7ed558ccd);
        sum ^= sum >> 32;
    }
    return sum;
}

#endif
