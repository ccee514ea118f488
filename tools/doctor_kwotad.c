/* doctor_kwotad.c - whether kwotad can be asked, and has what it needs */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/doctor.h"
#include "tools/plugin_version.h"

/* MUNGE forgives five minutes; a report's quarter-hour and Slurm's own times should be
 * nearer. */
#define SKEW_WARN_MS 5000
#define SKEW_ERROR_MS 240000

static void check_munge(const struct doctor_facts *facts, struct doctor_report *report)
{
    const char *socket = facts->munge_socket[0] ? facts->munge_socket : "munged";

    if (facts->munge[0])
        doctor_say(report, DOCTOR_ERROR, "munge", "systemctl restart munge",
                   "%s: nobody can say who he is: %s", socket, facts->munge);
    else
        doctor_say(report, DOCTOR_OK, "munge", NULL, "%s", socket);
}

static void check_server(const struct doctor_facts *facts,
                         const struct doctor_server *server,
                         struct doctor_report *report)
{
    bool here = facts->roles & DOCTOR_CONTROLLER;
    char line[DOCTOR_TEXT];

    switch (server->reach) {
    case DOCTOR_REACHED:
        doctor_say(report, DOCTOR_OK, "kwotad's port", NULL, "%s", server->name);
        return;
    case DOCTOR_REFUSED:
        doctor_say(report, DOCTOR_ERROR, "kwotad's port", "systemctl start kwotad",
                   "%s: nobody listens there: kwotad does not run%s, or \"listen\" in "
                   "kwota.json has another port",
                   server->name, here ? "" : " on its host");
        return;
    case DOCTOR_SILENT:
        snprintf(line, sizeof line, "firewall-cmd --permanent --add-port=%s/tcp",
                 strrchr(server->name, ':') ? strrchr(server->name, ':') + 1 : "6828");
        doctor_say(report, DOCTOR_ERROR, "kwotad's port", line,
                   "%s: no answer at all: a firewall lets nothing through, or the host "
                   "is off",
                   server->name);
        return;
    case DOCTOR_UNRESOLVED:
        doctor_say(report, DOCTOR_ERROR, "kwotad's port", NULL,
                   "%s: this host does not know that name (server= in plugstack.conf, "
                   "\"server\" in kwota.json)",
                   server->name);
        return;
    case DOCTOR_UNREACHED:
        doctor_say(report, DOCTOR_ERROR, "kwotad's port", NULL, "%s: %s", server->name,
                   server->why);
    }
}

static void check_answer(const struct doctor_facts *facts, struct doctor_report *report)
{
    if (facts->asked_why[0]) {
        /* What its port already says is not said twice. */
        for (int i = 0; i < facts->server_count; i++)
            if (facts->servers[i].reach == DOCTOR_REACHED) {
                doctor_say(report, DOCTOR_ERROR, "kwotad", NULL, "%s",
                           facts->asked_why);
                return;
            }
        return;
    }
    if (!facts->version[0])
        return;
    if (strcmp(facts->version, facts->own_version) != 0)
        doctor_say(report, DOCTOR_WARNING, "kwotad", NULL,
                   "it is version %s, and what is installed here is %s: restart it, or "
                   "install the same here",
                   facts->version, facts->own_version);
    else
        doctor_say(report, DOCTOR_OK, "kwotad", NULL, "version %s", facts->version);
}

static void check_clock(const struct doctor_facts *facts, struct doctor_report *report)
{
    int64_t skew_ms = llabs(facts->skew_ms);

    if (!facts->timed)
        return;
    if (skew_ms < SKEW_WARN_MS)
        doctor_say(report, DOCTOR_OK, "clock", NULL, "%" PRId64 " ms from kwotad's",
                   skew_ms);
    else
        doctor_say(
            report, skew_ms < SKEW_ERROR_MS ? DOCTOR_WARNING : DOCTOR_ERROR, "clock",
            "chronyc makestep", "this host's clock is %" PRId64 " s %s kwotad's%s",
            skew_ms / 1000, facts->skew_ms > 0 ? "ahead of" : "behind",
            skew_ms < SKEW_ERROR_MS ? "" : ": MUNGE's credentials are soon too old");
}

static void check_health(const struct doctor_facts *facts, struct doctor_report *report)
{
    if (!facts->healthy)
        return;
    if (facts->ledger[0])
        doctor_say(report, DOCTOR_ERROR, "ledger", NULL, "%s", facts->ledger);
    else
        doctor_say(report, DOCTOR_OK, "ledger", NULL, "it can be written");
    if (facts->policy[0])
        doctor_say(report, DOCTOR_ERROR, "policy", "kwota policy check",
                   "kwotad goes on with an older one: %s", facts->policy);
    if (facts->slurmdbd[0])
        doctor_say(report, DOCTOR_ERROR, "slurmdbd", "systemctl restart slurmdbd",
                   "kwotad says that %s: the last limits hold", facts->slurmdbd);
}

