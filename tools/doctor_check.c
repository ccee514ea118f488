/* doctor_check.c - what slurm.conf must say, and what it says */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tools/doctor.h"
#include "tools/setup_plan.h"

void doctor_say(struct doctor_report *report, enum doctor_level level,
                const char *check, const char *remedy, const char *format, ...)
{
    struct doctor_finding *finding = &report->findings[report->count];
    va_list args;

    if (report->count == DOCTOR_FINDINGS)
        return;
    *finding = (struct doctor_finding){.level = level, .check = check};
    va_start(args, format);
    if (vasprintf(&finding->text, format, args) < 0)
        finding->text = NULL;
    va_end(args);
    finding->remedy = remedy && *remedy ? strdup(remedy) : NULL;
    report->count++;
}

void doctor_report_free(struct doctor_report *report)
{
    for (int i = 0; i < report->count; i++) {
        free(report->findings[i].text);
        free(report->findings[i].remedy);
    }
    report->count = 0;
}

/* What a key lacks, with the whole line as it should be. */
static void lacks(const struct doctor_facts *facts, struct doctor_report *report,
                  enum doctor_level level, const char *key, const char *missing,
                  const char *without)
{
    const char *is = slurm_conf_value(facts->conf, key);
    char place[SLURM_CONF_PLACE], line[DOCTOR_TEXT];
    bool none = !is || strcasecmp(is, "none") == 0 || !*is;

    snprintf(line, sizeof line, "%s=%.200s%s%s", key, none ? "" : is, none ? "" : ",",
             missing);
    doctor_say(report, level, key, line, "%s: %s is missing: %s",
               slurm_conf_place(facts->conf, key, place), missing, without);
}

static void check_prolog(const struct doctor_facts *facts, struct doctor_report *report)
{
    const char *is = slurm_conf_value(facts->conf, "PrologFlags");
    bool contain = slurm_list_has(is, "Contain"),
         defer = slurm_list_has(is, "DeferBatch");
    bool alloc = contain || slurm_list_has(is, "Alloc");
    char missing[64], place[SLURM_CONF_PLACE];

    snprintf(missing, sizeof missing, "%s%s%s", alloc ? "" : ",Alloc",
             contain ? "" : ",Contain", defer ? "" : ",DeferBatch");
    if (missing[0])
        lacks(facts, report, DOCTOR_ERROR, "PrologFlags", missing + 1,
              !alloc ? "jobs start before any node has asked kwotad"
              : !contain
                  ? "the job's cgroup comes and goes with its steps"
                  : "the script of a job that kwota puts back may start all the same");
    else if (slurm_list_has(is, "NoHold"))
        doctor_say(report, DOCTOR_ERROR, "PrologFlags",
                   "PrologFlags=Alloc,Contain,DeferBatch",
                   "%s: NoHold lets a script start before kwota has decided",
                   slurm_conf_place(facts->conf, "PrologFlags", place));
    else
        doctor_say(report, DOCTOR_OK, "PrologFlags", NULL, "%s", is);
}

/* Without it shared nodes are divided by allocated CPUs. */
static void check_cgroup_plugin(const struct doctor_facts *facts,
                                struct doctor_report *report, const char *key,
                                const char *wanted, bool needed, const char *by_default)
{
    const char *is = slurm_conf_or(facts->conf, key, by_default);
    char line[128], place[SLURM_CONF_PLACE];

    snprintf(line, sizeof line, "%s=%s", key, wanted);
    if (strcasecmp(is, wanted) == 0 || !needed)
        doctor_say(report, DOCTOR_OK, key, NULL, "%s", is);
    else
        doctor_say(report, DOCTOR_WARNING, key, line,
                   "%s: with %s jobs have no CPU time in cgroups, and shared nodes are "
                   "divided by allocated CPUs",
                   slurm_conf_place(facts->conf, key, place), is);
}

