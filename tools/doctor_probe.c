/* doctor_probe.c - facts about this host: plugins, MUNGE, kwota.json, files, slurmdbd
 */
#include "config.h"

#include "tools/doctor_probe.h"

#include <errno.h>
#include <jansson.h>
#include <munge.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plugin/slurm_place.h"
#include "policy/configuration.h"
#include "policy/policy.h"
#include "tools/plugin_place.h"
#include "tools/plugin_version.h"
#include "tools/program.h"
#include "tools/setup_plan.h"

#define ANSWER_S 10

static void find_plugins(struct doctor_facts *facts)
{
    const char *const names[] = {
        facts->stack->count ? facts->stack->plugin : PLUGSTACK_PLUGIN,
        "job_submit_kwota.so", "jobcomp_kwota.so", "acct_gather_energy_kwota.so"};
    char standard[PLUGIN_PLACE];

    snprintf(facts->plugin_dirs, sizeof facts->plugin_dirs, "%s",
             slurm_conf_or(facts->conf, "PluginDir", plugin_place(standard)));
    snprintf(facts->kwota_dir, sizeof facts->kwota_dir, "%s", KWOTA_PLUGINDIR);
    facts->slurm_version = plugin_version_of_slurm(facts->plugin_dirs);
    for (int i = 0; i < DOCTOR_PLUGINS; i++) {
        struct doctor_plugin *plugin = &facts->plugins[i];

        if (!plugin_version_find(facts->plugin_dirs, names[i], plugin->path,
                                 sizeof plugin->path))
            plugin->path[0] = '\0';
        else if (plugin_version_read(plugin->path, &plugin->version, plugin->why) < 0)
            plugin->version = 0;
    }
}

/* A credential there and back. */
static void try_munge(struct doctor_facts *facts)
{
    munge_ctx_t ctx = munge_ctx_create();
    char *cred = NULL;
    munge_err_t rc = EMUNGE_NO_MEMORY;

    if (ctx) {
        rc = facts->munge_socket[0]
                 ? munge_ctx_set(ctx, MUNGE_OPT_SOCKET, facts->munge_socket)
                 : EMUNGE_SUCCESS;
        if (rc == EMUNGE_SUCCESS)
            rc = munge_encode(&cred, ctx, NULL, 0);
        if (rc == EMUNGE_SUCCESS)
            rc = munge_decode(cred, ctx, NULL, NULL, NULL, NULL);
    }
    if (rc != EMUNGE_SUCCESS) {
        const char *why = ctx ? munge_ctx_strerror(ctx) : NULL;

        snprintf(facts->munge, sizeof facts->munge, "%s",
                 why ? why : munge_strerror(rc));
    }
    free(cred);
    if (ctx)
        munge_ctx_destroy(ctx);
}

static void text_of(struct configuration *conf, const char *key, const char *otherwise,
                    char *text, size_t size)
{
    const char *value = json_string_value(configuration_top(conf, key).json);

    snprintf(text, size, "%s", value ? value : otherwise);
}

static void first_mistake(struct doctor_facts *facts, struct configuration *conf)
{
    json_t *list = configuration_mistake_list(conf), *first = json_array_get(list, 0);
    const char *text = json_string_value(json_object_get(first, "text"));

    snprintf(facts->kwota_mistake, sizeof facts->kwota_mistake, "%.200s:%d: %.250s",
             json_string_value(json_object_get(first, "file")),
             (int)json_integer_value(json_object_get(first, "line")), text ? text : "");
    json_decref(list);
}

static void read_kwota(struct doctor_facts *facts)
{
    struct configuration *conf;

    snprintf(facts->kwota_path, sizeof facts->kwota_path, "%s", slurm_place_kwota());
    facts->kwota_there = access(facts->kwota_path, F_OK) == 0;
    snprintf(facts->kwota_spool, sizeof facts->kwota_spool, "%s", KWOTA_SPOOLDIR);
    setup_munge(facts->conf, facts->munge_socket);
    if (!facts->kwota_there || !(conf = configuration_read(facts->kwota_path)))
        return;
    policy_release(policy_check(conf));
    facts->kwota_mistakes = configuration_mistakes(conf);
    if (facts->kwota_mistakes > 0)
        first_mistake(facts, conf);
    text_of(conf, "server", "", facts->kwota_server, sizeof facts->kwota_server);
    text_of(conf, "spool", KWOTA_SPOOLDIR, facts->kwota_spool,
            sizeof facts->kwota_spool);
    text_of(conf, "munge_socket", facts->munge_socket, facts->munge_socket,
            sizeof facts->munge_socket);
    facts->kwota_energy = json_is_true(
        json_object_get(configuration_top(conf, "slurmdbd").json, "energy"));
    configuration_free(conf);
}

