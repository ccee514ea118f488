/* tree.c - the files in which a simulated node shows its counters */
#include "tests/plant/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_JIFFY 10000000 /* USER_HZ is 100 */

static int make_folders(const char *path)
{
    char part[512];

    for (size_t i = 1; path[i]; i++) {
        if (path[i] != '/')
            continue;
        snprintf(part, sizeof part, "%.*s", (int)i, path);
        if (mkdir(part, 0755) < 0 && errno != EEXIST)
            return -1;
    }
    return 0;
}

/* Opens root/path, folders made; writes `text` into it if it is new or `text` must
 * stand. */
static int open_file(const struct tree *tree, const char *path, const char *text,
                     bool keep)
{
    char full[512];
    int fd;

    snprintf(full, sizeof full, "%s/%s", tree->root, path);
    if (make_folders(full) < 0)
        return -1;
    fd = open(full, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0)
        return -1;
    if (text && !(keep && lseek(fd, 0, SEEK_END) > 0) &&
        (ftruncate(fd, 0) < 0 || pwrite(fd, text, strlen(text), 0) < 0)) {
        close(fd);
        return -1;
    }
    return fd;
}

static int put_file(const struct tree *tree, const char *path, const char *text,
                    bool keep)
{
    int fd = open_file(tree, path, text, keep);

    if (fd < 0)
        return -1;
    close(fd);
    return 0;
}

/* The new value and its newline go in by one write; what an older, longer value leaves
 * behind them is cut off after. A reader that takes the first line never errs. */
static void put_number(int fd, int64_t value)
{
    char text[32];
    int len = snprintf(text, sizeof text, "%" PRId64 "\n", value);

    if (pwrite(fd, text, (size_t)len, 0) == len && ftruncate(fd, len) < 0)
        perror("kwota-plant: ftruncate");
}

static int64_t get_number(int fd)
{
    char text[32] = "";

    return pread(fd, text, sizeof text - 1, 0) > 0 ? strtoll(text, NULL, 10) : -1;
}

static void put_boot_id(const struct tree *tree, bool keep)
{
    unsigned char r[16];
    char text[64];

    if (getrandom(r, sizeof r, 0) != sizeof r)
        memset(r, 1, sizeof r);
    snprintf(text, sizeof text,
             "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x\n",
             r[0], r[1], r[2], r[3], r[4], r[5], r[6], r[7], r[8], r[9], r[10], r[11],
             r[12], r[13], r[14], r[15]);
    put_file(tree, "proc/sys/kernel/random/boot_id", text, keep);
}

/* Where the kernel puts zone `domain`, and the name it has in /sys/class/powercap. */
static void zone_paths(const struct model *model, int domain, char *folder, size_t size,
                       char *zone, size_t zone_size)
{
    int package = domain / FIGURES_KINDS;

    if (model_kind(model, domain) != MODEL_DRAM) {
        if (model_kind(model, domain) == MODEL_PLATFORM)
            package = model->figures.packages;
        snprintf(zone, zone_size, "intel-rapl:%d", package);
        snprintf(folder, size, "devices/virtual/powercap/intel-rapl/%s", zone);
    } else {
        snprintf(zone, zone_size, "intel-rapl:%d:0", package);
        snprintf(folder, size, "devices/virtual/powercap/intel-rapl/intel-rapl:%d/%s",
                 package, zone);
    }
}

static int64_t range_of(const struct model *model, int domain)
{
    switch (model_kind(model, domain)) {
    case MODEL_PACKAGE:
        return model->figures.kind[FIGURES_PACKAGE].range_uj;
    case MODEL_DRAM:
        return model->figures.kind[FIGURES_DRAM].range_uj;
    default:
        return INT64_MAX / 2;
    }
}

static int64_t limit_of(const struct model *model, int domain)
{
    switch (model_kind(model, domain)) {
    case MODEL_PACKAGE:
        return model->figures.kind[FIGURES_PACKAGE].limit_mw;
    case MODEL_DRAM:
        return model->figures.kind[FIGURES_DRAM].limit_mw;
    default:
        return 0;
    }
}

static void put_constraint(const struct tree *tree, const char *folder, int number,
                           const char *name, int64_t nominal_mw, int64_t mw)
{
    const struct {
        const char *file;
        int64_t uw;
    } values[] = {{"max_power_uw", nominal_mw * 1000}, {"power_limit_uw", mw * 1000}};
    char path[256], text[64];

    snprintf(path, sizeof path, "sys/%s/constraint_%d_name", folder, number);
    snprintf(text, sizeof text, "%s\n", name);
    put_file(tree, path, text, true);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        snprintf(path, sizeof path, "sys/%s/constraint_%d_%s", folder, number,
                 values[i].file);
        snprintf(text, sizeof text, "%" PRId64 "\n", values[i].uw);
        put_file(tree, path, text, true);
    }
}

