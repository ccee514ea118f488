/* summary.c - which settled runs slurmdbd is still to be told of, and what */
#include "policy/summary.h"

#include "policy/energy.h"

#define DELAY_FIRST_S 5
#define DELAY_MOST_S 3600

int64_t summary_delay_s(int64_t tries)
{
    int64_t delay_s = DELAY_FIRST_S;

    while (tries-- > 0 && delay_s < DELAY_MOST_S)
        delay_s *= 2;
    return delay_s < DELAY_MOST_S ? delay_s : DELAY_MOST_S;
}

/* The number of the last entry that was looked at; -1: none ever was. */
static int64_t place(struct ledger *ledger, const char *cluster)
{
    return ledger_number(ledger, -1,
                         "SELECT entry_id FROM summary_place WHERE cluster = ?", "s",
                         cluster);
}

static int put_place(struct ledger *ledger, const char *cluster, int64_t entry_id)
{
    return ledger_do(
        ledger,
        "INSERT INTO summary_place (cluster, entry_id) VALUES (?,?)"
        " ON CONFLICT (cluster) DO UPDATE SET entry_id = excluded.entry_id",
        "si", cluster, entry_id);
}

int summary_collect(struct ledger *ledger, const char *cluster, int64_t most)
{
    int64_t from = place(ledger, cluster);
    int64_t newest =
        ledger_number(ledger, 0, "SELECT COALESCE(MAX(id), 0) FROM entries", "");
    int64_t until;
    int count;

    if (from == newest)
        return 0;
    if (from < 0)
        return put_place(ledger, cluster, newest);
    until = ledger_number(ledger, newest,
                          "SELECT id FROM entries WHERE id > ? ORDER BY id"
                          " LIMIT 1 OFFSET ?",
                          "ii", from, most - 1);
    if (ledger_do(ledger,
                  "INSERT INTO summaries_due (run_id, next_s, tries, news)"
                  " SELECT DISTINCT e.run_id, 0, 0, 0 FROM entries e"
                  " JOIN runs r ON r.id = e.run_id"
                  " WHERE e.id > ? AND e.id <= ? AND r.cluster = ?"
                  " ON CONFLICT (run_id) DO UPDATE SET next_s = 0, tries = 0,"
                  "  news = summaries_due.news + 1",
                  "iis", from, until, cluster) < 0)
        return -1;
    count = ledger_changed(ledger);
    return put_place(ledger, cluster, until) < 0 ? -1 : count;
}

static void read_used(struct ledger *ledger, int64_t run_id, struct summary *summary)
{
    sqlite3_stmt *stmt = ledger_query(
        ledger,
        "SELECT d.kind, SUM(d.uj / 1000), MAX(d.apportioned) FROM run_domains d"
        " JOIN tokens t ON t.token = d.token"
        " WHERE t.run_id = ? AND d.uj IS NOT NULL GROUP BY d.kind",
        "i", run_id);

    while (stmt && sqlite3_step(stmt) == SQLITE_ROW) {
        kinds_add(&summary->used, kind_of((const char *)sqlite3_column_text(stmt, 0)),
                  sqlite3_column_int64(stmt, 1));
        if (sqlite3_column_int(stmt, 2))
            summary->quality = SUMMARY_APPORTIONED;
    }
    ledger_done(ledger, stmt);
}

static void read_entries(struct ledger *ledger, int64_t run_id, struct summary *summary)
{
    sqlite3_stmt *stmt =
        ledger_query(ledger,
                     "SELECT SUM(CASE WHEN kind <> 'overrun' THEN mj ELSE 0 END),"
                     " SUM(CASE WHEN kind = 'overrun' THEN mj ELSE 0 END),"
                     " SUM(CASE WHEN kind = 'credit' THEN -mj ELSE 0 END),"
                     " SUM(price_u), SUM(co2_mg), SUM(unpriced_mj),"
                     " SUM(co2_unknown_mj) FROM entries WHERE run_id = ?",
                     "i", run_id);

    if (stmt && sqlite3_step(stmt) == SQLITE_ROW) {
        summary->charge_mj = sqlite3_column_int64(stmt, 0);
        summary->overrun_mj = sqlite3_column_int64(stmt, 1);
        summary->credit_mj = sqlite3_column_int64(stmt, 2);
        summary->priced = sqlite3_column_type(stmt, 3) != SQLITE_NULL;
        summary->price_u = sqlite3_column_int64(stmt, 3);
        summary->co2_told = sqlite3_column_type(stmt, 4) != SQLITE_NULL;
        summary->co2_mg = sqlite3_column_int64(stmt, 4);
        summary->unpriced_mj = sqlite3_column_int64(stmt, 5);
        summary->co2_unknown_mj = sqlite3_column_int64(stmt, 6);
    }
    ledger_done(ledger, stmt);
}

/* As `kwota job` tells it. */
static void read_summary(struct ledger *ledger, int64_t run_id, struct summary *summary)
{
    *summary = (struct summary){.quality = SUMMARY_MEASURED};
    kinds_clear(&summary->used);
    read_used(ledger, run_id, summary);
    read_entries(ledger, run_id, summary);
    summary->simulated = ledger_number(
        ledger, 0, "SELECT MAX(simulated) FROM tokens WHERE run_id = ?", "i", run_id);
    if (summary_total_mj(summary) == ENERGY_UNKNOWN ||
        ledger_number(ledger, 0,
                      "SELECT reasons <> '' OR EXISTS (SELECT 1 FROM tokens t"
                      "  WHERE t.run_id = r.id AND t.reasons NOT IN ('', '[]'))"
                      " FROM runs r WHERE id = ?",
                      "i", run_id))
        summary->quality = SUMMARY_PARTIAL;
}

int summary_next(struct ledger *ledger, const char *cluster, int64_t now_s,
                 struct summary_due *due, int most)
{
    sqlite3_stmt *stmt = ledger_query(
        ledger,
        "SELECT d.run_id, d.news, d.tries, r.job_id, r.submit_s"
        " FROM summaries_due d JOIN runs r ON r.id = d.run_id"
        " WHERE d.next_s <= ? AND r.cluster = ? ORDER BY d.next_s, d.run_id LIMIT ?",
        "isi", now_s, cluster, (int64_t)most);
    int count = 0;

    if (!stmt)
        return -1;
    while (count < most && sqlite3_step(stmt) == SQLITE_ROW)
        due[count++] =
            (struct summary_due){.run_id = sqlite3_column_int64(stmt, 0),
                                 .news = sqlite3_column_int64(stmt, 1),
                                 .tries = sqlite3_column_int64(stmt, 2),
                                 .job_id = (uint32_t)sqlite3_column_int64(stmt, 3),
                                 .submit_s = sqlite3_column_int64(stmt, 4)};
    ledger_done(ledger, stmt);
    for (int i = 0; i < count; i++)
        read_summary(ledger, due[i].run_id, &due[i].summary);
    return count;
}

int summary_told(struct ledger *ledger, const struct summary_due *due)
{
    return ledger_do(ledger, "DELETE FROM summaries_due WHERE run_id = ? AND news = ?",
                     "ii", due->run_id, due->news);
}

int summary_later(struct ledger *ledger, const struct summary_due *due, int64_t now_s)
{
    if (due->tries + 1 >= SUMMARY_TRIES)
        return summary_told(ledger, due) < 0 ? -1 : 1;
    return ledger_do(ledger,
                     "UPDATE summaries_due SET next_s = ?, tries = ? WHERE run_id = ?"
                     " AND news = ?",
                     "iiii", now_s + summary_delay_s(due->tries), due->tries + 1,
                     due->run_id, due->news);
}
