/* report_fill.c - a ledger of very many settled runs, for tests/bench/report
 *
 * usage: report-fill DIR PLAYED [RUNS [MONTHS [ACCOUNTS USERS]]]
 *
 * Makes DIR/ledger.db with RUNS runs of MONTHS (24), the present one included, in
 * ACCOUNTS (5000; a tenth as many below each of ten) of USERS (20 000; at least 1000),
 * and the file PLAYED with which kwotad-alone knows these. The rows are what settlement
 * and posting would have left of runs of one node and 25 minutes at most, written in
 * the order of their keys; of the last whole month's runs every second is the first
 * account's, so that its statement is long. Runs' detail (tokens, quarter-hours by
 * node), which kwota prune drops, is not there. Days and months are local time, as
 * kwotad's. At the end the tables are added up: that they agree is the one thing that
 * must hold.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "policy/ledger.h"
#include "policy/period.h"
#include "policy/quarter.h"
#include "tests/bench/played.h"

#define FAN 10
#define FIRST_JOB 10000001 /* ids of one length: their texts are in order too */
#define PIECES 3           /* quarter-hours that a run can reach into */

/* What one run used in one quarter-hour. */
struct piece {
    int64_t at_s; /* of the quarter-hour, the day or the month */
    int64_t run;
    uint32_t account, user;
    uint8_t is_gpu, is_urgent;
    int64_t cpu_mj, dram_mj, gpu_mj, estimated_mj, estimated_used_mj;
    int64_t estimated_runs, runs;
};

struct run {
    int64_t id, start_s, end_s, mj;
    struct piece whose;
};

static sqlite3 *db;
static sqlite3_stmt *to_runs, *to_entries, *to_quarters, *to_days, *to_months,
    *to_accounts, *to_lines, *to_cluster;
static struct piece *pieces;
static size_t piece_count;
static uint32_t accounts = 5000, users = 20000;
static int64_t heavy_from_s; /* of the month with the long statement */

static void die(const char *what)
{
    fprintf(stderr, "report-fill: %s: %s\n", what, db ? sqlite3_errmsg(db) : "failed");
    exit(1);
}

/* The same ledger every time: xorshift. */
static uint64_t draw(uint64_t below)
{
    static uint64_t state = 88172645463325252U;

    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (state >> 11) % below;
}

static void run_sql(const char *sql)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        die(sql);
}

static sqlite3_stmt *prepare(const char *sql)
{
    sqlite3_stmt *stmt;

    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK)
        die(sql);
    return stmt;
}

/* Binds numbers from the first parameter on, and does it. */
static void put(sqlite3_stmt *stmt, int count, const int64_t *values)
{
    for (int i = 0; i < count; i++)
        sqlite3_bind_int64(stmt, i + 1, values[i]);
    if (sqlite3_step(stmt) != SQLITE_DONE)
        die("INSERT");
    sqlite3_reset(stmt);
}

/* Few use much; one run in ten is of another account, partition or QOS than usual. */
static void draw_whose(struct piece *whose, int64_t end_s, int64_t id)
{
    uint64_t at = draw(1000);
    uint32_t user = (uint32_t)(at * at * (users / 1000) / 1000 + draw(users / 1000));
    struct window month;

    *whose = (struct piece){.run = id, .user = PLAYED_FIRST_UID + user};
    whose->account = draw(10) ? user % accounts : (user * 7 + 1) % accounts;
    whose->is_gpu = (user % 3 == 0) != (draw(10) == 0);
    whose->is_urgent = draw(10) == 0;
    period_month_of(end_s, &month);
    if (month.from_s == heavy_from_s && id % 2)
        whose->account = 0;
}

static void add_piece(const struct run *run, int64_t from_s, int64_t until_s)
{
    struct piece *p = &pieces[piece_count++];
    int64_t s = until_s - from_s;

    *p = run->whose;
    p->at_s = from_s / QUARTER_S * QUARTER_S;
    p->cpu_mj = s * (120000 + run->id % 977);
    p->dram_mj = s * 15000;
    p->gpu_mj = p->is_gpu ? s * 300000 : 0;
}

/* Cuts a run where quarter-hours do; its end's has what is of the run as a whole. */
static void cut_run(struct run *run)
{
    size_t first = piece_count;
    struct piece *end;

    for (int64_t from_s = run->start_s; from_s < run->end_s;) {
        int64_t until_s = (from_s / QUARTER_S + 1) * QUARTER_S;

        if (until_s > run->end_s)
            until_s = run->end_s;
        add_piece(run, from_s, until_s);
        from_s = until_s;
    }
    run->mj = 0;
    for (size_t i = first; i < piece_count; i++)
        run->mj += pieces[i].cpu_mj + pieces[i].dram_mj + pieces[i].gpu_mj;
    end = &pieces[piece_count - 1];
    end->runs = 1;
    if (run->id % 2) {
        end->estimated_mj = run->mj * 5 / 4;
        end->estimated_used_mj = run->mj;
        end->estimated_runs = 1;
    }
}

