/* job_text_test.c - what kwota job prints of a run's caps, and of one without detail */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tools/job_text.h"

/* 2026-11-21 00:00:17 UTC */
#define START "1795219217"

/* What job_print() prints of a run with these members besides; to be freed. */
static char *printed(const char *members)
{
    static const char form[] =
        "{'job_id':'12','start':" START ",'end':null,'name':'x','user':'alice',"
        "'account':'a','partition':'gpu','state':'running','slurm_state':'RUNNING',"
        "'quality':'measured','energy':{'total_mj':1000},'nodes':[]%s}";
    char json[2048], *text = calloc(1, 4096);
    FILE *file = tmpfile();
    int out = dup(STDOUT_FILENO);
    json_t *run;

    snprintf(json, sizeof json, form, members);
    for (char *quote = json; (quote = strchr(quote, '\'')); quote++)
        *quote = '"';
    run = json_loads(json, 0, NULL);
    assert_non_null(run);
    fflush(stdout);
    dup2(fileno(file), STDOUT_FILENO);
    job_print(run);
    fflush(stdout);
    dup2(out, STDOUT_FILENO);
    close(out);
    rewind(file);
    assert_true(fread(text, 1, 4095, file) > 0);
    fclose(file);
    json_decref(run);
    return text;
}

#define SPELL(from, until, what, mw, percent, how, why)                                \
    "{'from_s':" from ",'until_s':" until ",'what':'" what "','mw':" mw                \
    ",'percent':" percent ",'state':'" how "','why':'" why "','devices':'n1 " what     \
    "-0'}"

static void caps(void **state)
{
    char *text = printed(",'capped_ms':31000,'caps':[" SPELL(
        "1795219237", "1795219300", "gpu", "250500", "null", "set",
        "k:12: rule") "," SPELL("1795219237", "1795319300", "gpu", "null", "null",
                                "failed",
                                "refused") "," SPELL("1795219237", "null", "cpu",
                                                     "null", "50", "shared",
                                                     "order 3") "," SPELL("1795219237",
                                                                          "null", "gpu",
                                                                          "300000",
                                                                          "null",
                                                                          "foreign",
                                                                          "") "]");

    (void)state;
    assert_non_null(strstr(
        text,
        "  caps       00:00:37 to 00:01:40 capped: gpu at 250.5 W, k:12: rule (n1 "
        "gpu-0)\n"
        "             00:00:37 to 2026-11-22 03:48:20 NOT capped, setting it failed: "
        "gpu, refused (n1 gpu-0)\n"
        "             00:00:37 to now capped, but for a job it shares with higher: CPU "
        "time at 50 %, order 3 (n1 cpu-0)\n"
        "             00:00:37 to now NOT capped, somebody else has set another limit: "
        "gpu at 300 W (n1 gpu-0)\n"
        "             capped for 31 s in all\n"));
    free(text);
}

static void no_caps(void **state)
{
    char *text = printed(",'capped_ms':0,'caps':[]");

    (void)state;
    assert_null(strstr(text, "cap"));
    free(text);
}

static void pruned(void **state)
{
    char *text = printed(",'pruned_s':" START ",'charge_mj':1000,'nodes':[{'node':'n1',"
                         "'total_mj':null,'final':true},{'node':'n2','total_mj':null,"
                         "'final':true}]");

    (void)state;
    assert_non_null(strstr(text, "its detail was dropped then"));
    assert_non_null(strstr(text, "It ran on n1, n2\n"));
    assert_null(strstr(text, "unknown\n"));
    assert_null(strstr(text, "NODE"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(caps),
        cmocka_unit_test(no_caps),
        cmocka_unit_test(pruned),
    };

    setenv("TZ", "UTC", 1);
    tzset();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
