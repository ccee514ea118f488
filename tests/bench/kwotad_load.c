/* kwotad_load.c - plays the nodes and users of a large cluster to a kwotad
 *
 * Each node sends what kwota-meter would: bodies of the same shape, one connection
 * each, a MUNGE credential over each. Open loop: a request is due when it is due, and
 * how long it took is counted from then. Prints figures; asserts nothing.
 */
#include <arpa/inet.h>
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "policy/credential.h"
#include "tests/bench/played.h"

#define DOMAINS 14
#define MOST_SLOTS 16
#define AT_ONCE 512 /* of the last phase */

/* Each has one request under way: all that a burst brings, as many nodes would. */
#define THREADS 5000
#define STACK ((size_t)256 << 10)
#define BODY 32768

/* As kwota-meter has them. */
#define DECISION_US 100000
#define RETRY_US 1000000
#define TIMEOUT_S 5

/* Who has opened a connection keeps it for another request, as libcurl does, until
 * kwotad closes it or so long. */
#define KEEP_US 10500000

enum kind { REPORT, START, DECIDE, FINAL, KINDS };

struct slot {
    uint32_t generation;
    int64_t start_ms, end_ms; /* 0: not begun; runs */
    bool final_sent;
};

struct node {
    pthread_mutex_t lock;
    int64_t seq, epoch_ms;
    struct slot slots[MOST_SLOTS];
};

struct event {
    int64_t at_us, first_us;
    uint32_t node;
    uint8_t kind, slot, tries;
};

/* Microseconds that requests of a kind took. */
struct times {
    uint32_t *us;
    size_t count, size;
    uint64_t failed;
};

static struct {
    int port, seconds, watchers, report_s;
    const char *munge, *played, *kwotad, *munged;
    uint32_t nodes, slots;
} options = {.port = 6828,
             .seconds = 60,
             .watchers = 100,
             .report_s = 60,
             .nodes = 10000,
             .slots = 4};

static struct played *played;
static struct node *nodes;
static sem_t signing;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards all below */
static pthread_cond_t changed =
    PTHREAD_COND_INITIALIZER; /* for who watches the clock */
static pthread_cond_t free_hand = PTHREAD_COND_INITIALIZER; /* for another to do so */
static bool clock_watched;
static struct event *heap; /* the next one first */
static size_t heap_count, heap_size, busy;
static bool stop, watching, endless;
static struct times times[KINDS], decided, watched;
static struct {
    int fd;
    int64_t until_us;
} kept[65536]; /* a ring of connections that kwotad left open */
static unsigned kept_first, kept_next;
static char first_failure[256];

static int64_t now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void sleep_until(int64_t us)
{
    struct timespec at = {us / 1000000, us % 1000000 * 1000};

    clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &at, NULL);
}

static void die(const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    fprintf(stderr, "kwotad-load: ");
    vfprintf(stderr, format, ap);
    fprintf(stderr, "\n");
    va_end(ap);
    exit(2);
}

/* The heap of what is due; wants the lock. */
static void push(const struct event *event)
{
    size_t i = heap_count++;

    if (heap_count > heap_size) {
        heap_size = heap_size * 2 + 1024;
        heap = realloc(heap, heap_size * sizeof *heap);
        if (!heap)
            die("out of memory");
    }
    for (; i > 0 && heap[(i - 1) / 2].at_us > event->at_us; i = (i - 1) / 2)
        heap[i] = heap[(i - 1) / 2];
    heap[i] = *event;
}

static struct event pop(void)
{
    struct event first = heap[0], last = heap[--heap_count];
    size_t i = 0, child;

    while ((child = 2 * i + 1) < heap_count) {
        if (child + 1 < heap_count && heap[child + 1].at_us < heap[child].at_us)
            child++;
        if (heap[child].at_us >= last.at_us)
            break;
        heap[i] = heap[child];
        i = child;
    }
    heap[i] = last;
    return first;
}

static void plan(int64_t at_us, enum kind kind, uint32_t node, unsigned slot)
{
    struct event event = {.at_us = at_us,
                          .first_us = at_us,
                          .node = node,
                          .kind = (uint8_t)kind,
                          .slot = (uint8_t)slot};

    pthread_mutex_lock(&lock);
    push(&event);
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&lock);
}

