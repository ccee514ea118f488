/* quote_options.c - a job as sbatch would be told of it */
#include "tools/quote_options.h"

#include <getopt.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/energy_budget.h"
#include "policy/watts.h"
#include "tools/quote_value.h"

/* Options that have no letter; QUIET ones change nothing of what a job uses or is
 * given, NOTED ones may, but what they do only slurmctld can work out. */
enum {
    GPUS_PER_NODE = 256,
    GPUS_PER_SOCKET,
    GPUS_PER_TASK,
    GRES,
    EXCLUSIVE,
    ENERGY_BUDGET,
    GPU_POWER_CAP,
    NTASKS_PER_NODE,
    MINCPUS,
    SOCKETS_PER_NODE,
    WRAP,
    JSON,
    USER,
    QUIET,
    NOTED,
};

#define NO no_argument
#define YES required_argument
#define MAY optional_argument

/* All of sbatch's, so that what follows an option is not taken for the script. */
static const struct option longs[] = {{"account", YES, NULL, 'A'},
                                      {"array", YES, NULL, 'a'},
                                      {"cpus-per-task", YES, NULL, 'c'},
                                      {"energy-budget", YES, NULL, ENERGY_BUDGET},
                                      {"exclusive", MAY, NULL, EXCLUSIVE},
                                      {"gpu-power-cap", YES, NULL, GPU_POWER_CAP},
                                      {"gpus", YES, NULL, 'G'},
                                      {"gpus-per-node", YES, NULL, GPUS_PER_NODE},
                                      {"gpus-per-socket", YES, NULL, GPUS_PER_SOCKET},
                                      {"gpus-per-task", YES, NULL, GPUS_PER_TASK},
                                      {"gres", YES, NULL, GRES},
                                      {"help", NO, NULL, 'h'},
                                      {"job-name", YES, NULL, 'J'},
                                      {"json", NO, NULL, JSON},
                                      {"mincpus", YES, NULL, MINCPUS},
                                      {"nodes", YES, NULL, 'N'},
                                      {"ntasks", YES, NULL, 'n'},
                                      {"ntasks-per-node", YES, NULL, NTASKS_PER_NODE},
                                      {"overcommit", NO, NULL, 'O'},
                                      {"partition", YES, NULL, 'p'},
                                      {"sockets-per-node", YES, NULL, SOCKETS_PER_NODE},
                                      {"time", YES, NULL, 't'},
                                      {"user", YES, NULL, USER},
                                      {"wrap", YES, NULL, WRAP},
                                      {"clusters", YES, NULL, NOTED},
                                      {"core-spec", YES, NULL, NOTED},
                                      {"cores-per-socket", YES, NULL, NOTED},
                                      {"cpus-per-gpu", YES, NULL, NOTED},
                                      {"extra-node-info", YES, NULL, NOTED},
                                      {"mem", YES, NULL, NOTED},
                                      {"mem-per-cpu", YES, NULL, NOTED},
                                      {"mem-per-gpu", YES, NULL, NOTED},
                                      {"nodefile", YES, NULL, NOTED},
                                      {"nodelist", YES, NULL, NOTED},
                                      {"ntasks-per-core", YES, NULL, NOTED},
                                      {"ntasks-per-gpu", YES, NULL, NOTED},
                                      {"ntasks-per-socket", YES, NULL, NOTED},
                                      {"thread-spec", YES, NULL, NOTED},
                                      {"threads-per-core", YES, NULL, NOTED},
                                      {"tres-per-task", YES, NULL, NOTED},
                                      {"uid", YES, NULL, NOTED},
                                      {"acctg-freq", YES, NULL, QUIET},
                                      {"batch", YES, NULL, QUIET},
                                      {"bb", YES, NULL, QUIET},
                                      {"bbf", YES, NULL, QUIET},
                                      {"begin", YES, NULL, QUIET},
                                      {"chdir", YES, NULL, QUIET},
                                      {"cluster-constraint", YES, NULL, QUIET},
                                      {"comment", YES, NULL, QUIET},
                                      {"constraint", YES, NULL, QUIET},
                                      {"container", YES, NULL, QUIET},
                                      {"container-id", YES, NULL, QUIET},
                                      {"contiguous", NO, NULL, QUIET},
                                      {"cpu-freq", YES, NULL, QUIET},
                                      {"deadline", YES, NULL, QUIET},
                                      {"delay-boot", YES, NULL, QUIET},
                                      {"dependency", YES, NULL, QUIET},
                                      {"distribution", YES, NULL, QUIET},
                                      {"energy-report", MAY, NULL, QUIET},
                                      {"error", YES, NULL, QUIET},
                                      {"exclude", YES, NULL, QUIET},
                                      {"export", YES, NULL, QUIET},
                                      {"export-file", YES, NULL, QUIET},
                                      {"extra", YES, NULL, QUIET},
                                      {"get-user-env", MAY, NULL, QUIET},
                                      {"gid", YES, NULL, QUIET},
                                      {"gpu-bind", YES, NULL, QUIET},
                                      {"gpu-freq", YES, NULL, QUIET},
                                      {"gpu-power-cap", YES, NULL, QUIET},
                                      {"gres-flags", YES, NULL, QUIET},
                                      {"hint", YES, NULL, QUIET},
                                      {"hold", NO, NULL, QUIET},
                                      {"ignore-pbs", NO, NULL, QUIET},
                                      {"input", YES, NULL, QUIET},
                                      {"kill-on-invalid-dep", YES, NULL, QUIET},
                                      {"licenses", YES, NULL, QUIET},
                                      {"mail-type", YES, NULL, QUIET},
                                      {"mail-user", YES, NULL, QUIET},
                                      {"mcs-label", YES, NULL, QUIET},
                                      {"mem-bind", YES, NULL, QUIET},
                                      {"network", YES, NULL, QUIET},
                                      {"nice", MAY, NULL, QUIET},
                                      {"no-kill", MAY, NULL, QUIET},
                                      {"no-requeue", NO, NULL, QUIET},
                                      {"open-mode", YES, NULL, QUIET},
                                      {"output", YES, NULL, QUIET},
                                      {"oversubscribe", NO, NULL, QUIET},
                                      {"parsable", NO, NULL, QUIET},
                                      {"power", YES, NULL, QUIET},
                                      {"prefer", YES, NULL, QUIET},
                                      {"priority", YES, NULL, QUIET},
                                      {"profile", YES, NULL, QUIET},
                                      {"propagate", MAY, NULL, QUIET},
                                      {"qos", YES, NULL, QUIET},
                                      {"quiet", NO, NULL, QUIET},
                                      {"reboot", NO, NULL, QUIET},
                                      {"requeue", NO, NULL, QUIET},
                                      {"reservation", YES, NULL, QUIET},
                                      {"resv-ports", MAY, NULL, QUIET},
                                      {"segment", YES, NULL, QUIET},
                                      {"signal", YES, NULL, QUIET},
                                      {"spread-job", NO, NULL, QUIET},
                                      {"switches", YES, NULL, QUIET},
                                      {"test-only", NO, NULL, QUIET},
                                      {"time-min", YES, NULL, QUIET},
                                      {"tmp", YES, NULL, QUIET},
                                      {"use-min-nodes", NO, NULL, QUIET},
                                      {"verbose", NO, NULL, QUIET},
                                      {"wait", NO, NULL, QUIET},
                                      {"wait-all-nodes", YES, NULL, QUIET},
                                      {"wckey", YES, NULL, QUIET},
                                      {NULL, 0, NULL, 0}};

