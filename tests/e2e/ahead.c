/* ahead.c - preloaded into everything of a test's cluster, whose clock it sets
 *
 * The environment's KWOTA_TEST_AHEAD names a file with a whole number of seconds, in
 * digits that fill as many bytes as they did at first: it is mapped, so that a change
 * of it is everybody's at once. What waits until some time of that clock waits as long
 * as it would have: a change ends no wait. The files' times are the kernel's.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/* Mapped, and ending with a new line; NULL: the clock is the system's. */
static const char *ahead;

__attribute__((constructor)) static void map_ahead(void)
{
    const char *path = getenv("KWOTA_TEST_AHEAD");
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    struct stat status;

    if (fd < 0)
        return;
    if (fstat(fd, &status) == 0 && status.st_size > 1) {
        void *at = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_SHARED, fd, 0);

        ahead = at == MAP_FAILED ? NULL : at;
    }
    close(fd);
}

static void now_of(clockid_t clock, struct timespec *now)
{
    syscall(SYS_clock_gettime, clock, now);
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    int saved = errno;

    if (syscall(SYS_clock_gettime, clock, now) < 0)
        return -1;
    if (ahead && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        now->tv_sec += strtol(ahead, NULL, 10);
    errno = saved;
    return 0;
}

time_t time(time_t *at)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    if (at)
        *at = now.tv_sec;
    return now.tv_sec;
}

int gettimeofday(struct timeval *restrict at, void *restrict zone)
{
    struct timespec now;

    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    at->tv_sec = now.tv_sec;
    at->tv_usec = now.tv_nsec / 1000;
    return 0;
}

/* A time of this clock, by the one that nobody sets. Seconds that are few are since the
 * machine's start already. */
static struct timespec steady(const struct timespec *until)
{
    struct timespec now, at;
    long ns;

    if (until->tv_sec < 1000000000)
        return *until;
    clock_gettime(CLOCK_REALTIME, &now);
    now_of(CLOCK_MONOTONIC, &at);
    at.tv_sec += until->tv_sec - now.tv_sec;
    ns = at.tv_nsec + until->tv_nsec - now.tv_nsec;
    if (ns < 0) {
        ns += 1000000000;
        at.tv_sec--;
    } else if (ns >= 1000000000) {
        ns -= 1000000000;
        at.tv_sec++;
    }
    at.tv_nsec = ns;
    if (at.tv_sec < 0)
        at = (struct timespec){0, 0};
    return at;
}

int pthread_cond_timedwait(pthread_cond_t *restrict cond,
                           pthread_mutex_t *restrict mutex,
                           const struct timespec *restrict until)
{
    struct timespec at = steady(until);

    return pthread_cond_clockwait(cond, mutex, CLOCK_MONOTONIC, &at);
}

int pthread_mutex_timedlock(pthread_mutex_t *restrict mutex,
                            const struct timespec *restrict until)
{
    struct timespec at = steady(until);

    return pthread_mutex_clocklock(mutex, CLOCK_MONOTONIC, &at);
}

int sem_timedwait(sem_t *restrict sem, const struct timespec *restrict until)
{
    struct timespec at = steady(until);

    return sem_clockwait(sem, CLOCK_MONOTONIC, &at);
}
