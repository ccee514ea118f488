/* steer_round_test.c - steering on the ledger: what reports make of a run */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "policy/lien.h"
#include "policy/run.h"
#include "policy/slurm_act.h"
#include "policy/steer_round.h"
#include "policy/switches.h"
#include "tests/unit/policy_file.h"
#include "tests/unit/quota_books.h"

#define REPORT_S 60
#define W INT64_C(1000)

/* Two GPUs of 300 W and 100 W of all else, for an hour: 700 Wh. */
#define GPU_MW (600 * W)
#define CPU_MW (100 * W)
#define TAKES_S 3600
#define NATURAL_WH 700

static char told[4][512]; /* what was done to jobs */
static int told_count;

static int tell(const char *what, const char *with)
{
    if (told_count < 4)
        snprintf(told[told_count++], sizeof told[0], "%s %s", what, with);
    return 0;
}

int act_notify(uint32_t job_id, const char *sentence, char why[ACT_WHY])
{
    (void)job_id;
    (void)why;
    return tell("notify", sentence);
}

int act_signal(const char *job, const char *name, bool batch, char why[ACT_WHY])
{
    (void)job;
    (void)why;
    return tell(batch ? "signal script" : "signal steps", name);
}

int act_comment(const char *job, const char *comment, char why[ACT_WHY])
{
    (void)job;
    (void)why;
    return tell("comment", comment);
}

struct scene {
    struct books *b;
    struct policy_files files;
    struct policy *budgets, *partition, *nobody;
    int64_t at_s, gpu_uj, cpu_uj; /* of the last report */
};

static struct policy *warning; /* what steer_warn() goes by */

struct policy *policy_store_take(struct policy_store *store)
{
    (void)store;
    return policy_hold(warning);
}

static struct policy *read_policy(struct scene *s, const char *name, const char *steer)
{
    char text[640], *complaints;
    struct policy *policy;

    snprintf(text, sizeof text,
             "{\"enforce\": \"strict\", \"estimate\": {\"nameplate\": {\"*\":"
             " {\"node_w\": 0, \"cpu_w\": 100, \"gpu_w\": 300}}},"
             " \"caps\": {\"enabled\": true}, \"steer\": {%s}}",
             steer);
    policy = policy_files_read(&s->files, policy_files_write(&s->files, name, text),
                               &complaints);
    assert_string_equal(complaints, "");
    free(complaints);
    return policy;
}

static int setup(void **state)
{
    static struct scene scene;
    void *books;

    memset(&scene, 0, sizeof scene);
    told_count = 0;
    if (books_open(&books) < 0)
        return -1;
    scene.b = books;
    policy_files_make(&scene.files);
    scene.budgets = read_policy(&scene, "budgets",
                                "\"energy_budget\": true, \"package\": true,"
                                " \"warn_signal\": \"USR1\"");
    scene.partition = read_policy(&scene, "partition", "\"partitions\": [\"gpu\"]");
    scene.nobody = read_policy(&scene, "nobody", "");
    warning = scene.budgets;
    books_account(scene.b, "c", "astro", "root");
    assert_int_equal(ledger_begin(scene.b->ledger), 0);
    *state = &scene;
    return 0;
}

static int teardown(void **state)
{
    struct scene *s = *state;
    void *books = s->b;

    assert_int_equal(ledger_commit(s->b->ledger), 0);
    policy_release(s->budgets);
    policy_release(s->partition);
    policy_release(s->nobody);
    policy_files_remove(&s->files);
    return books_close(&books);
}

static void take(struct scene *s, const char *sql)
{
    assert_int_equal(ledger_do(s->b->ledger, sql, ""), 0);
}

static int64_t number(struct scene *s, const char *sql)
{
    return ledger_number(s->b->ledger, -1, sql, "");
}

/* Like runs took an hour; its node's cards take 100 to 300 W. */
static void write_world(struct scene *s)
{
    for (int64_t i = 1; i <= 5; i++)
        assert_int_equal(
            ledger_do(s->b->ledger,
                      "INSERT INTO history VALUES ('c','alice','astro','cfd','gpu',1,2,"
                      "2,?1,1,700000,?2,86400,0,1)",
                      "ii", i, (int64_t)TAKES_S),
            0);
    take(s, "INSERT INTO node_limits VALUES"
            " ('n1','gpu-0','nvml',100000,300000,300000,NULL,300000,1000,NULL),"
            " ('n1','gpu-1','nvml',100000,300000,300000,NULL,300000,1000,NULL),"
            " ('n1','gpu-2','nvml',100000,300000,300000,NULL,300000,1000,NULL),"
            " ('n1','package-0','rapl',50000,200000,200000,NULL,200000,1000,NULL)");
    take(s, "INSERT INTO node_facts VALUES ('n1', 8, 4000, 0)");
}

