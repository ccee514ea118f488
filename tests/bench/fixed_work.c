/* fixed_work.c - pieces of the same work on all cores, and how long each took
 *
 * usage: fixed-work SECONDS
 *
 * One thread a core; prints the nanoseconds of every piece, one a line. What disturbs
 * the cores shows in the slow ones.
 */
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* About a millisecond of work on a core of today. */
#define ROUNDS 600000
#define MAX_PIECES 200000

struct worker {
    pthread_t thread;
    int core;
    int64_t end_ns;
    int64_t *took_ns;
    int pieces;
};

static int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static uint64_t work(uint64_t x)
{
    for (int i = 0; i < ROUNDS; i++)
        x = x * UINT64_C(6364136223846793005) + 1;
    return x;
}

static void *run(void *arg)
{
    struct worker *w = arg;
    volatile uint64_t sink = 1;
    cpu_set_t cores;

    CPU_ZERO(&cores);
    CPU_SET((size_t)w->core, &cores);
    pthread_setaffinity_np(pthread_self(), sizeof cores, &cores);
    while (now_ns() < w->end_ns && w->pieces < MAX_PIECES) {
        int64_t from = now_ns();

        sink = work(sink);
        w->took_ns[w->pieces++] = now_ns() - from;
    }
    return NULL;
}

int main(int argc, char **argv)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    int64_t end_ns = now_ns() + (argc > 1 ? atoi(argv[1]) : 5) * INT64_C(1000000000);
    struct worker *workers = calloc((size_t)cores, sizeof *workers);

    for (long c = 0; workers && c < cores; c++) {
        workers[c] = (struct worker){.core = (int)c, .end_ns = end_ns};
        workers[c].took_ns = calloc(MAX_PIECES, sizeof(int64_t));
        if (!workers[c].took_ns ||
            pthread_create(&workers[c].thread, NULL, run, &workers[c]) != 0)
            return 1;
    }
    for (long c = 0; workers && c < cores; c++) {
        pthread_join(workers[c].thread, NULL);
        for (int i = 0; i < workers[c].pieces; i++)
            printf("%" PRId64 "\n", workers[c].took_ns[i]);
        free(workers[c].took_ns);
    }
    free(workers);
    return 0;
}
