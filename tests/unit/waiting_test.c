/* waiting_test.c - what a job that waits is expected to use */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "policy/lien.h"
#include "policy/slurm_act.h"
#include "policy/waiting.h"
#include "policy/switches.h"
#include "tests/unit/policy_file.h"
#include "tests/unit/quota_books.h"

/* What stands for Slurm here: its only job, and what was done to it last. */
static struct queue_job the_job;
static struct queue_job others[2]; /* other_count of them, after it */
static int other_count;
static char done[256];

int queue_load(struct queue *queue)
{
    static struct queue_job jobs[3];

    jobs[0] = the_job;
    memcpy(jobs + 1, others, sizeof others);
    *queue = (struct queue){jobs, 1 + other_count};
    return 0;
}

void queue_done(struct queue *queue)
{
    (void)queue;
}

static int act(const char *what, const char *job, const char *words, char why[ACT_WHY])
{
    size_t len = strlen(done);

    snprintf(done + len, sizeof done - len, "%s%s %s %s", len ? "; " : "", what, job,
             words);
    why[0] = '\0';
    return 0;
}

int act_licences(const char *job, const char *licences, char why[ACT_WHY])
{
    return act("licences", job, licences, why);
}

int act_release(const char *job, const char *comment, char why[ACT_WHY])
{
    return act("release", job, comment, why);
}

int act_comment(const char *job, const char *comment, char why[ACT_WHY])
{
    return act("comment", job, comment, why);
}

int act_qos(const char *job, const char *qos, char why[ACT_WHY])
{
    return act("qos", job, qos, why);
}

static const struct queue_partition partitions[] = {
    {.name = "main", .max_s = 1000, .node_cpus = 8},
    {.name = "gpu", .whole_nodes = true, .node_cpus = 16, .node_gpus = 4},
    {.name = "dark", .max_s = 1000, .node_cpus = 8},
};

static struct policy *read_policy(struct policy_files *files, const char *estimate)
{
    char text[512], *complaints;
    struct policy *policy;

    snprintf(text, sizeof text, "{\"version\":1,\"estimate\":{%s}}", estimate);
    policy =
        policy_files_read(files, policy_files_write(files, "k", text), &complaints);
    assert_string_equal(complaints, "");
    free(complaints);
    return policy;
}

#define PLATES                                                                         \
    "\"nameplate\":{\"main\":{\"node_w\":10,\"cpu_w\":1,\"gpu_w\":0},"                 \
    "\"gpu\":{\"node_w\":100,\"cpu_w\":2,\"gpu_w\":300}}"

static void estimates(void **state)
{
    static const struct {
        const char *partition;
        int64_t nodes, cpus, gpus, limit_s;
        bool whole;
        int64_t mj;
    } table[] = {
        {"main", 1, 4, 0, 100, false, (10 + 4) * 100000},
        {"main", 2, 4, 0, 100, false, (20 + 4) * 100000},
        /* nodes are not known yet: at least one */
        {"main", 0, 4, 0, 100, false, (10 + 4) * 100000},
        /* all of its nodes, by its own wish or the partition's way */
        {"main", 2, 4, 0, 100, true, (20 + 16) * 100000},
        {"gpu", 1, 1, 1, 100, false, (100 + 32 + 1200) * 100000},
        {"gpu", 3, 3, 0, 100, false, 3 * (100 + 32 + 1200) * 100000},
        /* no time limit: the partition's most, else a year */
        {"main", 1, 4, 0, 0, false, (10 + 4) * 1000000},
        {"gpu", 1, 1, 1, 0, false, (100 + 32 + 1200) * LIEN_NO_LIMIT_S * 1000},
        /* several partitions: the most expensive */
        {"main,gpu", 1, 1, 0, 100, false, (100 + 32 + 1200) * 100000},
        {"gpu,main", 1, 1, 0, 100, false, (100 + 32 + 1200) * 100000},
        {"dark,main", 1, 1, 0, 100, false, (10 + 1) * 100000},
        /* no nameplate: nothing is known, which is not nothing */
        {"dark", 1, 1, 0, 100, false, -1},
        {"nosuch", 1, 1, 0, 100, false, -1},
        {"", 1, 1, 0, 100, false, -1},
    };
    struct policy_files files;
    struct policy *policy;

    (void)state;
    policy_files_make(&files);
    policy = read_policy(&files, PLATES);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct queue_job job = {.nodes = table[i].nodes,
                                .cpus = table[i].cpus,
                                .gpus = table[i].gpus,
                                .limit_s = table[i].limit_s,
                                .whole_nodes = table[i].whole};

        snprintf(job.partition, sizeof job.partition, "%s", table[i].partition);
        assert_int_equal(waiting_estimate(NULL, policy, "c", NULL, partitions, 3, &job),
                         table[i].mj);
    }
    policy_release(policy);
    policy_files_remove(&files);
}

