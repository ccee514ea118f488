/* budget_map_write.c - builds a budget map and puts it in its place */
#include "policy/budget_map.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/budget_map_image.h"

/* One table's rows as pointers, to be sorted without moving the caller's. */
struct order {
    const void **rows;
    uint32_t count;
};

struct building {
    struct order partitions, accounts, users, rules;
    struct image_header header;
    struct image_places at;
    char *image;
    uint64_t text_used;
    char *why;
};

static int fail(struct building *b, const char *what, const char *name)
{
    snprintf(b->why, BUDGET_MAP_WHY, "%.80s: %s", name, what);
    return -1;
}

static int by_partition(const void *a, const void *b)
{
    const struct map_partition *const *left = a, *const *right = b;

    return strcmp((*left)->name, (*right)->name);
}

static int by_account(const void *a, const void *b)
{
    const struct map_account *const *left = a, *const *right = b;

    return strcmp((*left)->name, (*right)->name);
}

static int by_user(const void *a, const void *b)
{
    const struct map_user *const *left = a, *const *right = b;

    return strcmp((*left)->name, (*right)->name);
}

static int by_rule(const void *a, const void *b)
{
    const struct map_rule *const *left = a, *const *right = b;
    int order = strcmp((*left)->account, (*right)->account);

    return order ? order : strcmp((*left)->partition, (*right)->partition);
}

/* Sorted pointers to `count` rows of `size` bytes; -1: no memory. */
static int put_in_order(struct order *order, const void *rows, int count, size_t size,
                        int (*compare)(const void *, const void *))
{
    order->count = count > 0 ? (uint32_t)count : 0;
    order->rows = calloc(order->count + 1, sizeof *order->rows);
    if (!order->rows)
        return -1;
    for (uint32_t i = 0; i < order->count; i++)
        order->rows[i] = (const char *)rows + i * size;
    qsort(order->rows, order->count, sizeof *order->rows, compare);
    return 0;
}

/* The place of the first row that equals the one before it; 0: all differ. */
static uint32_t repeated(const struct order *order,
                         int (*compare)(const void *, const void *))
{
    for (uint32_t i = 1; i < order->count; i++)
        if (compare(&order->rows[i - 1], &order->rows[i]) == 0)
            return i;
    return 0;
}

static int order_tables(struct building *b, const struct map_tables *tables)
{
    uint32_t i;

    if (put_in_order(&b->partitions, tables->partitions, tables->partition_count,
                     sizeof *tables->partitions, by_partition) < 0 ||
        put_in_order(&b->accounts, tables->accounts, tables->account_count,
                     sizeof *tables->accounts, by_account) < 0 ||
        put_in_order(&b->users, tables->users, tables->user_count,
                     sizeof *tables->users, by_user) < 0 ||
        put_in_order(&b->rules, tables->rules, tables->rule_count,
                     sizeof *tables->rules, by_rule) < 0)
        return fail(b, "no memory for it", "budget map");
    if ((i = repeated(&b->partitions, by_partition)))
        return fail(b, "the partition is there twice",
                    ((const struct map_partition *)b->partitions.rows[i])->name);
    if ((i = repeated(&b->accounts, by_account)))
        return fail(b, "the account is there twice",
                    ((const struct map_account *)b->accounts.rows[i])->name);
    if ((i = repeated(&b->users, by_user)))
        return fail(b, "the user is there twice",
                    ((const struct map_user *)b->users.rows[i])->name);
    if ((i = repeated(&b->rules, by_rule)))
        return fail(b, "the account has two rules for one partition",
                    ((const struct map_rule *)b->rules.rows[i])->account);
    return 0;
}

static uint64_t length(const char *text)
{
    return text ? strlen(text) + 1 : 1;
}

