/* lien_test.c - what is set aside for runs, who is held and who is ended, and what is
 * charged in the end */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "policy/energy.h"
#include "policy/lien.h"
#include "policy/run.h"
#include "policy/switches.h"
#include "tests/unit/policy_file.h"
#include "tests/unit/quota_books.h"

/* A joule in mJ: a CPU of the policies below draws one a second. */
#define J INT64_C(1000)

#define REPORT_MS 10000

#define PLATE                                                                          \
    "\"estimate\":{\"nameplate\":{\"*\":{\"node_w\":0,\"cpu_w\":1,\"gpu_w\":0}}}"

static const char *const levels[] = {"off", "shadow", "soft", "strict"};

struct scene {
    struct books *books;
    struct policy_files files;
    struct policy *level[4], *other;
};

/* A policy of one level for all; `more` is put behind it. */
static struct policy *policy_of_level(struct policy_files *files, const char *level,
                                      const char *more)
{
    char name[32], text[512], *complaints;
    struct policy *policy;

    snprintf(name, sizeof name, "%s-%d", level, files->count);
    snprintf(text, sizeof text, "{\"version\":1,\"enforce\":{\"default\":\"%s\"},%s%s}",
             level, PLATE, more);
    policy =
        policy_files_read(files, policy_files_write(files, name, text), &complaints);
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
    for (int i = 0; i < 4; i++)
        scene.level[i] = policy_of_level(&scene.files, levels[i],
                                         ",\"classes\":{\"fast\":[\"gpu\",\"fpga\"]}");
    books_account(scene.books, "c", "physics", "root");
    books_account(scene.books, "c", "astro", "physics");
    assert_int_equal(ledger_begin(scene.books->ledger), 0);
    *state = &scene;
    return 0;
}

static int teardown(void **state)
{
    struct scene *scene = *state;
    void *books = scene->books;

    assert_int_equal(ledger_commit(scene->books->ledger), 0);
    for (int i = 0; i < 4; i++)
        policy_release(scene->level[i]);
    if (scene->other)
        policy_release(scene->other);
    policy_files_remove(&scene->files);
    return books_close(&books);
}

/* A job of alice's in astro: one CPU for limit_s, so an estimate of as many joules. */
static struct lookup_run a_run(uint32_t id, int64_t limit_s)
{
    struct lookup_run run = {.job_id = id,
                             .submit_s = NOW - 1,
                             .start_s = NOW,
                             .user = "alice",
                             .account = "astro",
                             .partition = "main",
                             .state = "RUNNING",
                             .node_count = 1,
                             .started = true,
                             .cpus = 1,
                             .limit_s = limit_s,
                             .until_s = NOW + limit_s,
                             .batch = true,
                             .requeues = true};

    snprintf(run.text, sizeof run.text, "%u", id);
    snprintf(run.act, sizeof run.act, "%u", id);
    return run;
}

/* Into the ledger, with a token of its only node. */
static int64_t put(struct scene *s, const struct lookup_run *run)
{
    int64_t id = run_put(s->books->ledger, "c", run, NOW);

    assert_true(id > 0);
    assert_int_equal(ledger_do(s->books->ledger,
                               "INSERT OR IGNORE INTO tokens (token, run_id, node,"
                               " job_id, start_ms, last_ms, final, cpu_ns, reasons,"
                               " simulated) VALUES ('t' || ?1,?1,'n1',?1,0,0,0,0,'[]',"
                               " 1)",
                               "i", id),
                     0);
    return id;
}

/* A run's use grows as a report has it grow. */
static void use(struct scene *s, int64_t id, int64_t mj)
{
    struct ledger *ledger = s->books->ledger;

    assert_int_equal(ledger_do(ledger,
                               "UPDATE run_quarters SET mj = mj + ? WHERE token = 't' "
                               "|| ? AND quarter_s = ?",
                               "iii", mj, id, NOW / 900 * 900),
                     0);
    if (ledger_changed(ledger) > 0)
        assert_int_equal(ledger_do(ledger,
                                   "UPDATE used SET mj = mj + ?1, open_mj = open_mj + "
                                   "?1 WHERE run_id = ?2",
                                   "ii", mj, id),
                         0);
    else
        assert_int_equal(
            ledger_do(ledger,
                      "INSERT INTO run_quarters (token, quarter_s, kind, mj)"
                      " VALUES ('t' || ?, ?, 'package', ?)",
                      "iii", id, NOW / 900 * 900, mj),
            0);
}

static int64_t number(struct scene *s, const char *sql, int64_t id)
{
    return ledger_number(s->books->ledger, -1, sql, "i", id);
}

static int64_t lien_mj(struct scene *s, int64_t id)
{
    return number(s, "SELECT mj FROM liens WHERE run_id = ?", id);
}

static int64_t sum_of(struct scene *s, int64_t id, const char *kind)
{
    return ledger_number(s->books->ledger, 0,
                         "SELECT SUM(mj) FROM entries WHERE run_id = ? AND kind = ?",
                         "is", id, kind);
}

static void decision_is(struct scene *s, int64_t id, const char *expected)
{
    assert_int_equal(ledger_number(s->books->ledger, -1,
                                   "SELECT decision = ? FROM runs WHERE id = ?", "si",
                                   expected, id),
                     1);
}

/* How often this was written down of the run; "": anything. */
static void noted(struct scene *s, int64_t id, const char *action, int64_t times)
{
    assert_int_equal(ledger_number(s->books->ledger, -1,
                                   "SELECT COUNT(*) FROM decisions WHERE run_id = ?1"
                                   " AND (?2 = '' OR action = ?2)",
                                   "is", id, action),
                     times);
}

/* What of the account's quota is left. */
static int64_t left_of(struct scene *s, const struct policy *policy,
                       const struct quota *quota)
{
    struct balance balance;

    assert_int_equal(quota_balance(s->books->ledger, policy, quota, NOW, 0, &balance),
                     0);
    return balance.available_mj;
}

static enum lien_verdict open_at(struct scene *s, enum policy_enforce level, int64_t id,
                                 const struct lookup_run *run, enum lien_moment moment)
{
    char why[LIEN_WHY];

    return lien_open(s->books->ledger, s->level[level], "c", id, run, moment, NOW, NULL,
                     why);
}

