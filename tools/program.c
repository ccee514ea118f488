/* program.c - what another program prints, for so long at most */
#include "tools/program.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* What is longer is cut. */
#define MOST_BYTES (1 << 20)

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void become(const char *const *words, int out)
{
    int null = open("/dev/null", O_RDONLY);

    setpgid(0, 0);
    dup2(null, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    dup2(out, STDERR_FILENO);
    execvp(words[0], (char *const *)(uintptr_t)words);
    _exit(127);
}

/* Reads to the end; 0, or -1 when time is over. */
static int gather(int fd, int64_t until_ms, char *text)
{
    size_t len = 0;
    ssize_t n = 1;

    while (n > 0) {
        struct pollfd wait = {fd, POLLIN, 0};
        int64_t left_ms = until_ms - now_ms();

        if (left_ms <= 0 || poll(&wait, 1, (int)left_ms) <= 0)
            return -1;
        n = read(fd, text + len, MOST_BYTES - 1 - len);
        len += n > 0 ? (size_t)n : 0;
        text[len] = '\0';
    }
    return 0;
}

int program_output(const char *const *words, int seconds, char **text)
{
    int pipes[2], status = 0, rc;
    pid_t child;

    *text = calloc(1, MOST_BYTES);
    if (!*text)
        abort();
    if (pipe2(pipes, O_CLOEXEC) < 0)
        return -1;
    child = fork();
    if (child == 0)
        become(words, pipes[1]);
    close(pipes[1]);
    rc = child < 0 ? -1 : gather(pipes[0], now_ms() + seconds * INT64_C(1000), *text);
    close(pipes[0]);
    if (child < 0)
        return -1;
    if (rc < 0)
        kill(-child, SIGKILL);
    if (waitpid(child, &status, 0) < 0 || rc < 0 || !WIFEXITED(status))
        return -1;
    return WEXITSTATUS(status);
}