/* What the package's CPUs can draw, with as much again for jobs that cost more. */
static int64_t most_mw(const struct model *model)
{
    const struct figures *f = &model->figures;
    const struct figures_domain *package = &f->kind[FIGURES_PACKAGE];
    int64_t percent = 100;

    for (int i = 0; i < f->turbo_count; i++)
        if (f->turbo[i].percent > percent)
            percent = f->turbo[i].percent;
    return package->idle_mw +
           4 * model->cpus * package->core_mw * percent / 100 / f->packages;
}

static void put_constraints(const struct tree *tree, const struct model *model,
                            int domain, const char *folder)
{
    int64_t nominal = limit_of(model, domain), mw = nominal;

    if (nominal <= 0)
        return;
    if (model_kind(model, domain) == MODEL_PACKAGE && most_mw(model) > mw)
        mw = most_mw(model);
    put_constraint(tree, folder, 0, "long_term", nominal, mw);
    if (model_kind(model, domain) == MODEL_PACKAGE)
        put_constraint(tree, folder, 1, "short_term", nominal, mw);
}

static int open_zone(struct tree *tree, const struct model *model, int domain,
                     int64_t wrap_in_uj)
{
    int64_t range_uj = range_of(model, domain);
    struct tree_counter *counter = &tree->counter[domain];
    char folder[128], zone[32], path[256], link[512], text[64];

    zone_paths(model, domain, folder, sizeof folder, zone, sizeof zone);
    model_name(model, domain, counter->name, sizeof counter->name);
    snprintf(path, sizeof path, "sys/%s/name", folder);
    snprintf(text, sizeof text, "%s\n",
             model_kind(model, domain) == MODEL_DRAM ? "dram" : counter->name);
    if (put_file(tree, path, text, true) < 0)
        return -1;
    snprintf(path, sizeof path, "sys/%s/max_energy_range_uj", folder);
    snprintf(text, sizeof text, "%" PRId64 "\n", range_uj);
    put_file(tree, path, text, true);
    snprintf(path, sizeof path, "sys/%s/enabled", folder);
    put_file(tree, path, "1\n", true);
    put_constraints(tree, model, domain, folder);
    tree_open_limit(tree, model, domain, folder);
    snprintf(path, sizeof path, "sys/%s/energy_uj", folder);
    snprintf(text, sizeof text, "%" PRId64 "\n",
             wrap_in_uj >= 0 ? range_uj - 1 - wrap_in_uj : 0);
    counter->fd = open_file(tree, path, text, true);
    if (counter->fd < 0)
        return -1;
    counter->raw_uj = get_number(counter->fd);
    counter->seen_uj = model_total_uj(model, domain);
    snprintf(link, sizeof link, "%s/sys/class/powercap/%s", tree->root, zone);
    make_folders(link);
    snprintf(path, sizeof path, "../../%s", folder);
    return symlink(path, link) < 0 && errno != EEXIST ? -1 : 0;
}

static void read_stat_base(struct tree *tree, const struct model *model)
{
    char text[256] = "";
    long long user = 0;

    if (pread(tree->stat_fd, text, sizeof text - 1, 0) > 0 &&
        sscanf(text, "cpu %lld", &user) == 1)
        tree->stat_base_ns = (__int128)user * NS_PER_JIFFY - model->busy_ns;
}

int tree_open(struct tree *tree, const char *root, const struct model *model,
              int64_t wrap_in_uj)
{
    memset(tree, 0, sizeof *tree);
    snprintf(tree->root, sizeof tree->root, "%s", root);
    tree->cpus = model->cpus;
    if (put_file(tree, "kwota-simulated", "counters of a kwota power plant\n", true) <
            0 ||
        put_file(tree, "sys/devices/virtual/powercap/intel-rapl/enabled", "1\n", true) <
            0)
        return -1;
    put_boot_id(tree, true);
    for (int d = 0; d < model->domains; d++)
        if (model_kind(model, d) != MODEL_GPU &&
            open_zone(tree, model, d, wrap_in_uj) < 0)
            return -1;
    tree->stat_fd = open_file(tree, "proc/stat", NULL, true);
    if (tree->stat_fd < 0)
        return -1;
    read_stat_base(tree, model);
    return 0;
}

static void write_counter(struct tree_counter *counter, int64_t total_uj,
                          int64_t range_uj)
{
    int64_t delta = total_uj - counter->seen_uj;

    counter->seen_uj = total_uj;
    if (counter->frozen)
        return;
    counter->raw_uj = (counter->raw_uj + delta) % range_uj;
    if (!counter->denied)
        put_number(counter->fd, counter->raw_uj);
}

/* All CPUs in one line, and as many lines as the node has CPUs; time that nobody used
 * is left at 0, because nobody here reads it. */