static enum lien_verdict open_lien(struct scene *s, const struct policy *policy,
                                   int64_t id, const struct lookup_run *run, bool late)
{
    char why[LIEN_WHY];

    return lien_open(s->books->ledger, policy, "c", id, run,
                     late ? LIEN_LATE : LIEN_NOW, NOW, NULL, why);
}

static void throw_switch(struct scene *s, const char *name, bool on)
{
    assert_int_equal(switches_set(s->books->ledger, name, on, NOW, "root", "a test"),
                     0);
}

/* A run of so many joules under a quota of so many. */
static void what_a_start_gets(void **state)
{
    static const struct {
        enum policy_enforce level;
        int quota_j, run_j;
        bool late;
        const char *off; /* what is switched */
        enum lien_verdict verdict;
        int lien_j; /* -1: none */
        const char *decision, *action;
    } table[] = {
        {ENFORCE_STRICT, 100, 100, 0, NULL, LIEN_RUN, 100, "run", NULL},
        {ENFORCE_STRICT, 99, 100, 0, NULL, LIEN_HOLD, 0, "holding", "hold"},
        {ENFORCE_SOFT, 100, 100, 0, NULL, LIEN_RUN, 100, "run", NULL},
        {ENFORCE_SOFT, 99, 100, 0, NULL, LIEN_HOLD, 0, "holding", "hold"},
        {ENFORCE_SHADOW, 100, 100, 0, NULL, LIEN_RUN, 100, "run", NULL},
        {ENFORCE_SHADOW, 99, 100, 0, NULL, LIEN_RUN, 100, "run", "shadow-hold"},
        {ENFORCE_OFF, 99, 100, 0, NULL, LIEN_RUN, -1, "run", NULL},
        /* running already */
        {ENFORCE_STRICT, 99, 100, 1, NULL, LIEN_RUN, 99, "run", "warn"},
        {ENFORCE_SOFT, 0, 100, 1, NULL, LIEN_RUN, 0, "run", "warn"},
        {ENFORCE_STRICT, 100, 100, 1, NULL, LIEN_RUN, 100, "run", NULL},
        {ENFORCE_SHADOW, 99, 100, 1, NULL, LIEN_RUN, 100, "run", "shadow-hold"},
        /* nothing may be done: it runs, but a strict quota stays strict */
        {ENFORCE_STRICT, 99, 100, 0, "freeze", LIEN_RUN, 99, "run", "shadow-hold"},
        {ENFORCE_STRICT, 100, 100, 0, "freeze", LIEN_RUN, 100, "run", NULL},
        {ENFORCE_SOFT, 99, 100, 0, "breaker", LIEN_RUN, 99, "run", "shadow-hold"},
        {ENFORCE_OFF, 99, 100, 0, "breaker", LIEN_RUN, -1, "run", NULL},
    };
    struct scene *s = *state;

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct lookup_run run = a_run((uint32_t)i + 1, table[i].run_j);
        int64_t id;

        snprintf(run.account, sizeof run.account, "a%zu", i);
        books_quota(s->books, run.account, "", "", table[i].quota_j * J);
        id = put(s, &run);
        if (table[i].off)
            throw_switch(s, table[i].off, true);
        assert_int_equal(
            open_lien(s, s->level[table[i].level], id, &run, table[i].late),
            table[i].verdict);
        if (table[i].off)
            throw_switch(s, table[i].off, false);
        assert_int_equal(lien_mj(s, id),
                         table[i].lien_j < 0 ? -1 : table[i].lien_j * J);
        decision_is(s, id, table[i].decision);
        noted(s, id, "", table[i].action != NULL);
        if (table[i].action)
            noted(s, id, table[i].action, 1);
        assert_int_equal(ledger_number(s->books->ledger, -1,
                                       "SELECT enforce = ? FROM runs WHERE id = ?",
                                       "si", levels[table[i].level], id),
                         1);
    }
}

static void any_quota_without_room_holds(void **state)
{
    static const struct {
        const char *account, *user, *class_name, *partition;
        enum lien_verdict verdict;
        const char *why;
    } table[] = {
        {"astro", "", "", "main", LIEN_HOLD,
         "account astro has 0.0000250 kWh left until 2026-12-01, 0.0000278 kWh are "
         "needed"},
        {"physics", "", "", "main", LIEN_HOLD, "account physics has "},
        {"", "alice", "", "main", LIEN_HOLD, "user alice has "},
        {"astro", "alice", "", "main", LIEN_HOLD, "user alice in account astro has "},
        {"physics", "alice", "", "main", LIEN_HOLD, "user alice in account physics "},
        {"astro", "", "fast", "fpga", LIEN_HOLD, "account astro, class fast has "},
        {"physics", "alice", "main", "main", LIEN_HOLD, "user alice in account phys"},
        {"astro", "", "fast", "main", LIEN_RUN, ""},
        {"astro", "bob", "", "main", LIEN_RUN, ""},
        {"", "bob", "", "main", LIEN_RUN, ""},
        {"bio", "", "", "main", LIEN_RUN, ""},
    };
    struct scene *s = *state;

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct lookup_run run = a_run((uint32_t)i + 1, 100);
        struct quota quota = books_quota(s->books, table[i].account, table[i].user,
                                         table[i].class_name, 90 * J);
        char why[LIEN_WHY];
        int64_t id;

        snprintf(run.partition, sizeof run.partition, "%s", table[i].partition);
        id = put(s, &run);
        assert_int_equal(lien_open(s->books->ledger, s->level[ENFORCE_STRICT], "c", id,
                                   &run, LIEN_NOW, NOW, NULL, why),
                         table[i].verdict);
        if (strncmp(why, table[i].why, strlen(table[i].why)) != 0)
            assert_string_equal(why, table[i].why);
        /* The next one starts from nothing. */
        books_do(s->books, "DELETE FROM liens");
        assert_int_equal(ledger_do(s->books->ledger, "DELETE FROM quotas WHERE id = ?",
                                   "i", quota.id),
                         0);
    }
}

