/* policy_mistakes_test.c - what is wrong with a kwota.json, where, and what was meant
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "policy/configuration.h"
#include "policy/nearest.h"
#include "policy/settings.h"
#include "tests/unit/policy_file.h"

/* A file, and all that is said of it. */
static const struct {
    const char *text, *complaints;
} mistakes[] = {
    /* nothing wrong */
    {"{}", ""},
    {"{\"version\": 1, \"spool\": \"/s\", \"caps\": {}, \"tariff\": {}}", ""},
    {"{\"enforce\": null, \"limits\": {\"hook\": null, \"gather\": null}}", ""},
    /* JSON itself */
    {"{\"enforce\": \"off\",}",
     "k:1:19: string or '}' expected near '}'; the comma before it is one too many\n"},
    {"{\"limits\": {}\n \"classes\": {}}",
     "k:2:10: '}' expected near '\"classes\"'; is a comma missing before it?\n"},
    {"{\n// why\n}", "k:2:1: string or '}' expected near '/'; JSON has no comments\n"},
    {"{\"limits\": {}", "k:1:13: '}' expected near end of file; a } is missing\n"},
    {"{\"enforce\": 'off'}",
     "k:1:13: invalid token near '''; texts stand in double quotes\n"},
    {"[]", "k:1:1: the file must hold one object {…}\n"},
    /* keys */
    {"{\n  \"enfroce\": \"off\"}",
     "k:2:3: enfroce: there is no such key; did you mean \"enforce\"?\n"},
    {"{\"limits\": {\"at_limits\": \"wait\"}}",
     "k:1:13: limits.at_limits: there is no such key; did you mean \"at_limit\"?\n"},
    {"{\"limits\": {\"map_stale\": null}}",
     "k:1:13: limits.map_stale: there is no such key; did you mean "
     "\"map_stale_s\"?\n"},
    {"{\"limits\": {\"breaker\": {\"zzz\": 1}}}",
     "k:1:25: limits.breaker.zzz: there is no such key; there may be "
     "holds_per_minute or kills_per_minute\n"},
    {"{\"estimate\": {\"history\": {\"runs\": 5, \"Power_Quantil\": 5}}}",
     "k:1:38: estimate.history.Power_Quantil: there is no such key; did you mean "
     "\"power_quantile\"?\n"},
    {"{\"enforce\": \"off\", \"limits\": {},\n \"enforce\": \"soft\"}",
     "k:2:2: enforce: it is given twice; first at k:1:2\n"},
    {"{\"limits\": {\"gather\": true, \"gather\": true}}",
     "k:1:29: limits.gather: it is given twice; first at k:1:13\n"},
    /* words */
    {"{\"enforce\": \"Strict\"}",
     "k:1:13: enforce: must be \"off\", \"shadow\", \"soft\" or \"strict\", not "
     "\"Strict\"; did you mean \"strict\"?\n"},
    {"{\"enforce\": {\"default\": true}}",
     "k:1:25: enforce.default: must be \"off\", \"shadow\", \"soft\" or \"strict\", "
     "not true\n"},
    {"{\"limits\": {\"kwotad_away\": \"hod\", \"map_missing\": \"x\"}}",
     "k:1:28: limits.kwotad_away: must be \"run\" or \"hold\", not \"hod\"; did you "
     "mean \"hold\"?\n"
     "k:1:50: limits.map_missing: must be \"pass\" or \"refuse\", not \"x\"\n"},
    /* rules */
    {"{\"enforce\": {\"rules\": {\"account\": \"a\"}}}",
     "k:1:23: enforce.rules: must be a list […], not an object\n"},
    {"{\"enforce\": {\"rules\": [\"strict\"]}}",
     "k:1:24: enforce.rules[0]: must be an object {…}, not \"strict\"\n"},
    {"{\"enforce\": {\"rules\": [{\"account\": \"a\"}]}}",
     "k:1:24: enforce.rules[0]: it does not say the level\n"},
    {"{\"enforce\": {\"rules\": [{\"level\": \"off\"}]}}",
     "k:1:24: enforce.rules[0]: it names neither an account nor a partition; for all "
     "jobs there is \"default\"\n"},
    {"{\"enforce\": {\"rules\": [{\"account\": \"a\", \"action\": \"wait\",\n"
     "\"level\": \"off\"}]}}",
     "k:1:41: enforce.rules[0].action: there is no such key; there may be account, "
     "partition or level\n"},
    {"{\"enforce\": {\"rules\": [{\"account\": \"\", \"level\": \"off\"}]}}",
     "k:1:36: enforce.rules[0].account: must be a text that is not empty, not \"\"\n"},
    {"{\"limits\": {\"at_limit\": {\"rules\": [\n"
     "  {\"partition\": \"p\", \"action\": \"wiat\"}]}}}",
     "k:2:32: limits.at_limit.rules[0].action: must be \"wait\", \"reject\", "
     "\"overdraft\" or \"warn\", not \"wiat\"; did you mean \"wait\"?\n"},
    {"{\"limits\": {\"at_limit\": \"overdraft\"}}",
     "k:1:25: limits.at_limit: \"overdraft\" needs \"overdraft_qos\" beside it: the "
     "QOS that such jobs run in\n"},
    {"{\"limits\": {\"at_limit\": {\"rules\": [{\"account\": \"a\",\n"
     "\"action\": \"overdraft\"}]}}}",
     "k:1:25: limits.at_limit: \"overdraft\" needs \"overdraft_qos\" beside it: the "
     "QOS that such jobs run in\n"},
    /* numbers */
    {"{\"estimate\": {\"factor_percent\": 0}}",
     "k:1:33: estimate.factor_percent: must be a whole number from 1 to 10000, not "
     "0\n"},
    {"{\"estimate\": {\"factor_percent\": 1.2}}",
     "k:1:33: estimate.factor_percent: must be a whole number from 1 to 10000, not "
     "1.2; did you mean 120?\n"},
    {"{\"estimate\": {\"round_wh\": \"10\"}}",
     "k:1:27: estimate.round_wh: must be a whole number from 1 to 1000000, not "
     "\"10\"; did you mean 10?\n"},
    {"{\"estimate\": {\"history\": {\"power_quantile\": 0.95}}}",
     "k:1:45: estimate.history.power_quantile: must be a whole number from 1 to 100, "
     "not 0.95; did you mean 95?\n"},
    {"{\"limits\": {\"map_stale_s\": 60.0}}",
     "k:1:28: limits.map_stale_s: must be a whole number from 1 to 604800, not 60.0; "
     "did you mean 60?\n"},
    {"{\"limits\": {\"near_percent\": 101}}",
     "k:1:29: limits.near_percent: must be a whole number from 0 to 100, not 101\n"},
    {"{\"limits\": {\"breaker\": 30}}",
     "k:1:24: limits.breaker: must be an object {…}, not 30\n"},
    {"{\"limits\": {\"gather\": \"off\"}}",
     "k:1:23: limits.gather: must be true or false, not \"off\"; did you mean "
     "false?\n"},
    {"{\"limits\": {\"gather\": 1}}",
     "k:1:23: limits.gather: must be true or false, not 1; did you mean true?\n"},
    {"{\"limits\": {\"thresholds_percent\": 80}}",
     "k:1:35: limits.thresholds_percent: must be a list […], not 80\n"},
    {"{\"limits\": {\"thresholds_percent\": [95, 80]}}",
     "k:1:40: limits.thresholds_percent[1]: each must be more than the one before "
     "it\n"},
    {"{\"limits\": {\"thresholds_percent\": [1, 2, 3, 4, 5, 6, 7, 8, 9]}}",
     "k:1:60: limits.thresholds_percent[8]: there may be no more than 8\n"},
    {"{\"limits\": {\"hook\": \"bin/warn\"}}",
     "k:1:21: limits.hook: must be the program's whole path, from / on, not "
     "\"bin/warn\"\n"},
    /* classes, credits, what comes later */
    {"{\"classes\": {\"gpu\": \"gpu\"}}",
     "k:1:21: classes.gpu: must be a list […], not \"gpu\"\n"},
    {"{\"classes\": {\"gpu\": []}}", "k:1:21: classes.gpu: it names no partition\n"},
    {"{\"classes\": {\"gpu\": [\"a\", null]}}",
     "k:1:27: classes.gpu[1]: must be a text that is not empty, not null\n"},
    {"{\"credits\": {\"node_fail\": 100}}",
     "k:1:14: credits.node_fail: there is no such key; did you mean \"NODE_FAIL\"?\n"},
    {"{\"credits\": {\"TIMEOUT\": 101}}",
     "k:1:25: credits.TIMEOUT: must be a whole number from 0 to 100, not 101\n"},
    {"{\"keep\": {\"detail_year\": 2}}", "k:1:11: keep.detail_year: there is no such "
                                         "key; did you mean \"detail_years\"?\n"},
    {"{\"keep\": {\"detail_years\": 0, \"nightly\": 1}}",
     "k:1:27: keep.detail_years: must be a whole number from 1 to 100, not 0\n"
     "k:1:41: keep.nightly: must be true or false, not 1; did you mean true?\n"},
    {"{\"steer\": {\"partition\": [\"gpu\"]}}",
     "k:1:12: steer.partition: there is no such key; did you mean \"partitions\"?\n"},
    {"{\"steer\": {\"partitions\": [\"gpu\", 1]}}",
     "k:1:34: steer.partitions[1]: must be a text that is not empty, not 1\n"},
    {"{\"steer\": {\"floor_percent\": 0.5}}",
     "k:1:29: steer.floor_percent: must be a whole number from 0 to 100, not 0.5; did "
     "you mean 50?\n"},
    {"{\"steer\": {\"warn_signal\": \"SIGUSR1\", \"then\": \"kill\"}}",
     "k:1:27: steer.warn_signal: must be \"HUP\", \"INT\", \"QUIT\", \"USR1\", "
     "\"USR2\", \"TERM\", \"CONT\" or \"URG\", not \"SIGUSR1\"\n"
     "k:1:46: steer.then: must be \"end\" or \"warn\", not \"kill\"\n"},
    {"{\"steer\": true}", "k:1:11: steer: must be an object {…}, not true\n"},
    {"{\"caps\": {\"enable\": true}}",
     "k:1:11: caps.enable: there is no such key; did you mean \"enabled\"?\n"},
    {"{\"caps\": {\"rules\": [{\"gpu\": 300}]}}",
     "k:1:29: caps.rules[0].gpu: must be a power with its unit, such as \"300W\", not "
     "300\n"},
    {"{\"caps\": {\"rules\": [{\"gpu\": \"300mW\"}]}}",
     "k:1:29: caps.rules[0].gpu: must be a power with its unit, such as \"300W\", not "
     "\"300mW\"\n"},
    {"{\"caps\": {\"rules\": [{\"gpu\": \"300kW\", \"package\": \"0.15W\"}]}}",
     "k:1:29: caps.rules[0].gpu: \"300kW\" is too much for one device: a cap is from "
     "10W to 10kW\n"
     "k:1:49: caps.rules[0].package: \"0.15W\" is too little for one device: a cap is "
     "from 10W to 10kW\n"},
    {"{\"caps\": {\"rules\": [{\"partition\": \"gpu\"}]}}",
     "k:1:21: caps.rules[0]: it caps nothing; say gpu, package or cpu_percent\n"},
    {"{\"caps\": {\"rules\": [{\"gputype\": \"a100\", \"gpu\": \"300W\"}]}}",
     "k:1:22: caps.rules[0].gputype: there is no such key; did you mean "
     "\"gpu_type\"?\n"},
    {"{\"caps\": {\"rules\": [{\"between\": \"5pm-8pm\", \"days\": \"weekend\","
     " \"cpu_percent\": 100, \"used_percent\": 0}]}}",
     "k:1:33: caps.rules[0].between: must be a time of the day, such as "
     "\"17:00-20:00\", not \"5pm-8pm\"\n"
     "k:1:52: caps.rules[0].days: must be days of the week, such as \"mon-fri\" or "
     "\"sat,sun\", not \"weekend\"\n"
     "k:1:78: caps.rules[0].cpu_percent: must be a whole number from 1 to 99, not "
     "100\n"
     "k:1:99: caps.rules[0].used_percent: must be a whole number from 1 to 100, not "
     "0\n"},
    {"{\"caps\": []}", "k:1:10: caps: must be an object {…}, not a list\n"},
    {"{\"tariff\": \"0.30 EUR\"}",
     "k:1:12: tariff: must be an object {…}, not \"0.30 EUR\"\n"},
};

