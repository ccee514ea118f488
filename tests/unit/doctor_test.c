/* doctor_test.c - kwota doctor: a good installation has no finding, and each mistake
 * its own with the line to change */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tools/doctor.h"

static const char good_conf[] =
    "ClusterName=x\nSlurmctldHost=ctl1\nSlurmUser=slurm\n"
    "PrologFlags=Alloc,Contain,DeferBatch\nProctrackType=proctrack/cgroup\n"
    "JobAcctGatherType=jobacct_gather/cgroup\nJobSubmitPlugins=lua,kwota\n"
    "JobCompType=jobcomp/kwota\nJobCompLoc=/spool/ended.journal\n"
    "Licenses=kwota:2000000000\nAccountingStorageType=accounting_storage/slurmdbd\n"
    "AccountingStorageTRES=gres/gpu,license/kwota\n"
    "AccountingStorageEnforce=associations,limits\n"
    "NodeName=n[01-20] Gres=gpu:a100:2,shard:8\n";
static const char good_stack[] = "optional spank_kwota.so server=ctl1:6828\n";

/* As `scontrol show config` prints it, less what kwota does not need. */
static const char good_running[] =
    "Configuration data as of 2026-11-21T10:00:00\n"
    "AccountingStorageEnforce = associations,limits\n"
    "AccountingStorageTRES   = cpu,mem,energy,node,billing,gres/gpu,license/kwota\n"
    "JobCompType             = jobcomp/kwota\n"
    "JobSubmitPlugins        = lua,kwota\n"
    "Licenses                = matlab:4,kwota:2000000000\n"
    "PrologFlags             = Alloc,Contain,DeferBatch\n";

struct world {
    struct slurm_conf conf, cgroup;
    struct plugstack stack;
    struct doctor_facts facts;
    struct doctor_report report;
};

static void make(struct world *w, const char *conf, const char *stack)
{
    struct doctor_facts *f = &w->facts;

    memset(w, 0, sizeof *w);
    slurm_conf_take(&w->conf, "slurm.conf", conf);
    slurm_conf_take(&w->cgroup, "cgroup.conf", "");
    plugstack_take(&w->stack, "plugstack.conf", stack);
    f->roles = DOCTOR_CONTROLLER | DOCTOR_NODE;
    f->root = true;
    strcpy(f->host, "n07");
    strcpy(f->node, "n07");
    f->conf = &w->conf;
    f->cgroup = &w->cgroup;
    f->stack = &w->stack;
    for (size_t i = 0; i < w->conf.pair_count; i++)
        if (strcasecmp(w->conf.pairs[i].key, "NodeName") == 0)
            f->node_pair = i;
    strcpy(f->plugin_dirs, "/usr/lib/slurm");
    strcpy(f->kwota_dir, "/usr/lib/slurm");
    f->slurm_version = 0x160508;
    for (int i = 0; i < DOCTOR_PLUGINS; i++) {
        strcpy(f->plugins[i].path, "/usr/lib/slurm/x.so");
        f->plugins[i].version = 0x160508;
    }
    f->kwota_there = true;
    strcpy(f->kwota_path, "/etc/kwota/kwota.json");
    strcpy(f->kwota_server, "ctl1:6828");
    strcpy(f->kwota_spool, "/spool");
    doctor_take_running(f, good_running);
    f->server_count = 1;
    strcpy(f->servers[0].name, "ctl1:6828");
    strcpy(f->version, "1.0");
    strcpy(f->own_version, "1.0");
    f->timed = f->healthy = f->tres_asked = f->tres_there = true;
    strcpy(f->slurm_user, "slurm");
    f->slurm_uid_known = true;
    f->slurm_uid = 64030;
    f->file_count = 1;
    f->files[0] = (struct doctor_file){.what = "spool",
                                       .path = "/spool",
                                       .there = true,
                                       .needed = true,
                                       .owner = 64030,
                                       .mode = 040750};
    f->meter_runs = f->probed = f->cgroup_v2 = true;
    f->charged = 6;
    f->gpus = f->gpus_of_slurm = 2;
}

