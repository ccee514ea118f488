/* posting.c - what a run has used, put into the ledger's sums */
#include "policy/posting.h"

#include <stdlib.h>
#include <string.h>

#include "policy/period.h"
#include "policy/quarter.h"

#define PLUS(column) #column " = " #column " + excluded." #column

#define COUNTS "cpu_mj, dram_mj, gpu_mj, other_mj, overrun_mj"
#define PLUS_COUNTS                                                                    \
    PLUS(cpu_mj)                                                                       \
    ", " PLUS(dram_mj) ", " PLUS(gpu_mj) ", " PLUS(other_mj) ", " PLUS(overrun_mj)

#define COSTS "price_u, co2_mg, unpriced_mj, co2_unknown_mj"
#define PLUS_COSTS                                                                     \
    PLUS(price_u) ", " PLUS(co2_mg) ", " PLUS(unpriced_mj) ", " PLUS(co2_unknown_mj)

#define LINE COUNTS ", credit_mj, " COSTS
#define PLUS_LINE PLUS_COUNTS ", " PLUS(credit_mj) ", " PLUS_COSTS

#define WHOLE LINE ", estimated_mj, estimated_used_mj, estimated_runs, runs"
#define PLUS_WHOLE                                                                     \
    PLUS_LINE ", " PLUS(estimated_mj) ", " PLUS(estimated_used_mj) ", " PLUS(          \
        estimated_runs) ", " PLUS(runs)

static const char to_quarters[] =
    "INSERT INTO rollups (quarter_s, cluster, account, user, partition, " COUNTS
    ", " COSTS ", runs)"
    " SELECT ?2, cluster, account, user, partition, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10,"
    " ?11, ?12 FROM runs WHERE id = ?1 ON CONFLICT DO UPDATE SET " PLUS_COUNTS
    ", " PLUS_COSTS ", " PLUS(runs);

static const char to_days[] =
    "INSERT INTO rollup_days (day_s, cluster, account, user, partition, qos, gpu_types,"
    " " WHOLE ") SELECT ?2, cluster, account, user, partition, qos, gpu_types,"
    " ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16"
    " FROM runs WHERE id = ?1 ON CONFLICT DO UPDATE SET " PLUS_WHOLE;

static const char to_months[] =
    "INSERT INTO rollup_months (month_s, cluster, account, user, partition, qos,"
    " gpu_types, " WHOLE ") SELECT ?2, cluster, account, user, partition, qos,"
    " gpu_types, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16"
    " FROM runs WHERE id = ?1 ON CONFLICT DO UPDATE SET " PLUS_WHOLE;

static const char to_accounts[] =
    "INSERT INTO account_months (month_s, cluster, account, " WHOLE
    ") SELECT ?2, cluster, account, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, "
    "?14,"
    " ?15, ?16 FROM runs WHERE id = ?1 ON CONFLICT DO UPDATE SET " PLUS_WHOLE;

static const char to_lines[] =
    "INSERT INTO run_months (month_s, account, run_id, " LINE
    ") SELECT ?2, account, id, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12"
    " FROM runs WHERE id = ?1 ON CONFLICT DO UPDATE SET " PLUS_LINE;

static int by_time(const void *a, const void *b)
{
    const struct posting_row *x = a, *y = b;

    return x->quarter_s < y->quarter_s ? -1 : x->quarter_s > y->quarter_s;
}

/* A new row, all zero; NULL: memory is out. */
static struct posting_row *new_row(struct posting *posting, int64_t quarter_s)
{
    struct posting_row *rows = posting->rows;

    /* Grows by powers of two: it is full whenever its count is one. */
    if ((posting->count & (posting->count - 1)) == 0) {
        size_t room = posting->count ? 2 * posting->count : 1;

        rows = realloc(rows, room * sizeof *rows);
        if (!rows)
            return NULL;
        posting->rows = rows;
    }
    rows += posting->count++;
    memset(rows, 0, sizeof *rows);
    rows->quarter_s = quarter_s;
    return rows;
}

