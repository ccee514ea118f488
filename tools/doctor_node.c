/* doctor_node.c - whether a node can measure: its meter, counters, GPUs, cgroups */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "tools/doctor.h"

static void check_meter(const struct doctor_facts *facts, struct doctor_report *report)
{
    if (facts->meter_runs)
        doctor_say(report, DOCTOR_OK, "kwota-meter", NULL, "it runs on %s",
                   facts->node);
    else if (facts->meter_untold)
        doctor_say(report, DOCTOR_ERROR, "kwota-meter",
                   "server=HOST:PORT behind " PLUGSTACK_PLUGIN " in plugstack.conf, "
                   "then systemctl enable --now kwota-meter",
                   "it does not run on %s: nothing says where kwotad is", facts->node);
    else
        doctor_say(report, DOCTOR_ERROR, "kwota-meter",
                   "systemctl enable --now kwota-meter", "it does not run on %s: %s",
                   facts->node, facts->meter_why);
}

static void check_counters(const struct doctor_facts *facts,
                           struct doctor_report *report)
{
    if (!facts->probed)
        doctor_say(report, DOCTOR_ERROR, "counters", NULL, "%s", facts->probe_why);
    else if (facts->denied > 0)
        doctor_say(report, DOCTOR_ERROR, "counters", NULL,
                   "%d cannot be read: %s; kwota-meter must run as root, outside of a "
                   "container that hides them",
                   facts->denied, facts->denied_reason);
    else if (facts->charged == 0)
        doctor_say(report, DOCTOR_ERROR, "counters", "modprobe intel_rapl_msr",
                   "this node has none: kwota-meter probe says what was looked for");
    else if (facts->unknown > 0)
        doctor_say(report, DOCTOR_WARNING, "counters", "kwota-meter probe",
                   "%d of %d give no value", facts->unknown,
                   facts->charged + facts->unknown);
    else
        doctor_say(report, DOCTOR_OK, "counters", NULL, "%d are charged",
                   facts->charged);
}

static void check_gpus(const struct doctor_facts *facts, struct doctor_report *report)
{
    if (!facts->probed || facts->gpus_of_slurm == 0)
        return;
    if (facts->gpus == 0 || facts->gpus < facts->gpus_of_slurm)
        doctor_say(
            report, DOCTOR_ERROR, "GPUs", "kwota-meter probe",
            "slurm.conf has %s gpu for %s, and %d GPU%s counted: is the driver's "
            "library (libnvidia-ml.so.1, librocm_smi64.so.1) there?",
            slurm_conf_of(facts->conf, facts->node_pair, "Gres"), facts->node,
            facts->gpus, facts->gpus == 1 ? " is" : "s are");
    else
        doctor_say(report, DOCTOR_OK, "GPUs", NULL, "%d", facts->gpus);
}

static void check_cgroups(const struct doctor_facts *facts,
                          struct doctor_report *report)
{
    const char *plugin = slurm_conf_or(facts->cgroup, "CgroupPlugin", "autodetect");
    const char *path = facts->cgroup->file_count ? facts->cgroup->files[0].path : "";

    if (strcasecmp(plugin, "disabled") == 0)
        doctor_say(report, DOCTOR_WARNING, "cgroups", "CgroupPlugin=autodetect",
                   "%s: CgroupPlugin=disabled: shared nodes are divided by allocated "
                   "CPUs",
                   path);
    else if (!facts->cgroup_v1 && !facts->cgroup_v2)
        doctor_say(report, DOCTOR_ERROR, "cgroups", NULL,
                   "neither cpuacct of cgroup v1 nor cgroup v2 is mounted: CPU time of "
                   "jobs is unknown");
    else if (strcasecmp(plugin, "cgroup/v1") == 0 && !facts->cgroup_v1)
        doctor_say(report, DOCTOR_ERROR, "cgroups", "CgroupPlugin=autodetect",
                   "%s: CgroupPlugin=cgroup/v1, and this host has only v2", path);
    else if (strcasecmp(plugin, "cgroup/v2") == 0 && facts->cgroup_v1)
        doctor_say(report, DOCTOR_ERROR, "cgroups", "CgroupPlugin=autodetect",
                   "%s: CgroupPlugin=cgroup/v2, and this host has v1", path);
    else if (facts->steps && !facts->job_groups)
        doctor_say(report, DOCTOR_WARNING, "cgroups", "systemctl restart slurmd",
                   "jobs run here and none has a group %s: their share of a package is "
                   "by allocated CPUs",
                   facts->cgroup_v1 ? "in cpuacct" : "below slurmstepd.scope");
    else
        doctor_say(report, DOCTOR_OK, "cgroups", NULL, "%s%s",
                   facts->cgroup_v1 ? "v1" : "v2",
                   facts->job_groups ? ", jobs have theirs" : "");
}

void doctor_check_node(const struct doctor_facts *facts, struct doctor_report *report)
{
    check_cgroups(facts, report);
    if (!facts->root) {
        doctor_say(report, DOCTOR_WARNING, "counters", "sudo kwota doctor",
                   "only root can look at the counters and the meter");
        return;
    }
    check_meter(facts, report);
    check_counters(facts, report);
    check_gpus(facts, report);
}
