/* budget_map.c - reads, checks and asks a budget map
 *
 * What is read may be anything: no count, offset or value of it is used before it is
 * checked, and everything is checked once, here, so that look-ups need not.
 */
#include "policy/budget_map.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/budget_map_image.h"
#include "policy/policy.h"

/* Pointers into `image`, which belongs to it. */
struct budget_map {
    char *image;
    struct image_header header;
    const struct image_partition *partitions;
    const struct image_account *accounts;
    const struct image_user *users;
    const struct image_rule *rules;
    const uint32_t *by_uid;
    const char *texts;
    uint64_t text_size;
    bool enforces;
};

static int refuse(char *why, const char *path, const char *what)
{
    snprintf(why, BUDGET_MAP_WHY, "%.60s: %s", path, what);
    return -1;
}

static int read_all(int fd, char *bytes, uint64_t size)
{
    while (size > 0) {
        ssize_t n = read(fd, bytes, size);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return -1;
        bytes += n;
        size -= (uint64_t)n;
    }
    return 0;
}

/* Its size comes from the file, not from what it says. */
static int load(struct budget_map *map, int fd, uint64_t *size, const char *path,
                char *why)
{
    struct stat status;

    if (fstat(fd, &status) < 0)
        return refuse(why, path, strerror(errno));
    if (!S_ISREG(status.st_mode))
        return refuse(why, path, "is not a file");
    *size = (uint64_t)status.st_size;
    if (*size < sizeof map->header)
        return refuse(why, path, "is cut off");
    if (*size > IMAGE_MOST_BYTES)
        return refuse(why, path, "is too large for a budget map");
    map->image = malloc(*size);
    if (!map->image)
        return refuse(why, path, "no memory for it");
    if (read_all(fd, map->image, *size) < 0)
        return refuse(why, path, "cannot be read to its end");
    memcpy(&map->header, map->image, sizeof map->header);
    return 0;
}

static int check_header(const struct budget_map *map, uint64_t size, const char *path,
                        char *why)
{
    const struct image_header *h = &map->header;

    if (h->magic != IMAGE_MAGIC)
        return refuse(why, path, "is not a budget map");
    if (h->version != BUDGET_MAP_VERSION)
        return refuse(
            why, path,
            "is of another version: kwotad and job_submit_kwota.so must be of "
            "the same release");
    if (h->size > size)
        return refuse(why, path, "is cut off");
    if (h->size != size || size % 8 != 0)
        return refuse(why, path, "is not as long as it says");
    if (h->checksum != image_checksum(map->image, size))
        return refuse(why, path, "its checksum is wrong");
    if (h->partition_count > IMAGE_MOST_ROWS || h->account_count > IMAGE_MOST_ROWS ||
        h->user_count > IMAGE_MOST_ROWS || h->rule_count > IMAGE_MOST_ROWS ||
        h->uid_count > h->user_count || image_places(h).texts >= size ||
        map->image[size - 1] != '\0')
        return refuse(why, path, "its tables do not fit into it");
    if (h->default_partition != IMAGE_NO_PARTITION &&
        h->default_partition >= h->partition_count)
        return refuse(why, path, "its default partition is not in it");
    return 0;
}

static void find_tables(struct budget_map *map)
{
    struct image_places at = image_places(&map->header);

    map->partitions = (const void *)(map->image + at.partitions);
    map->accounts = (const void *)(map->image + at.accounts);
    map->users = (const void *)(map->image + at.users);
    map->rules = (const void *)(map->image + at.rules);
    map->by_uid = (const void *)(map->image + at.by_uid);
    map->texts = map->image + at.texts;
    map->text_size = map->header.size - at.texts;
}

/* That a text begins inside is enough: the last byte of all is zero. */
static bool is_text(const struct budget_map *map, uint32_t offset)
{
    return offset < map->text_size;
}

static bool is_rule(int32_t enforce, int32_t at_limit)
{
    return enforce >= ENFORCE_OFF && enforce <= ENFORCE_STRICT &&
           at_limit >= AT_LIMIT_WAIT && at_limit <= AT_LIMIT_WARN;
}

/* Whether `name` is a text that comes after the one before it. */
static bool follows(const struct budget_map *map, uint32_t i, uint32_t before,
                    uint32_t name)
{
    return is_text(map, name) &&
           (i == 0 || strcmp(map->texts + before, map->texts + name) < 0);
}

