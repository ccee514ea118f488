/* verify_runs.c - whether each run has what it must: one charge, all of its energy */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/kind.h"
#include "policy/verify_inside.h"

/* So many runs at once. */
#define PIECE 1000

/* What energy costs and causes, and what of it is not known. */
static const char *const costs[] = {"millionths of the price", "mg of CO2",
                                    "mJ without a price", "mJ without CO2"};
#define COSTS ((int)(sizeof costs / sizeof *costs))
#define COST_SUMS " SUM(price_u), SUM(co2_mg), SUM(unpriced_mj), SUM(co2_unknown_mj)"

/* What the books say of one run. */
struct run_books {
    int64_t id, overrun_mj;
    char text[64];
    bool settled, pruned, lien;
    int64_t charges, entries;
    int64_t billed_mj, borne_mj, credit_mj;   /* by its entries */
    int64_t used_mj[KINDS], posted_mj[KINDS]; /* by its quarter-hours */
    int64_t counts_mj[KINDS];                 /* by its nodes' counts */
    int64_t months_mj[KINDS], months_borne_mj, months_credit_mj;
    int64_t costs[COSTS], months_costs[COSTS]; /* by its entries, by its months */
};

struct piece {
    struct run_books *runs; /* by id */
    int count;
};

static int by_id(const void *a, const void *b)
{
    const struct run_books *x = a, *y = b;

    return (x->id > y->id) - (x->id < y->id);
}

static struct run_books *find(struct piece *piece, int64_t id)
{
    struct run_books wanted = {.id = id};

    return bsearch(&wanted, piece->runs, (size_t)piece->count, sizeof wanted, by_id);
}

static int read_runs(struct verify *v, int64_t after, struct piece *piece)
{
    sqlite3_stmt *row = ledger_query(
        v->ledger,
        "SELECT r.id, r.job_text, r.state = 'settled', r.pruned_s IS NOT NULL,"
        " r.overrun_mj, l.run_id IS NOT NULL FROM runs r LEFT JOIN liens l"
        " ON l.run_id = r.id WHERE r.id > ? AND COALESCE(r.end_s, r.start_s) >= ?"
        " AND r.start_s < ? ORDER BY r.id LIMIT ?",
        "iiii", after, v->range->start_s, v->range->end_s, (int64_t)PIECE);
    int rc = SQLITE_NOMEM;

    while (row && piece->count < PIECE && (rc = sqlite3_step(row)) == SQLITE_ROW) {
        struct run_books *run = &piece->runs[piece->count++];

        *run = (struct run_books){.id = sqlite3_column_int64(row, 0),
                                  .settled = sqlite3_column_int(row, 2) != 0,
                                  .pruned = sqlite3_column_int(row, 3) != 0,
                                  .overrun_mj = sqlite3_column_int64(row, 4),
                                  .lien = sqlite3_column_int(row, 5) != 0};
        snprintf(run->text, sizeof run->text, "%s",
                 (const char *)sqlite3_column_text(row, 1));
    }
    ledger_done(v->ledger, row);
    return rc == SQLITE_DONE || rc == SQLITE_ROW ? 0 : -1;
}

static void take_entry(struct run_books *run, sqlite3_stmt *row)
{
    const char *kind = (const char *)sqlite3_column_text(row, 1);
    int64_t count = sqlite3_column_int64(row, 2), mj = sqlite3_column_int64(row, 3);

    run->entries += count;
    for (int c = 0; c < COSTS; c++)
        run->costs[c] += sqlite3_column_int64(row, 4 + c);
    if (strcmp(kind, "charge") == 0)
        run->charges += count;
    if (strcmp(kind, "overrun") == 0)
        run->borne_mj += mj;
    else if (strcmp(kind, "credit") == 0)
        run->credit_mj += mj;
    else
        run->billed_mj += mj;
}

static void take_quarters(struct run_books *run, sqlite3_stmt *row)
{
    enum kind kind = kind_of((const char *)sqlite3_column_text(row, 1));

    run->posted_mj[kind] += sqlite3_column_int64(row, 2);
    run->used_mj[kind] += sqlite3_column_int64(row, 3);
}

static void take_counts(struct run_books *run, sqlite3_stmt *row)
{
    enum kind kind = kind_of((const char *)sqlite3_column_text(row, 1));

    run->counts_mj[kind] += sqlite3_column_int64(row, 2) / 1000;
}

static void take_months(struct run_books *run, sqlite3_stmt *row)
{
    for (int k = 0; k < KINDS; k++)
        run->months_mj[k] = sqlite3_column_int64(row, 1 + k);
    run->months_borne_mj = sqlite3_column_int64(row, 5);
    run->months_credit_mj = sqlite3_column_int64(row, 6);
    for (int c = 0; c < COSTS; c++)
        run->months_costs[c] = sqlite3_column_int64(row, 7 + c);
}