static void the_tightest_of_several_counts(void **state)
{
    struct scene *s = *state;
    struct lookup_run run = a_run(1, 100);
    int64_t id = put(s, &run);
    char why[LIEN_WHY];

    books_quota(s->books, "astro", "", "", 95 * J);
    books_quota(s->books, "physics", "", "", 90 * J);
    books_quota(s->books, "", "alice", "", 99 * J);
    assert_int_equal(lien_open(s->books->ledger, s->level[ENFORCE_STRICT], "c", id,
                               &run, LIEN_LATE, NOW, NULL, why),
                     LIEN_RUN);
    assert_memory_equal(why, "account physics has ", 20);
    assert_int_equal(lien_mj(s, id), 90 * J);
}

/* While its prolog can wait, nothing is decided against it, and nothing is left behind.
 */
static void an_early_start_waits_for_room(void **state)
{
    struct scene *s = *state;
    struct lookup_run run = a_run(1, 100);
    int64_t id = put(s, &run);

    books_quota(s->books, "astro", "", "", 99 * J);
    assert_int_equal(open_at(s, ENFORCE_STRICT, id, &run, LIEN_EARLY), LIEN_WAIT);
    assert_int_equal(open_at(s, ENFORCE_SOFT, id, &run, LIEN_EARLY), LIEN_WAIT);
    assert_int_equal(lien_mj(s, id), -1);
    noted(s, id, "hold", 0);
    run.limit_s = 99;
    assert_int_equal(open_at(s, ENFORCE_STRICT, id, &run, LIEN_EARLY), LIEN_RUN);
    assert_int_equal(lien_mj(s, id), 99 * J);
    /* It is decided. */
    run.limit_s = 100;
    assert_int_equal(open_at(s, ENFORCE_STRICT, id, &run, LIEN_EARLY), LIEN_RUN);
}

/* Where nothing is held nothing waits. */
static void an_early_start_in_shadow_runs(void **state)
{
    struct scene *s = *state;
    struct lookup_run one = a_run(1, 100), two = a_run(2, 100);
    int64_t first = put(s, &one), second = put(s, &two);

    books_quota(s->books, "astro", "", "", 99 * J);
    assert_int_equal(open_at(s, ENFORCE_SHADOW, first, &one, LIEN_EARLY), LIEN_RUN);
    noted(s, first, "shadow-hold", 1);
    assert_int_equal(open_at(s, ENFORCE_OFF, second, &two, LIEN_EARLY), LIEN_RUN);
}

/* Starts that are decided one after the other, with what quotas have left asked once.
 */
static void together_they_take_no_more(void **state)
{
    static const enum lien_verdict want[] = {LIEN_RUN, LIEN_RUN, LIEN_HOLD, LIEN_RUN};
    static const int64_t limit_s[] = {100, 100, 100, 49};
    struct scene *s = *state;
    struct lien_rooms rooms = {.count = 0};
    struct quota quota = books_quota(s->books, "astro", "", "", 250 * J);
    char why[LIEN_WHY];

    books_quota(s->books, "physics", "", "", 1000 * J);
    for (uint32_t i = 0; i < 4; i++) {
        struct lookup_run run = a_run(i + 1, limit_s[i]);
        int64_t id = put(s, &run);

        assert_int_equal(lien_open(s->books->ledger, s->level[ENFORCE_STRICT], "c", id,
                                   &run, LIEN_NOW, NOW, &rooms, why),
                         want[i]);
        if (want[i] == LIEN_HOLD)
            assert_memory_equal(why, "account astro has ", 18);
    }
    assert_int_equal(left_of(s, s->level[ENFORCE_STRICT], &quota), J);
}

/* What `rooms` has is not more than there is, and less is no reason to hold. */
static void who_is_not_let_in_is_asked_about_again(void **state)
{
    struct scene *s = *state;
    struct lookup_run run = a_run(1, 100);
    int64_t id = put(s, &run);
    struct quota quota = books_quota(s->books, "astro", "", "", 100 * J);
    struct lien_rooms rooms = {.count = 1, .rooms = {{quota.id, 99 * J}}};
    char why[LIEN_WHY];

    assert_int_equal(lien_open(s->books->ledger, s->level[ENFORCE_STRICT], "c", id,
                               &run, LIEN_NOW, NOW, &rooms, why),
                     LIEN_RUN);
    assert_int_equal(lien_mj(s, id), 100 * J);
}

static void it_is_decided_once(void **state)
{
    struct scene *s = *state;
    struct lookup_run run = a_run(1, 100), other = a_run(2, 100);
    int64_t id = put(s, &run), fits;
    struct quota quota = books_quota(s->books, "astro", "", "", 99 * J);
    char first[LIEN_WHY], again[LIEN_WHY];

    lien_open(s->books->ledger, s->level[ENFORCE_STRICT], "c", id, &run, LIEN_NOW, NOW,
              NULL, first);
    assert_int_equal(
        ledger_do(s->books->ledger, "UPDATE quotas SET mj = ?", "i", 500 * J), 0);
    quota.mj = 500 * J;
    assert_int_equal(lien_open(s->books->ledger, s->level[ENFORCE_STRICT], "c", id,
                               &run, LIEN_NOW, NOW, NULL, again),
                     LIEN_HOLD);
    assert_string_equal(first, again);
    /* Carried out, it is the same verdict. */
    books_do(s->books, "UPDATE runs SET decision = 'held'");
    assert_int_equal(open_lien(s, s->level[ENFORCE_STRICT], id, &run, true), LIEN_HOLD);
    noted(s, id, "", 1);
    assert_int_equal(left_of(s, s->level[ENFORCE_STRICT], &quota), 500 * J);
    fits = put(s, &other);
    assert_int_equal(open_lien(s, s->level[ENFORCE_STRICT], fits, &other, false),
                     LIEN_RUN);
    assert_int_equal(ledger_do(s->books->ledger, "UPDATE quotas SET mj = 1", ""), 0);
    assert_int_equal(open_lien(s, s->level[ENFORCE_STRICT], fits, &other, false),
                     LIEN_RUN);
    assert_int_equal(lien_mj(s, fits), 100 * J);
}