/* Bytes of all texts; an absent text is "", which has its own. */
static uint64_t text_bytes(const struct map_tables *tables)
{
    uint64_t bytes = 1;

    for (int i = 0; i < tables->partition_count; i++)
        bytes += length(tables->partitions[i].name);
    for (int i = 0; i < tables->account_count; i++)
        bytes +=
            length(tables->accounts[i].name) + length(tables->accounts[i].most_text);
    for (int i = 0; i < tables->user_count; i++)
        bytes += length(tables->users[i].name) + length(tables->users[i].account) +
                 length(tables->users[i].most_text);
    for (int i = 0; i < tables->rule_count; i++)
        bytes += length(tables->rules[i].account) + length(tables->rules[i].partition);
    return bytes;
}

static int make_room(struct building *b, const struct map_tables *tables)
{
    struct image_header *h = &b->header;
    uint64_t texts = text_bytes(tables);

    if (b->partitions.count > IMAGE_MOST_ROWS || b->accounts.count > IMAGE_MOST_ROWS ||
        b->users.count > IMAGE_MOST_ROWS || b->rules.count > IMAGE_MOST_ROWS)
        return fail(b, "a table has more than 4 000 000 rows", "budget map");
    *h = (struct image_header){
        .magic = IMAGE_MAGIC,
        .version = BUDGET_MAP_VERSION,
        .flags = tables->flags,
        .written_s = tables->written_s,
        .stale_s = tables->stale_s,
        .factor_percent = tables->factor_percent,
        .round_wh = tables->round_wh,
        .partition_count = b->partitions.count,
        .account_count = b->accounts.count,
        .user_count = b->users.count,
        .rule_count = b->rules.count,
        .default_partition = IMAGE_NO_PARTITION,
    };
    for (uint32_t i = 0; i < b->users.count; i++)
        h->uid_count += tables->users[i].uid > 0;
    b->at = image_places(h);
    h->size = (b->at.texts + texts + 7) / 8 * 8;
    if (h->size > IMAGE_MOST_BYTES)
        return fail(b, "it would have more than 512 MiB", "budget map");
    b->image = calloc(1, h->size);
    if (!b->image)
        return fail(b, "no memory for it", "budget map");
    b->text_used = 1; /* "" is at 0 */
    return 0;
}

static uint32_t add_text(struct building *b, const char *text)
{
    uint64_t at = b->text_used, bytes = length(text);

    if (bytes == 1)
        return 0;
    memcpy(b->image + b->at.texts + at, text, bytes);
    b->text_used += bytes;
    return (uint32_t)at;
}

static void fill_partitions(struct building *b)
{
    struct image_partition *row = (void *)(b->image + b->at.partitions);

    for (uint32_t i = 0; i < b->partitions.count; i++, row++) {
        const struct map_partition *p = b->partitions.rows[i];

        *row = (struct image_partition){
            .name = add_text(b, p->name),
            .flags = (p->known ? IMAGE_KNOWN : 0U) |
                     (p->whole_nodes ? IMAGE_WHOLE_NODES : 0U),
            .node_mw = p->nameplate.node_mw,
            .cpu_mw = p->nameplate.cpu_mw,
            .gpu_mw = p->nameplate.gpu_mw,
            .default_s = p->default_s,
            .max_s = p->max_s,
            .node_cpus = p->node_cpus,
            .node_gpus = p->node_gpus,
        };
        if (p->is_default)
            b->header.default_partition = i;
    }
}

static void fill_accounts(struct building *b)
{
    struct image_account *row = (void *)(b->image + b->at.accounts);

    for (uint32_t i = 0; i < b->accounts.count; i++, row++) {
        const struct map_account *a = b->accounts.rows[i];

        *row = (struct image_account){
            .name = add_text(b, a->name),
            .most_text = add_text(b, a->most_text),
            .enforce = a->enforce,
            .at_limit = a->at_limit,
            .most_wh = a->most_wh,
            .left_wh = a->left_wh,
            .until_s = a->until_s,
        };
    }
}

