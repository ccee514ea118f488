/* journal_writer.c - lines for ended.journal, from a thread that may wait to one that
 * may not */
#include "plugin/journal_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* A minute of a very busy cluster's job ends. 16 bytes each. */
#define QUEUE 65536

/* As many lines as go into one write. */
#define BATCH 128
#define LINE 64

/* After a failed write (a full disk), the next try. */
#define RETRY_S 1

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards all below */
static pthread_cond_t filled = PTHREAD_COND_INITIALIZER;
static pthread_cond_t emptied = PTHREAD_COND_INITIALIZER;
static struct journal_record queue[QUEUE];
static unsigned head, count; /* the oldest, and how many */
static uint64_t dropped;
static bool running, closing;
static pthread_t thread;
static char path[512];
static void (*complain)(const char *sentence);

void journal_writer_open(const char *journal, void (*tell)(const char *sentence))
{
    pthread_mutex_lock(&lock);
    snprintf(path, sizeof path, "%s", journal);
    complain = tell;
    closing = false;
    pthread_mutex_unlock(&lock);
}

static size_t format_batch(const struct journal_record *records, unsigned n, char *text,
                           size_t size)
{
    size_t len = 0;

    for (unsigned i = 0; i < n; i++)
        len += (size_t)snprintf(text + len, size - len,
                                "{\"job\":%" PRIu32 ",\"time\":%" PRId64 "}\n",
                                records[i].job, records[i].time_s);
    return len;
}

/* One write a batch, to a file opened anew: kwotad takes the file away when it is read.
 */
static int append(const char *text, size_t len)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    ssize_t written;

    if (fd < 0)
        return -1;
    written = write(fd, text, len);
    close(fd);
    return written == (ssize_t)len ? 0 : -1;
}

/* Waits for records and copies the oldest; they leave the queue when they are written.
 */
static unsigned wait_for_batch(struct journal_record *batch)
{
    unsigned n;

    pthread_mutex_lock(&lock);
    while (count == 0 && !closing)
        pthread_cond_wait(&filled, &lock);
    n = count < BATCH ? count : BATCH;
    for (unsigned i = 0; i < n; i++)
        batch[i] = queue[(head + i) % QUEUE];
    pthread_mutex_unlock(&lock);
    return n;
}

static void forget_batch(unsigned n)
{
    pthread_mutex_lock(&lock);
    head = (head + n) % QUEUE;
    count -= n;
    if (count == 0)
        pthread_cond_broadcast(&emptied);
    pthread_mutex_unlock(&lock);
}

static void tell_dropped(void)
{
    char sentence[128];
    uint64_t lost;

    pthread_mutex_lock(&lock);
    lost = dropped;
    dropped = 0;
    pthread_mutex_unlock(&lock);
    if (lost == 0)
        return;
    snprintf(sentence, sizeof sentence,
             "%" PRIu64 " lines dropped; kwotad's sweep finds them", lost);
    complain(sentence);
}

static void *write_lines(void *arg)
{
    static char text[BATCH * LINE];
    struct journal_record batch[BATCH];
    bool failing = false;
    unsigned n;

    (void)arg;
    while ((n = wait_for_batch(batch)) > 0) {
        if (append(text, format_batch(batch, n, text, sizeof text)) == 0) {
            forget_batch(n);
            failing = false;
        } else {
            if (!failing)
                complain(strerror(errno));
            failing = true;
            if (closing)
                break;
            sleep(RETRY_S);
        }
        tell_dropped();
    }
    return NULL;
}

void journal_writer_put(const struct journal_record *record)
{
    pthread_mutex_lock(&lock);
    if (!running && !closing)
        running = pthread_create(&thread, NULL, write_lines, NULL) == 0;
    if (count == QUEUE) {
        dropped++;
    } else {
        queue[(head + count++) % QUEUE] = *record;
        pthread_cond_signal(&filled);
    }
    pthread_mutex_unlock(&lock);
}

void journal_writer_close(int limit_ms)
{
    struct timespec until;
    bool was_running;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += limit_ms / 1000;
    until.tv_nsec += limit_ms % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&lock);
    was_running = running;
    while (running && count > 0 && pthread_cond_timedwait(&emptied, &lock, &until) == 0)
        ;
    closing = true;
    running = false;
    pthread_cond_signal(&filled);
    pthread_mutex_unlock(&lock);
    if (was_running)
        pthread_join(thread, NULL);
}