/* What a run is expected to use is kept, lien or no lien; not of one that is held. */
static void an_estimate_is_kept_of_who_is_let_in(void **state)
{
    static const struct {
        enum policy_enforce level;
        int64_t licence_wh, quota_j, estimated_mj;
    } table[] = {
        {ENFORCE_OFF, 0, 1000, 100 * J},     {ENFORCE_STRICT, 0, 1000, 100 * J},
        {ENFORCE_STRICT, 1, 10000, 100 * J}, /* the licence is no estimate */
        {ENFORCE_SHADOW, 0, 1, 100 * J},     {ENFORCE_STRICT, 0, 1, -1},
    };
    struct scene *s = *state;
    struct quota quota = books_quota(s->books, "astro", "", "", 1);

    (void)quota;
    for (int64_t i = 0; i < (int64_t)(sizeof table / sizeof *table); i++) {
        struct lookup_run run = a_run((uint32_t)i + 1, 100);
        int64_t id = put(s, &run);

        run.licence_wh = table[i].licence_wh;
        assert_int_equal(ledger_do(s->books->ledger, "UPDATE quotas SET mj = ?", "i",
                                   (table[i].quota_j + 10000 * i * (i < 4)) * J),
                         0);
        open_at(s, table[i].level, id, &run, LIEN_NOW);
        assert_int_equal(number(s, "SELECT estimated_mj FROM runs WHERE id = ?", id),
                         table[i].estimated_mj);
    }
}

/* What Slurm holds already counts at least; a job without a limit is for a year. */
static void a_lien_is_the_estimate_or_the_licence(void **state)
{
    static const struct {
        int64_t limit_s, licence_wh, cpus, lien_mj;
    } table[] = {
        {100, 0, 1, 100 * J},   {100, 0, 7, 700 * J},           {100, 1, 1, 3600 * J},
        {7200, 1, 1, 7200 * J}, {0, 0, 1, LIEN_NO_LIMIT_S * J}, {100, 0, 0, 0},
    };
    struct scene *s = *state;

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct lookup_run run = a_run((uint32_t)i + 1, table[i].limit_s);
        int64_t id = put(s, &run);

        run.licence_wh = table[i].licence_wh;
        run.cpus = table[i].cpus;
        run.until_s = table[i].limit_s ? run.until_s : 0;
        open_lien(s, s->level[ENFORCE_SOFT], id, &run, false);
        assert_int_equal(lien_mj(s, id), table[i].lien_mj);
        assert_int_equal(
            number(s, "SELECT until_s - from_s FROM liens WHERE run_id = ?", id),
            table[i].limit_s ? table[i].limit_s : LIEN_NO_LIMIT_S);
    }
}

/* A late run's own use is taken off the quota already: it is not counted twice. */
static void a_late_runs_use_counts_once(void **state)
{
    struct scene *s = *state;
    struct lookup_run run = a_run(1, 90), longer = a_run(2, 90);
    int64_t id = put(s, &run), other;

    books_quota(s->books, "astro", "", "", 100 * J);
    use(s, id, 60 * J);
    open_lien(s, s->level[ENFORCE_STRICT], id, &run, true);
    assert_int_equal(lien_mj(s, id), 90 * J);
    noted(s, id, "", 0);
    /* 10 J are left, 5 of them used. */
    other = put(s, &longer);
    use(s, other, 5 * J);
    open_lien(s, s->level[ENFORCE_STRICT], other, &longer, true);
    assert_int_equal(lien_mj(s, other), 10 * J);
    noted(s, other, "warn", 1);
}

static int review(struct scene *s, const struct policy *policy, int64_t id,
                  int64_t after_s)
{
    char why[LIEN_WHY];

    return lien_review(s->books->ledger, policy, "c", id, REPORT_MS, NOW + after_s,
                       why);
}

/* A run with a lien of 100 J for 10 000 s under a quota; it has used so much after
 * 100 s. Its lien is raised to what it will have used an hour later, at most. */
static void a_lien_that_runs_short_is_raised(void **state)
{
    static const struct {
        enum policy_enforce level;
        int quota_j, used_j, lien_j, ended, overrun_j;
    } table[] = {
        {ENFORCE_STRICT, 10000, 40, 100, 0, 0},   /* far from it */
        {ENFORCE_STRICT, 10000, 90, 3330, 0, 0},  /* 90 + 0.9 * 3600 */
        {ENFORCE_STRICT, 10000, 150, 5550, 0, 0}, /* more was used than it has */
        {ENFORCE_STRICT, 1000, 90, 1000, 0, 0},   /* as far as the quota has it */
        {ENFORCE_STRICT, 3329, 90, 3329, 0, 0},   /* … a joule short */
        {ENFORCE_STRICT, 160, 150, 160, 0, 0},    /* … which is just enough */
        {ENFORCE_STRICT, 150, 150, 150, 0, 0},    /* all used, and none beyond */
        {ENFORCE_STRICT, 140, 150, 140, 1, 10},   /* what is there is not enough */
        {ENFORCE_STRICT, 100, 90, 100, 0, 0},     /* nothing is there, nor needed yet */
        {ENFORCE_STRICT, 100, 150, 100, 1, 50},   /* … and now it is */
        {ENFORCE_SOFT, 10000, 150, 5550, 0, 0},
        {ENFORCE_SOFT, 160, 150, 160, 0, 0},
        {ENFORCE_SOFT, 100, 150, 100, 0, 0},
        {ENFORCE_SHADOW, 1000, 90, 1000, 0, 0},
        {ENFORCE_SHADOW, 100, 90, 100, 0, 0},
    };
    struct scene *s = *state;

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct policy *policy = s->level[table[i].level];
        struct lookup_run run = a_run((uint32_t)i + 1, 100);
        struct quota quota;
        int64_t id;

        snprintf(run.account, sizeof run.account, "a%zu", i);
        quota = books_quota(s->books, run.account, "", "", table[i].quota_j * J);
        run.until_s = NOW + 10000;
        id = put(s, &run);
        open_lien(s, policy, id, &run, false);
        use(s, id, table[i].used_j * J);
        assert_int_equal(review(s, policy, id, 100), table[i].ended);
        assert_int_equal(lien_mj(s, id), table[i].lien_j * J);
        assert_int_equal(number(s, "SELECT overrun_mj FROM runs WHERE id = ?", id),
                         table[i].overrun_j * J);
        decision_is(s, id, table[i].ended ? "ending" : "run");
        noted(s, id, "", table[i].ended);
        /* A strict quota is never overdrawn. */
        if (table[i].level == ENFORCE_STRICT)
            assert_true(left_of(s, policy, &quota) >= 0);
        /* It is ended once. */
        assert_int_equal(review(s, policy, id, 101), 0);
        noted(s, id, "", table[i].ended);
    }
}