static void check_configuration(const struct doctor_facts *facts,
                                struct doctor_report *report)
{
    /* Who has no account on a node asks from elsewhere. */
    if (!facts->kwota_there && facts->roles == DOCTOR_NODE)
        return;
    if (!facts->kwota_there) {
        doctor_say(
            report, facts->roles & DOCTOR_CONTROLLER ? DOCTOR_ERROR : DOCTOR_WARNING,
            "kwota.json", "kwota setup --apply", "there is no %s%s", facts->kwota_path,
            facts->roles & DOCTOR_CONTROLLER
                ? ""
                : ": the kwota command here does not know where kwotad is");
    } else if (facts->kwota_mistakes > 0) {
        doctor_say(report, DOCTOR_ERROR, "kwota.json", "kwota policy check",
                   "%d mistake%s: %s", facts->kwota_mistakes,
                   facts->kwota_mistakes > 1 ? "s" : "", facts->kwota_mistake);
    } else {
        doctor_say(report, DOCTOR_OK, "kwota.json", NULL, "%s", facts->kwota_path);
    }
}

/* slurmdbd takes a run's joules from 25.11. */
#define TAKES_ENERGY 0x190b00

static void check_energy(const struct doctor_facts *facts, struct doctor_report *report)
{
    char slurm[PLUGIN_VERSION_TEXT];

    if (!facts->kwota_energy || !facts->slurm_version ||
        facts->slurm_version >= TAKES_ENERGY)
        return;
    doctor_say(report, DOCTOR_WARNING, "slurmdbd's energy",
               "\"slurmdbd\": {\"summary\": true}",
               "%s: \"energy\": true has no effect with Slurm %s: slurmdbd takes a "
               "job's joules from 25.11 on",
               facts->kwota_path, plugin_version_text(facts->slurm_version, slurm));
}

static void check_file(const struct doctor_facts *facts, const struct doctor_file *file,
                       struct doctor_report *report)
{
    char line[2 * DOCTOR_TEXT];

    if (!file->there && file->needed) {
        snprintf(line, sizeof line, "install -d -m 0750 -o %s %s", facts->slurm_user,
                 file->path);
        doctor_say(report, DOCTOR_ERROR, file->what, line, "%s: %s", file->path,
                   file->why);
        return;
    }
    if (!file->there)
        return;
    if (facts->slurm_uid_known && !file->readable_only &&
        file->owner != facts->slurm_uid) {
        snprintf(line, sizeof line, "chown %s %s", facts->slurm_user, file->path);
        doctor_say(report, DOCTOR_ERROR, file->what, line,
                   "%s belongs to uid %u, and kwotad runs as SlurmUser=%s", file->path,
                   (unsigned)file->owner, facts->slurm_user);
    } else if (file->mode & 022) {
        snprintf(line, sizeof line, "chmod go-w %s", file->path);
        doctor_say(report, DOCTOR_ERROR, file->what, line,
                   "%s can be written by others (mode %04o): so can the books",
                   file->path, (unsigned)file->mode & 07777);
    } else if (file->readable_only && !(file->mode & 04) &&
               !(facts->slurm_uid_known && file->owner == facts->slurm_uid)) {
        snprintf(line, sizeof line, "chown %s %s", facts->slurm_user, file->path);
        doctor_say(report, DOCTOR_ERROR, file->what, line,
                   "%s cannot be read by SlurmUser=%s", file->path, facts->slurm_user);
    } else {
        doctor_say(report, DOCTOR_OK, file->what, NULL, "%s", file->path);
    }
}

static void check_slurmdbd(const struct doctor_facts *facts,
                           struct doctor_report *report)
{
    if (!facts->tres_asked)
        return;
    if (facts->tres_why[0])
        doctor_say(report, DOCTOR_ERROR, "slurmdbd", "systemctl restart slurmdbd",
                   "it does not answer: %s", facts->tres_why);
    else if (!facts->tres_there)
        doctor_say(report, DOCTOR_ERROR, "license/kwota", "systemctl restart slurmctld",
                   "slurmdbd does not know it: slurmctld tells it when it starts with "
                   "AccountingStorageTRES=license/kwota");
    else
        doctor_say(report, DOCTOR_OK, "license/kwota", NULL, "slurmdbd knows it");
    if (facts->qos[0])
        doctor_say(report, DOCTOR_WARNING, "QOS", "sacctmgr modify qos NAME set …",
                   "%s: jobs under it do not keep kwota's limits as others do",
                   facts->qos);
}

void doctor_check_kwotad(const struct doctor_facts *facts, struct doctor_report *report)
{
    check_configuration(facts, report);
    check_energy(facts, report);
    if (!facts->slurm_uid_known && facts->slurm_user[0])
        doctor_say(report, DOCTOR_ERROR, "SlurmUser", NULL,
                   "there is no user %s on this host", facts->slurm_user);
    if (facts->roles & DOCTOR_CONTROLLER)
        for (int i = 0; i < facts->file_count; i++)
            check_file(facts, &facts->files[i], report);
    check_munge(facts, report);
    if (facts->server_count == 0)
        doctor_say(report, DOCTOR_ERROR, "kwotad", "server=ctl1:6828",
                   "neither plugstack.conf nor kwota.json says where it is");
    for (int i = 0; i < facts->server_count; i++)
        check_server(facts, &facts->servers[i], report);
    check_answer(facts, report);
    check_clock(facts, report);
    check_health(facts, report);
    check_slurmdbd(facts, report);
}
