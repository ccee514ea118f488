/* doctor_stack.c - the line that loads kwota into Slurm, and whether the plugins fit */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "tools/doctor.h"
#include "tools/plugin_version.h"
#include "tools/setup_plan.h"

/* The line as it should be, with kwotad where slurm.conf has the controllers. */
static const char *stack_line(const struct doctor_facts *facts, char line[DOCTOR_TEXT])
{
    char server[SETUP_SERVER];

    snprintf(line, DOCTOR_TEXT, "optional " PLUGSTACK_PLUGIN " server=%s",
             facts->kwota_server[0] ? facts->kwota_server
                                    : setup_server(facts->conf, server));
    return line;
}

static void check_line(const struct doctor_facts *facts, struct doctor_report *report)
{
    const struct plugstack *stack = facts->stack;
    char line[DOCTOR_TEXT];

    stack_line(facts, line);
    if (stack->why[0])
        doctor_say(report, DOCTOR_ERROR, "plugstack.conf", NULL, "%s", stack->why);
    if (stack->wrong[0])
        doctor_say(report, DOCTOR_ERROR, "plugstack.conf", line,
                   "%s: \"%s\" does not load kwota", stack->wrong_place, stack->wrong);
    else if (stack->count == 0)
        doctor_say(report, DOCTOR_ERROR, "plugstack.conf", line,
                   "%s: no line loads " PLUGSTACK_PLUGIN ": nothing is measured%s",
                   stack->files[0].path,
                   stack->files[0].there ? "" : " (there is no such file)");
    if (stack->count > 1)
        doctor_say(report, DOCTOR_WARNING, "plugstack.conf", NULL,
                   "%d lines load kwota; Slurm takes %s, take the others away",
                   stack->count, stack->place);
}

static void check_arguments(const struct doctor_facts *facts,
                            struct doctor_report *report)
{
    const struct plugstack *stack = facts->stack;
    const struct arguments *a = &stack->arguments;
    char line[DOCTOR_TEXT];

    if (stack->complaint[0])
        doctor_say(report, DOCTOR_ERROR, "plugstack arguments", NULL, "%s: %s",
                   stack->place, stack->complaint);
    else if (!a->server[0])
        doctor_say(report, DOCTOR_ERROR, "plugstack arguments", stack_line(facts, line),
                   "%s: there is no server=: nodes do not know where kwotad is",
                   stack->place);
    else if (facts->slurm_user[0] && strcmp(a->user, facts->slurm_user) != 0) {
        snprintf(line, sizeof line, "user=%s", facts->slurm_user);
        doctor_say(report, DOCTOR_ERROR, "plugstack arguments", line,
                   "%s: user=%s is not SlurmUser: nodes do not obey kwotad",
                   stack->place, a->user);
    } else if (facts->kwota_server[0] && strcmp(a->server, facts->kwota_server) != 0) {
        snprintf(line, sizeof line, "server=%s", facts->kwota_server);
        doctor_say(report, DOCTOR_WARNING, "plugstack arguments", line,
                   "%s: server=%s, and %s says %s", stack->place, a->server,
                   facts->kwota_path, facts->kwota_server);
    } else {
        doctor_say(report, DOCTOR_OK, "plugstack.conf", NULL, "%s: server=%s",
                   stack->place, a->server);
    }
}

/* Of slurmctld's plugins only the controller needs the files; it can do without the
 * SPANK plugin if nobody submits jobs there. */
static bool is_needed(const struct doctor_facts *facts, enum doctor_plugins plugin)
{
    const struct slurm_conf *conf = facts->conf;

    if (plugin == DOCTOR_SPANK)
        return facts->stack->count > 0 &&
               (facts->stack->required || facts->roles != DOCTOR_CONTROLLER);
    if (plugin == DOCTOR_JOB_SUBMIT)
        return (facts->roles & DOCTOR_CONTROLLER) && setup_submits(conf);
    if (plugin == DOCTOR_JOBCOMP)
        return (facts->roles & DOCTOR_CONTROLLER) &&
               strcasecmp(slurm_conf_or(conf, "JobCompType", ""), "jobcomp/kwota") == 0;
    return slurm_list_has(slurm_conf_value(conf, "AcctGatherEnergyType"),
                          "acct_gather_energy/kwota");
}

static void check_plugin(const struct doctor_facts *facts, enum doctor_plugins which,
                         const char *name, struct doctor_report *report)
{
    const struct doctor_plugin *plugin = &facts->plugins[which];
    char is[PLUGIN_VERSION_TEXT], slurm[PLUGIN_VERSION_TEXT];

    if (!is_needed(facts, which) || (!plugin->path[0] && doctor_plugins_away(facts)))
        return;
    if (!plugin->path[0]) {
        doctor_say(report, DOCTOR_ERROR, name, NULL,
                   "it is not in %s%s; install kwota for this Slurm there",
                   which == DOCTOR_SPANK && facts->stack->plugin[0] == '/'
                       ? facts->stack->plugin
                       : facts->plugin_dirs,
                   which == DOCTOR_SPANK && facts->stack->required
                       ? ", and \"required\" keeps every job from starting"
                       : "");
        return;
    }
    if (!plugin->version) {
        doctor_say(report, DOCTOR_ERROR, name, NULL, "%s", plugin->why);
        return;
    }
    plugin_version_text(plugin->version, is);
    plugin_version_text(facts->slurm_version, slurm);
    if (facts->slurm_version &&
        !plugin_version_fits(plugin->version, facts->slurm_version,
                             which == DOCTOR_SPANK))
        doctor_say(report, DOCTOR_ERROR, name, NULL,
                   "%s was built for Slurm %s, and this is %s: Slurm does not load it; "
                   "install kwota built for %s",
                   plugin->path, is, slurm, slurm);
    else
        doctor_say(report, DOCTOR_OK, name, NULL, "for Slurm %s", is);
}

void doctor_check_stack(const struct doctor_facts *facts, struct doctor_report *report)
{
    static const char *const names[] = {"spank_kwota.so", "job_submit_kwota.so",
                                        "jobcomp_kwota.so",
                                        "acct_gather_energy_kwota.so"};

    check_line(facts, report);
    if (facts->stack->count > 0)
        check_arguments(facts, report);
    for (int i = 0; i < DOCTOR_PLUGINS; i++)
        check_plugin(facts, (enum doctor_plugins)i, names[i], report);
}