static void each_mistake_has_its_place(void **state)
{
    struct policy_files *files = *state;

    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        const char *path = policy_files_write(files, "k", mistakes[i].text);
        char *complaints;
        struct policy *policy = policy_files_read(files, path, &complaints);

        assert_string_equal(complaints, mistakes[i].complaints);
        assert_int_equal(policy != NULL, mistakes[i].complaints[0] == '\0');
        policy_release(policy);
        free(complaints);
    }
}

#define PLATE(node, cpu, gpu)                                                          \
    "{\"estimate\": {\"nameplate\": {\n\"*\": {\"node_w\": " node ", \"cpu_w\": " cpu  \
    ", \"gpu_w\": " gpu "}}}}"

static void watts_that_were_not_meant(void **state)
{
    static const struct {
        const char *text, *complaint;
    } table[] = {
        {PLATE("150", "8.5", "300"), ""},
        {PLATE("0", "0", "0"), ""},
        {PLATE("100000", "\"0.125\"", "1200.0"), ""},
        {PLATE("0.4", "8", "300"),
         "k:2:17: estimate.nameplate.*.node_w: 0.4 W for a node is too little; did you "
         "mean 400 (watts, not kilowatts)?\n"},
        {PLATE("400000", "8", "300"),
         "k:2:17: estimate.nameplate.*.node_w: 400000 W for a node is too much; did "
         "you mean 400 (watts, not milliwatts)?\n"},
        {PLATE("100000.001", "8", "300"),
         "k:2:17: estimate.nameplate.*.node_w: 100000.001 W for a node is too much; "
         "did you mean 100 (watts, not milliwatts)?\n"},
        {PLATE("150", "0.008", "300"),
         "k:2:31: estimate.nameplate.*.cpu_w: 0.008 W for a CPU is too little; did you "
         "mean 8 (watts, not kilowatts)?\n"},
        {PLATE("150", "8", "\"0.3\""),
         "k:2:43: estimate.nameplate.*.gpu_w: 0.3 W for a GPU is too little; did you "
         "mean 300 (watts, not kilowatts)?\n"},
        {PLATE("999999999999", "8", "300"),
         "k:2:17: estimate.nameplate.*.node_w: 999999999999 W for a node is too much; "
         "watts are meant\n"},
        {PLATE("150.0001", "8", "300"),
         "k:2:17: estimate.nameplate.*.node_w: must be a number of watts with at most "
         "three decimal places, not 150.0001\n"},
        {PLATE("150", "-8", "300"),
         "k:2:31: estimate.nameplate.*.cpu_w: must be a number of watts with at most "
         "three decimal places, not -8\n"},
        {PLATE("\"150 W\"", "8", "300"),
         "k:2:17: estimate.nameplate.*.node_w: must be a number of watts with at most "
         "three decimal places, not \"150 W\"\n"},
        {PLATE("\"8.\"", "8", "300"),
         "k:2:17: estimate.nameplate.*.node_w: must be a number of watts with at most "
         "three decimal places, not \"8.\"\n"},
        {"{\"estimate\": {\"nameplate\": {\"gpu\": {\"node_w\": 9, \"gpu_w\": 9}}}}",
         "k:1:36: estimate.nameplate.gpu: cpu_w is missing (watts for a CPU; 0 if "
         "there are none)\n"},
        {"{\"estimate\": {\"nameplate\": {\"gpu\": 400}}}",
         "k:1:36: estimate.nameplate.gpu: must be an object {…}, not 400\n"},
    };
    struct policy_files *files = *state;

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const char *path = policy_files_write(files, "k", table[i].text);
        char *complaints;
        struct policy *policy = policy_files_read(files, path, &complaints);

        assert_string_equal(complaints, table[i].complaint);
        policy_release(policy);
        free(complaints);
    }
}