static void look_at(struct doctor_facts *facts, const char *what, const char *path,
                    bool needed, bool readable_only)
{
    struct doctor_file *file = &facts->files[facts->file_count++];
    struct stat is;

    *file = (struct doctor_file){
        .what = what, .needed = needed, .readable_only = readable_only};
    snprintf(file->path, sizeof file->path, "%s", path);
    if (stat(path, &is) < 0) {
        snprintf(file->why, sizeof file->why, "%s", strerror(errno));
        return;
    }
    file->there = true;
    file->owner = is.st_uid;
    file->mode = is.st_mode;
}

static void look_at_files(struct doctor_facts *facts)
{
    char path[DOCTOR_TEXT + 32];

    if (facts->kwota_there)
        look_at(facts, "kwota.json's mode", facts->kwota_path, true, true);
    look_at(facts, "spool", facts->kwota_spool, true, false);
    snprintf(path, sizeof path, "%s/ledger.db", facts->kwota_spool);
    look_at(facts, "ledger's file", path, false, false);
    snprintf(path, sizeof path, "%s/budget.map", facts->kwota_spool);
    look_at(facts, "budget map", path, false, false);
}

static void take_slurm_user(struct doctor_facts *facts)
{
    const struct passwd *user;

    snprintf(facts->slurm_user, sizeof facts->slurm_user, "%s",
             slurm_conf_or(facts->conf, "SlurmUser", "root"));
    facts->slurm_user[strcspn(facts->slurm_user, "(")] = '\0';
    user = getpwnam(facts->slurm_user);
    facts->slurm_uid_known = user != NULL;
    facts->slurm_uid = user ? user->pw_uid : 0;
}

/* "name|flags|factor|grptres" of each QOS: those that bend kwota's limits. */
static void judge_qos(struct doctor_facts *facts, char *text)
{
    size_t len = 0;
    char *line;

    while ((line = strsep(&text, "\n"))) {
        const char *name = strsep(&line, "|"),
                   *flags = line ? strsep(&line, "|") : NULL;
        const char *factor = line ? strsep(&line, "|") : NULL, *why;

        if (!factor)
            continue;
        why = strcasestr(flags, "DenyOnLimit")            ? "DenyOnLimit"
              : atof(factor) > 0 && atof(factor) != 1     ? "LimitFactor"
              : line && strcasestr(line, "license/kwota") ? "GrpTRES=license/kwota"
                                                          : NULL;
        if (why && len < sizeof facts->qos)
            len += (size_t)snprintf(facts->qos + len, sizeof facts->qos - len,
                                    "%s%s has %s", len ? ", " : "", name, why);
    }
}

static const char *program_trouble(int rc, const char *text)
{
    return rc < 0 ? "no answer within 10 s" : text[0] ? text : "it cannot be run";
}

static void ask_slurmctld(struct doctor_facts *facts)
{
    static const char *const words[] = {"scontrol", "show", "config", NULL};
    char *text;
    int rc = program_output(words, ANSWER_S, &text);

    if (rc == 0)
        doctor_take_running(facts, text);
    else
        snprintf(facts->running_why, sizeof facts->running_why, "scontrol: %.300s",
                 program_trouble(rc, text));
    facts->running_why[strcspn(facts->running_why, "\n")] = '\0';
    free(text);
}

static void ask_sacctmgr(struct doctor_facts *facts)
{
    static const char *const tres[] = {"sacctmgr",         "-nP", "show", "tres",
                                       "format=type,name", NULL};
    static const char *const qos[] = {
        "sacctmgr", "-nP", "show", "qos", "format=name,flags,limitfactor,grptres",
        NULL};
    char *text;
    int rc = program_output(tres, ANSWER_S, &text);

    facts->tres_asked = true;
    if (rc != 0)
        snprintf(facts->tres_why, sizeof facts->tres_why, "sacctmgr: %.300s",
                 program_trouble(rc, text));
    facts->tres_why[strcspn(facts->tres_why, "\n")] = '\0';
    facts->tres_there = rc == 0 && strstr(text, "license|kwota");
    free(text);
    if (rc != 0)
        return;
    if (program_output(qos, ANSWER_S, &text) == 0)
        judge_qos(facts, text);
    free(text);
}

void doctor_probe_host(struct doctor_facts *facts)
{
    facts->root = geteuid() == 0;
    snprintf(facts->own_version, sizeof facts->own_version, "%s", PACKAGE_VERSION);
    find_plugins(facts);
    read_kwota(facts);
    take_slurm_user(facts);
    try_munge(facts);
    if (!(facts->roles & DOCTOR_CONTROLLER))
        return;
    look_at_files(facts);
    ask_slurmctld(facts);
    if (strcasecmp(slurm_conf_or(facts->conf, "AccountingStorageType", ""),
                   "accounting_storage/slurmdbd") == 0)
        ask_sacctmgr(facts);
}