static void write_stat(struct tree *tree, const struct model *model)
{
    char text[16384];
    int64_t user = (int64_t)((tree->stat_base_ns + model->busy_ns) / NS_PER_JIFFY);
    size_t len = (size_t)snprintf(text, sizeof text,
                                  "cpu  %" PRId64 " 0 0 0 0 0 0 0 0 0\n", user);

    for (int cpu = 0; cpu < tree->cpus && len < sizeof text - 64; cpu++)
        len += (size_t)snprintf(text + len, sizeof text - len,
                                "cpu%d %" PRId64 " 0 0 0 0 0 0 0 0 0\n", cpu,
                                user / tree->cpus);
    if (pwrite(tree->stat_fd, text, len, 0) < 0)
        perror("kwota-plant: proc/stat");
}

/* The card's processes: one for each job that holds it and is busy. */
static void write_processes(struct gpu_state_card *card, const struct model *model,
                            int gpu)
{
    uint32_t count = 0;

    for (int i = 0; i < model->job_count && count < GPU_STATE_PROCESSES; i++) {
        const struct model_job *job = &model->jobs[i];

        if (!(job->gpus & 1U << gpu) || !job->pid)
            continue;
        card->process[count].pid = job->pid;
        card->process[count++].busy_us = (uint64_t)job->busy_us;
    }
    card->process_count = count;
}

static void write_gpus(struct tree *tree, const struct model *model)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    for (int d = 0, g = 0; d < model->domains; d++) {
        struct gpu_state_card *card = &tree->gpus->card[g];

        if (model_kind(model, d) != MODEL_GPU)
            continue;
        tree->counter[d].raw_uj = model_total_uj(model, d);
        if (!tree->counter[d].frozen)
            card->energy_mj = (uint64_t)(tree->counter[d].raw_uj / 1000);
        card->power_mw = (uint32_t)model_gpu_mw(model, g);
        write_processes(card, model, g++);
    }
    tree->gpus->clock_us =
        (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* By rename: a meter may have it loaded. */
static int copy_library(const struct tree *tree, const char *library, char *folder,
                        size_t size)
{
    char command[2400];

    snprintf(folder, size, "%s/usr/lib64", tree->root);
    snprintf(command, sizeof command,
             "mkdir -p '%s' && cp '%s' '%s/new' && mv '%s/new' '%s/libnvidia-ml.so.1'",
             folder, library, folder, folder, folder);
    return system(command) == 0 ? 0 : -1;
}

int tree_open_gpus(struct tree *tree, const struct model *model, const char *library)
{
    char folder[300], path[400];
    int fd;

    if (copy_library(tree, library, folder, sizeof folder) < 0)
        return -1;
    snprintf(path, sizeof path, "%s/%s", folder, GPU_STATE_FILE);
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0 || ftruncate(fd, sizeof *tree->gpus) < 0)
        return -1;
    tree->gpus =
        mmap(NULL, sizeof *tree->gpus, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (tree->gpus == MAP_FAILED)
        return -1;
    tree->gpus->magic = GPU_STATE_MAGIC;
    tree->gpus->count = (uint32_t)model->figures.gpus;
    for (int g = 0; g < model->figures.gpus; g++) {
        snprintf(tree->gpus->card[g].uuid, sizeof tree->gpus->card[g].uuid,
                 "GPU-51a0c0de-0000-4000-8000-%012d", g);
        tree->gpus->card[g].minor = (uint32_t)g;
        tree_make_card_limit(&tree->gpus->card[g], &model->figures);
    }
    for (int d = 0; d < model->domains; d++)
        if (model_kind(model, d) == MODEL_GPU)
            model_name(model, d, tree->counter[d].name, sizeof tree->counter[d].name);
    return 0;
}

void tree_write(struct tree *tree, const struct model *model)
{
    for (int d = 0; d < model->domains; d++)
        if (model_kind(model, d) != MODEL_GPU)
            write_counter(&tree->counter[d], model_total_uj(model, d),
                          range_of(model, d));
    if (tree->gpus)
        write_gpus(tree, model);
    write_stat(tree, model);
}

struct tree_counter *tree_counter(struct tree *tree, const struct model *model,
                                  const char *name)
{
    for (int d = 0; d < model->domains; d++)
        if (strcmp(tree->counter[d].name, name) == 0)
            return &tree->counter[d];
    return NULL;
}

void tree_reset(struct tree *tree, const struct model *model)
{
    tree_reset_limits(tree, model);
    put_boot_id(tree, false);
    for (int d = 0; d < model->domains; d++) {
        if (model_kind(model, d) == MODEL_GPU)
            continue;
        tree->counter[d].raw_uj = 0;
        put_number(tree->counter[d].fd, 0);
    }
}
