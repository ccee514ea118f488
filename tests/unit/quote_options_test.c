/* quote_options_test.c - sbatch's options as kwota quote reads them */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "tools/quote_options.h"
#include "tools/quote_value.h"

#define COUNT(table) (sizeof(table) / sizeof *(table))

struct value {
    const char *text;
    int64_t expected; /* -1: it is none */
};

static void check(const char *what, int (*read)(const char *, int64_t *),
                  const struct value *table, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int64_t value = 0;

        if (read(table[i].text, &value) < 0)
            value = -1;
        if (value != table[i].expected)
            fail_msg("%s \"%s\": %lld", what, table[i].text, (long long)value);
    }
}

static void times(void **state)
{
    static const struct value table[] = {
        {"90", 5400},
        {"90:00", 5400},
        {"90:30", 5460},
        {"0:01", 60},
        {"1:30:00", 5400},
        {"1:30:01", 5460},
        {"24:00:00", 86400},
        {"1-12", 129600},
        {"1-12:30", 131400},
        {"1-12:30:00", 131400},
        {"1-0:0:1", 86460},
        {"7-0", 604800},
        {"0", 0},
        {"0:00", 0},
        {"UNLIMITED", 0},
        {"infinite", 0},
        {"-1", 0},
        {"", -1},
        {"abc", -1},
        {"1h", -1},
        {"-5", -1},
        {"1-", -1},
        {"-1-2", -1},
        {"1-2-3", -1},
        {":30", -1},
        {"1:", -1},
        {"1:2:3:4", -1},
        {"1-1:2:3:4", -1},
        {"1.5", -1},
        {" 90", -1},
        {"99999999999", -1},
        {"99999-0", -1},
    };

    (void)state;
    check("time", quote_time, table, COUNT(table));
}

static void arrays(void **state)
{
    static const struct value table[] = {
        {"0-15", 16},      {"1,3,5-7", 5},   {"0-15:4", 4},    {"0-16:4", 5},
        {"0-15%4", 16},    {"1,3,5-7%2", 5}, {"7", 1},         {"0-5,3-8", 9},
        {"1,1,1", 1},      {"0-15:4,1", 5},  {"0-0", 1},       {"0-4000000", 4000001},
        {"", -1},          {"-3", -1},       {"5-3", -1},      {"1-", -1},
        {"1,,2", -1},      {"1,", -1},       {"0-15:0", -1},   {"0-15:", -1},
        {"0-15%", -1},     {"0-15%0", -1},   {"0-15%4,5", -1}, {"a", -1},
        {"0-4000001", -1}, {"1-3x", -1},     {"5:2", -1},
    };

    (void)state;
    check("array", quote_array, table, COUNT(table));
}

static void counts_nodes_and_gpus(void **state)
{
    static const struct value counts[] = {{"1", 1},   {"16", 16},  {"2k", 2048},
                                          {"0", -1},  {"-1", -1},  {"", -1},
                                          {"4x", -1}, {"1.5", -1}, {"1m", 1048576}};
    static const struct value nodes[] = {
        {"2", 2},     {"2-4", 2}, {"1k", 1024}, {"1k-2k", 1024}, {"4-4", 4},
        {"2,4,8", 2}, {"0", -1},  {"4-2", -1},  {"2-", -1},      {"-4", -1},
        {"n1", -1},   {"", -1},   {"2-8:2", 2}};
    static const struct value gpus[] = {
        {"2", 2},     {"a100:2", 2}, {"a100:1,v100:2", 3}, {"1,a100:1", 2}, {"0", 0},
        {"a100", -1}, {"", -1},      {":2", -1},           {"a100:", -1},   {"2,", -1},
        {"-2", -1},   {"2x", -1}};
    static const struct value gres[] = {
        {"gpu:2", 2},  {"gpu", 1},  {"gpu:a100:4", 4}, {"nvme:1,gpu:2", 2},
        {"nvme:3", 0}, {"none", 0}, {"shard:3", 1},    {"gpu:2x", -1}};

    (void)state;
    check("count", quote_count, counts, COUNT(counts));
    check("nodes", quote_nodes, nodes, COUNT(nodes));
    check("gpus", quote_gpus, gpus, COUNT(gpus));
    check("gres", quote_gres, gres, COUNT(gres));
}

