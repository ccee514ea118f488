/* live.c - counts of running runs that wait in memory for the ledger */
#include "policy/live.h"

#include <stdio.h>
#include <string.h>

/* Where the wait would hardly be longer than a report's interval, nothing waits. */
#define WORTH_PERCENT 150

int live_pace(struct ledger *ledger, int64_t save_s, int64_t report_ms)
{
    int64_t wait_ms = save_s * 1000;

    if (save_s < 0) {
        int64_t runs = ledger_number(ledger, 0, "SELECT COUNT(*) FROM used", "");

        wait_ms = runs * 1000 / LIVE_RUNS_A_SECOND;
        if (wait_ms < report_ms * WORTH_PERCENT / 100)
            wait_ms = 0;
    }
    return ledger_do(ledger, "UPDATE live_pace SET wait_ms = ?", "i", wait_ms);
}

/* What is known of a token. */
struct known {
    int64_t saved_mj, saved_ms, mj, shape, wait_ms;
    bool watched;
};

static bool read_known(struct ledger *ledger, const char *token, struct known *known)
{
    sqlite3_stmt *row = ledger_query(
        ledger,
        "SELECT saved_mj, saved_ms, mj, shape, (SELECT wait_ms FROM live_pace),"
        " EXISTS (SELECT 1 FROM live_watched w WHERE w.run_id = v.run_id)"
        " FROM live v WHERE token = ?",
        "s", token);
    bool found = row && sqlite3_step(row) == SQLITE_ROW;

    if (found)
        *known = (struct known){.saved_mj = sqlite3_column_int64(row, 0),
                                .saved_ms = sqlite3_column_int64(row, 1),
                                .mj = sqlite3_column_int64(row, 2),
                                .shape = sqlite3_column_int64(row, 3),
                                .wait_ms = sqlite3_column_int64(row, 4),
                                .watched = sqlite3_column_int(row, 5) != 0};
    ledger_done(ledger, row);
    return found;
}

/* A count that went back, and a clock, are for those to judge who save. */
static bool may_wait(const struct known *known, const struct live_counts *counts)
{
    return !known->watched && counts->shape == known->shape &&
           counts->mj >= known->saved_mj + known->mj &&
           counts->to_ms >= known->saved_ms &&
           counts->to_ms < known->saved_ms + known->wait_ms;
}

bool live_note(struct ledger *ledger, const struct live_counts *counts)
{
    struct known known;
    char *text;
    int rc;

    if (!read_known(ledger, counts->token, &known) || !may_wait(&known, counts))
        return false;
    text = json_dumps(counts->domains, JSON_COMPACT);
    rc = text ? ledger_do(ledger,
                          "UPDATE live SET last_mj = ?1 - mj, mj = ?1, from_ms = to_ms,"
                          " to_ms = ?2, cpu_ns = ?3, counts = ?4 WHERE token = ?5",
                          "iiiss", counts->mj - known.saved_mj, counts->to_ms,
                          counts->cpu_ns, text, counts->token)
              : -1;
    free(text);
    return rc == 0;
}

int live_saved(struct ledger *ledger, const struct live_counts *counts)
{
    /* The trigger takes from `used` what was noted: saving has added it there. */
    if (ledger_do(ledger,
                  "UPDATE live SET mj = 0, saved_mj = ?1, saved_ms = ?2, shape = ?3,"
                  " from_ms = to_ms, to_ms = ?2, last_mj = NULL, counts = NULL"
                  " WHERE token = ?4",
                  "iiis", counts->mj, counts->to_ms, counts->shape, counts->token) < 0)
        return -1;
    if (ledger_changed(ledger) > 0)
        return ledger_do(ledger,
                         "DELETE FROM live WHERE token = ?1 AND"
                         " (SELECT final FROM tokens WHERE token = ?1)",
                         "s", counts->token);
    return ledger_do(ledger,
                     "INSERT INTO live (token, run_id, saved_mj, saved_ms, shape,"
                     " from_ms, to_ms) SELECT token, t.run_id, ?1, ?2, ?3, ?2, ?2"
                     " FROM tokens t JOIN used u ON u.run_id = t.run_id"
                     " WHERE token = ?4 AND NOT final",
                     "iiis", counts->mj, counts->to_ms, counts->shape, counts->token);
}

int live_watch(struct ledger *ledger, int64_t run_id, bool watched)
{
    return ledger_do(ledger,
                     watched ? "INSERT INTO live_watched VALUES (?)"
                               " ON CONFLICT DO NOTHING"
                             : "DELETE FROM live_watched WHERE run_id = ?",
                     "i", run_id);
}

bool live_waiting(struct ledger *ledger, int64_t run_id, char token[64],
                  struct live_counts *counts)
{
    sqlite3_stmt *row =
        ledger_query(ledger,
                     "SELECT token, saved_mj + mj, shape, to_ms, cpu_ns, counts"
                     " FROM live WHERE run_id = ? AND counts IS NOT NULL LIMIT 1",
                     "i", run_id);
    bool found = row && sqlite3_step(row) == SQLITE_ROW;

    if (found) {
        snprintf(token, 64, "%s", (const char *)sqlite3_column_text(row, 0));
        *counts = (struct live_counts){
            .token = token,
            .mj = sqlite3_column_int64(row, 1),
            .shape = sqlite3_column_int64(row, 2),
            .to_ms = sqlite3_column_int64(row, 3),
            .cpu_ns = sqlite3_column_int64(row, 4),
            .domains = json_loads((const char *)sqlite3_column_text(row, 5), 0, NULL)};
    }
    ledger_done(ledger, row);
    return found && counts->domains;
}
