/* plant.c - kwota-plant: one simulated node's counters, moved by what its jobs really
 * use
 *
 * kwota-plant run    keeps the counters, until `trick stop` or a signal
 * kwota-plant job    tells a running plant which job holds how much of the node
 *                    or asks how much work a job has done
 * kwota-plant trick  makes a counter or a driver misbehave, shows or changes a power
 *                    limit as somebody else would, or asks for the truth at this moment
 * kwota-plant truth  prints the last truth of a domain
 */
#include <argp.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "tests/plant/command.h"
#include "tests/plant/control.h"
#include "tests/plant/figures.h"
#include "tests/plant/jobs.h"
#include "tests/plant/nodelist.h"
#include "tests/plant/truth.h"

#define STEPS_A_SECOND 10

struct arguments {
    const char *verb;
    const char *words[3];
    int word_count;
    const char *node, *root, *cgroup, *truth, *socket, *figures, *domain, *nvml;
    long cpus, job, core_mw, gpu_mw, gpu_busy, mw;
    int64_t wrap_in_uj;
    bool from_env, strict;
};

enum {
    OPT_WRAP = 256,
    OPT_FROM_ENV,
    OPT_STRICT,
    OPT_CORE_MW,
    OPT_GPU_MW,
    OPT_GPU_BUSY,
    OPT_MW,
    OPT_NVML
};