/* Partitions that slurmctld has not told of yet, and the policy's factor. */
static void estimates_without_slurmctld(void **state)
{
    struct queue_job job = {
        .partition = "gpu", .nodes = 2, .cpus = 3, .gpus = 1, .limit_s = 10};
    struct policy_files files;
    struct policy *policy;

    (void)state;
    policy_files_make(&files);
    policy = read_policy(&files, "\"factor_percent\":150," PLATES);
    assert_int_equal(waiting_estimate(NULL, policy, "c", NULL, NULL, 0, &job),
                     (200 + 6 + 300) * 15 * 1000);
    policy_release(policy);
    policy_files_remove(&files);
}

/* One pass over one job of 100 J (or without a licence any more), and what is done. */
static void a_pass_does(struct books *books, const struct policy *policy, int64_t now_s,
                        const char *expected)
{
    struct waiting waiting = {.ledger = books->ledger, .cluster = "c"};

    done[0] = '\0';
    assert_int_equal(waiting_pass(&waiting, policy, now_s), 0);
    assert_string_equal(done, expected);
    assert_int_equal(waiting.job_count, 1 + other_count);
    assert_string_equal(waiting.jobs[0].text, the_job.text);
    assert_null(waiting.jobs[0].admin_comment);
    json_decref(waiting.list);
    free(waiting.jobs);
}

static void a_job(const char *text, const char *partition, const char *qos)
{
    static char nothing[] = "";

    the_job = (struct queue_job){.pending = true,
                                 .nodes = 1,
                                 .cpus = 1,
                                 .limit_s = 100,
                                 .licences = nothing,
                                 .admin_comment = nothing};
    snprintf(the_job.text, sizeof the_job.text, "%s", text);
    snprintf(the_job.user, sizeof the_job.user, "alice");
    snprintf(the_job.account, sizeof the_job.account, "astro");
    snprintf(the_job.partition, sizeof the_job.partition, "%s", partition);
    snprintf(the_job.qos, sizeof the_job.qos, "%s", qos);
}

static struct policy *rules(struct policy_files *files, const char *level)
{
    char text[768], *complaints;
    struct policy *policy;

    snprintf(text, sizeof text,
             "{\"version\":1,\"enforce\":{\"default\":\"%s\",\"rules\":["
             "{\"partition\":\"free\",\"level\":\"off\"}]},\"limits\":{"
             "\"at_limit\":{\"rules\":[{\"partition\":\"over\","
             "\"action\":\"overdraft\"}]},\"overdraft_qos\":\"low\"},"
             "\"estimate\":{\"nameplate\":{\"*\":"
             "{\"node_w\":0,\"cpu_w\":36,\"gpu_w\":0}}}}",
             level);
    policy =
        policy_files_read(files, policy_files_write(files, "k", text), &complaints);
    assert_string_equal(complaints, "");
    free(complaints);
    return policy;
}

