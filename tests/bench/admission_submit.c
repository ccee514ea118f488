/* admission_submit.c - how long job_submit plugins take, in the process of one program
 *
 * usage: admission-submit PLUGIN_DIR KWOTA_SO MAP CALLS
 *
 * Stands in for slurmctld: gives the plugins Slurm's own library and the few things of
 * slurmctld's that they want, and calls each with the same random jobs, in turns.
 */
#include "plugin/slurm_version.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "policy/budget_map.h"
#include "policy/policy.h"

#define ACCOUNTS 10000
#define USERS 50000
#define PARTITIONS 20
#define FIRST_UID 1000

/* What job_submit/lua takes from slurmctld itself; no jobs, no reservations. */
extern void *job_list, *part_list, *resv_list;
extern time_t last_job_update, last_resv_update;
extern void *get_job_script(const void *job);
void *job_list, *part_list, *resv_list;
time_t last_job_update, last_resv_update;

void *get_job_script(const void *job)
{
    (void)job;
    return NULL;
}

/* Slurm's allocator. */
static char *(*duplicate)(const char *);
static void (*release)(void **);

struct plugin {
    const char *name;
    int (*submit)(job_desc_msg_t *, uint32_t, char **);
    void (*end)(void);
    int64_t *ns;
    long refused, with_lien;
};

static void die(const char *what)
{
    fprintf(stderr, "admission-submit: %s\n", what);
    exit(1);
}

static void *symbol(void *library, const char *name)
{
    void *found = dlsym(library, name);

    if (!found)
        die(dlerror());
    return found;
}

static void load_slurm(const char *plugin_dir)
{
    void *(*list_create)(void *);
    char path[1024];
    void *library;

    snprintf(path, sizeof path, "%s/libslurmfull.so", plugin_dir);
    library = dlopen(path, RTLD_NOW | RTLD_GLOBAL);
    if (!library)
        die(dlerror());
    *(void **)&duplicate = symbol(library, "slurm_xstrdup");
    *(void **)&release = symbol(library, "slurm_xfree");
    *(void **)&list_create = symbol(library, "slurm_list_create");
    job_list = list_create(NULL);
    part_list = list_create(NULL);
    resv_list = list_create(NULL);
}

/* False, with the reason on stdout: it cannot be loaded here. */
static bool load_plugin(struct plugin *plugin, const char *name, const char *path,
                        long calls)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    int (*begin)(void);

    if (!library) {
        printf("%s cannot be loaded here: %s\n", name, dlerror());
        return false;
    }
    *(void **)&begin = symbol(library, "init");
    *(void **)&plugin->end = symbol(library, "fini");
    *(void **)&plugin->submit = symbol(library, "job_submit");
    if (begin() != 0) {
        printf("%s cannot start here\n", name);
        return false;
    }
    plugin->name = name;
    plugin->ns = calloc((size_t)calls, sizeof *plugin->ns);
    return plugin->ns != NULL;
}

/* xorshift: the same jobs in every run. */
static uint64_t chance(uint64_t below)
{
    static uint64_t state = 88172645463325252U;

    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % below;
}

static void write_map(const char *path)
{
    static struct map_partition partitions[PARTITIONS];
    static struct map_account accounts[ACCOUNTS];
    static struct map_user users[USERS];
    static char names[PARTITIONS + ACCOUNTS + USERS][24];
    struct map_tables tables = {.written_s = time(NULL),
                                .stale_s = 3600,
                                .factor_percent = 100,
                                .round_wh = 1,
                                .partitions = partitions,
                                .partition_count = PARTITIONS,
                                .accounts = accounts,
                                .account_count = ACCOUNTS,
                                .users = users,
                                .user_count = USERS};
    char(*name)[24] = names;
    char why[BUDGET_MAP_WHY];

    for (int i = 0; i < PARTITIONS; i++) {
        snprintf(*name, sizeof *name, "part%d", i);
        partitions[i] = (struct map_partition){
            *name++, {100000, 3000, 400000}, true, i == 0, i % 2, 3600, 86400, 128, 8};
    }
    for (int i = 0; i < ACCOUNTS; i++) {
        snprintf(*name, sizeof *name, "project%d", i);
        accounts[i] = (struct map_account){*name++,
                                           i % 4,
                                           AT_LIMIT_WAIT,
                                           500000,
                                           5000000,
                                           0,
                                           "its project, 500 kWh a month"};
    }
    for (int i = 0; i < USERS; i++) {
        snprintf(*name, sizeof *name, "user%d", i);
        users[i] = (struct map_user){
            FIRST_UID + i, *name++, accounts[i % ACCOUNTS].name, -1, "", false};
    }
    if (budget_map_write(path, &tables, why) < 0)
        die(why);
}

static char *named(const char *what, uint64_t number)
{
    char text[64];

    snprintf(text, sizeof text, "%s%llu", what, (unsigned long long)number);
    return duplicate(text);
}