static void note(struct times *t, int64_t us)
{
    pthread_mutex_lock(&lock);
    if (t->count == t->size) {
        t->size = t->size * 2 + 4096;
        t->us = realloc(t->us, t->size * sizeof *t->us);
        if (!t->us)
            die("out of memory");
    }
    t->us[t->count++] = us < 0 ? 0 : us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
    pthread_mutex_unlock(&lock);
}

static void note_failure(struct times *t, const char *what)
{
    pthread_mutex_lock(&lock);
    t->failed++;
    if (!first_failure[0])
        snprintf(first_failure, sizeof first_failure, "%.200s", what);
    pthread_mutex_unlock(&lock);
}

/* What a node says. */

static const struct {
    const char *name, *kind, *source;
} domains[DOMAINS] = {{"package-0", "package", "powercap"},
                      {"package-1", "package", "powercap"},
                      {"dram-0", "dram", "powercap"},
                      {"dram-1", "dram", "powercap"},
                      {"gpu-0", "gpu", "nvml"},
                      {"gpu-1", "gpu", "nvml"},
                      {"gpu-2", "gpu", "nvml"},
                      {"gpu-3", "gpu", "nvml"},
                      {"gpu-4", "gpu", "nvml"},
                      {"gpu-5", "gpu", "nvml"},
                      {"gpu-6", "gpu", "nvml"},
                      {"gpu-7", "gpu", "nvml"},
                      {"psys-0", "platform", "powercap"},
                      {"power-0", "platform", "hwmon"}};

static void token_of(uint32_t job, char token[33])
{
    uint64_t x = job * UINT64_C(0x9E3779B97F4A7C15);

    /* Spread as random ones are. */
    x = (x ^ x >> 29) * UINT64_C(0xBF58476D1CE4E5B9);
    snprintf(token, 33, "%016" PRIx64 "%016x", x ^ x >> 32, job);
}

__attribute__((format(printf, 3, 4))) static void say(char *body, size_t *len,
                                                      const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    *len += (size_t)vsnprintf(body + *len, BODY - *len, format, ap);
    va_end(ap);
    if (*len >= BODY)
        die("a body is too large");
}

static int64_t watts(unsigned domain)
{
    return 40 + (int64_t)domain * 7;
}

static void say_run(char *body, size_t *len, uint32_t n, unsigned s, int64_t now_ms)
{
    const struct slot *slot = &nodes[n].slots[s];
    uint32_t job = played_id(played, n, s, slot->generation);
    int64_t until_ms = slot->end_ms ? slot->end_ms : now_ms;
    int64_t ms = until_ms > slot->start_ms ? until_ms - slot->start_ms : 0;
    int64_t kind_uj[4] = {0};
    char token[33], end[24] = "null";

    if (slot->end_ms)
        snprintf(end, sizeof end, "%" PRId64, slot->end_ms);
    token_of(job, token);
    say(body, len,
        "{\"token\":\"%s\",\"job\":%u,\"uid\":%u,\"node_count\":1,\"cpus\":16,"
        "\"start_ms\":%" PRId64 ",\"end_ms\":%s,\"final\":%s,\"cpu_ns\":%" PRId64
        ",\"quality\":\"measured\",\"reasons\":[],\"apportioned\":[\"package-0\","
        "\"package-1\",\"dram-0\",\"dram-1\"],\"domains\":{",
        token, job, played_uid(played, job), slot->start_ms, end,
        slot->end_ms ? "true" : "false", ms * 15000000);
    for (unsigned d = 0; d < DOMAINS; d++) {
        int64_t uj = ms * watts(d) * 250;

        kind_uj[d < 2 ? 0 : d < 4 ? 1 : d < 12 ? 2 : 3] += uj;
        say(body, len, "%s\"%s\":%" PRId64, d ? "," : "", domains[d].name, uj);
    }
    say(body, len,
        "},\"steps\":[{\"step\":\"batch\",\"start_ms\":%" PRId64
        ",\"end_ms\":%s,\"cpu_ns\":%" PRId64 ",\"uj\":{\"package\":%" PRId64
        ",\"dram\":%" PRId64 ",\"gpu\":%" PRId64 "}}]}",
        slot->start_ms, end, ms * 15000000, kind_uj[0], kind_uj[1], kind_uj[2]);
}