/* "+": up to the script; ":": what lacks its value is told apart. */
static const char letters[] =
    "+:A:a:B:b:C:c:D:d:e:F:G:Hhi:J:k::L:M:m:N:n:Oo:p:Qq:S:st:vWw:x:";

void quote_options_init(struct quote_options *o)
{
    *o = (struct quote_options){.limit_s = -1, .tasks = 1};
}

/* Adds an option to what is ignored, once. */
static void note(struct quote_options *o, const char *name)
{
    size_t length = strcspn(name, "="), used = strlen(o->ignored);
    char item[80];

    snprintf(item, sizeof item, "%.*s", (int)(length < 64 ? length : 64), name);
    for (char *at = o->ignored; (at = strstr(at, item)); at++)
        if (at[strlen(item)] == ',' || at[strlen(item)] == '\0')
            return;
    if (used + strlen(item) + 3 < sizeof o->ignored)
        snprintf(o->ignored + used, sizeof o->ignored - used, "%s%s", used ? ", " : "",
                 item);
}

/* What may stand after an option whose value is read by a function. */
static const struct {
    int option;
    const char *name;
    size_t at;
    int (*read)(const char *text, int64_t *value);
    const char *examples;
} numbers[] = {
#define AT(field) offsetof(struct quote_options, field)
    {'N', "nodes", AT(nodes), quote_nodes, "2, 2-4"},
    {'n', "ntasks", AT(ntasks), quote_count, "16"},
    {'c', "cpus-per-task", AT(cpus_per_task), quote_count, "4"},
    {'t', "time", AT(limit_s), quote_time,
     "90, 90:00, 1:30:00, 1-12, 1-12:30, 1-12:30:00, UNLIMITED"},
    {'a', "array", AT(tasks), quote_array, "0-15, 1,3,5-7, 0-15:4, 0-15%4"},
    {'G', "gpus", AT(gpus), quote_gpus, "2, a100:2"},
    {GPUS_PER_NODE, "gpus-per-node", AT(gpus_per_node), quote_gpus, "2, a100:2"},
    {GPUS_PER_SOCKET, "gpus-per-socket", AT(gpus_per_socket), quote_gpus, "2, a100:2"},
    {GPUS_PER_TASK, "gpus-per-task", AT(gpus_per_task), quote_gpus, "2, a100:2"},
    {GRES, "gres", AT(gres_gpus), quote_gres, "gpu:2, gpu:a100:2"},
    {NTASKS_PER_NODE, "ntasks-per-node", AT(ntasks_per_node), quote_count, "16"},
    {MINCPUS, "mincpus", AT(cpus_per_node), quote_count, "16"},
    {SOCKETS_PER_NODE, "sockets-per-node", AT(sockets_per_node), quote_count, "2"},
};

