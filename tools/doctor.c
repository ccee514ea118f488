/* doctor.c - kwota doctor: what is wrong with an installation, and the line to change
 */
#include "config.h"

#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plugin/slurm_place.h"
#include "tools/command.h"
#include "tools/doctor_probe.h"
#include "tools/printable.h"
#include "tools/setup_plan.h"

struct wish {
    const char *slurm_conf, *node;
    unsigned roles;
    bool json;
};

enum { OPT_CONF = 256, OPT_ROLE, OPT_NODE };

static const struct argp_option options[] = {
    {"role", OPT_ROLE, "ROLE", 0,
     "this host is a controller, node or login node, several with commas [as "
     "slurm.conf "
     "says]",
     0},
    {"node", OPT_NODE, "NAME", 0, "this node's name in Slurm", 0},
    {"slurm-conf", OPT_CONF, "PATH", 0, "slurm.conf [SLURM_CONF, or Slurm's own]", 0},
    {"json", 'j', 0, 0, "print JSON", 0},
    {0},
};

static const struct {
    const char *name;
    enum doctor_role role;
} roles[] = {
    {"controller", DOCTOR_CONTROLLER}, {"node", DOCTOR_NODE}, {"login", DOCTOR_LOGIN}};

#define ROLES (sizeof roles / sizeof *roles)