static size_t make_body(char *body, uint32_t n)
{
    struct node *node = &nodes[n];
    int64_t now_ms = now_us() / 1000, ms = now_ms - node->epoch_ms;
    size_t len = 0;
    bool first = true;

    say(body, &len,
        "{\"node\":\"bench%05u\",\"epoch\":\"%016x\",\"seq\":%" PRId64
        ",\"time_ms\":%" PRId64 ",\"simulated\":true,\"domains\":[",
        n, n, ++node->seq, now_ms);
    for (unsigned d = 0; d < DOMAINS; d++) {
        int64_t total = ms * watts(d) * 1000, jobs = total / 10 * 9;

        say(body, &len,
            "%s{\"name\":\"%s\",\"kind\":\"%s\",\"source\":\"%s\",\"state\":\"ok\","
            "\"reason\":null,\"total_uj\":%" PRId64 ",\"jobs_uj\":%" PRId64
            ",\"node_uj\":%" PRId64 ",\"gap_ms\":0,\"integrated\":false}",
            d ? "," : "", domains[d].name, domains[d].kind, domains[d].source, total,
            jobs, total - jobs);
    }
    say(body, &len, "],\"runs\":[");
    for (unsigned s = 0; s < options.slots; s++) {
        if (!node->slots[s].start_ms || node->slots[s].final_sent)
            continue;
        if (!first)
            say(body, &len, ",");
        first = false;
        say_run(body, &len, n, s, now_ms);
    }
    say(body, &len, "]}");
    return len;
}

/* HTTP. */

static int open_connection(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)options.port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval patience = {TIMEOUT_S, 0};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0)
        return fd;
    close(fd);
    return -1;
}

static int send_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

        if (n <= 0)
            return -1;
        data += n;
        len -= (size_t)n;
    }
    return 0;
}

/* The whole reply; -1: it did not come. *closes: kwotad closes the connection. */
static int receive(int fd, char *reply, size_t size, bool *closes)
{
    size_t len = 0, want = 0;

    while (len < size - 1) {
        ssize_t n = recv(fd, reply + len, size - 1 - len, 0);
        char *end, *length;

        if (n <= 0)
            return -1;
        len += (size_t)n;
        reply[len] = '\0';
        end = want ? NULL : strstr(reply, "\r\n\r\n");
        if (end && (length = strcasestr(reply, "\r\nContent-Length:")))
            want = (size_t)(end + 4 - reply) + strtoul(length + 17, NULL, 10);
        if (want && len >= want)
            break;
    }
    *closes = strcasestr(reply, "\r\nConnection: close") != NULL;
    return (int)strtol(reply + 9, NULL, 10);
}

static void keep(int fd)
{
    int64_t now = now_us();
    int close_fd = -1;

    pthread_mutex_lock(&lock);
    if (kept_next - kept_first == 65535)
        close_fd = kept[kept_first++ % 65536].fd;
    kept[kept_next % 65536].fd = fd;
    kept[kept_next++ % 65536].until_us = now + KEEP_US;
    pthread_mutex_unlock(&lock);
    if (close_fd >= 0)
        close(close_fd);
}

static void close_kept(void)
{
    int64_t now = now_us();

    for (;;) {
        int fd = -1;

        pthread_mutex_lock(&lock);
        if (kept_first != kept_next && kept[kept_first % 65536].until_us <= now)
            fd = kept[kept_first++ % 65536].fd;
        pthread_mutex_unlock(&lock);
        if (fd < 0)
            return;
        close(fd);
    }
}

/* The status; -1: there was none. */
static int exchange(const char *method, const char *path, const char *body, size_t len,
                    char *reply, size_t size)
{
    struct credential_error why;
    char *cred, head[2048];
    int fd, status = -1, n;
    bool closes = true;

    /* Each node has a munged of its own; here they are one, and it is asked gently. */
    sem_wait(&signing);
    n = credential_sign_request(options.munge, "localhost", method, path, body, len,
                                &cred, &why);
    sem_post(&signing);
    if (n < 0) {
        note_failure(&times[REPORT], why.text);
        return -1;
    }
    n = snprintf(head, sizeof head,
                 "%s %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
                 "application/json\r\n" CREDENTIAL_HEADER
                 ": %s\r\nContent-Length: %zu\r\n\r\n",
                 method, path, cred, len);
    free(cred);
    fd = open_connection();
    if (fd < 0) {
        note_failure(&times[REPORT], strerror(errno));
        return -1;
    }
    if (send_all(fd, head, (size_t)n) == 0 && (!len || send_all(fd, body, len) == 0))
        status = receive(fd, reply, size, &closes);
    if (status < 0)
        note_failure(&times[REPORT], strerror(errno));
    if (status < 0 || closes)
        close(fd);
    else
        keep(fd);
    return status;
}