static void put_run(const struct run *run)
{
    const struct piece *w = &run->whose;
    int64_t values[] = {run->id,      run->id + FIRST_JOB, run->start_s - 600,
                        w->user,      w->account,          w->is_gpu,
                        run->start_s, run->end_s,          w->is_urgent};
    int64_t entry[] = {run->id, run->mj, run->end_s + 60};

    put(to_runs, 10, values);
    put(to_entries, 3, entry);
}

/* Before `until_s`, and none across a month's end. */
static void make_month(const struct window *month, int64_t until_s, int64_t first,
                       int64_t count)
{
    int64_t room_s = until_s - month->from_s - 1600;

    piece_count = 0;
    for (int64_t i = 0; i < count; i++) {
        struct run run = {.id = first + i};

        run.end_s = month->from_s + 1600 + room_s * i / count;
        run.start_s = run.end_s - 60 - (int64_t)draw(1440);
        draw_whose(&run.whose, run.end_s, run.id);
        cut_run(&run);
        put_run(&run);
    }
}

/* The order of the tables' keys, as nearly as numbers are that of names. */
static int by_key(const void *a, const void *b)
{
    const struct piece *x = a, *y = b;

#define ORDER(field)                                                                   \
    if (x->field != y->field)                                                          \
        return x->field < y->field ? -1 : 1;
    ORDER(at_s)
    ORDER(account)
    ORDER(user)
    ORDER(is_gpu)
    ORDER(is_urgent)
    return 0;
}

static int by_line(const void *a, const void *b)
{
    const struct piece *x = a, *y = b;

    ORDER(account)
    ORDER(run)
    return 0;
}

static void add(struct piece *to, const struct piece *more)
{
    to->cpu_mj += more->cpu_mj;
    to->dram_mj += more->dram_mj;
    to->gpu_mj += more->gpu_mj;
    to->estimated_mj += more->estimated_mj;
    to->estimated_used_mj += more->estimated_used_mj;
    to->estimated_runs += more->estimated_runs;
    to->runs += more->runs;
}

/* Sums of pieces that `compare` finds equal, from one sorted list. */
static void put_sums(int (*compare)(const void *a, const void *b), sqlite3_stmt *stmt,
                     bool has_run)
{
    qsort(pieces, piece_count, sizeof *pieces, compare);
    for (size_t i = 0; i < piece_count;) {
        struct piece sum = pieces[i];

        for (i++; i < piece_count && compare(&sum, &pieces[i]) == 0; i++)
            add(&sum, &pieces[i]);
        int64_t values[] = {sum.at_s,
                            sum.account,
                            has_run ? sum.run : sum.user,
                            sum.is_gpu,
                            sum.is_urgent,
                            sum.cpu_mj,
                            sum.dram_mj,
                            sum.gpu_mj,
                            sum.estimated_mj,
                            sum.estimated_used_mj,
                            sum.estimated_runs,
                            sum.runs};
        put(stmt, sqlite3_bind_parameter_count(stmt), values);
    }
}

/* The nodes' own is a fifth more. */
static void put_cluster(void)
{
    for (size_t i = 0; i < piece_count;) {
        struct piece sum = pieces[i];

        for (i++; i < piece_count && pieces[i].at_s == sum.at_s; i++)
            add(&sum, &pieces[i]);
        put(to_cluster, 4, (int64_t[]){sum.at_s, sum.cpu_mj, sum.dram_mj, sum.gpu_mj});
    }
}

static void put_accounts(const struct window *month)
{
    put(to_accounts, 1, (int64_t[]){month->from_s});
}

static void put_month(const struct window *month)
{
    struct window day = {0, 0};

    put_sums(by_key, to_quarters, false);
    put_cluster();
    for (size_t i = 0; i < piece_count; i++) {
        if (pieces[i].at_s >= day.until_s || pieces[i].at_s < day.from_s)
            period_day_of(pieces[i].at_s, &day);
        pieces[i].at_s = day.from_s;
    }
    put_sums(by_key, to_days, false);
    for (size_t i = 0; i < piece_count; i++)
        pieces[i].at_s = month->from_s;
    put_sums(by_key, to_months, false);
    put_accounts(month);
    put_sums(by_line, to_lines, true);
}