/* Run 1, which has just begun. */
static void begin(struct scene *s, const struct policy *policy, int64_t budget_wh)
{
    char why[LIEN_WHY];
    struct lookup_run run = {.job_id = 12,
                             .text = "12",
                             .act = "12",
                             .submit_s = NOW - 1,
                             .start_s = NOW,
                             .user = "alice",
                             .account = "astro",
                             .partition = "gpu",
                             .name = "cfd",
                             .state = "RUNNING",
                             .node_count = 1,
                             .started = true,
                             .cpus = 2,
                             .gpus = 2,
                             .asked_nodes = 1,
                             .asked_cpus = 2,
                             .asked_gpus = 2,
                             .limit_s = 86400,
                             .until_s = NOW + 86400,
                             .budget_wh = budget_wh,
                             .batch = true};

    assert_int_equal(run_put(s->b->ledger, "c", &run, NOW), 1);
    write_world(s);
    assert_int_equal(
        lien_open(s->b->ledger, policy, "c", 1, &run, LIEN_LATE, NOW, NULL, why),
        LIEN_RUN);
    take(s,
         "INSERT INTO tokens (token, run_id, node, job_id, start_ms, last_ms, final,"
         " cpu_ns, reasons, simulated, cpus) SELECT 't', 1, 'n1', 12, start_s * 1000,"
         " start_s * 1000, 0, 0, '[]', 1, 2 FROM runs");
    take(s, "INSERT INTO run_domains (token, domain, kind, uj) VALUES"
            " ('t','gpu-0','gpu',0), ('t','package-0','package',0)");
    take(s, "INSERT INTO run_quarters (token, quarter_s, kind, mj)"
            " SELECT 't', start_s / 900 * 900, 'gpu', 0 FROM runs");
    s->at_s = NOW;
    s->gpu_uj = s->cpu_uj = 0;
}

/* So much is drawn for a report's time, and the report comes. */
static void report(struct scene *s, int64_t gpu_mw, int64_t cpu_mw)
{
    int64_t gpu_mj = gpu_mw * REPORT_S, cpu_mj = cpu_mw * REPORT_S;
    struct ledger *ledger = s->b->ledger;

    assert_int_equal(
        ledger_do(ledger, "INSERT INTO run_points VALUES ('t',?,?,?,NULL,?,NULL)",
                  "iiii", s->at_s * 1000, (s->at_s + REPORT_S) * 1000, cpu_mj, gpu_mj),
        0);
    s->at_s += REPORT_S;
    assert_int_equal(
        ledger_do(ledger, "UPDATE tokens SET last_ms = ?", "i", s->at_s * 1000), 0);
    assert_int_equal(ledger_do(ledger,
                               "UPDATE run_domains SET uj = uj + CASE kind WHEN 'gpu'"
                               " THEN ?1 ELSE ?2 END",
                               "ii", gpu_mj * 1000, cpu_mj * 1000),
                     0);
    assert_int_equal(ledger_do(ledger,
                               "UPDATE used SET mj = mj + ?1,"
                               " open_mj = open_mj + ?1",
                               "i", gpu_mj + cpu_mj),
                     0);
}

static int review(struct scene *s, const struct policy *policy)
{
    const struct steer_round round = {s->b->ledger, policy, "c", REPORT_S * 1000, 30};

    return steer_review(&round, 1, s->at_s);
}

static int64_t cap_mw(struct scene *s)
{
    return number(s, "SELECT COALESCE(steer_gpu_mw, 0) FROM runs");
}

/* Runs at full power until something is held, or so many reports have come. */
static int until_held(struct scene *s, const struct policy *policy, int reports)
{
    int i = 0;

    for (; i < reports && cap_mw(s) == 0; i++) {
        report(s, GPU_MW, CPU_MW);
        assert_int_equal(review(s, policy), 0);
    }
    return i;
}

static void what_fits_is_left_alone(void **state)
{
    struct scene *s = *state;

    begin(s, s->budgets, NATURAL_WH * 103 / 100);
    assert_int_equal(until_held(s, s->budgets, 50), 50);
    assert_int_equal(number(s, "SELECT COUNT(*) FROM decisions"), 0);
    assert_int_equal(number(s, "SELECT done_ms FROM steering"), 50 * REPORT_S * 1000);
    assert_int_equal(number(s, "SELECT free_ms FROM steering"), 50 * REPORT_S * 1000);
    assert_int_equal(number(s, "SELECT gpu_peak_mw FROM steering"), GPU_MW);
}

