/* doctor_running.c - whether slurmctld runs with what slurm.conf says now
 *
 * Plugins, licences and TRES are read when it starts; `scontrol reconfigure` is not
 * enough for all of them.
 */
#include <stdio.h>
#include <string.h>

#include "tools/doctor.h"

/* What kwota needs, as `scontrol show config` names it. */
static const struct {
    const char *key, *word;
} needed[DOCTOR_RUNNING] = {
    {"JobSubmitPlugins", "kwota"},
    {"JobCompType", "jobcomp/kwota"},
    {"PrologFlags", "Alloc"},
    {"PrologFlags", "Contain"},
    {"PrologFlags", "DeferBatch"},
    {"Licenses", "kwota"},
    {"AccountingStorageTRES", "license/kwota"},
    {"AccountingStorageEnforce", "limits"},
};

/* The value of "Key    = value"; NULL: it is another key's line. */
static const char *value_of(const char *line, const char *key)
{
    size_t len = strlen(key);

    if (strncmp(line, key, len) != 0)
        return NULL;
    line += len;
    line += strspn(line, " ");
    return strncmp(line, "= ", 2) == 0 ? line + 2 : NULL;
}

void doctor_take_running(struct doctor_facts *facts, const char *text)
{
    char line[4096];

    facts->running_known = true;
    for (const char *at = text; *at; at += strcspn(at, "\n"), at += *at == '\n') {
        snprintf(line, sizeof line, "%.*s", (int)strcspn(at, "\n"), at);
        for (size_t i = 0; i < DOCTOR_RUNNING; i++) {
            const char *value = value_of(line, needed[i].key);

            if (value && slurm_list_has(value, needed[i].word))
                facts->runs_with[i] = true;
        }
    }
}

/* "PrologFlags=Contain, Licenses=kwota": what slurm.conf has and slurmctld has not. */
static void list_missing(const struct doctor_facts *facts, char text[DOCTOR_TEXT])
{
    size_t len = 0;

    text[0] = '\0';
    for (size_t i = 0; i < DOCTOR_RUNNING && len < DOCTOR_TEXT; i++)
        if (!facts->runs_with[i] &&
            slurm_list_has(slurm_conf_value(facts->conf, needed[i].key),
                           needed[i].word))
            len += (size_t)snprintf(text + len, DOCTOR_TEXT - len, "%s%s=%s",
                                    len ? ", " : "", needed[i].key, needed[i].word);
}

void doctor_check_running(const struct doctor_facts *facts,
                          struct doctor_report *report)
{
    char missing[DOCTOR_TEXT];

    if (facts->running_why[0]) {
        doctor_say(report, DOCTOR_ERROR, "slurmctld", "systemctl restart slurmctld",
                   "it does not answer: %s", facts->running_why);
        return;
    }
    if (!facts->running_known)
        return;
    list_missing(facts, missing);
    if (missing[0])
        doctor_say(report, DOCTOR_ERROR, "slurmctld", "systemctl restart slurmctld",
                   "it runs without %s, which slurm.conf has now", missing);
    else
        doctor_say(report, DOCTOR_OK, "slurmctld", NULL, "it runs with kwota");
}