static int64_t warnings(struct books *books)
{
    int64_t count;

    assert_int_equal(ledger_begin(books->ledger), 0);
    count = ledger_number(books->ledger, -1,
                          "SELECT COUNT(*) FROM decisions WHERE action = 'warn'"
                          " AND why LIKE 'account astro has %'",
                          "");
    assert_int_equal(ledger_commit(books->ledger), 0);
    return count;
}

static void who_may_overdraw_goes_into_its_qos(void **state)
{
    struct policy_files files;
    struct policy *soft, *shadow;
    struct books *books;
    void *opened;

    (void)state;
    assert_int_equal(books_open(&opened), 0);
    books = opened;
    policy_files_make(&files);
    soft = rules(&files, "soft");
    shadow = rules(&files, "shadow");
    assert_int_equal(ledger_begin(books->ledger), 0);
    books_quota(books, "astro", "", "", 3600 * 1000);
    assert_int_equal(ledger_commit(books->ledger), 0);

    /* 3600 J fit. */
    a_job("1", "over", "normal");
    a_pass_does(books, soft, NOW, "");
    assert_int_equal(ledger_begin(books->ledger), 0);
    assert_int_equal(ledger_do(books->ledger, "UPDATE quotas SET mj = mj - 1", ""), 0);
    assert_int_equal(ledger_commit(books->ledger), 0);
    a_pass_does(books, shadow, NOW, "");
    assert_int_equal(warnings(books), 0);
    a_pass_does(books, soft, NOW, "qos 1 low");
    assert_int_equal(warnings(books), 1);
    /* Slurm did not move it: once in ten minutes it is asked to. */
    a_pass_does(books, soft, NOW + 2, "");
    a_pass_does(books, soft, NOW + 600, "qos 1 low");
    a_job("1", "over", "low");
    a_pass_does(books, soft, NOW + 2000, "");
    assert_int_equal(warnings(books), 2);

    a_job("2", "over", "normal");
    assert_int_equal(ledger_begin(books->ledger), 0);
    switches_set(books->ledger, "freeze", true, NOW, "root", "a test");
    assert_int_equal(ledger_commit(books->ledger), 0);
    a_pass_does(books, soft, NOW, "");
    assert_int_equal(ledger_begin(books->ledger), 0);
    switches_set(books->ledger, "freeze", false, NOW, "root", "a test");
    assert_int_equal(ledger_commit(books->ledger), 0);
    assert_int_equal(warnings(books), 2);

    policy_release(soft);
    policy_release(shadow);
    policy_files_remove(&files);
    books_close(&opened);
}

/* The strictest of several partitions counts: nobody knows where it will run. */
static void the_strictest_partition_sets_the_licence(void **state)
{
    static const struct {
        const char *partition, *done;
    } table[] = {
        {"main", "licences 1 kwota:1"},
        {"free", ""},
        {"free,main", "licences 1 kwota:1"},
        {"main,free", "licences 1 kwota:1"},
        {"over", ""},
    };
    struct policy_files files;
    struct policy *soft;
    void *books;

    (void)state;
    assert_int_equal(books_open(&books), 0);
    policy_files_make(&files);
    soft = rules(&files, "soft");
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        a_job("1", table[i].partition, "normal");
        a_pass_does(books, soft, NOW, table[i].done);
    }
    policy_release(soft);
    policy_files_remove(&files);
    books_close(&books);
}

/* Slurm starts a het job's parts together: what kwota held goes on when all have room;
 * each has a licence of its own. */
