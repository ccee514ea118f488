/* inquiry_test.c - from reports and Slurm's answers to charges, with a Slurm that says
 * what the test wants */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "policy/inquiry.h"
#include "policy/node_facts.h"
#include "policy/report.h"
#include "policy/run.h"
#include "tests/unit/temporary.h"

/* A whole number of quarter-hours. */
#define T INT64_C(1700000100)

/* What Slurm says of job 12, and of any node. */
static struct {
    int found;
    struct lookup_run run;
    struct lookup_share share;
    int node_found;
    struct lookup_node node;
    int job_asked, node_asked;
} slurm;

int lookup_job(uint32_t job, int64_t at_s, struct lookup_run *run)
{
    (void)at_s;
    slurm.job_asked++;
    *run = slurm.run;
    run->job_id = job;
    if (slurm.found == 1 && slurm.share.node[0]) {
        run->shares = malloc(sizeof *run->shares);
        run->shares[0] = slurm.share;
        run->share_count = 1;
    }
    return slurm.found;
}

int lookup_submitted(uint32_t job, int64_t submit_s, struct lookup_run *run)
{
    if (slurm.found == 1 && slurm.run.submit_s != submit_s)
        return 0;
    return lookup_job(job, 0, run);
}

void lookup_done(struct lookup_run *run)
{
    free(run->shares);
    run->shares = NULL;
    run->share_count = 0;
}

bool lookup_has_node(const struct lookup_run *run, const char *node)
{
    return strstr(run->nodes, node) != NULL;
}

int lookup_node(const char *node, struct lookup_node *found)
{
    (void)node;
    slurm.node_asked++;
    *found = slurm.node;
    return slurm.node_found;
}

struct books {
    struct temporary place;
    struct ledger *ledger;
    struct inquiry inquiry;
    struct settings settings;
};

static int setup(void **state)
{
    static struct books books;

    memset(&slurm, 0, sizeof slurm);
    memset(&books, 0, sizeof books);
    if (temporary_make(&books.place) < 0)
        return -1;
    books.ledger = ledger_open(books.place.dir);
    books.inquiry = (struct inquiry){.ledger = books.ledger, .cluster = "c"};
    *state = &books;
    return books.ledger ? 0 : -1;
}

static int teardown(void **state)
{
    struct books *books = *state;

    ledger_close(books->ledger);
    temporary_remove(&books->place);
    return 0;
}

static void slurmctld_says_it_runs(const char *nodes)
{
    slurm.found = 1;
    slurm.run = (struct lookup_run){.submit_s = T - 5,
                                    .start_s = T,
                                    .uid = 1001,
                                    .user = "alice",
                                    .account = "astro",
                                    .partition = "main",
                                    .name = "n",
                                    .text = "12",
                                    .state = "RUNNING",
                                    .node_count = 1,
                                    .started = true};
    snprintf(slurm.run.nodes, sizeof slurm.run.nodes, "%s", nodes);
}

static void slurm_says_it_is_over(int64_t end_s)
{
    slurm.run.over = true;
    slurm.run.end_s = end_s;
}

/* n1's report about its token of job 12; the reply. */
static json_t *report(struct books *books, int seq, int64_t now_s, int64_t uj,
                      bool final)
{
    json_t *json = json_pack(
        "{s:s s:s s:i s:I s:b s:[{s:s s:s s:s s:s s:n s:I s:I s:i s:i}]"
        " s:[{s:s s:i s:i s:i s:i s:I s:n s:b s:i s:s s:[] s:{s:I}}]}",
        "node", "n1", "epoch", "e", "seq", seq, "time_ms", (json_int_t)(now_s * 1000),
        "simulated", 1, "domains", "name", "package-0", "kind", "package", "source",
        "powercap", "state", "ok", "reason", "total_uj", (json_int_t)uj, "jobs_uj",
        (json_int_t)uj, "node_uj", 0, "gap_ms", 0, "runs", "token", "t1", "job", 12,
        "uid", 1001, "node_count", 1, "cpus", 2, "start_ms", (json_int_t)(T * 1000),
        "end_ms", "final", (int) final, "cpu_ns", 1000, "quality", "measured",
        "reasons", "domains", "package-0", (json_int_t)uj);
    json_t *reply;
    const char *error;

    assert_non_null(json);
    assert_int_equal(report_take(books->ledger, &books->settings, NULL, json,
                                 now_s * 1000, &reply, &error),
                     0);
    json_decref(json);
    return reply;
}

static int64_t number(struct books *books, const char *sql)
{
    return ledger_number(books->ledger, -1, sql, "");
}

#define BOUND "SELECT COUNT(*) FROM tokens WHERE run_id IS NOT NULL"
#define REFUSED "SELECT COUNT(*) FROM tokens WHERE refused"