/* With a budget of its user's own: that is its lien, and it ends there. */
static void a_users_budget_ends_a_strict_run(void **state)
{
    static const struct {
        enum policy_enforce level;
        int limit_s, used_j, lien_j, raised_j, ended;
    } table[] = {
        {ENFORCE_STRICT, 9000, 3000, 3600, 3600, 0},
        {ENFORCE_STRICT, 9000, 3700, 3600, 3600, 1},
        {ENFORCE_STRICT, 100, 90, 100, 180, 0}, /* less, but raised up to it */
        {ENFORCE_STRICT, 100, 3700, 100, 3600, 1},
        {ENFORCE_SOFT, 9000, 3700, 9000, 9000, 0},
    };
    struct scene *s = *state;

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct policy *policy = s->level[table[i].level];
        struct lookup_run run = a_run((uint32_t)i + 1, table[i].limit_s);
        int64_t id;

        run.budget_wh = 1;
        run.until_s = NOW + (table[i].limit_s > 100 ? 9000 : 200);
        id = put(s, &run);
        open_lien(s, policy, id, &run, false);
        assert_int_equal(lien_mj(s, id), table[i].lien_j * J);
        use(s, id, table[i].used_j * J);
        assert_int_equal(review(s, policy, id, 100), table[i].ended);
        assert_int_equal(lien_mj(s, id), table[i].raised_j * J);
        /* A longer time limit is no larger budget. */
        run.limit_s = 20000;
        run.until_s = NOW + 20000;
        lien_limit(s->books->ledger, policy, "c", id, &run, NOW + 100);
        assert_int_equal(lien_mj(s, id),
                         table[i].level == ENFORCE_STRICT ? 3600 * J : 20000 * J);
    }
}

/* Near its time limit it needs no more than until then. */
static void a_lien_is_not_raised_beyond_the_time_limit(void **state)
{
    struct scene *s = *state;
    struct lookup_run run = a_run(1, 110);
    int64_t id = put(s, &run);

    books_quota(s->books, "astro", "", "", 10000 * J);
    open_lien(s, s->level[ENFORCE_STRICT], id, &run, false);
    use(s, id, 105 * J);
    assert_int_equal(review(s, s->level[ENFORCE_STRICT], id, 100), 0);
    assert_int_equal(lien_mj(s, id), 115500); /* ten seconds more of 1.05 W */
    use(s, id, 15 * J);
    assert_int_equal(review(s, s->level[ENFORCE_STRICT], id, 120), 0);
    assert_int_equal(lien_mj(s, id), 120 * J); /* past it: what it has used */
}

static void who_has_used_it_up_is_ended_or_not(void **state)
{
    static const struct {
        enum policy_enforce begun, now;
        const char *off;
        int ended;
        const char *decision, *action;
    } table[] = {
        {ENFORCE_STRICT, ENFORCE_STRICT, NULL, 1, "ending", "kill"},
        {ENFORCE_STRICT, ENFORCE_STRICT, "freeze", 0, "spared", "shadow-kill"},
        {ENFORCE_STRICT, ENFORCE_STRICT, "breaker", 0, "spared", "shadow-kill"},
        {ENFORCE_STRICT, ENFORCE_SHADOW, NULL, 0, "spared", "shadow-kill"},
        {ENFORCE_STRICT, ENFORCE_SOFT, NULL, 0, "spared", "shadow-kill"},
        {ENFORCE_STRICT, ENFORCE_OFF, NULL, 0, "spared", "shadow-kill"},
        {ENFORCE_SHADOW, ENFORCE_SHADOW, NULL, 0, "spared", "shadow-kill"},
        {ENFORCE_SHADOW, ENFORCE_STRICT, NULL, 0, "spared", "shadow-kill"},
        {ENFORCE_SOFT, ENFORCE_SOFT, NULL, 0, "run", NULL},
        {ENFORCE_SOFT, ENFORCE_STRICT, NULL, 0, "run", NULL},
        {ENFORCE_OFF, ENFORCE_STRICT, NULL, 0, "run", NULL},
    };
    struct scene *s = *state;

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct lookup_run run = a_run((uint32_t)i + 1, 100);
        int64_t id;

        snprintf(run.account, sizeof run.account, "a%zu", i);
        books_quota(s->books, run.account, "", "", 100 * J);
        id = put(s, &run);
        open_lien(s, s->level[table[i].begun], id, &run, false);
        use(s, id, 101 * J);
        if (table[i].off)
            throw_switch(s, table[i].off, true);
        assert_int_equal(review(s, s->level[table[i].now], id, 50), table[i].ended);
        if (table[i].off)
            throw_switch(s, table[i].off, false);
        decision_is(s, id, table[i].decision);
        noted(s, id, "", table[i].action != NULL);
        if (table[i].action)
            noted(s, id, table[i].action, 1);
    }
}

/* Until it is out it uses nobody's quota. */
static void what_a_held_run_uses_is_the_centres(void **state)
{
    struct scene *s = *state;

    for (enum policy_enforce level = ENFORCE_SOFT; level <= ENFORCE_STRICT; level++) {
        struct lookup_run run = a_run(level, 100);
        struct quota quota;
        int64_t id;

        snprintf(run.account, sizeof run.account, "a%d", level);
        quota = books_quota(s->books, run.account, "", "", 99 * J);
        id = put(s, &run);
        assert_int_equal(open_lien(s, s->level[level], id, &run, false), LIEN_HOLD);
        use(s, id, 7 * J);
        assert_int_equal(review(s, s->level[level], id, 5), 0);
        assert_int_equal(lien_mj(s, id), 0);
        assert_int_equal(left_of(s, s->level[level], &quota), 99 * J);
        assert_int_equal(lien_billable(s->books->ledger, id, 7 * J), 0);
    }
}