static void drop(struct world *w)
{
    doctor_report_free(&w->report);
    slurm_conf_free(&w->conf);
    slurm_conf_free(&w->cgroup);
    plugstack_free(&w->stack);
}

/* The only finding that is not ok. */
static void is_only(struct world *w, enum doctor_level level, const char *check,
                    const char *words, const char *remedy)
{
    const struct doctor_finding *found = NULL;

    doctor_check(&w->facts, &w->report);
    for (int i = 0; i < w->report.count; i++) {
        const struct doctor_finding *f = &w->report.findings[i];

        if (f->level == DOCTOR_OK)
            continue;
        if (found)
            fail_msg("%s beside %s: %s", f->check, found->check, f->text);
        found = f;
    }
    assert_non_null(found);
    assert_string_equal(found->check, check);
    assert_int_equal(found->level, level);
    if (!strstr(found->text, words))
        fail_msg("\"%s\" does not say \"%s\"", found->text, words);
    if (remedy) {
        assert_non_null(found->remedy);
        assert_string_equal(found->remedy, remedy);
    }
}

static void energy_in_time(struct doctor_facts *f)
{
    f->kwota_energy = true;
    f->slurm_version = 0x190b00;
    for (int i = 0; i < DOCTOR_PLUGINS; i++)
        f->plugins[i].version = f->slurm_version;
}

static void nothing_found(void (*also)(struct doctor_facts *))
{
    struct world w;

    make(&w, good_conf, good_stack);
    if (also)
        also(&w.facts);
    doctor_check(&w.facts, &w.report);
    assert_true(w.report.count > 18);
    for (int i = 0; i < w.report.count; i++)
        if (w.report.findings[i].level != DOCTOR_OK)
            fail_msg("%s: %s", w.report.findings[i].check, w.report.findings[i].text);
    drop(&w);
}

static void good(void **state)
{
    (void)state;
    nothing_found(NULL);
    nothing_found(energy_in_time);
}

