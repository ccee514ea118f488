/* map_keeper.c - the budget map in memory, always the newest, never waited for */
#include "plugin/map_keeper.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "policy/clock.h"

/* kwotad writes a map every few seconds at most. */
#define LOOK_S 1

/* What tells one file from the next at the same path. */
struct identity {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec modified;
};

/* As told last. */
enum condition { UNTOLD, GOOD, BAD };

/* Read by anyone, changed by the thread alone. A reader counts itself at a place and
 * uses it only if it is still the current one; then the thread waits for the count. */
static struct budget_map *maps[2];
static atomic_uint current;
static atomic_uint readers[2];

/* The clock that maps go by, less the system's: nonzero in tests alone. */
static _Atomic int64_t ahead_s;

/* The process in which the thread runs; 0: in none. */
static _Atomic pid_t home;
static atomic_bool closing;
static pthread_t thread; /* valid in `home` */
static sem_t wake;       /* posted to end the thread's pause */

/* Of whoever looks: map_keeper_open() before there is a thread, then the thread. */
static char path[512];
static void (*tell)(bool good, const char *sentence);
static struct identity known;
static enum condition told;
static char trouble[BUDGET_MAP_WHY]; /* why the file is not usable; "": it is */

static void identify(const struct stat *status, struct identity *identity)
{
    memset(identity, 0, sizeof *identity);
    identity->device = status->st_dev;
    identity->inode = status->st_ino;
    identity->size = status->st_size;
    identity->modified = status->st_mtim;
}

/* Puts a map in the other place and makes that the current one. False: someone still
 * uses what is there. */
static bool replace(struct budget_map *map)
{
    unsigned other = 1 - atomic_load(&current);

    if (atomic_load(&readers[other]) > 0)
        return false;
    budget_map_free(maps[other]);
    maps[other] = map;
    atomic_store(&current, other);
    return true;
}

/* Reads the file if it is another than before. */
static void look(void)
{
    struct budget_map *map;
    struct identity now;
    struct stat status;

    if (stat(path, &status) < 0) {
        snprintf(trouble, sizeof trouble, "%.60s: %s", path, strerror(errno));
        memset(&known, 0, sizeof known);
        return;
    }
    identify(&status, &now);
    if (memcmp(&now, &known, sizeof now) == 0)
        return;
    map = budget_map_read(path, trouble);
    if (map && !replace(map)) {
        /* In a second there will be nobody any more. */
        budget_map_free(map);
        return;
    }
    known = now;
}

static void say(enum condition condition, const char *sentence)
{
    if (condition != told)
        tell(condition == GOOD, sentence);
    told = condition;
}

/* Says once what has changed. */
static void judge(void)
{
    const struct budget_map *map = maps[atomic_load(&current)];
    int64_t now_s = clock_now_s();
    char sentence[sizeof path + BUDGET_MAP_WHY];

    atomic_store(&ahead_s, now_s - (int64_t)time(NULL));
    if (trouble[0]) {
        snprintf(sentence, sizeof sentence, "%s; %s", trouble,
                 map ? "the map read before stays in use until it is stale"
                     : "without a budget map no job gets a lien");
        say(BAD, sentence);
    } else if (!map) {
        return; /* in a second */
    } else if (budget_map_stale(map, now_s)) {
        snprintf(sentence, sizeof sentence,
                 "%s is stale: is kwotad running, and is it this controller's?", path);
        say(BAD, sentence);
    } else {
        snprintf(sentence, sizeof sentence, "%s is read and up to date", path);
        say(GOOD, sentence);
    }
}

/* A second, or less if the thread is to end. */
static void wait_a_while(void)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += LOOK_S;
    while (sem_timedwait(&wake, &until) < 0 && errno == EINTR)
        ;
}

static void *keep(void *arg)
{
    (void)arg;
    while (!atomic_load(&closing)) {
        look();
        judge();
        wait_a_while();
    }
    return NULL;
}

/* slurmctld's signals are for its own threads. */
static int start_thread(void)
{
    sigset_t all, before;
    int error;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    error = pthread_create(&thread, NULL, keep, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

/* A daemon that forks after loading us has our memory, but not our thread: whoever sees
 * it first starts another. */
static void start_here(void)
{
    pid_t here = getpid(), there = atomic_load(&home);

    if (there == here || atomic_load(&closing) ||
        !atomic_compare_exchange_strong(&home, &there, here))
        return;
    sem_init(&wake, 0, 0);
    if (start_thread() != 0)
        atomic_store(&home, 0);
}

void map_keeper_open(const char *file,
                     void (*listener)(bool good, const char *sentence))
{
    snprintf(path, sizeof path, "%s", file);
    tell = listener;
    told = UNTOLD;
    memset(&known, 0, sizeof known);
    trouble[0] = '\0';
    atomic_store(&closing, false);
    look();
    judge();
    start_here();
}

void map_keeper_take(struct map_lease *lease)
{
    unsigned place;

    start_here();
    for (;;) {
        place = atomic_load(&current);
        atomic_fetch_add(&readers[place], 1);
        if (atomic_load(&current) == place)
            break;
        atomic_fetch_sub(&readers[place], 1);
    }
    lease->place = place;
    lease->map = maps[place];
    lease->now_s = (int64_t)time(NULL) + atomic_load(&ahead_s);
}

void map_keeper_give(const struct map_lease *lease)
{
    atomic_fetch_sub(&readers[lease->place], 1);
}

void map_keeper_close(void)
{
    atomic_store(&closing, true);
    if (atomic_load(&home) == getpid()) {
        sem_post(&wake);
        pthread_join(thread, NULL);
        sem_destroy(&wake);
    }
    atomic_store(&home, 0);
    for (int i = 0; i < 2; i++) {
        budget_map_free(maps[i]);
        maps[i] = NULL;
    }
}