static void a_changed_time_limit_moves_the_lien(void **state)
{
    static const struct {
        int quota_j, limit_s, until_s, lien_j;
    } table[] = {
        {1000, 100, 100, 100}, /* as it was */
        {1000, 500, 500, 500}, /* longer */
        {300, 500, 500, 300},  /* as far as there is room */
        {100, 500, 500, 100},  /* none */
        {1000, 50, 50, 100},   /* shorter: Slurm holds the licence all the same */
        {1000, 100, 160, 100}, /* it was suspended for a minute */
    };
    struct scene *s = *state;

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct policy *policy = s->level[ENFORCE_STRICT];
        struct lookup_run run = a_run((uint32_t)i + 1, 100);
        int64_t id;

        snprintf(run.account, sizeof run.account, "a%zu", i);
        books_quota(s->books, run.account, "", "", table[i].quota_j * J);
        id = put(s, &run);
        open_lien(s, policy, id, &run, false);
        use(s, id, 10 * J);
        run.limit_s = table[i].limit_s;
        run.until_s = NOW + table[i].until_s;
        assert_true(lien_limit(s->books->ledger, policy, "c", id, &run, NOW + 20) >= 0);
        assert_int_equal(lien_limit(s->books->ledger, policy, "c", id, &run, NOW + 20),
                         0);
        assert_int_equal(lien_mj(s, id), table[i].lien_j * J);
        assert_int_equal(number(s, "SELECT until_s FROM liens WHERE run_id = ?", id),
                         NOW + table[i].until_s);
    }
}

static void a_held_run_gets_no_lien_by_a_longer_limit(void **state)
{
    struct scene *s = *state;
    struct lookup_run run = a_run(1, 100);
    int64_t id = put(s, &run);

    books_quota(s->books, "astro", "", "", 99 * J);
    open_lien(s, s->level[ENFORCE_STRICT], id, &run, false);
    run.limit_s = 200;
    run.until_s = NOW + 200;
    lien_limit(s->books->ledger, s->level[ENFORCE_STRICT], "c", id, &run, NOW);
    assert_int_equal(lien_mj(s, id), 0);
}

/* Its node's final count is in. */
static void end(struct scene *s, int64_t id, struct lookup_run *run, const char *word)
{
    run->over = true;
    run->end_s = NOW + 60;
    snprintf(run->state, sizeof run->state, "%s", word);
    assert_int_equal(run_put(s->books->ledger, "c", run, NOW + 60), id);
    assert_int_equal(ledger_do(s->books->ledger,
                               "UPDATE tokens SET final = 1 WHERE run_id = ?", "i", id),
                     0);
}

static int settle(struct scene *s, const struct policy *policy, int64_t id)
{
    return run_settle(s->books->ledger, policy, id, NOW + 70, 600, 0);
}

/* A lien of 100 J under a quota: what is used by its end, and what is told later. */
static void what_is_charged_in_the_end(void **state)
{
    static const struct {
        enum policy_enforce level;
        int quota_j, used_j, late_j;
        int charge_j, overrun_j, late_charge_j, late_overrun_j;
    } table[] = {
        {ENFORCE_STRICT, 100, 70, 0, 70, 0, 0, 0},
        {ENFORCE_STRICT, 100, 100, 0, 100, 0, 0, 0},
        {ENFORCE_STRICT, 100, 130, 0, 100, 30, 0, 0},
        {ENFORCE_STRICT, 100, 70, 20, 70, 0, 20, 0},
        {ENFORCE_STRICT, 100, 70, 50, 70, 0, 30, 20},
        {ENFORCE_STRICT, 100, 130, 5, 100, 30, 0, 5},
        /* The last report was before its end: what the quota has is charged. */
        {ENFORCE_STRICT, 500, 130, 0, 130, 0, 0, 0},
        {ENFORCE_STRICT, 120, 130, 0, 120, 10, 0, 0},
        {ENFORCE_STRICT, 500, 130, 50, 130, 0, 50, 0},
        {ENFORCE_STRICT, 150, 130, 50, 130, 0, 20, 30},
        {ENFORCE_SOFT, 100, 130, 20, 130, 0, 20, 0},
        {ENFORCE_SHADOW, 100, 130, 20, 130, 0, 20, 0},
        {ENFORCE_OFF, 100, 130, 20, 130, 0, 20, 0},
    };
    struct scene *s = *state;

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct policy *policy = s->level[table[i].level];
        struct lookup_run run = a_run((uint32_t)i + 1, 100);
        struct quota quota;
        int64_t id, charged_j = table[i].charge_j;

        snprintf(run.account, sizeof run.account, "a%zu", i);
        quota = books_quota(s->books, run.account, "", "", table[i].quota_j * J);
        id = put(s, &run);
        open_lien(s, policy, id, &run, false);
        use(s, id, table[i].used_j * J);
        end(s, id, &run, "COMPLETED");
        assert_int_equal(settle(s, policy, id), 1);
        assert_int_equal(lien_mj(s, id), -1);
        assert_int_equal(sum_of(s, id, "charge"), charged_j * J);
        assert_int_equal(sum_of(s, id, "overrun"), table[i].overrun_j * J);
        assert_int_equal(number(s, "SELECT overrun_mj FROM runs WHERE id = ?", id),
                         table[i].overrun_j * J);
        assert_int_equal(left_of(s, policy, &quota),
                         (table[i].quota_j - charged_j) * J);
        /* Settled, it stays as it is. */
        assert_int_equal(settle(s, policy, id), 0);
        if (table[i].late_j == 0)
            continue;
        use(s, id, table[i].late_j * J);
        charged_j += table[i].late_charge_j;
        assert_int_equal(settle(s, policy, id), 1);
        assert_int_equal(settle(s, policy, id), 0);
        assert_int_equal(sum_of(s, id, "charge"), table[i].charge_j * J);
        assert_int_equal(sum_of(s, id, "adjustment"), table[i].late_charge_j * J);
        assert_int_equal(sum_of(s, id, "overrun"),
                         (table[i].overrun_j + table[i].late_overrun_j) * J);
        assert_int_equal(left_of(s, policy, &quota),
                         (table[i].quota_j - charged_j) * J);
    }
}