static void a_het_job_waits_as_one(void **state)
{
    static char held[] = "kwota: held: it was";
    static char one[] = "kwota:1";
    struct policy_files files;
    struct policy *soft;
    struct books *books;
    void *opened;

    (void)state;
    assert_int_equal(books_open(&opened), 0);
    books = opened;
    policy_files_make(&files);
    soft = rules(&files, "soft");
    assert_int_equal(ledger_begin(books->ledger), 0);
    books_quota(books, "astro", "", "", 7199 * 1000);
    assert_int_equal(ledger_commit(books->ledger), 0);

    a_job("10", "main", "normal");
    the_job.job_id = the_job.het_job = 10;
    the_job.held = true;
    the_job.admin_comment = held;
    the_job.licences = one;
    the_job.licence_wh = 1;
    others[0] = the_job;
    snprintf(others[0].text, sizeof others[0].text, "11");
    others[0].job_id = 11;
    others[0].het_offset = 1;
    others[0].het_part = true;
    other_count = 1;
    a_pass_does(books, soft, NOW, "");
    assert_int_equal(ledger_begin(books->ledger), 0);
    assert_int_equal(ledger_do(books->ledger, "UPDATE quotas SET mj = mj + 1000", ""),
                     0);
    assert_int_equal(ledger_commit(books->ledger), 0);
    a_pass_does(books, soft, NOW, "release 10 kwota: was held, may start again");
    the_job.held = others[0].held = false;
    others[0].limit_s = 101;
    a_pass_does(books, soft, NOW, "licences 10+1 kwota:2");
    the_job.limit_s = 101;
    others[0].limit_s = 100;
    a_pass_does(books, soft, NOW, "licences 10+0 kwota:2");

    other_count = 0;
    policy_release(soft);
    policy_files_remove(&files);
    books_close(&opened);
}

/* A job of `account` that kwota holds, with or without a budget that keeps its energy
 * for another; what is done, and what is said to wait for. */
static void a_held_job(struct books *books, const struct policy *policy,
                       const char *account, const struct standings *standings,
                       const char *expected, const char *why)
{
    struct waiting waiting = {
        .ledger = books->ledger, .cluster = "c", .standings = standings};
    static char comment[] = "kwota: held: no energy";
    static char licences[] = "kwota:1";

    a_job("1", "main", "normal");
    snprintf(the_job.account, sizeof the_job.account, "%s", account);
    the_job.held = true;
    the_job.admin_comment = comment;
    the_job.licences = licences;
    the_job.licence_wh = 1;
    done[0] = '\0';
    assert_int_equal(waiting_pass(&waiting, policy, NOW), 0);
    assert_string_equal(done, expected);
    assert_non_null(strstr(
        json_string_value(json_object_get(json_array_get(waiting.list, 0), "why")),
        why));
    json_decref(waiting.list);
    free(waiting.jobs);
}

static void what_was_held_is_released_when_it_fits(void **state)
{
    struct standing astro = {.gather_mj = 2, .gather_job = "7", .at_s = NOW};
    struct standings standings = {&astro, 1, 0};
    struct policy_files files;
    struct books *books;
    struct policy *soft;
    void *opened;

    (void)state;
    assert_int_equal(books_open(&opened), 0);
    books = opened;
    policy_files_make(&files);
    soft = rules(&files, "soft");
    snprintf(astro.quota.account, sizeof astro.quota.account, "astro");
    assert_int_equal(ledger_begin(books->ledger), 0);
    books_quota(books, "bio", "", "", 1);
    assert_int_equal(ledger_commit(books->ledger), 0);

    a_held_job(books, soft, "bio", NULL, "", "account bio has");
    a_held_job(books, soft, "astro", NULL, "release 1 kwota: was held, may start again",
               "its turn comes");
    a_held_job(books, soft, "astro", &standings, "", "kept together for job 7");
    astro.balance.available_mj = 2;
    a_held_job(books, soft, "astro", &standings,
               "release 1 kwota: was held, may start again", "its turn comes");

    policy_release(soft);
    policy_files_remove(&files);
    books_close(&opened);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_held_is_released_when_it_fits),
        cmocka_unit_test(estimates),
        cmocka_unit_test(estimates_without_slurmctld),
        cmocka_unit_test(who_may_overdraw_goes_into_its_qos),
        cmocka_unit_test(the_strictest_partition_sets_the_licence),
        cmocka_unit_test(a_het_job_waits_as_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
