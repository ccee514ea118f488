/* steer_warn.c - runs that steering warns: told what comes */
#include <stdio.h>

#include "policy/log.h"
#include "policy/slurm_act.h"
#include "policy/steer_round.h"
#include "policy/tres.h"

/* At most so many a round: the next round has the rest. */
#define BATCH 32

struct warned {
    int64_t id;
    uint32_t job_id;
    char act[64], why[STEER_WHY];
    char said[96]; /* what its user said, as in an admin_comment; "": nothing */
    bool batch;
};

static int those_due(struct ledger *ledger, struct warned list[BATCH])
{
    sqlite3_stmt *row;
    int count = 0;

    if (ledger_begin(ledger) < 0)
        return 0;
    row = ledger_query(ledger,
                       "SELECT r.id, r.job_id, r.act_text, s.why, r.batch,"
                       " COALESCE(l.most_mj, 0), COALESCE(r.user_gpu_mw, 0)"
                       " FROM steering s CROSS JOIN runs r ON r.id = s.run_id"
                       " LEFT JOIN liens l ON l.run_id = s.run_id"
                       " WHERE s.warn_due LIMIT ?",
                       "i", (int64_t)BATCH);
    while (row && count < BATCH && sqlite3_step(row) == SQLITE_ROW) {
        struct warned *w = &list[count++];

        w->id = sqlite3_column_int64(row, 0);
        w->job_id = (uint32_t)sqlite3_column_int64(row, 1);
        snprintf(w->act, sizeof w->act, "%s",
                 (const char *)sqlite3_column_text(row, 2));
        snprintf(w->why, sizeof w->why, "%s",
                 (const char *)sqlite3_column_text(row, 3));
        w->batch = sqlite3_column_int(row, 4) != 0;
        tres_user_words(w->said, sizeof w->said,
                        sqlite3_column_int64(row, 5) / ESTIMATE_MJ_PER_WH,
                        sqlite3_column_int64(row, 6));
    }
    ledger_done(ledger, row);
    ledger_commit_soon(ledger);
    return count;
}

/* The line first: who gets the signal may want to know why. */
static void warn(const struct warned *w, const char *signal)
{
    char sentence[STEER_WHY + 160], why[ACT_WHY];

    snprintf(sentence, sizeof sentence, "kwota: job %s: its energy runs out: %s",
             w->act, w->why);
    if (act_notify(w->job_id, sentence, why) < 0)
        log_line("job %s could not be told that its energy runs out: %s", w->act, why);
    if (signal && act_signal(w->act, signal, w->batch, why) < 0)
        log_line("job %s could not be sent %s: %s", w->act, signal, why);
    snprintf(sentence, sizeof sentence, "kwota: warned: %s%s", w->why, w->said);
    if (act_comment(w->act, sentence, why) < 0)
        log_line("job %s could not be given a comment: %s", w->act, why);
}

void steer_warn(struct ledger *ledger, struct policy_store *policies)
{
    static struct warned list[BATCH];
    int count = those_due(ledger, list);
    struct policy *policy = count > 0 ? policy_store_take(policies) : NULL;

    for (int i = 0; i < count; i++) {
        warn(&list[i], policy_figures(policy)->steer_warn_signal);
        if (ledger_begin(ledger) < 0)
            break;
        ledger_do(ledger, "UPDATE steering SET warn_due = 0 WHERE run_id = ?", "i",
                  list[i].id);
        ledger_commit_soon(ledger);
    }
    if (policy)
        policy_release(policy);
}