/* However much its quotas have: what it used beyond its user's word is the centre's. */
static void a_users_budget_bounds_the_charge(void **state)
{
    struct scene *s = *state;
    struct policy *policy = s->level[ENFORCE_STRICT];
    struct lookup_run run = a_run(1, 9000);
    int64_t id;

    books_quota(s->books, "astro", "", "", 100000 * J);
    run.budget_wh = 1;
    id = put(s, &run);
    open_lien(s, policy, id, &run, false);
    use(s, id, 4000 * J);
    end(s, id, &run, "COMPLETED");
    assert_int_equal(settle(s, policy, id), 1);
    assert_int_equal(sum_of(s, id, "charge"), 3600 * J);
    assert_int_equal(sum_of(s, id, "overrun"), 400 * J);
    /* … and what comes late. */
    use(s, id, 100 * J);
    assert_int_equal(settle(s, policy, id), 1);
    assert_int_equal(sum_of(s, id, "charge") + sum_of(s, id, "adjustment"), 3600 * J);
    assert_int_equal(sum_of(s, id, "overrun"), 500 * J);
}

/* What a settled run left is another's by the time its late counts come. */
static void late_counts_take_nothing_from_others(void **state)
{
    struct scene *s = *state;
    struct policy *policy = s->level[ENFORCE_STRICT];
    struct lookup_run first = a_run(1, 100), second = a_run(2, 30);
    struct quota quota = books_quota(s->books, "astro", "", "", 100 * J);
    int64_t one = put(s, &first), two = put(s, &second);

    open_lien(s, policy, one, &first, false);
    use(s, one, 70 * J);
    end(s, one, &first, "COMPLETED");
    settle(s, policy, one);
    assert_int_equal(open_lien(s, policy, two, &second, false), LIEN_RUN);
    use(s, one, 30 * J);
    assert_int_equal(settle(s, policy, one), 1);
    assert_int_equal(sum_of(s, one, "adjustment"), 0);
    assert_int_equal(sum_of(s, one, "overrun"), 30 * J);
    use(s, two, 30 * J);
    end(s, two, &second, "COMPLETED");
    assert_int_equal(settle(s, policy, two), 1);
    assert_int_equal(sum_of(s, two, "charge"), 30 * J);
    assert_int_equal(left_of(s, policy, &quota), 0);
}

static void a_run_heard_of_at_its_end_is_bound_too(void **state)
{
    static const struct {
        enum policy_enforce level;
        int charge_j, overrun_j;
    } table[] = {
        {ENFORCE_STRICT, 80, 50}, {ENFORCE_SOFT, 130, 0}, {ENFORCE_OFF, 130, 0}};
    struct scene *s = *state;

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct lookup_run run = a_run((uint32_t)i + 1, 100);
        int64_t id;

        snprintf(run.account, sizeof run.account, "a%zu", i);
        books_quota(s->books, run.account, "", "", 80 * J);
        id = put(s, &run);
        use(s, id, 130 * J);
        end(s, id, &run, "COMPLETED");
        assert_int_equal(settle(s, s->level[table[i].level], id), 1);
        assert_int_equal(sum_of(s, id, "charge"), table[i].charge_j * J);
        assert_int_equal(sum_of(s, id, "overrun"), table[i].overrun_j * J);
        assert_int_equal(lien_mj(s, id), -1);
    }
}

/* Who may overdraw, or is only warned, has no lien and pays for all of it. */
static void without_a_lien_all_is_charged(void **state)
{
    static const char *const table[] = {"overdraft", "warn"};
    struct scene *s = *state;

    for (size_t i = 0; i < 2; i++) {
        struct lookup_run run = a_run((uint32_t)i + 1, 100);
        char more[128];
        int64_t id;

        snprintf(more, sizeof more, ",\"limits\":{\"at_limit\":{\"default\":\"%s\"}%s}",
                 table[i], i ? "" : ",\"overdraft_qos\":\"low\"");
        if (s->other)
            policy_release(s->other);
        s->other = policy_of_level(&s->files, "strict", more);
        snprintf(run.account, sizeof run.account, "a%zu", i);
        books_quota(s->books, run.account, "", "", 1 * J);
        id = put(s, &run);
        assert_int_equal(open_lien(s, s->other, id, &run, false), LIEN_RUN);
        assert_int_equal(lien_mj(s, id), -1);
        use(s, id, 130 * J);
        assert_int_equal(review(s, s->other, id, 50), 0);
        end(s, id, &run, "COMPLETED");
        settle(s, s->other, id);
        assert_int_equal(sum_of(s, id, "charge"), 130 * J);
        assert_int_equal(sum_of(s, id, "overrun"), 0);
    }
}

static void end_states_give_back(void **state)
{
    static const struct {
        const char *word;
        int used_j, late_j, credit_mj, late_credit_mj;
    } table[] = {
        {"COMPLETED", 80, 20, 0, 0},
        {"NODE_FAIL", 80, 20, 80000, 100000},
        {"PREEMPTED", 80, 20, 40000, 50000},
        {"BOOT_FAIL", 80, 20, 26400, 33000},
        /* of the charge, not of the overrun; what it gives back can be charged again */
        {"NODE_FAIL", 130, 5, 100000, 105000},
        {"NODE_FAIL", 0, 0, 0, 0},
    };
    struct scene *s = *state;

    s->other = policy_of_level(
        &s->files, "strict",
        ",\"credits\":{\"NODE_FAIL\":100,\"PREEMPTED\":50,\"BOOT_FAIL\":33}");
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct lookup_run run = a_run((uint32_t)i + 1, 100);
        struct quota quota;
        int64_t id;

        snprintf(run.account, sizeof run.account, "a%zu", i);
        quota = books_quota(s->books, run.account, "", "", 100 * J);
        id = put(s, &run);
        open_lien(s, s->other, id, &run, false);
        use(s, id, table[i].used_j * J);
        end(s, id, &run, table[i].word);
        assert_int_equal(settle(s, s->other, id), 1);
        assert_int_equal(sum_of(s, id, "credit"), -table[i].credit_mj);
        if (table[i].late_j == 0)
            continue;
        use(s, id, table[i].late_j * J);
        assert_int_equal(settle(s, s->other, id), 1);
        assert_int_equal(sum_of(s, id, "credit"), -table[i].late_credit_mj);
        assert_int_equal(left_of(s, s->other, &quota),
                         100 * J - sum_of(s, id, "charge") -
                             sum_of(s, id, "adjustment") - sum_of(s, id, "credit"));
    }
}