/* All at once, in the order of the file, whatever the order they are found in. */
static void many_mistakes(void **state)
{
    struct policy_files *files = *state;
    char *complaints;
    const char *path =
        policy_files_write(files, "k",
                           "{\n"
                           "  \"credits\": {\"PREEMPTED\": \"half\"},\n"
                           "  \"limit\": {},\n"
                           "  \"limits\": {\"gather\": 3, \"near\": 1},\n"
                           "  \"enforce\": \"hard\",\n"
                           "  \"enforce\": \"of\"\n"
                           "}\n");

    assert_null(policy_files_read(files, path, &complaints));
    assert_string_equal(
        complaints,
        "k:2:28: credits.PREEMPTED: must be a whole number from 0 to 100, not "
        "\"half\"\n"
        "k:3:3: limit: there is no such key; did you mean \"limits\"?\n"
        "k:4:24: limits.gather: must be true or false, not 3\n"
        "k:4:27: limits.near: there is no such key; did you mean \"near_percent\"?\n"
        "k:6:3: enforce: it is given twice; first at k:5:3\n"
        "k:6:14: enforce: must be \"off\", \"shadow\", \"soft\" or \"strict\", not "
        "\"of\"; did you mean \"off\"?\n");
    free(complaints);
}

static void includes(void **state)
{
    struct policy_files *files = *state;
    const char *path = policy_files_write(
        files, "k", "{\"include\": [\"rules\", \"plates\"], \"classes\": {}}");
    struct policy_source source;
    struct policy *policy;
    char *complaints;

    policy_files_write(files, "rules", "{\n \"enforce\": \"strict\"}");
    policy_files_write(files, "plates", "{\"include\": \"deeper\"}");
    policy_files_write(files, "deeper", "{\"estimate\": {\"round_wh\": 5}}");
    policy = policy_files_read(files, path, &complaints);
    assert_string_equal(complaints, "");
    free(complaints);
    assert_int_equal(policy_enforce(policy, NULL, NULL, &source), ENFORCE_STRICT);
    assert_non_null(strstr(source.text, "/rules:2: enforce"));
    assert_int_equal(policy_figures(policy)->round_wh, 5);
    policy_release(policy);

    /* One file's mistakes do not hide another's. */
    policy_files_write(files, "rules", "{\n \"enforce\": \"strict\", \"classes\": {}}");
    policy_files_write(files, "plates",
                       "{\"enforce\": \"of\",\n\"include\": [\"k\", 4]}");
    assert_null(policy_files_read(files, path, &complaints));
    assert_string_equal(complaints,
                        "rules:2:23: classes: it is given twice; first at k:1:34\n"
                        "plates:1:2: enforce: it is given twice; first at rules:2:2\n"
                        "plates:2:13: include: k is read already; leave one of the two "
                        "out\n"
                        "plates:2:18: include[1]: must be the name of a file, not 4\n");
    free(complaints);

    policy_files_write(files, "plates", "{\"limits\": {],}");
    policy_files_write(files, "rules", "{\"include\": \"absent\"}");
    assert_null(policy_files_read(files, path, &complaints));
    assert_string_equal(
        complaints,
        "rules:1:13: include: absent cannot be read: No such file or directory\n"
        "plates:1:13: string or '}' expected near ']'\n");
    free(complaints);
}

