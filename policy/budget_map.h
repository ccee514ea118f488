/* budget_map.h - what admission has to know, in one file that kwotad writes and
 * slurmctld's job_submit plugin reads
 *
 * A flat image: a header with magic, version, size, checksum and the time it was
 * written, then sorted tables and their texts. It is replaced by rename, read into
 * private memory and checked whole before use; a reader never sees half of one. Both
 * sides are in this pair of files. A map in memory is never changed: any number of
 * threads may ask it. The image is for readers on the same machine: its numbers have
 * the machine's byte order.
 */
#ifndef KWOTA_BUDGET_MAP_H
#define KWOTA_BUDGET_MAP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "policy/estimate.h"

#define BUDGET_MAP_VERSION 1
#define BUDGET_MAP_WHY 160

enum budget_map_flags {
    MAP_REFUSE_STALE = 1, /* a stale map refuses jobs; else they pass without a lien */
    MAP_FROZEN = 2,       /* admission writes no lien and refuses nothing */
    MAP_CAPPING = 4,      /* power caps are set: --gpu-power-cap counts */
};

/* A partition. */
struct map_partition {
    const char *name;
    struct nameplate nameplate;
    bool known;               /* it has a nameplate */
    bool is_default;          /* jobs that name none go here */
    bool whole_nodes;         /* jobs get whole nodes */
    int64_t default_s, max_s; /* time limits; 0: none */
    int64_t node_cpus;        /* the most CPUs that one of its nodes has */
    int64_t node_gpus;
};

/* An account: what admission decides for its jobs. */
struct map_account {
    const char *name;
    int32_t enforce;  /* enum policy_enforce */
    int32_t at_limit; /* enum policy_at_limit */
    int64_t most_wh;  /* the smallest whole quota that binds its jobs; -1: none does */
    int64_t left_wh;  /* what is available now at the tightest one; -1: none */
    int64_t until_s;  /* when that one's window ends; 0: not told */
    const char *most_text; /* whose quota most_wh is and how much, for the message:
                              "account astro, 1 000 kWh a month"; "": not told */
};

/* What is decided otherwise for an account's jobs in one partition. */
struct map_rule {
    const char *account, *partition;
    int32_t enforce;  /* enum policy_enforce */
    int32_t at_limit; /* enum policy_at_limit */
};

/* A user: default account, and a quota of their own. Slurm tells admission a user's
 * number only, and slurmctld must not wait for a directory service: kwotad looks the
 * numbers up. */
struct map_user {
    int64_t uid; /* 0: not known; root is found by its name */
    const char *name;
    const char *account; /* the default one; "": none */
    int64_t most_wh;     /* as above, of the user's own quotas; -1: none */
    const char *most_text;
    bool is_operator; /* may edit licences */
};

struct budget_map;

/* Builds a file of these tables and puts it at `path` by rename (in the same folder),
 * readable by its owner and group. Names are unique; the tables need not be sorted. -1
 * with the reason in `why`; the file that was there is still there then. */
struct map_tables {
    int64_t written_s, stale_s; /* when; after how long it is stale */
    uint32_t flags;
    int64_t factor_percent, round_wh;
    const struct map_partition *partitions;
    int partition_count;
    const struct map_account *accounts;
    int account_count;
    const struct map_user *users;
    int user_count;
    const struct map_rule *rules; /* each pair of account and partition once */
    int rule_count;
};
int budget_map_write(const char *path, const struct map_tables *tables,
                     char why[BUDGET_MAP_WHY]);

/* Reads and checks a file; NULL with the reason: it is missing, cut off, of another
 * version, or its checksum is wrong. */
struct budget_map *budget_map_read(const char *path, char why[BUDGET_MAP_WHY]);
void budget_map_free(struct budget_map *map);

/* Look-ups; NULL: unknown. What they return lives as long as the map. partition NULL:
 * the default one. */
bool budget_map_partition(const struct budget_map *map, const char *name,
                          struct map_partition *found);
bool budget_map_account(const struct budget_map *map, const char *name,
                        struct map_account *found);
bool budget_map_user(const struct budget_map *map, const char *name,
                     struct map_user *found);
bool budget_map_user_by_uid(const struct budget_map *map, uid_t uid,
                            struct map_user *found);

/* What is decided for an account's jobs in a partition: the rule for both, else the
 * account's own; false: neither is there. */
bool budget_map_rule(const struct budget_map *map, const char *account,
                     const char *partition, int32_t *enforce, int32_t *at_limit);

/* Whether any account or rule is soft or strict. */
bool budget_map_enforces(const struct budget_map *map);

/* How old it is at `now_s`, and whether that is older than it may be. Saturates. */
int64_t budget_map_age_s(const struct budget_map *map, int64_t now_s);
bool budget_map_stale(const struct budget_map *map, int64_t now_s);
void budget_map_figures(const struct budget_map *map, int64_t *written_s,
                        int64_t *stale_s, uint32_t *flags, int64_t *factor_percent,
                        int64_t *round_wh);

#endif