static uint32_t dice(uint32_t *seed, uint32_t sides)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (*seed >> 8) % sides;
}

/* What a quota has been charged: entries of the runs that it binds. */
static int64_t charged(struct scene *s, const struct quota *quota)
{
    return ledger_number(
        s->books->ledger, 0,
        "SELECT SUM(e.mj) FROM entries e JOIN runs r ON r.id = e.run_id"
        " WHERE e.kind IN ('charge', 'adjustment', 'credit')"
        " AND (?1 = '' OR r.account = ?1 OR EXISTS (SELECT 1 FROM accounts a"
        "  WHERE a.account = r.account AND a.parent = ?1))"
        " AND (?2 = '' OR r.user = ?2)",
        "ss", quota->account, quota->user);
}

#define QUOTAS 4
#define RUNS 12

struct course {
    struct quota quotas[QUOTAS];
    struct lookup_run runs[RUNS];
    int64_t ids[RUNS];
    int phase[RUNS]; /* 0: not begun, 1: runs, 2: over */
};

static void step(struct scene *s, struct course *c, uint32_t *seed, int64_t at_s)
{
    struct policy *policy = s->level[ENFORCE_STRICT];
    uint32_t i = dice(seed, RUNS);
    struct lookup_run *run = &c->runs[i];
    char why[LIEN_WHY];

    if (c->phase[i] == 0) {
        *run = a_run(i + 1, 10 + dice(seed, 90));
        snprintf(run->user, sizeof run->user, "%s", dice(seed, 2) ? "alice" : "bob");
        snprintf(run->account, sizeof run->account, "%s",
                 dice(seed, 3) ? "astro" : "physics");
        c->ids[i] = put(s, run);
        if (dice(seed, 4) == 0)
            use(s, c->ids[i], dice(seed, 20) * J);
        if (dice(seed, 6) != 0)
            open_lien(s, policy, c->ids[i], run, dice(seed, 3) == 0);
        c->phase[i] = 1;
    } else if (c->phase[i] == 1 && dice(seed, 5) == 0) {
        end(s, c->ids[i], run, "COMPLETED");
        assert_int_equal(settle(s, policy, c->ids[i]), 1);
        c->phase[i] = 2;
    } else if (c->phase[i] == 1 && dice(seed, 4) == 0) {
        run->limit_s += dice(seed, 100);
        run->until_s = NOW + run->limit_s;
        lien_limit(s->books->ledger, policy, "c", c->ids[i], run, at_s);
    } else if (c->phase[i] == 1) {
        use(s, c->ids[i], dice(seed, 40) * J + dice(seed, 1000));
        lien_review(s->books->ledger, policy, "c", c->ids[i], REPORT_MS, at_s, why);
    } else {
        use(s, c->ids[i], dice(seed, 10) * J);
        assert_true(settle(s, policy, c->ids[i]) >= 0);
    }
    if (dice(seed, 20) == 0)
        throw_switch(s, "freeze", dice(seed, 2) != 0);
}

/* Whatever happens, no strict quota is ever charged more than it has, and what was used
 * is what was charged and what the centre bears. */
static void a_strict_quota_is_never_charged_more(void **state)
{
    static const char *const whose[QUOTAS][2] = {
        {"astro", ""}, {"physics", ""}, {"", "alice"}, {"physics", "bob"}};
    struct scene *s = *state;
    uint32_t seed = 20261121;

    for (int round = 0; round < 60; round++) {
        struct course course = {0};

        books_do(s->books, "SAVEPOINT round");
        for (int q = 0; q < QUOTAS; q++)
            course.quotas[q] =
                books_quota(s->books, whose[q][0], whose[q][1], "",
                            (dice(&seed, 4) ? 20 + dice(&seed, 200) : 100000) * J);
        for (int n = 0; n < 80; n++) {
            step(s, &course, &seed, NOW + n);
            for (int q = 0; q < QUOTAS; q++)
                assert_true(charged(s, &course.quotas[q]) <= course.quotas[q].mj);
        }
        for (int i = 0; i < RUNS; i++)
            if (course.phase[i] == 2)
                assert_int_equal(sum_of(s, course.ids[i], "charge") +
                                     sum_of(s, course.ids[i], "adjustment") +
                                     sum_of(s, course.ids[i], "overrun"),
                                 ledger_number(s->books->ledger, 0,
                                               "SELECT SUM(mj) FROM run_quarters"
                                               " WHERE token = 't' || ?",
                                               "i", course.ids[i]));
        books_do(s->books, "ROLLBACK TO round");
        books_do(s->books, "RELEASE round");
    }
}

#define SCENE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE(what_a_start_gets),
        SCENE(any_quota_without_room_holds),
        SCENE(the_tightest_of_several_counts),
        SCENE(an_early_start_waits_for_room),
        SCENE(an_early_start_in_shadow_runs),
        SCENE(together_they_take_no_more),
        SCENE(who_is_not_let_in_is_asked_about_again),
        SCENE(it_is_decided_once),
        SCENE(an_estimate_is_kept_of_who_is_let_in),
        SCENE(a_lien_is_the_estimate_or_the_licence),
        SCENE(a_late_runs_use_counts_once),
        SCENE(a_lien_that_runs_short_is_raised),
        SCENE(a_users_budget_ends_a_strict_run),
        SCENE(a_lien_is_not_raised_beyond_the_time_limit),
        SCENE(who_has_used_it_up_is_ended_or_not),
        SCENE(what_a_held_run_uses_is_the_centres),
        SCENE(a_changed_time_limit_moves_the_lien),
        SCENE(a_held_run_gets_no_lien_by_a_longer_limit),
        SCENE(what_is_charged_in_the_end),
        SCENE(a_users_budget_bounds_the_charge),
        SCENE(late_counts_take_nothing_from_others),
        SCENE(a_run_heard_of_at_its_end_is_bound_too),
        SCENE(without_a_lien_all_is_charged),
        SCENE(end_states_give_back),
        SCENE(a_strict_quota_is_never_charged_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