static void includes_of_includes(void **state)
{
    struct policy_files *files = *state;
    const char *path = policy_files_write(files, "k", "{\"include\": \"1\"}");
    char *complaints;

    policy_files_write(files, "1", "{\"include\": \"2\"}");
    policy_files_write(files, "2", "{\"include\": \"3\"}");
    policy_files_write(files, "3", "{\"include\": \"4\"}");
    policy_files_write(files, "4", "{}");
    policy_release(policy_files_read(files, path, &complaints));
    assert_string_equal(complaints, "");
    free(complaints);
    policy_files_write(files, "4", "{\"include\": \"5\"}");
    policy_files_write(files, "5", "{}");
    assert_null(policy_files_read(files, path, &complaints));
    assert_string_equal(complaints,
                        "4:1:13: include: files may include files no more than 4 "
                        "deep\n");
    free(complaints);
}

static void no_file_at_all(void **state)
{
    struct policy_files *files = *state;
    char path[128], *complaints;

    snprintf(path, sizeof path, "%s/none", files->folder);
    assert_null(policy_files_read(files, path, &complaints));
    assert_string_equal(complaints,
                        "none: it cannot be read: No such file or directory\n");
    free(complaints);
    assert_null(policy_files_read(files, files->folder, &complaints));
    assert_non_null(strstr(complaints, ": it cannot be read: Is a directory\n"));
    free(complaints);
}