#define ACCOUNT(n) "'a' || " #n
#define PARTITION(n) "CASE " #n " WHEN 1 THEN 'gpu' ELSE 'cpu' END"
#define GPU(n) "CASE " #n " WHEN 1 THEN 'a100' ELSE '' END"
#define QOS(n) "CASE " #n " WHEN 1 THEN 'urgent' ELSE 'normal' END"
#define COUNTS "cpu_mj, dram_mj, gpu_mj"
#define WHOLE(table, time)                                                             \
    "INSERT INTO " table " (" time ", cluster, account, user, partition, gpu_types,"   \
    " qos, " COUNTS ", estimated_mj, estimated_used_mj, estimated_runs, runs)"         \
    " VALUES (?1, 'simulated', " ACCOUNT(?2) ", ?3, " PARTITION(?4) ", " GPU(          \
        ?4) ", " QOS(?5) ", ?6, ?7, ?8, ?9, ?10, ?11, ?12)"

static void prepare_all(void)
{
    to_runs = prepare(
        "INSERT INTO runs (id, cluster, job_id, submit_s, restart, job_text, uid, user,"
        " account, partition, gpu_types, name, start_s, end_s, over_seen_s, slurm_state,"
        " node_count, state, cpus, qos, estimated_mj) VALUES (?1, 'simulated', ?2, ?3,"
        " 0, ?2, ?4, ?4, " ACCOUNT(?5) ", " PARTITION(?6) ", " GPU(
            ?6) ", 'train_model', ?7, ?8, ?8, 'COMPLETED', 1, 'settled', 16, " QOS(?9)
        ", CASE ?1 % 2 WHEN 1 THEN ?10 END)");
    to_entries =
        prepare("INSERT INTO entries (id, run_id, kind, mj, time_s, actor, why)"
                " VALUES (?1, ?1, 'charge', ?2, ?3, 'kwotad', '')");
    to_quarters =
        prepare("INSERT INTO rollups (quarter_s, cluster, account, user, partition,"
                " " COUNTS ", runs) VALUES (?1, 'simulated', " ACCOUNT(?2) ", ?3,"
                " " PARTITION(?4) ", ?6, ?7, ?8, ?12) ON CONFLICT DO UPDATE SET"
                " cpu_mj = cpu_mj + excluded.cpu_mj, dram_mj = dram_mj +"
                " excluded.dram_mj, gpu_mj = gpu_mj + excluded.gpu_mj,"
                " runs = runs + excluded.runs");
    to_days = prepare(WHOLE("rollup_days", "day_s"));
    to_months = prepare(WHOLE("rollup_months", "month_s"));
    to_accounts = prepare(
        "INSERT INTO account_months (month_s, cluster, account, " COUNTS ","
        " estimated_mj, estimated_used_mj, estimated_runs, runs) SELECT month_s, "
        "cluster,"
        " account, SUM(cpu_mj), SUM(dram_mj), SUM(gpu_mj), SUM(estimated_mj),"
        " SUM(estimated_used_mj), SUM(estimated_runs), SUM(runs) FROM rollup_months"
        " WHERE month_s = ? GROUP BY cluster, account");
    to_lines = prepare("INSERT INTO run_months (month_s, account, run_id, " COUNTS
                       ") VALUES (?1, " ACCOUNT(?2) ", ?3, ?6, ?7, ?8)");
    to_cluster = prepare(
        "INSERT INTO cluster_quarters (quarter_s, cluster, kind, total_mj, jobs_mj,"
        " node_mj) SELECT ?1, 'simulated', value ->> 0, (value ->> 1) * 6 / 5,"
        " value ->> 1, (value ->> 1) * 6 / 5 - (value ->> 1) FROM json_each("
        "json_array(json_array('package', ?2), json_array('dram', ?3),"
        " json_array('gpu', ?4)))");
}

/* Indices that are not in the order of rows are made when the rows are there. */
static const char *const later[] = {"rollups_account",     "rollups_user",
                                    "rollup_days_account", "rollup_months_account",
                                    "rollup_months_user",  "run_months_run"};
#define LATER (sizeof later / sizeof *later)

static char *drop_index(const char *name)
{
    char sql[128], *text;
    sqlite3_stmt *stmt;

    snprintf(sql, sizeof sql, "SELECT sql FROM sqlite_master WHERE name = '%s'", name);
    stmt = prepare(sql);
    if (sqlite3_step(stmt) != SQLITE_ROW)
        die(name);
    text = strdup((const char *)sqlite3_column_text(stmt, 0));
    sqlite3_finalize(stmt);
    snprintf(sql, sizeof sql, "DROP INDEX %s", name);
    run_sql(sql);
    return text;
}