static const struct {
    const char *sql; /* rows of a run's id and more, from ?1 to ?2 */
    void (*take)(struct run_books *run, sqlite3_stmt *row);
} sources[] = {
    {"SELECT run_id, kind, COUNT(*), SUM(mj)," COST_SUMS " FROM entries"
     " WHERE run_id >= ? AND run_id <= ? GROUP BY run_id, kind",
     take_entry},
    {"SELECT t.run_id, q.kind, SUM(q.posted_mj), SUM(q.mj) FROM tokens t"
     " JOIN run_quarters q ON q.token = t.token"
     " WHERE t.run_id >= ? AND t.run_id <= ? GROUP BY t.run_id, q.kind",
     take_quarters},
    /* A count is charged in whole millijoules. */
    {"SELECT t.run_id, d.kind, SUM(d.uj - d.uj % 1000) FROM tokens t"
     " JOIN run_domains d ON d.token = t.token WHERE t.run_id >= ? AND t.run_id <= ?"
     " AND d.uj IS NOT NULL GROUP BY t.run_id, d.kind",
     take_counts},
    {"SELECT run_id, SUM(cpu_mj), SUM(dram_mj), SUM(gpu_mj), SUM(other_mj),"
     " SUM(overrun_mj), SUM(credit_mj)," COST_SUMS " FROM run_months"
     " WHERE run_id >= ? AND run_id <= ? GROUP BY run_id",
     take_months},
};

static int read_rest(struct verify *v, struct piece *piece)
{
    for (size_t s = 0; s < sizeof sources / sizeof *sources; s++) {
        sqlite3_stmt *row =
            ledger_query(v->ledger, sources[s].sql, "ii", piece->runs[0].id,
                         piece->runs[piece->count - 1].id);
        int rc = SQLITE_NOMEM;

        while (row && (rc = sqlite3_step(row)) == SQLITE_ROW) {
            struct run_books *run = find(piece, sqlite3_column_int64(row, 0));

            if (run)
                sources[s].take(run, row);
        }
        ledger_done(v->ledger, row);
        if (rc != SQLITE_DONE)
            return -1;
    }
    return 0;
}

static int64_t total(const int64_t mj[KINDS])
{
    int64_t sum = 0;

    for (int k = 0; k < KINDS; k++)
        sum += mj[k];
    return sum;
}

static void check_open(struct verify *v, const struct run_books *run,
                       const struct verify_run *it)
{
    if (run->entries > 0)
        verify_breach(v, "charge", it, VERIFY_REMEDY,
                      "job %s is not settled, and has %" PRId64 " entries already",
                      run->text, run->entries);
    if (total(run->posted_mj) != 0)
        verify_breach(v, "roll-ups", it, VERIFY_REMEDY,
                      "job %s is not settled, and %" PRId64
                      " mJ of it are posted to the roll-ups already",
                      run->text, total(run->posted_mj));
}

static void check_charge(struct verify *v, const struct run_books *run,
                         const struct verify_run *it)
{
    if (run->charges == 0)
        verify_breach(v, "charge", it, VERIFY_REMEDY,
                      "job %s is settled and was never charged", run->text);
    if (run->charges > 1)
        verify_breach(v, "charge", it, VERIFY_REMEDY,
                      "job %s was charged %" PRId64 " times", run->text, run->charges);
    if (run->lien)
        verify_breach(v, "lien", it, VERIFY_REMEDY,
                      "job %s is settled, and its lien is still set aside", run->text);
    if (run->overrun_mj != run->borne_mj)
        verify_breach(v, "overrun", it, VERIFY_REMEDY,
                      "job %s: %" PRId64 " mJ are noted as overrun, its entries of it "
                      "come to %" PRId64 " mJ",
                      run->text, run->overrun_mj, run->borne_mj);
}

/* Of a run whose detail is gone the months are all there is of it. */
static void check_entries(struct verify *v, const struct run_books *run,
                          const struct verify_run *it)
{
    int64_t entered_mj = run->billed_mj + run->borne_mj;
    int64_t posted_mj = total(run->pruned ? run->months_mj : run->posted_mj);

    if (entered_mj != posted_mj)
        verify_breach(v, "energy", it, VERIFY_REMEDY,
                      "job %s: its charge, adjustments and overrun come to %" PRId64
                      " mJ, %s to %" PRId64 " mJ",
                      run->text, entered_mj,
                      run->pruned ? "its months"
                                  : "what is posted of its quarter-hours",
                      posted_mj);
}

static void check_months(struct verify *v, const struct run_books *run,
                         const struct verify_run *it)
{
    for (int k = 0; k < KINDS && !run->pruned; k++)
        if (run->months_mj[k] != run->posted_mj[k])
            verify_breach(v, "months", it, VERIFY_REMEDY,
                          "job %s: its months have %" PRId64 " mJ of %s, its quarter-"
                          "hours %" PRId64 " mJ",
                          run->text, run->months_mj[k], kind_name((enum kind)k),
                          run->posted_mj[k]);
    if (run->months_borne_mj != run->borne_mj)
        verify_breach(v, "months", it, VERIFY_REMEDY,
                      "job %s: its months have %" PRId64 " mJ of overrun, its entries "
                      "%" PRId64 " mJ",
                      run->text, run->months_borne_mj, run->borne_mj);
    if (run->months_credit_mj != -run->credit_mj)
        verify_breach(v, "months", it, VERIFY_REMEDY,
                      "job %s: its months have %" PRId64 " mJ of credit, its entries "
                      "%" PRId64 " mJ",
                      run->text, run->months_credit_mj, -run->credit_mj);
}