/* One event. */

/* What the event does to the node before it reports; its lock is held. */
static void change(const struct event *e)
{
    struct slot *slot = &nodes[e->node].slots[e->slot];
    int64_t now_ms = now_us() / 1000;
    uint32_t job;

    if (e->tries > 0 || e->kind == REPORT || e->kind == DECIDE)
        return;
    if (e->kind == START) {
        slot->generation += slot->start_ms != 0;
        slot->start_ms = now_ms;
        slot->end_ms = 0;
        slot->final_sent = false;
        job = played_id(played, e->node, e->slot, slot->generation);
        if (slot->generation >= PLAYED_GENERATIONS)
            die("too many jobs are played");
        played->jobs[job - 1].start_s = (uint32_t)(now_ms / 1000);
    } else {
        slot->end_ms = now_ms;
        job = played_id(played, e->node, e->slot, slot->generation);
        played->jobs[job - 1].end_s = (uint32_t)(now_ms / 1000);
    }
}

static void token_asked(const struct event *e, char token[33])
{
    token_of(
        played_id(played, e->node, e->slot, nodes[e->node].slots[e->slot].generation),
        token);
}

static size_t make_question(char *body, const struct event *e)
{
    char token[33];
    size_t len = 0;

    token_asked(e, token);
    say(body, &len, "{\"tokens\":[\"%s\"]}", token);
    return len;
}

static bool is_decided(const char *reply, const char *token)
{
    char mark[48];

    snprintf(mark, sizeof mark, "\"%s\":\"", token);
    return strstr(reply, mark) != NULL;
}

static void again(struct event *e, int64_t in_us, enum kind kind)
{
    e->at_us = now_us() + in_us;
    e->kind = (uint8_t)kind;
    pthread_mutex_lock(&lock);
    push(e);
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&lock);
}

static void done(struct event *e, const char *reply)
{
    int64_t end_us = now_us();
    char token[33];

    note(&times[e->kind], end_us - (e->kind == DECIDE ? e->at_us : e->first_us));
    if (e->kind == START) {
        again(e, 0, DECIDE);
    } else if (e->kind == DECIDE) {
        token_asked(e, token);
        if (is_decided(reply, token))
            note(&decided, end_us - e->first_us);
        else if (end_us - e->first_us < 60000000)
            again(e, DECISION_US, DECIDE);
        else
            note_failure(&decided, "no decision in a minute");
    } else if (e->kind == REPORT && endless) {
        e->first_us = end_us;
        e->node = (e->node + AT_ONCE) % options.nodes;
        again(e, 0, REPORT);
    }
}

static void carry_out(struct event *e)
{
    static const char *const paths[] = {[REPORT] = "/v1/report",
                                        [START] = "/v1/report?for=start",
                                        [DECIDE] = "/v1/decisions",
                                        [FINAL] = "/v1/report?for=end"};
    static _Thread_local char body[BODY], reply[16384];
    struct node *node = &nodes[e->node];
    int status;

    pthread_mutex_lock(&node->lock);
    change(e);
    status =
        exchange("POST", paths[e->kind], body,
                 e->kind == DECIDE ? make_question(body, e) : make_body(body, e->node),
                 reply, sizeof reply);
    if (status == 200 && e->kind == FINAL)
        node->slots[e->slot].final_sent = true;
    pthread_mutex_unlock(&node->lock);
    if (status == 200) {
        done(e, reply);
        return;
    }
    if (status > 0)
        note_failure(&times[e->kind], reply);
    e->tries++;
    again(e, RETRY_US << (e->tries < 6 ? e->tries - 1 : 5), (enum kind)e->kind);
}

/* Until the next event is due; one thread at a time, so that the clock costs kwotad
 * little of the machine. Wants the lock. */
static void wait_for_event(void)
{
    for (;;) {
        int64_t now = now_us();
        struct timespec until;

        if (heap_count == 0) {
            pthread_cond_wait(&changed, &lock);
        } else if (heap[0].at_us > now) {
            until = (struct timespec){heap[0].at_us / 1000000,
                                      heap[0].at_us % 1000000 * 1000};
            pthread_cond_timedwait(&changed, &lock, &until);
        } else {
            return;
        }
    }
}