static void what_does_not_is_held(void **state)
{
    struct scene *s = *state;
    int reports;

    begin(s, s->budgets, NATURAL_WH * 98 / 100);
    reports = until_held(s, s->budgets, 50);
    /* Not before a quarter is used, nor before its doubt is less than what it lacks. */
    assert_in_range(reports, 14, 30);
    assert_in_range(cap_mw(s), 150 * W, 290 * W);
    assert_int_equal(number(s, "SELECT gpu_mw FROM steering"), cap_mw(s));
    assert_int_equal(number(s, "SELECT COUNT(*) FROM decisions WHERE action = 'steer'"),
                     1);
    assert_int_equal(number(s, "SELECT steer_why LIKE 'steering: % 2 GPUs held to %'"
                               " FROM runs"),
                     1);
    assert_int_equal(number(s, "SELECT COUNT(*) FROM caps_due"), 1);
    /* The same report tells nothing new. */
    assert_int_equal(review(s, s->budgets), 0);
    assert_int_equal(number(s, "SELECT COUNT(*) FROM decisions"), 1);
}

static void only_who_is_opted_in(void **state)
{
    struct scene *s = *state;

    begin(s, s->budgets, NATURAL_WH * 93 / 100);
    assert_int_equal(until_held(s, s->nobody, 40), 40);
    assert_int_equal(number(s, "SELECT COUNT(*) FROM steering"), 0);
    /* The partition's are, whatever their users said. */
    report(s, GPU_MW, CPU_MW);
    assert_int_equal(review(s, s->partition), 0);
    assert_true(cap_mw(s) > 0);
    /* Nor any more, once they are not. */
    assert_int_equal(review(s, s->nobody), 0);
    assert_int_equal(cap_mw(s), 0);
    assert_int_equal(number(s, "SELECT COUNT(*) FROM steering"), 0);
}

static void nobody_while_frozen(void **state)
{
    struct scene *s = *state;

    begin(s, s->budgets, NATURAL_WH * 93 / 100);
    assert_int_equal(switches_set(s->b->ledger, "freeze", true, NOW, "root", "test"),
                     0);
    assert_int_equal(until_held(s, s->budgets, 60), 60);
    assert_int_equal(number(s, "SELECT COUNT(*) FROM steering"), 0);
}

/* What its quotas would still give counts. */
static void a_quota_with_room_slows_nobody(void **state)
{
    struct scene *s = *state;

    begin(s, s->partition, 0);
    take(s, "UPDATE liens SET mj = mj * 93 / 100");
    assert_int_equal(until_held(s, s->partition, 40), 40);
    books_quota(s->b, "astro", "", "", NATURAL_WH * 3600 * W * 93 / 100);
    report(s, GPU_MW, CPU_MW);
    assert_int_equal(review(s, s->partition), 0);
    assert_true(cap_mw(s) > 0);
}

static void another_s_cap_is_the_most(void **state)
{
    struct scene *s = *state;

    begin(s, s->budgets, NATURAL_WH * 93 / 100);
    take(s, "INSERT INTO caps VALUES (1, 150000, NULL, NULL, 'the policy')");
    assert_int_equal(until_held(s, s->budgets, 30), 30);
}

static void a_warning_then_the_end(void **state)
{
    struct scene *s = *state;
    int warned = 0, i;

    begin(s, s->budgets, NATURAL_WH / 2);
    for (i = 0; i < 40; i++) {
        report(s, GPU_MW, CPU_MW);
        if (review(s, s->budgets))
            break;
        if (!warned && number(s, "SELECT warn_due FROM steering") == 1)
            warned = i;
    }
    assert_in_range(warned, 1, i - 3);
    assert_int_equal(number(s, "SELECT decision = 'ending' FROM runs"), 1);
    assert_int_equal(number(s, "SELECT decision_why LIKE 'it has used %' FROM runs"),
                     1);
    assert_int_equal(number(s, "SELECT COUNT(*) FROM decisions WHERE action = 'kill'"),
                     1);
    assert_int_equal(number(s, "SELECT COUNT(*) FROM decisions WHERE action = 'warn'"),
                     1);
    /* Its energy lasts for a report and KillWait, and no report longer than needed. */
    assert_true(number(s, "SELECT l.mj - u.mj FROM liens l JOIN used u ON u.run_id ="
                          " l.run_id") >= 0);
    /* A run that is to be ended is looked at no more. */
    report(s, GPU_MW, CPU_MW);
    assert_int_equal(review(s, s->budgets), 0);
}

