/* meter_options_test.c - what the meter runs with: the command line, KWOTA_SERVER,
 * plugstack.conf, its own defaults */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plugin/meter/options.h"

#define ALL                                                                            \
    "optional spank_kwota.so server=ctl1,ctl2:1 root=/x/%n run=/r/%n spool=/s/%n "     \
    "munge=/m user=hpc timeout=500ms meter=/opt/meter report=no\n"

static char dir[64], conf[80], stack[80], other[80];

static int make_dir(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/kwota-options-test-XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    snprintf(conf, sizeof conf, "%s/slurm.conf", dir);
    snprintf(stack, sizeof stack, "%s/plugstack.conf", dir);
    snprintf(other, sizeof other, "%s/other.conf", dir);
    setenv("SLURM_CONF", conf, 1);
    return unsetenv("KWOTA_SERVER");
}

static int remove_dir(void **state)
{
    (void)state;
    remove(conf);
    remove(stack);
    remove(other);
    unsetenv("KWOTA_SERVER");
    return rmdir(dir);
}

/* NULL: there is none. */
static void write_file(const char *path, const char *text)
{
    FILE *file;

    remove(path);
    if (!text)
        return;
    file = fopen(path, "we");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static struct options_said said;

static int fill(struct meter_options *options, const char *text,
                const char *environment)
{
    write_file(stack, text);
    if (environment)
        setenv("KWOTA_SERVER", environment, 1);
    else
        unsetenv("KWOTA_SERVER");
    return options_fill(options, &said);
}

static void is(const struct meter_options *o, const struct meter_options *expected)
{
    assert_string_equal(o->server, expected->server);
    assert_string_equal(o->root, expected->root);
    assert_string_equal(o->run, expected->run);
    assert_string_equal(o->spool, expected->spool);
    assert_string_equal(o->user, expected->user);
    assert_int_equal(o->timeout_ms, expected->timeout_ms);
    if (expected->munge)
        assert_string_equal(o->munge, expected->munge);
    else
        assert_null(o->munge);
}

/* Its own defaults, but for the server. */
#define OWN(where)                                                                     \
    {                                                                                  \
        .server = (where), .root = "/", .run = KWOTA_RUNDIR, .spool = KWOTA_SPOOLDIR,  \
        .user = "slurm", .timeout_ms = 2000                                            \
    }

#define TOLD(where)                                                                    \
    {                                                                                  \
        .server = (where), .root = "/x/n7", .run = "/r/n7", .spool = "/s/n7",          \
        .munge = "/m", .user = "hpc", .timeout_ms = 500                                \
    }

#define GIVEN                                                                          \
    {                                                                                  \
        .server = "cmd:3", .root = "/cx", .run = "/cr", .spool = "/cs",                \
        .munge = "/cm", .user = "cu", .timeout_ms = 70                                 \
    }

static void who_counts(void **state)
{
    static const struct {
        const char *stack, *environment;
        struct meter_options given, expected;
        const char *source; /* "" stands for plugstack.conf */
    } table[] = {
        {ALL, NULL, {.node = NULL}, TOLD("ctl1,ctl2:1"), ""},
        {ALL, "", {.node = NULL}, TOLD("ctl1,ctl2:1"), ""},
        {ALL, "env:2", {.node = NULL}, TOLD("env:2"), "KWOTA_SERVER"},
        {ALL, "env:2", {.server = "cmd:3"}, TOLD("cmd:3"), "--server"},
        {ALL, "env:2", {.server = ""}, TOLD("env:2"), "KWOTA_SERVER"},
        {ALL, "env:2", GIVEN, GIVEN, "--server"},
        {NULL, NULL, GIVEN, GIVEN, "--server"},
        {NULL, "env:2", {.node = NULL}, OWN("env:2"), "KWOTA_SERVER"},
        {"required /usr/lib/spank_kwota.so server=a:1 # ours\n",
         NULL,
         {.node = NULL},
         OWN("a:1"),
         ""},
        {"optional spank_kwota.so user=hpc\n",
         "env:2",
         {.run = "/cr"},
         {.server = "env:2",
          .root = "/",
          .run = "/cr",
          .spool = KWOTA_SPOOLDIR,
          .user = "hpc",
          .timeout_ms = 2000},
         "KWOTA_SERVER"},
    };

    (void)state;
    write_file(conf, "ClusterName=x\n");
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct meter_options o = table[i].given;
        char place[96];

        snprintf(place, sizeof place, "%s:1", stack);
        o.node = "n7";
        assert_int_equal(fill(&o, table[i].stack, table[i].environment), 0);
        is(&o, &table[i].expected);
        assert_string_equal(said.source, table[i].source[0] ? table[i].source : place);
        assert_string_equal(said.why, "");
        assert_string_equal(said.doubt, "");
    }
}

