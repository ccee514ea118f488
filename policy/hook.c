/* hook.c - the site's own program, told of what happens */
#include "policy/hook.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "policy/log.h"

/* More wait for their turn at most. */
#define WAITING_MOST 256

/* How often those that run are looked at. */
#define LOOK_NS 50000000

extern char **environ;

/* A program that is to be told. */
struct call {
    char *program, *text;
};

struct child {
    pid_t pid; /* and its process group; 0: none */
    int64_t until_ms;
};

struct hook {
    int64_t limit_ms;
    pthread_t thread;
    pthread_mutex_t lock; /* guards what is between here and the children */
    pthread_cond_t told;
    bool stop;
    struct call waiting[WAITING_MOST];
    int count, dropped;
    struct child children[HOOK_MOST]; /* of the thread alone */
};

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void call_done(struct call *call)
{
    free(call->program);
    free(call->text);
}

/* A file in memory with the text: unlike a pipe nobody can be kept waiting by it. */
static int open_text(const char *text)
{
    int fd = memfd_create("kwota-event", MFD_CLOEXEC);
    size_t size = strlen(text);

    if (fd < 0)
        return -1;
    if (write(fd, text, size) != (ssize_t)size || lseek(fd, 0, SEEK_SET) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

/* A process group of its own and nothing of kwotad's but its log. */
static int spawn(const struct call *call, int input, pid_t *pid)
{
    char *const argv[] = {call->program, NULL};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t how;
    sigset_t none, all;
    int rc;

    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_init(&how);
    posix_spawnattr_setflags(&how, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                       POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setpgroup(&how, 0);
    posix_spawnattr_setsigmask(&how, &none);
    posix_spawnattr_setsigdefault(&how, &all);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, input, STDIN_FILENO);
    posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
#if defined __GLIBC__ && __GLIBC_PREREQ(2, 34)
    posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
#endif
    rc = posix_spawn(pid, call->program, &files, &how, argv, environ);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&how);
    return rc;
}

static void begin(const struct hook *hook, struct child *child, const struct call *call)
{
    int input = open_text(call->text), rc;

    rc = input < 0 ? errno : spawn(call, input, &child->pid);
    if (input >= 0)
        close(input);
    if (rc == 0) {
        child->until_ms = now_ms() + hook->limit_ms;
        return;
    }
    child->pid = 0;
    log_line("the hook %s cannot be run (%s); limits.hook names it", call->program,
             strerror(rc));
}

/* Lets go of one that is over or has taken too long; false: it goes on. */
static bool look_at(const struct hook *hook, struct child *child)
{
    int status;
    pid_t over = waitpid(child->pid, &status, WNOHANG);

    if (over == 0 && now_ms() < child->until_ms)
        return false;
    if (over == 0) {
        log_line("the hook took longer than %lld s: it is killed",
                 (long long)hook->limit_ms / 1000);
        kill(-child->pid, SIGKILL);
        waitpid(child->pid, &status, 0);
    } else if (over > 0 && WIFEXITED(status) && WEXITSTATUS(status) != 0) {
        log_line("the hook ended with status %d", WEXITSTATUS(status));
    } else if (over > 0 && WIFSIGNALED(status)) {
        log_line("the hook was ended by signal %d", WTERMSIG(status));
    }
    child->pid = 0;
    return true;
}

/* How many of them run on. */
static int look_after(struct hook *hook)
{
    int running = 0;

    for (int i = 0; i < HOOK_MOST; i++)
        if (hook->children[i].pid != 0 && !look_at(hook, &hook->children[i]))
            running++;
    return running;
}

static struct child *room(struct hook *hook)
{
    for (int i = 0; i < HOOK_MOST; i++)
        if (hook->children[i].pid == 0)
            return &hook->children[i];
    return NULL;
}

/* The next one, with the lock held; false: none waits. */
static bool take(struct hook *hook, struct call *call)
{
    if (hook->count == 0)
        return false;
    *call = hook->waiting[0];
    hook->count--;
    memmove(hook->waiting, hook->waiting + 1,
            (size_t)hook->count * sizeof *hook->waiting);
    return true;
}

static void end_all(struct hook *hook)
{
    for (int i = 0; i < HOOK_MOST; i++) {
        if (hook->children[i].pid == 0)
            continue;
        kill(-hook->children[i].pid, SIGKILL);
        waitpid(hook->children[i].pid, NULL, 0);
    }
}

static void *work(void *arg)
{
    static const struct timespec pause = {0, LOOK_NS};
    struct hook *hook = arg;
    struct call call;

    pthread_mutex_lock(&hook->lock);
    while (!hook->stop) {
        struct child *child = room(hook);
        bool any = child && take(hook, &call);
        int running;

        pthread_mutex_unlock(&hook->lock);
        if (any) {
            begin(hook, child, &call);
            call_done(&call);
        }
        running = look_after(hook);
        if (!any && running > 0)
            nanosleep(&pause, NULL);
        pthread_mutex_lock(&hook->lock);
        while (!hook->stop && hook->count == 0 && running == 0)
            pthread_cond_wait(&hook->told, &hook->lock);
    }
    pthread_mutex_unlock(&hook->lock);
    end_all(hook);
    return NULL;
}

struct hook *hook_start(int64_t limit_ms)
{
    struct hook *hook = calloc(1, sizeof *hook);

    if (!hook)
        return NULL;
    hook->limit_ms = limit_ms;
    pthread_mutex_init(&hook->lock, NULL);
    pthread_cond_init(&hook->told, NULL);
    if (pthread_create(&hook->thread, NULL, work, hook) == 0)
        return hook;
    free(hook);
    return NULL;
}

void hook_tell(struct hook *hook, const char *program, const json_t *event)
{
    struct call call;

    if (!program)
        return;
    call.program = strdup(program);
    call.text = json_dumps(event, JSON_COMPACT);
    pthread_mutex_lock(&hook->lock);
    if (call.program && call.text && hook->count < WAITING_MOST) {
        hook->waiting[hook->count++] = call;
        hook->dropped = 0;
        pthread_cond_signal(&hook->told);
        call = (struct call){NULL, NULL};
    } else if (hook->dropped++ == 0) {
        log_line("the hook %s is not told of everything: it is too slow", program);
    }
    pthread_mutex_unlock(&hook->lock);
    call_done(&call);
}

void hook_stop(struct hook *hook)
{
    if (!hook)
        return;
    pthread_mutex_lock(&hook->lock);
    hook->stop = true;
    pthread_cond_signal(&hook->told);
    pthread_mutex_unlock(&hook->lock);
    pthread_join(hook->thread, NULL);
    for (int i = 0; i < hook->count; i++)
        call_done(&hook->waiting[i]);
    pthread_mutex_destroy(&hook->lock);
    pthread_cond_destroy(&hook->told);
    free(hook);
}
