/* impact_test.c - how many jobs another policy would stop */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "policy/impact.h"
#include "policy/slurm_act.h"
#include "tests/unit/policy_file.h"
#include "tests/unit/quota_books.h"

/* Slurm is not asked here. */
int queue_load(struct queue *queue)
{
    (void)queue;
    return -1;
}

void queue_done(struct queue *queue)
{
    (void)queue;
}

int act_licences(const char *job, const char *licences, char why[ACT_WHY])
{
    (void)job;
    (void)licences;
    why[0] = '\0';
    return -1;
}

int act_release(const char *job, const char *comment, char why[ACT_WHY])
{
    return act_licences(job, comment, why);
}

int act_comment(const char *job, const char *comment, char why[ACT_WHY])
{
    return act_licences(job, comment, why);
}

static void a_rule_stops_a_job_or_not(void **state)
{
    static const struct {
        enum policy_enforce enforce;
        enum policy_at_limit at_limit;
        int64_t need, room, whole;
        bool stops;
    } table[] = {
        {ENFORCE_STRICT, AT_LIMIT_WAIT, 10, 10, 100, false},
        {ENFORCE_STRICT, AT_LIMIT_WAIT, 11, 10, 100, true},
        {ENFORCE_SOFT, AT_LIMIT_WAIT, 11, 10, 100, true},
        {ENFORCE_SOFT, AT_LIMIT_REJECT, 11, 10, 100, true},
        {ENFORCE_SOFT, AT_LIMIT_OVERDRAFT, 11, 10, 100, false},
        {ENFORCE_STRICT, AT_LIMIT_WARN, 11, 10, 100, false},
        {ENFORCE_SHADOW, AT_LIMIT_WAIT, 11, 10, 100, false},
        {ENFORCE_OFF, AT_LIMIT_WAIT, 11, 10, 100, false},
        /* more than a whole quota, grants and all */
        {ENFORCE_SOFT, AT_LIMIT_WAIT, 11, 50, 10, true},
        /* nothing binds it; nobody knows what it needs */
        {ENFORCE_STRICT, AT_LIMIT_WAIT, INT64_MAX, INT64_MAX, INT64_MAX, false},
        {ENFORCE_STRICT, AT_LIMIT_WAIT, -1, -5, 10, false},
        /* what it needs is counted; the quota is overdrawn without it */
        {ENFORCE_STRICT, AT_LIMIT_WAIT, 0, 0, 10, false},
        {ENFORCE_STRICT, AT_LIMIT_WAIT, 0, -1, 10, true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct impact_rule rule = {table[i].enforce, table[i].at_limit, table[i].need,
                                   table[i].room, table[i].whole};

        assert_int_equal(impact_stops(&rule), table[i].stops);
    }
}

static void so_many_are_much(void **state)
{
    static const struct {
        int64_t running, pending, jobs, percent;
        bool much;
    } table[] = {
        {12, 25, 120, 10, true},   {6, 6, 120, 10, false},    {6, 7, 120, 10, true},
        {0, 13, 120, 10, true},    {13, 0, 120, 10, true},    {3, 0, 3, 10, false},
        {2, 2, 4, 10, true},       {0, 0, 0, 0, false},       {4, 0, 1000000, 0, true},
        {3, 0, 1000000, 0, false}, {50, 50, 100, 100, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct impact impact = {table[i].running, table[i].pending, table[i].jobs};

        assert_int_equal(impact_is_much(&impact, table[i].percent), table[i].much);
    }
}

static void it_says_how_many(void **state)
{
    struct impact impact = {12, 25, 120};
    char text[IMPACT_WHY];

    (void)state;
    assert_string_equal(impact_text(&impact, text),
                        "would stop 37 of 120 jobs (12 that run, 25 that wait)");
}

struct scene {
    struct books *books;
    struct policy_files files;
    struct policy *now;
};

#define PLATE                                                                          \
    ",\"estimate\":{\"nameplate\":{"                                                   \
    "\"main\":{\"node_w\":0,\"cpu_w\":1,\"gpu_w\":0},"                                 \
    "\"gpu\":{\"node_w\":0,\"cpu_w\":5,\"gpu_w\":0}}}"

static struct policy *read_policy(struct scene *s, const char *text)
{
    char whole[512], *complaints;
    struct policy *policy;

    snprintf(whole, sizeof whole, "{\"version\":1%s}", text);
    policy = policy_files_read(&s->files, policy_files_write(&s->files, "k", whole),
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
    if (books_open(&books) < 0)
        return -1;
    scene.books = books;
    policy_files_make(&scene.files);
    scene.now = read_policy(&scene, ",\"enforce\":{\"default\":\"shadow\"}" PLATE);
    assert_int_equal(ledger_begin(scene.books->ledger), 0);
    *state = &scene;
    return 0;
}

static int teardown(void **state)
{
    struct scene *scene = *state;
    void *books = scene->books;

    ledger_commit(scene->books->ledger);
    policy_release(scene->now);
    policy_files_remove(&scene->files);
    return books_close(&books);
}

/* One CPU for so many seconds: as many joules in main, five times that in gpu. */
static struct queue_job a_job(const char *text, const char *account,
                              const char *partition, int64_t limit_s, bool running)
{
    struct queue_job job = {.pending = !running,
                            .running = running,
                            .nodes = 1,
                            .cpus = 1,
                            .limit_s = limit_s};

    snprintf(job.text, sizeof job.text, "%s", text);
    snprintf(job.user, sizeof job.user, "alice");
    snprintf(job.account, sizeof job.account, "%s", account);
    snprintf(job.partition, sizeof job.partition, "%s", partition);
    return job;
}

static void stopped(struct scene *s, const char *now, const char *next, int64_t running,
                    int64_t pending)
{
    struct queue_job jobs[] = {
        a_job("1", "astro", "main", 100, false),
        a_job("2", "astro", "main", 101, false),     /* more than is left */
        a_job("3", "astro", "gpu", 100, false),      /* … there */
        a_job("4", "astro", "main,gpu", 100, false), /* … but not in main */
        a_job("5", "astro", "dark", 1000, false),    /* no nameplate */
        a_job("6", "bio", "main", 1000, false),      /* no quota */
        a_job("7", "astro", "main", 50, true),
        a_job("8", "astro", "main", 500, true),  /* no lien, and no room for one */
        a_job("9", "astro", "main", 5000, true), /* it has one */
    };
    struct impact_queue queue = {jobs, sizeof jobs / sizeof *jobs, NULL, 0};
    struct policy *one = read_policy(s, now), *other = read_policy(s, next);
    struct impact impact;

    impact_count(s->books->ledger, "c", &queue, one, other, NOW, &impact);
    assert_int_equal(impact.running, running);
    assert_int_equal(impact.pending, pending);
    assert_int_equal(impact.jobs, 9);
    policy_release(one);
    policy_release(other);
}

#define LEVEL(level) ",\"enforce\":{\"default\":\"" level "\"}"
#define OVERDRAFT                                                                      \
    ",\"limits\":{\"at_limit\":{\"default\":\"overdraft\"},\"overdraft_qos\":\"q\"}"
#define TWICE                                                                          \
    ",\"estimate\":{\"factor_percent\":200,\"nameplate\":{"                            \
    "\"main\":{\"node_w\":0,\"cpu_w\":1,\"gpu_w\":0},"                                 \
    "\"gpu\":{\"node_w\":0,\"cpu_w\":5,\"gpu_w\":0}}}"

static void only_what_another_policy_changes_counts(void **state)
{
    static const struct {
        const char *now, *next;
        int64_t running, pending;
    } table[] = {
        {LEVEL("shadow") PLATE, LEVEL("strict") PLATE, 1, 2},
        {LEVEL("off") PLATE, LEVEL("soft") PLATE, 1, 2},
        {LEVEL("soft") PLATE, LEVEL("strict") PLATE, 0, 0},
        {LEVEL("strict") PLATE, LEVEL("shadow") PLATE, 0, 0},
        {LEVEL("strict") PLATE, LEVEL("strict") PLATE, 0, 0},
        {LEVEL("shadow"), LEVEL("strict"), 0, 0},
        {LEVEL("strict") PLATE OVERDRAFT, LEVEL("strict") PLATE, 1, 2},
        {LEVEL("shadow") PLATE, LEVEL("strict") PLATE OVERDRAFT, 0, 0},
        /* those that fitted at half of it; 7 needs just what is left */
        {LEVEL("strict") PLATE, LEVEL("strict") TWICE, 0, 2},
        /* a nameplate where there was none */
        {LEVEL("strict"), LEVEL("strict") PLATE, 1, 2},
    };
    struct scene *s = *state;

    books_quota(s->books, "astro", "", "", 5100 * 1000);
    books_run(s->books, 9, "c", "astro", "alice", "main", "running");
    books_lien(s->books, 9, 5000 * 1000, NOW, NOW + 5000);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        stopped(s, table[i].now, table[i].next, table[i].running, table[i].pending);
}

static void more_than_a_whole_quota(void **state)
{
    struct scene *s = *state;

    books_quota(s->books, "astro", "", "", 50 * 1000);
    books_quota(s->books, "bio", "", "", 999 * 1000);
    stopped(s, LEVEL("shadow") PLATE, LEVEL("soft") PLATE, 2, 5);
}

#define SCENE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rule_stops_a_job_or_not),
        cmocka_unit_test(so_many_are_much),
        cmocka_unit_test(it_says_how_many),
        SCENE(only_what_another_policy_changes_counts),
        SCENE(more_than_a_whole_quota),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