static bool check_partitions(const struct budget_map *map)
{
    const struct image_partition *p = map->partitions;

    for (uint32_t i = 0; i < map->header.partition_count; i++)
        if (!follows(map, i, i ? p[i - 1].name : 0, p[i].name))
            return false;
    return true;
}

static bool check_accounts(const struct budget_map *map)
{
    const struct image_account *a = map->accounts;

    for (uint32_t i = 0; i < map->header.account_count; i++)
        if (!follows(map, i, i ? a[i - 1].name : 0, a[i].name) ||
            !is_text(map, a[i].most_text) || !is_rule(a[i].enforce, a[i].at_limit))
            return false;
    return true;
}

static bool check_users(const struct budget_map *map)
{
    const struct image_user *u = map->users;
    const uint32_t *by_uid = map->by_uid;

    for (uint32_t i = 0; i < map->header.user_count; i++)
        if (!follows(map, i, i ? u[i - 1].name : 0, u[i].name) ||
            !is_text(map, u[i].account) || !is_text(map, u[i].most_text))
            return false;
    for (uint32_t i = 0; i < map->header.uid_count; i++)
        if (by_uid[i] >= map->header.user_count ||
            (i > 0 && u[by_uid[i - 1]].uid > u[by_uid[i]].uid))
            return false;
    return true;
}

static int compare_rule(const struct budget_map *map, const struct image_rule *rule,
                        const char *account, const char *partition)
{
    int order = strcmp(account, map->texts + rule->account);

    return order ? order : strcmp(partition, map->texts + rule->partition);
}

static bool check_rules(const struct budget_map *map)
{
    const struct image_rule *r = map->rules;

    for (uint32_t i = 0; i < map->header.rule_count; i++)
        if (!is_text(map, r[i].account) || !is_text(map, r[i].partition) ||
            !is_rule(r[i].enforce, r[i].at_limit) ||
            (i > 0 && compare_rule(map, &r[i - 1], map->texts + r[i].account,
                                   map->texts + r[i].partition) <= 0))
            return false;
    return true;
}

static bool any_enforces(const struct budget_map *map)
{
    for (uint32_t i = 0; i < map->header.account_count; i++)
        if (map->accounts[i].enforce >= ENFORCE_SOFT)
            return true;
    for (uint32_t i = 0; i < map->header.rule_count; i++)
        if (map->rules[i].enforce >= ENFORCE_SOFT)
            return true;
    return false;
}