static int read_use(struct ledger *ledger, struct posting *posting)
{
    sqlite3_stmt *stmt = ledger_query(
        ledger,
        "SELECT q.quarter_s, SUM(CASE q.kind WHEN 'package' THEN q.mj - q.posted_mj"
        "  ELSE 0 END),"
        " SUM(CASE q.kind WHEN 'dram' THEN q.mj - q.posted_mj ELSE 0 END),"
        " SUM(CASE q.kind WHEN 'gpu' THEN q.mj - q.posted_mj ELSE 0 END),"
        " SUM(CASE WHEN q.kind IN ('package', 'dram', 'gpu') THEN 0"
        "  ELSE q.mj - q.posted_mj END)"
        " FROM tokens t JOIN run_quarters q ON q.token = t.token"
        " WHERE t.run_id = ? AND q.mj <> q.posted_mj GROUP BY q.quarter_s"
        " ORDER BY q.quarter_s",
        "i", posting->run_id);
    int rc = SQLITE_NOMEM;

    while (stmt && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        struct posting_row *row = new_row(posting, sqlite3_column_int64(stmt, 0));

        if (!row)
            break;
        for (int k = FIGURE_CPU_MJ; k <= FIGURE_OTHER_MJ; k++) {
            row->figures[k] = sqlite3_column_int64(stmt, k + 1);
            posting->mj += row->figures[k];
        }
    }
    ledger_done(ledger, stmt);
    return rc == SQLITE_DONE ? 0 : -1;
}

/* Finds the row of the quarter-hour in which the run ended, or makes it. */
static int find_end(struct posting *posting, int64_t end_s)
{
    struct posting_row key = {.quarter_s = end_s / QUARTER_S * QUARTER_S}, *row = NULL;

    if (posting->count > 0)
        row = bsearch(&key, posting->rows, posting->count, sizeof key, by_time);
    if (!row) {
        if (!new_row(posting, key.quarter_s))
            return -1;
        qsort(posting->rows, posting->count, sizeof key, by_time);
        row = bsearch(&key, posting->rows, posting->count, sizeof key, by_time);
    }
    posting->end = (size_t)(row - posting->rows);
    return 0;
}

/* Measured is set against estimated in the same place for the same runs, or it would
 * say nothing. */
static void add_estimate(struct posting *posting, bool first, int64_t estimated_mj)
{
    posting_add(posting, FIGURE_ESTIMATED_USED_MJ, posting->mj);
    if (!first)
        return;
    posting_add(posting, FIGURE_ESTIMATED_MJ, estimated_mj);
    posting_add(posting, FIGURE_ESTIMATED_RUNS, 1);
}

int posting_read(struct ledger *ledger, int64_t run_id, bool first,
                 struct posting *posting)
{
    sqlite3_stmt *stmt;
    int rc = -1;

    memset(posting, 0, sizeof *posting);
    posting->run_id = run_id;
    if (read_use(ledger, posting) < 0)
        return -1;
    stmt = ledger_query(ledger, "SELECT end_s, estimated_mj FROM runs WHERE id = ?",
                        "i", run_id);
    if (stmt && sqlite3_step(stmt) == SQLITE_ROW &&
        find_end(posting, sqlite3_column_int64(stmt, 0)) == 0) {
        if (sqlite3_column_type(stmt, 1) != SQLITE_NULL)
            add_estimate(posting, first, sqlite3_column_int64(stmt, 1));
        if (first)
            posting_add(posting, FIGURE_RUNS, 1);
        rc = 0;
    }
    ledger_done(ledger, stmt);
    return rc;
}

void posting_add(struct posting *posting, enum figure figure, int64_t value)
{
    posting->rows[posting->end].figures[figure] += value;
}

int64_t posting_open_s(struct ledger *ledger)
{
    return ledger_number(ledger, 0, "SELECT MAX(until_s) FROM periods", "");
}

static int post_quarter(struct ledger *ledger, int64_t run_id, int64_t quarter_s,
                        const int64_t *f)
{
    return ledger_do(ledger, to_quarters, "iiiiiiiiiiii", run_id, quarter_s,
                     f[FIGURE_CPU_MJ], f[FIGURE_DRAM_MJ], f[FIGURE_GPU_MJ],
                     f[FIGURE_OTHER_MJ], f[FIGURE_OVERRUN_MJ] + f[FIGURE_CREDIT_MJ],
                     f[FIGURE_PRICE_U], f[FIGURE_CO2_MG], f[FIGURE_UNPRICED_MJ],
                     f[FIGURE_CO2_UNKNOWN_MJ], f[FIGURE_RUNS]);
}