/* Every account has its budget, and so has every tenth user. */
static void put_quotas(int64_t now_s)
{
    char sql[1024];

    snprintf(sql, sizeof sql,
             "WITH RECURSIVE n(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE"
             " n < %d) INSERT INTO quotas (account, user, mj, period, since_s)"
             " SELECT 'a' || n, '', 1000000000000000, 'month', %lld FROM n"
             " WHERE n < %d UNION ALL SELECT '', n + %d, 1000000000000, 'month', %lld"
             " FROM n WHERE n %% 10 = 0",
             users - 1, (long long)now_s - 86400 * 1000L, accounts, PLAYED_FIRST_UID,
             (long long)now_s - 86400 * 1000L);
    run_sql(sql);
}

static void fill(int64_t runs, int months, int64_t now_s)
{
    const struct period period = {.kind = PERIOD_MONTH};
    struct window now, month;

    period_month_of(now_s, &now);
    period_step(&period, &now, -1, &month);
    heavy_from_s = month.from_s;
    for (int m = 0; m < months; m++) {
        int64_t first = runs * m / months, until_s;

        period_step(&period, &now, m - months + 1, &month);
        until_s = month.until_s < now_s ? month.until_s : now_s;
        run_sql("BEGIN");
        make_month(&month, until_s, first + 1, runs * (m + 1) / months - first);
        put_month(&month);
        run_sql("COMMIT");
    }
}

static int64_t number(const char *sql)
{
    sqlite3_stmt *stmt = prepare(sql);
    int64_t value =
        sqlite3_step(stmt) == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : 0;

    sqlite3_finalize(stmt);
    return value;
}

static void check(void)
{
    static const char *const tables[] = {"rollups", "rollup_days", "rollup_months",
                                         "account_months", "run_months"};
    int64_t charged = number("SELECT SUM(mj) FROM entries");

    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        char sql[128];
        int64_t sum;

        snprintf(sql, sizeof sql, "SELECT SUM(cpu_mj + dram_mj + gpu_mj) FROM %s",
                 tables[i]);
        sum = number(sql);
        snprintf(sql, sizeof sql, "SELECT COUNT(*) FROM %s", tables[i]);
        printf("%s: %lld rows%s\n", tables[i], (long long)number(sql),
               sum == charged ? "" : ", WHICH DO NOT ADD UP TO WHAT WAS CHARGED");
    }
}

static void make_played(const char *path)
{
    struct played head = {
        .nodes = 1, .slots = 1, .users = users, .accounts = accounts, .fan = FAN};
    size_t size = sizeof head + PLAYED_GENERATIONS * sizeof head.jobs[0];
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd < 0 || ftruncate(fd, (off_t)size) < 0 ||
        write(fd, &head, sizeof head) != (ssize_t)sizeof head)
        die(path);
    close(fd);
}

static void open_database(const char *dir)
{
    struct ledger *ledger = ledger_open(dir);
    char path[4096];

    if (!ledger)
        exit(1);
    ledger_close(ledger);
    snprintf(path, sizeof path, "%s/ledger.db", dir);
    if (sqlite3_open(path, &db) != SQLITE_OK)
        die(path);
    run_sql("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = OFF;"
            "PRAGMA synchronous = OFF; PRAGMA cache_size = -1000000;");
}

int main(int argc, char **argv)
{
    int64_t runs = argc > 3 ? strtoll(argv[3], NULL, 10) : 10000000;
    int months = argc > 4 ? atoi(argv[4]) : 24;
    time_t now_s = time(NULL);
    char *indices[LATER];

    if (argc > 6) {
        accounts = (uint32_t)atoi(argv[5]);
        users = (uint32_t)atoi(argv[6]);
    }
    if (argc < 3 || months < 1 || runs < months || accounts < 1 || users < 1000) {
        fprintf(stderr,
                "usage: report-fill DIR PLAYED [RUNS [MONTHS [ACCOUNTS USERS]]]\n");
        return 2;
    }
    make_played(argv[2]);
    open_database(argv[1]);
    pieces = malloc((size_t)(runs / months + 1) * PIECES * sizeof *pieces);
    if (!pieces)
        die("malloc");
    for (size_t i = 0; i < LATER; i++)
        indices[i] = drop_index(later[i]);
    prepare_all();
    fill(runs, months, now_s);
    put_quotas(now_s);
    for (size_t i = 0; i < LATER; i++)
        run_sql(indices[i]);
    check();
    printf("filled in %lld s\n", (long long)(time(NULL) - now_s));
    return 0;
}