/* kwotad's settings are told of in the same way, together with the policy. */
static void settings_too(void **state)
{
    struct policy_files *files = *state;
    const char *path = policy_files_write(
        files, "k",
        "{\"listen\": {\"port\": 70000, \"names\": [\"a\", 1]},\n"
        " \"meter\": {\"tick\": 1, \"share\": \"cpu\", \"idle_mw\": {\"gpus\": 1}},\n"
        " \"spool\": \"\", \"version\": 2, \"enforce\": 1}");
    struct configuration *conf = configuration_read(path);
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    assert_null(policy_check(conf));
    assert_int_equal(configuration_tell(conf, out), 8);
    fclose(out);
    configuration_free(conf);
    assert_non_null(strstr(text, "k:1:21: listen.port: must be a whole number from 1 "
                                 "to 65535, not 70000\n"));
    assert_non_null(strstr(text, "k:1:43: listen.names[1]: must be a text that is"));
    assert_non_null(strstr(text, "k:2:12: meter.tick: there is no such key; did you "
                                 "mean \"tick_ms\"?\n"));
    assert_non_null(strstr(text, "k:2:32: meter.share: must be \"largest\" or "
                                 "\"cpus\", not \"cpu\"; did you mean \"cpus\"?\n"));
    assert_non_null(strstr(text, "k:2:51: meter.idle_mw.gpus: there is no such key; "
                                 "did you mean \"gpu\"?\n"));
    assert_non_null(strstr(text, "k:3:11: spool: must be a text"));
    assert_non_null(strstr(text, "k:3:26: version: must be a whole number from 1 to "
                                 "1, not 2\n"));
    assert_non_null(strstr(text, "k:3:40: enforce: must be"));
    free(text);
}