static void *work(void *arg)
{
    (void)arg;
    pthread_mutex_lock(&lock);
    while (!stop) {
        struct event e;

        while (clock_watched)
            pthread_cond_wait(&free_hand, &lock);
        clock_watched = true;
        wait_for_event();
        clock_watched = false;
        pthread_cond_signal(&free_hand);
        e = pop();
        busy++;
        pthread_mutex_unlock(&lock);
        carry_out(&e);
        pthread_mutex_lock(&lock);
        busy--;
    }
    pthread_mutex_unlock(&lock);
    return NULL;
}

/* `watch kwota`: a user's own budgets, every two seconds. */
static void *watch(void *arg)
{
    uint32_t user = (uint32_t)(uintptr_t)arg;
    static _Thread_local char reply[65536];
    uid_t uid = PLAYED_FIRST_UID + user % played->users;
    int64_t next = now_us() + (int64_t)user * 2000000 / options.watchers;

    /* Of this thread alone: munged asks the kernel who it is. */
    if (syscall(SYS_setresuid, uid, uid, -1) < 0)
        die("cannot be user %u: %s", uid, strerror(errno));
    for (;; next += 2000000) {
        sleep_until(next);
        if (stop)
            return NULL;
        if (!watching)
            continue;
        if (exchange("GET", "/v1/budgets", "", 0, reply, sizeof reply) == 200)
            note(&watched, now_us() - next);
        else
            note_failure(&watched, reply);
    }
}

/* Figures. */

static int by_size(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

static void tell_times(const char *name, struct times *t)
{
    pthread_mutex_lock(&lock);
    qsort(t->us, t->count, sizeof *t->us, by_size);
    if (t->count > 0)
        printf("  %-22s %8zu done, %" PRIu64
               " tries failed; ms: median %.1f, 99%% %.1f,"
               " most %.1f\n",
               name, t->count, t->failed, t->us[t->count / 2] / 1e3,
               t->us[t->count * 99 / 100] / 1e3, t->us[t->count - 1] / 1e3);
    else if (t->failed > 0)
        printf("  %-22s        0 done, %" PRIu64 " tries failed\n", name, t->failed);
    t->count = 0;
    t->failed = 0;
    pthread_mutex_unlock(&lock);
}

/* CPU time of a process in microseconds. */
static int64_t cpu_us(const char *pid)
{
    char path[64], text[1024], *p;
    unsigned long user = 0, kernel = 0;
    FILE *file;

    snprintf(path, sizeof path, "/proc/%s/stat", pid);
    file = fopen(path, "re");
    if (!file || !fgets(text, sizeof text, file))
        die("there is no process %s", pid);
    fclose(file);
    p = strrchr(text, ')');
    sscanf(p + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
           &kernel);
    return (int64_t)(user + kernel) * 1000000 / sysconf(_SC_CLK_TCK);
}

static long status_kb(const char *pid, const char *field)
{
    char path[64], line[256];
    long kb = 0;
    FILE *file;

    snprintf(path, sizeof path, "/proc/%s/status", pid);
    file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, field, strlen(field)) == 0)
            kb = strtol(line + strlen(field) + 1, NULL, 10);
    if (file)
        fclose(file);
    return kb;
}

struct phase {
    const char *name;
    int64_t from_us, kwotad_us, munged_us, nodes_us;
};

static struct phase begin(const char *name)
{
    return (struct phase){name, now_us(), cpu_us(options.kwotad),
                          cpu_us(options.munged), cpu_us("self")};
}

static void tell(const struct phase *p)
{
    static const char *const names[] = {"report", "start", "decide", "final"};
    double s = (double)(now_us() - p->from_us) / 1e6;

    printf("%s: %.1f s; kwotad %.1f %% of a core, munged %.1f %% (the played nodes "
           "%.1f %%); kwotad's memory %ld MB (%ld MB of its own, at most %ld MB)\n",
           p->name, s, (double)(cpu_us(options.kwotad) - p->kwotad_us) / s / 1e4,
           (double)(cpu_us(options.munged) - p->munged_us) / s / 1e4,
           (double)(cpu_us("self") - p->nodes_us) / s / 1e4,
           status_kb(options.kwotad, "VmRSS:") / 1024,
           status_kb(options.kwotad, "RssAnon:") / 1024,
           status_kb(options.kwotad, "VmHWM:") / 1024);
    for (int k = 0; k < KINDS; k++)
        tell_times(names[k], &times[k]);
    tell_times("start until decided", &decided);
    tell_times("watch kwota", &watched);
    if (first_failure[0])
        printf("  first failure: %.200s\n", first_failure);
    first_failure[0] = '\0';
    fflush(stdout);
}

