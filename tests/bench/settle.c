/* settle.c - how many runs a second are settled under a tariff, and how long a
 * statement of many runs takes to be read
 *
 * usage: settle [RUNS [DIR]]
 *
 * With DIR, in the ledger that is there (tests/bench/report's), in this month, while
 * another thread makes reports of it without a pause; then every run gets a late
 * adjustment.
 *
 * Runs of one node, most of an hour or less, every tenth of a day, in many accounts;
 * each is settled in a transaction of its own, as kwotad does.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "policy/accounting.h"
#include "policy/person.h"
#include "policy/pricing.h"
#include "policy/run.h"
#include "policy/statement.h"

#define BEGIN INT64_C(1793491200) /* 2026-11-01, UTC */
#define ACCOUNTS 500

static int64_t begin = BEGIN; /* of the month that the runs are of */
static int64_t before_id;     /* of what there was before */

static const char policy_text[] =
    "{\"tariff\": {\"currency\": \"EUR\", \"price\": \"0.285\", \"pue\": \"1.25\","
    " \"co2_g\": 380, \"rules\": [{\"between\": \"22:00-06:00\", \"price\": \"0.241\"},"
    " {\"account\": \"a7\", \"price\": \"0.4\"}]}, \"credits\": {\"NODE_FAIL\": 100}}";

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void must(int rc, const char *what)
{
    if (rc >= 0)
        return;
    fprintf(stderr, "settle: %s failed\n", what);
    exit(1);
}

static void fill(struct ledger *ledger, long runs)
{
    must(ledger_begin(ledger), "ledger_begin");
    for (long id = before_id + 1; id <= before_id + runs; id++) {
        long quarters = id % 10 ? 1 + id % 4 : 96;
        int64_t end_s = begin + id * 7919 % (27 * 86400) + 86400;
        char account[16], token[24];

        snprintf(account, sizeof account, "a%ld", id % 5 ? 0 : id % ACCOUNTS);
        snprintf(token, sizeof token, "t%ld", id);
        must(ledger_do(ledger,
                       "INSERT INTO runs (id, cluster, job_id, submit_s, restart,"
                       " job_text, uid, user, account, partition, name, start_s, end_s,"
                       " over_seen_s, slurm_state, node_count, state) VALUES"
                       " (?1,'c',?1,1,0,?1,1,'u' || (?1 % 2000),?2,'main','n',?3 - 900,"
                       " ?3,?3,CASE ?1 % 50 WHEN 0 THEN 'NODE_FAIL' ELSE 'COMPLETED'"
                       " END,1,'ended')",
                       "isi", (int64_t)id, account, end_s),
             "runs");
        must(ledger_do(ledger,
                       "INSERT INTO tokens (token, run_id, node, job_id, start_ms,"
                       " last_ms, final, cpu_ns, reasons, simulated)"
                       " VALUES (?,?,'n1',?,0,0,1,0,'[]',1)",
                       "sii", token, (int64_t)id, (int64_t)id),
             "tokens");
        for (long q = 0; q < quarters * 2; q++)
            must(ledger_do(ledger, "INSERT INTO run_quarters VALUES (?,?,?,?,0)",
                           "sisi", token, end_s / 900 * 900 - q / 2 * 900,
                           q % 2 ? "dram" : "package", (int64_t)(id * 977 + q)),
                 "run_quarters");
    }
    must(ledger_commit(ledger), "ledger_commit");
}

static void settle(struct ledger *ledger, const struct policy *policy, long runs,
                   const char *what)
{
    double before = now();

    for (long id = before_id + 1; id <= before_id + runs; id++) {
        must(ledger_begin(ledger), "ledger_begin");
        must(run_settle(ledger, policy, id, begin + 30 * 86400, 600, 0), "run_settle");
        must(ledger_commit_soon(ledger), "ledger_commit_soon");
    }
    must(ledger_begin(ledger), "ledger_begin");
    must(ledger_commit(ledger), "ledger_commit");
    printf("%ld runs %s, %.0f a second\n", runs, what, (double)runs / (now() - before));
}

/* Every run turns out to have used a little more. */
static void add_late(struct ledger *ledger)
{
    must(ledger_begin(ledger), "ledger_begin");
    must(ledger_do(ledger,
                   "UPDATE run_quarters SET mj = mj + 1000 WHERE token IN"
                   " (SELECT token FROM tokens WHERE run_id > ?)",
                   "i", before_id),
         "run_quarters");
    must(ledger_commit(ledger), "ledger_commit");
}

json_t *person_error(const char *sentence)
{
    return json_pack("{s:s}", "error", sentence);
}