static void settings_of_slurmdbd(void **state)
{
    static const struct {
        const char *slurmdbd, *says; /* NULL: nothing is wrong */
        bool summary, energy;
    } table[] = {
        {"{}", NULL, false, false},
        {"{\"summary\": true}", NULL, true, false},
        {"{\"summary\": true, \"energy\": true}", NULL, true, true},
        {"{\"summary\": false, \"energy\": false}", NULL, false, false},
        {"{\"energy\": true}",
         "k:1:25: slurmdbd.energy: must be false without \"summary\": true, not "
         "true\n",
         false, true},
        {"{\"sumary\": true}",
         "k:1:15: slurmdbd.sumary: there is no such key; did you mean \"summary\"?\n",
         false, false},
        {"true", "k:1:14: slurmdbd: must be an object {…}, not true\n", false, false},
    };
    struct policy_files *files = *state;

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char json[128], *text;
        size_t size;
        FILE *out = open_memstream(&text, &size);
        struct configuration *conf;
        struct settings settings;
        const char *path;

        snprintf(json, sizeof json, "{\"slurmdbd\": %s}", table[i].slurmdbd);
        path = policy_files_write(files, "k", json);
        conf = configuration_read(path);
        settings_check(conf);
        configuration_tell(conf, out);
        fclose(out);
        configuration_free(conf);
        if (table[i].says ? !strstr(text, table[i].says) : text[0] != '\0')
            fail_msg("%s: %s", json, text);
        if (!table[i].says) {
            assert_int_equal(settings_read(&settings, path), 0);
            assert_int_equal(settings.slurmdbd_summary, table[i].summary);
            assert_int_equal(settings.slurmdbd_energy, table[i].energy);
            settings_free(&settings);
        }
        free(text);
    }
}

/* settings_read() leaves the policy's keys alone, and finds its own in an include. */
static void settings_beside_a_policy(void **state)
{
    struct policy_files *files = *state;
    const char *path = policy_files_write(
        files, "k",
        "{\"include\": \"more\", \"enforce\": 5, \"listen\": {\"port\": 7000,"
        " \"names\": [\"a\", \"b\"]}}");
    struct settings settings;

    policy_files_write(
        files, "more",
        "{\"sweep_s\": 17, \"cluster\": \"c\", \"metrics\": {\"enabled\": true},"
        " \"web\": {\"url\": \"https://hpc.example.org//\"}}");
    assert_int_equal(settings_read(&settings, path), 0);
    assert_int_equal(settings.port, 7000);
    assert_int_equal(settings.sweep_s, 17);
    assert_int_equal(settings.settle_timeout_s, 600);
    assert_string_equal(settings.cluster, "c");
    assert_string_equal(settings.names[1], "b");
    assert_null(settings.names[2]);
    assert_false(settings.web.enabled);
    assert_string_equal(settings.web.url, "https://hpc.example.org");
    assert_int_equal(settings.web.port, 6829);
    assert_true(settings.metrics.enabled);
    assert_string_equal(settings.metrics.address, "127.0.0.1");
    settings_free(&settings);
}