/* Until nothing is under way or due. */
static void drain(int most_s)
{
    int64_t until = now_us() + (int64_t)most_s * 1000000;
    bool quiet = false;

    while (!quiet && now_us() < until) {
        sleep_until(now_us() + 20000);
        close_kept();
        pthread_mutex_lock(&lock);
        quiet = heap_count == 0 && busy == 0;
        pthread_mutex_unlock(&lock);
    }
    if (!quiet)
        printf("  still not done after %d s\n", most_s);
}

/* Every node reports once in `seconds`. */
static void plan_reports(int64_t from_us, int seconds)
{
    for (uint32_t n = 0; n < options.nodes; n++)
        plan(from_us + (int64_t)((uint64_t)n * 7919 % options.nodes) * seconds *
                           1000000 / options.nodes,
             REPORT, n, 0);
}

static void fill(void)
{
    struct phase phase = begin("fill: every node's jobs start, four a report interval");
    int64_t from = now_us();

    for (uint32_t n = 0; n < options.nodes; n++)
        for (unsigned s = 0; s < options.slots; s++)
            plan(from + (int64_t)(n * options.slots + s) * options.report_s * 1000000 /
                            options.nodes / 4,
                 START, n, s);
    drain(600);
    tell(&phase);
}

static void steady(const char *name, bool watched_too)
{
    int rounds = options.seconds / options.report_s;
    struct phase phase;

    /* What came before is not in the figures. */
    sleep_until(now_us() + 3000000);
    phase = begin(name);
    watching = watched_too;
    for (int r = 0; r < (rounds ? rounds : 1); r++) {
        plan_reports(now_us(), options.report_s);
        for (int64_t end = now_us() + (int64_t)options.report_s * 1000000;
             now_us() < end;) {
            sleep_until(now_us() + 200000);
            close_kept();
        }
    }
    drain(120);
    watching = false;
    tell(&phase);
}

/* A job of each of some nodes ends, and one of as many others starts, all within two
 * seconds. */
static void burst(uint32_t count)
{
    struct phase phase = begin("burst: finals and as many starts within two seconds, "
                               "beside the steady reports");
    int64_t from;

    sleep_until(now_us() + 1000000);
    from = now_us() + 5000000;
    plan_reports(from - 5000000, options.report_s);
    if (count > options.nodes)
        count = options.nodes;
    for (uint32_t n = 0; n < count; n++) {
        int64_t at = from + (int64_t)n * 2000000 / count;

        plan(at, FINAL, n, 0);
        plan(at, START, (n + options.nodes / 2) % options.nodes, 1);
    }
    watching = true;
    drain(options.report_s + 120);
    watching = false;
    tell(&phase);
}

/* An hour passes in which kwotad hears nothing; then everybody is there at once. */
static void outage(void)
{
    struct phase phase;

    /* The counts jump by an hour: kwotad sees no more of an outage than that. */
    for (uint32_t n = 0; n < options.nodes; n++) {
        nodes[n].epoch_ms -= 3600000;
        for (unsigned s = 0; s < options.slots; s++)
            nodes[n].slots[s].start_ms -= nodes[n].slots[s].start_ms ? 3600000 : 0;
    }
    sleep_until(now_us() + 3000000);
    phase = begin("back: every node at once after an hour's outage, each with an end");
    for (uint32_t n = 0; n < options.nodes; n++)
        plan(now_us() + (int64_t)n * 10, FINAL, n, 2);
    drain(600);
    tell(&phase);
}

static void most(void)
{
    struct phase phase;
    size_t count;
    double s;

    sleep_until(now_us() + 3000000);
    phase = begin("most: as many reports as it can bear");
    endless = true;
    for (uint32_t n = 0; n < AT_ONCE && n < options.nodes; n++)
        plan(now_us(), REPORT, n, 0);
    for (int64_t end = now_us() + 20000000; now_us() < end;) {
        sleep_until(now_us() + 200000);
        close_kept();
    }
    endless = false;
    s = (double)(now_us() - phase.from_us) / 1e6;
    pthread_mutex_lock(&lock);
    count = times[REPORT].count;
    pthread_mutex_unlock(&lock);
    drain(60);
    printf("%.0f reports a second: as many as %.0f nodes send every %d s\n",
           (double)count / s, (double)count / s * options.report_s, options.report_s);
    tell(&phase);
}