static void fill_users(struct building *b)
{
    struct image_user *row = (void *)(b->image + b->at.users);

    for (uint32_t i = 0; i < b->users.count; i++, row++) {
        const struct map_user *u = b->users.rows[i];

        *row = (struct image_user){
            .name = add_text(b, u->name),
            .account = add_text(b, u->account),
            .most_text = add_text(b, u->most_text),
            .is_operator = u->is_operator,
            .uid = u->uid > 0 ? u->uid : 0,
            .most_wh = u->most_wh,
        };
    }
}

static void fill_rules(struct building *b)
{
    struct image_rule *row = (void *)(b->image + b->at.rules);

    for (uint32_t i = 0; i < b->rules.count; i++, row++) {
        const struct map_rule *r = b->rules.rows[i];

        *row = (struct image_rule){
            .account = add_text(b, r->account),
            .partition = add_text(b, r->partition),
            .enforce = r->enforce,
            .at_limit = r->at_limit,
        };
    }
}

/* Of two names with one number (they exist), the first in order counts. */
static int compare_uids(const void *a, const void *b, void *users)
{
    const struct image_user *user = users;
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

    if (user[left].uid != user[right].uid)
        return user[left].uid < user[right].uid ? -1 : 1;
    return left < right ? -1 : left > right;
}

static void fill_by_uid(struct building *b)
{
    struct image_user *user = (void *)(b->image + b->at.users);
    uint32_t *index = (void *)(b->image + b->at.by_uid), n = 0;

    for (uint32_t i = 0; i < b->users.count; i++)
        if (user[i].uid > 0)
            index[n++] = i;
    qsort_r(index, n, sizeof *index, compare_uids, user);
}

static void close_image(struct building *b)
{
    memcpy(b->image, &b->header, sizeof b->header);
    b->header.checksum = image_checksum(b->image, b->header.size);
    memcpy(b->image, &b->header, sizeof b->header);
}

static int write_all(int fd, const char *bytes, uint64_t size)
{
    while (size > 0) {
        ssize_t n = write(fd, bytes, size);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return -1;
        bytes += n;
        size -= (uint64_t)n;
    }
    return 0;
}

/* The name's turn is on disk only once the folder is. A map is written anew every few
 * seconds and stale soon, so that a failure here is no failure. */
static void sync_folder(const char *path)
{
    char folder[PATH_MAX];
    char *slash;
    int fd;

    snprintf(folder, sizeof folder, "%s", path);
    slash = strrchr(folder, '/');
    if (slash)
        slash[slash == folder] = '\0';
    fd = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)fsync(fd);
        close(fd);
    }
}

static int put_in_place(struct building *b, const char *path)
{
    char temporary[PATH_MAX];
    int fd, error;

    if (snprintf(temporary, sizeof temporary, "%s.new", path) >= (int)sizeof temporary)
        return fail(b, "the path is too long", path);
    /* Always the same name: a writer that is killed leaves one file at most. */
    fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0640);
    if (fd < 0)
        return fail(b, strerror(errno), temporary);
    error = write_all(fd, b->image, b->header.size) < 0 || fchmod(fd, 0640) < 0 ||
                    fsync(fd) < 0
                ? errno
                : 0;
    if (close(fd) < 0 && !error)
        error = errno;
    if (!error && rename(temporary, path) < 0)
        error = errno;
    if (error) {
        unlink(temporary);
        return fail(b, strerror(error), path);
    }
    sync_folder(path);
    return 0;
}

int budget_map_write(const char *path, const struct map_tables *tables,
                     char why[BUDGET_MAP_WHY])
{
    struct building b = {.why = why};
    int rc = -1;

    why[0] = '\0';
    if (order_tables(&b, tables) == 0 && make_room(&b, tables) == 0) {
        fill_partitions(&b);
        fill_accounts(&b);
        fill_users(&b);
        fill_rules(&b);
        fill_by_uid(&b);
        close_image(&b);
        rc = put_in_place(&b, path);
    }
    free(b.partitions.rows);
    free(b.accounts.rows);
    free(b.users.rows);
    free(b.rules.rows);
    free(b.image);
    return rc;
}