static void slurmctlds_complete_word_refuses(void **state)
{
    struct books *books = *state;

    json_decref(report(books, 1, T, 0, false));
    slurmctld_says_it_runs("n2");
    inquiry_bind(&books->inquiry, T + 1);
    assert_int_equal(number(books, REFUSED), 1);
    assert_int_equal(number(books, "SELECT COUNT(*) FROM runs"), 0);
}

static void another_users_job_is_refused(void **state)
{
    struct books *books = *state;

    json_decref(report(books, 1, T, 0, false));
    slurmctld_says_it_runs("n1");
    slurm.run.uid = 1002;
    inquiry_bind(&books->inquiry, T + 1);
    assert_int_equal(number(books, REFUSED), 1);
}

/* slurmdbd's row after a slurmctld that was killed: no user, not all nodes. */
static void hearsay_refuses_only_after_a_day(void **state)
{
    struct books *books = *state;

    json_decref(report(books, 1, T, 0, false));
    slurmctld_says_it_runs("n2");
    slurm.run.hearsay = true;
    slurm.run.uid = 0;
    inquiry_bind(&books->inquiry, T + 1);
    assert_int_equal(number(books, REFUSED), 0);
    assert_int_equal(number(books, BOUND), 0);
    assert_int_equal(number(books, "SELECT COUNT(*) FROM runs"), 0);
    slurmctld_says_it_runs("n1");
    inquiry_bind(&books->inquiry, T + 60);
    assert_int_equal(number(books, BOUND), 1);
}

static void hearsay_is_believed_after_a_day(void **state)
{
    struct books *books = *state;

    json_decref(report(books, 1, T, 0, false));
    slurmctld_says_it_runs("n2");
    slurm.run.hearsay = true;
    inquiry_bind(&books->inquiry, T + 86401);
    assert_int_equal(number(books, REFUSED), 1);
}

/* The older a token that nobody knows, the more seldom Slurm is asked. */
static void tries_become_rare(void **state)
{
    struct books *books = *state;

    json_decref(report(books, 1, T, 0, false));
    slurm.found = 0;
    for (int64_t s = 1; s <= 3600; s++)
        inquiry_bind(&books->inquiry, T + s);
    assert_in_range(slurm.job_asked, 10, 100);
    assert_int_equal(number(books, REFUSED), 0);
    inquiry_bind(&books->inquiry, T + 8 * 86400);
    assert_int_equal(number(books, REFUSED), 1);
}

/* One submission is one run, whatever slurmdbd thinks of its restarts. */
static void a_run_that_starts_twice_is_one(void **state)
{
    struct books *books = *state;

    json_decref(report(books, 1, T, 0, false));
    slurmctld_says_it_runs("n1");
    slurm.run.hearsay = true;
    slurm.run.restart = 3;
    inquiry_bind(&books->inquiry, T + 1);
    slurmctld_says_it_runs("n1");
    slurm.run.start_s = T + 100;
    inquiry_look(&books->inquiry, 12, T + 101);
    assert_int_equal(number(books, "SELECT COUNT(*) FROM runs"), 1);
    assert_int_equal(number(books, "SELECT start_s FROM runs"), T + 100);
}

static void an_incomplete_row_makes_no_run_and_changes_no_owner(void **state)
{
    struct books *books = *state;

    slurmctld_says_it_runs("n1");
    slurm.run.hearsay = true;
    slurm.run.uid = 0;
    snprintf(slurm.run.user, sizeof slurm.run.user, "root");
    assert_int_equal(inquiry_look(&books->inquiry, 12, T + 1), 0);
    assert_int_equal(number(books, "SELECT COUNT(*) FROM runs"), 0);
    slurmctld_says_it_runs("n1");
    inquiry_look(&books->inquiry, 12, T + 2);
    slurm.run.hearsay = true;
    slurm.run.uid = 0;
    inquiry_look(&books->inquiry, 12, T + 3);
    assert_int_equal(number(books, "SELECT uid FROM runs"), 1001);
}

static int settle(struct books *books, int64_t now_s, int64_t started_s)
{
    int rc;

    assert_int_equal(ledger_begin(books->ledger), 0);
    rc = run_settle(books->ledger, NULL, 1, now_s, 600, started_s);
    assert_int_equal(ledger_commit(books->ledger), 0);
    return rc;
}

static void the_time_out_counts_from_the_latest(void **state)
{
    static const struct {
        int64_t end_s, learnt_s, started_s, settles_s;
    } table[] = {
        {T + 100, T + 101, T - 1000, T + 701},
        {T + 100, T + 5000, T - 1000, T + 5600},
        {T + 100, T + 101, T + 9000, T + 9600},
        {T + 7000, T + 6990, T - 1000, T + 7600},
    };
    struct books *books = *state;

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        slurmctld_says_it_runs("n1");
        slurm_says_it_is_over(table[i].end_s);
        inquiry_look(&books->inquiry, 12, table[i].learnt_s);
        /* Told again, it is not learnt again. */
        inquiry_look(&books->inquiry, 12, table[i].learnt_s + 300);
        assert_int_equal(settle(books, table[i].settles_s - 1, table[i].started_s), 0);
        assert_int_equal(settle(books, table[i].settles_s, table[i].started_s), 1);
        teardown(state);
        setup(state);
        books = *state;
    }
}