static const struct {
    int option;
    const char *name;
    size_t at, size;
} texts[] = {
#define OF(field) AT(field), sizeof((struct quote_options *)NULL)->field
    {'A', "account", OF(account)}, {'p', "partition", OF(partition)},
    {'J', "job-name", OF(name)},   {ENERGY_BUDGET, "energy-budget", OF(budget)},
    {USER, "user", OF(user)},      {GPU_POWER_CAP, "gpu-power-cap", OF(gpu_cap)},
};

static int take_number(struct quote_options *o, int option, const char *value,
                       char mistake[QUOTE_MISTAKE])
{
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        int64_t *to = (int64_t *)(void *)((char *)o + numbers[i].at);

        if (numbers[i].option != option)
            continue;
        if (numbers[i].read(value, to) == 0)
            return 1;
        snprintf(mistake, QUOTE_MISTAKE,
                 "--%s=%.60s is nothing that sbatch takes: say, for example, %s",
                 numbers[i].name, value, numbers[i].examples);
        return -1;
    }
    return 0;
}

static int take_text(struct quote_options *o, int option, const char *value,
                     char mistake[QUOTE_MISTAKE])
{
    int64_t wh, mw;

    if (option == GPU_POWER_CAP && watts_parse_cap(value, &mw) < 0) {
        snprintf(
            mistake, QUOTE_MISTAKE,
            "--gpu-power-cap=%.60s is no power of a GPU, from 10W to 10kW: say, for "
            "example, --gpu-power-cap=250W",
            value);
        return -1;
    }
    if (option == ENERGY_BUDGET && energy_budget_parse(value, &wh) < 0) {
        snprintf(mistake, QUOTE_MISTAKE,
                 "--energy-budget=%.60s is no amount of energy: say, for example, "
                 "--energy-budget=2kWh",
                 value);
        return -1;
    }
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (texts[i].option != option)
            continue;
        if (!*value || strlen(value) >= texts[i].size) {
            snprintf(mistake, QUOTE_MISTAKE,
                     "--%s wants a name of less than %zu characters", texts[i].name,
                     texts[i].size);
            return -1;
        }
        snprintf((char *)o + texts[i].at, texts[i].size, "%s", value);
        return 1;
    }
    return 0;
}

/* One option as getopt found it; `word` is as it was written. */
static int take(struct quote_options *o, int option, const char *word,
                char mistake[QUOTE_MISTAKE])
{
    int rc = optarg ? take_number(o, option, optarg, mistake) : 0;

    if (rc == 0 && optarg)
        rc = take_text(o, option, optarg, mistake);
    if (rc != 0)
        return rc < 0 ? -1 : 0;
    if (option == EXCLUSIVE)
        o->exclusive = !optarg; /* "user" and "mcs" share nodes */
    else if (option == 'O')
        o->overcommit = true;
    else if (option == WRAP)
        o->wrapped = true;
    else if (option == JSON)
        o->json = true;
    else if (option == 'h')
        o->help = true;
    else if (option == NOTED || option == '?' ||
             (option < 256 && strchr("BFMSw", option)))
        note(o, word);
    return 0;
}