static int post_whole(struct ledger *ledger, const char *sql, int64_t run_id,
                      int64_t from_s, const int64_t *f)
{
    return ledger_do(ledger, sql, "iiiiiiiiiiiiiiii", run_id, from_s, f[FIGURE_CPU_MJ],
                     f[FIGURE_DRAM_MJ], f[FIGURE_GPU_MJ], f[FIGURE_OTHER_MJ],
                     f[FIGURE_OVERRUN_MJ], f[FIGURE_CREDIT_MJ], f[FIGURE_PRICE_U],
                     f[FIGURE_CO2_MG], f[FIGURE_UNPRICED_MJ], f[FIGURE_CO2_UNKNOWN_MJ],
                     f[FIGURE_ESTIMATED_MJ], f[FIGURE_ESTIMATED_USED_MJ],
                     f[FIGURE_ESTIMATED_RUNS], f[FIGURE_RUNS]);
}

static int post_day(struct ledger *ledger, int64_t run_id, int64_t day_s,
                    const int64_t *f)
{
    return post_whole(ledger, to_days, run_id, day_s, f);
}

static int post_month(struct ledger *ledger, int64_t run_id, int64_t month_s,
                      const int64_t *f)
{
    if (post_whole(ledger, to_months, run_id, month_s, f) < 0 ||
        post_whole(ledger, to_accounts, run_id, month_s, f) < 0)
        return -1;
    return ledger_do(ledger, to_lines, "iiiiiiiiiiii", run_id, month_s,
                     f[FIGURE_CPU_MJ], f[FIGURE_DRAM_MJ], f[FIGURE_GPU_MJ],
                     f[FIGURE_OTHER_MJ], f[FIGURE_OVERRUN_MJ], f[FIGURE_CREDIT_MJ],
                     f[FIGURE_PRICE_U], f[FIGURE_CO2_MG], f[FIGURE_UNPRICED_MJ],
                     f[FIGURE_CO2_UNKNOWN_MJ]);
}

static void quarter_of(int64_t at_s, struct window *window)
{
    *window = (struct window){at_s, at_s + QUARTER_S};
}

static bool any(const int64_t *figures)
{
    for (int k = 0; k < FIGURES; k++)
        if (figures[k] != 0)
            return true;
    return false;
}

/* One statement for all rows of a window. */
static int post_windows(struct ledger *ledger, const struct posting *posting,
                        void (*window_of)(int64_t at_s, struct window *window),
                        int (*post)(struct ledger *ledger, int64_t run_id,
                                    int64_t from_s, const int64_t *figures))
{
    for (size_t i = 0; i < posting->count;) {
        int64_t sums[FIGURES] = {0};
        struct window window;

        window_of(posting->rows[i].quarter_s, &window);
        for (; i < posting->count && posting->rows[i].quarter_s < window.until_s; i++)
            for (int k = 0; k < FIGURES; k++)
                sums[k] += posting->rows[i].figures[k];
        if (any(sums) && post(ledger, posting->run_id, window.from_s, sums) < 0)
            return -1;
    }
    return 0;
}

int posting_make(struct ledger *ledger, struct posting *posting)
{
    int64_t open_s = posting_open_s(ledger);

    for (size_t i = 0; i < posting->count; i++)
        if (posting->rows[i].quarter_s < open_s)
            posting->rows[i].quarter_s = open_s;
    if (post_windows(ledger, posting, quarter_of, post_quarter) < 0 ||
        post_windows(ledger, posting, period_day_of, post_day) < 0 ||
        post_windows(ledger, posting, period_month_of, post_month) < 0)
        return -1;
    return ledger_do(
        ledger,
        "UPDATE run_quarters SET posted_mj = mj WHERE mj <> posted_mj AND token IN"
        " (SELECT token FROM tokens WHERE run_id = ?)",
        "i", posting->run_id);
}

void posting_free(struct posting *posting)
{
    free(posting->rows);
    posting->rows = NULL;
    posting->count = 0;
}