static void who_is_warned_is_told(void **state)
{
    struct scene *s = *state;

    begin(s, s->budgets, NATURAL_WH / 2);
    while (number(s, "SELECT COALESCE(MAX(warn_due), 0) FROM steering") == 0) {
        report(s, GPU_MW, CPU_MW);
        assert_int_equal(review(s, s->budgets), 0);
    }
    assert_int_equal(ledger_commit(s->b->ledger), 0);
    steer_warn(s->b->ledger, NULL);
    steer_warn(s->b->ledger, NULL);
    assert_int_equal(ledger_begin(s->b->ledger), 0);
    assert_int_equal(told_count, 3);
    assert_non_null(strstr(told[0], "notify kwota: job 12: its energy runs out: it has "
                                    "used"));
    assert_string_equal(told[1], "signal script USR1");
    /* A requeue still has its budget. */
    assert_non_null(strstr(told[2], "comment kwota: warned: it has used"));
    assert_non_null(strstr(told[2], "energy budget 350 Wh"));
}

/* A card that refuses is not slow, and its run is not thought to be. */
static void what_could_not_be_set_is_not_in_force(void **state)
{
    struct scene *s = *state;
    int64_t done_ms;

    begin(s, s->budgets, NATURAL_WH * 93 / 100);
    until_held(s, s->budgets, 30);
    done_ms = number(s, "SELECT done_ms FROM steering");
    take(s,
         "INSERT INTO run_caps VALUES ('t','gpu-0',1,NULL,'failed','no permission')");
    report(s, GPU_MW, CPU_MW);
    assert_int_equal(review(s, s->budgets), 0);
    assert_int_equal(number(s, "SELECT done_ms FROM steering"),
                     done_ms + REPORT_S * 1000);
    assert_true(cap_mw(s) > 0);
    assert_int_equal(number(s, "SELECT COUNT(*) FROM decisions WHERE action = 'steer'"),
                     1);
    /* One that is set is. */
    take(s, "UPDATE run_caps SET state = 'set', value = 250000");
    done_ms += REPORT_S * 1000;
    report(s, 2 * cap_mw(s), CPU_MW);
    assert_int_equal(review(s, s->budgets), 0);
    assert_true(number(s, "SELECT done_ms FROM steering") <
                done_ms + REPORT_S * 1000 - 1000);
}

static void a_node_that_has_not_told_is_waited_for(void **state)
{
    struct scene *s = *state;

    begin(s, s->budgets, NATURAL_WH * 93 / 100);
    take(s, "UPDATE runs SET node_count = 2");
    assert_int_equal(until_held(s, s->budgets, 30), 30);
    assert_int_equal(number(s, "SELECT COUNT(*) FROM steering"), 0);
    /* Its cards are not known: nothing is held, but it is known to be there. */
    take(s, "INSERT INTO tokens (token, run_id, node, job_id, start_ms, last_ms, final,"
            " cpu_ns, reasons, simulated, cpus) SELECT 'u', 1, 'n2', 12, 0, last_ms, 0,"
            " 0, '[]', 1, 2 FROM tokens");
    take(s, "INSERT INTO run_points SELECT 'u', from_ms, to_ms, 0, NULL, 0, NULL FROM"
            " run_points");
    report(s, GPU_MW, CPU_MW);
    take(s, "INSERT OR IGNORE INTO run_points SELECT 'u', from_ms, to_ms, 0, NULL, 0,"
            " NULL FROM run_points");
    assert_int_equal(review(s, s->budgets), 0);
    assert_int_equal(number(s, "SELECT COUNT(*) FROM steering"), 1);
    assert_int_equal(cap_mw(s), 0);
}

/* Packages are one's own only with all CPUs. */
static void packages_of_who_is_alone(void **state)
{
    static const int64_t cpus[] = {7, 8};
    struct scene *s = *state;

    begin(s, s->budgets, NATURAL_WH * 80 / 100);
    /* Hungry packages, and cards that save nothing. */
    take(s, "DELETE FROM node_limits WHERE device <> 'package-0'");
    take(s, "UPDATE node_limits SET max_mw = 700000");
    for (int i = 0; i < 2; i++) {
        assert_int_equal(
            ledger_do(s->b->ledger, "UPDATE tokens SET cpus = ?", "i", cpus[i]), 0);
        for (int r = 0; r < 12; r++) {
            report(s, 50 * W, 650 * W);
            assert_int_equal(review(s, s->budgets), 0);
        }
        assert_int_equal(number(s, "SELECT steer_package_mw > 0 FROM runs") == 1,
                         i == 1);
    }
}

