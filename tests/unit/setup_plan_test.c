/* setup_plan_test.c - what kwota setup makes of slurm.conf, plugstack.conf and
 * kwota.json, and that the way back gives the same files again */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "tools/setup_plan.h"

#define BASE                                                                           \
    "ClusterName=x\nSlurmctldHost=ctl1\nSlurmctldHost=ctl2(10.0.0.2)\n"                \
    "SlurmUser=slurm\nAccountingStorageType=accounting_storage/slurmdbd\n"
#define HEAD "# kwota (kwota setup --remove takes this away)\n"
#define CGROUPS                                                                        \
    "ProctrackType=proctrack/cgroup\nJobAcctGatherType=jobacct_gather/cgroup\n"
#define JOBCOMP "JobCompType=jobcomp/kwota\nJobCompLoc=/spool/ended.journal\n"
#define LIMITS "AccountingStorageTRES=license/kwota\nAccountingStorageEnforce=limits\n"

struct world {
    struct slurm_conf conf;
    struct plugstack stack;
    struct conf_file kwota;
    struct setup setup;
    struct setup_facts facts;
};

static void take(struct world *w, const char *conf, const char *stack,
                 const char *kwota)
{
    memset(w, 0, sizeof *w);
    slurm_conf_take(&w->conf, "/etc/slurm/slurm.conf", conf);
    plugstack_take(&w->stack, "/etc/slurm/plugstack.conf", stack);
    conf_file_take(&w->kwota, "/etc/kwota/kwota.json", kwota);
    w->setup.conf = &w->conf;
    w->setup.plugstack = &w->stack;
    w->setup.kwota = &w->kwota;
    w->facts = (struct setup_facts){.slurm_dirs = "/usr/lib/slurm",
                                    .has_jobcomp = true,
                                    .server = "ctl1,ctl2:6828",
                                    .spool = "/spool",
                                    .spank = ""};
}

static void drop(struct world *w)
{
    setup_done(&w->setup);
    slurm_conf_free(&w->conf);
    plugstack_free(&w->stack);
    conf_file_free(&w->kwota);
}

static int noted(const struct world *w, enum setup_kind kind, const char *words)
{
    int count = 0;

    for (int i = 0; i < w->setup.count; i++)
        count += w->setup.notes[i].kind == kind &&
                 (!words || strstr(w->setup.notes[i].text, words));
    return count;
}

static void is_text(const struct conf_file *file, const char *expected)
{
    char *text = conf_file_text(file);

    assert_string_equal(text, expected);
    free(text);
}

