/* doctor_measure.c - facts about a node: its meter, its counters, its cgroups */
#include <ctype.h>
#include <glob.h>
#include <jansson.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plugin/meter_client.h"
#include "tools/doctor_probe.h"
#include "tools/program.h"

#define PING_MS 3000

#define SCOPE "system.slice/*slurmstepd.scope"

/* A GPU takes seconds to wake. */
#define PROBE_S 30

/* Whether the file that systemd's unit reads says where kwotad is. */
static bool unit_is_told(void)
{
    FILE *file = fopen("/etc/default/kwota-meter", "re");
    char line[512];
    bool told = false;

    if (!file)
        return false;
    while (fgets(line, sizeof line, file))
        told = told || (strncmp(line, "KWOTA_SERVER=", 13) == 0 &&
                        line[13 + strspn(line + 13, "\"' \n")] != '\0');
    fclose(file);
    return told;
}

/* Without systemd the SPANK plugin starts the meter, and takes kwotad to be here. */
static bool is_untold(const struct arguments *arguments)
{
    return !arguments->server[0] && access("/run/systemd/system", F_OK) == 0 &&
           !unit_is_told();
}

static void ask_meter(struct doctor_facts *facts, const struct arguments *arguments)
{
    json_t *question = json_pack("{s:s}", "op", "ping"), *answer = NULL;

    switch (meter_client_ask(arguments->run, facts->node, question,
                             meter_client_now_ms() + PING_MS, &answer)) {
    case METER_CLIENT_OK:
        facts->meter_runs = true;
        break;
    case METER_CLIENT_ABSENT:
        snprintf(facts->meter_why, sizeof facts->meter_why,
                 "nobody listens at %.200s/%s.sock", arguments->run, facts->node);
        break;
    case METER_CLIENT_SILENT:
        snprintf(facts->meter_why, sizeof facts->meter_why,
                 "no answer at %.200s/%s.sock within %d ms", arguments->run,
                 facts->node, PING_MS);
        break;
    case METER_CLIENT_REFUSED:
        snprintf(facts->meter_why, sizeof facts->meter_why,
                 "it refuses to answer; its log says why");
    }
    facts->meter_untold = !facts->meter_runs && is_untold(arguments);
    json_decref(question);
    json_decref(answer);
}

static void count_domain(struct doctor_facts *facts, const json_t *domain)
{
    const char *kind = json_string_value(json_object_get(domain, "kind"));
    const char *state = json_string_value(json_object_get(domain, "state"));
    const char *reason = json_string_value(json_object_get(domain, "reason"));

    if (!json_is_true(json_object_get(domain, "charged")))
        return;
    if (state && strcmp(state, "ok") == 0) {
        facts->charged++;
        facts->gpus += kind && strcmp(kind, "gpu") == 0;
        return;
    }
    facts->unknown++;
    if (reason && (strcasestr(reason, "denied") || strcasestr(reason, "root") ||
                   strcasestr(reason, "permi"))) {
        facts->denied++;
        snprintf(facts->denied_reason, sizeof facts->denied_reason, "%s: %s",
                 json_string_value(json_object_get(domain, "name")), reason);
    }
}

static void probe_counters(struct doctor_facts *facts,
                           const struct arguments *arguments)
{
    const char *const words[] = {arguments->meter, "probe",         "--json",
                                 "--root",         arguments->root, NULL};
    json_t *found, *domain;
    char *text;
    size_t i;
    int rc = program_output(words, PROBE_S, &text);

    found = json_loads(text, JSON_DISABLE_EOF_CHECK, NULL);
    facts->probed = found != NULL;
    if (!found)
        snprintf(facts->probe_why, sizeof facts->probe_why,
                 rc < 0 ? "%.200s probe does not end (a GPU's driver that hangs?)%s"
                        : "%.200s probe: %.200s",
                 arguments->meter,
                 rc < 0      ? ""
                 : rc == 127 ? "there is no such program"
                             : text);
    json_array_foreach(json_object_get(found, "domains"), i, domain)
    {
        count_domain(facts, domain);
    }
    json_decref(found);
    free(text);
}

/* "gpu:2", "gpu:a100:4(S:0-1),shard:8": how many. */
static int gpus_of(const char *gres)
{
    int sum = 0;

    while (gres && *gres) {
        size_t len = strcspn(gres, ",");

        if (strncmp(gres, "gpu", 3) == 0 && (gres[3] == ':' || len == 3)) {
            size_t end = strcspn(gres, ",("), at = end;

            while (at > 0 && isdigit((unsigned char)gres[at - 1]))
                at--;
            sum += at < end ? atoi(gres + at) : 1;
        }
        gres += len + (gres[len] == ',');
    }
    return sum;
}

static bool any_path(const char *mount, const char *below)
{
    char pattern[DOCTOR_TEXT];
    glob_t found;
    bool any;

    snprintf(pattern, sizeof pattern, "%.300s/%s", mount, below);
    any = glob(pattern, GLOB_NOSORT, NULL, &found) == 0;
    if (any)
        globfree(&found);
    return any;
}

/* Where the meter looks for a job's CPU time (plugin/meter/cputime.c). */
static void find_cgroups(struct doctor_facts *facts)
{
    FILE *mounts = setmntent("/proc/self/mounts", "r");
    struct mntent *mount;

    while (mounts && (mount = getmntent(mounts))) {
        if (strcmp(mount->mnt_type, "cgroup2") == 0) {
            facts->cgroup_v2 = true;
            /* By number, or by SLUID. */
            facts->job_groups = facts->job_groups ||
                                any_path(mount->mnt_dir, SCOPE "/job_*") ||
                                any_path(mount->mnt_dir, SCOPE "/s[0-9A-Z]*");
        }
        if (strcmp(mount->mnt_type, "cgroup") == 0 && hasmntopt(mount, "cpuacct")) {
            facts->cgroup_v1 = true;
            facts->job_groups =
                facts->job_groups || any_path(mount->mnt_dir, "slurm*/uid_*/job_*");
        }
    }
    if (mounts)
        endmntent(mounts);
}

/* Whether any step's slurmstepd runs: "slurmstepd: [12.batch]". With cgroup v2 one more
 * keeps the scope when there is none, "slurmstepd infinity". */
static bool has_steps(void)
{
    static const char name[] = "slurmstepd: [";
    char line[sizeof name];
    glob_t found;
    bool any = false;

    if (glob("/proc/[0-9]*/cmdline", GLOB_NOSORT, NULL, &found) != 0)
        return false;
    for (size_t i = 0; i < found.gl_pathc && !any; i++) {
        FILE *in = fopen(found.gl_pathv[i], "re");

        any = in && fread(line, 1, sizeof name - 1, in) == sizeof name - 1 &&
              memcmp(line, name, sizeof name - 1) == 0;
        if (in)
            fclose(in);
    }
    globfree(&found);
    return any;
}

void doctor_probe_node(struct doctor_facts *facts)
{
    struct arguments arguments;

    find_cgroups(facts);
    facts->steps = has_steps();
    facts->gpus_of_slurm =
        gpus_of(slurm_conf_of(facts->conf, facts->node_pair, "Gres"));
    if (!facts->root)
        return;
    if (facts->stack->count)
        arguments = facts->stack->arguments;
    else
        arguments_read(&arguments, 0, NULL, NULL);
    arguments_for_node(&arguments, facts->node);
    ask_meter(facts, &arguments);
    probe_counters(facts, &arguments);
}
