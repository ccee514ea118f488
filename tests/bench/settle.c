/* settle.c - how many runs a second are settled under a tariff, and how long a
 * statement of many runs takes to be read
 *
 * usage: settle [RUNS]
 *
 * Runs of one node, most of an hour or less, every tenth of a day, in many accounts;
 * each is settled in a transaction of its own, as kwotad does.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "policy/pricing.h"
#include "policy/run.h"
#include "policy/statement.h"

#define BEGIN INT64_C(1793491200) /* 2026-11-01, UTC */
#define ACCOUNTS 500

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
    for (long id = 1; id <= runs; id++) {
        long quarters = id % 10 ? 1 + id % 4 : 96;
        int64_t end_s = BEGIN + id * 7919 % (27 * 86400) + 86400;
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

static void settle(struct ledger *ledger, const struct policy *policy, long runs)
{
    double before;

    must(ledger_gather(ledger, 2), "ledger_gather");
    before = now();
    for (long id = 1; id <= runs; id++) {
        must(ledger_begin(ledger), "ledger_begin");
        must(run_settle(ledger, policy, id, BEGIN + 30 * 86400, 600, 0), "run_settle");
        must(ledger_commit_soon(ledger), "ledger_commit_soon");
    }
    must(ledger_begin(ledger), "ledger_begin");
    must(ledger_commit(ledger), "ledger_commit");
    printf("%ld runs settled, %.0f a second\n", runs, (double)runs / (now() - before));
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
    ledger = ledger_open(dir);
    if (!policy || !ledger)
        return 1;
    must(pricing_keep(ledger, policy, BEGIN - 86400), "pricing_keep");
    fill(ledger, runs);
    settle(ledger, policy, runs);
    state(ledger, policy);
    policy_release(policy);
    ledger_close(ledger);
    printf("its ledger is in %s\n", dir);
    return 0;
}