static int load_and_check(struct budget_map *map, const char *path, char *why)
{
    /* A pipe must not keep the reader waiting. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    uint64_t size = 0;
    int rc;

    if (fd < 0)
        return refuse(why, path, strerror(errno));
    rc = load(map, fd, &size, path, why);
    close(fd);
    if (rc < 0 || check_header(map, size, path, why) < 0)
        return -1;
    find_tables(map);
    if (!check_partitions(map) || !check_accounts(map) || !check_users(map) ||
        !check_rules(map))
        return refuse(why, path, "its tables contradict themselves");
    map->enforces = any_enforces(map);
    return 0;
}

struct budget_map *budget_map_read(const char *path, char why[BUDGET_MAP_WHY])
{
    struct budget_map *map = calloc(1, sizeof *map);

    why[0] = '\0';
    if (!map) {
        refuse(why, path, "no memory for it");
        return NULL;
    }
    if (load_and_check(map, path, why) < 0) {
        budget_map_free(map);
        return NULL;
    }
    return map;
}

void budget_map_free(struct budget_map *map)
{
    if (!map)
        return;
    free(map->image);
    free(map);
}

/* The row called `name` among `count` rows of `size` bytes, which begin with the offset
 * of their names and are sorted by them. */
static const void *find(const struct budget_map *map, const void *rows, uint32_t count,
                        size_t size, const char *name)
{
    uint32_t low = 0, high = count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const char *row = (const char *)rows + middle * size;
        uint32_t offset;
        int order;

        memcpy(&offset, row, sizeof offset);
        order = strcmp(name, map->texts + offset);
        if (order == 0)
            return row;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

bool budget_map_partition(const struct budget_map *map, const char *name,
                          struct map_partition *found)
{
    const struct image_partition *row = NULL;

    if (name)
        row =
            find(map, map->partitions, map->header.partition_count, sizeof *row, name);
    else if (map->header.default_partition != IMAGE_NO_PARTITION)
        row = &map->partitions[map->header.default_partition];
    if (!row)
        return false;
    *found = (struct map_partition){
        .name = map->texts + row->name,
        .nameplate = {row->node_mw, row->cpu_mw, row->gpu_mw},
        .known = row->flags & IMAGE_KNOWN,
        .is_default =
            (uint32_t)(row - map->partitions) == map->header.default_partition,
        .whole_nodes = row->flags & IMAGE_WHOLE_NODES,
        .default_s = row->default_s,
        .max_s = row->max_s,
        .node_cpus = row->node_cpus,
        .node_gpus = row->node_gpus,
    };
    return true;
}

bool budget_map_account(const struct budget_map *map, const char *name,
                        struct map_account *found)
{
    const struct image_account *row =
        find(map, map->accounts, map->header.account_count, sizeof *row, name);

    if (!row)
        return false;
    *found = (struct map_account){
        .name = map->texts + row->name,
        .enforce = row->enforce,
        .at_limit = row->at_limit,
        .most_wh = row->most_wh,
        .left_wh = row->left_wh,
        .until_s = row->until_s,
        .most_text = map->texts + row->most_text,
    };
    return true;
}

static bool give_user(const struct budget_map *map, const struct image_user *row,
                      struct map_user *found)
{
    if (!row)
        return false;
    *found = (struct map_user){
        .uid = row->uid,
        .name = map->texts + row->name,
        .account = map->texts + row->account,
        .most_wh = row->most_wh,
        .most_text = map->texts + row->most_text,
        .is_operator = row->is_operator != 0,
    };
    return true;
}

bool budget_map_user(const struct budget_map *map, const char *name,
                     struct map_user *found)
{
    return give_user(
        map,
        find(map, map->users, map->header.user_count, sizeof(struct image_user), name),
        found);
}

bool budget_map_user_by_uid(const struct budget_map *map, uid_t uid,
                            struct map_user *found)
{
    uint32_t low = 0, high = map->header.uid_count;

    if (uid == 0)
        return budget_map_user(map, "root", found);
    /* The first that is not below it. */
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (map->users[map->by_uid[middle]].uid < (int64_t)uid)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == map->header.uid_count ||
        map->users[map->by_uid[low]].uid != (int64_t)uid)
        return false;
    return give_user(map, &map->users[map->by_uid[low]], found);
}

static const struct image_rule *find_rule(const struct budget_map *map,
                                          const char *account, const char *partition)
{
    uint32_t low = 0, high = map->header.rule_count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = compare_rule(map, &map->rules[middle], account, partition);

        if (order == 0)
            return &map->rules[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

bool budget_map_rule(const struct budget_map *map, const char *account,
                     const char *partition, int32_t *enforce, int32_t *at_limit)
{
    const struct image_rule *rule =
        partition ? find_rule(map, account, partition) : NULL;
    struct map_account own;

    if (rule) {
        *enforce = rule->enforce;
        *at_limit = rule->at_limit;
        return true;
    }
    if (!budget_map_account(map, account, &own))
        return false;
    *enforce = own.enforce;
    *at_limit = own.at_limit;
    return true;
}

bool budget_map_enforces(const struct budget_map *map)
{
    return map->enforces;
}

int64_t budget_map_age_s(const struct budget_map *map, int64_t now_s)
{
    int64_t age_s;

    if (!__builtin_sub_overflow(now_s, map->header.written_s, &age_s))
        return age_s;
    return now_s > map->header.written_s ? INT64_MAX : INT64_MIN;
}

bool budget_map_stale(const struct budget_map *map, int64_t now_s)
{
    return budget_map_age_s(map, now_s) > map->header.stale_s;
}

void budget_map_figures(const struct budget_map *map, int64_t *written_s,
                        int64_t *stale_s, uint32_t *flags, int64_t *factor_percent,
                        int64_t *round_wh)
{
    *written_s = map->header.written_s;
    *stale_s = map->header.stale_s;
    *flags = map->header.flags;
    *factor_percent = map->header.factor_percent;
    *round_wh = map->header.round_wh;
}