/* As sbatch sends it, with some of its options. */
static void random_job(job_desc_msg_t *job)
{
    memset(job, 0, sizeof *job);
    job->user_id = (uint32_t)(FIRST_UID + chance(USERS));
    job->time_limit = chance(2) ? NO_VAL : (uint32_t)(1 + chance(1440));
    job->min_nodes = chance(2) ? NO_VAL : (uint32_t)(1 + chance(64));
    job->min_cpus = (uint32_t)(1 + chance(128));
    job->num_tasks = chance(2) ? NO_VAL : (uint32_t)(1 + chance(256));
    job->cpus_per_task = NO_VAL16;
    job->ntasks_per_node = NO_VAL16;
    job->pn_min_cpus = NO_VAL16;
    job->sockets_per_node = NO_VAL16;
    job->shared = chance(8) ? NO_VAL16 : 0;
    job->overcommit = NO_VAL8;
    job->script = duplicate("#!/bin/sh\nsleep 1\n");
    if (chance(2))
        job->account = named("project", chance(ACCOUNTS));
    if (chance(2))
        job->partition = named("part", chance(PARTITIONS));
    if (chance(3) == 0)
        job->tres_per_node = named("gres:gpu:", 1 + chance(8));
    if (chance(8) == 0)
        job->licenses = duplicate("matlab:2");
}

static void copy_job(job_desc_msg_t *to, const job_desc_msg_t *from)
{
    *to = *from;
    to->script = duplicate(from->script);
    to->account = from->account ? duplicate(from->account) : NULL;
    to->partition = from->partition ? duplicate(from->partition) : NULL;
    to->tres_per_node = from->tres_per_node ? duplicate(from->tres_per_node) : NULL;
    to->licenses = from->licenses ? duplicate(from->licenses) : NULL;
}

static void free_job(job_desc_msg_t *job)
{
    release((void **)&job->script);
    release((void **)&job->account);
    release((void **)&job->partition);
    release((void **)&job->tres_per_node);
    release((void **)&job->licenses);
}

static int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static void submit(struct plugin *plugin, const job_desc_msg_t *job, long call)
{
    job_desc_msg_t copy;
    char *message = NULL;
    int64_t begun;
    int rc;

    copy_job(&copy, job);
    begun = now_ns();
    rc = plugin->submit(&copy, copy.user_id, &message);
    plugin->ns[call] = now_ns() - begun;
    plugin->refused += rc != 0;
    plugin->with_lien += copy.licenses && strstr(copy.licenses, "kwota:");
    if (message)
        release((void **)&message);
    free_job(&copy);
}

static int by_value(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

    return left < right ? -1 : left > right;
}

static void report(struct plugin *plugin, const char *when, long calls)
{
    qsort(plugin->ns, (size_t)calls, sizeof *plugin->ns, by_value);
    printf("%-18s %-26s %8.2f us %8.2f us %9.2f us %7ld %7ld\n", plugin->name, when,
           (double)plugin->ns[calls / 2] / 1e3,
           (double)plugin->ns[calls - 1 - calls / 100] / 1e3,
           (double)plugin->ns[calls - 1] / 1e3, plugin->with_lien, plugin->refused);
    plugin->with_lien = plugin->refused = 0;
}

static void run(struct plugin *plugins, int count, long calls, const char *when)
{
    job_desc_msg_t job;

    for (long call = 0; call < calls; call++) {
        random_job(&job);
        for (int i = 0; i < count; i++)
            submit(&plugins[(call + i) % count], &job, call);
        free_job(&job);
    }
    for (int i = 0; i < count; i++)
        report(&plugins[i], when, calls);
}

static atomic_bool enough;

static void *replace_map(void *path)
{
    while (!atomic_load(&enough)) {
        write_map(path);
        usleep(500000);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    struct plugin plugins[2] = {{0}};
    char lua[1024];
    pthread_t thread;
    long calls;
    int count = 1;

    if (argc != 5 || (calls = atol(argv[4])) < 100)
        die("usage: admission-submit PLUGIN_DIR KWOTA_SO MAP CALLS (at least 100)");
    setenv("KWOTA_BUDGET_MAP", argv[3], 1);
    write_map(argv[3]);
    load_slurm(argv[1]);
    if (!load_plugin(&plugins[0], "job_submit/kwota", argv[2], calls))
        return 1;
    snprintf(lua, sizeof lua, "%s/job_submit_lua.so", argv[1]);
    if (load_plugin(&plugins[1], "job_submit/lua", lua, calls))
        count = 2;
    printf("%-18s %-26s %11s %11s %12s %7s %7s\n", "PLUGIN", "WHILE", "P50", "P99",
           "MAX", "LIENS", "REFUSED");
    run(plugins, count, calls, "the map stays");
    pthread_create(&thread, NULL, replace_map, argv[3]);
    run(plugins, count, calls, "it changes twice a second");
    atomic_store(&enough, true);
    pthread_join(thread, NULL);
    for (int i = 0; i < count; i++)
        plugins[i].end();
    return 0;
}