static unsigned read_roles(char *list, struct argp_state *state)
{
    unsigned found = 0;
    char *word;

    while ((word = strsep(&list, ","))) {
        unsigned before = found;

        for (size_t i = 0; i < ROLES; i++)
            if (strcmp(word, roles[i].name) == 0)
                found |= roles[i].role;
        if (found == before)
            argp_error(state, "\"%s\": controller, node or login is meant", word);
    }
    return found;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct wish *wish = state->input;

    switch (key) {
    case OPT_CONF:
        wish->slurm_conf = arg;
        return 0;
    case OPT_ROLE:
        wish->roles = read_roles(arg, state);
        return 0;
    case OPT_NODE:
        wish->node = arg;
        return 0;
    case 'j':
        wish->json = true;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "\"%s\" is too much", arg);
        return EINVAL;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void read_cgroup(struct doctor_facts *facts)
{
    const char *path = facts->conf->files[0].path, *slash = strrchr(path, '/');
    char beside[SLURM_PLACE];

    snprintf(beside, sizeof beside, "%.*scgroup.conf",
             slash ? (int)(slash - path + 1) : 0, path);
    slurm_conf_read(facts->cgroup, beside);
}

static void gather(struct doctor_facts *facts, const struct wish *wish)
{
    char path[SLURM_PLACE], stack[SLURM_PLACE];

    /* Slurm's own commands are asked about the same cluster. */
    if (wish->slurm_conf)
        setenv("SLURM_CONF", wish->slurm_conf, 1);
    gethostname(facts->host, sizeof facts->host - 1);
    facts->host[strcspn(facts->host, ".")] = '\0';
    slurm_conf_read(facts->conf,
                    wish->slurm_conf ? wish->slurm_conf : slurm_place_conf(path));
    plugstack_read(facts->stack, slurm_place_plugstack(facts->conf, stack));
    read_cgroup(facts);
    doctor_role(facts, wish->node);
    if (wish->roles)
        facts->roles = wish->roles;
    if (!facts->node[0])
        snprintf(facts->node, sizeof facts->node, "%.63s",
                 wish->node ? wish->node : facts->host);
    doctor_probe_host(facts);
    doctor_probe_kwotad(facts);
    if (facts->roles & DOCTOR_NODE)
        doctor_probe_node(facts);
}

static const char *level_name(enum doctor_level level)
{
    return level == DOCTOR_OK ? "ok" : level == DOCTOR_WARNING ? "warning" : "error";
}

static void print_json(const struct doctor_facts *facts,
                       const struct doctor_report *report, bool ok)
{
    json_t *list = json_array(), *names = json_array(), *all;

    for (size_t i = 0; i < ROLES; i++)
        if (facts->roles & roles[i].role)
            json_array_append_new(names, json_string(roles[i].name));
    for (int i = 0; i < report->count; i++) {
        const struct doctor_finding *f = &report->findings[i];

        json_array_append_new(
            list, json_pack("{s:s s:s s:s* s:o}", "level", level_name(f->level),
                            "check", f->check, "text", f->text, "remedy",
                            f->remedy ? json_string(f->remedy) : json_null()));
    }
    all = json_pack("{s:s s:o s:b s:o}", "host", facts->host, "roles", names, "ok", ok,
                    "findings", list);
    command_print_json(all);
    json_decref(all);
}

static void print_text(const struct doctor_facts *facts,
                       const struct doctor_report *report)
{
    static const char *const colours[] = {"\033[32m", "\033[33m", "\033[31m"};
    bool colour = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
    int counts[3] = {0};

    printf("%s is", facts->host);
    for (size_t i = 0, first = 1; i < ROLES; i++)
        if (facts->roles & roles[i].role) {
            printf("%s a %s%s%s", first ? "" : " and", roles[i].name,
                   roles[i].role == DOCTOR_LOGIN ? " node" : "",
                   roles[i].role == DOCTOR_NODE ? " (" : "");
            if (roles[i].role == DOCTOR_NODE)
                printf("%s)", facts->node);
            first = 0;
        }
    putchar('\n');
    for (int i = 0; i < report->count; i++) {
        const struct doctor_finding *f = &report->findings[i];

        counts[f->level]++;
        printable_text(f->text);
        printf("%s%-8s%s%-25s %s\n", colour ? colours[f->level] : "",
               level_name(f->level), colour ? "\033[0m" : "", f->check, f->text);
        if (f->remedy) {
            printable_text(f->remedy);
            printf("%33s  -> %s\n", "", f->remedy);
        }
    }
    if (counts[DOCTOR_ERROR] + counts[DOCTOR_WARNING] == 0)
        puts("All is well.");
    else
        printf("%d error%s, %d warning%s\n", counts[DOCTOR_ERROR],
               counts[DOCTOR_ERROR] == 1 ? "" : "s", counts[DOCTOR_WARNING],
               counts[DOCTOR_WARNING] == 1 ? "" : "s");
}

static int examine(struct doctor_facts *facts, const struct wish *wish)
{
    struct doctor_report report = {0};
    bool ok = true;

    gather(facts, wish);
    doctor_check(facts, &report);
    for (int i = 0; i < report.count; i++)
        ok = ok && report.findings[i].level != DOCTOR_ERROR;
    if (wish->json)
        print_json(facts, &report, ok);
    else
        print_text(facts, &report);
    doctor_report_free(&report);
    return ok ? 0 : EXIT_REFUSED;
}

static int run_doctor(int argc, char **argv)
{
    static const struct argp argp = {
        options,
        parse,
        NULL,
        "Looks for every mistake of an installation, on the controller, a node or a "
        "login node, and says the line to change. Exit status 1: there are errors. As "
        "root it also looks at a node's meter and counters.",
        NULL,
        NULL,
        NULL};
    struct wish wish = {0};
    struct doctor_facts *facts = calloc(1, sizeof *facts);
    struct slurm_conf *confs = calloc(2, sizeof *confs);
    struct plugstack *stack = calloc(1, sizeof *stack);
    int rc = EXIT_REFUSED;

    argp_parse(&argp, argc, argv, 0, NULL, &wish);
    if (facts && confs && stack) {
        facts->conf = &confs[0];
        facts->cgroup = &confs[1];
        facts->stack = stack;
        rc = examine(facts, &wish);
        slurm_conf_free(&confs[0]);
        slurm_conf_free(&confs[1]);
        plugstack_free(stack);
    }
    free(facts);
    free(confs);
    free(stack);
    return rc;
}

const struct command command_doctor = {"doctor", "[--role ROLE] [--json]",
                                       "what is wrong with an installation",
                                       run_doctor};