/* One line of slurm.conf is another, or away (NULL). */
static void conf_mistakes(void **state)
{
    static const struct {
        const char *key, *value;
        enum doctor_level level;
        const char *check, *words, *remedy;
    } table[] = {
        {"PrologFlags", NULL, DOCTOR_ERROR, "PrologFlags", "slurm.conf: Alloc,Contain",
         "PrologFlags=Alloc,Contain,DeferBatch"},
        {"PrologFlags", "X11,Contain", DOCTOR_ERROR, "PrologFlags",
         "slurm.conf:4: DeferBatch", "PrologFlags=X11,Contain,DeferBatch"},
        {"PrologFlags", "Alloc,Contain,DeferBatch,NoHold", DOCTOR_ERROR, "PrologFlags",
         "NoHold", NULL},
        {"ProctrackType", "proctrack/linuxproc", DOCTOR_WARNING, "ProctrackType",
         "slurm.conf:5", "ProctrackType=proctrack/cgroup"},
        {"JobSubmitPlugins", NULL, DOCTOR_ERROR, "JobSubmitPlugins", "kwota is missing",
         "JobSubmitPlugins=kwota"},
        {"JobSubmitPlugins", "lua", DOCTOR_ERROR, "JobSubmitPlugins", "slurm.conf:7",
         "JobSubmitPlugins=lua,kwota"},
        {"JobSubmitPlugins", "kwota,lua", DOCTOR_WARNING, "JobSubmitPlugins",
         "put it last", NULL},
        {"JobCompType", NULL, DOCTOR_WARNING, "JobCompType", "jobcomp/none",
         "JobCompType=jobcomp/kwota"},
        {"JobCompType", "jobcomp/filetxt", DOCTOR_WARNING, "JobCompType", "filetxt",
         "JobCompType=jobcomp/kwota"},
        {"JobCompLoc", "/var/log/x", DOCTOR_ERROR, "JobCompLoc", "slurm.conf:9",
         "JobCompLoc=/spool/ended.journal"},
        {"JobCompLoc", NULL, DOCTOR_ERROR, "JobCompLoc", "is missing",
         "JobCompLoc=/spool/ended.journal"},
        {"Licenses", "matlab:4", DOCTOR_ERROR, "Licenses",
         "kwota:2000000000 is missing", "Licenses=matlab:4,kwota:2000000000"},
        {"AccountingStorageType", NULL, DOCTOR_WARNING, "AccountingStorageType",
         "without slurmdbd", "AccountingStorageType=accounting_storage/slurmdbd"},
        {"AccountingStorageTRES", "gres/gpu", DOCTOR_ERROR, "AccountingStorageTRES",
         "slurm.conf:12", "AccountingStorageTRES=gres/gpu,license/kwota"},
        {"AccountingStorageEnforce", "none", DOCTOR_ERROR, "AccountingStorageEnforce",
         "limits is missing", "AccountingStorageEnforce=limits"},
        {"AccountingStorageEnforce", "qos", DOCTOR_ERROR, "AccountingStorageEnforce",
         "limits is missing", "AccountingStorageEnforce=qos,limits"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct slurm_conf conf;
        struct world w;
        char *text;

        slurm_conf_take(&conf, "slurm.conf", good_conf);
        if (table[i].value)
            slurm_conf_set(&conf, table[i].key, table[i].value);
        else
            slurm_conf_drop(&conf, table[i].key);
        text = conf_file_text(&conf.files[0]);
        make(&w, text, good_stack);
        is_only(&w, table[i].level, table[i].check, table[i].words, table[i].remedy);
        drop(&w);
        free(text);
        slurm_conf_free(&conf);
    }
}

static void stack_mistakes(void **state)
{
    static const struct {
        const char *text, *check, *words, *remedy;
    } table[] = {
        {NULL, "plugstack.conf", "no such file",
         "optional spank_kwota.so server=ctl1:6828"},
        {"# nothing\n", "plugstack.conf", "no line loads", NULL},
        {"optinal spank_kwota.so server=ctl1:6828\n", "plugstack.conf",
         "plugstack.conf:1: \"optinal", NULL},
        {"optional spank_kwota.so\n", "plugstack arguments", "no server=", NULL},
        {"optional spank_kwota.so server=ctl1:6828 rnu=/x\n", "plugstack arguments",
         "rnu=/x", NULL},
        {"optional spank_kwota.so server=ctl1:6828 user=root\n", "plugstack arguments",
         "not SlurmUser", "user=slurm"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct world w;

        make(&w, good_conf, table[i].text);
        is_only(&w, DOCTOR_ERROR, table[i].check, table[i].words, table[i].remedy);
        drop(&w);
    }
}

typedef void mistake(struct doctor_facts *f);

static void no_spank(struct doctor_facts *f)
{
    f->plugins[DOCTOR_SPANK].path[0] = '\0';
}

static void old_spank(struct doctor_facts *f)
{
    f->plugins[DOCTOR_SPANK].version = 0x150800;
}

static void old_submit(struct doctor_facts *f)
{
    f->plugins[DOCTOR_JOB_SUBMIT].version = 0x160507;
}

static void no_submit(struct doctor_facts *f)
{
    f->plugins[DOCTOR_JOB_SUBMIT].path[0] = '\0';
    slurm_conf_set(f->conf, "JobSubmitPlugins", "job_submit/kwota");
}

static void no_jobcomp(struct doctor_facts *f)
{
    f->plugins[DOCTOR_JOBCOMP].path[0] = '\0';
}

static void no_plugin(struct doctor_facts *f)
{
    f->plugins[DOCTOR_JOBCOMP].version = 0;
    strcpy(f->plugins[DOCTOR_JOBCOMP].why, "is no plugin");
}

static void no_slurm(struct doctor_facts *f)
{
    f->slurm_version = 0;
}

static void no_munge(struct doctor_facts *f)
{
    strcpy(f->munge, "Failed to access");
}

static void refused(struct doctor_facts *f)
{
    f->servers[0].reach = DOCTOR_REFUSED;
    strcpy(f->asked_why, "not said twice");
}

static void firewall(struct doctor_facts *f)
{
    f->servers[0].reach = DOCTOR_SILENT;
    strcpy(f->asked_why, "not said twice");
}

static void no_name(struct doctor_facts *f)
{
    f->servers[0].reach = DOCTOR_UNRESOLVED;
}

static void no_server(struct doctor_facts *f)
{
    f->server_count = 0;
    f->version[0] = '\0';
}

static void unsigned_answer(struct doctor_facts *f)
{
    strcpy(f->asked_why, "the answer does not count");
}

static void other_version(struct doctor_facts *f)
{
    strcpy(f->version, "0.9");
}

static void slow_clock(struct doctor_facts *f)
{
    f->skew_ms = -6000;
}

static void wrong_clock(struct doctor_facts *f)
{
    f->skew_ms = 3600000;
}

static void full_disk(struct doctor_facts *f)
{
    strcpy(f->ledger, "the disk is full");
}

static void bad_policy(struct doctor_facts *f)
{
    strcpy(f->policy, "kwota.json:3: no");
}

static void dbd_away(struct doctor_facts *f)
{
    strcpy(f->slurmdbd, "slurmdbd does not answer");
}

static void sacctmgr_away(struct doctor_facts *f)
{
    strcpy(f->tres_why, "Connection refused");
}

static void no_tres(struct doctor_facts *f)
{
    f->tres_there = false;
}

static void bad_qos(struct doctor_facts *f)
{
    strcpy(f->qos, "fast has DenyOnLimit");
}

static void no_kwota_json(struct doctor_facts *f)
{
    f->kwota_there = false;
}

static void json_mistake(struct doctor_facts *f)
{
    f->kwota_mistakes = 1;
    strcpy(f->kwota_mistake, "kwota.json:3: sweep_s");
}

static void energy_too_early(struct doctor_facts *f)
{
    f->kwota_energy = true;
}

static void roots_spool(struct doctor_facts *f)
{
    f->files[0].owner = 0;
}

static void open_spool(struct doctor_facts *f)
{
    f->files[0].mode = 040777;
}

static void no_spool(struct doctor_facts *f)
{
    f->files[0].there = false;
    strcpy(f->files[0].why, "No such file or directory");
}

static void secret_json(struct doctor_facts *f)
{
    f->files[0].readable_only = true;
    f->files[0].owner = 0;
    f->files[0].mode = 0100600;
}

static void no_user(struct doctor_facts *f)
{
    f->slurm_uid_known = false;
}

static void no_meter(struct doctor_facts *f)
{
    f->meter_runs = false;
    strcpy(f->meter_why, "nobody listens");
}

static void untold_meter(struct doctor_facts *f)
{
    no_meter(f);
    f->meter_untold = true;
}

static void no_counters(struct doctor_facts *f)
{
    f->charged = f->gpus = f->gpus_of_slurm = 0;
}

static void denied(struct doctor_facts *f)
{
    f->denied = f->unknown = 2;
    strcpy(f->denied_reason, "package-0: permission denied");
}

static void unknown(struct doctor_facts *f)
{
    f->unknown = 1;
}

static void no_probe(struct doctor_facts *f)
{
    f->probed = false;
    strcpy(f->probe_why, "there is no such program");
}

static void no_gpus(struct doctor_facts *f)
{
    f->gpus = 0;
}

static void one_gpu(struct doctor_facts *f)
{
    f->gpus = 1;
}

static void no_cgroup(struct doctor_facts *f)
{
    f->cgroup_v2 = false;
}

static void cgroup_v1_said(struct doctor_facts *f)
{
    slurm_conf_set(f->cgroup, "CgroupPlugin", "cgroup/v1");
}

static void cgroup_v2_said(struct doctor_facts *f)
{
    slurm_conf_set(f->cgroup, "CgroupPlugin", "cgroup/v2");
    f->cgroup_v1 = true;
}

static void cgroup_off(struct doctor_facts *f)
{
    slurm_conf_set(f->cgroup, "CgroupPlugin", "disabled");
}

static void no_job_groups(struct doctor_facts *f)
{
    f->steps = true;
}

static void not_root(struct doctor_facts *f)
{
    f->root = false;
}

static void other_server(struct doctor_facts *f)
{
    strcpy(f->kwota_server, "ctl9:6828");
}

static void plugins_away(struct doctor_facts *f)
{
    strcpy(f->kwota_dir, "/opt/kwota");
    for (int i = 0; i < DOCTOR_PLUGINS; i++)
        f->plugins[i].path[0] = '\0';
}

static void host_mistakes(void **state)
{
    static const struct {
        mistake *make;
        enum doctor_level level;
        const char *check, *words, *remedy;
    } table[] = {
        {no_spank, DOCTOR_ERROR, "spank_kwota.so", "not in /usr/lib/slurm", NULL},
        {old_spank, DOCTOR_ERROR, "spank_kwota.so", "21.08.0, and this is 22.05.8",
         NULL},
        {old_submit, DOCTOR_ERROR, "job_submit_kwota.so", "22.05.7", NULL},
        {no_submit, DOCTOR_ERROR, "job_submit_kwota.so", "not in", NULL},
        {no_jobcomp, DOCTOR_ERROR, "jobcomp_kwota.so", "not in", NULL},
        {no_plugin, DOCTOR_ERROR, "jobcomp_kwota.so", "is no plugin", NULL},
        {no_slurm, DOCTOR_ERROR, "PluginDir", "none of Slurm's own", NULL},
        {plugins_away, DOCTOR_ERROR, "PluginDir", "not in /usr/lib/slurm",
         "PluginDir=/usr/lib/slurm:/opt/kwota"},
        {no_munge, DOCTOR_ERROR, "munge", "Failed to access",
         "systemctl restart munge"},
        {refused, DOCTOR_ERROR, "kwotad's port", "nobody listens",
         "systemctl start kwotad"},
        {firewall, DOCTOR_ERROR, "kwotad's port", "firewall",
         "firewall-cmd --permanent --add-port=6828/tcp"},
        {no_name, DOCTOR_ERROR, "kwotad's port", "does not know that name", NULL},
        {no_server, DOCTOR_ERROR, "kwotad", "neither plugstack.conf", NULL},
        {unsigned_answer, DOCTOR_ERROR, "kwotad", "does not count", NULL},
        {other_version, DOCTOR_WARNING, "kwotad", "version 0.9", NULL},
        {slow_clock, DOCTOR_WARNING, "clock", "6 s behind", "chronyc makestep"},
        {wrong_clock, DOCTOR_ERROR, "clock", "3600 s ahead of", NULL},
        {full_disk, DOCTOR_ERROR, "ledger", "disk is full", NULL},
        {bad_policy, DOCTOR_ERROR, "policy", "an older one", "kwota policy check"},
        {dbd_away, DOCTOR_ERROR, "slurmdbd", "last limits hold", NULL},
        {sacctmgr_away, DOCTOR_ERROR, "slurmdbd", "Connection refused", NULL},
        {no_tres, DOCTOR_ERROR, "license/kwota", "does not know it", NULL},
        {bad_qos, DOCTOR_WARNING, "QOS", "fast has DenyOnLimit", NULL},
        {no_kwota_json, DOCTOR_ERROR, "kwota.json", "there is no",
         "kwota setup --apply"},
        {json_mistake, DOCTOR_ERROR, "kwota.json", "kwota.json:3",
         "kwota policy check"},
        {energy_too_early, DOCTOR_WARNING, "slurmdbd's energy",
         "no effect with Slurm 22.05.8", "\"slurmdbd\": {\"summary\": true}"},
        {roots_spool, DOCTOR_ERROR, "spool", "belongs to uid 0", "chown slurm /spool"},
        {open_spool, DOCTOR_ERROR, "spool", "mode 0777", "chmod go-w /spool"},
        {no_spool, DOCTOR_ERROR, "spool", "No such file",
         "install -d -m 0750 -o slurm /spool"},
        {secret_json, DOCTOR_ERROR, "spool", "cannot be read", "chown slurm /spool"},
        {no_user, DOCTOR_ERROR, "SlurmUser", "no user slurm", NULL},
        {no_meter, DOCTOR_ERROR, "kwota-meter", "nobody listens",
         "systemctl enable --now kwota-meter"},
        {untold_meter, DOCTOR_ERROR, "kwota-meter", "nothing says where kwotad is",
         "server=HOST:PORT behind spank_kwota.so in plugstack.conf, then systemctl "
         "enable --now kwota-meter"},
        {no_counters, DOCTOR_ERROR, "counters", "has none", NULL},
        {denied, DOCTOR_ERROR, "counters", "permission denied", NULL},
        {unknown, DOCTOR_WARNING, "counters", "1 of 7", NULL},
        {no_probe, DOCTOR_ERROR, "counters", "no such program", NULL},
        {no_gpus, DOCTOR_ERROR, "GPUs", "gpu:a100:2", NULL},
        {one_gpu, DOCTOR_ERROR, "GPUs", "1 GPU is counted", NULL},
        {no_cgroup, DOCTOR_ERROR, "cgroups", "neither", NULL},
        {cgroup_v1_said, DOCTOR_ERROR, "cgroups", "only v2", NULL},
        {cgroup_v2_said, DOCTOR_ERROR, "cgroups", "has v1", NULL},
        {no_job_groups, DOCTOR_WARNING, "cgroups", "none has a group", NULL},
        {cgroup_off, DOCTOR_WARNING, "cgroups", "disabled", NULL},
        {not_root, DOCTOR_WARNING, "counters", "only root", "sudo kwota doctor"},
        {other_server, DOCTOR_WARNING, "plugstack arguments", "ctl9",
         "server=ctl9:6828"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct world w;

        make(&w, good_conf, good_stack);
        table[i].make(&w.facts);
        is_only(&w, table[i].level, table[i].check, table[i].words, table[i].remedy);
        drop(&w);
    }
}

static void host_roles(void **state)
{
    static const struct {
        const char *conf, *host, *given;
        unsigned roles;
        const char *node;
    } table[] = {
        {"SlurmctldHost=ctl\nNodeName=n[1-9]\n", "ctl", NULL, DOCTOR_CONTROLLER, ""},
        {"SlurmctldHost=ctl.x.org(1.2.3.4)\n", "ctl", NULL, DOCTOR_CONTROLLER, ""},
        {"SlurmctldHost=c\nNodeName=n[1-9,12]\n", "n12", NULL, DOCTOR_NODE, "n12"},
        {"SlurmctldHost=c\nNodeName=n[01-19]\n", "n07", NULL, DOCTOR_NODE, "n07"},
        {"SlurmctldHost=c\nNodeName=n[01-19]\n", "n7", NULL, DOCTOR_LOGIN, ""},
        {"SlurmctldHost=c\nNodeName=n[1-9]-ib,m\n", "n3-ib", NULL, DOCTOR_NODE,
         "n3-ib"},
        {"SlurmctldHost=c\nNodeName=n[1-9]-ib,m\n", "m", NULL, DOCTOR_NODE, "m"},
        {"SlurmctldHost=c\nNodeName=n[1-9]-ib,m\n", "n3", NULL, DOCTOR_LOGIN, ""},
        {"SlurmctldHost=h\nNodeName=a NodeHostname=h\n", "h", NULL,
         DOCTOR_CONTROLLER | DOCTOR_NODE, "a"},
        {"SlurmctldHost=c\nNodeName=a NodeHostname=h\nNodeName=b NodeHostname=h\n", "h",
         "b", DOCTOR_NODE, "b"},
        {"SlurmctldHost=c\nNodeName=DEFAULT CPUs=2\nNodeName=n1\n", "login", NULL,
         DOCTOR_LOGIN, ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct slurm_conf conf;
        struct doctor_facts facts = {.conf = &conf};

        slurm_conf_take(&conf, "slurm.conf", table[i].conf);
        strcpy(facts.host, table[i].host);
        doctor_role(&facts, table[i].given);
        assert_int_equal(facts.roles, table[i].roles);
        assert_string_equal(facts.node, table[i].node);
        slurm_conf_free(&conf);
    }
}

/* On a login node only what it needs; a slurm.conf that is not there is said once. */
static void other_hosts(void **state)
{
    struct world w;

    (void)state;
    make(&w, good_conf, good_stack);
    w.facts.roles = DOCTOR_LOGIN;
    w.facts.meter_runs = w.facts.probed = w.facts.root = false;
    w.facts.plugins[DOCTOR_JOB_SUBMIT].path[0] = '\0';
    w.facts.plugins[DOCTOR_JOBCOMP].path[0] = '\0';
    roots_spool(&w.facts);
    no_kwota_json(&w.facts);
    /* Nor does a mere node want it. */
    w.facts.roles = DOCTOR_NODE;
    w.facts.root = w.facts.meter_runs = w.facts.probed = true;
    doctor_check(&w.facts, &w.report);
    for (int i = 0; i < w.report.count; i++)
        assert_int_equal(w.report.findings[i].level, DOCTOR_OK);
    doctor_report_free(&w.report);
    w.facts.roles = DOCTOR_LOGIN;
    is_only(&w, DOCTOR_WARNING, "kwota.json", "does not know where kwotad is", NULL);
    drop(&w);
    make(&w, "", good_stack);
    w.facts.roles = DOCTOR_LOGIN;
    strcpy(w.conf.why, "there is no slurm.conf");
    is_only(&w, DOCTOR_ERROR, "slurm.conf", "there is no", NULL);
    drop(&w);
}

/* slurm.conf is right, and slurmctld was started with an older one. */
static void not_started_anew(void **state)
{
    static const struct {
        const char *text, *words;
    } table[] = {
        {"JobSubmitPlugins        = lua\n", "without JobSubmitPlugins=kwota"},
        {"JobCompType             = jobcomp/none\n", "JobCompType=jobcomp/kwota"},
        {"PrologFlags             = Alloc,Contain\n", "PrologFlags=DeferBatch, which"},
        {"Licenses                = (null)\n", "Licenses=kwota, which"},
        {"AccountingStorageTRES   = cpu,mem,energy\n", "license/kwota, which"},
        {"AccountingStorageEnforce = associations\n", "Enforce=limits, which"},
    };
    struct world w;

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const char *line;
        char before[1024];
        size_t key = strcspn(table[i].text, " ") + 1;

        make(&w, good_conf, good_stack);
        memset(w.facts.runs_with, 0, sizeof w.facts.runs_with);
        for (line = good_running; strncmp(line, table[i].text, key) != 0;)
            line = strchr(line, '\n') + 1;
        snprintf(before, sizeof before, "%.*s", (int)(line - good_running),
                 good_running);
        doctor_take_running(&w.facts, before);
        doctor_take_running(&w.facts, table[i].text);
        doctor_take_running(&w.facts, strchr(line, '\n') + 1);
        is_only(&w, DOCTOR_ERROR, "slurmctld", table[i].words,
                "systemctl restart slurmctld");
        drop(&w);
    }
    make(&w, good_conf, good_stack);
    strcpy(w.facts.running_why, "scontrol: Unable to contact slurm controller");
    is_only(&w, DOCTOR_ERROR, "slurmctld", "does not answer: scontrol: Unable", NULL);
    drop(&w);
    /* What slurm.conf lacks as well is said of slurm.conf alone. */
    make(&w, good_conf, good_stack);
    slurm_conf_drop(&w.conf, "Licenses");
    memset(w.facts.runs_with, 0, sizeof w.facts.runs_with);
    doctor_take_running(&w.facts, "Licenses = (null)\nJobCompType = jobcomp/none\n");
    doctor_check(&w.facts, &w.report);
    for (int i = 0; i < w.report.count; i++)
        if (strcmp(w.report.findings[i].check, "slurmctld") == 0)
            assert_null(strstr(w.report.findings[i].text, "Licenses"));
    drop(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good),
        cmocka_unit_test(conf_mistakes),
        cmocka_unit_test(stack_mistakes),
        cmocka_unit_test(host_mistakes),
        cmocka_unit_test(host_roles),
        cmocka_unit_test(other_hosts),
        cmocka_unit_test(not_started_anew),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