static void finals_settle_at_once(void **state)
{
    struct books *books = *state;

    json_decref(report(books, 1, T, 0, false));
    slurmctld_says_it_runs("n1");
    inquiry_bind(&books->inquiry, T + 1);
    json_decref(report(books, 2, T + 50, 5000999, true));
    slurm_says_it_is_over(T + 50);
    inquiry_finished(&books->inquiry, T + 51);
    assert_int_equal(settle(books, T + 51, T + 51), 1);
    assert_int_equal(number(books, "SELECT mj FROM entries"), 5000);
}

static int64_t told(json_t *reply, const char *what)
{
    json_t *run = json_object_get(json_object_get(reply, "runs"), "t1");
    json_t *value = json_object_get(run, what);

    return json_is_integer(value) ? json_integer_value(value) : run ? 0 : -1;
}

/* A job that was resized: its nodes hear of it with the next reply. */
static void replies_say_what_a_run_holds(void **state)
{
    struct books *books = *state;
    json_t *reply = report(books, 1, T, 0, false);

    assert_int_equal(told(reply, "cpus"), -1);
    json_decref(reply);
    slurmctld_says_it_runs("n1");
    slurm.share = (struct lookup_share){"n1", 4, 2000, "0-1"};
    inquiry_bind(&books->inquiry, T + 1);
    reply = report(books, 2, T + 2, 0, false);
    assert_int_equal(told(reply, "cpus"), 4);
    assert_int_equal(told(reply, "memory_mb"), 2000);
    assert_string_equal(
        json_string_value(json_object_get(
            json_object_get(json_object_get(reply, "runs"), "t1"), "gpus")),
        "0-1");
    json_decref(reply);
    slurm.share = (struct lookup_share){"n1", 2, 0, ""};
    inquiry_sweep(&books->inquiry, T + 3);
    reply = report(books, 3, T + 4, 0, false);
    assert_int_equal(told(reply, "cpus"), 2);
    assert_true(json_is_null(json_object_get(
        json_object_get(json_object_get(reply, "runs"), "t1"), "memory_mb")));
    json_decref(reply);
    reply = report(books, 4, T + 5, 0, true);
    assert_int_equal(told(reply, "cpus"), -1);
    json_decref(reply);
}

static int64_t config_cpus(struct books *books, int seq, int64_t now_s)
{
    json_t *reply = report(books, seq, now_s, 0, false);
    json_t *cpus = json_object_get(json_object_get(reply, "config"), "cpus");
    int64_t value = json_is_integer(cpus) ? json_integer_value(cpus) : 0;

    json_decref(reply);
    return value;
}

static void replies_say_what_a_node_has(void **state)
{
    struct books *books = *state;

    assert_int_equal(config_cpus(books, 1, T), 0);
    slurm.node_found = -1;
    node_facts_refresh(books->ledger, T);
    assert_int_equal(config_cpus(books, 2, T + 1), 0);
    slurm.node_found = 1;
    slurm.node = (struct lookup_node){8, 16000};
    node_facts_refresh(books->ledger, T + 30);
    assert_int_equal(config_cpus(books, 3, T + 31), 8);
    slurm.node = (struct lookup_node){6, 16000};
    node_facts_refresh(books->ledger, T + 60);
    assert_int_equal(slurm.node_asked, 2);
    /* slurmctld away: what was known stands. */
    slurm.node_found = -1;
    node_facts_refresh(books->ledger, T + 700);
    assert_int_equal(config_cpus(books, 4, T + 701), 8);
    slurm.node_found = 1;
    node_facts_refresh(books->ledger, T + 730);
    assert_int_equal(config_cpus(books, 5, T + 731), 6);
}

/* What is kept in memory of the open runs is what the books add up to. */
#define USED                                                                           \
    "SELECT COUNT(*) FROM used u WHERE (mj, open_mj, from_s, until_s) IS NOT"          \
    " (SELECT SUM(q.mj), SUM(q.mj - q.posted_mj), MIN(quarter_s), MAX(quarter_s)"      \
    "  FROM tokens t JOIN run_quarters q USING (token) WHERE t.run_id = u.run_id)"     \
    " OR last_ms IS NOT (SELECT MAX(last_ms) FROM tokens t WHERE t.run_id = u.run_id)"