/* slurm.conf before and after, and the conflict that is named. */
static void plans(void **state)
{
    static const struct {
        const char *before, *after, *conflict;
    } table[] = {
        {BASE,
         BASE HEAD "PrologFlags=Alloc,Contain,DeferBatch\n" CGROUPS JOBCOMP
                   "JobSubmitPlugins=kwota\nLicenses=kwota:2000000000\n" LIMITS,
         NULL},
        {BASE "prologflags=X11 # ours\n" CGROUPS JOBCOMP
              "JobSubmitPlugins=lua\nLicenses=a:1,b\n" LIMITS "NodeName=n1\n",
         BASE "prologflags=X11,Alloc,Contain,DeferBatch # ours\n" CGROUPS JOBCOMP
              "JobSubmitPlugins=lua,kwota\nLicenses=a:1,b,kwota:2000000000\n" LIMITS
              "NodeName=n1\n",
         NULL},
        {BASE "PrologFlags=Contain,DeferBatch,Alloc\n" CGROUPS JOBCOMP
              "JobSubmitPlugins=kwota\nLicenses=kwota:5\n"
              "AccountingStorageTRES=gres/gpu\nAccountingStorageEnforce=safe,qos\n",
         BASE "PrologFlags=Contain,DeferBatch,Alloc\n" CGROUPS JOBCOMP
              "JobSubmitPlugins=kwota\nLicenses=kwota:5\n"
              "AccountingStorageTRES=gres/gpu,license/kwota\n"
              "AccountingStorageEnforce=safe,qos\n",
         NULL},
        {BASE "PrologFlags=Alloc,Contain,DeferBatch\n" CGROUPS
              "JobCompType=jobcomp/elasticsearch\nJobCompLoc=http://e\n"
              "JobSubmitPlugins=kwota\nLicenses=kwota:5\n"
              "AccountingStorageTRES=license/kwota\n"
              "AccountingStorageEnforce=associations\n",
         BASE "PrologFlags=Alloc,Contain,DeferBatch\n" CGROUPS
              "JobCompType=jobcomp/elasticsearch\nJobCompLoc=http://e\n"
              "JobSubmitPlugins=kwota\nLicenses=kwota:5\n"
              "AccountingStorageTRES=license/kwota\n"
              "AccountingStorageEnforce=associations,limits\n",
         "slurm.conf:9: JobCompType=jobcomp/elasticsearch stays"},
        {BASE "PrologFlags=Alloc,Contain,DeferBatch\nProctrackType=proctrack/pgid\n"
              "JobAcctGatherType=jobacct_gather/cgroup\nJobCompType=jobcomp/none\n"
              "JobSubmitPlugins=kwota\nLicenses=kwota:5\n" LIMITS,
         BASE "PrologFlags=Alloc,Contain,DeferBatch\nProctrackType=proctrack/pgid\n"
              "JobAcctGatherType=jobacct_gather/cgroup\nJobCompType=jobcomp/kwota\n"
              "JobSubmitPlugins=kwota\nLicenses=kwota:5\n" LIMITS HEAD
              "JobCompLoc=/spool/ended.journal\n",
         "ProctrackType=proctrack/pgid stays"},
        {"ClusterName=x\nPrologFlags=NoHold\n" CGROUPS JOBCOMP
         "JobSubmitPlugins=kwota\nLicenses=kwota:5\n",
         "ClusterName=x\nPrologFlags=NoHold,Alloc,Contain,DeferBatch\n" CGROUPS JOBCOMP
         "JobSubmitPlugins=kwota\nLicenses=kwota:5\n",
         "NoHold"},
        {"ClusterName=x\nPrologFlags=Contain,DeferBatch,Alloc\n" CGROUPS JOBCOMP
         "JobSubmitPlugins=job_submit/kwota\nLicenses=kwota:5\n",
         "ClusterName=x\nPrologFlags=Contain,DeferBatch,Alloc\n" CGROUPS JOBCOMP
         "JobSubmitPlugins=job_submit/kwota\nLicenses=kwota:5\n",
         NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct world w;

        take(&w, table[i].before, "optional spank_kwota.so server=a\n", "{}\n");
        setup_plan(&w.setup, &w.facts);
        is_text(&w.conf.files[0], table[i].after);
        assert_int_equal(noted(&w, SETUP_CONFLICT, table[i].conflict),
                         table[i].conflict != NULL);
        assert_false(plugstack_changed(&w.stack));
        drop(&w);
        /* Once more: there is nothing to do. */
        take(&w, table[i].after, "optional spank_kwota.so server=a\n", "{}\n");
        setup_plan(&w.setup, &w.facts);
        assert_false(setup_changed(&w.setup));
        drop(&w);
    }
}

static void new_files(void **state)
{
    struct world w;

    (void)state;
    take(
        &w,
        "SlurmctldHost=ctl1(10.0.0.1)\nSlurmUser=s\nAuthInfo=cred_expire=9,socket=/m\n",
        NULL, NULL);
    w.facts.spank = "run=/r";
    setup_plan(&w.setup, &w.facts);
    is_text(&w.stack.files[0], "optional spank_kwota.so server=ctl1,ctl2:6828 user=s "
                               "munge=/m run=/r\n");
    is_text(&w.kwota,
            "{\n    \"version\": 1,\n    \"server\": \"ctl1,ctl2:6828\",\n"
            "    \"listen\": {\n        \"port\": 6828,\n        \"names\": [\n"
            "            \"ctl1\",\n            \"10.0.0.1\",\n"
            "            \"localhost\"\n        ]\n    },\n    \"spool\": \"/spool\",\n"
            "    \"munge_socket\": \"/m\",\n    \"slurm_user\": \"s\",\n"
            "    \"enforce\": {\n        \"default\": \"shadow\"\n    }\n}\n");
    /* Without slurmdbd there is no limit to be kept. */
    assert_null(slurm_conf_value(&w.conf, "AccountingStorageTRES"));
    assert_int_equal(noted(&w, SETUP_STEP, "accounting_storage/slurmdbd"), 1);
    /* A node needs no file of its own: plugstack.conf tells the meter. */
    assert_int_equal(noted(&w, SETUP_STEP, "systemctl enable --now kwota-meter"), 1);
    assert_int_equal(noted(&w, SETUP_STEP, "KWOTA_SERVER"), 0);
    drop(&w);
}

static void plugins_elsewhere(void **state)
{
    struct world w;

    (void)state;
    take(&w, BASE, NULL, "{}");
    w.facts.kwota_dir = "/opt/kwota";
    w.facts.has_jobcomp = false;
    w.facts.jobcomp_script = "/usr/libexec/kwota/kwota-ended";
    w.facts.slurm_energy = true;
    setup_plan(&w.setup, &w.facts);
    assert_string_equal(slurm_conf_value(&w.conf, "PluginDir"),
                        "/usr/lib/slurm:/opt/kwota");
    assert_string_equal(slurm_conf_value(&w.conf, "JobCompType"), "jobcomp/script");
    assert_string_equal(slurm_conf_value(&w.conf, "JobCompLoc"),
                        "/usr/libexec/kwota/kwota-ended");
    assert_string_equal(slurm_conf_value(&w.conf, "AcctGatherEnergyType"),
                        "acct_gather_energy/kwota");
    drop(&w);
    take(&w, BASE, NULL, "{}");
    w.facts.has_jobcomp = false;
    setup_plan(&w.setup, &w.facts);
    assert_null(slurm_conf_value(&w.conf, "JobCompType"));
    assert_int_equal(noted(&w, SETUP_CONFLICT, "jobcomp_kwota.so"), 1);
    drop(&w);
}

/* There and back again: what others may need stays. */
static void the_way_back(void **state)
{
    static const char before[] = BASE "JobSubmitPlugins=lua\nLicenses=a:1\n";
    struct world w;

    (void)state;
    take(&w, before, "# ours\n", "{}");
    w.facts.kwota_dir = "/opt/kwota";
    setup_plan(&w.setup, &w.facts);
    setup_undo(&w.setup, &w.facts);
    is_text(&w.conf.files[0], BASE "JobSubmitPlugins=lua\nLicenses=a:1\n"
                                   "PrologFlags=Alloc,Contain,DeferBatch\n" CGROUPS
                                   "AccountingStorageEnforce=limits\n");
    drop(&w);
    take(&w,
         BASE JOBCOMP "PluginDir=/a:/opt/kwota:/b\nAcctGatherEnergyType=acct_gather_"
                      "energy/rapl,acct_gather_energy/kwota\n",
         "optional x.so\noptional spank_kwota.so server=a\n", "{}");
    w.facts.kwota_dir = "/opt/kwota";
    setup_undo(&w.setup, &w.facts);
    is_text(&w.conf.files[0],
            BASE "PluginDir=/a:/b\nAcctGatherEnergyType=acct_gather_energy/rapl\n");
    is_text(&w.stack.files[0], "optional x.so\n");
    assert_int_equal(noted(&w, SETUP_REMAINS, "/spool"), 1);
    drop(&w);
    take(&w, BASE "JobCompType=jobcomp/filetxt\nJobCompLoc=/x\n", NULL, "{}");
    setup_undo(&w.setup, &w.facts);
    assert_false(setup_changed(&w.setup));
    drop(&w);
}

static void servers(void **state)
{
    static const struct {
        const char *conf, *server;
    } table[] = {
        {"SlurmctldHost=a\n", "a:6828"},
        {"SlurmctldHost=a(1.2.3.4)\nSlurmctldHost=b\n", "1.2.3.4,b:6828"},
        {"ControlMachine=a\nBackupController=b\n", "a,b:6828"},
        {"ClusterName=x\n", "localhost:6828"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct slurm_conf conf;
        char server[SETUP_SERVER];

        slurm_conf_take(&conf, "slurm.conf", table[i].conf);
        assert_string_equal(setup_server(&conf, server), table[i].server);
        slurm_conf_free(&conf);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plans),
        cmocka_unit_test(new_files),
        cmocka_unit_test(plugins_elsewhere),
        cmocka_unit_test(the_way_back),
        cmocka_unit_test(servers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