/* The sentence names the file, what is wrong with it and the remedy; all else is as it
 * would be. */
static void nothing_says(void **state)
{
    static const struct {
        const char *stack, *why;
    } table[] = {
        {NULL, ": there is no /tmp/kwota-options-test-"},
        {"", "no line of /tmp/kwota-options-test-"},
        {"#" ALL, "/plugstack.conf loads spank_kwota.so"},
        {"optinal spank_kwota.so server=a\n",
         "/plugstack.conf:1: \"optinal spank_kwota.so\" does not load spank_kwota.so"},
        {"\noptional spank_kwota.so\n", "/plugstack.conf:2 has no server=;"},
        {"optional spank_kwota.so sever=a\n",
         "/plugstack.conf:1 has no server=: \"sever=a\" is not used"},
    };

    (void)state;
    write_file(conf, "ClusterName=x\n");
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct meter_options o = {.node = "n7"}, own = OWN("");

        assert_int_equal(fill(&o, table[i].stack, NULL), -1);
        assert_string_equal(said.source, "");
        assert_non_null(strstr(said.why, table[i].why));
        assert_non_null(strstr(said.why, "KWOTA_SERVER=HOST:PORT in /etc/default/"));
        assert_null(strchr(said.why, '\n'));
        is(&o, &own);
    }
}

/* What cannot be used costs its default, and is told. */
static void mistakes(void **state)
{
    struct meter_options o = {.node = "n7"}, own = OWN("a");

    (void)state;
    write_file(conf, "ClusterName=x\n");
    assert_int_equal(
        fill(&o, "optional spank_kwota.so server=a timeout=9h usr=u\n", NULL), 0);
    is(&o, &own);
    assert_non_null(strstr(said.doubt, "plugstack.conf:1: \"timeout=9h\" is not used"));

    /* It cannot be read. */
    write_file(stack, NULL);
    assert_int_equal(mkdir(stack, 0700), 0);
    o = (struct meter_options){.node = "n7", .server = "a"};
    assert_int_equal(options_fill(&o, &said), 0);
    is(&o, &own);
    assert_non_null(strstr(said.doubt, "plugstack.conf cannot be read"));
    o = (struct meter_options){.node = "n7"};
    assert_int_equal(options_fill(&o, &said), -1);
    assert_non_null(strstr(said.why, "plugstack.conf cannot be read"));
}

static void places(void **state)
{
    struct meter_options o = {.node = NULL};
    char text[128];

    (void)state;
    /* slurm.conf says where it is. */
    snprintf(text, sizeof text, "plugstackconfig=%s\n", other);
    write_file(conf, text);
    write_file(other, "optional spank_kwota.so server=there:1\n");
    assert_int_equal(fill(&o, "optional spank_kwota.so server=here:1\n", NULL), 0);
    assert_string_equal(o.server, "there:1");
    assert_int_equal(strncmp(said.source, other, strlen(other)), 0);

    /* There is no slurm.conf: beside where it would be. */
    write_file(conf, NULL);
    o = (struct meter_options){.node = NULL};
    assert_int_equal(fill(&o, "optional spank_kwota.so server=here:1\n", NULL), 0);
    assert_string_equal(o.server, "here:1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(who_counts, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(nothing_says, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(mistakes, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(places, make_dir, remove_dir),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