static void check_submit(const struct doctor_facts *facts, struct doctor_report *report)
{
    const char *is = slurm_conf_value(facts->conf, "JobSubmitPlugins");
    const char *last = is ? strrchr(is, ',') : NULL;
    char place[SLURM_CONF_PLACE];

    last = last ? last + 1 : is;
    if (!setup_submits(facts->conf))
        lacks(facts, report, DOCTOR_ERROR, "JobSubmitPlugins", "kwota",
              "jobs get no lien, so that quotas bind them only when they start");
    else if (strcasecmp(last, "kwota") != 0 &&
             strcasecmp(last, "job_submit/kwota") != 0)
        doctor_say(report, DOCTOR_WARNING, "JobSubmitPlugins", NULL,
                   "%s: kwota is not the last of %s: what those after it change is not "
                   "in the estimate; put it last",
                   slurm_conf_place(facts->conf, "JobSubmitPlugins", place), is);
    else
        doctor_say(report, DOCTOR_OK, "JobSubmitPlugins", NULL, "%s", is);
}

static void check_journal(const struct doctor_facts *facts,
                          struct doctor_report *report)
{
    const char *is = slurm_conf_value(facts->conf, "JobCompLoc");
    char wanted[DOCTOR_TEXT + 32], line[DOCTOR_TEXT + 64], place[SLURM_CONF_PLACE];

    if (!(facts->roles & DOCTOR_CONTROLLER) || !facts->kwota_there)
        return;
    snprintf(wanted, sizeof wanted, "%s/ended.journal", facts->kwota_spool);
    snprintf(line, sizeof line, "JobCompLoc=%s", wanted);
    if (is && strcmp(is, wanted) != 0)
        doctor_say(report, DOCTOR_ERROR, "JobCompLoc", line,
                   "%s: %s is not where kwotad reads: it is not told when jobs end",
                   slurm_conf_place(facts->conf, "JobCompLoc", place), is);
    else if (!is && strcmp(facts->kwota_spool, KWOTA_SPOOLDIR) != 0)
        doctor_say(report, DOCTOR_ERROR, "JobCompLoc", line,
                   "%s: JobCompLoc is missing: kwotad's spool is %s",
                   slurm_conf_place(facts->conf, "JobCompLoc", place),
                   facts->kwota_spool);
    else
        doctor_say(report, DOCTOR_OK, "JobCompLoc", NULL, "%s", wanted);
}

static void check_completion(const struct doctor_facts *facts,
                             struct doctor_report *report)
{
    const char *is = slurm_conf_or(facts->conf, "JobCompType", "jobcomp/none");
    const char *script = slurm_conf_or(facts->conf, "JobCompLoc", "");
    char place[SLURM_CONF_PLACE];

    if (strcasecmp(is, "jobcomp/kwota") == 0) {
        doctor_say(report, DOCTOR_OK, "JobCompType", NULL, "%s", is);
        check_journal(facts, report);
    } else if (strcasecmp(is, "jobcomp/script") == 0 && strstr(script, "kwota")) {
        doctor_say(report, DOCTOR_OK, "JobCompType", NULL, "%s with %s", is, script);
    } else {
        doctor_say(report, DOCTOR_WARNING, "JobCompType", "JobCompType=jobcomp/kwota",
                   "%s: %s does not tell kwotad when a job ends: it looks every "
                   "sweep_s (kwota.json)",
                   slurm_conf_place(facts->conf, "JobCompType", place), is);
    }
}

/* 32 bits of licences, and room for all liens. */
static void check_licences(const struct doctor_facts *facts,
                           struct doctor_report *report)
{
    const char *is = slurm_conf_value(facts->conf, "Licenses");

    if (slurm_list_has(is, "kwota"))
        doctor_say(report, DOCTOR_OK, "Licenses", NULL, "%s", is);
    else
        lacks(
            facts, report, DOCTOR_ERROR, "Licenses", "kwota:2000000000",
            "Slurm refuses jobs with a lien as asking for a licence it does not have");
}

static void check_accounting(const struct doctor_facts *facts,
                             struct doctor_report *report)
{
    const struct slurm_conf *conf = facts->conf;
    const char *type = slurm_conf_or(conf, "AccountingStorageType", "");
    const char *enforce = slurm_conf_value(conf, "AccountingStorageEnforce");
    char place[SLURM_CONF_PLACE];