static const struct argp_option options[] = {
    {"node", 'n', "NODE", 0, "run: the node's name, as Slurm knows it", 0},
    {"root", 'r', "DIR", 0, "run: stands in for / ; the counters go there", 0},
    {"cgroup", 'g', "DIR", 0, "run: where cgroups are mounted [/sys/fs/cgroup]", 0},
    {"truth", 't', "FILE", 0, "run, truth: the truth file", 0},
    {"socket", 's', "FILE", 0, "the plant's control socket", 0},
    {"figures", 'f', "FILE", 0, "run: watts, as JSON", 0},
    {"cpus", 'c', "N", 0, "run: the node's CPUs; job start: the job's", 0},
    {"wrap-in-uj", OPT_WRAP, "N", 0, "run: new counters wrap after N µJ", 0},
    {"job", 'j', "ID", 0, "job: its id", 0},
    {"from-env", OPT_FROM_ENV, 0, 0, "job: id and CPUs from a prolog's environment", 0},
    {"core-mw", OPT_CORE_MW, "N", 0, "job set: its own package power per busy core", 0},
    {"gpu-mw", OPT_GPU_MW, "N", 0, "job set: its own power on a GPU while busy", 0},
    {"gpu-busy", OPT_GPU_BUSY, "PERCENT", 0,
     "job set: its GPUs are busy so much of the time, whatever its CPUs do", 0},
    {"mw", OPT_MW, "N", 0, "trick limit: what somebody else sets it to", 0},
    {"strict", OPT_STRICT, 0, 0, "job: exit status 1 when no plant answers", 0},
    {"nvml", OPT_NVML, "FILE", 0, "run: the fake libnvidia-ml.so.1 to put there", 0},
    {"domain", 'd', "NAME", 0, "trick, truth: which counter", 0},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct arguments *a = state->input;

    switch (key) {
    case 'n':
        a->node = arg;
        break;
    case 'r':
        a->root = arg;
        break;
    case 'g':
        a->cgroup = arg;
        break;
    case 't':
        a->truth = arg;
        break;
    case 's':
        a->socket = arg;
        break;
    case 'f':
        a->figures = arg;
        break;
    case 'c':
        a->cpus = atol(arg);
        break;
    case 'j':
        a->job = atol(arg);
        break;
    case 'd':
        a->domain = arg;
        break;
    case OPT_WRAP:
        a->wrap_in_uj = atoll(arg);
        break;
    case OPT_FROM_ENV:
        a->from_env = true;
        break;
    case OPT_STRICT:
        a->strict = true;
        break;
    case OPT_NVML:
        a->nvml = arg;
        break;
    case OPT_CORE_MW:
        a->core_mw = atol(arg);
        break;
    case OPT_GPU_MW:
        a->gpu_mw = atol(arg);
        break;
    case OPT_GPU_BUSY:
        a->gpu_busy = atol(arg);
        break;
    case OPT_MW:
        a->mw = atol(arg);
        break;
    case ARGP_KEY_ARG:
        if (a->word_count == 2)
            argp_usage(state);
        a->words[a->word_count++] = arg;
        break;
    case ARGP_KEY_END:
        if (a->word_count == 0)
            argp_usage(state);
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_BOOTTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void plant_take_limits(struct plant *plant)
{
    uint32_t changed = tree_take_limits(&plant->tree, &plant->model);

    for (int d = 0; d < plant->model.domains; d++)
        if (changed & UINT32_C(1) << d)
            truth_limit(plant->truth, plant->tree.counter[d].name,
                        plant->tree.counter[d].limit_mw);
}

void plant_advance(struct plant *plant)
{
    int64_t now = now_ns(), now_ms = truth_now_ms();

    plant_take_limits(plant);
    jobs_look(&plant->model, plant->cgroup_root, plant->node);
    model_advance(&plant->model, now - plant->then_ns);
    plant->then_ns = now;
    plant->then_ms = now_ms;
    tree_write(&plant->tree, &plant->model);
}

static void answer(struct plant *plant, int listener)
{
    char line[CONTROL_LINE];
    int fd = control_accept(listener, line);
    FILE *out;

    if (fd < 0)
        return;
    out = fdopen(fd, "w");
    if (!out) {
        close(fd);
        return;
    }
    command_run(plant, line, out);
    fclose(out);
}

static int start_timer(void)
{
    struct itimerspec every = {{0, 1000000000 / STEPS_A_SECOND}, {0, 1}};
    int fd = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC);

    return fd < 0 || timerfd_settime(fd, 0, &every, NULL) < 0 ? -1 : fd;
}

static int catch_signals(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    return signalfd(-1, &set, SFD_CLOEXEC);
}

static void loop(struct plant *plant, int listener)
{
    struct pollfd fds[] = {{start_timer(), POLLIN, 0},
                           {listener, POLLIN, 0},
                           {catch_signals(), POLLIN, 0}};

    for (unsigned step = 0; !plant->stopping;) {
        uint64_t expired;

        if (poll(fds, 3, -1) < 0 && errno != EINTR)
            break;
        if (fds[0].revents && read(fds[0].fd, &expired, sizeof expired) > 0) {
            plant_advance(plant);
            if (step++ % STEPS_A_SECOND == 0)
                truth_write(plant->truth, plant->then_ms, &plant->model, &plant->tree);
        }
        if (fds[1].revents)
            answer(plant, listener);
        if (fds[2].revents)
            plant->stopping = true;
    }
    truth_write(plant->truth, plant->then_ms, &plant->model, &plant->tree);
}

static struct plant plant;

static int run(const struct arguments *a)
{
    struct figures figures;
    char error[512];
    int listener = -1;

    if (!a->node || !a->root || !a->truth || !a->socket || a->cpus < 1) {
        fprintf(stderr,
                "kwota-plant: run needs --node, --root, --truth, --socket, --cpus\n");
        return 2;
    }
    figures_default(&figures);
    if (a->figures && figures_read(&figures, a->figures, error, sizeof error) < 0) {
        fprintf(stderr, "kwota-plant: %s\n", error);
        return 2;
    }
    plant.node = a->node;
    plant.cgroup_root = a->cgroup;
    model_init(&plant.model, &figures, (int)a->cpus);
    truth_restore(a->truth, &plant.model);
    plant.truth = fopen(a->truth, "ae");
    /* Whoever finds the socket finds the tree, too. */
    if (!plant.truth ||
        tree_open(&plant.tree, a->root, &plant.model, a->wrap_in_uj) < 0 ||
        (a->nvml && tree_open_gpus(&plant.tree, &plant.model, a->nvml) < 0) ||
        (listener = control_listen(a->socket)) < 0) {
        fprintf(stderr, "kwota-plant: %s, %s or %s: %s\n", a->truth, a->socket, a->root,
                strerror(errno));
        return 1;
    }
    plant.then_ns = now_ns();
    plant.then_ms = truth_now_ms();
    loop(&plant, listener);
    unlink(a->socket);
    return 0;
}

/* "start 12 2" from a prolog's environment, or the options. */
static int job_line(const struct arguments *a, char *line, size_t size)
{
    const char *verb = a->words[1], *id = getenv("SLURM_JOB_ID"),
               *list = getenv("SLURM_NODELIST"), *node = getenv("SLURMD_NODENAME"),
               *per_node = getenv("SLURM_JOB_CPUS_PER_NODE"),
               *gpus = getenv("SLURM_JOB_GPUS"), *sluid = getenv("SLURM_JOB_SLUID");
    long job = a->job, cpus = a->cpus;

    if (!list)
        list = getenv("SLURM_JOB_NODELIST");
    if (a->from_env) {
        job = id ? atol(id) : 0;
        cpus = list && node && per_node
                   ? nodelist_cpus(per_node, nodelist_index(list, node))
                   : -1;
    }
    if (!verb || job <= 0)
        return -1;
    if (strcmp(verb, "start") == 0 && cpus > 0)
        snprintf(line, size, "start %ld %ld %s %s", job, cpus,
                 gpus && *gpus ? gpus : "-", sluid ? sluid : "");
    else if (strcmp(verb, "suspend") == 0 || strcmp(verb, "resume") == 0)
        snprintf(line, size, "%s %ld", verb, job);
    else if (strcmp(verb, "end") == 0)
        snprintf(line, size, "end %ld", job);
    else if (strcmp(verb, "set") == 0)
        snprintf(line, size, "set %ld %ld %ld %ld", job, a->core_mw, a->gpu_mw,
                 a->gpu_busy);
    else if (strcmp(verb, "work") == 0)
        snprintf(line, size, "work %ld", job);
    else
        return -1;
    return 0;
}

/* A prolog must go on whatever becomes of its plant: without --strict, always 0. */
static int tell(const struct arguments *a)
{
    char line[CONTROL_LINE];

    if (!a->socket || job_line(a, line, sizeof line) < 0) {
        fprintf(stderr, "kwota-plant: job start|end|set|work --socket S --job ID "
                        "[--cpus N] [--core-mw N] [--gpu-mw N] [--gpu-busy N]\n");
        return a->strict ? 2 : 0;
    }
    return control_ask(a->socket, line) < 0 && a->strict ? 1 : 0;
}

static int play(const struct arguments *a)
{
    char line[CONTROL_LINE];

    if (!a->socket || !a->words[1]) {
        fprintf(stderr,
                "kwota-plant: trick sync|stop|reset|unlimit|limit|freeze|thaw|deny|"
                "hang|fail|refuse|nolimit|coarse|stubborn|crash|crashearly|allow "
                "--socket S [--domain D] [--mw N]\n");
        return 2;
    }
    snprintf(line, sizeof line, "%s%s%s", a->words[1], a->domain ? " " : "",
             a->domain ? a->domain : "");
    if (a->mw > 0)
        snprintf(line + strlen(line), sizeof line - strlen(line), " %ld", a->mw);
    return control_ask(a->socket, line) < 0 ? 1 : 0;
}

int main(int argc, char **argv)
{
    static const struct argp argp = {options,
                                     parse,
                                     "run|job VERB|trick WHAT|truth",
                                     "Simulates one node's energy counters.",
                                     NULL,
                                     NULL,
                                     NULL};
    struct arguments a = {.cgroup = "/sys/fs/cgroup",
                          .wrap_in_uj = -1,
                          .core_mw = -1,
                          .gpu_mw = -1,
                          .gpu_busy = -1};

    argp_parse(&argp, argc, argv, 0, NULL, &a);
    if (strcmp(a.words[0], "run") == 0)
        return run(&a);
    if (strcmp(a.words[0], "job") == 0)
        return tell(&a);
    if (strcmp(a.words[0], "trick") == 0)
        return play(&a);
    if (strcmp(a.words[0], "truth") == 0 && a.truth && a.domain)
        return truth_print(a.truth, a.domain, stdout) < 0 ? 1 : 0;
    fprintf(stderr, "kwota-plant: run, job, trick, or truth --truth FILE --domain D\n");
    return 2;
}