/* Nobody knows how long it takes, and it would not last to its time limit. */
static void a_quota_for_who_goes_on_to_its_limit(void **state)
{
    struct scene *s = *state;
    struct policy *cpu = read_policy(s, "cpu",
                                     "\"energy_budget\": true, \"cpu\": true,"
                                     " \"cpu_floor_percent\": 5");

    begin(s, cpu, NATURAL_WH);
    take(s, "DELETE FROM history");
    take(s, "UPDATE runs SET gpus = 0");
    take(s, "UPDATE liens SET until_s = from_s + 3900");
    for (int r = 0; r < 58; r++) {
        report(s, 0, 700 * W);
        assert_int_equal(review(s, cpu), 0);
        /* Not before nine tenths are used: it may well take less. */
        if (r < 53)
            assert_int_equal(number(s, "SELECT steer_cpu_percent IS NULL FROM runs"),
                             1);
    }
    assert_in_range(number(s, "SELECT steer_cpu_percent FROM runs"), 5, 90);
    assert_int_equal(number(s, "SELECT cpu_percent FROM steering"),
                     number(s, "SELECT steer_cpu_percent FROM runs"));
    policy_release(cpu);
}

static void its_end_is_the_end_of_it(void **state)
{
    struct scene *s = *state;

    begin(s, s->budgets, NATURAL_WH * 93 / 100);
    until_held(s, s->budgets, 30);
    take(s, "UPDATE runs SET state = 'ended'");
    assert_int_equal(number(s, "SELECT COUNT(*) FROM steering"), 0);
    assert_int_equal(review(s, s->budgets), 0);
}

/* Another kwotad goes on with what the ledger has. */
static void nothing_is_forgotten_between(void **state)
{
    struct scene *s = *state;
    static const char all[] =
        "SELECT gpu_mw + changed_s % 100000 * 7 + gpu_full_mw + done_ms + free_gpu_mj"
        " + free_ms + seen_ms % 1000000000 + gpu_peak_mw + used.mj"
        " FROM steering JOIN used USING (run_id)";
    int64_t first = 0;

    for (int killed = 0; killed < 2; killed++) {
        begin(s, s->budgets, NATURAL_WH * 93 / 100);
        for (int r = 0; r < 30; r++) {
            report(s, cap_mw(s) ? 2 * cap_mw(s) : GPU_MW, CPU_MW);
            /* used is worked out anew from run_quarters, which these reports skip. */
            take(s, "UPDATE run_quarters SET mj = (SELECT mj FROM used)");
            assert_int_equal(review(s, s->budgets), 0);
            if (!killed)
                continue;
            assert_int_equal(ledger_commit(s->b->ledger), 0);
            ledger_close(s->b->ledger);
            s->b->ledger = ledger_open(s->b->temporary.dir);
            assert_int_equal(ledger_begin(s->b->ledger), 0);
        }
        if (killed)
            assert_int_equal(number(s, all), first);
        first = number(s, all);
        for (const char *const *table =
                 (const char *const[]){"steering", "liens", "run_quarters",
                                       "run_domains", "run_points", "run_caps",
                                       "tokens", "decisions", "history", "node_limits",
                                       "node_facts", "used", "runs", NULL};
             *table; table++) {
            char sql[64];

            snprintf(sql, sizeof sql, "DELETE FROM %s", *table);
            take(s, sql);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_fits_is_left_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(what_does_not_is_held, setup, teardown),
        cmocka_unit_test_setup_teardown(only_who_is_opted_in, setup, teardown),
        cmocka_unit_test_setup_teardown(nobody_while_frozen, setup, teardown),
        cmocka_unit_test_setup_teardown(a_quota_with_room_slows_nobody, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(another_s_cap_is_the_most, setup, teardown),
        cmocka_unit_test_setup_teardown(a_warning_then_the_end, setup, teardown),
        cmocka_unit_test_setup_teardown(who_is_warned_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(what_could_not_be_set_is_not_in_force, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_node_that_has_not_told_is_waited_for, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(packages_of_who_is_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(a_quota_for_who_goes_on_to_its_limit, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(its_end_is_the_end_of_it, setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_is_forgotten_between, setup, teardown),
    };

    return cmocka_run_group_tests_name("steer_round", tests, NULL, NULL);
}