static void what_open_runs_have_used_is_kept(void **state)
{
    struct books *books = *state;

    json_decref(report(books, 1, T, 0, false));
    json_decref(report(books, 2, T + 60, 5000000, false));
    slurmctld_says_it_runs("n1");
    inquiry_bind(&books->inquiry, T + 61);
    assert_int_equal(number(books, "SELECT mj FROM used"), 5000);
    assert_int_equal(number(books, USED), 0);
    json_decref(report(books, 3, T + 120, 8000000, false));
    assert_int_equal(number(books, "SELECT mj FROM used"), 8000);
    json_decref(report(books, 4, T + 1800, 20000000, false));
    assert_int_equal(number(books, "SELECT mj FROM used"), 20000);
    assert_int_equal(number(books, USED), 0);
    assert_int_equal(number(books, "SELECT until_s > from_s FROM used"), 1);
    /* A kwotad that starts works out the same. */
    ledger_close(books->ledger);
    books->ledger = books->inquiry.ledger = ledger_open(books->place.dir);
    assert_non_null(books->ledger);
    assert_int_equal(number(books, "SELECT mj FROM used"), 20000);
    assert_int_equal(number(books, USED), 0);
    json_decref(report(books, 5, T + 1860, 21000000, true));
    slurm_says_it_is_over(T + 1860);
    inquiry_finished(&books->inquiry, T + 1861);
    assert_int_equal(number(books, USED), 0);
    assert_int_equal(ledger_begin(books->ledger), 0);
    assert_int_equal(run_settle(books->ledger, NULL, 1, T + 1862, 600, T), 1);
    assert_int_equal(ledger_commit(books->ledger), 0);
    assert_int_equal(number(books, "SELECT COUNT(*) FROM used"), 0);
}

static void the_worker_hears_of_what_is_new(void **state)
{
    struct books *books = *state;

    json_decref(report(books, 1, T, 0, false));
    assert_int_equal(number(books, "SELECT COUNT(*) FROM news"), 0);
    slurmctld_says_it_runs("n1");
    inquiry_bind(&books->inquiry, T + 1);
    assert_int_equal(number(books, "SELECT COUNT(*) FROM news WHERE NOT seen"), 1);
    assert_int_equal(ledger_do(books->ledger, "UPDATE news SET seen = 1", ""), 0);
    /* Heard of while it is looked at: it is to be looked at again. */
    json_decref(report(books, 2, T + 60, 1000, false));
    assert_int_equal(number(books, "SELECT COUNT(*) FROM news WHERE NOT seen"), 1);
    assert_int_equal(ledger_do(books->ledger, "DELETE FROM news", ""), 0);
    assert_int_equal(number(books, "SELECT COUNT(*) FROM finals"), 0);
    json_decref(report(books, 3, T + 120, 2000, true));
    assert_int_equal(number(books, "SELECT COUNT(*) FROM news"), 1);
    assert_int_equal(number(books, "SELECT COUNT(*) FROM finals"), 1);
}

/* A node that waits for a decision asks ten times a second. */
static void a_report_right_after_another_is_the_next_ones_business(void **state)
{
    static const char seq[] = "SELECT seq FROM nodes", uj[] = "SELECT uj FROM "
                                                              "run_domains";
    struct books *books = *state;

    books->settings.report_ms = 60000;
    json_decref(report(books, 1, T, 0, false));
    json_decref(report(books, 2, T, 1000, false));
    assert_int_equal(number(books, seq), 1);
    assert_int_equal(number(books, uj), 0);
    json_decref(report(books, 3, T + 1, 3000, false));
    assert_int_equal(number(books, seq), 3);
    assert_int_equal(number(books, uj), 3000);
    /* A final waits for nothing. */
    json_decref(report(books, 4, T + 1, 4000, true));
    assert_int_equal(number(books, uj), 4000);
    assert_int_equal(number(books, "SELECT final FROM tokens"), 1);
}

#define WITH_BOOKS(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_BOOKS(what_open_runs_have_used_is_kept),
        WITH_BOOKS(the_worker_hears_of_what_is_new),
        WITH_BOOKS(a_report_right_after_another_is_the_next_ones_business),
        WITH_BOOKS(slurmctlds_complete_word_refuses),
        WITH_BOOKS(another_users_job_is_refused),
        WITH_BOOKS(hearsay_refuses_only_after_a_day),
        WITH_BOOKS(hearsay_is_believed_after_a_day),
        WITH_BOOKS(tries_become_rare),
        WITH_BOOKS(a_run_that_starts_twice_is_one),
        WITH_BOOKS(an_incomplete_row_makes_no_run_and_changes_no_owner),
        WITH_BOOKS(the_time_out_counts_from_the_latest),
        WITH_BOOKS(finals_settle_at_once),
        WITH_BOOKS(replies_say_what_a_run_holds),
        WITH_BOOKS(replies_say_what_a_node_has),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