static void is_body(const struct quote_options *o, const char *from,
                    const char *expected)
{
    json_t *body = quote_options_body(o);
    char wanted[512], *text;

    /* What is always there is left out of the tables. */
    if (json_integer_value(json_object_get(body, "tasks")) == 1)
        json_object_del(body, "tasks");
    if (json_is_false(json_object_get(body, "whole_nodes")))
        json_object_del(body, "whole_nodes");
    if (json_is_false(json_object_get(body, "overcommit")))
        json_object_del(body, "overcommit");
    text = json_dumps(body, JSON_COMPACT | JSON_SORT_KEYS);
    snprintf(wanted, sizeof wanted, "%s", expected);
    for (char *quote = wanted; (quote = strchr(quote, '\'')); quote++)
        *quote = '"';
    if (strcmp(text, wanted) != 0)
        fail_msg("%s: %s instead of %s", from, text, wanted);
    free(text);
    json_decref(body);
}

/* A command line without the command, in words. */
static int take(struct quote_options *o, const char *line, int *script,
                char mistake[QUOTE_MISTAKE])
{
    static char copy[512], *words[32];
    static char command[] = "kwota quote";
    int count;

    snprintf(copy, sizeof copy, "%s", line);
    words[0] = command;
    count = quote_words(copy, words + 1, 30);
    assert_true(count >= 0);
    words[count + 1] = NULL;
    mistake[0] = '\0';
    return quote_options_take(o, count + 1, words, script, mistake);
}

static void command_lines(void **state)
{
    static const struct {
        const char *line, *body, *ignored;
        int script;
    } table[] = {
        {"", "{}", "", 0},
        {"-N2 -n 8 -c4 -t 1-12 job.sh -N7",
         "{'cpus_per_task':4,'limit_s':129600,'nodes':2,'ntasks':8}", "", 7},
        {"--nodes=2-4 --account=astro --partition gpu,main -J train",
         "{'account':'astro','name':'train','nodes':2,'partition':'gpu,main'}", "", 0},
        {"--array=0-15%4", "{'tasks':16}", "", 0},
        {"-G 8 --gpus-per-node=a100:4 --gpus-per-task=1 --gpus-per-socket=2",
         "{'gpus':8,'gpus_per_node':4,'gpus_per_socket':2,'gpus_per_task':1}", "", 0},
        {"--gres=gpu:2,nvme:1", "{'gpus_per_node':2}", "", 0},
        {"--gres=nvme:1 --gpus-per-node=3", "{'gpus_per_node':3}", "", 0},
        {"--exclusive -O", "{'overcommit':true,'whole_nodes':true}", "", 0},
        {"--exclusive=user", "{}", "", 0},
        {"--energy-budget=2kWh --time=0", "{'energy_budget':'2kWh','limit_s':0}", "",
         0},
        {"--gpu-power-cap=250W", "{'gpu_power_cap':'250W'}", "", 0},
        {"-N1 -N3 --nodes=2", "{'nodes':2}", "", 0},
        {"--ntasks-per-node=4 --mincpus=8 --sockets-per-node=2",
         "{'cpus_per_node':8,'ntasks_per_node':4,'sockets_per_node':2}", "", 0},
        {"--mem 4G --mail-type END -o out -q high -C fast job.sh", "{}", "--mem", 11},
        {"-w n1 --mem=1 --mem=2 --foo=3 --mem-per-cpu=4 -Z", "{}",
         "-w, --mem, --foo, --mem-per-cpu, -Z", 0},
        {"--user=bob", "{'user':'bob'}", "", 0},
        {"--part=gpu", "{'partition':'gpu'}", "", 0},
        {"-- -N2", "{}", "", 2},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(table); i++) {
        struct quote_options o;
        char mistake[QUOTE_MISTAKE];
        int script;

        quote_options_init(&o);
        if (take(&o, table[i].line, &script, mistake) < 0)
            fail_msg("%s: %s", table[i].line, mistake);
        is_body(&o, table[i].line, table[i].body);
        if (strcmp(o.ignored, table[i].ignored) != 0 || script != table[i].script)
            fail_msg("%s: ignored \"%s\", script %d", table[i].line, o.ignored, script);
    }
}