static atomic_bool reporting = true;

/* This month by account and the year before by user, in turns. */
static void *make_reports(void *arg)
{
    const struct access_rights root = {.user = "root", .sees_all = true};
    double before = now(), took = 0;
    int count = 0;

    while (reporting) {
        struct accounting_wish wish = {.by = count % 2 ? "user" : "account",
                                       .start_s =
                                           count % 2 ? begin - 365 * 86400 : begin,
                                       .end_s = begin + 30 * 86400,
                                       .now_s = begin + 30 * 86400};
        double began = now();
        unsigned status;

        json_decref(accounting_answer(arg, &root, &wish, &status));
        if (count++ % 2 == 0)
            took += now() - began;
    }
    printf("meanwhile %d reports in %.0f s, a month by account %.0f ms in the mean\n",
           count, now() - before, took * 1000 / ((count + 1) / 2));
    return NULL;
}

/* In a ledger that there is. */
static void settle_beside(struct ledger *ledger, const struct policy *policy, long runs)
{
    pthread_t thread;

    settle(ledger, policy, runs / 4, "settled alone");
    before_id += runs / 4;
    if (pthread_create(&thread, NULL, make_reports, ledger) != 0)
        exit(1);
    settle(ledger, policy, runs - runs / 4, "settled while reports were made");
    add_late(ledger);
    settle(ledger, policy, runs - runs / 4, "adjusted late while reports were made");
    reporting = false;
    pthread_join(thread, NULL);
}

static void find_place(struct ledger *ledger)
{
    struct window month;

    period_month_of((int64_t)time(NULL), &month);
    begin = month.from_s;
    must(ledger_begin(ledger), "ledger_begin");
    before_id = ledger_number(ledger, 0, "SELECT MAX(id) FROM runs", "");
    must(ledger_commit(ledger), "ledger_commit");
}

/* All pages of account a0, as kwota statement asks for them. */
static void state(struct ledger *ledger, const struct policy *policy)
{
    const struct access_rights root = {.user = "root", .sees_all = true};
    struct statement_call call = {.ledger = ledger,
                                  .policy = policy,
                                  .rights = &root,
                                  .account = "a0",
                                  .month = "2026-11",
                                  .now_s = BEGIN + 30 * 86400,
                                  .after_account = ""};
    double before = now(), longest = 0;
    size_t lines = 0;
    char account[64];
    json_t *page = NULL, *next;
    unsigned status;

    json_decref(statement_head(&call, &status));
    printf("the head of a statement in %.0f ms\n", (now() - before) * 1000);
    do {
        double began = now();
        char *text;

        json_decref(page);
        page = statement_page(&call, &status);
        if (now() - began > longest)
            longest = now() - began;
        lines += json_array_size(json_object_get(page, "lines"));
        text = json_dumps(page, JSON_COMPACT);
        free(text);
        next = json_object_get(page, "next");
        snprintf(account, sizeof account, "%s",
                 json_is_object(next)
                     ? json_string_value(json_object_get(next, "account"))
                     : "");
        call.after_account = account;
        call.after_run = json_integer_value(json_object_get(next, "run_id"));
    } while (json_is_object(next));
    json_decref(page);
    printf("its %zu runs in %.2f s, a page in %.1f ms at most\n", lines, now() - before,
           longest * 1000);
}

int main(int argc, char **argv)
{
    long runs = argc > 1 ? strtol(argv[1], NULL, 10) : 20000;
    char dir[] = "/tmp/kwota-settle-XXXXXX", path[64];
    struct ledger *ledger;
    struct policy *policy;
    FILE *file;

    if (!mkdtemp(dir))
        return 1;
    snprintf(path, sizeof path, "%s/k", dir);
    file = fopen(path, "w");
    if (!file || fputs(policy_text, file) < 0 || fclose(file) != 0)
        return 1;
    policy = policy_read(path, stderr);
    ledger = ledger_open(argc > 2 ? argv[2] : dir);
    if (!policy || !ledger)
        return 1;
    if (argc > 2)
        find_place(ledger);
    must(pricing_keep(ledger, policy, begin - 86400), "pricing_keep");
    fill(ledger, runs);
    must(ledger_gather(ledger, 2), "ledger_gather");
    if (argc > 2) {
        settle_beside(ledger, policy, runs);
    } else {
        settle(ledger, policy, runs, "settled");
        state(ledger, policy);
    }
    policy_release(policy);
    ledger_close(ledger);
    if (argc > 2) {
        remove(path);
        rmdir(dir);
    } else {
        printf("its ledger is in %s\n", dir);
    }
    return 0;
}
