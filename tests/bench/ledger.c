/* ledger.c - how many settlements and reports a second the ledger takes, in SQLite and
 * in a MariaDB
 *
 * usage: tests/bench/ledger DIR [SECONDS] [mariadb://…]
 *
 * Writes what a settlement and what a report of a node with four jobs and fourteen
 * domains write, without what kwotad works out for them. Reports come from many at once
 * who each wait until theirs is on disk; settlements from one who waits for none.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "policy/ledger.h"
#include "policy/replica.h"

#define NODES 1000
#define JOBS 4
#define SENDERS 64
#define GATHER_MS 25

static struct ledger *ledger;
static double until_s;
static int64_t reports; /* atomic, as the next */
static int64_t turn;

static double now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void must(int rc, const char *what)
{
    if (rc == 0)
        return;
    fprintf(stderr, "bench: %s failed\n", what);
    exit(1);
}

/* Nodes, each with its jobs' runs and tokens. */
static void fill(void)
{
    must(ledger_begin(ledger), "begin");
    must(ledger_do(ledger,
                   "INSERT INTO runs (id, cluster, job_id, submit_s, restart, job_text,"
                   " uid, user, account, partition, name, start_s, slurm_state,"
                   " node_count, state) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL"
                   "  SELECT i + 1 FROM n WHERE i < ?)"
                   " SELECT i,'c',i,100,0,i,1001,'u'||i%1000,'a'||i%100,'main','job',"
                   "  100,'',1,'running' FROM n",
                   "i", (int64_t)NODES * JOBS),
         "runs");
    must(ledger_do(ledger,
                   "INSERT INTO tokens (token, run_id, node, job_id, start_ms, last_ms,"
                   " final, cpu_ns, reasons, simulated) SELECT printf('%032d', id), id,"
                   " 'n'||(id-1)/?, id, 0, 0, 0, 0, '[]', 1 FROM runs",
                   "i", (int64_t)JOBS),
         "tokens");
    must(ledger_commit(ledger), "commit");
}

/* A node's own counts, then each job's. */
static void report(int64_t node, int64_t ms)
{
    must(ledger_begin(ledger), "begin");
    must(ledger_do(ledger,
                   "INSERT INTO node_domains (node, epoch, domain, kind, source, state,"
                   " total_uj, jobs_uj, node_uj, gap_ms) WITH RECURSIVE n(i) AS (SELECT"
                   " 1 UNION ALL SELECT i + 1 FROM n WHERE i < 14) SELECT 'n'||?1,'e',"
                   " 'domain-'||i,'package','powercap','ok',?2,?2,0,0 FROM n"
                   " WHERE true ON CONFLICT DO UPDATE SET total_uj = excluded.total_uj,"
                   " jobs_uj = excluded.jobs_uj",
                   "ii", node, ms),
         "node_domains");
    for (int64_t job = node * JOBS + 1; job <= (node + 1) * JOBS; job++) {
        must(ledger_do(ledger,
                       "UPDATE tokens SET last_ms = ?2, cpu_ns = ?2"
                       " WHERE token = printf('%032d', ?1)",
                       "ii", job, ms),
             "tokens");
        must(
            ledger_do(ledger,
                      "INSERT INTO run_domains (token, domain, kind, uj) WITH RECURSIVE"
                      " n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4)"
                      " SELECT printf('%032d', ?1), 'domain-'||i, 'package', ?2 FROM n"
                      " WHERE true ON CONFLICT DO UPDATE SET uj = excluded.uj",
                      "ii", job, ms),
            "run_domains");
        must(ledger_do(ledger,
                       "INSERT INTO run_quarters (token, quarter_s, kind, mj) VALUES"
                       " (printf('%032d', ?1), 900, 'package', ?2),"
                       " (printf('%032d', ?1), 900, 'dram', ?2)"
                       " ON CONFLICT DO UPDATE SET mj = excluded.mj",
                       "ii", job, ms),
             "run_quarters");
    }
    must(ledger_commit(ledger), "commit");
}

static void *send(void *arg)
{
    (void)arg;
    while (now_s() < until_s) {
        int64_t n = __atomic_fetch_add(&turn, 1, __ATOMIC_RELAXED);

        report(n % NODES, 1000 + n);
        __atomic_fetch_add(&reports, 1, __ATOMIC_RELAXED);
    }
    return NULL;
}

static void settle(int64_t run)
{
    must(ledger_begin(ledger), "begin");
    must(ledger_do(ledger,
                   "UPDATE runs SET state = 'settled', end_s = 200, slurm_state ="
                   " 'COMPLETED' WHERE id = ?",
                   "i", run),
         "runs");
    must(ledger_do(ledger,
                   "INSERT INTO entries (run_id, kind, mj, time_s, actor, why) VALUES"
                   " (?1, 'charge', ?1 * 1000, 201, 'kwotad', '')",
                   "i", run),
         "entries");
    must(ledger_do(ledger,
                   "UPDATE run_quarters SET posted_mj = mj"
                   " WHERE token = printf('%032d', ?)",
                   "i", run),
         "run_quarters");
    for (int64_t q = 0; q < 4; q++)
        must(ledger_do(ledger,
                       "INSERT INTO rollups (quarter_s, cluster, account, user,"
                       " partition, cpu_mj, runs) SELECT ?2 * 900, cluster, account,"
                       " user, partition, 1, 1 FROM runs WHERE id = ?1 ON CONFLICT DO"
                       " UPDATE SET cpu_mj = cpu_mj + 1, runs = runs + 1",
                       "ii", run, q),
             "rollups");
    must(ledger_commit_soon(ledger), "commit");
}

static void measure(double seconds)
{
    pthread_t threads[SENDERS];
    double from_s = now_s(), took_s;

    until_s = from_s + seconds;
    for (int i = 0; i < SENDERS; i++)
        must(pthread_create(&threads[i], NULL, send, NULL), "a thread");
    for (int i = 0; i < SENDERS; i++)
        pthread_join(threads[i], NULL);
    took_s = now_s() - from_s;
    printf("%lld reports, %.0f a second\n", (long long)reports,
           (double)reports / took_s);
    from_s = now_s();
    for (int64_t run = 1; run <= NODES * JOBS; run++)
        settle(run);
    must(ledger_begin(ledger), "begin");
    must(ledger_commit(ledger), "commit"); /* all before is on disk */
    took_s = now_s() - from_s;
    printf("%d settlements, %.0f a second\n", NODES * JOBS, NODES * JOBS / took_s);
}

int main(int argc, char **argv)
{
    struct mariadb_place place;
    char why[MARIADB_PLACE_TEXT];

    if (argc < 2) {
        fprintf(stderr, "usage: ledger DIR [SECONDS] [mariadb://…]\n");
        return 2;
    }
    ledger = argc > 3 ? ledger_open_copy(argv[1]) : ledger_open(argv[1]);
    if (!ledger)
        return 1;
    if (argc > 3 && (mariadb_place_read(argv[3], &place, why) < 0 ||
                     replica_start(ledger, &place, "bench:1") < 0))
        return 1;
    must(ledger_gather(ledger, GATHER_MS), "gathering");
    fill();
    measure(argc > 2 ? atof(argv[2]) : 10);
    ledger_close(ledger);
    return 0;
}