static void mistakes_are_named(void **state)
{
    static const struct {
        const char *line, *word;
    } table[] = {
        {"--time=soon", "--time=soon"},
        {"-t 1-", "--time=1-"},
        {"-N many", "--nodes=many"},
        {"-n0", "--ntasks=0"},
        {"-c x", "--cpus-per-task=x"},
        {"-a 5-3", "--array=5-3"},
        {"--gpus=a100", "--gpus=a100"},
        {"--gres=gpu:2x", "--gres=gpu:2x"},
        {"--energy-budget=2", "--energy-budget=2 "},
        {"--gpu-power-cap=250", "--gpu-power-cap=250 is no power of a GPU"},
        {"--account=''", "--account"},
        {"--nodes", "--nodes"},
        {"-N", "-N"},
        {"--mem", "--mem"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(table); i++) {
        struct quote_options o;
        char mistake[QUOTE_MISTAKE];
        int script;

        quote_options_init(&o);
        if (take(&o, table[i].line, &script, mistake) == 0 ||
            !strstr(mistake, table[i].word))
            fail_msg("%s: \"%s\"", table[i].line, mistake);
    }
}

static int take_script(struct quote_options *o, const char *text,
                       char mistake[QUOTE_MISTAKE])
{
    FILE *file = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
    int rc;

    assert_non_null(file);
    mistake[0] = '\0';
    rc = quote_options_script(o, file, "job.sh", mistake);
    fclose(file);
    return rc;
}

static void scripts(void **state)
{
    static const struct {
        const char *text, *body, *mistake;
    } table[] = {
        {"#!/bin/bash\n#SBATCH -N2\n#SBATCH --time=90 # not long\n\nsrun x\n"
         "#SBATCH -N9\n",
         "{'limit_s':5400,'nodes':2}", ""},
        {"#!/bin/sh\n# -N3\n##SBATCH -N4\n#SBATCHX -N5\n #SBATCH -N6\n", "{}", ""},
        {"#!/bin/sh\n#SBATCH\t-J \"two words\" -A 'a#b'\n",
         "{'account':'a#b','name':'two words'}", ""},
        {"#!/bin/sh\n#SBATCH --job-name=a\\ b -N1 \r\n", "{'name':'a b','nodes':1}",
         ""},
        {"#!/bin/sh\n#SBATCH -N1 --account=astro -n 4", /* no newline */
         "{'account':'astro','nodes':1,'ntasks':4}", ""},
        {"#!/bin/sh\n\n#SBATCH -N1\n#SBATCH --nodes=none\n", "",
         "job.sh:4: --nodes=none is nothing that sbatch takes: say, for example, 2, "
         "2-4"},
        {"#!/bin/sh\n#SBATCH -J 'open\n", "", "job.sh:2: a quote is not closed"},
        {"#!/bin/sh\n#SBATCH -N 2 4\n", "", "job.sh:2: \"4\" is no option"},
        {"#!/bin/sh\n#SBATCH --foo bar\n", "{}", ""},
        {"#!/bin/sh\n#SBATCH -N1\n#SBATCH hetjob\n", "",
         "job.sh:3: a heterogeneous job is several: quote its parts one by one"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(table); i++) {
        struct quote_options o;
        char mistake[QUOTE_MISTAKE];
        int rc;

        quote_options_init(&o);
        rc = take_script(&o, table[i].text, mistake);
        assert_string_equal(mistake, table[i].mistake);
        assert_int_equal(rc, table[i].mistake[0] ? -1 : 0);
        if (rc == 0)
            is_body(&o, table[i].text, table[i].body);
    }
}

static void the_command_line_counts_before_environment_and_script(void **state)
{
    struct quote_options o;
    char mistake[QUOTE_MISTAKE];
    int script;

    (void)state;
    setenv("SBATCH_PARTITION", "gpu", 1);
    setenv("SBATCH_TIMELIMIT", "2:00:00", 1);
    setenv("SBATCH_EXCLUSIVE", "", 1);
    quote_options_init(&o);
    take_script(&o, "#!/bin/sh\n#SBATCH -p main -t 1 -N2 -A astro\n", mistake);
    assert_int_equal(quote_options_environment(&o, mistake), 0);
    take(&o, "-t 3:00:00 -N4", &script, mistake);
    is_body(&o, "all three",
            "{'account':'astro','limit_s':10800,'nodes':4,'partition':'gpu',"
            "'whole_nodes':true}");
    setenv("SBATCH_TIMELIMIT", "soon", 1);
    assert_int_equal(quote_options_environment(&o, mistake), -1);
    assert_non_null(strstr(mistake, "--time=soon"));
    unsetenv("SBATCH_PARTITION");
    unsetenv("SBATCH_TIMELIMIT");
    unsetenv("SBATCH_EXCLUSIVE");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times),
        cmocka_unit_test(arrays),
        cmocka_unit_test(counts_nodes_and_gpus),
        cmocka_unit_test(command_lines),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(scripts),
        cmocka_unit_test(the_command_line_counts_before_environment_and_script),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