/* "-M": what getopt read a letter's option from may be in the midst of a word. */
static const char *written(char **argv, int option, int index, char text[80])
{
    if (index >= 0)
        snprintf(text, 80, "--%s", longs[index].name);
    else if (option == '?' && optopt == 0)
        snprintf(text, 80, "%.70s", argv[optind - 1]);
    else
        snprintf(text, 80, "-%c", option == '?' || option == ':' ? optopt : option);
    return text;
}

int quote_options_take(struct quote_options *o, int argc, char **argv, int *script,
                       char mistake[QUOTE_MISTAKE])
{
    char word[80];
    int option, index = -1;

    optind = 0;
    opterr = 0;
    while ((option = getopt_long(argc, argv, letters, longs, &index)) != -1) {
        if (option == ':') {
            snprintf(mistake, QUOTE_MISTAKE, "%s wants a value",
                     strncmp(argv[optind - 1], "--", 2) == 0
                         ? argv[optind - 1]
                         : written(argv, ':', -1, word));
            return -1;
        }
        if (take(o, option, written(argv, option, index, word), mistake) < 0)
            return -1;
        index = -1;
    }
    *script = optind < argc ? optind : 0;
    return 0;
}

int quote_options_environment(struct quote_options *o, char mistake[QUOTE_MISTAKE])
{
    static const struct {
        const char *variable, *option;
    } known[] = {{"SBATCH_ACCOUNT", "--account"},
                 {"SBATCH_ARRAY_INX", "--array"},
                 {"SBATCH_GPUS", "--gpus"},
                 {"SBATCH_GPUS_PER_NODE", "--gpus-per-node"},
                 {"SBATCH_GPUS_PER_SOCKET", "--gpus-per-socket"},
                 {"SBATCH_GPUS_PER_TASK", "--gpus-per-task"},
                 {"SBATCH_GRES", "--gres"},
                 {"SBATCH_JOB_NAME", "--job-name"},
                 {"SBATCH_PARTITION", "--partition"},
                 {"SBATCH_TIMELIMIT", "--time"}};

    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        const char *value = getenv(known[i].variable);
        char word[512], *argv[] = {word, word, NULL};
        int script;

        if (!value || !*value)
            continue;
        snprintf(word, sizeof word, "%s=%s", known[i].option, value);
        if (quote_options_take(o, 2, argv, &script, mistake) < 0)
            return -1;
    }
    if (getenv("SBATCH_EXCLUSIVE"))
        o->exclusive = !*getenv("SBATCH_EXCLUSIVE");
    if (getenv("SBATCH_OVERCOMMIT"))
        o->overcommit = true;
    return 0;
}

static void put_text(json_t *body, const char *key, const char *value)
{
    if (value[0])
        json_object_set_new(body, key, json_string(value));
}

static void put_number(json_t *body, const char *key, int64_t value)
{
    if (value > 0)
        json_object_set_new(body, key, json_integer(value));
}

json_t *quote_options_body(const struct quote_options *o)
{
    json_t *body =
        json_pack("{s:I s:b s:b}", "tasks", (json_int_t)o->tasks, "whole_nodes",
                  (int)o->exclusive, "overcommit", (int)o->overcommit);

    put_text(body, "user", o->user);
    put_text(body, "account", o->account);
    put_text(body, "partition", o->partition);
    put_text(body, "name", o->name);
    put_text(body, "energy_budget", o->budget);
    put_text(body, "gpu_power_cap", o->gpu_cap);
    put_number(body, "nodes", o->nodes);
    put_number(body, "ntasks", o->ntasks);
    put_number(body, "cpus_per_task", o->cpus_per_task);
    put_number(body, "ntasks_per_node", o->ntasks_per_node);
    put_number(body, "cpus_per_node", o->cpus_per_node);
    put_number(body, "sockets_per_node", o->sockets_per_node);
    put_number(body, "gpus", o->gpus);
    put_number(body, "gpus_per_node",
               o->gres_gpus > o->gpus_per_node ? o->gres_gpus : o->gpus_per_node);
    put_number(body, "gpus_per_socket", o->gpus_per_socket);
    put_number(body, "gpus_per_task", o->gpus_per_task);
    if (o->limit_s >= 0)
        json_object_set_new(body, "limit_s", json_integer(o->limit_s));
    return body;
}
