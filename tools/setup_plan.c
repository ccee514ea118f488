/* setup_plan.c - what kwota needs in slurm.conf, plugstack.conf and kwota.json */
#include "tools/setup_plan.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PORT "6828"

/* Before the lines that are added to slurm.conf. */
#define HEADLINE "# kwota (kwota setup --remove takes this away)"

static void note(struct setup *setup, enum setup_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void note(struct setup *setup, enum setup_kind kind, const char *format, ...)
{
    char *text = NULL;
    va_list args;

    va_start(args, format);
    if (setup->count == SETUP_NOTES || vasprintf(&text, format, args) < 0)
        abort();
    va_end(args);
    setup->notes[setup->count].kind = kind;
    setup->notes[setup->count++].text = text;
}

void setup_done(struct setup *setup)
{
    for (int i = 0; i < setup->count; i++)
        free(setup->notes[i].text);
    setup->count = 0;
}

/* The nth SlurmctldHost: its name, and the address in brackets, "" if there is none.
 * false: there are not so many. */
static bool controller(const struct slurm_conf *conf, int nth, char name[128],
                       char address[128])
{
    for (size_t i = 0; i < conf->pair_count; i++) {
        const struct slurm_pair *pair = &conf->pairs[i];
        const char *open;
        size_t len;

        if ((strcasecmp(pair->key, "SlurmctldHost") != 0 &&
             strcasecmp(pair->key, "ControlMachine") != 0 &&
             strcasecmp(pair->key, "BackupController") != 0) ||
            nth-- > 0)
            continue;
        len = strcspn(pair->value, "(");
        open = pair->value + len;
        snprintf(name, 128, "%.*s", (int)len, pair->value);
        snprintf(address, 128, "%.*s", *open ? (int)strcspn(open + 1, ")") : 0,
                 *open ? open + 1 : "");
        return true;
    }
    return false;
}

char *setup_server(const struct slurm_conf *conf, char server[SETUP_SERVER])
{
    char name[128], address[128];
    size_t len = 0;

    server[0] = '\0';
    for (int i = 0; controller(conf, i, name, address) && len < SETUP_SERVER - 140; i++)
        len += (size_t)snprintf(server + len, SETUP_SERVER - len, "%s%s",
                                i > 0 ? "," : "", address[0] ? address : name);
    snprintf(server + len, SETUP_SERVER - len, "%s:" PORT, len > 0 ? "" : "localhost");
    return server;
}

char *setup_munge(const struct slurm_conf *conf, char path[SETUP_MUNGE])
{
    const char *info = slurm_conf_or(conf, "AuthInfo", "");
    const char *socket = strcasestr(info, "socket=");

    snprintf(path, SETUP_MUNGE, "%.*s", socket ? (int)strcspn(socket + 7, ",") : 0,
             socket ? socket + 7 : "");
    return path;
}

/* What is there already, by Slurm's rule that Contain means Alloc. */
static void plan_prolog(struct setup *setup)
{
    static const char *const flags[] = {"Alloc", "Contain", "DeferBatch"};
    struct slurm_conf *conf = setup->conf;

    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        if (!slurm_list_has(slurm_conf_value(conf, "PrologFlags"), flags[i]))
            slurm_conf_list_add(conf, "PrologFlags", flags[i]);
    if (slurm_list_has(slurm_conf_value(conf, "PrologFlags"), "NoHold"))
        note(setup, SETUP_CONFLICT,
             "PrologFlags has NoHold: a job's script can start before kwota has "
             "decided; "
             "take NoHold away");
}

/* A plugin of which there can be one. */
static void plan_only(struct setup *setup, const char *key, const char *wanted,
                      const char *without)
{
    const char *is = slurm_conf_value(setup->conf, key);
    char place[SLURM_CONF_PLACE];

    if (is && strcasecmp(is, wanted) != 0)
        note(setup, SETUP_CONFLICT, "%s: %s=%s stays: %s; %s=%s would mend it",
             slurm_conf_place(setup->conf, key, place), key, is, without, key, wanted);
    else if (!is)
        slurm_conf_set(setup->conf, key, wanted);
}

static bool is_none(const char *value)
{
    return !value || strcasecmp(value, "jobcomp/none") == 0 ||
           strcasecmp(value, "none") == 0;
}

static void plan_completion(struct setup *setup, const struct setup_facts *facts)
{
    const char *is = slurm_conf_value(setup->conf, "JobCompType");
    char place[SLURM_CONF_PLACE], journal[512];

    snprintf(journal, sizeof journal, "%s/ended.journal", facts->spool);
    if (!is_none(is) && strcasecmp(is, "jobcomp/kwota") != 0) {
        if (facts->jobcomp_script && strcasecmp(is, "jobcomp/script") == 0 &&
            strcmp(slurm_conf_or(setup->conf, "JobCompLoc", ""),
                   facts->jobcomp_script) == 0)
            return;
        note(setup, SETUP_CONFLICT,
             "%s: JobCompType=%s stays, and kwotad is not told when a job ends: it "
             "looks every \"sweep_s\" (kwota.json, 300 s). JobCompType=jobcomp/kwota "
             "with JobCompLoc=%s would mend it",
             slurm_conf_place(setup->conf, "JobCompType", place), is, journal);
    } else if (facts->has_jobcomp) {
        if (is_none(is))
            slurm_conf_set(setup->conf, "JobCompType", "jobcomp/kwota");
        if (!slurm_conf_value(setup->conf, "JobCompLoc") || is_none(is))
            slurm_conf_set(setup->conf, "JobCompLoc", journal);
    } else if (facts->jobcomp_script && is_none(is)) {
        slurm_conf_set(setup->conf, "JobCompType", "jobcomp/script");
        slurm_conf_set(setup->conf, "JobCompLoc", facts->jobcomp_script);
    } else {
        note(setup, SETUP_CONFLICT,
             "jobcomp_kwota.so is in no plugin folder, so kwotad looks for ended jobs "
             "every \"sweep_s\" only: build kwota --with-slurm-src for it%s",
             is_none(is) ? "" : "; slurmctld does not start with JobCompType as it is");
    }
}

static bool has_limits(const char *list)
{
    return slurm_list_has(list, "limits") || slurm_list_has(list, "safe") ||
           slurm_list_has(list, "all");
}

static bool has_slurmdbd(const struct slurm_conf *conf)
{
    return strcasecmp(slurm_conf_or(conf, "AccountingStorageType", ""),
                      "accounting_storage/slurmdbd") == 0;
}

bool setup_submits(const struct slurm_conf *conf)
{
    const char *is = slurm_conf_value(conf, "JobSubmitPlugins");

    return slurm_list_has(is, "kwota") || slurm_list_has(is, "job_submit/kwota");
}

static void plan_budgets(struct setup *setup)
{
    struct slurm_conf *conf = setup->conf;

    if (!setup_submits(conf))
        slurm_conf_list_add(conf, "JobSubmitPlugins", "kwota");
    if (!slurm_list_has(slurm_conf_value(conf, "Licenses"), "kwota"))
        slurm_conf_list_add(conf, "Licenses", "kwota:" SETUP_LICENCES);
    if (!has_slurmdbd(conf)) {
        note(setup, SETUP_STEP,
             "there is no AccountingStorageType=accounting_storage/slurmdbd: jobs have "
             "no accounts, and kwota holds jobs by itself when they start");
        return;
    }
    if (!slurm_list_has(slurm_conf_value(conf, "AccountingStorageTRES"),
                        "license/kwota"))
        slurm_conf_list_add(conf, "AccountingStorageTRES", "license/kwota");
    if (has_limits(slurm_conf_value(conf, "AccountingStorageEnforce")))
        return;
    if (strcasecmp(slurm_conf_or(conf, "AccountingStorageEnforce", "none"), "none") ==
        0)
        slurm_conf_set(conf, "AccountingStorageEnforce", "limits");
    else
        slurm_conf_list_add(conf, "AccountingStorageEnforce", "limits");
    note(setup, SETUP_STEP,
         "from now on Slurm refuses jobs of users without an association: sacctmgr "
         "show assoc format=account,user says who has one");
}

static void plan_plugin_dir(struct setup *setup, const struct setup_facts *facts)
{
    const char *dirs = slurm_conf_or(setup->conf, "PluginDir", facts->slurm_dirs);
    char *now = NULL;

    if (!facts->kwota_dir)
        return;
    if (asprintf(&now, "%s%s%s", dirs, *dirs ? ":" : "", facts->kwota_dir) < 0)
        abort();
    slurm_conf_set(setup->conf, "PluginDir", now);
    free(now);
}

static void plan_plugstack(struct setup *setup, const struct setup_facts *facts)
{
    struct plugstack *stack = setup->plugstack;
    const char *user = slurm_conf_or(setup->conf, "SlurmUser", "root");
    char munge[SETUP_MUNGE], *line = NULL;

    if (stack->wrong[0])
        note(setup, SETUP_CONFLICT, "%s: \"%s\" does not load kwota: take it away",
             stack->wrong_place, stack->wrong);
    if (stack->count > 0)
        return;
    setup_munge(setup->conf, munge);
    if (asprintf(&line, "optional " PLUGSTACK_PLUGIN " server=%s%s%s%s%s%s%s",
                 facts->server, strcmp(user, "slurm") != 0 ? " user=" : "",
                 strcmp(user, "slurm") != 0 ? user : "", munge[0] ? " munge=" : "",
                 munge, facts->spank[0] ? " " : "", facts->spank) < 0)
        abort();
    plugstack_add(stack, line);
    free(line);
}

/* Every name a client can have been told, once. */
static json_t *names_of(const struct slurm_conf *conf)
{
    json_t *names = json_array();
    char text[2][128];

    for (int i = 0; controller(conf, i, text[0], text[1]); i++)
        for (int n = 0; n < 2; n++)
            if (text[n][0] && json_array_size(names) < 7)
                json_array_append_new(names, json_string(text[n]));
    json_array_append_new(names, json_string("localhost"));
    return names;
}

/* The least that kwotad runs with, and only watches. */
static void plan_kwota(struct setup *setup, const struct setup_facts *facts)
{
    const char *user = slurm_conf_or(setup->conf, "SlurmUser", "root");
    char munge[SETUP_MUNGE], *text, *rest, *line;
    json_t *all;

    if (setup->kwota->there)
        return;
    all = json_pack("{s:i s:s s:{s:i s:o} s:s}", "version", 1, "server", facts->server,
                    "listen", "port", atoi(PORT), "names", names_of(setup->conf),
                    "spool", facts->spool);
    if (setup_munge(setup->conf, munge)[0])
        json_object_set_new(all, "munge_socket", json_string(munge));
    if (strcmp(user, "slurm") != 0)
        json_object_set_new(all, "slurm_user", json_string(user));
    json_object_set_new(all, "enforce", json_pack("{s:s}", "default", "shadow"));
    text = rest = json_dumps(all, JSON_INDENT(4));
    while ((line = strsep(&rest, "\n")))
        conf_file_add(setup->kwota, line);
    free(text);
    json_decref(all);
    note(setup, SETUP_STEP,
         "%s: with \"enforce\": \"shadow\" kwota only watches; \"estimate\" says what "
         "the nodes of each partition draw (kwota.json(5), the examples)",
         setup->kwota->path);
}

static void plan_steps(struct setup *setup)
{
    bool configless = strcasestr(slurm_conf_or(setup->conf, "SlurmctldParameters", ""),
                                 "enable_configless") != NULL;

    if (!configless)
        note(setup, SETUP_STEP,
             "the same slurm.conf and plugstack.conf go to every node and login node");
    note(setup, SETUP_STEP, "on the controller: systemctl enable --now kwotad");
    note(setup, SETUP_STEP,
         "on the controller: systemctl restart slurmctld (running jobs go on)");
    /* In this order: with configless it is slurmd that fetches plugstack.conf. */
    note(setup, SETUP_STEP,
         "on every node: systemctl restart slurmd (running jobs go on)");
    note(setup, SETUP_STEP,
         "on every node: systemctl enable --now kwota-meter; without systemd the first "
         "job starts the meter");
    note(setup, SETUP_STEP,
         "then kwota doctor on the controller, on a node and on a login node");
}

void setup_plan(struct setup *setup, const struct setup_facts *facts)
{
    struct conf_file *top = &setup->conf->files[0];
    size_t headline = top->count;

    conf_file_add(top, HEADLINE);
    plan_plugin_dir(setup, facts);
    plan_prolog(setup);
    plan_only(setup, "ProctrackType", "proctrack/cgroup",
              "jobs have no cgroup, and shared nodes are divided by allocated CPUs");
    plan_only(setup, "JobAcctGatherType", "jobacct_gather/cgroup",
              "with cgroup v1 jobs have no group in cpuacct, and shared nodes are "
              "divided by allocated CPUs");
    plan_completion(setup, facts);
    plan_budgets(setup);
    if (facts->slurm_energy)
        plan_only(setup, "AcctGatherEnergyType", "acct_gather_energy/kwota",
                  "sacct and sreport do not show kwota's figures");
    if (facts->slurm_energy && !slurm_conf_value(setup->conf, "AcctGatherNodeFreq"))
        slurm_conf_set(setup->conf, "AcctGatherNodeFreq", "30");
    if (top->count == headline + 1)
        conf_file_drop(top, headline);
    plan_plugstack(setup, facts);
    plan_kwota(setup, facts);
    if (setup_changed(setup))
        plan_steps(setup);
}

static void undo_plugin_dir(struct setup *setup, const struct setup_facts *facts)
{
    const char *dirs = slurm_conf_value(setup->conf, "PluginDir"), *found;
    size_t len = facts->kwota_dir ? strlen(facts->kwota_dir) : 0;
    char *now = NULL;

    if (!dirs || len == 0 || !(found = strstr(dirs, facts->kwota_dir)) ||
        found == dirs || found[-1] != ':' || (found[len] && found[len] != ':'))
        return;
    if (asprintf(&now, "%.*s%s", (int)(found - dirs - 1), dirs, found + len) < 0)
        abort();
    if (strcmp(now, facts->slurm_dirs) == 0)
        slurm_conf_drop(setup->conf, "PluginDir");
    else
        slurm_conf_set(setup->conf, "PluginDir", now);
    free(now);
}

static void undo_completion(struct setup *setup, const struct setup_facts *facts)
{
    struct slurm_conf *conf = setup->conf;
    const char *type = slurm_conf_or(conf, "JobCompType", "");
    bool script =
        facts->jobcomp_script && strcasecmp(type, "jobcomp/script") == 0 &&
        strcmp(slurm_conf_or(conf, "JobCompLoc", ""), facts->jobcomp_script) == 0;

    if (!script && strcasecmp(type, "jobcomp/kwota") != 0)
        return;
    slurm_conf_drop(conf, "JobCompType");
    slurm_conf_drop(conf, "JobCompLoc");
}

static void undo_headline(struct conf_file *file)
{
    for (size_t i = 0; i < file->count; i++)
        if (file->lines[i].now && strcmp(file->lines[i].now, HEADLINE) == 0)
            conf_file_drop(file, i);
}

void setup_undo(struct setup *setup, const struct setup_facts *facts)
{
    struct slurm_conf *conf = setup->conf;

    slurm_conf_list_drop(conf, "JobSubmitPlugins", "kwota");
    slurm_conf_list_drop(conf, "JobSubmitPlugins", "job_submit/kwota");
    undo_completion(setup, facts);
    slurm_conf_list_drop(conf, "AccountingStorageTRES", "license/kwota");
    slurm_conf_list_drop(conf, "Licenses", "kwota");
    slurm_conf_list_drop(conf, "AcctGatherEnergyType", "acct_gather_energy/kwota");
    undo_plugin_dir(setup, facts);
    undo_headline(&conf->files[0]);
    plugstack_drop(setup->plugstack);
    if (!setup_changed(setup))
        return;
    note(setup, SETUP_STEP,
         "pending jobs that ask for the licence kwota must lose it first: squeue -t PD "
         "-o '%%i %%W', scontrol update JobId=N Licenses=");
    note(setup, SETUP_STEP,
         "systemctl disable --now kwotad, then restart slurmctld and every slurmd; on "
         "the nodes systemctl disable --now kwota-meter");
    note(setup, SETUP_REMAINS,
         "PrologFlags, ProctrackType, JobAcctGatherType and AccountingStorageEnforce "
         "stay as they are: others may need them");
    note(setup, SETUP_REMAINS,
         "limits: sacctmgr show assoc format=account,user,grptres shows license/kwota; "
         "sacctmgr modify account NAME set grptres=license/kwota=-1 takes one away");
    note(setup, SETUP_REMAINS,
         "%s, and in %s the ledger with all charges (on nodes the meters' state): "
         "nothing of it is deleted",
         setup->kwota->path, facts->spool);
}

bool setup_changed(const struct setup *setup)
{
    return slurm_conf_changed(setup->conf) || plugstack_changed(setup->plugstack) ||
           conf_file_changed(setup->kwota);
}