    if (strcasecmp(type, "accounting_storage/slurmdbd") != 0) {
        doctor_say(
            report, DOCTOR_WARNING, "AccountingStorageType",
            "AccountingStorageType=accounting_storage/slurmdbd",
            "%s: without slurmdbd jobs have no accounts, and kwota holds jobs by "
            "itself when they start",
            slurm_conf_place(conf, "AccountingStorageType", place));
        return;
    }
    if (slurm_list_has(slurm_conf_value(conf, "AccountingStorageTRES"),
                       "license/kwota"))
        doctor_say(report, DOCTOR_OK, "AccountingStorageTRES", NULL, "%s",
                   slurm_conf_value(conf, "AccountingStorageTRES"));
    else
        lacks(facts, report, DOCTOR_ERROR, "AccountingStorageTRES", "license/kwota",
              "Slurm keeps no limit on liens");
    if (slurm_list_has(enforce, "limits") || slurm_list_has(enforce, "safe") ||
        slurm_list_has(enforce, "all"))
        doctor_say(report, DOCTOR_OK, "AccountingStorageEnforce", NULL, "%s", enforce);
    else
        lacks(facts, report, DOCTOR_ERROR, "AccountingStorageEnforce", "limits",
              "jobs do not wait for energy; kwota can only put them back at their "
              "start");
}

/* Whether `dir` is one of a list with colons. */
static bool has_dir(const char *dirs, const char *dir)
{
    size_t len = strlen(dir);

    for (const char *at = dirs; *at;) {
        size_t one = strcspn(at, ":");

        if (one == len && strncmp(at, dir, len) == 0)
            return true;
        at += one + (at[one] == ':');
    }
    return false;
}

bool doctor_plugins_away(const struct doctor_facts *facts)
{
    enum doctor_plugins one =
        facts->roles & DOCTOR_CONTROLLER ? DOCTOR_JOB_SUBMIT : DOCTOR_SPANK;

    return !facts->plugins[one].path[0] &&
           !has_dir(facts->plugin_dirs, facts->kwota_dir);
}

static void check_plugin_dir(const struct doctor_facts *facts,
                             struct doctor_report *report)
{
    char place[SLURM_CONF_PLACE], line[1024 + DOCTOR_TEXT + 32];

    if (facts->slurm_version == 0) {
        doctor_say(report, DOCTOR_ERROR, "PluginDir", NULL,
                   "%s: none of Slurm's own plugins is in %s",
                   slurm_conf_place(facts->conf, "PluginDir", place),
                   facts->plugin_dirs[0] ? facts->plugin_dirs : "any folder known");
        return;
    }
    snprintf(line, sizeof line, "PluginDir=%s:%s", facts->plugin_dirs,
             facts->kwota_dir);
    if (doctor_plugins_away(facts))
        doctor_say(report, DOCTOR_ERROR, "PluginDir", line,
                   "%s: kwota's plugins are not in %s",
                   slurm_conf_place(facts->conf, "PluginDir", place),
                   facts->plugin_dirs);
    else
        doctor_say(report, DOCTOR_OK, "PluginDir", NULL, "%s", facts->plugin_dirs);
}

void doctor_check_conf(const struct doctor_facts *facts, struct doctor_report *report)
{
    if (facts->conf->why[0]) {
        doctor_say(report, DOCTOR_ERROR, "slurm.conf", NULL, "%s", facts->conf->why);
        if (facts->conf->pair_count == 0)
            return;
    }
    check_plugin_dir(facts, report);
    check_prolog(facts, report);
    check_cgroup_plugin(facts, report, "ProctrackType", "proctrack/cgroup", true,
                        "proctrack/cgroup");
    /* In cgroup v2 every group has its CPU time. */
    check_cgroup_plugin(facts, report, "JobAcctGatherType", "jobacct_gather/cgroup",
                        !(facts->cgroup_v2 && !facts->cgroup_v1),
                        "jobacct_gather/none");
    check_submit(facts, report);
    check_completion(facts, report);
    check_licences(facts, report);
    check_accounting(facts, report);
}

void doctor_check(const struct doctor_facts *facts, struct doctor_report *report)
{
    doctor_check_conf(facts, report);
    if (facts->conf->pair_count > 0)
        doctor_check_stack(facts, report);
    doctor_check_running(facts, report);
    doctor_check_kwotad(facts, report);
    if (facts->roles & DOCTOR_NODE)
        doctor_check_node(facts, report);
}