static void check_costs(struct verify *v, const struct run_books *run,
                        const struct verify_run *it)
{
    for (int c = 0; c < COSTS; c++)
        if (run->months_costs[c] != run->costs[c])
            verify_breach(v, "months", it, VERIFY_REMEDY,
                          "job %s: its months have %" PRId64
                          " %s, its entries %" PRId64,
                          run->text, run->months_costs[c], costs[c], run->costs[c]);
}

static void check_counts(struct verify *v, const struct run_books *run,
                         const struct verify_run *it)
{
    for (int k = 0; k < KINDS && !run->pruned; k++)
        if (run->used_mj[k] != run->counts_mj[k])
            verify_breach(v, "counts", it, VERIFY_REMEDY,
                          "job %s: its quarter-hours come to %" PRId64
                          " mJ of %s, its nodes' counts to %" PRId64 " mJ",
                          run->text, run->used_mj[k], kind_name((enum kind)k),
                          run->counts_mj[k]);
    if (run->pruned && (total(run->used_mj) || total(run->counts_mj)))
        verify_breach(
            v, "counts", it, VERIFY_REMEDY,
            "job %s: its detail was dropped, and there are counts of it again",
            run->text);
}

static void check(struct verify *v, const struct run_books *run)
{
    const struct verify_run it = {run->id, run->text};

    check_counts(v, run, &it);
    if (!run->settled) {
        check_open(v, run, &it);
        return;
    }
    check_charge(v, run, &it);
    check_entries(v, run, &it);
    check_months(v, run, &it);
    check_costs(v, run, &it);
    if (memcmp(run->used_mj, run->posted_mj, sizeof run->used_mj) != 0)
        v->found->waiting++;
}

static int percent_of(struct verify *v, int64_t id)
{
    int64_t last = ledger_number(v->ledger, 0, "SELECT MAX(id) FROM runs", "");

    return last > 0 ? (int)((__int128)id * 100 / last) : 100;
}

int verify_runs(struct verify *v, int64_t *after)
{
    struct piece piece = {calloc(PIECE, sizeof *piece.runs), 0};
    int rc = piece.runs ? read_runs(v, *after, &piece) : -1;

    if (rc == 0 && piece.count > 0)
        rc = read_rest(v, &piece);
    for (int i = 0; i < piece.count && rc == 0; i++)
        check(v, &piece.runs[i]);
    if (rc == 0 && piece.count > 0) {
        *after = piece.runs[piece.count - 1].id;
        v->found->checked = piece.count;
        v->found->percent = percent_of(v, *after);
    }
    if (rc == 0)
        rc = piece.count == PIECE;
    free(piece.runs);
    return rc;
}

int verify_unbound(struct verify *v, int64_t *after)
{
    sqlite3_stmt *row = ledger_query(
        v->ledger,
        "SELECT t.node, t.job_id, COALESCE((SELECT SUM(q.mj) FROM run_quarters q"
        "  WHERE q.token = t.token), 0),"
        " COALESCE((SELECT SUM(d.uj - d.uj % 1000) FROM run_domains d"
        "  WHERE d.token = t.token), 0),"
        " COALESCE((SELECT SUM(q.posted_mj) FROM run_quarters q"
        "  WHERE q.token = t.token), 0)"
        " FROM tokens t WHERE t.run_id IS NULL",
        "");
    int rc = SQLITE_NOMEM;

    (void)after;
    while (row && (rc = sqlite3_step(row)) == SQLITE_ROW) {
        const char *node = (const char *)sqlite3_column_text(row, 0);
        int64_t job = sqlite3_column_int64(row, 1), used = sqlite3_column_int64(row, 2);
        int64_t counts = sqlite3_column_int64(row, 3) / 1000;
        int64_t posted = sqlite3_column_int64(row, 4);

        v->found->checked++;
        if (used != counts)
            verify_breach(v, "counts", NULL, VERIFY_REMEDY,
                          "node %s's part of job %" PRId64 ", which is no run's: its "
                          "quarter-hours come to %" PRId64 " mJ, its counts to %" PRId64
                          " mJ",
                          node, job, used, counts);
        if (posted != 0)
            verify_breach(v, "roll-ups", NULL, VERIFY_REMEDY,
                          "node %s's part of job %" PRId64 " is no run's, and %" PRId64
                          " mJ of it are posted to the roll-ups",
                          node, job, posted);
    }
    ledger_done(v->ledger, row);
    return rc == SQLITE_DONE ? 0 : -1;
}