static void map_played(void)
{
    size_t size = sizeof *played + (size_t)options.nodes * options.slots *
                                       PLAYED_GENERATIONS * sizeof played->jobs[0];
    int fd = open(options.played, O_RDWR | O_CLOEXEC);

    if (fd < 0 || (played = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
                                 0)) == MAP_FAILED)
        die("%s: %s", options.played, strerror(errno));
    close(fd);
}

/* The file for kwotad-alone: made before it starts. */
static int make_played(void)
{
    struct played head = {options.nodes, options.slots, 1000, 100, 0};
    size_t size = sizeof head + (size_t)options.nodes * options.slots *
                                    PLAYED_GENERATIONS * sizeof head.jobs[0];
    int fd = open(options.played, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd < 0 || ftruncate(fd, (off_t)size) < 0 ||
        write(fd, &head, sizeof head) != (ssize_t)sizeof head)
        die("%s: %s", options.played, strerror(errno));
    close(fd);
    return 0;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    switch (key) {
    case 'p':
        options.port = atoi(arg);
        return 0;
    case 'm':
        options.munge = arg;
        return 0;
    case 'f':
        options.played = arg;
        return 0;
    case 'n':
        options.nodes = (uint32_t)atoi(arg);
        return 0;
    case 'j':
        options.slots = (uint32_t)atoi(arg);
        return 0;
    case 's':
        options.seconds = atoi(arg);
        return 0;
    case 'r':
        options.report_s = atoi(arg);
        return 0;
    case 'w':
        options.watchers = atoi(arg);
        return 0;
    case 'k':
        options.kwotad = arg;
        return 0;
    case 'u':
        options.munged = arg;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "\"%s\" is too much", arg);
        return 0;
    case ARGP_KEY_END:
        if (!options.played || options.slots < 1 || options.slots > MOST_SLOTS ||
            options.nodes < 1)
            argp_error(state, "--played, and sensible --nodes and --jobs");
        return 0;
    }
    return ARGP_ERR_UNKNOWN;
}

static void start_threads(void)
{
    pthread_attr_t small;
    pthread_t thread;

    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, STACK);
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&thread, &small, work, NULL) != 0)
            die("a thread cannot be started");
    for (int i = 0; i < options.watchers; i++)
        if (pthread_create(&thread, &small, watch, (void *)(uintptr_t)i) != 0)
            die("a thread cannot be started");
}

int main(int argc, char **argv)
{
    static const struct argp_option list[] = {
        {"port", 'p', "PORT", 0, "kwotad's", 0},
        {"munge", 'm', "SOCKET", 0, "the nodes' munged", 0},
        {"played", 'f', "FILE", 0, "the played jobs; without --kwotad: made", 0},
        {"nodes", 'n', "COUNT", 0, "[10000]", 0},
        {"jobs", 'j', "COUNT", 0, "of each node [4]", 0},
        {"seconds", 's', "S", 0, "of the steady phases [60]", 0},
        {"report", 'r', "S", 0, "between a node's reports [60]", 0},
        {"watchers", 'w', "COUNT", 0, "users with watch kwota [100]", 0},
        {"kwotad", 'k', "PID", 0, "", 0},
        {"munged", 'u', "PID", 0, "kwotad's", 0},
        {0}};
    static const struct argp argp = {list, parse, NULL, NULL, NULL, NULL, NULL};
    struct rlimit files = {65536, 65536};

    argp_parse(&argp, argc, argv, 0, NULL, NULL);
    if (!options.kwotad)
        return make_played();
    setrlimit(RLIMIT_NOFILE, &files);
    sem_init(&signing, 0, 8);
    map_played();
    nodes = calloc(options.nodes, sizeof *nodes);
    if (!nodes)
        die("out of memory");
    for (uint32_t n = 0; n < options.nodes; n++) {
        pthread_mutex_init(&nodes[n].lock, NULL);
        nodes[n].epoch_ms = now_us() / 1000 - 100000;
    }
    start_threads();
    fill();
    steady("steady: every node once a minute", false);
    steady("steady, and a hundred users with watch kwota", true);
    burst(2400);
    outage();
    most();
    stop = true;
    return 0;
}