static void settings_of_listeners(void **state)
{
    static const struct {
        const char *text, *complaint; /* NULL: there is none */
    } table[] = {
        {"{\"web\": {\"enabled\": true, \"url\": \"https://hpc/kwota/\"}}", NULL},
        {"{\"web\": {\"url\": \"https://[::1]:80\"}}", NULL},
        {"{\"web\": {\"url\": \"hpc/kwota\"}}", "web.url: must be a URL that begins"},
        {"{\"web\": {\"url\": \"https://\"}}", "web.url: must be a URL that begins"},
        {"{\"web\": {\"url\": \"http:///x\"}}", "web.url: must be a URL that begins"},
        {"{\"web\": {\"url\": \"http://x/; HttpOnly\"}}", "web.url: must be"},
        {"{\"web\": {\"sesion_s\": 1}}", "did you mean \"session_s\"?"},
        {"{\"web\": {\"session_s\": 1}}", "web.session_s: must be a whole number"},
        {"{\"metrics\": {\"accounts\": -1}}", "metrics.accounts: must be a whole"},
        {"{\"metrics\": {\"token\": \"x\"}}", "did you mean \"token_file\"?"},
        {"{\"metrics\": 1}", "metrics: must be"},
    };
    struct policy_files *files = *state;

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct configuration *conf =
            configuration_read(policy_files_write(files, "k", table[i].text));
        char *text;
        size_t size;
        FILE *out = open_memstream(&text, &size);

        policy_release(policy_check(conf));
        assert_int_equal(configuration_tell(conf, out), table[i].complaint != NULL);
        fclose(out);
        if (table[i].complaint && !strstr(text, table[i].complaint))
            fail_msg("%s: %s", table[i].text, text);
        configuration_free(conf);
        free(text);
    }
}

/* Who copies the example starts without a mistake, and touches nothing. */
static void the_example(void **state)
{
    struct configuration *conf =
        configuration_read(KWOTA_TEST_SOURCE "/tools/examples/kwota.json");
    struct policy *policy = policy_check(conf);

    (void)state;
    assert_int_equal(configuration_tell(conf, stderr), 0);
    assert_int_equal(policy_enforce(policy, NULL, NULL, NULL), ENFORCE_SHADOW);
    policy_release(policy);
    configuration_free(conf);
}

static void nearest(void **state)
{
    static const char *const words[] = {"off",         "shadow",       "soft", "strict",
                                        "map_stale_s", "near_percent", NULL};
    static const struct {
        const char *word, *meant;
    } table[] = {
        {"of", "off"},
        {"OFF", "off"},
        {"stict", "strict"},
        {"sfot", "soft"},
        {"ofF", "off"},
        {"fof", "off"},
        {"on", NULL},
        {"", NULL},
        {"warn", NULL},
        {"near", "near_percent"},
        {"map_stal_s", "map_stale_s"},
        {"hard", NULL},
        {"s", NULL},
        {"strictly", "strict"},
        {"ne", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const char *meant = nearest_word(table[i].word, words);

        if (table[i].meant)
            assert_string_equal(meant, table[i].meant);
        else
            assert_null(meant);
    }
}

static int make(void **state)
{
    static struct policy_files files;

    policy_files_make(&files);
    *state = &files;
    return 0;
}

static int remove_all(void **state)
{
    policy_files_remove(*state);
    return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make, remove_all)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_mistake_has_its_place),
        TEST(watts_that_were_not_meant),
        TEST(many_mistakes),
        TEST(includes),
        TEST(includes_of_includes),
        TEST(no_file_at_all),
        TEST(settings_too),
        TEST(settings_of_slurmdbd),
        TEST(settings_of_listeners),
        TEST(settings_beside_a_policy),
        cmocka_unit_test(the_example),
        cmocka_unit_test(nearest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
